// Stage 3, payload: what a stanza carries besides text. Each payload must be one that the peering's switches let cross,
// of the shape that its tables give, and within the rules of protocol.md 5.9; so must those of every stanza inside it.
#include <array>

#include "inspect/names.h"
#include "policy/payload/rules.h"
#include "policy/payload/shapes.h"
#include "policy/payload/value.h"
#include "policy/stage.h"

namespace sallyport::policy {
namespace {

using inspect::Attribute;
using inspect::Node;
using shapes::ElementShape;
using shapes::Value;
using shapes::ValueType;
namespace ns = inspect::ns;

/// What payloads are judged by while they are walked through.
class Walk {
 public:
  Walk(Run& run, Bearer bearer, unsigned depth) : run_(run), bearer_(bearer), depth_(depth) {
    strict_ = run.bundle.settings().payloads == Unknown::Strict;
  }

  /// The payloads among the children of a stanza.
  Objection stanza(Node& stanza);

 private:
  enum class Fate : std::uint8_t { Keep, TakeOut };

  shapes::Place place() const;
  void payloads(Node& stanza, unsigned place);
  Fate payload(Node& node, unsigned place);
  Fate payload_of(Node& node, const ElementShape& shape, bool whole);
  Fate unknown(bool whole);
  void application_condition(Node& error);
  void element(Node& node, const ElementShape& shape);
  void attributes(Node& node, const ElementShape& shape);
  bool attribute(Attribute& attribute, const ElementShape& shape);
  void children(Node& node, const ElementShape& shape);
  bool child(Node& child, const ElementShape& shape, std::span<std::uint16_t> counts);
  bool value(const Value& value, std::string_view& text);
  void text(Node& node, const ElementShape& shape);
  void inner_stanza(Node& wrapper);
  void inner_addresses(Node& inner, StanzaFacts& facts);
  bool inner_address(Node& inner, std::string_view name, Address& address);
  bool part_unknown();
  bool any_left(const Node& stanza) const;

  void object(Reason reason) {
    if (objection_) {
      if (*objection_ != reason) run_.findings.add(reason);
    } else {
      objection_ = reason;
    }
  }

