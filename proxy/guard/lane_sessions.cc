// Clients of a lane: how their sessions begin, end, and are handed from one to the next.
#include <algorithm>
#include <map>
#include <utility>

#include "policy/bounce.h"
#include "proxy/guard/lane.h"
#include "proxy/guard/session.h"

namespace sallyport::guard {

using policy::Reason;

namespace {

/// What a roster does not know of what has crossed between servers shortly before it was asked for.
constexpr std::chrono::seconds kRosterMayBeOld{60};

template <class... Each>
struct Overloaded : Each... {
  using Each::operator()...;
};

}  // namespace

void Lane::open_session(EdgeIndex edge, std::uint16_t edge_lane, airlock::LegId id, const airlock::Opened& opened,
                        const Admitted& admitted) {
  const policy::Bundle& bundle = *state_.bundle;
  const policy::Login& login = *bundle.login(state_.edges[edge].enclave, *bundle.domain(admitted.pair.to));
  const std::uint64_t serial = state_.next_serial();
  auto made = std::make_unique<Session>(state_, serial, login, admitted.pair.to);
  Session& session = *made;
  state_.sessions.emplace(serial, std::move(made));
  auto client = std::make_unique<SessionLeg>(session, state_.budget);
  client->serial = state_.next_serial();
  client->edge = edge;
  client->edge_lane = edge_lane;
  client->id = id;
  if (opened.lang.size() <= kLongestLanguage) client->lang = opened.lang;
  state_.edges[edge].legs.emplace(id, client->serial);
  state_.session_legs.emplace(client->serial, client.get());
  state_.note(Reason::LegOpened, *client, opened_details(opened), serial);
  session.open(std::move(client), opened, admitted.pair.from);
}

void Lane::end_quiet_sessions() {
  // What ends may make others quiet, by answering them.
  while (!state_.quiet_sessions.empty()) {
    for (const std::uint64_t serial : std::exchange(state_.quiet_sessions, {})) {
      Session* session = state_.session(serial);
      if (session == nullptr || !session->is_over()) continue;
      session->finish();
      state_.sessions.erase(serial);
    }
  }
}

void Lane::end_sessions(Reason reason) {
  std::vector<std::uint64_t> serials;
  serials.reserve(state_.sessions.size());
  for (const auto& [serial, session] : state_.sessions) serials.push_back(serial);
  for (const std::uint64_t serial : serials)
    if (Session* session = state_.session(serial); session != nullptr && session->turn() != Turn::Ending)
      session->end(reason);
}

void Lane::on_message(LaneMessage message, Moment now) {
  state_.now = now;
  std::visit(Overloaded{[&](const Wanted& wanted) { state_.on_wanted(wanted); },
                        [&](Given& given) { state_.answer(std::move(given), state_.settings.lane); },
                        [&](const Ended& ended) { state_.on_ended(ended); }},
             message);
}

void LaneState::find_session(const Wanted& wanted) {
  on_wanted(wanted);
  for (std::uint16_t lane = 0; lane < settings.lanes; ++lane) {
    // It may have been found at once.
    const Session* asker = session(wanted.asker);
    if (asker == nullptr || asker->turn() != Turn::Looking) return;
    if (lane != settings.lane) outlet.tell_lane(lane, wanted);
  }
}

void LaneState::on_wanted(const Wanted& wanted) {
  const auto found = hibernating.find(wanted.id);
  if (found != hibernating.end() && wanted.may_have(*found->second)) {
    std::unique_ptr<SessionState> state = std::move(found->second);
    hibernating_until.erase({state->expires, wanted.id});
    hibernating.erase(found);
    return answer({wanted.asker, std::move(state)}, wanted.lane);
  }
  const auto stands = sessions_by_id.find(wanted.id);
  Session* holder = stands != sessions_by_id.end() ? session(stands->second) : nullptr;
  if (holder != nullptr) return holder->give(wanted);
  answer({wanted.asker, nullptr}, wanted.lane);
}

void LaneState::answer(Given given, std::uint16_t lane) {
  if (lane != settings.lane) {
    if (given.state) {
      std::ranges::move(memory.iq.give(given.state->crossing | kOfSession), std::back_inserter(given.state->requests));
      without_legs.erase(given.state->crossing);
    }
    rearm_answers();
    return outlet.tell_lane(lane, std::move(given));
  }
  if (given.state) {
    without_legs.insert_or_assign(given.state->crossing, given.state.get());
    for (policy::IqTable::Moving& each : std::exchange(given.state->requests, {}))
      if (auto without_room = memory.iq.keep(std::move(each)))
        given.state->requests.push_back(*std::move(without_room));
  }
  rearm_answers();
  Session* asker = session(given.asker);
  if (asker != nullptr) return asker->on_given(std::move(given.state));
  if (given.state) hibernate(std::move(given.state));
}

void LaneState::tell_ended(std::vector<std::string> pairs, bool may_be_old) {
  std::map<std::uint16_t, Ended> by_lane;
  for (std::string& key : pairs) {
    const auto pair = policy::presence::pair_of(key);
    const auto watcher = policy::Address::of_prepared(pair.watcher),
               watched = policy::Address::of_prepared(pair.watched);
    const policy::Domain *one = bundle->domain(watcher.domain), *other = bundle->domain(watched.domain);
    if (one == nullptr || other == nullptr || one->enclave == other->enclave) continue;
    const auto lane = static_cast<std::uint16_t>(bundle->lane_key(one->name, other->name) % settings.lanes);
    Ended& ended = by_lane[lane];
    ended.may_be_old = may_be_old;
    ended.pairs.push_back(std::move(key));
  }
  for (auto& [lane, ended] : by_lane) {
    if (lane == settings.lane) {
      on_ended(ended);
    } else {
      outlet.tell_lane(lane, std::move(ended));
    }
  }
}

void LaneState::on_ended(const Ended& ended) {
  const auto now_is = std::chrono::floor<std::chrono::seconds>(now.wall.time_since_epoch()).count();
  for (const std::string& key : ended.pairs) {
    const auto pair = policy::presence::pair_of(key);
    const auto entry = memory.ledger.entry(pair);
    if (entry.state != policy::presence::State::Active) continue;
    if (ended.may_be_old && now_is < static_cast<std::int64_t>(entry.since) + kRosterMayBeOld.count()) continue;
    policy::Changes changes;
    changes.presence.add({policy::presence::Change::Act::Precede, pair, {}});
    commit(changes);
    note(Reason::PresenceRosterClosed, "",
         {{"watcher", std::string(pair.watcher)}, {"watched", std::string(pair.watched)}});
  }
}

void LaneState::hibernate(std::unique_ptr<SessionState> state) {
  if (hibernating.size() >= kMostHibernating) {
    const std::string first = hibernating_until.begin()->second;
    const auto oldest = hibernating.find(first);
    note(Reason::SessionExpired, oldest->second->client_enclave, {{"jid", oldest->second->jid}, {"why", "too many"}});
    forget(*oldest->second);
    hibernating_until.erase(hibernating_until.begin());
    hibernating.erase(oldest);
  }
  without_legs.insert_or_assign(state->crossing, state.get());
  hibernating_until.emplace(state->expires, state->sm->id);
  std::string id = state->sm->id;
  hibernating.insert_or_assign(std::move(id), std::move(state));
  agenda.set(hibernation_serial, hibernation_due, hibernating_until.begin()->first);
}

void LaneState::on_hibernation_due() {
  while (!hibernating_until.empty() && hibernating_until.begin()->first <= now.steady) {
    const auto found = hibernating.find(hibernating_until.begin()->second);
    hibernating_until.erase(hibernating_until.begin());
    note(Reason::SessionExpired, found->second->client_enclave, {{"jid", found->second->jid}});
    forget(*found->second);
    hibernating.erase(found);
  }
  agenda.set(hibernation_serial, hibernation_due,
             hibernating_until.empty() ? kNever : hibernating_until.begin()->first);
}

void LaneState::forget(SessionState& state) {
  lose_held(state);
  if (state.sm) sessions_by_id.erase(state.sm->id);
  sessions_by_crossing.erase(state.crossing);
  without_legs.erase(state.crossing);
  // Nobody is left whom an answer would reach.
  static_cast<void>(memory.iq.lose(state.crossing | kOfSession));
  rearm_answers();
}

void LaneState::lose_held(SessionState& state) {
  for (const Way way : {Way::ToServer, Way::ToClient})
    for (Held& held_of_way = state.way(way).held; !held_of_way.empty();) lose(held_of_way.take(), state.crossing);
}

void LaneState::lose(Held::Stanza lost, std::uint64_t crossing) {
  audit::StanzaRecord& record = lost.stanza->record;
  record.crossing = crossing;
  if (lost.cause != 0) record.cause = std::to_string(lost.cause);
  record.verdict = policy::name(policy::Verdict::Drop);
  record.reason = policy::code(Reason::SessionInjectionLost);
  record.octets_out = 0;
  record.sha256_out = {};
  recorder.submit(audit::Record(std::move(record)), OnRecord{});
}

void LaneState::answer_in_session(const policy::OpenIq& request, Reason reason) {
  const std::uint64_t crossing = request.leg & ~kOfSession;
  const auto found = sessions_by_crossing.find(crossing);
  Session* session_of = found != sessions_by_crossing.end() ? session(found->second) : nullptr;
  if (session_of != nullptr) return session_of->answer_request(request, reason);
  if (const auto rests = without_legs.find(crossing); rests != without_legs.end())
    rests->second->overdue.push_back(request);
}

}  // namespace sallyport::guard
