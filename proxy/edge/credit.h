// How much may be on its way: credit in both directions of a leg, and what became of each delivery
// (docs/airlock.md "Stanzas and credit"). Pure bookkeeping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "proxy/airlock/frames.h"

namespace sallyport::edge {

/// What the guard still takes from one peer.
class StanzaCredit {
 public:
  void grant(std::uint32_t octets, std::uint32_t stanzas) {
    octets_ += octets;
    stanzas_ += stanzas;
  }
  /// One stanza more may be sent; it may overdraw.
  bool is_left() const { return octets_ > 0 && stanzas_ > 0; }
  void spend(std::size_t octets) {
    octets_ -= static_cast<std::int64_t>(octets);
    --stanzas_;
  }

 private:
  std::int64_t octets_ = 0, stanzas_ = 0;
};

/// What a lane lends to its busy legs beyond the credit that every leg begins with, in octets.
class CreditBudget {
 public:
  explicit CreditBudget(std::size_t octets) : left_(octets) {}
  bool take(std::size_t octets) {
    if (left_ < octets) return false;
    left_ -= octets;
    return true;
  }
  void give_back(std::size_t octets) { left_ += octets; }

 private:
  std::size_t left_;
};

/// Follows deliveries from the guard through TLS and TCP to the peer, and says what credit may be given back.
class Deliveries {
 public:
  static constexpr std::uint32_t kOctets = 64 * 1024;  ///< the credit that every leg begins with
  static constexpr std::uint32_t kStanzas = 64;
  static constexpr std::uint32_t kMostTimes = 4;  ///< a busy leg may come to so many times that

  /// A delivery was taken over; `octets` of canonical XML. False: its number is out of turn, or the guard has overdrawn
  /// credit and reserve.
  bool take(std::uint64_t number, std::size_t octets);
  /// All that was taken so far has become wire octets, the last of them with `unsent` octets before TCP takes it.
  void encode(std::size_t unsent);
  /// TCP has taken so many wire octets more.
  void send(std::size_t octets);
  /// The peer's TCP has everything but the last `unacknowledged` octets that were sent.
  void acknowledge(std::size_t unacknowledged);
  /// Deliveries beyond this number settle by confirm() alone, not by TCP.
  void settle_by_tcp(std::uint64_t most);
  /// The peer itself says that it has everything up to this number.
  void confirm(std::uint64_t number);

  std::uint64_t written() const { return written_; }
  std::uint64_t settled() const { return settled_; }
  /// TCP will say more.
  bool awaits_settlement() const { return !unsettled_.empty(); }
  /// Written, and not known to be settled.
  std::uint64_t unsettled() const { return written_ - settled_; }
  /// Credit to give, once it is worth a frame. A leg whose credit was nearly used up since the last time gets more of
  /// it, as far as the budget goes; nullptr: it gets none, since its peer is slow.
  std::optional<airlock::Credit> credit(CreditBudget* budget);
  /// The leg is not busy any more: what it had beyond its first credit is kept back from what it writes next. Gives the
  /// octets that go back to the budget.
  std::size_t shrink();

 private:
  struct Mark {
    std::uint64_t number;  ///< the last delivery in this piece
    std::uint64_t end;     ///< wire octets up to its end
    std::size_t octets, stanzas;
  };

  std::uint64_t taken_ = 0, written_ = 0, settled_ = 0;
  std::uint64_t most_by_tcp_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t sent_octets_ = 0;
  std::size_t open_octets_ = 0, open_stanzas_ = 0;                // taken, not yet encoded
  std::uint32_t times_ = 1;                                       // its window, in first credits
  std::int64_t left_octets_ = kOctets, left_stanzas_ = kStanzas;  // what the guard may still send
  std::int64_t credit_octets_ = 0, credit_stanzas_ = 0;           // written, to be given back; a debt after shrink()
  bool used_up_ = false;                                          // nearly
  std::vector<Mark> unwritten_, unsettled_;                       ///< short: bounded by credit
};

}  // namespace sallyport::edge
