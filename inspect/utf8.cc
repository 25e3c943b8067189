#include "inspect/utf8.h"

namespace sallyport::inspect {
namespace {

bool is_printable_ascii(unsigned char octet) {
  return octet >= 0x20 && octet < 0x7F;
}

// Octets at the front that are printable ASCII, found in blocks that the compiler turns into vector instructions.
std::size_t printable_ascii_prefix(std::string_view octets) {
  constexpr std::size_t kBlock = 32;
  std::size_t at = 0;
  while (octets.size() - at >= kBlock) {
    unsigned char other = 0;
    for (std::size_t i = 0; i < kBlock; ++i)
      other |= static_cast<unsigned char>(!is_printable_ascii(static_cast<unsigned char>(octets[at + i])));
    if (other != 0) break;
    at += kBlock;
  }
  while (at < octets.size() && is_printable_ascii(static_cast<unsigned char>(octets[at]))) ++at;
  return at;
}

struct Lead {
  int length;               ///< 0: no lead octet
  unsigned char low, high;  ///< what the second octet may be (Unicode table 3-7)
  unsigned char bits;       ///< of the lead octet that belong to the code point
};

Lead lead(unsigned char octet) {
  if (octet < 0xC2) return {0, 0, 0, 0};
  if (octet < 0xE0) return {2, 0x80, 0xBF, 0x1F};
  if (octet == 0xE0) return {3, 0xA0, 0xBF, 0x0F};
  if (octet == 0xED) return {3, 0x80, 0x9F, 0x0F};
  if (octet < 0xF0) return {3, 0x80, 0xBF, 0x0F};
  if (octet == 0xF0) return {4, 0x90, 0xBF, 0x07};
  if (octet < 0xF4) return {4, 0x80, 0xBF, 0x07};
  if (octet == 0xF4) return {4, 0x80, 0x8F, 0x07};
  return {0, 0, 0, 0};
}

struct Character {
  std::size_t length = 0;  ///< 0 without a fault: incomplete
  CharacterFault fault = CharacterFault::None;
};

Character multibyte(std::string_view octets) {
  const auto first = static_cast<unsigned char>(octets[0]);
  const Lead shape = lead(first);
  if (shape.length == 0) return {0, CharacterFault::BadUtf8};
  char32_t code_point = first & shape.bits;
  for (int i = 1; i < shape.length; ++i) {
    if (static_cast<std::size_t>(i) == octets.size()) return {};
    const auto octet = static_cast<unsigned char>(octets[static_cast<std::size_t>(i)]);
    const unsigned char low = i == 1 ? shape.low : 0x80;
    const unsigned char high = i == 1 ? shape.high : 0xBF;
    if (octet < low || octet > high) return {0, CharacterFault::BadUtf8};
    code_point = code_point << 6 | (octet & 0x3F);
  }
  return {static_cast<std::size_t>(shape.length), judge(code_point)};
}

}  // namespace

CharacterFault judge(char32_t code_point) {
  if (code_point < 0x20)
    return code_point == '\t' || code_point == '\n' || code_point == '\r' ? CharacterFault::None
                                                                          : CharacterFault::NotXml;
  if (code_point < 0x7F) return CharacterFault::None;
  if (code_point < 0xA0) return CharacterFault::Forbidden;
  if (code_point == 0xFEFF) return CharacterFault::ByteOrderMark;
  if (code_point == 0x2028 || code_point == 0x2029) return CharacterFault::Forbidden;
  if (code_point >= 0xD800 && code_point <= 0xDFFF) return CharacterFault::NotXml;
  if (code_point == 0xFFFE || code_point == 0xFFFF || code_point > 0x10FFFF) return CharacterFault::NotXml;
  if ((code_point & 0xFFFE) == 0xFFFE) return CharacterFault::Forbidden;
  if (code_point >= 0xFDD0 && code_point <= 0xFDEF) return CharacterFault::Forbidden;
  return CharacterFault::None;
}

Utf8Scan scan_utf8(std::string_view octets) {
  std::size_t at = 0;
  for (;;) {
    at += printable_ascii_prefix(octets.substr(at));
    if (at == octets.size()) return {at, CharacterFault::None};
    const auto octet = static_cast<unsigned char>(octets[at]);
    Character character{1, CharacterFault::None};
    if (octet < 0x80)
      character.fault = judge(octet);
    else
      character = multibyte(octets.substr(at));
    if (character.fault != CharacterFault::None || character.length == 0) return {at, character.fault};
    at += character.length;
  }
}

bool is_clean_text(std::string_view octets) {
  const Utf8Scan scan = scan_utf8(octets);
  return scan.fault == CharacterFault::None && scan.clean == octets.size();
}

}  // namespace sallyport::inspect
