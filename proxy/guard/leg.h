// The legs of one lane: what the guard knows of one stream pair between an edge and a peer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/verdict.h"
#include "proxy/airlock/frames.h"
#include "proxy/guard/credit.h"
#include "proxy/guard/letter.h"
#include "proxy/guard/moment.h"
#include "proxy/guard/phase.h"
#include "proxy/guard/window.h"
#include "proxy/relay/fifo.h"

namespace sallyport::guard {

class Route;

/// Index of an edge, and so of an enclave, in the order of the configuration.
using EdgeIndex = std::size_t;

struct Leg {
  std::uint64_t serial = 0;  ///< in this lane, never reused
  EdgeIndex edge = 0;
  std::uint16_t edge_lane = 0;
  airlock::LegId id = airlock::kNoLeg;
  Side side = Side::Accepted;
  Phase phase = Phase::Opened;
  Steady since{};            ///< when it entered its phase
  Steady due = kNever;       ///< its entry in the agenda
  bool said_closed = false;  ///< Closed has gone out
  bool unrecorded = false;   ///< refused beyond its edge's budget: counted, not recorded
  bool alarmed = false;      ///< a frame out of turn has ended it

 protected:
  ~Leg() = default;
};

/// Accepted by its edge.
struct InLeg : Leg {
  explicit InLeg(Budget& budget) : lent(budget) {}

  std::string from, to;  ///< of the header, prepared
  std::string from_enclave, to_enclave;
  std::string lang;
  std::vector<policy::Pair> pairs;          ///< granted
  std::vector<policy::Pair> was_granted;    ///< also those of a leg that is over
  std::vector<Route*> routes;               ///< of `pairs`, in the same order
  Route* awaited = nullptr;                 ///< Held: the route of the pair that was proved
  bool external = false, dialback = false;  ///< as Terms allowed
  bool still_counts = false;                ///< Draining, and what arrives before Closed is judged all the same
  bool clean_close = false;                 ///< the peer has closed; Closed follows when all is answered
  bool touched = false;                     ///< Handled or Credit may be due
  std::uint64_t ignored = 0;                ///< stanzas that came after the guard had closed
  Window window;
  Lent lent;
};

/// Dialled for one pair.
struct OutLeg : Leg {
  Route* route = nullptr;
  std::uint64_t last = 0;          ///< number assigned last
  std::uint64_t delivered = 0;     ///< number that went out last
  std::uint64_t settled = 0;       ///< told by the edge
  std::uint64_t settled_told = 0;  ///< put on record
  std::size_t stanza_octets = 0;   ///< the peer's limit; 0: none told
  bool returning = false;          ///< its route waits to have back what it holds
  bool clean = false;              ///< how it ended
  Purse purse;
  /// Assigned and not settled; the first has the number last - unsettled.size() + 1.
  relay::Fifo<Sent> unsettled;
  std::size_t unsettled_octets = 0;
  std::uint64_t first_repeated = 0;      ///< the first of those that are to be sent again; 0: none
  std::optional<std::uint64_t> written;  ///< once the leg is over: the highest number that may have left the edge

  std::uint64_t first_unsettled() const { return last - unsettled.size() + 1; }
};

}  // namespace sallyport::guard
