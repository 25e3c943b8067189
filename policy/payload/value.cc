#include "policy/payload/value.h"

#include <algorithm>
#include <charconv>

#include "policy/stage.h"

namespace sallyport::policy::shapes {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20;
}

bool is_base64(std::string_view text) {
  const std::size_t padding = text.find('=');
  const auto body = text.substr(0, padding);
  const auto rest = padding == std::string_view::npos ? std::string_view() : text.substr(padding);
  return std::ranges::all_of(
             body, [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '/' || is_space(c); }) &&
         std::ranges::count(rest, '=') <= 2 &&
         std::ranges::all_of(rest, [](char c) { return c == '=' || is_space(c); });
}

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
}

/// What RFC 3986 excludes within ASCII; RFC 3987 lets the rest of Unicode stand.
bool is_uri(std::string_view text) {
  constexpr std::string_view kNever = " \"<>\\^`{|}";
  return std::ranges::none_of(text, [&](char c) { return is_control(c) || kNever.contains(c); });
}

bool is_integer(const Value& value, std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= value.least && number <= value.most;
}

/// Reads digits off the front; -1 if there are fewer.
int take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count || !std::ranges::all_of(text.substr(0, count), is_digit)) return -1;
  int number = 0;
  for (const char c : text.substr(0, count)) number = number * 10 + (c - '0');
  text.remove_prefix(count);
  return number;
}
bool take(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

/// "Z", "+01:00"; what the time is ahead of UTC.
std::optional<std::chrono::minutes> take_zone(std::string_view& text) {
  if (take(text, 'Z')) return std::chrono::minutes(0);
  const bool ahead = text.starts_with('+');
  if (!take(text, '+') && !take(text, '-')) return std::nullopt;
  const int hours = take_digits(text, 2);
  if (!take(text, ':')) return std::nullopt;
  const int minutes = take_digits(text, 2);
  if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59) return std::nullopt;
  const auto offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return ahead ? offset : -offset;
}

}  // namespace

bool fits(const Value& value, std::string_view text) {
  if (value.type != ValueType::Integer && text.size() > static_cast<std::size_t>(value.most) &&
      value.type != ValueType::Word && value.type != ValueType::None)
    return false;
  switch (value.type) {
    case ValueType::None:
      return is_whitespace(text);
    case ValueType::Text:
      return true;
    case ValueType::Token:
      return std::ranges::none_of(text, [](char c) { return is_control(c) || c == ' '; });
    case ValueType::Id:
      return !text.empty() && std::ranges::none_of(text, is_control);
    case ValueType::Jid:
    case ValueType::BareJid:
      return false;
    case ValueType::Date:
      return text.empty() || date(text).has_value();
    case ValueType::Integer:
      return is_integer(value, text);
    case ValueType::Boolean:
      return text == "true" || text == "false" || text == "1" || text == "0";
    case ValueType::Base64:
      return is_base64(text);
    case ValueType::Hex:
      return is_hex(text);
    case ValueType::Uri:
      return is_uri(text);
    case ValueType::Language:
      return text.empty() || is_language_tag(text);
    case ValueType::Word:
      return std::ranges::find(value.words, text) != value.words.end();
  }
  return false;
}

std::optional<std::chrono::sys_seconds> date(std::string_view text) {
  const int year = take_digits(text, 4);
  if (!take(text, '-')) return std::nullopt;
  const int month = take_digits(text, 2);
  if (!take(text, '-')) return std::nullopt;
  const int day = take_digits(text, 2);
  if (year < 0 || month < 0 || day < 0) return std::nullopt;
  const std::chrono::year_month_day of(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                       std::chrono::day(static_cast<unsigned>(day)));
  if (!of.ok()) return std::nullopt;
  if (text.empty()) return std::chrono::sys_days(of);
  if (!take(text, 'T')) return std::nullopt;
  const int hour = take_digits(text, 2);
  if (!take(text, ':')) return std::nullopt;
  const int minute = take_digits(text, 2);
  if (!take(text, ':')) return std::nullopt;
  const int second = take_digits(text, 2);
  if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || second < 0 || second > 60) return std::nullopt;
  if (take(text, '.')) {
    std::size_t places = 0;
    while (take_digits(text, 1) >= 0) ++places;
    if (places == 0 || places > 9) return std::nullopt;
  }
  const auto zone = take_zone(text);
  if (!zone || !text.empty()) return std::nullopt;
  return std::chrono::sys_days(of) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) - *zone;
}

}  // namespace sallyport::policy::shapes
