// Answers in a session that are the guard's to give, and negative ones, which may have to wait (protocol.md 9, P-43).
#include <algorithm>
#include <utility>

#include "policy/bounce.h"
#include "proxy/guard/session.h"

namespace sallyport::guard {

using policy::Reason;

namespace {

/// Of what a session holds, both ways. What comes beyond it waits at the edges, requests like answers, so that nobody
/// makes answers leave before their time by asking much.
constexpr std::size_t kMostHeldOctets = 256 * 1024;

}  // namespace

void Session::answer_request(const policy::OpenIq& request, Reason reason) {
  policy::StanzaFacts facts;
  facts.kind = policy::Kind::Iq;
  facts.id = request.id();
  facts.from = policy::Address::of_prepared(request.from());
  facts.to = policy::Address::of_prepared(request.to());
  const inspect::Node* node = policy::make_bounce(facts, policy::row(reason).wire.stanza, lane_.scratch.arena);
  const policy::Address own = policy::Address::of_prepared(state_->jid);
  const bool by_client = facts.from.full == own.full;
  if (auto injection = make_injection(*node, reason, by_client ? Way::ToClient : Way::ToServer))
    inject(std::move(injection), request.record);
}

void Session::acknowledge_later(const Arrival& arrival, const policy::StanzaFacts& facts) {
  const bool asks = facts.kind == policy::Kind::Iq && (facts.type == "get" || facts.type == "set");
  if (!asks || login_->rule.timing == policy::RefusalTiming::AtOnce) return;
  auto& later = state_->way(arrival.way).acknowledged_later;
  // By then a refusal has left, whoever gives it.
  const Steady time(policy_moment(lane_.now).steady + 2 * kAnswerPad);
  if (!later.empty() && later.rbegin()->second >= time) return;
  later.emplace(arrival.origin.number, time);
  enter(turn_, turn_ends_);
}

void Session::acknowledge_due(Way way) {
  auto& later = state_->way(way).acknowledged_later;
  while (!later.empty() && later.begin()->second <= lane_.now.steady) {
    later.erase(later.begin());
    if (SessionLeg* in = in_leg(way)) lane_.touch(*in);
  }
}

/// It leaves out of its turn, so that it takes the way of what the guard refuses and answers: nothing of it leaves in
/// its place, and an injection follows from its record.
void Session::answer_later(const Arrival& arrival, const inspect::Node& node, Steady due) {
  auto& record = std::get<audit::StanzaRecord>(lane_.draft);
  record.findings.emplace_back(policy::code(Reason::IqAnswerHeld));
  if (const auto* id = node.attribute("id"); id != nullptr && *id != record.id) record.id_out = *id;
  if (lane_.bundle->settings().record_content) record.content = lane_.xml;
  auto answer = make_injection(node, Reason::IqAnswerHeld, arrival.way);
  answer->letter.injection = false;
  answer->letter.origin = arrival.origin;
  answer->record.from = record.from;
  answer->record.to = record.to;
  OnRecord then;
  then.follow(std::move(answer), due);
  Direction& direction = state_->way(arrival.way);
  direction.unanswered.insert(arrival.origin.number);
  direction.passage.refuse(digest_of(arrival.normal_form));
  submit(lane_.draft, arrival.way, 0, arrival.origin, std::move(then.follows));
}

void Session::hold(std::unique_ptr<Waiting> injection, std::uint64_t cause, Steady due) {
  if (due <= lane_.now.steady) return inject(std::move(injection), cause);
  state_->way(way_of(*injection)).held.add(due, {std::move(injection), cause});
  enter(turn_, turn_ends_);
}

void Session::let_go_of_held(Way way) {
  Held& held = state_->way(way).held;
  if (held.empty()) return;
  while (held.next_due() <= lane_.now.steady && has_room(way, held.first().letter.xml().size())) {
    Held::Stanza ready = held.take();
    inject(std::move(ready.stanza), ready.cause);
    for (SessionLeg* leg : {client_.get(), server_.get()})
      if (leg != nullptr) lane_.touch(*leg);
  }
  enter(turn_, turn_ends_);
}

bool Session::has_room(Way way, std::size_t octets) const {
  const Direction& direction = state_->way(way);
  return direction.injected == 0 ||
         (direction.injected < kWindowStanzas && direction.injected_octets + octets <= kWindowOctets);
}

bool Session::holds_too_much() const {
  return state_->to_server.held.octets() + state_->to_client.held.octets() >= kMostHeldOctets;
}

Steady Session::answers_due() const {
  Steady due = kNever;
  if (!state_) return due;
  for (const Way way : {Way::ToServer, Way::ToClient}) {
    const auto& later = state_->way(way).acknowledged_later;
    if (!later.empty()) due = std::min(due, later.begin()->second);
    const Held& held = state_->way(way).held;
    // What is due and has no room goes when something is delivered.
    if (held.empty() || (held.next_due() <= lane_.now.steady && !has_room(way, held.first().letter.xml().size())))
      continue;
    due = std::min(due, held.next_due());
  }
  return due;
}

}  // namespace sallyport::guard
