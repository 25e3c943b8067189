// What the legs and routes of one lane share, and the few things that all of them do.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <expected>
#include <initializer_list>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "inspect/normal_form.h"
#include "inspect/secret.h"
#include "policy/bundle.h"
#include "policy/pipeline.h"
#include "proxy/guard/agenda.h"
#include "proxy/guard/backoff.h"
#include "proxy/guard/digest.h"
#include "proxy/guard/frame_budget.h"
#include "proxy/guard/held.h"
#include "proxy/guard/ledger_store.h"
#include "proxy/guard/leg.h"
#include "proxy/guard/login_tries.h"
#include "proxy/guard/recorder.h"
#include "proxy/guard/seen_ids.h"

namespace sallyport::guard {

class Route;
class Session;
struct SessionLeg;
class Shadow;

/// Where a lane's frames go. Called inside every input of a lane; must not call back into it.
class Outlet {
 public:
  virtual void send(EdgeIndex edge, std::uint16_t edge_lane, airlock::LegId leg, const airlock::Body& body) = 0;
  /// That edge is not what it should be: all its channels end, and edge_lost() follows.
  virtual void end_edge(EdgeIndex edge) = 0;
  /// For another lane of this process, which takes it as an input of its own.
  virtual void tell_lane(std::uint16_t lane, LaneMessage message) = 0;

