// What tells as much as presence does (protocol.md 6.4, 9.2; P-07, P-20 to P-29, P-35, P-44).
#include "inspect/names.h"
#include "policy/presence/gate.h"
#include "policy/tracking/acquaintance.h"

namespace sallyport::policy::presence {
namespace {

using inspect::Node;

constexpr std::string_view kReceipts = "urn:xmpp:receipts";
constexpr std::string_view kMarkers = "urn:xmpp:chat-markers:0";
constexpr std::string_view kChatStates = "http://jabber.org/protocol/chatstates";
constexpr std::string_view kPubsubEvent = "http://jabber.org/protocol/pubsub#event";

/// Asks the addressee's client for an answer that would tell that it is there.
bool asks_for_an_answer(const Node& child) {
  return child.is(kReceipts, "request") || child.is(kMarkers, "markable");
}

/// Tells the addressee that the sender is active, or when it was.
bool tells_activity(const Node& child) {
  return child.ns == kReceipts || child.ns == kMarkers || child.ns == kChatStates || child.ns == "urn:xmpp:delay" ||
         child.ns == "jabber:x:delay";
}

/// Hints for stores and routers: a message of nothing else says nothing.
bool says_nothing(const Node& child) {
  return child.is_text() || child.ns == "urn:xmpp:hints" || child.is(inspect::ns::kContent, "thread") ||
         child.ns == "urn:xmpp:sid:0";
}

bool is_joined(const Gatekeeping& gate) {
  if (gate.from_room) return gate.ledger.shown(gate.of_addressee(), gate.run.facts.to.resource) != nullptr;
  return gate.to_room;
}

/// A message to a resource that the sender was not shown goes to the account (RFC 6121 8.5.3.2.1), so that nobody finds
/// out which resources there are.
Objection readdress(const Gatekeeping& gate) {
  const StanzaFacts& facts = gate.run.facts;
  if (!gate.to_account || facts.to.is_bare() || gate.settings.gate != Gate::Strict) return std::nullopt;
  // Its server has chosen the session already.
  if (is_own_account(gate.run, facts.to)) return std::nullopt;
  if (gate.settings.phase != Phase::Enforce) return std::nullopt;
  if (gate.ledger.shown(gate.of_addressee(), facts.to.resource) != nullptr) return std::nullopt;
  if (facts.type == "headline") return Reason::PresenceResourceNotShown;
  gate.run.facts.to = Address::of_prepared(facts.to.bare());
  set_attribute(gate.run.stanza, "", "to", gate.run.facts.to.full, gate.run.scratch.arena);
  gate.run.findings.add(Reason::PresenceReaddressed);
  return std::nullopt;
}

/// P-44.
Objection count_stranger(const Gatekeeping& gate) {
  if (!gate.from_account || !gate.to_account) return std::nullopt;
  // Who writes to a session was counted, if anywhere, on his own way to its server.
  if (is_own_account(gate.run, gate.run.facts.to)) return std::nullopt;
  const PairView pair = gate.of_addressee();
  if (gate.ledger.is_open(pair) || gate.ledger.is_open(gate.of_sender())) return std::nullopt;
  if (!gate.run.scratch.memory.harvest.permits(pair, gate.settings.strangers, gate.run.now)) {
    gate.run.intents.refusal.presence.add({Change::Act::Rebuff, pair, {}});
    return Reason::PresenceHarvest;
  }
  gate.on_release(Change::Act::Contact, pair);
  return std::nullopt;
}

}  // namespace

Objection judge_message(const Gatekeeping& gate) {
  Run& run = gate.run;
  if (run.facts.type == "error" || is_joined(gate)) return std::nullopt;
  // To and from its own account and server a client says what it likes.
  if (is_own(run, run.facts.from) && is_own(run, run.facts.to)) return std::nullopt;
  if (gate.from_room) {
    if (run.facts.type == "groupchat") return Reason::PresenceRoomNotJoined;
    return readdress(gate);
  }
  const bool sender_is_known = gate.may_know(gate.of_sender());
  if (gate.from_account && !sender_is_known && run.stanza.child(kPubsubEvent, "event") != nullptr)
    return Reason::PresencePep;
  const bool addressee_is_known = gate.may_know(gate.of_addressee());
  const bool stripped = keep_children(run.stanza, [&](const Node& child) {
    if (asks_for_an_answer(child)) return addressee_is_known || !gate.to_account;
    return sender_is_known || !gate.from_account || !tells_activity(child);
  });
  if (stripped) {
    const bool any_left = [&] {
      for (const Node& child : run.stanza.children())
        if (!says_nothing(child)) return true;
      return false;
    }();
    if (!any_left) return Reason::PresenceActivityOnly;
    run.findings.add(Reason::PresenceActivityStripped);
  }
  const Objection harvest = count_stranger(gate);
  const Objection of_resource = readdress(gate);
  return harvest ? harvest : of_resource;
}

Objection judge_request(const Gatekeeping& gate) {
  if (!gate.to_account || gate.settings.gate == Gate::Open) return std::nullopt;
  const PairView pair = gate.of_addressee();
  const StanzaFacts& facts = gate.run.facts;
  if (is_own(gate.run, facts.from) && is_own(gate.run, facts.to)) return std::nullopt;
  if (!facts.to.is_bare()) {
    const bool shown = gate.ledger.shown(pair, facts.to.resource) != nullptr ||
                       (gate.in_session && was_shown(gate.run, facts.from, facts.to));
    return shown ? std::nullopt : Objection(Reason::PresenceResourceNotShown);
  }
  if (gate.may_know(pair)) return std::nullopt;
  const Objection harvest = count_stranger(gate);
  return harvest ? harvest : Objection(Reason::PresenceStranger);
}

}  // namespace sallyport::policy::presence
