// The Basic and Distinguished Encoding Rules (X.690) as far as security labels and clearances need them: a reader that
// refuses what has two readings, and the one way of writing (labels.md 3.4, 3.5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::policy::label::ber {

/// Ber: indefinite lengths, needlessly long lengths and unsorted sets are accepted (labels.md I11). Der: refused. Never
/// accepted: tags above 30, constructed strings, lengths beyond the input, integers with padding.
enum class Rules : std::uint8_t { Ber, Der };

enum Tag : std::uint8_t {
  kInteger = 0x02,
  kBitString = 0x03,
  kOid = 0x06,
  kUtf8String = 0x0C,
  kPrintableString = 0x13,
  kSequence = 0x30,
  kSet = 0x31,
};
/// A context-specific tag: [number], holding other elements or octets.
constexpr std::uint8_t constructed(unsigned number) {
  return static_cast<std::uint8_t>(0xA0U | number);
}
constexpr std::uint8_t primitive(unsigned number) {
  return static_cast<std::uint8_t>(0x80U | number);
}

/// One element; views into the input.
struct Element {
  std::uint8_t tag = 0;
  std::string_view content;
  std::string_view whole;  ///< with tag and length
  bool is_constructed() const { return (tag & 0x20U) != 0; }
};

/// What one decoding may cost, and whether it has gone well so far. Shared by all its readers.
struct Decoding {
  Rules rules = Rules::Ber;
  std::size_t elements_left = 65'536;  ///< also counts those passed over in search of an end
  bool ok = true;
};

/// Reads the elements of one constructed element, or of the whole input. After a fault every next() gives an element
/// with tag 0, which nothing expects.
class Reader {
 public:
  static constexpr unsigned kDepth = 12;  ///< the deepest label (MISSI, type 7) needs 10

  Reader(std::string_view octets, Decoding& decoding, unsigned depth = kDepth)
      : left_(octets), decoding_(decoding), depth_(depth) {}

  bool at_end() const { return left_.empty() || !decoding_.ok; }
  Element next();
  /// The next element, which has to have that tag.
  Element next(std::uint8_t tag);
  /// A reader of what is inside.
  Reader inside(const Element& element);
  /// The only element of what is left, which has to have that tag.
  Element only(std::uint8_t tag);
  void end() { require(left_.empty()); }
  void require(bool condition) { decoding_.ok = decoding_.ok && condition; }
  bool ok() const { return decoding_.ok; }
  bool is_der() const { return decoding_.rules == Rules::Der; }

 private:
  std::optional<std::size_t> size_of_first(std::string_view octets, unsigned depth, Element* element);

  std::string_view left_;
  Decoding& decoding_;
  unsigned depth_;
};

/// The content of an INTEGER from 0 to `largest`, minimally encoded (X.690 8.3.2).
std::optional<std::uint32_t> read_integer(std::string_view content, std::uint32_t largest);
/// Where the bits of a BIT STRING are; bit 0 is the most significant of the first octet. nullopt if more than 7 bits
/// are unused, or an unused one is set (a hidden channel), or there are more than `most` bits.
std::optional<std::vector<std::uint32_t>> read_bits(std::string_view content, std::size_t most);
std::string write(std::uint8_t tag, std::string_view content);
std::string write_integer(std::uint32_t value);
/// Trailing zero bits are left out (X.690 11.2.2). `bits` must rise.
std::string write_bits(std::uint8_t tag, const std::vector<std::uint32_t>& bits);
/// A SET OF: elements sorted by their octets (X.690 11.6).
std::string write_set(std::uint8_t tag, std::vector<std::string> elements);

}  // namespace sallyport::policy::label::ber
