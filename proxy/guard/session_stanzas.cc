// The stanzas of a session, both ways: judged, put on record, delivered, settled (protocol.md 4.3, 5; design.md 3).
#include <algorithm>
#include <utility>

#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "inspect/serializer.h"
#include "policy/bounce.h"
#include "policy/pipeline.h"
#include "proxy/guard/session.h"

namespace sallyport::guard {

using airlock::CloseKind;
using inspect::StreamCondition;
using policy::Reason;
using policy::Verdict;

void Session::take_stanza(SessionLeg& leg, const airlock::Stanza& stanza) {
  if (!leg.lent.spend(stanza.normal_form.size())) return alarm(leg, "Stanza", "more than the credit");
  if (stanza.number != leg.came + 1) return alarm(leg, "Stanza", "not the next number");
  ++leg.came;
  const bool by_server = way_from(leg) == Way::ToClient;
  const auto node = by_server ? lane_.decode(stanza.normal_form, kMostElements) : lane_.decode(stanza.normal_form);
  if (!node) return lane_.end_edge(leg.edge, Reason::AirlockNormalForm, node.error().what);
  judge(leg, stanza, **node);
}

relay::Passage::Digest Session::digest_of(std::string_view normal_form) const {
  // Only what may come again is looked for again. What was delayed says so when it comes again.
  if (!may_be_resumed()) return {};
  const auto node = lane_.decode_again(normal_form);
  if (!node) return {};
  inspect::TreeEditor edit(lane_.scratch.arena);
  for (const inspect::Node* child = (*node)->child("urn:xmpp:delay", "delay"); child != nullptr;
       child = (*node)->child("urn:xmpp:delay", "delay"))
    edit.remove_child(**node, *child);
  std::string octets;
  inspect::encode(**node, octets);
  return lane_.sha256(octets);
}

void Session::judge(SessionLeg& leg, const airlock::Stanza& stanza, inspect::Node& node) {
  const Way way = way_from(leg);
  Direction& direction = state_->way(way);
  Origin origin{serial_, direction.passage.came() + 1, static_cast<std::uint32_t>(stanza.normal_form.size())};
  if (direction.passage.expects_again() && direction.passage.was_refused(digest_of(stanza.normal_form)))
    return refuse_again(leg, stanza, origin);

  const policy::ClientSession client{state_->jid, way == Way::ToServer, &state_->ledger, state_->knows_roster};
  policy::Crossing crossing;
  crossing.from_enclave = enclave_from(way);
  crossing.to_enclave = enclave_from(reverse(way));
  crossing.lang = leg.lang;
  crossing.client = &client;
  crossing.login = login_;
  const policy::Judgement judgement =
      policy::judge(node, stanza.normal_form.size(), crossing, policy_moment(lane_.now), *lane_.bundle, lane_.scratch);
  lane_.fill_draft(
      {state_->crossing, crossing.from_enclave, crossing.to_enclave, leg.id, stanza.number, stanza.normal_form},
      judgement);
  lane_.ask_shadow(stanza.normal_form, crossing, judgement, node);
  const Arrival arrival{way, origin, stanza.normal_form};
  if (way == Way::ToClient) keep_early(judgement, node);
  acknowledge_later(arrival, judgement.facts);
  switch (judgement.verdict) {
    case Verdict::Release:
    case Verdict::Alter:
      return release(arrival, node, judgement);
    case Verdict::Bounce:
      return refuse(arrival, judgement, judgement.fault, judgement.reason);
    case Verdict::Answer:
    case Verdict::Drop:
      return refuse(arrival, judgement, {}, judgement.reason);
    case Verdict::Sever:
      return sever(arrival, judgement);
  }
}

void Session::release(const Arrival& arrival, const inspect::Node& node, const policy::Judgement& judgement) {
  const policy::StanzaFacts& facts = judgement.facts;
  const Way way = arrival.way;
  std::string& xml = lane_.xml;
  xml.clear();
  inspect::serialize(node, inspect::ns::kClient, xml);
  const SessionLeg* out = out_leg(way);
  const bool answer = way == Way::ToClient && facts.kind == policy::Kind::Iq;
  std::size_t limit = answer ? policy::kLargestAnswer : lane_.bundle->limits().leg_octets;
  if (out != nullptr && out->stanza_octets != 0) limit = std::min<std::size_t>(limit, out->stanza_octets);
  const policy::ClientSession client{state_->jid, way == Way::ToServer};
  if (const auto objection = policy::check_client_output(node, client, xml.size(), limit))
    return refuse(arrival, judgement, policy::fault(facts, *objection, &login_->rule), *objection);

  Steady due{};
  if (judgement.negative_since) due = lane_.negative_due(&login_->rule, *judgement.negative_since);
  if (due > lane_.now.steady) {
    commit(judgement.intents.release, true);
    answer_later(arrival, node, due);
  } else {
    depart(arrival, node, judgement);
  }
  lane_.rearm_answers();
  if (judgement.intents.release.presence.roster.whole()) send_early();
}

void Session::depart(const Arrival& arrival, const inspect::Node& node, const policy::Judgement& judgement) {
  const policy::StanzaFacts& facts = judgement.facts;
  const Way way = arrival.way;
  const std::string& xml = lane_.xml;
  Direction& direction = state_->way(way);
  const std::uint64_t number = direction.passage.forward(xml.size());
  Departure& departure = direction.unsettled.push();
  departure = {};
  departure.xml = xml;
  departure.in = arrival.origin.number;
  departure.credit = arrival.origin.octets;
  commit(judgement.intents.release, true);
  auto& record = std::get<audit::StanzaRecord>(lane_.draft);
  if (const auto* id = node.attribute("id"); facts.kind == policy::Kind::Iq && id != nullptr && *id != facts.id) {
    record.id_out = *id;
    if (judgement.intents.release.iq.open != nullptr) {
      departure.awaited = *id;
      lane_.memory.iq.deliver(*id, iq_leg(), 0);
    }
  }
  const SessionLeg* out = out_leg(way);
  record.leg_out = out != nullptr ? out->id : 0;
  record.number_out = number - direction.out_base;
  record.octets_out = xml.size();
  record.sha256_out = lane_.sha256(xml);
  if (lane_.bundle->settings().record_content) record.content = xml;
  submit(lane_.draft, way, number, arrival.origin, {});
}

void Session::submit(const audit::Record& record, Way way, std::uint64_t number, const Origin& origin,
                     std::vector<OnRecord::Follows> follows) {
  OnRecord then;
  then.then = OnRecord::Then::Session;
  then.leg = serial_;
  then.way = way;
  then.number = number;
  then.origin = origin;
  then.follows = std::move(follows);
  ++open_records_;
  lane_.recorder.submit(record, std::move(then));
}

void Session::refuse(const Arrival& arrival, const policy::Judgement& judgement,
                     const std::optional<policy::StanzaFault>& fault, Reason reason) {
  commit(judgement.intents.refusal, false);
  lane_.rearm_answers();
  auto& record = std::get<audit::StanzaRecord>(lane_.draft);
  OnRecord told;
  Verdict verdict = Verdict::Drop;
  const Way back = reverse(arrival.way);
  const policy::ClientSession client{state_->jid, arrival.way == Way::ToServer};
  if (judgement.verdict == Verdict::Answer && judgement.answer != nullptr) {
    told.follow(make_injection(*judgement.answer, reason, back), lane_.answer_due(&login_->rule, *judgement.answer));
    verdict = Verdict::Answer;
  } else if (fault && policy::is_owed_answer(judgement.facts, &client)) {
    const inspect::Node* bounce = policy::make_bounce(judgement.facts, *fault, lane_.scratch.arena);
    auto injection = bounce != nullptr ? make_injection(*bounce, reason, back) : nullptr;
    if (injection && may_send_error()) {
      const policy::Peering* rule = judgement.facts.kind == policy::Kind::Iq ? &login_->rule : nullptr;
      told.follow(std::move(injection), lane_.answer_due(rule, *bounce));
      verdict = Verdict::Bounce;
    } else if (injection) {
      record.findings.emplace_back(policy::code(Reason::RouteErrorBudget));
    }
  }
  if (!told.follows.empty()) {
    told.follows.back().injection->letter.origin = arrival.origin;
    state_->way(arrival.way).unanswered.insert(arrival.origin.number);
  }
  for (const policy::Injection* each = judgement.if_refused; each != nullptr; each = each->next)
    told.follow(make_injection(*each->stanza, each->reason, arrival.way),
                each->negative_since ? lane_.negative_due(&login_->rule, *each->negative_since) : Steady{});
  record.verdict = policy::name(verdict);
  record.reason = policy::code(reason);
  state_->way(arrival.way).passage.refuse(digest_of(arrival.normal_form));
  submit(lane_.draft, arrival.way, 0, arrival.origin, std::move(told.follows));
}

/// It was refused before the legs broke, and comes again: what followed from it has happened.
void Session::refuse_again(const SessionLeg& leg, const airlock::Stanza& stanza, const Origin& origin) {
  const Way way = way_from(leg);
  state_->way(way).passage.refuse(digest_of(stanza.normal_form));
  audit::EventRecord event;
  event.time = lane_.now.wall;
  event.code = policy::code(Reason::SessionReplayed);
  event.enclave = enclave_from(way);
  event.crossing = state_->crossing;
  event.leg = leg.id;
  event.details = {{"number", std::to_string(stanza.number)}};
  submit(audit::Record(std::move(event)), way, 0, origin, {});
}

void Session::sever(const Arrival& arrival, const policy::Judgement& judgement) {
  commit(judgement.intents.refusal, false);
  state_->way(arrival.way).passage.refuse({});
  submit(lane_.draft, arrival.way, 0, arrival.origin, {});
  note(Reason::LegSevered, in_leg(arrival.way), {{"condition", std::string(inspect::name(judgement.sever))}});
  hibernates_ = false;
  if (arrival.way == Way::ToServer) return close_both(CloseKind::Condition, judgement.sever, CloseKind::Clean);
  enter(Turn::Ending);
  close(server_.get(), CloseKind::Condition, judgement.sever);
  close(client_.get(), CloseKind::Condition, StreamCondition::RemoteConnectionFailed);
}

bool Session::may_send_error() {
  if (lane_.now.steady - errors_.since >= std::chrono::seconds(1)) errors_ = {lane_.now.steady, 0};
  return errors_.sent++ < lane_.bundle->limits().errors_per_second;
}

std::unique_ptr<Waiting> Session::make_injection(const inspect::Node& node, Reason reason, Way way) {
  const policy::ClientSession client{state_->jid, way == Way::ToServer};
  auto injection =
      lane_.write_injection(node, reason, enclave_from(way), enclave_from(reverse(way)), inspect::ns::kClient);
  if (policy::check_client_output(node, client, injection->letter.xml().size(), 0)) return nullptr;
  return injection;
}

void Session::inject(std::unique_ptr<Waiting> injection, std::uint64_t cause) {
  if (cause != 0) injection->record.cause = std::to_string(cause);
  const Way way = way_of(*injection);
  place(std::move(injection), way);
}

void Session::place(std::unique_ptr<Waiting> injection, Way way) {
  const SessionLeg* leg = out_leg(way);
  const std::size_t size = injection->letter.xml().size();
  const Way answers_way = injection->letter.injection ? reverse(way) : way;
  // Between two pairs of legs it waits like any other that was not acknowledged.
  const bool stands = leg != nullptr && leg->phase == Phase::Open;
  if ((!stands && !hibernates_) || !has_room(way, size) || lane_.halted) {
    const std::uint64_t answers = injection->letter.origin.number;
    lane_.lose({std::move(injection), 0}, state_->crossing);
    return answered(answers_way, answers);
  }
  audit::StanzaRecord& record = injection->record;
  record.crossing = state_->crossing;
  Direction& direction = state_->way(way);
  const std::uint64_t number =
      direction.passage.inject(may_be_resumed() ? std::string(injection->letter.xml()) : std::string());
  Departure& departure = direction.unsettled.push();
  departure = {};
  departure.xml = injection->letter.xml();
  departure.answers = injection->letter.origin.number;
  departure.answers_way = answers_way;
  ++direction.injected;
  direction.injected_octets += static_cast<std::uint32_t>(size);
  if (stands) {
    record.leg_out = leg->id;
    record.number_out = number - direction.out_base;
  }
  submit(audit::Record(std::move(record)), way, number, Origin{}, {});
}

void Session::on_recorded(OnRecord& what, std::uint64_t record) {
  --open_records_;
  Direction& direction = state_->way(what.way);
  if (what.origin.number != 0) direction.recorded = what.origin.number;
  if (what.number != 0) {
    if (direction.has_departure(what.number)) direction.departure(what.number).record = record;
  } else {
    free_credit(what.way, what.origin.octets);
  }
  for (OnRecord::Follows& next : what.follows) hold(std::move(next.injection), record, next.due);
  pump(what.way);
  if (open_records_ != 0) return;
  if (taker_) return hand_over();
  lane_.quiet_sessions.push_back(serial_);
}

void Session::pump() {
  for (const Way way : {Way::ToServer, Way::ToClient}) pump(way);
}

void Session::pump(Way way) {
  SessionLeg* leg = out_leg(way);
  if (leg == nullptr || leg->phase != Phase::Open || lane_.halted) return;
  Direction& direction = state_->way(way);
  for (;;) {
    const std::uint64_t number = direction.out_base + leg->delivered + 1;
    if (number > direction.passage.left()) break;
    Departure& next = direction.departure(number);
    if (next.record == 0) break;
    if (next.in != 0 ? !leg->purse.allows() : !leg->purse.allows_injection()) break;
    deliver(way, *leg, next);
  }
  let_go_of_held(way);
  if (farewell_ && farewell_->way == way && is_delivered(way)) say_farewell();
}

void Session::deliver(Way way, SessionLeg& leg, Departure& departure) {
  airlock::Deliver frame;
  frame.number = ++leg.delivered;
  frame.record = departure.record;
  frame.xml = departure.xml;
  lane_.send(leg, frame);
  leg.purse.spend(departure.xml.size());
  Direction& direction = state_->way(way);
  if (departure.in != 0) {
    free_credit(way, departure.credit);
  } else {
    answered(departure.answers_way, departure.answers);
    --direction.injected;
    direction.injected_octets -= static_cast<std::uint32_t>(departure.xml.size());
  }
  if (!departure.awaited.empty()) lane_.memory.iq.deliver(departure.awaited, iq_leg(), departure.record);
  departure.xml = std::string();
}

void Session::answered(Way way, std::uint64_t number) {
  if (number == 0 || state_->way(way).unanswered.erase(number) == 0) return;
  if (SessionLeg* in = in_leg(way)) lane_.touch(*in);
}

bool Session::is_delivered(Way way) const {
  const SessionLeg* leg = out_leg(way);
  const Direction& direction = state_->way(way);
  if (!direction.held.empty()) return false;
  return leg == nullptr || direction.out_base + leg->delivered >= direction.passage.left();
}

void Session::free_credit(Way came, std::uint32_t octets) {
  SessionLeg* leg = in_leg(came);
  if (leg == nullptr) return;
  leg->lent.free(octets);
  lane_.touch(*leg);
}

void Session::settle(SessionLeg& leg, std::uint64_t through) {
  if (!state_) return;
  if (through < leg.settled || through > leg.delivered) {
    if (leg.phase != Phase::Draining) alarm(leg, "Settled", "a number that was not delivered");
    return;
  }
  const Way way = reverse(way_from(leg));
  Direction& direction = state_->way(way);
  leg.settled = through;
  static_cast<void>(direction.passage.settle(direction.out_base + through));
  pop_settled(direction);
  if (SessionLeg* in = in_leg(way)) lane_.touch(*in);
  if (turn_ != Turn::Open || settled_note_ != kNever) return;
  settled_note_ = lane_.now.steady + kSettledNote;
  enter(turn_, turn_ends_);
}

void Session::pop_settled(Direction& direction) {
  while (!direction.unsettled.empty() &&
         direction.passage.left() - direction.unsettled.size() < direction.passage.settled()) {
    direction.unsettled.front() = {};
    direction.unsettled.pop();
  }
  direction.unsettled.release();
}

void Session::tell(SessionLeg& leg) {
  leg.touched = false;
  if (lane_.halted || leg.said_closed || !state_) return;
  const Direction& direction = state_->way(way_from(leg));
  // Of an earlier pair of legs all is told.
  const std::uint64_t handled =
      std::max(direction.handled(leg.phase == Phase::Open), direction.in_base) - direction.in_base;
  if (handled > leg.handled_told) {
    leg.handled_told = handled;
    airlock::Handled frame;
    frame.number = handled;
    lane_.send(leg, frame);
  }
  if (leg.closed_by_peer && handled == leg.came) {
    say_closed(leg);
    return lane_.agenda.set(leg.serial, leg.due, lane_.now.steady + kClosing);
  }
  if (leg.phase != Phase::Open || direction.passage.is_full() || holds_too_much()) return;
  if (lane_.recorder.is_congested()) return lane_.touch(leg);
  if (const auto credit = leg.lent.replenish()) lane_.send(leg, *credit);
}

}  // namespace sallyport::guard
