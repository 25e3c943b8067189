// The stanzas of one accepted leg that the guard has taken and not yet answered for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "proxy/relay/fifo.h"

namespace sallyport::guard {

/// Numbers count from 1 without a gap. A stanza may be answered out of order (its leg can carry several routes);
/// Handled counts only what has no open one before it.
class Window {
 public:
  /// False: not the next number.
  bool take(std::uint64_t number) {
    if (number != last_ + 1) return false;
    last_ = number;
    answered_.push() = false;
    return true;
  }
  void answer(std::uint64_t number) {
    if (number <= handled_ || number > last_) return;
    answered_[number - handled_ - 1] = true;
    while (!answered_.empty() && answered_.front()) {
      answered_.pop();
      ++handled_;
    }
  }
  /// What Handled should say, when that has changed since the last call.
  std::optional<std::uint64_t> news() {
    if (handled_ == told_) return std::nullopt;
    told_ = handled_;
    return handled_;
  }
  std::uint64_t last() const { return last_; }
  std::size_t open() const { return answered_.size(); }

 private:
  relay::Fifo<bool> answered_;  ///< of the numbers handled_ + 1 to last_
  std::uint64_t last_ = 0, handled_ = 0, told_ = 0;
};

}  // namespace sallyport::guard
