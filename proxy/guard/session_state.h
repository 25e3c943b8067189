// What of a client's session outlives its legs: what a resumption needs (protocol.md 4.6; design.md section 6).
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "policy/presence/ledger.h"
#include "policy/tracking/iq_table.h"
#include "proxy/guard/held.h"
#include "proxy/guard/moment.h"
#include "proxy/relay/ack_counter.h"
#include "proxy/relay/fifo.h"
#include "proxy/relay/passage.h"

namespace sallyport::guard {

/// Which way a stanza of a session goes.
enum class Way : std::uint8_t { ToServer, ToClient };
constexpr Way reverse(Way way) {
  return way == Way::ToServer ? Way::ToClient : Way::ToServer;
}

/// A stanza that leaves, or has left and has not settled. Its place in its queue is its number.
struct Departure {
  std::string xml;                  ///< until it is delivered
  std::string awaited;              ///< of an iq request whose answer is awaited: its id on the far side; else ""
  std::uint64_t in = 0;             ///< the number that it came with; 0: an injection
  std::uint64_t record = 0;         ///< 0: not recorded yet
  std::uint64_t answers = 0;        ///< the number of the stanza that it answers, or that it is, out of its turn
  Way answers_way = Way::ToServer;  ///< of that number: of a refused one the other, else its own
  std::uint32_t credit = 0;         ///< octets of credit that it occupies on the leg it came on
};

/// One direction of a session. Numbers are those of its passage: they run on over a resumption, while those of the
/// airlock begin anew with each leg.
struct Direction {
  relay::Passage passage;
  relay::Fifo<Departure> unsettled;                 ///< passage.settled() + 1 to passage.left()
  std::uint64_t in_base = 0, out_base = 0;          ///< passage.came() and left() when the present legs began
  std::uint64_t recorded = 0;                       ///< of what came: this far it is on record
  std::uint32_t injected = 0, injected_octets = 0;  ///< injections that are not delivered yet
  Held held;                                        ///< injections that have no number yet

  Departure& departure(std::uint64_t number) { return unsettled[number - (passage.left() - unsettled.size()) - 1]; }
  bool has_departure(std::uint64_t number) const {
    return number <= passage.left() && number > passage.left() - unsettled.size();
  }
  /// Refused, and what the sender is to hear of it has not been handed to its edge yet.
  std::set<std::uint64_t> unanswered;
  /// Numbers of requests that are acknowledged no sooner than at that time, so that their acknowledgement does not tell
  /// who refuses them before the answer may (P-43). Times rise with numbers, and each stands once.
  std::map<std::uint64_t, Steady> acknowledged_later;
  /// What may be told as handled: on record, and answered for. An answer is written before the acknowledgement, so that
  /// neither is lost without the other when the guard dies; `may_answer`: the leg that it takes is still there.
  std::uint64_t handled(bool may_answer) const {
    std::uint64_t most = std::min(passage.handled(), recorded);
    if (!may_answer) return most;
    if (!unanswered.empty()) most = std::min(most, *unanswered.begin() - 1);
    if (!acknowledged_later.empty()) most = std::min(most, acknowledged_later.begin()->first - 1);
    return most;
  }
};

/// Stream management on both legs, in numbers of the passages.
struct Management {
  std::string id, server_id;  ///< what the client, and what the guard, resumes by; "" if it can't be resumed
  std::uint32_t max = 0;      ///< seconds
  bool pending = true;        ///< the server has not answered yet
  bool server_counts = false;
  bool resume_asked = false;
  relay::AckCounter client_in{0}, client_out{0};  ///< what the client's leg counts: of what it sends, of what it gets
  relay::AckCounter server_in{0}, server_out{0};
  std::uint64_t client_in_base = 0, client_out_base = 0, server_in_base = 0, server_out_base = 0;
  bool resumable() const { return !id.empty(); }
};

struct SessionState {
  std::uint64_t crossing = 0;  ///< its number in the log
  std::string jid;             ///< full, prepared, as the server has said it
  std::string client_enclave, domain;
  Direction to_server, to_client;
  std::unique_ptr<Management> sm;
  std::uint32_t features = 0;       ///< of the server, as airlock::Feature
  policy::presence::Ledger ledger;  ///< of the account's subscriptions, as this session has seen them
  bool knows_roster = false;        ///< ... all of it, from its server
  /// Presence that came before the roster: the newest of each full JID, in normal form.
  std::map<std::string, std::string, std::less<>> early_presence;
  std::size_t early_octets = 0;
  std::string early_policy;  ///< hash of the bundle that judged it; under another one it is not sent
  /// Open ones, on the way between two lanes. Those that find no room where it goes on are answered by the guard then.
  std::vector<policy::IqTable::Moving> requests;
  std::vector<policy::OpenIq> overdue;  ///< requests whose time was over while it had no legs; answered when it has
  Steady expires = kNever;              ///< while nobody has it

  std::size_t held() const { return to_server.held.size() + to_client.held.size(); }
  Direction& way(Way which) { return which == Way::ToServer ? to_server : to_client; }
};

/// Between lanes: a client wants to go on with a session that may rest on another lane.
struct Wanted {
  std::string id;
  std::uint16_t lane = 0;
  std::uint64_t asker = 0;                      ///< serial of the session that asks
  std::string account, domain, client_enclave;  ///< who asks; "": the login has not shown the account
  bool may_have(const SessionState& state) const;
};
/// The answer; nullptr: it is not here.
struct Given {
  std::uint64_t asker = 0;
  std::unique_ptr<SessionState> state;
};
/// A client's session has heard of subscriptions that do not stand any more; the lane has them perhaps.
struct Ended {
  std::vector<std::string> pairs;  ///< keys of the ledger
  /// A whole roster says so, which may be older than what has crossed between servers in the meantime.
  bool may_be_old = false;
};
using LaneMessage = std::variant<Wanted, Given, Ended>;

inline bool Wanted::may_have(const SessionState& state) const {
  const std::string_view bare = std::string_view(state.jid).substr(0, state.jid.find('/'));
  return state.sm && state.sm->id == id && (account.empty() || account == bare) && state.domain == domain &&
         state.client_enclave == client_enclave;
}

}  // namespace sallyport::guard
