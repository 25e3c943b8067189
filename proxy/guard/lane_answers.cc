// Answers to iq requests that are the guard's to give: when none comes, and when one has to wait (protocol.md 9, P-43).
#include <utility>

#include "policy/bounce.h"
#include "proxy/guard/admission.h"
#include "proxy/guard/route.h"

namespace sallyport::guard {

using policy::Reason;
using std::chrono::milliseconds;

namespace {

/// What may be held at once; beyond it an answer leaves unpadded.
constexpr std::size_t kMostHeld = 10'000;
/// Requests that are answered in one go when their time is over.
constexpr std::size_t kExpiriesAtOnce = 256;

}  // namespace

Steady LaneState::negative_due(const policy::Peering* rule, milliseconds asked) {
  if (rule == nullptr || rule->timing == policy::RefusalTiming::AtOnce) return now.steady;
  const milliseconds elapsed = policy_moment(now).steady - asked;
  const milliseconds padded = (elapsed / kAnswerPad + 1) * kAnswerPad;
  const std::chrono::microseconds jitter(
      std::uniform_int_distribution<std::int64_t>(0, std::chrono::microseconds(kAnswerPad).count())(random));
  return Steady(asked + padded) + jitter;
}

Steady LaneState::answer_due(const policy::Peering* rule, const inspect::Node& answer) {
  const auto* type = answer.attribute("type");
  const bool negative = type != nullptr && *type == "error";
  return negative ? negative_due(rule, policy_moment(now).steady) : now.steady;
}

void LaneState::hold(std::unique_ptr<Waiting> stanza, std::uint64_t cause, Steady due) {
  Held::Stanza ready{std::move(stanza), cause};
  if (due <= now.steady || held.size() >= kMostHeld) return let_go(std::move(ready));
  held.add(due, std::move(ready));
  rearm_answers();
}

void LaneState::let_go(Held::Stanza ready) {
  if (ready.stanza->letter.injection) return inject(std::move(ready.stanza), ready.cause);
  Waiting& stanza = *ready.stanza;
  const policy::StanzaFacts facts = stanza.letter.facts();
  const policy::Pair pair{std::string(facts.from.domain), std::string(facts.to.domain)};
  const EdgeIndex from_edge = edge_of(stanza.record.from_enclave), to_edge = edge_of(stanza.record.to_enclave);
  if (still_granted(pair, stanza.record.from_enclave, stanza.record.to_enclave, *bundle))
    return route_of(pair, from_edge, to_edge).pass(std::move(stanza));
  // The policy has changed while it waited.
  stanza.record.verdict = policy::name(policy::Verdict::Drop);
  stanza.record.reason = policy::code(Reason::AddressingNotGranted);
  stanza.record.octets_out = 0;
  stanza.record.sha256_out = {};
  OnRecord then;
  then.then = OnRecord::Then::Answer;
  then.origin = stanza.letter.origin;
  recorder.submit(audit::Record(std::move(stanza.record)), std::move(then));
}

void LaneState::answer_request(const policy::OpenIq& request, Reason reason) {
  if ((request.leg & kOfSession) != 0) return answer_in_session(request, reason);
  policy::StanzaFacts facts;
  facts.kind = policy::Kind::Iq;
  facts.id = request.id();
  facts.from = policy::Address::of_prepared(request.from());
  facts.to = policy::Address::of_prepared(request.to());
  const policy::Domain* asker = bundle->domain(facts.from.domain);
  const policy::Domain* asked = bundle->domain(facts.to.domain);
  if (asker == nullptr || asked == nullptr) return;
  const inspect::Node* node = policy::make_bounce(facts, policy::row(reason).wire.stanza, scratch.arena);
  auto injection = make_injection(*node, reason, bundle->enclave_of(*asked).name, bundle->enclave_of(*asker).name);
  if (injection) inject(std::move(injection), request.record);
}

void LaneState::lose_requests(std::uint64_t leg_serial) {
  for (const policy::OpenIq& request : memory.iq.lose(leg_serial)) answer_request(request, Reason::IqLegLost);
  rearm_answers();
}

void LaneState::let_go_of_held(Steady due) {
  while (!held.empty() && held.next_due() <= due) let_go(held.take());
}

void LaneState::on_answers_due() {
  let_go_of_held(now.steady);
  // No judgement is under way, so nothing in the arena is in use.
  scratch.arena.clear();
  for (const policy::OpenIq& request : memory.iq.expire(policy_moment(now).steady, kExpiriesAtOnce))
    answer_request(request, Reason::IqTimeout);
  rearm_answers();
}

void LaneState::rearm_answers() {
  Steady due = held.next_due();
  if (const auto expiry = memory.iq.next_expiry()) due = std::min(due, Steady(*expiry));
  agenda.set(answers_serial, answers_due, due);
}

}  // namespace sallyport::guard
