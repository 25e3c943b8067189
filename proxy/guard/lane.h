// One lane of the guard: all legs and routes whose lane key leads here. The meaning of the guard, without any I/O.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "audit/log.h"
#include "policy/bundle.h"
#include "proxy/airlock/frames.h"
#include "proxy/guard/admission.h"
#include "proxy/guard/lane_state.h"
#include "proxy/guard/shadow.h"

namespace sallyport::guard {

/// What a peer has told of itself, for the record.
Details opened_details(const airlock::Opened& opened);

/// Frames in, frames and records out. Its owner calls it from one thread, tells it the time with every input, wakes it
/// at next_deadline() and when the log has written something. After every input, or once for a batch of frames,
/// flush().
class Lane {
 public:
  Lane(LaneSettings settings, Outlet& outlet, audit::Log::Lane& log, Budget& budget,
       std::shared_ptr<const policy::Bundle> bundle);
  ~Lane();

  /// A channel of that edge stands. `edge_lanes` is the same for all channels of an edge.
  void on_channel(EdgeIndex edge, std::uint16_t edge_lane, std::uint16_t edge_lanes, Moment now);
  /// The edge is gone, and all its legs with it.
  void on_edge_lost(EdgeIndex edge, Moment now);
  void on_frame(EdgeIndex edge, std::uint16_t edge_lane, const airlock::Frame& frame, Moment now);
  /// What the store held, before the first input. The lane writes to it from now on.
  void restore(const std::vector<StoredPair>& pairs, const std::vector<StoredShown>& shown, LedgerOutlet* store,
               Moment now);
  /// The store has committed something, or has failed.
  void on_stored(Moment now);
  /// The operator's commands on the ledger. `watcher` and `watched`: bare JIDs, "" for any. Lines of text.
  std::string ledger_lines(const std::string& watcher, const std::string& watched) const;
  std::size_t import(const std::vector<std::pair<std::string, std::string>>& pairs, Moment now);
  bool revoke(const std::string& watcher, const std::string& watched, Moment now);
  /// Another lane of this process asks, or answers.
  void on_message(LaneMessage message, Moment now);
  /// The log has written records.
  void on_recorded(Moment now);
  /// Looks after everything that is due.
  void tick(Moment now);
  /// Sends what is due once for a batch: Handled and Credit; and has the log look at what was submitted.
  void flush(Moment now);
  Steady next_deadline() const;

  /// A route or a client's session that a new policy would end, or a route that would lose its near leg because that
  /// leg also carries a pair that ends: a stream error ends all pairs of a stream. The pair of a session: its JID, or
  /// the client's enclave while there is none, and the domain.
  struct Ending {
    std::uint64_t crossing = 0;
    policy::Pair pair;
    bool near = false, far = false;  ///< which of its legs live, and end
    bool withdrawn = true;           ///< false: the route itself goes on
  };
  std::vector<Ending> endings(const policy::Bundle& bundle) const;
  /// From the next stanza on `bundle` is in force. Ends what endings() names, and nothing else.
  void swap(std::shared_ptr<const policy::Bundle> bundle, Moment now);

  /// From the next stanza on this bundle is judged beside the one in force; nullptr: none is.
  void shade(std::shared_ptr<const policy::Bundle> bundle, Moment now);

  /// Nothing new; what is idle ends, the rest has until the owner stops the lane.
  void drain(Moment now, std::chrono::milliseconds deadline);
  /// The time to end in is over: what still waits is bounced where that is possible, and recorded in any case.
  void give_up(Moment now);
  /// The log has failed: no release, Credit or Handled any more.
  void halt();

  /// An event of the process, put on record by this lane.
  void record(audit::EventRecord event) {
    state_.recorder.event(std::move(event));
    state_.recorder.wake();
  }

  struct Census {
    std::size_t accepted = 0, dialled = 0, routes = 0, queued = 0, unsettled = 0, unrecorded = 0;
    std::size_t sessions = 0, hibernating = 0;
    Shadow::Counts shadow;
  };
  Census census() const;

 private:
  void take(InLeg& leg, const airlock::Body& body);
  void take(OutLeg& leg, const airlock::Body& body);
  /// Takes a frame off its edge's budget; false: the edge has overdrawn that for too long.
  bool pay(EdgeIndex edge, const airlock::Body& body);
  void tell_refused(EdgeView& view);
  void alarm(Leg& leg, std::string_view frame, std::string_view why);

  void open(EdgeIndex edge, std::uint16_t edge_lane, airlock::LegId id, const airlock::Opened& opened);
  bool takes_new_legs(const EdgeView& view) const;
  void open_session(EdgeIndex edge, std::uint16_t edge_lane, airlock::LegId id, const airlock::Opened& opened,
                    const Admitted& admitted);
  /// Sessions that are over end here, outside of all their functions.
  void end_quiet_sessions();
  void end_sessions(policy::Reason reason);
  void prove(InLeg& leg, const airlock::Proved& proved);
  void reopen_gate(const std::string& domain);
  void take_stanza(InLeg& leg, const airlock::Stanza& stanza);
  void judge(InLeg& leg, const airlock::Stanza& stanza, inspect::Node& node);
  void release(const Origin& origin, const inspect::Node& node, Route& route, const policy::Judgement& judgement);
  void refuse(const Origin& origin, Route& route, const policy::Judgement& judgement,
              const std::optional<policy::StanzaFault>& fault, policy::Reason reason);
  std::unique_ptr<Waiting> make_injection(const policy::Injection& injection, const Route& route);
  void on_near_close(InLeg& leg, const airlock::Close& close);
  void on_near_closed(InLeg& leg, const airlock::Closed& closed);
  void say_closed(Leg& leg);
  /// What the leg was granted has no near leg any more, and not because it was idle.
  void lose_pairs(const InLeg& leg, bool clean);

  void make_ready(OutLeg& leg, const airlock::Ready& ready);
  void fail(OutLeg& leg, const airlock::Failed& failed);
  void settle(OutLeg& leg, std::uint64_t through);
  void on_far_close(OutLeg& leg, const airlock::Close& close);
  void on_far_closed(OutLeg& leg, const airlock::Closed& closed);
  void end_far(OutLeg& leg, std::uint64_t written);
  void pop_settled(OutLeg& leg, std::uint64_t through);

  void deliver(std::uint64_t leg_serial, std::uint64_t number, std::uint64_t record);
  void take_event(EdgeIndex edge, airlock::LegId leg, const airlock::Event& event);
  void on_due(std::uint64_t serial);
  void tell(InLeg& leg);
  bool was_ever(const EdgeView& view, std::uint16_t edge_lane, airlock::LegId id) const;
  Steady now_plus(std::chrono::milliseconds wait) const;

  LaneState state_;
  std::vector<Recorder::Recorded> recorded_;
};

}  // namespace sallyport::guard