 protected:
  ~Outlet() = default;
};

struct LaneSettings {
  std::uint16_t lane = 0, lanes = 1;
  std::vector<std::string> enclaves;         ///< of the edges, in the order of their indices
  std::chrono::milliseconds hold{20'000};    ///< protocol.md 2.7
  std::chrono::milliseconds queue{20'000};   ///< how long stanzas wait for a far leg
  std::chrono::milliseconds hol_max{5'000};  ///< D-31
  std::chrono::milliseconds idle{900'000};   ///< D-25
  /// Makes the ids of dialled legs differ from those of earlier runs in the log; below 2^32.
  std::uint64_t run = 0;
  std::uint64_t seed = 0;
  policy::IqTable::Bounds requests{};  ///< that wait for their answers
  policy::Secret secret{};             ///< another one for each lane and each run
  std::uint32_t shadow_rate = 1'000;   ///< stanzas a second that the shadow policy is asked about, at most
  inspect::Secret resource_key{};      ///< as policy::presence::ResourceNames; the same for all lanes and runs
  std::shared_ptr<LoginTries> login_tries = std::make_shared<LoginTries>();  ///< all lanes of a process share one
};

// Waits that no setting changes.
inline constexpr std::chrono::seconds kNegotiation{120};  ///< D-05 is the edge's; this is for an edge that forgets it
inline constexpr std::chrono::seconds kClosing{60};       ///< Close to Closed
inline constexpr std::chrono::seconds kAnswers{5};        ///< a peer that has closed waits so long for the last answers
inline constexpr std::chrono::seconds kHandover{5};       ///< S-20
inline constexpr std::chrono::seconds kDialGrace{5};      ///< beyond the deadline that Dial named
inline constexpr std::chrono::milliseconds kAnswerPad{250};  ///< P-43
inline constexpr std::chrono::seconds kSettledNote{1};       ///< how often settlement is put on record
inline constexpr std::chrono::seconds kShadowNote{60};       ///< how often the shadow's counts are
// Bounds.
inline constexpr std::size_t kQueueStanzas = 100, kQueueOctets = 1024 * 1024;               ///< protocol.md 2.7
inline constexpr std::size_t kUnsettledStanzas = 2000, kUnsettledOctets = 4 * 1024 * 1024;  ///< D-21
inline constexpr std::size_t kLegsPerEdge = 16'384;
inline constexpr std::size_t kMostLegsPerEdge = 2 * kLegsPerEdge;  ///< with those that are refused and not closed yet
inline constexpr std::size_t kLongestLanguage = 35;                ///< RFC 5646 4.4.1
inline constexpr unsigned kMostRepeats = 5;                        ///< of one stanza, on legs that are lost again
inline constexpr std::size_t kMostElements = 10'000;     ///< D-10: in what a server says to a client of its own
inline constexpr unsigned kEventsPerMinute = 100;        ///< D-30
inline constexpr std::size_t kMostHibernating = 16'384;  ///< sessions that nobody has, of one lane

/// The leg of a request that went out in a session is the session's crossing, marked by this.
inline constexpr std::uint64_t kOfSession = std::uint64_t{1} << 63U;

/// One edge as a lane sees it.
struct EdgeView {
  std::string enclave;
  std::vector<bool> up;                                    ///< by edge lane: its channel to this lane stands
  std::vector<SeenIds> seen;                               ///< by edge lane
  std::unordered_map<airlock::LegId, std::uint64_t> legs;  ///< serials of those that live
  Steady events_since{};
  unsigned events = 0;          ///< recorded since then
  std::uint64_t uncounted = 0;  ///< not recorded one by one
  FrameBudget frames;
  std::uint64_t refused = 0;  ///< legs beyond that budget, which have no records of their own
};

/// Errors of the guard's own to one domain (D-26).
struct ErrorBudget {
  Steady since{};
  std::uint32_t sent = 0;
};

using Details = std::vector<std::pair<std::string, std::string>>;

/// A stanza that has come, for its record.
struct Arrived {
  std::uint64_t crossing = 0;
  std::string_view from_enclave, to_enclave;
  airlock::LegId leg = 0;
  std::uint64_t number = 0;
  std::string_view normal_form;
};

struct LaneState {
  LaneState(LaneSettings lane_settings, Outlet& lane_outlet, audit::Log::Lane& log, Budget& process_budget,
            std::shared_ptr<const policy::Bundle> first_bundle);
  ~LaneState();
  LaneState(const LaneState&) = delete;
  LaneState& operator=(const LaneState&) = delete;

  const LaneSettings settings;
  Outlet& outlet;
  Budget& budget;
  std::shared_ptr<const policy::Bundle> bundle;
  Recorder recorder;
  Agenda agenda;
  Moment now;
  std::mt19937_64 random;
  policy::Memory memory;
  policy::Scratch scratch;
  Sha256 sha256;
  // Lent to one stanza at a time, so that their memory serves them all: what is written out, and the record of what is
  // judged. The record is filled and submitted, or copied, without any other input of the lane in between.
  std::string xml;
  audit::Record draft{audit::StanzaRecord{}};
  bool halted = false;    ///< the log has failed: no release, Credit or Handled
  bool draining = false;  ///< nothing new

  std::uint64_t last_serial = 0;  ///< before the members that take one

  std::vector<EdgeView> edges;
  std::unordered_map<std::uint64_t, std::unique_ptr<InLeg>> in_legs;
  std::unordered_map<std::uint64_t, std::unique_ptr<OutLeg>> out_legs;
  std::unordered_map<std::uint64_t, std::unique_ptr<Route>> routes;
  std::map<std::pair<std::string, std::string>, Route*> routes_by_pair;
  std::map<std::string, Gate, std::less<>> gates;          ///< by far domain; bounded by the domains of the policy
  std::map<std::string, ErrorBudget, std::less<>> errors;  ///< by the domain that they go to; bounded likewise
  std::vector<std::uint64_t> touched;                      ///< in-legs that Handled or Credit may be due for
  std::vector<std::uint64_t> quiet_routes;                 ///< may have nothing left to do

  // Clients. The functions are in lane_sessions.cc.
  std::unordered_map<std::uint64_t, std::unique_ptr<Session>> sessions;
  std::unordered_map<std::uint64_t, SessionLeg*> session_legs;
  std::unordered_map<std::string, std::uint64_t> sessions_by_id;          ///< that stand and may be resumed
  std::unordered_map<std::uint64_t, std::uint64_t> sessions_by_crossing;  ///< that stand
  std::unordered_map<std::string, std::unique_ptr<SessionState>> hibernating;
  std::unordered_map<std::uint64_t, SessionState*> without_legs;  ///< by crossing: hibernating, or being resumed
  std::set<std::pair<Steady, std::string>> hibernating_until;
  std::vector<std::uint64_t> touched_legs;                 ///< of sessions; Handled or Credit may be due
  std::vector<std::uint64_t> quiet_sessions;               ///< may be over
  const std::uint64_t hibernation_serial = next_serial();  ///< of the agenda's entry for `hibernating`
  Steady hibernation_due = kNever;

  // Presence; the functions are in lane_presence.cc.
  LedgerOutlet* store = nullptr;      ///< nullptr: nothing outlives this run
  std::uint64_t stored = 0;           ///< what the store has committed
  std::vector<std::uint64_t> parked;  ///< routes whose first stanza waits for the store
  /// Presence that was held back (P-03), by full JID of who is watched and bare JID of who watches.
  struct Kept {
    std::string xml, to;
    Steady due{};
  };
  std::map<std::pair<std::string, std::string>, Kept> kept;
  std::set<std::pair<Steady, std::pair<std::string, std::string>>> kept_due;
  std::size_t kept_octets = 0;
  /// Injections of presence that find no room on their route yet, by pair of domains; bounded by what was shown.
  std::map<std::pair<std::string, std::string>, std::deque<std::unique_ptr<Waiting>>> backlog;
  /// Pairs of domains whose first server is lost, and when that is for good.
  std::map<std::pair<std::string, std::string>, Steady> lost_pairs;
  const std::uint64_t presence_serial = next_serial();  ///< of the agenda's entry for all of this
  Steady presence_due = kNever, shown_due = kNever;
  std::uint64_t dialled = 0;

  Held held;                                           ///< answers between servers
  const std::uint64_t answers_serial = next_serial();  ///< of the agenda's entry for `held` and for open requests
  Steady answers_due = kNever;

  // The shadow policy, if there is one.
  std::unique_ptr<Shadow> shadow;
  const std::uint64_t shadow_serial = next_serial();  ///< of the agenda's entry for its counts
  Steady shadow_due = kNever;

  /// Of a leg or a route; differs from those of the other lanes, so that a crossing has one number in the log.
  std::uint64_t next_serial() { return ++last_serial * settings.lanes + settings.lane; }
  InLeg* in_leg(std::uint64_t serial);
  OutLeg* out_leg(std::uint64_t serial);
  Route* route(std::uint64_t serial);
  Session* session(std::uint64_t serial);
  SessionLeg* session_leg(std::uint64_t serial);
  Route* find_route(std::string_view from, std::string_view to);
  /// The route of the pair, made if there is none.
  Route& route_of(const policy::Pair& pair, EdgeIndex from_edge, EdgeIndex to_edge);
  EdgeIndex edge_of(std::string_view enclave) const;  ///< edges.size() if there is none
  Gate& gate(const std::string& domain) { return gates[domain]; }

  void send(const Leg& leg, const airlock::Body& body) { outlet.send(leg.edge, leg.edge_lane, leg.id, body); }
  void enter(Leg& leg, Phase phase, Steady due = kNever);

  /// Puts an event on record.
  void note(policy::Reason reason, const Leg& leg, Details details = {}, std::uint64_t crossing = 0);
  void note(policy::Reason reason, std::string_view enclave, Details details = {}, std::uint64_t crossing = 0);

  /// Puts on record that the releases on that leg up to `through` have a known fate.
  void note_settled(OutLeg& leg, std::uint64_t through);

  /// The origin needs no more memory, and credit for it may be given again.
  void free_credit(Origin& origin);
  /// The origin is answered for: released and settled, or refused and recorded.
  void answer(Origin& origin);
  void touch(InLeg& leg);
  void touch(SessionLeg& leg);

  /// Odd, different on every lane, and different in every run of the guard.
  airlock::LegId next_dialled_id() {
    return (((settings.run << 24U) + dialled++) * settings.lanes + settings.lane) * 2 + 1;
  }
  /// That edge is not what it should be: nothing more of it is taken, even before its channels have ended.
  void end_edge(EdgeIndex edge, policy::Reason reason, std::string_view why);
  /// Into the arena of the batch, which is cleared.
  std::expected<inspect::Node*, inspect::NormalFormFault> decode(
      std::string_view normal_form, std::size_t elements = inspect::ParserLimits{}.elements);
  /// Another tree of a stanza that has been decoded, beside the first.
  std::expected<inspect::Node*, inspect::NormalFormFault> decode_again(std::string_view normal_form);
  /// Sets every field of `draft`, which still holds the stanza before.
  void fill_draft(const Arrived& arrived, const policy::Judgement& judgement);

  /// Puts into `draft` what the shadow policy makes of the stanza, where that is something else.
  void ask_shadow(std::string_view normal_form, const policy::Crossing& crossing, const policy::Judgement& judgement,
                  const inspect::Node& node);
  /// What the shadow has counted since the last time goes on record.
  void note_shadow();

  // Sessions that nobody has; in lane_sessions.cc.
  void hibernate(std::unique_ptr<SessionState> state);
  /// Nothing of it is needed any more.
  void forget(SessionState& state);
  /// What a session holds, or cannot place, goes on record as lost.
  void lose_held(SessionState& state);
  void lose(Held::Stanza lost, std::uint64_t crossing);
  void on_hibernation_due();
  /// Asks all lanes for it; each answers once.
  void find_session(const Wanted& wanted);
  void on_wanted(const Wanted& wanted);
  void answer(Given given, std::uint16_t lane);
  /// A session has seen that these pairs do not stand; whichever lane has them hears of it.
  void tell_ended(std::vector<std::string> pairs, bool may_be_old);
  void on_ended(const Ended& ended);

  /// Ends an accepted leg with Close; `still_counts`: stanzas on their way are judged all the same.
  void close(InLeg& leg, airlock::CloseKind kind, inspect::StreamCondition condition, bool still_counts);
  /// Refuses what is asked on it: it ends with the stream condition of that reason.
  void refuse(InLeg& leg, policy::Reason reason, Details details = {});
  /// The routes know it no more.
  void detach(InLeg& leg);
  /// Ends a dialled leg with Close; it carries nothing more.
  void close(OutLeg& leg, airlock::CloseKind kind, inspect::StreamCondition condition);
  /// The leg is dead: its id means nothing any more.
  void bury(InLeg& leg);
  /// As above, when it holds no stanza whose fate is open.
  void bury(OutLeg& leg);

  /// A stanza of the guard's own with its record.
  std::unique_ptr<Waiting> write_injection(const inspect::Node& node, policy::Reason reason,
                                           std::string_view from_enclave, std::string_view to_enclave,
                                           std::string_view content_namespace);
  /// A stanza of the guard's own, ready to be injected; nullptr if it could not leave.
  std::unique_ptr<Waiting> make_injection(const inspect::Node& node, policy::Reason reason,
                                          std::string_view from_enclave, std::string_view to_enclave);
  /// Whether one more error may go to the servers of that domain, which takes it off their budget (D-26).
  bool may_send_error(const std::string& domain);
  /// An error to the sender, ready to be injected; nullptr where there is nobody to send it to, or where its domain has
  /// had its errors; then `of`, the record of the stanza unless it is written already, is told so. `route` is that of
  /// the stanza.
  std::unique_ptr<Waiting> make_bounce(const policy::StanzaFacts& facts, const policy::StanzaFault& fault,
                                       policy::Reason reason, const Route& route, audit::StanzaRecord* of);
  /// Takes an injection to the route of its addresses, dialling it if need be. `cause`: number of a record; 0: none.
  void inject(std::unique_ptr<Waiting> injection, std::uint64_t cause);

  // Answers to iq requests; in lane_answers.cc.
  /// When a negative answer is to leave to a request that was made at `asked`; now, where `rule`, of a peering or a
  /// login, does not pad.
  Steady negative_due(const policy::Peering* rule, std::chrono::milliseconds asked);
  /// The same for an answer of the guard's own to a request that has just come; now, if it is not negative.
  Steady answer_due(const policy::Peering* rule, const inspect::Node& answer);
  /// Keeps it until then. One that is due, or finds no room, goes its way at once.
  void hold(std::unique_ptr<Waiting> stanza, std::uint64_t cause, Steady due);
  /// the requests that went out on that leg are answered.
  void lose_requests(std::uint64_t leg_serial);
  /// What is held and due by then takes its way.
  void let_go_of_held(Steady due);
  /// The same for now; requests whose time is over are answered.
  void on_answers_due();
  void rearm_answers();

  /// Senders that have begun to harvest go on record.
  void note_harvest();
  /// Makes the changes of a judgement. Gives the number under which the store has them; 0: nothing has to be stored.
  std::uint64_t commit(const policy::Changes& changes);
  /// Whether that number is on the disk.
  bool is_stored(std::uint64_t number) const { return number <= stored; }
  void on_stored();
  /// Keeps a presence that is held back; it is sent when its interval is over, unless something newer crosses.
  void keep(std::string text, const policy::StanzaFacts& facts);
  void on_presence_due();
  /// Another policy is in force, which has not judged what is kept.
  void forget_all_kept();
  /// The server of `pair.from` does not speak to that of `pair.to` any more; it has a while to come back.
  void on_pair_lost(const policy::Pair& pair);
  void on_pair_back(const policy::Pair& pair);
  /// Whether a presence that was judged earlier may still leave (P-00).
  bool may_still_leave(const Letter& letter) const;
  /// It did not get to the far server.
  void on_undelivered(const Letter& letter);
  /// After a start: what was shown before is doubted.
  void restore_presence();
  /// The operator's.
  bool revoke(const policy::presence::PairView& pair);
  bool import(const policy::presence::PairView& pair);

 private:
  void answer_request(const policy::OpenIq& request, policy::Reason reason);
  void answer_in_session(const policy::OpenIq& request, policy::Reason reason);
  void let_go(Held::Stanza ready);
  std::uint64_t store_changes();
  void store_shown();
  void send_kept();
  void forget_kept(const std::pair<std::string, std::string>& key);
  void send_due(const std::vector<policy::presence::Due>& all);
  void inject_presence(const std::string& from, const std::string& to, std::string_view type, std::string_view text,
                       policy::Reason reason);
  void send_backlog();
  void rearm_presence();
};

}  // namespace sallyport::guard
