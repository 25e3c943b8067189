// Credit: how much may be sent on a leg before the side that has the memory gives more (design.md section 4).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "proxy/airlock/frames.h"

namespace sallyport::guard {

/// What a leg begins with, each way, and the reserve for injections.
inline constexpr std::uint32_t kWindowOctets = 64 * 1024;
inline constexpr std::uint32_t kWindowStanzas = 64;

/// The memory that the process lends as credit, in octets. Shared by its lanes.
class Budget {
 public:
  explicit Budget(std::uint64_t octets) : left_(static_cast<std::int64_t>(octets)) {}
  bool take(std::uint32_t octets) {
    if (left_.fetch_sub(octets, std::memory_order_relaxed) >= octets) return true;
    give_back(octets);
    return false;
  }
  void give_back(std::uint32_t octets) { left_.fetch_add(octets, std::memory_order_relaxed); }
  std::int64_t left() const { return left_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> left_;
};

/// What this side has lent on an accepted leg. When the budget is short a leg gets the smallest credit: one stanza at a
/// time, so that every open leg still gets its turn.
class Lent {
 public:
  explicit Lent(Budget& budget, std::uint32_t octets = kWindowOctets, std::uint32_t stanzas = kWindowStanzas)
      : budget_(budget), full_octets_(octets), full_stanzas_(stanzas) {}
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  ~Lent() {
    if (window_ > 1) budget_.give_back(window_);
  }

  /// The first credit.
  airlock::Credit open();
  /// Takes one stanza off. False: overdrawn by more than the one stanza that is allowed.
  bool spend(std::size_t octets);
  /// The memory of one stanza is free again.
  void free(std::size_t octets);
  /// What may be given back to the edge now, nothing if it is not worth a frame.
  std::optional<airlock::Credit> replenish();
  /// True while something was spent and not yet freed.
  bool owes() const { return in_use_stanzas_ > 0; }

 private:
  Budget& budget_;
  const std::uint32_t full_octets_, full_stanzas_;  ///< lent while the budget is not short
  std::uint32_t window_ = 0;                        ///< octets lent
  std::uint32_t window_stanzas_ = 0;
  std::int64_t octets_ = 0, stanzas_ = 0;  ///< what the edge still has
  std::int64_t in_use_ = 0, in_use_stanzas_ = 0;
};

/// What the other side has lent on a dialled leg. Injections may go below nothing by the reserve: the far edge gives
/// credit for them as for all else.
class Purse {
 public:
  /// An edge that gives more than this gives it in vain.
  static constexpr std::int64_t kMost = std::int64_t{1} << 32;

  bool allows() const { return octets_ > 0 && stanzas_ > 0; }
  bool allows_injection() const {
    return octets_ > -std::int64_t{kWindowOctets} && stanzas_ > -std::int64_t{kWindowStanzas};
  }
  void spend(std::size_t octets) {
    octets_ -= static_cast<std::int64_t>(octets);
    stanzas_ -= 1;
  }
  void add(const airlock::Credit& credit);

 private:
  std::int64_t octets_ = kWindowOctets, stanzas_ = kWindowStanzas;
};

}  // namespace sallyport::guard
