#include "audit/line_reader.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <span>

namespace sallyport::audit {
namespace {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// Four lower-case hex digits at the front of `text`.
std::optional<char32_t> four_hex(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  char32_t value = 0;
  for (const char c : text.substr(0, 4)) {
    const int digit = hex_value(c);
    if (digit < 0) return std::nullopt;
    value = value * 16 + static_cast<char32_t>(digit);
  }
  return value;
}

struct CodePoint {
  char32_t code = 0;
  std::size_t octets = 0;
};

/// What `\u...` at the front of `text` stands for; a surrogate pair counts as one.
std::optional<CodePoint> unicode_escape(std::string_view text) {
  const auto first = four_hex(text.substr(std::min<std::size_t>(2, text.size())));
  if (!first) return std::nullopt;
  if (*first < 0xD800 || *first > 0xDFFF) return CodePoint{*first, 6};
  if (*first > 0xDBFF || text.size() < 12 || text[6] != '\\' || text[7] != 'u') return std::nullopt;
  const auto second = four_hex(text.substr(8));
  if (!second || *second < 0xDC00 || *second > 0xDFFF) return std::nullopt;
  return CodePoint{0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00), 12};
}

/// The multi-octet sequence at the front of `text`, by the table of RFC 3629 section 4.
std::optional<CodePoint> utf8_sequence(std::string_view text) {
  struct Row {
    std::uint8_t lead_first, lead_last, second_first, second_last;
    std::size_t octets;
  };
  static constexpr std::array kRows = {
      Row{0xC2, 0xDF, 0x80, 0xBF, 2}, Row{0xE0, 0xE0, 0xA0, 0xBF, 3}, Row{0xE1, 0xEC, 0x80, 0xBF, 3},
      Row{0xED, 0xED, 0x80, 0x9F, 3}, Row{0xEE, 0xEF, 0x80, 0xBF, 3}, Row{0xF0, 0xF0, 0x90, 0xBF, 4},
      Row{0xF1, 0xF3, 0x80, 0xBF, 4}, Row{0xF4, 0xF4, 0x80, 0x8F, 4},
  };
  const auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  for (const auto& row : kRows) {
    if (octet(0) < row.lead_first || octet(0) > row.lead_last) continue;
    if (text.size() < row.octets || octet(1) < row.second_first || octet(1) > row.second_last) return std::nullopt;
    char32_t code = octet(0) & ((1U << (7 - row.octets)) - 1);
    for (std::size_t i = 1; i < row.octets; ++i) {
      if (octet(i) < 0x80 || octet(i) > 0xBF) return std::nullopt;
      code = code * 64 + (octet(i) - 0x80U);
    }
    return CodePoint{code, row.octets};
  }
  return std::nullopt;
}

/// Takes a line apart from its front. Each function gives false, or no value, when something else stands there.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }

  bool literal(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }

  /// A string in its only legal form; gives what stands between the quotes.
  std::optional<std::string_view> string() {
    if (!literal("\"")) return std::nullopt;
    std::size_t i = 0;
    while (i < rest_.size() && rest_[i] != '"') {
      const auto step = character(rest_.substr(i));
      if (step == 0) return std::nullopt;
      i += step;
    }
    if (i >= rest_.size()) return std::nullopt;
    const auto inner = rest_.substr(0, i);
    rest_.remove_prefix(i + 1);
    return inner;
  }

  /// A decimal number of 64 bits without leading zeros.
  std::optional<std::string_view> number(std::uint64_t& value) {
    const auto* const begin = rest_.data();
    const auto [stop, error] = std::from_chars(begin, begin + rest_.size(), value);
    const auto size = static_cast<std::size_t>(stop - begin);
    if (error != std::errc{} || (rest_[0] == '0' && size > 1)) return std::nullopt;
    const auto written = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return written;
  }

  /// A value of this kind, as written, and not the empty one.
  std::optional<std::string_view> value(format::Value kind) {
    switch (kind) {
      case format::Value::Text:
        return not_empty(string());
      case format::Value::Hash:
        return hash();
      case format::Value::Time:
        return time();
      case format::Value::Texts:
        return list(false);
      case format::Value::Pairs:
        return list(true);
      case format::Value::Number:
        break;
    }
    std::uint64_t value = 0;
    const auto written = number(value);
    return value == 0 ? std::nullopt : written;
  }

 private:
  static std::optional<std::string_view> not_empty(std::optional<std::string_view> text) {
    return text && text->empty() ? std::nullopt : text;
  }

  /// Octets of the character at the front, 0 when it may not stand there like this.
  static std::size_t character(std::string_view text) {
    const auto first = static_cast<std::uint8_t>(text[0]);
    if (first != '\\' && first >= 0x20 && first < 0x7F) return 1;
    if (first == '\\') {
      if (text.size() > 1 && (text[1] == '"' || text[1] == '\\')) return 2;
      if (text.size() < 2 || text[1] != 'u') return 0;
      const auto escape = unicode_escape(text);
      return escape && format::is_escaped(escape->code) ? escape->octets : 0;
    }
    const auto sequence = utf8_sequence(text);
    return sequence && !format::is_escaped(sequence->code) ? sequence->octets : 0;
  }

  std::optional<std::string_view> hash() {
    const auto written = string();
    if (!written || written->size() != 2 * format::kHashOctets) return std::nullopt;
    if (!std::ranges::all_of(*written, [](char c) { return hex_value(c) >= 0; })) return std::nullopt;
    return written;
  }

  std::optional<std::string_view> time() {
    constexpr std::string_view kShape = "0000-00-00T00:00:00.000000Z";
    const auto written = string();
    if (!written || written->size() != kShape.size()) return std::nullopt;
    for (std::size_t i = 0; i < kShape.size(); ++i) {
      if (kShape[i] == '0' ? !is_digit((*written)[i]) : (*written)[i] != kShape[i]) return std::nullopt;
    }
    return written;
  }

