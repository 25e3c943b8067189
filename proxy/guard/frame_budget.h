// How many frames beside stanzas, and so how many records of its sessions, one edge may cause.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "proxy/guard/moment.h"

namespace sallyport::guard {

/// Stanzas have credit and events a budget of their own (D-30); all other frames of an edge that can lead to a record
/// draw on this (design.md section 4: they "have a fixed budget"). An honest edge does not come near it: a leg takes
/// four frames from its header to its end. Beyond it the edge's new legs are refused and counted instead of recorded;
/// when the edge goes on as far beyond it as it is large, the edge is ended.
class FrameBudget {
 public:
  static constexpr std::int64_t kMost = 20'000, kPerSecond = 4'000;
  /// Each frame costs so much while the log does not keep up, since its records are then kept in memory.
  static constexpr std::int64_t kCostWhileCongested = 16;

  /// False: the edge is to be ended.
  bool spend(Steady now, bool congested) {
    if (congested) {
      left_ -= kCostWhileCongested;
    } else {
      refill(now);
      --left_;
    }
    filled_ = now;
    // So that it does not change to and fro with every frame.
    spent_ = spent_ ? left_ < kMost / 2 : left_ < 0;
    return left_ >= -kMost;
  }
  bool is_spent() const { return spent_; }

 private:
  void refill(Steady now) {
    using std::chrono::microseconds;
    constexpr std::int64_t kSecond = 1'000'000;
    const auto passed = std::chrono::duration_cast<microseconds>(now - filled_).count();
    // What is not a whole frame's worth counts with the next.
    const std::int64_t earned = std::min<std::int64_t>(passed, 2 * kMost / kPerSecond * kSecond) * kPerSecond + rest_;
    rest_ = earned % kSecond;
    left_ = std::min(left_ + earned / kSecond, kMost);
  }

  std::int64_t left_ = kMost, rest_ = 0;
  Steady filled_{};
  bool spent_ = false;
};

}  // namespace sallyport::guard
