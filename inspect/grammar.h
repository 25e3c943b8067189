// What names and namespace names may look like (protocol.md 5.7, 7.2 Z-e).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace sallyport::inspect {

inline constexpr std::size_t kNameOctets = 256;
inline constexpr std::size_t kNamespaceOctets = 256;

constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
/// Whitespace of XML: space, tab, LF, CR.
constexpr bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}
constexpr bool is_name_start(char c) {
  return is_letter(c) || c == '_';
}
constexpr bool is_name_character(char c) {
  return is_name_start(c) || is_digit(c) || c == '-' || c == '.';
}

/// A predicate on characters as a table, for loops over many.
class CharacterTable {
 public:
  explicit constexpr CharacterTable(bool (*predicate)(char)) {
    for (unsigned i = 0; i < 256; ++i) in_[i] = predicate(static_cast<char>(i));
  }
  constexpr bool operator()(char c) const { return in_[static_cast<unsigned char>(c)]; }

 private:
  std::array<bool, 256> in_{};
};
inline constexpr CharacterTable kNameCharacters(is_name_character);

/// Begins with "xml" in any case (XML 1.0 2.3). The condition xml-not-well-formed of RFC 3920 counts as free: peers
/// still send it (STR-30).
constexpr bool is_reserved_name(std::string_view name) {
  return name.size() >= 3 && (name[0] | 0x20) == 'x' && (name[1] | 0x20) == 'm' && (name[2] | 0x20) == 'l' &&
         name != "xml-not-well-formed";
}

/// [A-Za-z_][A-Za-z0-9._-]*, at most 256 octets, and not reserved.
bool is_local_name(std::string_view name);

/// 1 to 256 printable ASCII octets without space, quotes, & < >: nothing that a reader could take for a separator
/// (CVE-2022-25236).
bool is_namespace_name(std::string_view ns);

}  // namespace sallyport::inspect