  Run& run_;
  Bearer bearer_;
  unsigned depth_ = 0;   ///< of stanzas: 1 is within a stanza
  bool strict_ = false;  ///< unknown things are refused
  bool any_out_ = false;
  Objection objection_;
};

shapes::Place Walk::place() const {
  switch (bearer_.kind) {
    case Kind::Message:
      return shapes::kMessage;
    case Kind::Presence:
      return shapes::kPresence;
    case Kind::Iq:
      if (bearer_.facts.type == "get") return shapes::kGet;
      if (bearer_.facts.type == "set") return shapes::kSet;
      return shapes::kResult;
  }
  return shapes::kNowhere;
}

/// Ciphertext that stands where text should: OTR and armoured OpenPGP.
bool is_ciphertext(std::string_view body) {
  return body.contains("?OTR") || body.contains("-----BEGIN PGP MESSAGE-----");
}

Objection Walk::stanza(Node& stanza) {
  if (!bearer_.on.has(Switch::Encrypted))
    for (const Node& child : stanza.children())
      if (child.name == "body" && child.ns == stanza.ns && is_ciphertext(child.text_content()))
        object(Reason::PayloadEncrypted);
  // An error in full transparency repeats what it answers.
  const bool echo = bearer_.kind == Kind::Iq && bearer_.facts.type == "error";
  payloads(stanza, echo ? shapes::kGet | shapes::kSet : static_cast<unsigned>(place()));
  if (!objection_ && any_out_ && bearer_.kind == Kind::Message && bearer_.facts.type != "error" && !any_left(stanza))
    object(Reason::PayloadNothingLeft);
  return objection_;
}

/// Whether a message still says something after payloads have gone.
bool Walk::any_left(const Node& stanza) const {
  for (const Node& child : stanza.children()) {
    if (child.is_text()) continue;
    if (child.ns == stanza.ns) {
      if (child.name != "thread") return true;
      continue;
    }
    const ElementShape* shape = shapes::payload_shape(child.ns, child.name);
    if (!shape) return true;
    const Switch of = shape->which;
    // These only say something about what is no longer there.
    const bool accompanies = child.ns == "urn:xmpp:sec-label:0" || of == Switch::Hints || of == Switch::StanzaIds ||
                             of == Switch::Delays || of == Switch::Replies;
    if (!accompanies) return true;
  }
  return false;
}

/// The children that are payloads of their own right; text and the stanza's own children are none of its business.
void Walk::payloads(Node& stanza, unsigned place) {
  keep_children(stanza, [&](Node& child) {
    if (child.ns == stanza.ns && child.name == "error") application_condition(child);
    if (child.is_text() || child.ns == stanza.ns) return true;
    if (payload(child, place) == Fate::Keep) return true;
    any_out_ = true;
    return false;
  });
}

/// In full transparency an error may carry a condition of an application: its name, and nothing inside.
void Walk::application_condition(Node& error) {
  const bool went = keep_children(error, [](const Node& child) {
    return child.is_text() || child.ns == ns::kStanzaErrors || (child.attributes.empty() && !child.first_child);
  });
  if (went) run_.findings.add(Reason::PayloadUnknownOut);
}

/// `whole`: the stanza would mean something else without it, or nothing at all.
Walk::Fate Walk::unknown(bool whole) {
  if (strict_ || whole) {
    object(Reason::PayloadUnknown);
    return Fate::Keep;
  }
  run_.findings.add(Reason::PayloadUnknownOut);
  return Fate::TakeOut;
}

Walk::Fate Walk::payload(Node& node, unsigned place) {
  const bool is_item = place == shapes::kItem;
  const bool whole = bearer_.kind == Kind::Iq && !is_item;
  const ElementShape* shape = shapes::payload_shape(node.ns, node.name);
  if (shape && (shape->places & place) != 0) return payload_of(node, *shape, whole);
  if (!run_.inventory.add({node.ns, node.name, static_cast<std::uint8_t>(depth_ + is_item)}, run_.scratch.arena))
    object(Reason::PayloadTooMany);
  return unknown(whole || (shape && shape->essential));
}

Walk::Fate Walk::payload_of(Node& node, const ElementShape& shape, bool whole) {
  const bool on = bearer_.on.has(shape.which);
  if (!run_.inventory.add({node.ns, node.name, static_cast<std::uint8_t>(depth_), on}, run_.scratch.arena))
    object(Reason::PayloadTooMany);
  if (!on) {
    if ((shape.essential && !tells_origin_only(node)) || whole) {
      object(Reason::PayloadDenied);
      return Fate::Keep;
    }
    run_.findings.add(Reason::PayloadOut);
    return Fate::TakeOut;
  }
  const Ruling ruling = rule(run_, bearer_, shape.rule, node);
  if (ruling.act == Ruling::Act::Refuse) object(ruling.reason);
  if (ruling.act == Ruling::Act::TakeOut) {
    run_.findings.add(ruling.reason);
    return Fate::TakeOut;
  }
  if (ruling.act == Ruling::Act::Keep) element(node, shape);
  return Fate::Keep;
}

void Walk::element(Node& node, const ElementShape& shape) {
  if (shape.content == shapes::Content::Opaque) return attributes(node, shape);
  attributes(node, shape);
  if (shape.content == shapes::Content::Stanza) inner_stanza(node);
  children(node, shape);
  text(node, shape);
}

/// Something that the payload's document does not define: refused, or taken out.
bool Walk::part_unknown() {
  if (strict_) {
    object(Reason::PayloadPartUnknown);
    return true;
  }
  run_.findings.add(Reason::PayloadPartOut);
  return false;
}

void Walk::attributes(Node& node, const ElementShape& shape) {
  std::size_t required = 0;
  for (const auto& each : shape.attributes) required += each.required ? 1 : 0;
  keep_attributes(node, [&](Attribute& each) { return attribute(each, shape); });
  if (required == 0) return;
  for (const auto& each : shape.attributes)
    if (each.required && !node.attribute(each.name, each.ns)) return object(Reason::PayloadMissing);
}

bool Walk::attribute(Attribute& attribute, const ElementShape& shape) {
  if (attribute.ns == ns::kXml && attribute.name == "lang" &&
      (attribute.value.empty() || is_language_tag(attribute.value)))
    return true;
  for (const auto& each : shape.attributes) {
    if (each.name != attribute.name || each.ns != attribute.ns) continue;
    if (!value(each.value, attribute.value)) object(Reason::PayloadValue);
    return true;
  }
  return part_unknown();
}

bool Walk::value(const Value& value, std::string_view& text) {
  if (value.type != ValueType::Jid && value.type != ValueType::BareJid) return shapes::fits(value, text);
  const auto& jid = run_.scratch.jids.parse(text, run_.peering->jids);
  if (!jid || (value.type == ValueType::BareJid && !jid->is_bare())) return false;
  if (jid->full() != text) {
    text = run_.scratch.arena.copy(jid->full());
    run_.findings.add(Reason::PayloadCanonical);
  }
  return true;
}

void Walk::children(Node& node, const ElementShape& shape) {
  if (!node.first_child) {
    for (const auto& each : shape.children)
      if (each.least > 0) return object(Reason::PayloadCount);
    return;
  }
  std::array<std::uint16_t, shapes::kMostChildShapes> counts{};
  const bool holds_stanza = shape.content == shapes::Content::Stanza;
  keep_children(node, [&](Node& each) {
    if (each.is_text()) return true;
    if (holds_stanza && (each.ns == ns::kClient || each.ns == ns::kServer)) return true;  // judged on its own
    return child(each, shape, counts);
  });
  for (std::size_t i = 0; i < shape.children.size(); ++i)
    if (counts[i] < shape.children[i].least) return object(Reason::PayloadCount);
}

bool Walk::child(Node& child, const ElementShape& shape, std::span<std::uint16_t> counts) {
  for (std::size_t i = 0; i < shape.children.size(); ++i) {
    const ElementShape& of = shapes::elements()[shape.children[i].element];
    if (of.name != child.name || of.ns != child.ns) continue;
    if (++counts[i] > shape.children[i].most) {
      object(Reason::PayloadCount);
      return true;
    }
    if (of.ns != shape.ns) {
      return payload_of(child, of, false) == Fate::Keep;
    }
    const Ruling ruling = rule(run_, bearer_, of.rule, child);
    if (ruling.act == Ruling::Act::Refuse) object(ruling.reason);
    element(child, of);
    return true;
  }
  if (shape.content == shapes::Content::Payloads) return payload(child, shapes::kItem) == Fate::Keep;
  return part_unknown();
}

void Walk::text(Node& node, const ElementShape& shape) {
  for (Node* each = node.first_child; each; each = each->next) {
    if (!each->is_text()) continue;
    if (shape.text.type == ValueType::None) {
      if (!is_whitespace(each->text)) return object(Reason::PayloadText);
    } else if (!value(shape.text, each->text)) {
      return object(Reason::PayloadValue);
    }
  }
  const bool needs_text = shape.text.type == ValueType::Jid || shape.text.type == ValueType::BareJid ||
                          shape.text.type == ValueType::Integer || shape.text.type == ValueType::Boolean ||
                          shape.text.type == ValueType::Word;
  if (needs_text && !node.first_child) object(Reason::PayloadValue);
}

// --- a stanza inside a payload (protocol.md X-08): judged as one of its own, but its addresses grant nothing

Node* only_stanza(Node& wrapper) {
  Node* found = nullptr;
  for (Node* child = wrapper.first_child; child; child = child->next) {
    if (child->is_text() || (child->ns != ns::kClient && child->ns != ns::kServer)) continue;
    if (found) return nullptr;
    found = child;
  }
  return found;
}

/// Gives the stanza and its own children another namespace.
void rescope(Node& stanza, std::string_view from, std::string_view to) {
  stanza.ns = to;
  for (Node* child = stanza.first_child; child; child = child->next)
    if (!child->is_text() && child->ns == from) child->ns = to;
}

void Walk::inner_stanza(Node& wrapper) {
  if (depth_ > 0) return object(Reason::PayloadNestedDeep);
  Node* inner = only_stanza(wrapper);
  if (!inner) return object(Reason::PayloadNestedCount);
  if (inner->name != "message") return object(Reason::PayloadNestedKind);

  Crossing crossing = run_.crossing;
  crossing.lang = {};
  Run sub{.stanza = *inner,
          .octets = 0,
          .crossing = crossing,
          .now = run_.now,
          .bundle = run_.bundle,
          .scratch = run_.scratch,
          .findings = run_.findings,
          .peering = run_.peering};
  const std::string_view literal = inner->ns;
  rescope(*inner, literal, ns::kContent);
  const Objection of_shape = shape(sub);
  rescope(*inner, ns::kContent, literal);
  run_.findings = sub.findings;
  if (of_shape) {
    run_.findings.add(*of_shape);
    return object(Reason::PayloadNestedShape);
  }
  inner_addresses(*inner, sub.facts);
  Bearer bearer{
      .facts = sub.facts, .kind = sub.kind, .from_service = is_service(run_.bundle, sub.facts.from), .on = bearer_.on};
  bearer.facts.to_service = is_service(run_.bundle, sub.facts.to);
  if (const Objection inside = Walk(run_, bearer, depth_ + 1).stanza(*inner)) object(*inside);
}

bool Walk::inner_address(Node& inner, std::string_view name, Address& address) {
  for (Attribute& each : inner.attributes) {
    if (each.name != name || !each.ns.empty()) continue;
    if (!value({ValueType::Jid, 0, 0, {}}, each.value)) return false;
    address = Address::of_prepared(each.value);
  }
  return true;
}

/// What is quoted must have been said by somebody who could have said it here himself, to somebody whom the policy
/// knows: a copy must not speak for a domain that its bearer does not speak for.
void Walk::inner_addresses(Node& inner, StanzaFacts& facts) {
  if (!inner_address(inner, "from", facts.from) || !inner_address(inner, "to", facts.to) || facts.from.empty())
    return object(Reason::PayloadNestedAddress);
  // An account's copies and archive hold what it has said itself, and what was said to it.
  if (is_own_account(run_, bearer_.facts.from) && bearer_.facts.from.is_bare()) {
    const bool to_own = facts.to.empty() || is_own_account(run_, facts.to);
    const bool is_of_account =
        is_own_account(run_, facts.from) || (to_own && may_have_come(run_, facts.from, Kind::Message));
    if (!is_of_account) object(Reason::PayloadNestedAddress);
    return;
  }
  const std::string_view to = bearer_.facts.to.domain;
  const Peering* could = run_.bundle.peering(facts.from.domain, to);
  const bool of_bearer = facts.from.domain == bearer_.facts.from.domain;
  const bool known_to = facts.to.empty() || run_.bundle.domain(facts.to.domain);
  if ((!of_bearer && !(could && could->grants(Kind::Message))) || !known_to) object(Reason::PayloadNestedAddress);
}

}  // namespace

Objection payload(Run& run) {
  const Bearer bearer{.facts = run.facts,
                      .kind = run.kind,
                      .from_service = is_service(run.bundle, run.facts.from),
                      .on = Switches(run.peering->payloads)};
  return Walk(run, bearer, 0).stanza(run.stanza);
}

}  // namespace sallyport::policy
