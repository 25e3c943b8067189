// Part of the presence stage: message and presence errors (protocol.md 9.2, P-28, P-40 to P-42), and messages that are
// part of an iq answer.
#include "inspect/names.h"
#include "policy/bounce.h"
#include "policy/stage.h"
#include "policy/tracking/acquaintance.h"
#include "policy/tracking/level.h"

namespace sallyport::policy {
namespace {

namespace ns = inspect::ns;
using inspect::Node;

/// What a server sends to those who watch the account of a session does not cross; the gate knows who they are.
bool answers_its_server(const Run& run) {
  return run.kind == Kind::Presence && run.crossing.client != nullptr && !run.crossing.client->from_client;
}

Objection returned_error(Run& run) {
  Crossed answered{.kind = run.kind, .from = run.facts.to.full, .to = run.facts.from.full, .id = run.facts.id};
  const auto crossed = [&] { return run.scratch.memory.recent.has(answered, run.now.steady); };
  const bool of_user = is_of_user(run, run.facts.from);
  if (!crossed()) {
    // What went to an account may be answered by any client that its server gave it to (RFC 6121 8.5.2.1.1).
    answered.to = run.facts.from.bare();
    const bool of_account = of_user || is_own_account(run, run.facts.from);
    const bool of_client = of_account && !run.facts.from.is_bare() && crossed();
    if (!of_client && !(of_user && answers_its_server(run))) return Reason::ErrorUnsolicited;
  }
  if (!of_user) return std::nullopt;
  // Between silence and any answer lies the knowledge that somebody is there.
  if (!may_see(run, run.facts.to, run.facts.from)) return Reason::ErrorToStranger;
  level_error(run, answered.to);
  return std::nullopt;
}

void remember(Run& run) {
  Crossed& crossed = run.intents.release.recent.whole;
  crossed = {.kind = run.kind, .from = run.facts.from.full, .to = run.facts.to.full, .id = run.facts.id};
  // A room answers in its own name what was sent to an occupant, when there is none.
  if (run.facts.to_service && !run.facts.to.is_bare()) {
    run.intents.release.recent.to_bare = crossed;
    run.intents.release.recent.to_bare.to = run.facts.to.bare();
  }
}

/// A message that claims to be part of the answer to an archive query belongs to an open one.
Objection part_of_answer(Run& run) {
  const Node* result = run.stanza.child(ns::kMam, "result");
  if (result == nullptr) return std::nullopt;
  const auto* queryid = result->attribute("queryid");
  const auto open =
      run.scratch.memory.iq.query(run.facts.from.full, run.facts.to.full, queryid ? *queryid : std::string_view());
  if (!open) return Reason::IqQueryNotOpen;
  run.intents.release.iq.message_of = *open;
  return std::nullopt;
}

}  // namespace

bool is_of_user(const Run& run, const Address& address) {
  if (address.local.empty() || is_own_account(run, address)) return false;
  // A session also hears of domains that no enclave owns; where they have their rooms nobody knows.
  const Domain* domain = run.bundle.domain(address.domain);
  return domain == nullptr || run.bundle.is_home(*domain);
}

void level_error(Run& run, std::string_view asked) {
  if (run.bundle.settings().transparency == Transparency::Full) return;
  // A client speaks as itself; its server knows it by no other name.
  const bool of_client = run.crossing.client != nullptr && run.crossing.client->from_client;
  const bool other_address = asked != run.facts.from.full && !of_client;
  if (other_address) run.facts.from_out = asked;
  StanzaFacts answered = run.facts;
  answered.from = run.facts.to;
  answered.to = run.facts.from;
  if (const auto* id = run.stanza.attribute("id")) answered.id = *id;
  const Node* level = make_bounce(answered, kUnavailable, run.scratch.arena);
  const auto* had_type = run.stanza.child(ns::kContent, "error")->attribute("type");
  const bool was_level =
      had_type != nullptr && *had_type == inspect::name(kUnavailable.type) &&
      run.stanza.child(ns::kContent, "error")->child(ns::kStanzaErrors, inspect::name(kUnavailable.condition)) !=
          nullptr;
  run.stanza.attributes = level->attributes;
  run.stanza.first_child = level->first_child;
  if (other_address) set_attribute(run.stanza, "", "from", asked, run.scratch.arena);
  if (!was_level || other_address) run.findings.add(Reason::ErrorLevelled);
}

Objection errors_and_parts(Run& run) {
  if (run.facts.type == "error") return returned_error(run);
  remember(run);
  return run.kind == Kind::Message ? part_of_answer(run) : std::nullopt;
}

}  // namespace sallyport::policy
