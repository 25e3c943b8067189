// The format of the audit log: the only thing that its writer and its reader share. docs/audit-format.md is the
// grammar.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::audit::format {

inline constexpr std::string_view kVersion = "1";

/// Segments are named audit-000001.jsonl, audit-000002.jsonl ...; more digits once six do not suffice.
inline constexpr std::string_view kSegmentStem = "audit-";
inline constexpr std::string_view kSegmentEnd = ".jsonl";
inline constexpr std::size_t kSegmentDigits = 6;

/// Three lines: the title, the number of the last synced line, its leaf hash in lower-case hex. The shape is that of a
/// C2SP tlog-checkpoint's text (origin, tree size, hash), so that a signed one can take its place.
inline constexpr std::string_view kHeadName = "head";
inline constexpr std::string_view kHeadNew = "head.new";
inline constexpr std::string_view kHeadTitle = "sallyport audit head 1";
inline constexpr std::size_t kLargestHead = 512;

/// RFC 6962 2.1: a leaf hash is SHA-256(0x00 || leaf).
inline constexpr std::uint8_t kLeafPrefix = 0x00;
inline constexpr std::size_t kHashOctets = 32;

/// Octets of one text before escaping; what is longer is cut, and says so at its end.
inline constexpr std::size_t kLargestText = 8 * 1024;
inline constexpr std::size_t kLargestContent = 1024 * 1024;
inline constexpr std::string_view kCutBefore = "\u2026(cut, of ";
inline constexpr std::string_view kCutAfter = " octets)";
/// Findings of a stanza, details of an event; what is beyond is left out.
inline constexpr std::size_t kMostItems = 64;
/// Octets of a line without its newline; follows from the limits above, where one octet becomes at most six.
inline constexpr std::size_t kLargestLine = 16 * 1024 * 1024;

enum class Value : std::uint8_t { Text, Number, Hash, Time, Texts, Pairs };
struct Key {
  std::string_view name;
  Value value;
};

/// The keys of a line in their order. The first four always stand; one whose value is empty, 0 or all zeros is left
/// out.
inline constexpr std::size_t kFrontKeys = 4;
inline constexpr std::string_view kStanza = "stanza";
inline constexpr std::string_view kEvent = "event";
inline constexpr std::array kStanzaKeys = {
    Key{"n", Value::Number},          Key{"prev", Value::Hash},         Key{"time", Value::Time},
    Key{"record", Value::Text},       Key{"crossing", Value::Number},   Key{"from_enclave", Value::Text},
    Key{"to_enclave", Value::Text},   Key{"from", Value::Text},         Key{"to", Value::Text},
    Key{"kind", Value::Text},         Key{"type", Value::Text},         Key{"id", Value::Text},
    Key{"id_out", Value::Text},       Key{"from_out", Value::Text},     Key{"to_in", Value::Text},
    Key{"verdict", Value::Text},      Key{"reason", Value::Text},       Key{"findings", Value::Texts},
    Key{"rule", Value::Text},         Key{"bundle", Value::Text},       Key{"label_in", Value::Text},
    Key{"marking_in", Value::Text},   Key{"label_out", Value::Text},    Key{"marking_out", Value::Text},
    Key{"label_detail", Value::Text}, Key{"shadow", Value::Text},       Key{"leg_in", Value::Number},
    Key{"number_in", Value::Number},  Key{"leg_out", Value::Number},    Key{"number_out", Value::Number},
    Key{"octets_in", Value::Number},  Key{"octets_out", Value::Number}, Key{"sha256_in", Value::Hash},
    Key{"sha256_out", Value::Hash},   Key{"cause", Value::Text},        Key{"content", Value::Text},
};
inline constexpr std::array kEventKeys = {
    Key{"n", Value::Number},        Key{"prev", Value::Hash},  Key{"time", Value::Time},
    Key{"record", Value::Text},     Key{"code", Value::Text},  Key{"enclave", Value::Text},
    Key{"crossing", Value::Number}, Key{"leg", Value::Number}, Key{"details", Value::Pairs},
};

/// Code points that never stand for themselves: they are written \uXXXX (lower-case hex, beyond U+FFFF as a surrogate
/// pair), as are the two that JSON needs, which are written \" and \\. Controls would steer a terminal; the
/// bidirectional and invisible ones would make a line look like another.
struct CodeRange {
  char32_t first, last;
};
inline constexpr std::array kEscaped = {
    CodeRange{0x0000, 0x001F},   CodeRange{0x007F, 0x009F},  // controls
    CodeRange{0x00AD, 0x00AD},                               // soft hyphen
    CodeRange{0x061C, 0x061C},                               // Arabic letter mark
    CodeRange{0x180E, 0x180E},                               // Mongolian vowel separator
    CodeRange{0x200B, 0x200F},                               // zero width, direction marks
    CodeRange{0x2028, 0x202E},                               // line and paragraph separator, embeddings and overrides
    CodeRange{0x2060, 0x206F},                               // isolates, invisible operators
    CodeRange{0xFE00, 0xFE0F},                               // variation selectors
    CodeRange{0xFEFF, 0xFEFF},   CodeRange{0xFFF9, 0xFFFB},  // byte order mark, interlinear annotation
    CodeRange{0xE0000, 0xE0FFF},                             // tags, variation selectors
};
constexpr bool is_escaped(char32_t code) {
  if (code >= 0x20 && code < 0x7F) return false;
  for (const auto& range : kEscaped) {
    if (code >= range.first && code <= range.last) return true;
  }
  return false;
}

/// Codes of the events that the log itself writes, and of the one that tells it what has settled.
inline constexpr std::string_view kOpened = "audit.opened";
inline constexpr std::string_view kTornLineCut = "audit.torn-line-cut";
inline constexpr std::string_view kFateUnknown = "audit.fate-unknown";
inline constexpr std::string_view kSettled = "leg.settled";
inline constexpr std::string_view kThrough = "through";
/// Releases that one fate-unknown event names; those of a leg with more stand in several, so that no list is cut.
inline constexpr std::size_t kFatesPerEvent = 256;
/// An event with the detail `record` says what became of that release: kRepeated, that it went to another leg under
/// another number; any other, that it was given up. Those of the airlock do not count: they hold an edge's own words.
inline constexpr std::string_view kAirlockStage = "airlock.";
inline constexpr std::string_view kRepeated = "route.repeated";
inline constexpr std::string_view kReleaseRecord = "record";
inline constexpr std::string_view kReleaseNumber = "number";

}  // namespace sallyport::audit::format
