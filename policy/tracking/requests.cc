// Part of the presence stage: iq requests and their answers (protocol.md 9). A request that crosses gets an id that the
// far side cannot guess and a place in the table; an answer crosses only for such a place, once, from the right party.
#include "inspect/names.h"
#include "policy/bounce.h"
#include "policy/stage.h"
#include "policy/tracking/acquaintance.h"
#include "policy/tracking/answer_shape.h"
#include "policy/tracking/domain_answer.h"
#include "policy/tracking/level.h"
#include "policy/tracking/request_grant.h"

namespace sallyport::policy {
namespace {

namespace ns = inspect::ns;
using inspect::Node;

const Node* payload_of(const Node& stanza) {
  for (const Node& child : stanza.children())
    if (!child.is_text() && child.ns != ns::kContent) return &child;
  return nullptr;
}

Target target_of(const Run& run) {
  const Address& to = run.facts.to;
  const Domain* domain = run.bundle.domain(to.domain);
  const bool home = domain != nullptr && run.bundle.is_home(*domain);
  if (to.local.empty()) return home ? Target::Domain : Target::Service;
  if (to.is_bare()) return home ? Target::Account : Target::Room;
  return home ? Target::Session : Target::Occupant;
}

/// Whether the requester may know that this full address is there.
bool is_known(const Run& run, Target target) {
  if (target == Target::Session) return was_shown(run, run.facts.from, run.facts.to);
  if (target == Target::Occupant) return is_in_room(run, run.facts.from, run.facts.to);
  return true;
}

/// XEP-0313: the id that the messages of the answer will carry.
std::string_view queryid_of(const Node& payload) {
  if (!payload.is(ns::kMam, "query")) return {};
  const auto* id = payload.attribute("queryid");
  return id ? *id : std::string_view();
}

Objection request(Run& run) {
  const Node* payload = payload_of(run.stanza);
  if (payload == nullptr) return Reason::IqNotAllowed;
  const Target target = target_of(run);
  const bool own_affair = is_own(run, run.facts.from) && is_own(run, run.facts.to);
  if (!own_affair && !grants(run.peering->requests, target, run.facts.type, payload->ns)) {
    if (target != Target::Domain) return Reason::IqNotAllowed;
    const Node* answer = domain_answer(run, *payload);
    if (answer == nullptr) return Reason::IqNotAllowed;
    run.answer = answer;
    return Reason::IqAnswered;
  }
  if (!is_known(run, target)) return Reason::IqNotShown;

  auto* asked = run.scratch.arena.one<IqRequest>();
  *asked = {.token = run.scratch.tokens.next(),
            .id = run.facts.id,
            .from = run.facts.from.full,
            .to = run.facts.to.full,
            .ns = payload->ns,
            .name = payload->name,
            .query = queryid_of(*payload),
            .to_service = run.facts.to_service,
            .patience = patience(payload->ns)};
  if (!run.scratch.memory.iq.has_room(*asked)) return Reason::IqTooMany;
  const Tokens::Text text = Tokens::text(asked->token);
  set_attribute(run.stanza, "", "id", run.scratch.arena.copy({text.data(), text.size()}), run.scratch.arena);
  run.intents.release.iq.open = asked;
  return std::nullopt;
}

/// The requester hears at once that there will be no answer, in the words of every refusal.
void answer_instead(Run& run, const OpenIq& open) {
  StanzaFacts asked;
  asked.kind = Kind::Iq;
  asked.id = run.scratch.arena.copy(open.id());
  asked.from = run.facts.to;
  asked.to = run.facts.from;
  run.inject_if_refused(*make_bounce(asked, kUnavailable, run.scratch.arena), Reason::IqAnsweredInstead, open.asked());
}

/// Whether an answer's address is the one that it is expected from or for. Its own account may name itself in any way,
/// and for it its server (protocol.md Q-02).
bool is_party(const Run& run, std::string_view expected, const Address& address) {
  if (expected == address.full) return true;
  const Address of = Address::of_prepared(expected);
  return is_own_account(run, of) && (is_own_account(run, address) || (of.is_bare() && is_own(run, address)));
}

/// What an error may tell of a user: that there is no answer, and nothing of why (protocol.md P-41).
void level_if_of_user(Run& run) {
  if (run.facts.type != "error" || !is_of_user(run, run.facts.from)) return;
  level_error(run, run.facts.from.full);
}

Objection answer(Run& run) {
  const OpenIq* open = run.scratch.memory.iq.find(run.facts.id);
  if (open == nullptr) return Reason::IqUnsolicited;
  // Somebody else's answer must not take the place of the right one, so the request stays open.
  if (!is_party(run, open->from(), run.facts.to) || !is_party(run, open->to(), run.facts.from))
    return Reason::IqWrongParty;
  run.intents.release.iq.close = run.intents.refusal.iq.close = run.facts.id;
  answer_instead(run, *open);
  if (run.facts.type == "error") run.negative_since = open->asked();
  if (run.facts.type == "result") {
    const Node* payload = payload_of(run.stanza);
    if (payload != nullptr && !may_answer(*open, payload->ns, payload->name)) return Reason::IqAnswerPayload;
  }
  set_attribute(run.stanza, "", "id", run.scratch.arena.copy(open->id()), run.scratch.arena);
  level_if_of_user(run);
  return std::nullopt;
}

}  // namespace

Objection requests(Run& run) {
  const bool asks = run.facts.type == "get" || run.facts.type == "set";
  return asks ? request(run) : answer(run);
}

}  // namespace sallyport::policy