  /// ["a","b"] or [["a","b"],["c","d"]], at least one and at most kMostItems.
  std::optional<std::string_view> list(bool pairs) {
    const auto start = rest_;
    if (!literal("[")) return std::nullopt;
    for (std::size_t count = 0; count < format::kMostItems; ++count) {
      const bool item =
          pairs ? literal("[") && string() && literal(",") && string() && literal("]") : string().has_value();
      if (!item) return std::nullopt;
      if (literal("]")) return start.substr(0, start.size() - rest_.size());
      if (!literal(",")) return std::nullopt;
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

Digest digest(std::string_view hex) {
  Digest octets{};
  for (std::size_t i = 0; i < octets.size(); ++i) {
    octets[i] = static_cast<std::uint8_t>(hex_value(hex[2 * i]) * 16 + hex_value(hex[2 * i + 1]));
  }
  return octets;
}

void append_utf8(char32_t code, std::string& out) {
  const auto octet = [&](char32_t bits) { out += static_cast<char>(static_cast<std::uint8_t>(bits)); };
  if (code < 0x80) {
    octet(code);
  } else if (code < 0x800) {
    octet(0xC0 | (code >> 6));
    octet(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    octet(0xE0 | (code >> 12));
    octet(0x80 | ((code >> 6) & 0x3F));
    octet(0x80 | (code & 0x3F));
  } else {
    octet(0xF0 | (code >> 18));
    octet(0x80 | ((code >> 12) & 0x3F));
    octet(0x80 | ((code >> 6) & 0x3F));
    octet(0x80 | (code & 0x3F));
  }
}

}  // namespace

std::expected<Line, std::string> Line::read(std::string_view text) {
  const auto fault = [](std::string_view key) {
    return std::unexpected("not a record: \"" + std::string(key) + "\" is not as it has to be");
  };
  if (text.size() > format::kLargestLine) return std::unexpected("not a record: longer than a line may be");
  Cursor cursor(text);
  Line line;
  if (!cursor.literal("{\"n\":") || !cursor.number(line.number_) || line.number_ == 0) return fault("n");
  if (!cursor.literal(",\"prev\":")) return fault("prev");
  const auto prev = cursor.value(format::Value::Hash);
  if (!prev) return fault("prev");
  line.prev_ = digest(*prev);
  if (!cursor.literal(",\"time\":")) return fault("time");
  const auto time = cursor.value(format::Value::Time);
  if (!time) return fault("time");
  line.fields_[line.count_++] = {"time", *time};
  if (!cursor.literal(",\"record\":")) return fault("record");
  const auto kind = cursor.value(format::Value::Text);
  if (!kind || (*kind != format::kStanza && *kind != format::kEvent)) return fault("record");
  line.is_event_ = *kind == format::kEvent;
  line.fields_[line.count_++] = {"record", *kind};

  const auto keys = line.is_event_ ? std::span<const format::Key>(format::kEventKeys) : format::kStanzaKeys;
  auto next = keys.begin() + format::kFrontKeys;
  while (cursor.literal(",")) {
    const auto key = cursor.string();
    const auto at =
        key ? std::find_if(next, keys.end(), [&](const auto& each) { return each.name == *key; }) : keys.end();
    if (at == keys.end()) return std::unexpected("not a record: a key that is unknown, out of order or there twice");
    const auto value = cursor.literal(":") ? cursor.value(at->value) : std::nullopt;
    if (!value) return fault(at->name);
    line.fields_[line.count_++] = {at->name, *value};
    next = at + 1;
  }
  if (!cursor.literal("}") || !cursor.done()) return std::unexpected("not a record: does not end as it has to");
  return line;
}

std::vector<std::string_view> Line::keys() const {
  std::vector<std::string_view> keys;
  keys.reserve(count_);
  for (std::size_t i = 0; i < count_; ++i) keys.push_back(fields_[i].key);
  return keys;
}

std::string_view Line::written(std::string_view key) const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (fields_[i].key == key) return fields_[i].written;
  }
  return {};
}

std::string Line::text(std::string_view key) const {
  return unescaped(written(key));
}

std::uint64_t Line::value(std::string_view key) const {
  std::uint64_t value = 0;
  const auto digits = written(key);
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::vector<std::string_view> Line::items(std::string_view key) const {
  std::vector<std::string_view> items;
  Cursor cursor(written(key));
  if (!cursor.literal("[")) return items;
  do {
    if (const auto item = cursor.string()) items.push_back(*item);
  } while (cursor.literal(","));
  return items;
}

std::vector<std::pair<std::string_view, std::string_view>> Line::pairs(std::string_view key) const {
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  Cursor cursor(written(key));
  if (!cursor.literal("[")) return pairs;
  do {
    if (!cursor.literal("[")) break;
    const auto first = cursor.string();
    if (!cursor.literal(",")) break;
    const auto second = cursor.string();
    if (!first || !second || !cursor.literal("]")) break;
    pairs.emplace_back(*first, *second);
  } while (cursor.literal(","));
  return pairs;
}

std::string unescaped(std::string_view written) {
  std::string text;
  text.reserve(written.size());
  while (!written.empty()) {
    if (written[0] != '\\') {
      text += written[0];
      written.remove_prefix(1);
    } else if (const auto escape = written.starts_with("\\u") ? unicode_escape(written) : std::nullopt) {
      append_utf8(escape->code, text);
      written.remove_prefix(escape->octets);
    } else {
      text += written.substr(1, 1);
      written.remove_prefix(std::min<std::size_t>(2, written.size()));
    }
  }
  return text;
}

}  // namespace sallyport::audit
