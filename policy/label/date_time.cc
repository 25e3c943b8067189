#include "policy/label/date_time.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace sallyport::policy::label {
namespace {

/// Takes what it expects off the front of the text; after the first thing that is not there, ok() is false for good.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : left_(text) {}

  int number(std::size_t digits) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      ok_ = ok_ && i < left_.size() && left_[i] >= '0' && left_[i] <= '9';
      if (!ok_) return 0;
      value = value * 10 + (left_[i] - '0');
    }
    left_.remove_prefix(digits);
    return value;
  }
  void literal(char c) { ok_ = take(c) && ok_; }
  bool take(char c) {
    if (left_.empty() || left_.front() != c) return false;
    left_.remove_prefix(1);
    return true;
  }
  void digits() {
    number(1);
    while (ok_ && !left_.empty() && left_.front() >= '0' && left_.front() <= '9') left_.remove_prefix(1);
  }
  bool ok() const { return ok_; }
  bool at_end() const { return left_.empty(); }

 private:
  std::string_view left_;
  bool ok_ = true;
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kWhiteSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) + 1 - first);
}

}  // namespace

std::optional<Seconds> read_date_time(std::string_view text) {
  using namespace std::chrono;
  Scanner in(trimmed(text));
  const int y = in.number(4);
  in.literal('-');
  const int m = in.number(2);
  in.literal('-');
  const int d = in.number(2);
  in.literal('T');
  const int hour = in.number(2);
  in.literal(':');
  const int minute = in.number(2);
  in.literal(':');
  const int second = in.number(2);
  if (in.take('.')) in.digits();
  minutes offset{0};
  const bool east = in.take('+');
  if (east || in.take('-')) {
    const int hours_off = in.number(2);
    in.literal(':');
    const int minutes_off = in.number(2);
    if (hours_off > 14 || minutes_off > 59) return std::nullopt;
    offset = hours(hours_off) + minutes(minutes_off);
    if (!east) offset = -offset;
  } else {
    in.take('Z');
  }
  const year_month_day date{year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d))};
  if (!in.ok() || !in.at_end() || y == 0 || !date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return sys_days(date) + hours(hour) + minutes(minute) + seconds(second) - offset;
}

std::string write_date_time(Seconds time) {
  using namespace std::chrono;
  const auto midnight = floor<days>(time);
  const year_month_day date(midnight);
  const hh_mm_ss clock(time - midnight);
  std::string text;
  const auto digits = [&text](std::int64_t number, std::size_t count) {
    const std::string written = std::to_string(number);
    text.append(count - std::min(count, written.size()), '0').append(written);
  };
  digits(static_cast<int>(date.year()), 4);
  text += '-';
  digits(static_cast<unsigned>(date.month()), 2);
  text += '-';
  digits(static_cast<unsigned>(date.day()), 2);
  text += 'T';
  digits(clock.hours().count(), 2);
  text += ':';
  digits(clock.minutes().count(), 2);
  text += ':';
  digits(clock.seconds().count(), 2);
  return text + 'Z';
}

}  // namespace sallyport::policy::label
