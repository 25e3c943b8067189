// The rules of protocol.md 5.9 for single payloads: what is asked beyond their shape.
#pragma once

#include "policy/payload/shapes.h"
#include "policy/stage.h"

namespace sallyport::policy {

/// Whose stanza it is and what it may carry, while its payloads are judged.
struct Bearer {
  StanzaFacts facts;          ///< of the stanza that carries the payload: the outer one, or the one inside
  Kind kind = Kind::Message;  ///< of that stanza
  bool from_service = false;  ///< it comes from a component or a domain as such
  Switches on;
};

/// What a rule comes to for one payload.
struct Ruling {
  enum class Act : std::uint8_t { Keep, TakeOut, Refuse };
  Act act = Act::Keep;
  Reason reason = Reason::PolicyUndecided;  ///< unless it is kept
};

/// Judges, and mends what can be mended within the payload; what is mended is a finding.
Ruling rule(Run& run, const Bearer& bearer, shapes::Rule which, inspect::Node& node);

/// Whether a list of addresses (XEP-0033) names nobody to whom the stanza goes or answers would go, but only who said
/// it first, as rooms do for what they repeat. It can be taken out.
bool tells_origin_only(const inspect::Node& node);

/// Whether an address is a service: a component, or a domain as such.
bool is_service(const Bundle& bundle, const Address& address);

}  // namespace sallyport::policy
