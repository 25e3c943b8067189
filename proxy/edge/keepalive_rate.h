// How much white space between stanzas a peer may send (protocol.md D-20).
#pragma once

#include <chrono>
#include <cstdint>

namespace sallyport::edge {

/// One read a second, averaged, may bring nothing but white space; kBurst of them may come at once. What is beyond it
/// is no fault, but is read later: a peer whose reading pauses waits for its TCP.
class KeepaliveRate {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr int kBurst = 20;
  static constexpr std::chrono::seconds kEach{1};

  /// A read has brought white space only. When the next read is due: now, or later.
  Clock::time_point take(Clock::time_point now) {
    // Full at the start, and never more than full.
    if (paid_until_ < now) paid_until_ = now;
    paid_until_ += kEach;
    const auto most = now + kBurst * kEach;
    return paid_until_ <= most ? now : now + (paid_until_ - most);
  }

 private:
  Clock::time_point paid_until_{};
};

}  // namespace sallyport::edge
