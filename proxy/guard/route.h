// A route (a,b): the ordered way of stanzas from domain a to domain b (protocol.md 2.1, 2.7, 2.8).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "proxy/guard/lane_state.h"

namespace sallyport::guard {

/// Couples the accepted leg that holds the grant for a pair to the leg dialled for it. Stanzas leave in the order in
/// which they came; what cannot leave waits within bounds, and is then bounced. Does no I/O.
class Route {
 public:
  Route(LaneState& lane, std::uint64_t serial, policy::Pair pair, EdgeIndex from_edge, EdgeIndex to_edge);

  std::uint64_t serial() const { return serial_; }
  const policy::Pair& pair() const { return pair_; }
  EdgeIndex from_edge() const { return from_edge_; }
  EdgeIndex to_edge() const { return to_edge_; }
  const std::string& from_enclave() const { return lane_.edges[from_edge_].enclave; }
  const std::string& to_enclave() const { return lane_.edges[to_edge_].enclave; }
  const InLeg* in() const { return in_; }
  const OutLeg* out() const { return out_; }
  /// A near leg has the grant, or waits for it.
  bool has_near() const { return in_ != nullptr || !held_.empty(); }
  bool has_far() const { return out_ != nullptr || dialling_ != nullptr; }
  /// Adds its near legs: the one that has the grant and those that wait for it.
  void add_near(std::set<const InLeg*>& legs) const;
  std::size_t queued() const { return repeated_.size() + injected_.size() + waiting_.size(); }

  // Legs.
  /// A peer has proved the pair and waits until the route stands.
  void hold(InLeg& leg);
  /// The leg is over, or waits no more.
  void leave(InLeg& leg);
  void on_ready(OutLeg& leg);
  /// nullopt: it was given up on this side.
  void on_failed(OutLeg& leg, std::optional<airlock::DialFault> fault);
  /// The dialled leg carries nothing more. What it held comes back through give_back().
  void on_lost(OutLeg& leg, bool clean);
  /// Takes back what the leg held as far as its records are written; once all is back, the route may go on.
  void give_back(OutLeg& leg);
  /// A leg that was dialled for it is dead.
  void on_buried();
  /// Something that a dial waited for may have come.
  void retry();

  // Stanzas.
  /// A judged stanza that is to be released.
  void pass(const Released& stanza);
  void pass(Waiting stanza);
  bool has_room_for_injection() const {
    return injected_.size() < kWindowStanzas / 2 && injected_octets_ < kWindowOctets / 2;
  }
  /// An injection of the guard.
  void inject(Waiting stanza);
  /// Assigns what credit allows.
  void pump();

  void on_due();
  /// Ends it: a new policy does not grant the pair any more, or the guard stops.
  void end(policy::Reason reason);
  /// Nothing that waits will leave any more.
  void give_up();
  /// Nothing holds it.
  bool is_idle() const;

 private:
  /// A released stanza that is sent again. `since` counts the time that it has waited before, too.
  struct Repeated {
    Letter letter;
    Steady since{};
  };

  void seek();
  void dial();
  void grant_held();
  void supersede(InLeg& older);
  void refuse_held(policy::Reason reason, Steady hold_ends_before);
  bool may_assign_at_once(std::size_t octets) const;
  void assign(const Released& stanza);
  void assign(Waiting stanza);
  Sent& place(OutLeg& leg, std::size_t octets);
  void take_again(OutLeg& leg, std::uint64_t number, Letter letter);
  void repeat(Repeated repeated);
  /// Bounces what has waited since before that.
  void expire(Steady since, policy::Reason reason);
  /// D-31: a slow route on a shared leg is bounced instead of stalling the rest.
  void expire_stalled();
  bool shares_its_leg(const Waiting& stanza) const;
  /// The error that tells the sender, where there is one; `of` as for LaneState::make_bounce.
  std::unique_ptr<Waiting> undelivered(const Letter& letter, policy::Reason reason, audit::StanzaRecord* of);
  void undeliver(Waiting stanza, policy::Reason reason);
  void undeliver(Letter letter, policy::Reason reason);
  bool wants_far() const { return !held_.empty() || queued() > 0; }
  bool may_assign() const;
  void rearm();
  Steady next_due() const;
  Steady oldest() const;

  LaneState& lane_;
  const std::uint64_t serial_;
  const policy::Pair pair_;
  const EdgeIndex from_edge_, to_edge_;
  Steady due_ = kNever;

  InLeg* in_ = nullptr;
  std::vector<InLeg*> held_;  ///< in the order in which they proved the pair
  Steady handover_ends_ = kNever;
  OutLeg* out_ = nullptr;  ///< Open
  OutLeg* dialling_ = nullptr;
  unsigned legs_ = 0;       ///< dialled for it, and not dead yet
  unsigned returning_ = 0;  ///< lost legs that still hold stanzas; new ones must not overtake those
  Steady used_{};
  bool expiring_ = false;

  std::deque<Repeated> repeated_;
  std::deque<Waiting> injected_, waiting_;
  std::size_t injected_octets_ = 0, waiting_octets_ = 0;
};

}  // namespace sallyport::guard
