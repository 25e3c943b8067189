// How the legs of a session begin and end. What is negotiated on them is in session_login.cc, what passes in
// session_stanzas.cc, what outlives them in session_resume.cc; which frame is legal when in session_turns.cc.
#include "proxy/guard/session.h"

#include <algorithm>
#include <utility>

#include "proxy/guard/admission.h"

namespace sallyport::guard {

using airlock::CloseKind;
using inspect::StreamCondition;
using policy::Reason;

namespace {

/// protocol.md 3.10: what the client hears of its server's stream error.
StreamCondition told_of_server(StreamCondition condition) {
  switch (condition) {
    case StreamCondition::Conflict:
    case StreamCondition::Reset:
    case StreamCondition::SystemShutdown:
    case StreamCondition::ResourceConstraint:
    case StreamCondition::PolicyViolation:
    case StreamCondition::ConnectionTimeout:
      return condition;
    case StreamCondition::HostUnknown:
    case StreamCondition::HostGone:
    case StreamCondition::SeeOtherHost:
    case StreamCondition::RemoteConnectionFailed:
    case StreamCondition::InternalServerError:
      return StreamCondition::RemoteConnectionFailed;
    case StreamCondition::BadFormat:
    case StreamCondition::BadNamespacePrefix:
    case StreamCondition::InvalidNamespace:
    case StreamCondition::InvalidXml:
    case StreamCondition::NotWellFormed:
    case StreamCondition::RestrictedXml:
    case StreamCondition::UnsupportedEncoding:
      // What the server found fault with is what we have written.
      return StreamCondition::InternalServerError;
    default:
      return StreamCondition::UndefinedCondition;
  }
}

}  // namespace

Session::Session(LaneState& lane, std::uint64_t serial, const policy::Login& login, std::string domain)
    : lane_(lane),
      serial_(serial),
      login_(&login),
      domain_(std::move(domain)),
      negotiation_(std::make_unique<Negotiation>()) {}

Session::~Session() {
  lane_.agenda.set(serial_, due_, kNever);
}

void Session::enter(Turn turn, Steady due) {
  turn_ = turn;
  // What was to be resumed is as it was before, for the next try.
  if (turn == Turn::Ending && negotiation_ && negotiation_->resuming)
    lane_.hibernate(std::move(negotiation_->resuming));
  turn_ends_ = due;
  lane_.agenda.set(serial_, due_, std::min({turn_ends_, settled_note_, presence_due(), answers_due()}));
}

void Session::note(Reason reason, Details details) {
  note(reason, client_.get(), std::move(details));
}

void Session::note(Reason reason, const SessionLeg* leg, Details details) {
  const std::uint64_t crossing = state_ ? state_->crossing : serial_;
  if (leg != nullptr) return lane_.note(reason, *leg, std::move(details), crossing);
  lane_.note(reason, client_enclave_, std::move(details), crossing);
}

void Session::open(std::unique_ptr<SessionLeg> client, const airlock::Opened& opened, std::string claim) {
  client_ = std::move(client);
  client_enclave_ = lane_.edges[client_->edge].enclave;
  const policy::Bundle& bundle = *lane_.bundle;
  server_edge_ = lane_.edge_of(bundle.enclave_of(*bundle.domain(domain_)).name);
  negotiation_->claim = std::move(claim);
  negotiation_->source = LoginTries::source(opened.peer);
  negotiation_->accounts = accounts_of(opened.certificate, client_enclave_, domain_, bundle);
  airlock::Terms terms;
  terms.guard_lane = lane_.settings.lane;
  terms.external = !negotiation_->accounts.empty();
  terms.stanza_octets = bundle.limits().leg_octets;
  terms.logins = static_cast<std::uint8_t>(login_->tries);
  lane_.send(*client_, terms);
  lane_.enter(*client_, Phase::Negotiating);
  dial();
}

void Session::dial() {
  if (server_edge_ == lane_.edges.size()) return end(Reason::LegFarUnreachable);
  EdgeView& edge = lane_.edges[server_edge_];
  const std::size_t lanes = edge.up.size();
  std::size_t tried = 0;
  while (tried < lanes && !edge.up[(serial_ + tried) % lanes]) ++tried;
  if (tried == lanes) return end(Reason::LegFarUnreachable);

  server_ = std::make_unique<SessionLeg>(*this, lane_.budget);
  SessionLeg& leg = *server_;
  leg.serial = lane_.next_serial();
  leg.edge = server_edge_;
  leg.edge_lane = static_cast<std::uint16_t>((serial_ + tried) % lanes);
  leg.side = Side::Dialled;
  leg.id = lane_.next_dialled_id();
  edge.legs.emplace(leg.id, leg.serial);
  lane_.session_legs.emplace(leg.serial, &leg);
  lane_.enter(leg, Phase::Dialling, lane_.now.steady + lane_.settings.hold + kDialGrace);
  airlock::Dial dial;
  dial.kind = airlock::LegKind::C2s;
  dial.from = negotiation_->claim;
  dial.to = domain_;
  dial.deadline_ms = static_cast<std::uint32_t>(lane_.settings.hold.count());
  dial.certificate = !negotiation_->accounts.empty();
  lane_.send(leg, dial);
  note(Reason::LegDialled, &leg, {{"from", dial.from}, {"to", dial.to}});
  enter(Turn::Dialling);
}

void Session::take(SessionLeg& leg, const airlock::Body& body) {
  if (const auto* close = std::get_if<airlock::Close>(&body)) {
    if (leg.phase == Phase::Dialling) return alarm(leg, airlock::name(body), name(turn_));
    return on_close(leg, *close);
  }
  if (const auto* closed = std::get_if<airlock::Closed>(&body)) {
    if (leg.phase == Phase::Dialling) return alarm(leg, airlock::name(body), name(turn_));
    return on_closed(leg, *closed);
  }
  if (leg.phase == Phase::Draining || turn_ == Turn::Ending) return take_while_ending(leg, body);
  if (!has_turn(turn_, leg.side, body)) return alarm(leg, airlock::name(body), name(turn_));
  if (const auto* stanza = std::get_if<airlock::Stanza>(&body)) return take_stanza(leg, *stanza);
  if (const auto* settled = std::get_if<airlock::Settled>(&body)) return settle(leg, settled->number);
  if (const auto* credit = std::get_if<airlock::Credit>(&body)) {
    leg.purse.add(*credit);
    return pump(reverse(way_from(leg)));
  }
  if (const auto* sm = std::get_if<airlock::Sm>(&body)) return on_sm(leg, *sm);
  if (const auto* csi = std::get_if<airlock::Csi>(&body)) {
    const bool offered = (state_->features & airlock::bit(airlock::Feature::ClientState)) != 0;
    if (offered && server_) lane_.send(*server_, *csi);
    return;
  }
  if (const auto* step = std::get_if<airlock::Sasl>(&body))
    return leg.side == Side::Accepted ? on_client_step(*step) : on_server_step(*step);
  if (const auto* offer = std::get_if<airlock::Offer>(&body)) return on_offer(*offer);
  if (const auto* bind = std::get_if<airlock::Bind>(&body)) return on_bind(*bind);
  if (const auto* bound = std::get_if<airlock::Bound>(&body)) return on_bound(*bound);
  if (const auto* ready = std::get_if<airlock::Ready>(&body)) return on_ready(*ready);
  if (const auto* failed = std::get_if<airlock::Failed>(&body)) return on_failed(*failed);
}

/// The other side has gone: what still comes reaches nobody, but what is on its way to this leg goes on.
void Session::take_while_ending(SessionLeg& leg, const airlock::Body& body) {
  if (std::holds_alternative<airlock::Failed>(body) && leg.side == Side::Dialled) return bury(leg);
  if (const auto* settled = std::get_if<airlock::Settled>(&body)) return settle(leg, settled->number);
  if (std::holds_alternative<airlock::Stanza>(body)) ++leg.ignored;
  const auto* credit = std::get_if<airlock::Credit>(&body);
  if (credit == nullptr || !state_) return;
  leg.purse.add(*credit);
  pump(reverse(way_from(leg)));
}

void Session::on_ready(const airlock::Ready& ready) {
  note(Reason::LegReady, server_.get(),
       {{"to", ready.to}, {"peer", ready.peer}, {"tls", ready.tls.version}, {"cipher", ready.tls.cipher}});
  const policy::Bundle& bundle = *lane_.bundle;
  const policy::Pair asked{negotiation_->claim, domain_};
  lane_.enter(*server_, Phase::Negotiating);
  if (const auto objection = judge_ready(ready, asked, lane_.edges[server_edge_].enclave, false, bundle)) {
    note(*objection, server_.get());
    close(server_.get(), CloseKind::Condition, policy::row(*objection).wire.stream);
    return end(Reason::LegFarUnreachable);
  }
  server_->lang = ready.lang.size() <= kLongestLanguage ? ready.lang : std::string();
  server_->stanza_octets = ready.stanza_octets;
  enter(Turn::Offer, lane_.now.steady + kNegotiation);
}

void Session::on_failed(const airlock::Failed& failed) {
  note(Reason::LegDialFailed, server_.get(), {{"fault", std::string(name(failed.fault))}, {"why", failed.why}});
  end(Reason::LegFarUnreachable);
  bury(*server_);
}

void Session::server_fault(std::string_view why) {
  end(Reason::SessionServerFault, {{"why", std::string(why)}});
}

void Session::end(Reason reason, Details details) {
  note(reason, std::move(details));
  hibernates_ = false;
  close_both(CloseKind::Condition, policy::row(reason).wire.stream, CloseKind::Clean);
}

void Session::close_both(CloseKind client, StreamCondition condition, CloseKind server) {
  enter(Turn::Ending);
  const bool dialling = server_ && server_->phase == Phase::Dialling;
  close(client_.get(), client, condition);
  close(server_.get(), dialling ? CloseKind::Abort : server, StreamCondition::UndefinedCondition);
}

void Session::close(SessionLeg* leg, CloseKind kind, StreamCondition condition) {
  if (leg == nullptr || leg->phase == Phase::Draining) return;
  const bool unanswered = leg == client_.get() && negotiation_ && !negotiation_->offered_to_client;
  if (unanswered && kind == CloseKind::Condition) {
    airlock::Refuse refuse;
    refuse.condition = condition;
    lane_.send(*leg, refuse);
  } else {
    airlock::Close close;
    close.kind = kind;
    close.condition = condition;
    lane_.send(*leg, close);
  }
  lane_.enter(*leg, Phase::Draining, lane_.now.steady + kClosing);
}

void Session::say_closed(SessionLeg& leg) {
  if (leg.said_closed) return;
  leg.said_closed = true;
  lane_.send(leg, airlock::Closed{});
}

void Session::on_close(SessionLeg& leg, const airlock::Close& close) {
  if (close.kind == CloseKind::Condition)
    note(Reason::LegStreamError, &leg,
         {{"condition", std::string(inspect::name(close.condition))}, {"why", close.why}});
  if (leg.phase == Phase::Draining) return;
  leg.closed_by_peer = close.kind == CloseKind::Clean;
  const bool client = &leg == client_.get();
  const bool answers_first = client && leg.closed_by_peer && turn_ == Turn::Open;
  lane_.enter(leg, Phase::Draining, lane_.now.steady + (answers_first ? kAnswers : kClosing));
  if (client) {
    // Silence says nothing of what the client wants: it may come back.
    const bool silent = close.kind == CloseKind::Abort ||
                        (close.kind == CloseKind::Condition && close.condition == StreamCondition::ConnectionTimeout);
    on_client_gone(!silent);
  } else if (close.kind == CloseKind::Condition && turn_ != Turn::Ending) {
    hibernates_ = false;
    enter(Turn::Ending, lane_.now.steady + kAnswers);
    farewell(Way::ToClient, CloseKind::Condition,
             state_ ? told_of_server(close.condition) : StreamCondition::RemoteConnectionFailed);
  } else {
    on_server_gone(leg.closed_by_peer);
  }
  if (!answers_first) return say_closed(leg);
  lane_.touch(leg);
}

void Session::on_closed(SessionLeg& leg, const airlock::Closed& closed) {
  const Direction* out = state_ ? &state_->way(reverse(way_from(leg))) : nullptr;
  Details details{{"cause", closed.cause}};
  if (out != nullptr) {
    details.emplace_back("stanzas", std::to_string(leg.came));
    details.emplace_back("delivered", std::to_string(leg.delivered));
  }
  if (leg.ignored > 0) details.emplace_back("ignored", std::to_string(leg.ignored));
  note(closed.clean ? Reason::LegClosed : Reason::LegLost, &leg, std::move(details));
  if (out != nullptr) settle(leg, std::clamp(closed.settled, leg.settled, leg.delivered));
  say_closed(leg);
  if (leg.phase != Phase::Draining) {
    lane_.enter(leg, Phase::Draining);
    if (&leg == client_.get()) {
      on_client_gone(closed.clean);
    } else {
      on_server_gone(closed.clean);
    }
  }
  bury(leg);
}

void Session::lose(SessionLeg& leg) {
  // Nobody can tell what its edge had written.
  if (leg.phase != Phase::Draining) {
    lane_.enter(leg, Phase::Draining);
    if (&leg == client_.get()) {
      on_client_gone(false);
    } else {
      on_server_gone(false);
    }
  }
  bury(leg);
}

void Session::on_client_gone(bool clean) {
  if (turn_ == Turn::Ending) return;
  hibernates_ = !clean && turn_ == Turn::Open && is_resumable();
  enter(Turn::Ending, lane_.now.steady + kAnswers);
  if (hibernates_ || !state_) return close_server(hibernates_ ? CloseKind::Abort : CloseKind::Clean);
  farewell(Way::ToServer, CloseKind::Clean, StreamCondition::UndefinedCondition);
}

void Session::close_server(CloseKind kind) {
  const bool dialling = server_ && server_->phase == Phase::Dialling;
  close(server_.get(), dialling ? CloseKind::Abort : kind, StreamCondition::UndefinedCondition);
}

void Session::on_server_gone(bool clean) {
  if (turn_ == Turn::Ending) {
    // What the client may have waited for to be acknowledged will not be.
    if (client_ && client_->closed_by_peer) say_closed(*client_);
    return;
  }
  hibernates_ = !clean && turn_ == Turn::Open && is_resumable();
  const bool stood = state_ != nullptr;
  enter(Turn::Ending, lane_.now.steady + kAnswers);
  if (hibernates_) return close(client_.get(), CloseKind::Abort, StreamCondition::UndefinedCondition);
  if (stood && clean) return farewell(Way::ToClient, CloseKind::Clean, StreamCondition::UndefinedCondition);
  note(Reason::SessionServerLost);
  farewell(Way::ToClient, CloseKind::Condition, StreamCondition::RemoteConnectionFailed);
}

void Session::farewell(Way way, CloseKind kind, StreamCondition condition) {
  if (state_ && !is_delivered(way) && out_leg(way) != nullptr && out_leg(way)->phase == Phase::Open) {
    farewell_ = Farewell{way, kind, condition};
    return;
  }
  close(out_leg(way), kind, condition);
}

void Session::say_farewell() {
  if (const auto now = std::exchange(farewell_, std::nullopt)) close(out_leg(now->way), now->kind, now->condition);
}

void Session::alarm(SessionLeg& leg, std::string_view frame, std::string_view why) {
  if (std::exchange(leg.alarmed, true)) return;
  note(Reason::AirlockOutOfTurn, &leg,
       {{"frame", std::string(frame)}, {"leg", std::string(name(leg.side))}, {"why", std::string(why)}});
  hibernates_ = false;
  const bool client = &leg == client_.get();
  enter(Turn::Ending);
  close(&leg, CloseKind::Abort, StreamCondition::UndefinedCondition);
  if (client) return close_server(CloseKind::Clean);
  close(client_.get(), CloseKind::Condition, StreamCondition::RemoteConnectionFailed);
}

void Session::on_due() {
  const Steady now = lane_.now.steady;
  if (settled_note_ <= now) {
    settled_note_ = kNever;
    for (SessionLeg* leg : {client_.get(), server_.get()})
      if (leg != nullptr) note_settled(*leg, leg->settled);
  }
  if (presence_due() <= now) on_presence_due();
  if (answers_due() <= now) {
    for (const Way way : {Way::ToServer, Way::ToClient}) {
      let_go_of_held(way);
      acknowledge_due(way);
    }
  }
  if (turn_ends_ > now) return enter(turn_, turn_ends_);
  if (turn_ != Turn::Ending) return end(Reason::LegTimeout);
  enter(Turn::Ending);
  say_farewell();
}

void Session::on_leg_due(SessionLeg& leg) {
  if (leg.phase == Phase::Dialling) {
    note(Reason::LegDialFailed, &leg, {{"fault", std::string(name(airlock::DialFault::Deadline))}});
    return end(Reason::LegFarUnreachable);
  }
  if (leg.closed_by_peer && !leg.said_closed) {
    say_closed(leg);
    return lane_.agenda.set(leg.serial, leg.due, lane_.now.steady + kClosing);
  }
  lane_.agenda.set(leg.serial, leg.due, kNever);
  lane_.end_edge(leg.edge, Reason::AirlockMalformed, "a leg is not closed in time");
}

void Session::note_settled(SessionLeg& leg, std::uint64_t through) {
  if (through == leg.settled_told) return;
  leg.settled_told = through;
  note(Reason::LegSettled, &leg, {{"through", std::to_string(through)}});
}

/// Puts on record what became of all that was assigned to the leg.
void Session::note_fates(SessionLeg& leg) {
  if (!state_) return;
  const Way way = reverse(way_from(leg));
  const Direction& out = state_->way(way);
  const std::uint64_t last = out.passage.left() - out.out_base;
  if (last > leg.settled)
    note(Reason::SessionUnsettled, &leg,
         {{"from", std::to_string(leg.settled + 1)},
          {"through", std::to_string(last)},
          {"delivered", std::to_string(leg.delivered)}});
  note_settled(leg, last);
}

void Session::bury(SessionLeg& leg) {
  note_fates(leg);
  lane_.agenda.set(leg.serial, leg.due, kNever);
  lane_.edges[leg.edge].legs.erase(leg.id);
  lane_.session_legs.erase(leg.serial);
  (&leg == client_.get() ? client_ : server_).reset();
  lane_.quiet_sessions.push_back(serial_);
}

bool Session::is_granted(const policy::Bundle& bundle) const {
  const policy::Domain* domain = bundle.domain(domain_);
  if (domain == nullptr || bundle.enclave_of(*domain).name != lane_.edges[server_edge_].enclave) return false;
  return bundle.login(client_enclave_, *domain) != nullptr;
}

void Session::follow(const policy::Bundle& bundle) {
  const policy::Domain* domain = bundle.domain(domain_);
  login_ = domain != nullptr ? bundle.login(client_enclave_, *domain) : nullptr;
}

void Session::finish() {
  if (hibernates_) return hibernate();
  if (!state_) return;
  lane_.forget(*state_);
  note(Reason::SessionEnded, {{"jid", state_->jid},
                              {"to_server", std::to_string(state_->to_server.passage.came())},
                              {"to_client", std::to_string(state_->to_client.passage.came())}});
}

std::size_t Session::unsettled() const {
  return state_ ? state_->to_server.unsettled.size() + state_->to_client.unsettled.size() : 0;
}

}  // namespace sallyport::guard
