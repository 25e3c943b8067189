#include "policy/bounce.h"

#include <string_view>

#include "inspect/names.h"

namespace sallyport::policy {
namespace {

namespace ns = inspect::ns;
using inspect::Attribute;
using inspect::Node;

/// Whether an error may answer this stanza at all (RFC 6120 8.3.1, protocol.md X-01 and S-18).
bool may_be_answered(const StanzaFacts& facts, Reason reason) {
  if (!facts.kind || facts.from.empty() || facts.to.empty() || facts.type == "error") return false;
  switch (*facts.kind) {
    case Kind::Message:
      if (facts.type == "groupchat") return facts.to_service;
      return facts.type != "headline";
    case Kind::Presence:
      if (facts.type == "subscribe") return true;
      return facts.type != "probe" && stage_name(reason) == name(Stage::Shape);
    case Kind::Iq:
      return facts.type != "result";
  }
  return false;
}

std::optional<StanzaFault> refusal(Kind kind, MessageRefusal told) {
  using enum inspect::StanzaCondition;
  const StanzaFault unavailable{inspect::ErrorType::Cancel, ServiceUnavailable, inspect::LimitCondition::None};
  if (kind != Kind::Message) return unavailable;
  switch (told) {
    case MessageRefusal::PolicyViolation:
      return StanzaFault{inspect::ErrorType::Modify, PolicyViolation, inspect::LimitCondition::None};
    case MessageRefusal::ServiceUnavailable:
      return unavailable;
    case MessageRefusal::Silence:
      return std::nullopt;
  }
  return std::nullopt;
}

Node* add_child(Node& parent, std::string_view child_ns, std::string_view child_name, inspect::Arena& arena) {
  Node* child = arena.one<Node>();
  child->ns = child_ns;
  child->name = child_name;
  Node** link = &parent.first_child;
  while (*link) link = &(*link)->next;
  *link = child;
  return child;
}

/// Same kind and id, addresses swapped.
Node* reply(const StanzaFacts& facts, std::string_view type, inspect::Arena& arena) {
  if (!facts.kind || facts.from.empty() || facts.to.empty()) return nullptr;
  Node* stanza = arena.one<Node>();
  stanza->name = name(*facts.kind);
  // An iq has to have an id, so one that came without is answered with an empty one.
  const bool with_id = !facts.id.empty() || *facts.kind == Kind::Iq;
  const std::span<Attribute> attributes = arena.array<Attribute>(with_id ? 4 : 3);
  auto at = attributes.begin();
  *at++ = {"", "from", facts.to.full};
  if (with_id) *at++ = {"", "id", facts.id};
  *at++ = {"", "to", facts.from.full};
  *at++ = {"", "type", type};
  stanza->attributes = attributes;
  return stanza;
}

}  // namespace

std::optional<StanzaFault> fault(const StanzaFacts& facts, Reason reason, const Peering* peering) {
  return fault(facts, reason, peering ? peering->refusal : MessageRefusal::PolicyViolation);
}

std::optional<StanzaFault> fault(const StanzaFacts& facts, Reason reason, MessageRefusal told) {
  if (!facts.kind || !may_be_answered(facts, reason)) return std::nullopt;
  const Wire& wire = row(reason).wire;
  switch (wire.kind) {
    case Wire::Kind::Silence:
    case Wire::Kind::Stream:
      return std::nullopt;
    case Wire::Kind::Stanza:
      return wire.stanza;
    case Wire::Kind::Refusal:
      return refusal(*facts.kind, told);
  }
  return std::nullopt;
}

bool is_owed_answer(const StanzaFacts& facts, const ClientSession* session) {
  return session == nullptr || session->from_client || facts.kind == Kind::Iq;
}

Node* make_bounce(const StanzaFacts& facts, const StanzaFault& fault, inspect::Arena& arena) {
  Node* stanza = reply(facts, "error", arena);
  if (!stanza) return nullptr;
  Node* error = add_child(*stanza, ns::kContent, "error", arena);
  error->attributes = arena.array<Attribute>(1);
  error->attributes[0] = {"", "type", inspect::name(fault.type)};
  add_child(*error, ns::kStanzaErrors, inspect::name(fault.condition), arena);
  if (fault.limit != inspect::LimitCondition::None) add_child(*error, ns::kErrors, inspect::name(fault.limit), arena);
  return stanza;
}

Node* make_result(const StanzaFacts& facts, inspect::Arena& arena) {
  return reply(facts, "result", arena);
}

Node* make_presence(std::string_view from, std::string_view to, std::string_view type, inspect::Arena& arena) {
  Node* stanza = arena.one<Node>();
  stanza->name = name(Kind::Presence);
  stanza->attributes = arena.array<Attribute>(3);
  stanza->attributes[0] = {"", "from", from};
  stanza->attributes[1] = {"", "to", to};
  stanza->attributes[2] = {"", "type", type};
  return stanza;
}

}  // namespace sallyport::policy
