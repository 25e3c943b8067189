// How many events an edge may report (protocol.md D-30).
#pragma once

#include <chrono>
#include <cstdint>

namespace sallyport::edge {

/// So many events a minute are reported one by one; the rest are counted, and the count is reported when the next
/// minute begins.
class EventBudget {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint32_t kEventsPerMinute = 100;

  /// True: report it.
  bool spend(Clock::time_point now) {
    if (now - since_ >= std::chrono::minutes(1)) {
      since_ = now;
      spent_ = 0;
    }
    if (spent_ < kEventsPerMinute) {
      ++spent_;
      return true;
    }
    ++suppressed_;
    return false;
  }
  /// What was left out in a minute that is over; 0 as long as it runs.
  std::uint64_t take_suppressed(Clock::time_point now) {
    if (suppressed_ == 0 || now - since_ < std::chrono::minutes(1)) return 0;
    const std::uint64_t count = suppressed_;
    suppressed_ = 0;
    return count;
  }

 private:
  Clock::time_point since_{};
  std::uint32_t spent_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace sallyport::edge
