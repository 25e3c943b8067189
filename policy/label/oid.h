// Object identifiers, kept as the content octets of their DER encoding.
#pragma once

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::policy::label {

/// An OBJECT IDENTIFIER (X.690 8.19), or none: a default-made one is empty and equal only to its like. Short ones, that
/// is all that labels carry, are kept without allocation. Ordered by octets, which is not the order of the arcs.
class Oid {
 public:
  static constexpr std::size_t kMostOctets = 128;  ///< labels.md 15
  static constexpr std::size_t kMostArcs = 32;     ///< labels.md 15

  Oid() = default;
  /// "2.999.258.1": at least two arcs, no leading zeros, each arc below 2^63.
  static std::optional<Oid> of_text(std::string_view dotted);
  /// The content octets: not empty, every sub-identifier complete, minimal and below 2^63.
  static std::optional<Oid> of_content(std::string_view octets);

  bool empty() const { return content_.empty(); }
  const std::string& content() const { return content_; }
  /// Dotted; "" of an empty one.
  std::string text() const;
  /// Whether this is `other` or an arc below it.
  bool is_below(const Oid& other) const { return content_.starts_with(other.content_); }

  /// Octets that are no object identifier decode as such: who decodes asks is_sound().
  static void fields(auto& s, auto&& f) { f(s.content_); }
  bool is_sound() const { return of_content(content_).has_value(); }

  bool operator==(const Oid&) const = default;
  std::strong_ordering operator<=>(const Oid&) const = default;

 private:
  std::string content_;
};

}  // namespace sallyport::policy::label
