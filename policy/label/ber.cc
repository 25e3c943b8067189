#include "policy/label/ber.h"

#include <algorithm>

namespace sallyport::policy::label::ber {
namespace {

std::uint8_t octet(std::string_view octets, std::size_t at) {
  return static_cast<std::uint8_t>(octets[at]);
}

/// Length octets: how many there are, and what they say. Indefinite: nullopt in `size`.
struct Length {
  std::size_t octets = 1;
  std::optional<std::size_t> size;
};

std::optional<Length> read_length(std::string_view octets, Rules rules) {
  if (octets.empty()) return std::nullopt;
  const std::uint8_t first = octet(octets, 0);
  if (first < 0x80) return Length{1, first};
  if (first == 0x80) return rules == Rules::Ber ? std::optional(Length{1, std::nullopt}) : std::nullopt;
  const std::size_t count = first & 0x7FU;
  if (count > sizeof(std::size_t) || octets.size() <= count) return std::nullopt;
  std::size_t size = 0;
  for (std::size_t i = 1; i <= count; ++i) size = size << 8 | octet(octets, i);
  const bool minimal = octet(octets, 1) != 0 && size >= 0x80;
  if (!minimal && rules == Rules::Der) return std::nullopt;
  return Length{1 + count, size};
}

}  // namespace

/// The size of the element that `octets` begin with; what is in it, too, if `element` is not null.
std::optional<std::size_t> Reader::size_of_first(std::string_view octets, unsigned depth, Element* element) {
  if (depth == 0 || octets.empty() || decoding_.elements_left == 0) return std::nullopt;
  --decoding_.elements_left;
  const std::uint8_t tag = octet(octets, 0);
  if (tag == 0 || (tag & 0x1FU) == 0x1FU) return std::nullopt;
  const auto length = read_length(octets.substr(1), decoding_.rules);
  if (!length) return std::nullopt;
  const std::size_t header = 1 + length->octets;
  const std::string_view rest = octets.substr(header);
  std::size_t size = 0, whole = 0;
  if (length->size) {
    if (*length->size > rest.size()) return std::nullopt;
    size = *length->size;
    whole = header + size;
  } else {
    if ((tag & 0x20U) == 0) return std::nullopt;
    constexpr std::string_view kEnd("\0\0", 2);
    while (!rest.substr(size).starts_with(kEnd)) {
      const auto inner = size_of_first(rest.substr(size), depth - 1, nullptr);
      if (!inner) return std::nullopt;
      size += *inner;
    }
    whole = header + size + kEnd.size();
  }
  if (element) *element = {tag, rest.substr(0, size), octets.substr(0, whole)};
  return whole;
}

Element Reader::next() {
  Element element;
  if (!decoding_.ok) return element;
  const auto size = size_of_first(left_, depth_, &element);
  require(size.has_value());
  if (!size) return {};
  left_.remove_prefix(*size);
  return element;
}

Element Reader::next(std::uint8_t tag) {
  const Element element = next();
  require(element.tag == tag);
  return decoding_.ok ? element : Element{};
}

Reader Reader::inside(const Element& element) {
  require(element.is_constructed() && depth_ > 0);
  return {decoding_.ok ? element.content : std::string_view(), decoding_, depth_ - 1};
}

Element Reader::only(std::uint8_t tag) {
  const Element element = next(tag);
  end();
  return element;
}

std::optional<std::uint32_t> read_integer(std::string_view content, std::uint32_t largest) {
  if (content.empty() || content.size() > 5 || (octet(content, 0) & 0x80U) != 0) return std::nullopt;
  if (content.size() > 1 && octet(content, 0) == 0 && (octet(content, 1) & 0x80U) == 0) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < content.size(); ++i) value = value << 8 | octet(content, i);
  if (value > largest) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

std::optional<std::vector<std::uint32_t>> read_bits(std::string_view content, std::size_t most) {
  if (content.empty()) return std::nullopt;
  const std::uint8_t unused = octet(content, 0);
  content.remove_prefix(1);
  if (unused > 7 || (content.empty() && unused != 0) || content.size() > (most + 7) / 8) return std::nullopt;
  if (!content.empty() && (octet(content, content.size() - 1) & ((1U << unused) - 1U)) != 0) return std::nullopt;
  std::vector<std::uint32_t> bits;
  for (std::size_t i = 0; i < content.size(); ++i)
    for (unsigned bit = 0; bit < 8; ++bit)
      if ((octet(content, i) & (0x80U >> bit)) != 0) bits.push_back(static_cast<std::uint32_t>(8 * i + bit));
  return bits;
}

std::string write(std::uint8_t tag, std::string_view content) {
  std::string out(1, static_cast<char>(tag));
  if (content.size() < 0x80) {
    out += static_cast<char>(content.size());
  } else {
    std::string size;
    for (std::size_t left = content.size(); left != 0; left >>= 8) size += static_cast<char>(left & 0xFFU);
    out += static_cast<char>(0x80U | size.size());
    out.append(size.rbegin(), size.rend());
  }
  out.append(content);
  return out;
}

std::string write_integer(std::uint32_t value) {
  std::string reversed;
  do {
    reversed += static_cast<char>(value & 0xFFU);
    value >>= 8;
  } while (value != 0);
  if ((static_cast<std::uint8_t>(reversed.back()) & 0x80U) != 0) reversed += '\0';
  return write(kInteger, std::string(reversed.rbegin(), reversed.rend()));
}

std::string write_bits(std::uint8_t tag, const std::vector<std::uint32_t>& bits) {
  if (bits.empty()) return write(tag, std::string_view("\0", 1));
  std::string content(2 + bits.back() / 8, '\0');
  content[0] = static_cast<char>(7 - bits.back() % 8);
  for (const std::uint32_t bit : bits) {
    char& into = content[1 + bit / 8];
    into = static_cast<char>(static_cast<std::uint8_t>(into) | (0x80U >> bit % 8));
  }
  return write(tag, content);
}

std::string write_set(std::uint8_t tag, std::vector<std::string> elements) {
  std::ranges::sort(elements);
  std::string content;
  for (const std::string& element : elements) content += element;
  return write(tag, content);
}

}  // namespace sallyport::policy::label::ber
