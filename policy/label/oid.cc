#include "policy/label/oid.h"

#include <charconv>
#include <cstdint>
#include <utility>

namespace sallyport::policy::label {
namespace {

constexpr std::uint64_t kLargestArc = (std::uint64_t{1} << 63) - 1;

/// Base 128, most significant first, bit 8 set on all but the last (X.690 8.19.2).
void append(std::string& out, std::uint64_t number) {
  int shift = 63;
  while (shift > 0 && number >> shift == 0) shift -= 7;
  for (; shift > 0; shift -= 7) out.push_back(static_cast<char>(0x80U | ((number >> shift) & 0x7FU)));
  out.push_back(static_cast<char>(number & 0x7FU));
}

/// The next sub-identifier, taken off the front; nullopt if it is cut, padded or too large.
std::optional<std::uint64_t> take(std::string_view& octets) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const auto octet = static_cast<unsigned char>(octets[i]);
    if (i == 0 && octet == 0x80U) return std::nullopt;
    if (number > kLargestArc >> 7) return std::nullopt;
    number = number << 7 | (octet & 0x7FU);
    if ((octet & 0x80U) != 0) continue;
    octets.remove_prefix(i + 1);
    return number;
  }
  return std::nullopt;
}

/// The next arc, and the dot behind it, taken off the front.
std::optional<std::uint64_t> take_decimal(std::string_view& dotted) {
  std::uint64_t number = 0;
  const char* const first = dotted.data();
  const char* const last = first + dotted.size();
  const auto [end, fault] = std::from_chars(first, last, number);
  if (fault != std::errc{} || number > kLargestArc) return std::nullopt;
  if (*first == '0' && end != first + 1) return std::nullopt;
  if (end != last && (*end != '.' || end + 1 == last)) return std::nullopt;
  dotted.remove_prefix(static_cast<std::size_t>(end - first) + (end == last ? 0 : 1));
  return number;
}

}  // namespace

std::optional<Oid> Oid::of_text(std::string_view dotted) {
  const auto root = take_decimal(dotted);
  if (!root || *root > 2) return std::nullopt;
  const auto second = take_decimal(dotted);
  if (!second || (*root < 2 && *second > 39) || *second > kLargestArc - 80) return std::nullopt;
  Oid oid;
  append(oid.content_, *root * 40 + *second);
  std::size_t arcs = 2;
  while (!dotted.empty()) {
    const auto arc = take_decimal(dotted);
    if (!arc || ++arcs > kMostArcs) return std::nullopt;
    append(oid.content_, *arc);
  }
  if (oid.content_.size() > kMostOctets) return std::nullopt;
  return oid;
}

std::optional<Oid> Oid::of_content(std::string_view octets) {
  if (octets.empty() || octets.size() > kMostOctets) return std::nullopt;
  std::string_view rest = octets;
  for (std::size_t arcs = 2; !rest.empty(); ++arcs)
    if (arcs > kMostArcs || !take(rest)) return std::nullopt;
  Oid oid;
  oid.content_ = octets;
  return oid;
}

std::string Oid::text() const {
  std::string text;
  std::string_view rest = content_;
  while (!rest.empty()) {
    const auto number = take(rest);
    if (!number) return {};
    if (!text.empty()) {
      text += '.' + std::to_string(*number);
      continue;
    }
    const std::uint64_t root = *number < 80 ? *number / 40 : 2;
    text = std::to_string(root) + '.' + std::to_string(*number - root * 40);
  }
  return text;
}

}  // namespace sallyport::policy::label
