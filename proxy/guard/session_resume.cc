// Stream management of a session, and going on with one whose legs broke (protocol.md 4; design.md section 10).
#include <algorithm>
#include <utility>

#include "proxy/guard/session.h"

namespace sallyport::guard {

using airlock::CloseKind;
using airlock::SmStep;
using inspect::StanzaCondition;
using inspect::StreamCondition;
using policy::Reason;
using relay::AckCounter;

namespace {

constexpr std::chrono::seconds kGrace{60};  ///< beyond what the client was told (protocol.md 4.6)
constexpr std::uint32_t kUntold = 600;      ///< seconds, where the server names no time
constexpr std::uint32_t kLongest = 24 * 3600;

/// The number that `h` stands for; nullopt: it is none of those that may be acknowledged now.
std::optional<std::uint64_t> number_of(const AckCounter& counter, std::uint32_t h, std::uint64_t settled,
                                       std::uint64_t sent) {
  return AckCounter(settled, counter.h(settled)).acknowledge(h, sent);
}

}  // namespace

void Session::on_sm(SessionLeg& leg, const airlock::Sm& sm) {
  switch (sm.step) {
    case SmStep::Enable:
      return on_enable(sm);
    case SmStep::Enabled:
      return on_enabled(sm);
    case SmStep::Resume:
      return on_resume(sm);
    case SmStep::Resumed:
      return on_resumed(sm);
    case SmStep::Failed:
      return turn_ == Turn::Resumed ? on_resume_failed(sm) : on_enable_failed(sm);
    case SmStep::AckWanted:
      return on_ack_wanted(leg);
  }
}

void Session::on_enable(const airlock::Sm& sm) {
  if (state_->sm) return alarm(*client_, "Sm", "enabled already");
  state_->sm = std::make_unique<Management>();
  Management& management = *state_->sm;
  management.client_in_base = state_->to_server.passage.came();
  management.client_in = AckCounter(management.client_in_base);
  management.resume_asked = sm.resume;
  if ((state_->features & airlock::bit(airlock::Feature::StreamManagement)) == 0) {
    // Acknowledged is what the server's TCP has taken.
    management.pending = false;
    airlock::Sm enabled;
    enabled.step = SmStep::Enabled;
    note(Reason::SessionManaged, {{"server", "no"}, {"resume", "no"}});
    return lane_.send(*client_, enabled);
  }
  management.server_counts = true;
  management.server_out_base = state_->to_server.out_base + server_->delivered;
  management.server_out = AckCounter(management.server_out_base);
  airlock::Sm enable;
  enable.step = SmStep::Enable;
  enable.resume = sm.resume;
  enable.max = sm.max;
  lane_.send(*server_, enable);
}

void Session::on_enabled(const airlock::Sm& sm) {
  if (!state_->sm || !state_->sm->pending) return alarm(*server_, "Sm", "not asked for");
  Management& management = *state_->sm;
  management.pending = false;
  management.server_in_base = state_->to_client.passage.came();
  management.server_in = AckCounter(management.server_in_base);
  management.client_out_base = state_->to_client.out_base + client_->delivered;
  management.client_out = AckCounter(management.client_out_base);
  airlock::Sm enabled;
  enabled.step = SmStep::Enabled;
  enabled.resume = management.resume_asked && sm.resume && !sm.id.empty();
  if (enabled.resume) {
    management.server_id = sm.id;
    const policy::Tokens::Text id = policy::Tokens::text(lane_.scratch.tokens.next());
    management.id = enabled.id = std::string(id.data(), id.size());
    management.max = sm.max == 0 ? kUntold : std::min(sm.max, kLongest);
    enabled.max = sm.max == 0 ? 0 : management.max;
    lane_.sessions_by_id.emplace(management.id, serial_);
  }
  lane_.send(*client_, enabled);
  note(Reason::SessionManaged, {{"server", "yes"}, {"resume", enabled.resume ? "yes" : "no"}});
}

void Session::on_enable_failed(const airlock::Sm& sm) {
  if (!state_->sm || !state_->sm->pending) return alarm(*server_, "Sm", "not asked for");
  state_->sm.reset();
  airlock::Sm failed;
  failed.step = SmStep::Failed;
  failed.condition = sm.condition;
  lane_.send(*client_, failed);
}

void Session::on_ack_wanted(const SessionLeg& leg) {
  const Way way = way_from(leg);
  if (!state_->sm || state_->sm->pending || state_->way(way).unsettled.empty()) return;
  if (way == Way::ToServer && !state_->sm->server_counts) return;
  airlock::Sm wanted;
  wanted.step = SmStep::AckWanted;
  lane_.send(*out_leg(way), wanted);
}

// --- resumption

void Session::on_resume(const airlock::Sm& sm) {
  Negotiation& login = *negotiation_;
  if (++login.binds > kMostAttempts) return end(Reason::SessionTooManyBinds);
  login.resume_h = sm.h;
  enter(Turn::Looking, turn_ends_);
  login.lanes_asked = lane_.settings.lanes;
  lane_.find_session({sm.id, lane_.settings.lane, serial_, login.account, domain_, client_enclave_});
}

void Session::on_given(std::unique_ptr<SessionState> state) {
  const bool wanted = turn_ == Turn::Looking && negotiation_ != nullptr && !negotiation_->resuming;
  if (state && !wanted) return lane_.hibernate(std::move(state));
  if (!wanted) return;
  if (!state) {
    if (--negotiation_->lanes_asked == 0)
      not_resumed(StanzaCondition::ItemNotFound, std::nullopt, "there is no such session");
    return;
  }
  negotiation_->resuming = std::move(state);
  try_resume();
}

void Session::try_resume() {
  Negotiation& login = *negotiation_;
  SessionState& state = *login.resuming;
  Management& management = *state.sm;
  Direction& out = state.to_client;
  // Whoever resumes has had the answer that counting began with, and so all that stood before it.
  static_cast<void>(out.passage.settle(std::max(out.passage.settled(), management.client_out_base)));
  const auto through = number_of(management.client_out, login.resume_h, out.passage.settled(), out.passage.left());
  if (!through) {
    // It acknowledges what it was never sent: nothing it says of that session can be relied on.
    lane_.forget(*login.resuming);
    login.resuming.reset();
    return end(Reason::SessionNotResumed, {{"why", "h is beyond what was sent"}});
  }
  static_cast<void>(out.passage.settle(*through));
  airlock::Sm resume;
  resume.step = SmStep::Resume;
  resume.id = management.server_id;
  resume.has_h = true;
  resume.h = management.server_in.h(std::max(out.passage.handled(), management.server_in_base));
  lane_.send(*server_, resume);
  enter(Turn::Resumed, turn_ends_);
}

void Session::on_resumed(const airlock::Sm& sm) {
  std::unique_ptr<SessionState> state = std::move(negotiation_->resuming);
  Management& management = *state->sm;
  Direction& out = state->to_server;
  static_cast<void>(out.passage.settle(std::max(out.passage.settled(), management.server_out_base)));
  const auto through = number_of(management.server_out, sm.h, out.passage.settled(), out.passage.left());
  if (!through) {
    lane_.forget(*state);
    return server_fault("it acknowledges what was never sent");
  }
  static_cast<void>(out.passage.settle(*through));

  struct Again {
    Way way;
    std::string xml;
    std::uint64_t record;
  };
  std::vector<Again> again;
  for (const Way way : {Way::ToServer, Way::ToClient}) {
    Direction& direction = state->way(way);
    pop_settled(direction);
    std::vector<std::uint64_t> records;
    for (; !direction.unsettled.empty(); direction.unsettled.pop()) {
      const Departure& departure = direction.unsettled.front();
      if (departure.in == 0) records.push_back(departure.record);
      // The request did not arrive, and comes again as a new one.
      if (departure.awaited.empty()) continue;
      lane_.memory.iq.take(departure.awaited);
      policy::Tokens::Token token;
      if (policy::Tokens::read(departure.awaited, token))
        std::erase_if(state->requests, [&](const auto& each) { return each.token == token; });
      // One without a record has never left.
      std::erase_if(state->overdue,
                    [&](const auto& each) { return each.record == 0 || each.record == departure.record; });
    }
    direction.unsettled.release();
    direction.injected = direction.injected_octets = 0;
    const std::uint64_t began = way == Way::ToServer ? management.client_in_base : management.server_in_base;
    auto copies = direction.passage.resume(began);
    for (std::size_t i = 0; i < copies.size(); ++i) again.push_back({way, std::move(copies[i]), records[i]});
    direction.recorded = direction.passage.came();
    direction.unanswered.clear();
    direction.acknowledged_later.clear();
    direction.held.forget_origins();
  }
  airlock::Sm resumed;
  resumed.step = SmStep::Resumed;
  resumed.id = management.id;
  resumed.has_h = true;
  resumed.h = management.client_in.h(state->to_server.passage.handled());
  lane_.send(*client_, resumed);
  lane_.sessions_by_id.insert_or_assign(management.id, serial_);
  stand(std::move(state));
  note(Reason::SessionResumed, {{"jid", state_->jid}, {"injected", std::to_string(again.size())}});
  for (Again& each : again) repeat(each.way, std::move(each.xml), each.record);
  for (const auto& each : std::exchange(state_->requests, {})) answer_request(each.open, Reason::IqNoRoom);
  for (const policy::OpenIq& each : std::exchange(state_->overdue, {})) answer_request(each, Reason::IqTimeout);
}

/// Recorded once already: what is new is the leg, and that is an event.
void Session::repeat(Way way, std::string xml, std::uint64_t record) {
  Direction& direction = state_->way(way);
  const SessionLeg* leg = out_leg(way);
  const std::uint64_t number = direction.passage.inject(xml);
  ++direction.injected;
  direction.injected_octets += static_cast<std::uint32_t>(xml.size());
  Departure& departure = direction.unsettled.push();
  departure = {};
  departure.xml = std::move(xml);
  audit::EventRecord event;
  event.time = lane_.now.wall;
  event.code = policy::code(Reason::RouteRepeated);
  event.enclave = enclave_from(reverse(way));
  event.crossing = state_->crossing;
  event.leg = leg->id;
  event.details = {{"record", std::to_string(record)}, {"number", std::to_string(number - direction.out_base)}};
  submit(audit::Record(std::move(event)), way, number, Origin{}, {});
}

void Session::on_resume_failed(const airlock::Sm& sm) {
  const Management& management = *negotiation_->resuming->sm;
  Direction& out = negotiation_->resuming->to_server;
  std::optional<std::uint32_t> h;
  if (sm.has_h) {
    const std::uint64_t least = std::max(out.passage.settled(), management.server_out_base);
    static_cast<void>(out.passage.settle(least));
    const auto through = number_of(management.server_out, sm.h, least, out.passage.left());
    if (through && out.passage.settle(*through))
      h = management.client_in.h(std::max(out.passage.handled(), management.client_in_base));
  }
  lane_.forget(*negotiation_->resuming);
  negotiation_->resuming.reset();
  not_resumed(sm.condition, h, "its server does not resume it");
}

void Session::not_resumed(StanzaCondition condition, std::optional<std::uint32_t> h, std::string_view why) {
  note(Reason::SessionNotResumed, {{"why", std::string(why)}});
  airlock::Sm failed;
  failed.step = SmStep::Failed;
  failed.condition = condition;
  failed.has_h = h.has_value();
  failed.h = h.value_or(0);
  lane_.send(*client_, failed);
  enter(Turn::Bind, turn_ends_);
}

// --- what is kept

void Session::hibernate() {
  const std::uint32_t seconds = state_->sm->max;
  state_->expires = lane_.now.steady + std::chrono::seconds(seconds) + kGrace;
  lane_.sessions_by_id.erase(state_->sm->id);
  lane_.sessions_by_crossing.erase(state_->crossing);
  if (taker_) return lane_.answer({taker_->asker, std::move(state_)}, taker_->lane);
  note(Reason::SessionHibernates, {{"jid", state_->jid}, {"seconds", std::to_string(seconds)}});
  lane_.hibernate(std::move(state_));
}

void Session::give(Wanted to) {
  if (taker_ || !is_resumable() || !to.may_have(*state_) || (turn_ != Turn::Open && !hibernates_))
    return lane_.answer({to.asker, nullptr}, to.lane);
  taker_ = std::move(to);
  if (turn_ == Turn::Open) {
    // It is the same client, on another connection.
    hibernates_ = true;
    note(Reason::LegConflict);
    enter(Turn::Ending);
    close(client_.get(), CloseKind::Condition, StreamCondition::Conflict);
    close_server(CloseKind::Abort);
  }
  if (open_records_ == 0) hand_over();
}

/// Nothing is on its way into the log any more: what is to be resumed is whole.
void Session::hand_over() {
  for (SessionLeg* leg : {client_.get(), server_.get()})
    if (leg != nullptr) note_fates(*leg);
  hibernates_ = false;
  hibernate();
  taker_.reset();
  lane_.quiet_sessions.push_back(serial_);
}

}  // namespace sallyport::guard
