#include "policy/payload/rules.h"

#include <algorithm>
#include <chrono>

#include "policy/payload/value.h"

namespace sallyport::policy {
namespace {

using inspect::Attribute;
using inspect::Node;
using Act = Ruling::Act;

/// Clocks of two domains are never quite alike.
constexpr std::chrono::minutes kSkew{5};

constexpr Ruling kKept{};
constexpr Ruling refused(Reason reason) {
  return {Act::Refuse, reason};
}
constexpr Ruling taken_out(Reason reason) {
  return {Act::TakeOut, reason};
}

/// From an account to itself. A client's own word counts as such where its server takes it so.
bool is_of_itself(const Run& run, const StanzaFacts& facts) {
  const Address& from = facts.from;
  const bool to_own_server =
      run.crossing.client != nullptr && run.crossing.client->from_client && is_own_account(run, facts.to);
  return from.empty() || to_own_server || (from.is_bare() && from.full == facts.to.bare());
}

/// Forged lists of contacts and forged copies: CVE-2015-8688, CVE-2017-5589. What a stanza inside says of its
/// addresses is not enough.
Ruling own_account(const Run& run, const Bearer& bearer) {
  const bool own = is_of_itself(run, run.facts) && is_of_itself(run, bearer.facts);
  return own ? kKept : refused(Reason::PayloadOwnAccount);
}

Ruling own_server(const Run& run) {
  return is_own(run, run.facts.from) && is_own(run, run.facts.to) ? kKept : refused(Reason::PayloadOwnAccount);
}

/// RFC 6121 2.1.5, 2.1.6: who sets or pushes names one contact.
Ruling roster(const Run& run, const Bearer& bearer, const Node& query) {
  const Ruling own = own_account(run, bearer);
  if (own.act != Act::Keep || bearer.facts.type != "set") return own;
  std::size_t items = 0;
  for (const Node& child : query.children()) items += child.is_text() ? 0 : 1;
  return items == 1 ? kKept : refused(Reason::PayloadCount);
}

/// What belongs to services; an account is one to its own clients, but none of its resources is.
bool is_from_service(const Run& run, const Bearer& bearer) {
  return bearer.from_service || (is_own_account(run, bearer.facts.from) && bearer.facts.from.is_bare());
}
bool is_to_service(const Run& run, const Bearer& bearer) {
  const bool to_own = run.crossing.client != nullptr && run.crossing.client->from_client;
  return bearer.facts.to_service || (to_own && is_own_account(run, bearer.facts.to));
}

/// An address in a payload, empty if it is none; it has not been prepared yet.
Address address_in(Run& run, std::string_view text) {
  const auto& jid = run.scratch.jids.parse(text, run.peering->jids);
  return jid ? Address::of_prepared(run.scratch.arena.copy(jid->full())) : Address();
}
std::string_view domain_of(Run& run, std::string_view text) {
  return address_in(run, text).domain;
}

/// A server may say something about what it hands to a client of its own, whoever has sent it.
bool is_of_sender(Run& run, const Bearer& bearer, const std::string_view* written) {
  if (!written) return false;
  const Address address = address_in(run, *written);
  const bool by_server = run.crossing.client != nullptr && !run.crossing.client->from_client;
  return address.domain == bearer.facts.from.domain || (by_server && is_own(run, address));
}

Ruling delay(Run& run, const Bearer& bearer, const Node& node) {
  if (run.bundle.settings().transparency == Transparency::Full) return kKept;
  if (bearer.kind == Kind::Presence) return taken_out(Reason::PayloadDelay);
  const auto* from = node.attribute("from");
  if (from && !is_of_sender(run, bearer, from)) return taken_out(Reason::PayloadDelay);
  const auto* stamp = node.attribute("stamp");
  const auto time = stamp ? shapes::date(*stamp) : std::nullopt;
  if (!time || *time > run.now.wall + kSkew) return taken_out(Reason::PayloadDelay);
  return kKept;
}

Ruling stanza_id(Run& run, const Bearer& bearer, const Node& node) {
  return is_of_sender(run, bearer, node.attribute("by")) ? kKept : taken_out(Reason::PayloadStanzaId);
}

bool may_be_listed(Run& run, const Bearer& bearer, const Node& address) {
  const auto* type = address.attribute("type");
  const auto* jid = address.attribute("jid");
  if (!type || address.attribute("uri") || *type == "bcc") return false;
  if (*type == "noreply") return !jid;
  const std::string_view domain = jid ? domain_of(run, *jid) : std::string_view();
  if (domain.empty()) return false;
  if (*type != "to" && *type != "cc") return domain == bearer.facts.from.domain;
  const Peering* leads = run.bundle.peering(bearer.facts.from.domain, domain);
  return domain == bearer.facts.from.domain || (leads && leads->grants(run.kind));
}

/// A list of recipients must not lead anywhere that the sender could not write to (XEP-0033, security considerations).
Ruling addresses(Run& run, const Bearer& bearer, const Node& node) {
  if (bearer.from_service && tells_origin_only(node))
    return bearer.on.has(Switch::RealJids) ? kKept : taken_out(Reason::PayloadRealJid);
  for (const Node& child : node.children())
    if (!child.is_text() && child.name == "address" && !may_be_listed(run, bearer, child))
      return refused(Reason::PayloadAddresses);
  return kKept;
}

bool take_attribute(Node& node, std::string_view name) {
  return keep_attributes(node, [&](const Attribute& a) { return !(a.ns.empty() && a.name == name); });
}

/// Who publishes is known from the stanza; the attribute may give a resource away (protocol.md P-26).
void take_publishers(Run& run, Node& items) {
  for (Node* item = items.first_child; item; item = item->next)
    if (!item->is_text() && take_attribute(*item, "publisher")) run.findings.add(Reason::PayloadRealJid);
}

Ruling event(Run& run, const Bearer& bearer, Node& node) {
  const Address& from = bearer.facts.from;
  const bool own = is_own_account(run, run.facts.from) && is_own_account(run, from);
  if (bearer.on.has(Switch::Pep) && from.is_bare() && own) return kKept;
  if (!bearer.on.has(bearer.from_service ? Switch::Pubsub : Switch::Pep)) return refused(Reason::PayloadDenied);
  if (from.empty() || from.bare() == bearer.facts.to.bare()) return refused(Reason::PayloadEvent);
  if (!bearer.from_service && !from.is_bare()) return refused(Reason::PayloadEvent);
  for (Node* child = node.first_child; child; child = child->next) {
    if (child->is_text()) continue;
    if (!bearer.on.has(Switch::RealJids)) take_publishers(run, *child);
    if (bearer.from_service) continue;
    const auto* of = child->attribute("node");
    if (!of || !std::ranges::binary_search(run.peering->pep_nodes, *of)) return refused(Reason::PayloadEvent);
  }
  return kKept;
}

Ruling real_jid(Run& run, const Bearer& bearer, Node& node) {
  if (!bearer.from_service || bearer.on.has(Switch::RealJids)) return kKept;
  const bool invites = node.name == "invite" || node.name == "decline";
  if (take_attribute(node, invites ? "from" : "jid")) run.findings.add(Reason::PayloadRealJid);
  return kKept;
}

}  // namespace

bool tells_origin_only(const Node& node) {
  if (!node.is("http://jabber.org/protocol/address", "addresses")) return false;
  return std::ranges::all_of(node.children(), [](const Node& child) {
    const auto* type = child.is_text() ? nullptr : child.attribute("type");
    return child.is_text() || (child.name == "address" && type != nullptr && *type == "ofrom");
  });
}

bool is_service(const Bundle& bundle, const Address& address) {
  if (address.empty()) return false;
  if (address.local.empty()) return true;
  const Domain* domain = bundle.domain(address.domain);
  return domain && !bundle.is_home(*domain);
}

Ruling rule(Run& run, const Bearer& bearer, shapes::Rule which, Node& node) {
  switch (which) {
    case shapes::Rule::None:
      return kKept;
    case shapes::Rule::OwnAccount:
      return own_account(run, bearer);
    case shapes::Rule::OwnServer:
      return own_server(run);
    case shapes::Rule::Roster:
      return roster(run, bearer, node);
    case shapes::Rule::FromService:
      return is_from_service(run, bearer) ? kKept : refused(Reason::PayloadService);
    case shapes::Rule::WithService:
      return is_from_service(run, bearer) || is_to_service(run, bearer) ? kKept : refused(Reason::PayloadService);
    case shapes::Rule::Delay:
      return delay(run, bearer, node);
    case shapes::Rule::StanzaId:
      return stanza_id(run, bearer, node);
    case shapes::Rule::Addresses:
      return addresses(run, bearer, node);
    case shapes::Rule::Event:
      return event(run, bearer, node);
    case shapes::Rule::RealJid:
      return real_jid(run, bearer, node);
  }
  return refused(Reason::PolicyUndecided);
}

}  // namespace sallyport::policy
