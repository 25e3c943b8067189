// Strict UTF-8 and the code points that may cross (protocol.md 7.2 Z-a, Z-d).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::inspect {

enum class CharacterFault : std::uint8_t {
  None,
  BadUtf8,        ///< overlong, surrogate, beyond U+10FFFF, stray or missing continuation
  ByteOrderMark,  ///< U+FEFF, wherever it stands
  NotXml,         ///< no character of XML 1.0: C0 controls, U+FFFE, U+FFFF
  Forbidden,      ///< legal XML, refused here: DEL, C1 controls, other noncharacters, U+2028, U+2029
};

/// What is wrong with one code point.
CharacterFault judge(char32_t code_point);

struct Utf8Scan {
  std::size_t clean = 0;                        ///< octets at the front that are whole, legal characters
  CharacterFault fault = CharacterFault::None;  ///< of the character that follows them
};
/// Reads as far as the text is legal. No fault and clean < size: the last character is incomplete so far (at most 3
/// octets); scan it again together with what follows.
Utf8Scan scan_utf8(std::string_view octets);

/// All of it is whole, legal characters.
bool is_clean_text(std::string_view octets);

}  // namespace sallyport::inspect
