#include "policy/hidden_resources.h"

#include <algorithm>
#include <array>
#include <string>

#include "inspect/names.h"
#include "policy/stage.h"

namespace sallyport::policy {
namespace {

using inspect::Attribute;
using inspect::Node;

/// What stands for an address on the other side of the boundary.
struct Exchanged {
  Address address;
  bool restored = false;
};

/// A way between two domains, on which one side's resources or those of both are hidden.
class HiddenWay {
 public:
  HiddenWay(const Bundle& bundle, const Peering& peering, const Domain& from, const Domain& to, Scratch& scratch)
      : bundle_(bundle), rules_(peering.presence_rules), from_(from), to_(to), scratch_(scratch) {}

  /// Of an account whose resource does not cross by its name. Rooms and their occupants are of components, and none.
  bool hides(const Address& address) const {
    return !address.local.empty() && !address.is_bare() && rules_.hides_resources_of(address.domain);
  }

  /// nullopt: it is too long. Only for what is hidden.
  std::optional<Exchanged> exchange(const Address& address) const {
    const auto other = scratch_.names.exchange(address.resource, address.bare(), far_of(address));
    if (!other) return std::nullopt;
    std::string full(address.bare());
    full.append(1, '/').append(other->resource);
    return Exchanged{Address::of_prepared(scratch_.arena.copy(full)), other->restored};
  }

 private:
  /// The same for the home domain of the far side and all its components: what a room there tells of its occupants can
  /// be used to write to them.
  std::string_view far_of(const Address& address) const {
    const Domain* own = bundle_.domain(address.domain);
    const bool is_of_sender = own == nullptr || own->enclave == from_.enclave;
    return bundle_.home_of(is_of_sender ? to_ : from_).name;
  }

  const Bundle& bundle_;
  const presence::Settings& rules_;
  const Domain& from_;
  const Domain& to_;
  Scratch& scratch_;
};

/// Attributes that hold addresses, in all payloads that the tables know.
bool holds_address(const Attribute& attribute) {
  constexpr std::array<std::string_view, 7> kNames = {"by", "from", "initiator", "jid", "publisher", "responder", "to"};
  return attribute.ns.empty() && std::ranges::find(kNames, attribute.name) != kNames.end();
}

/// Elements whose text is an address: <activate/> of XEP-0065, <jid/> of XEP-0313.
bool holds_address(const Node& node) {
  return node.is("http://jabber.org/protocol/bytestreams", "activate") || node.is(inspect::ns::kMam, "jid");
}

/// Exchanges an address in the text of a payload. False: it is too long.
bool exchange(const HiddenWay& way, std::string_view& text, Run& run) {
  const Address address = Address::of_prepared(text);
  if (!way.hides(address)) return true;
  const auto other = way.exchange(address);
  if (!other) return false;
  text = other->address.full;
  run.findings.add(other->restored ? Reason::PresenceResourceRestored : Reason::PresenceResourceHidden);
  return true;
}

/// What stands inside the stanza: copies of others, and payloads that name addresses. As deep as the parser lets it be.
bool exchange_inside(const HiddenWay& way, Node& parent, Run& run) {
  for (Node* child = parent.first_child; child != nullptr; child = child->next) {
    if (child->is_text()) {
      if (holds_address(parent) && !exchange(way, child->text, run)) return false;
      continue;
    }
    for (Attribute& attribute : child->attributes)
      if (holds_address(attribute) && !exchange(way, attribute.value, run)) return false;
    if (!exchange_inside(way, *child, run)) return false;
  }
  return true;
}

std::optional<HiddenWay> hidden_way(Run& run) {
  if (run.crossing.client || !run.peering || run.peering->presence_rules.hidden_resources.empty()) return std::nullopt;
  return HiddenWay(run.bundle, *run.peering, *run.from_domain, *run.to_domain, run.scratch);
}

}  // namespace

Objection restore_addressee(Run& run) {
  const auto way = hidden_way(run);
  if (!way || !way->hides(run.facts.to)) return std::nullopt;
  const auto other = way->exchange(run.facts.to);
  if (!other) return Reason::PresenceResourceLength;
  run.facts.to_in = run.facts.to.full;
  run.facts.to = other->address;
  run.findings.add(other->restored ? Reason::PresenceResourceRestored : Reason::PresenceResourceUnknown);
  return std::nullopt;
}

Objection hide_sender(Run& run) {
  const auto way = hidden_way(run);
  if (!way) return std::nullopt;
  if (run.facts.from_out.empty() && way->hides(run.facts.from)) {
    const auto other = way->exchange(run.facts.from);
    if (!other) return Reason::PresenceResourceLength;
    run.facts.from_out = other->address.full;
    set_attribute(run.stanza, "", "from", run.facts.from_out, run.scratch.arena);
    run.findings.add(Reason::PresenceResourceHidden);
  }
  return exchange_inside(*way, run.stanza, run) ? std::nullopt : Objection(Reason::PresenceResourceLength);
}

std::optional<Address> hidden_sender(const Address& from, const Address& to, const Bundle& bundle, Scratch& scratch) {
  const Domain* from_domain = bundle.domain(from.domain);
  const Domain* to_domain = bundle.domain(to.domain);
  if (!from_domain || !to_domain) return from;
  const Peering* peering = bundle.peering(*from_domain, *to_domain);
  // The answer to what may cross one way only.
  if (!peering) peering = bundle.peering(*to_domain, *from_domain);
  if (!peering) return from;
  const HiddenWay way(bundle, *peering, *from_domain, *to_domain, scratch);
  if (!way.hides(from)) return from;
  const auto other = way.exchange(from);
  if (!other) return std::nullopt;
  return other->address;
}

}  // namespace sallyport::policy
