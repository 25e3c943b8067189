// The reading side of one line: checks that it is a record in its only legal form, and gives its fields.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/format.h"
#include "audit/record.h"

namespace sallyport::audit {

/// One line as it stands in the log. All views point into the text that it was read from.
class Line {
 public:
  /// `text` is a line without its newline. The error says what is not as the grammar of docs/audit-format.md has it.
  static std::expected<Line, std::string> read(std::string_view text);

  std::uint64_t number() const { return number_; }
  const Digest& prev() const { return prev_; }
  bool is_event() const { return is_event_; }

  /// The keys that stand, in their order, without n and prev.
  std::vector<std::string_view> keys() const;
  /// A field as it is written, without quotes and with its escapes, safe to print; "" when the key does not stand.
  std::string_view written(std::string_view key) const;
  /// A field of kind Text, escapes resolved.
  std::string text(std::string_view key) const;
  /// A field of kind Number, 0 when it does not stand.
  std::uint64_t value(std::string_view key) const;
  /// A field of kind Texts, as written.
  std::vector<std::string_view> items(std::string_view key) const;
  /// A field of kind Pairs, as written.
  std::vector<std::pair<std::string_view, std::string_view>> pairs(std::string_view key) const;

 private:
  struct Field {
    std::string_view key, written;
  };
  std::uint64_t number_ = 0;
  Digest prev_{};
  bool is_event_ = false;
  std::array<Field, format::kStanzaKeys.size()> fields_{};
  std::size_t count_ = 0;
};

/// Resolves the escapes of a text as it stands in a line that was read.
std::string unescaped(std::string_view written);

}  // namespace sallyport::audit
