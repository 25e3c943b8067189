// How much may be on its way: credit in both directions of a leg, and what became of each delivery
// (docs/airlock.md "Stanzas and credit"). Pure bookkeeping.
#pragma once

#include <cstddef>
#include <cstdint>
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

/// Follows deliveries from the guard through TLS and TCP to the peer, and says what credit may be given back.
class Deliveries {
 public:
  static constexpr std::uint32_t kOctets = 64 * 1024;  ///< the credit that every leg begins with
  static constexpr std::uint32_t kStanzas = 64;

  /// A delivery was taken over; `octets` of canonical XML. False: its number is out of turn, or the guard has overdrawn
  /// credit and reserve.
  bool take(std::uint64_t number, std::size_t octets);
  /// All that was taken so far has become wire octets, the last of them with `unsent` octets before TCP takes it.
  void encode(std::size_t unsent);
  /// TCP has taken so many wire octets more.
  void send(std::size_t octets);
  /// The peer's TCP has everything but the last `unacknowledged` octets that were sent.
  void acknowledge(std::size_t unacknowledged);

  std::uint64_t written() const { return written_; }
  std::uint64_t settled() const { return settled_; }
  bool awaits_settlement() const { return settled_ < written_; }
  /// Credit to give, once it is worth a frame.
  std::optional<airlock::Credit> credit();

 private:
  struct Mark {
    std::uint64_t number;  ///< the last delivery in this piece
    std::uint64_t end;     ///< wire octets up to its end
    std::size_t octets, stanzas;
  };

  std::uint64_t taken_ = 0, written_ = 0, settled_ = 0;
  std::uint64_t sent_octets_ = 0;
  std::size_t open_octets_ = 0, open_stanzas_ = 0;      // taken, not yet encoded
  std::size_t lent_octets_ = 0, lent_stanzas_ = 0;      // taken, not yet given back as credit
  std::size_t credit_octets_ = 0, credit_stanzas_ = 0;  // written, to be given back
  std::vector<Mark> unwritten_, unsettled_;             ///< short: bounded by credit
};

}  // namespace sallyport::edge
