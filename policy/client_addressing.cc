// Stage 2, addressing, for a client's session: the session's JID is what its server has said, and no stanza of the
// client says otherwise (design.md section 10, "from-stamping"; protocol.md C-13, 5.4).
#include "policy/stage.h"

namespace sallyport::policy {
namespace {

constexpr std::string_view kBind = "urn:ietf:params:xml:ns:xmpp-bind";
constexpr std::string_view kRegister = "jabber:iq:register";

/// An address of a stanza, in its prepared form. Empty `address` and a text: it is malformed.
struct Reading {
  std::string_view written;
  Address address;
  bool is_absent() const { return written.empty(); }
  bool is_malformed() const { return !is_absent() && address.empty(); }
};

Reading read(const inspect::Node& stanza, std::string_view attribute, Scratch& scratch) {
  Reading reading;
  const auto* written = stanza.attribute(attribute);
  if (!written) return reading;
  reading.written = *written;
  const auto& jid = scratch.jids.parse(*written, inspect::JidProfile::Unicode);
  if (jid) reading.address = Address::of_prepared(jid->full() == *written ? *written : scratch.arena.copy(jid->full()));
  return reading;
}

bool is_subscription(Kind kind, std::string_view type) {
  return kind == Kind::Presence &&
         (type == "subscribe" || type == "subscribed" || type == "unsubscribe" || type == "unsubscribed");
}

void write_back(Run& run, std::string_view attribute, const Reading& reading) {
  if (reading.is_absent() || reading.written == reading.address.full) return;
  run.findings.add(Reason::AddressingCanonical);
  set_attribute(run.stanza, "", attribute, reading.address.full, run.scratch.arena);
}

/// The client's own address: a true or an absent one is stamped, a false one ends the stream.
Objection stamp(Run& run, const Reading& from, const Address& own) {
  if (!from.is_absent() && from.address.full != own.full && from.address.full != own.bare())
    return Reason::AddressingFromNotOwn;
  const std::string_view stamped = is_subscription(run.kind, run.facts.type) ? own.bare() : own.full;
  run.facts.from = Address::of_prepared(stamped);
  if (from.written == stamped) return std::nullopt;
  run.findings.add(Reason::AddressingStamped);
  set_attribute(run.stanza, "", "from", stamped, run.scratch.arena);
  return std::nullopt;
}

/// What a client may not ask its own server for: a second identity, or one that is made or changed from here
/// (protocol.md C-11, 3.7). Of others (a room, a gateway) registering is a request like any other.
Objection judge_request(const Run& run) {
  const bool request = run.kind == Kind::Iq && (run.facts.type == "get" || run.facts.type == "set");
  if (!request || !is_own(run, run.facts.to)) return std::nullopt;
  for (const inspect::Node& child : run.stanza.children()) {
    if (child.ns == kBind) return Reason::AddressingBoundAlready;
    if (child.ns == kRegister) return Reason::AddressingRegistration;
  }
  return std::nullopt;
}

}  // namespace

bool may_have_come(const Run& run, const Address& from, Kind kind) {
  if (run.crossing.client == nullptr || run.crossing.client->from_client) return true;
  const std::string_view home = Address::of_prepared(run.crossing.client->full).domain;
  const Domain* domain = run.bundle.domain(from.domain);
  if (domain == nullptr || from.domain == home) return true;
  if (run.bundle.enclave_of(*domain).name != run.crossing.to_enclave) return true;
  const Domain* own = run.bundle.domain(home);
  const Peering* by = own != nullptr ? run.bundle.peering(*domain, *own) : nullptr;
  return by != nullptr && by->grants(kind);
}

bool is_own_account(const Run& run, const Address& address) {
  return run.crossing.client != nullptr && !address.empty() &&
         address.bare() == Address::of_prepared(run.crossing.client->full).bare();
}

bool is_own(const Run& run, const Address& address) {
  return is_own_account(run, address) || (run.crossing.client != nullptr && address.local.empty() &&
                                          address.domain == Address::of_prepared(run.crossing.client->full).domain);
}

Objection client_addressing(Run& run) {
  const ClientSession& session = *run.crossing.client;
  const Address own = Address::of_prepared(session.full);
  const Reading from = read(run.stanza, "from", run.scratch);
  const Reading to = read(run.stanza, "to", run.scratch);
  run.facts.from_text = from.written;
  run.facts.to_text = to.written;
  run.peering = run.crossing.login ? &run.crossing.login->rule : nullptr;

  if (session.from_client) {
    if (from.is_malformed()) return Reason::AddressingFromNotOwn;
    if (const auto objection = stamp(run, from, own)) return objection;
    // Without a `to` it is for the account itself, in whose name its server answers (RFC 6120 10.3).
    run.facts.to = to.address.empty() ? Address::of_prepared(own.bare()) : to.address;
    if (to.is_malformed()) return Reason::AddressingToMalformed;
    if (const auto objection = judge_request(run)) return objection;
  } else {
    if (from.is_malformed()) return Reason::AddressingFromMalformed;
    run.facts.from = from.is_absent() ? Address::of_prepared(own.bare()) : from.address;
    run.facts.to = to.is_absent() ? own : to.address;
    // What is for somebody else has been sent to the wrong session.
    if (run.facts.to.full != own.full && run.facts.to.full != own.bare()) return Reason::AddressingToNotOwn;
    write_back(run, "from", from);
  }
  write_back(run, "to", to);
  // Rules name domains; one that no enclave owns is in no rule.
  run.from_domain = run.bundle.domain(run.facts.from.domain);
  run.to_domain = run.bundle.domain(run.facts.to.domain);
  run.facts.to_service =
      run.facts.to.local.empty() || (run.to_domain != nullptr && !run.bundle.is_home(*run.to_domain));
  if (!run.peering) return Reason::AddressingNotGranted;
  if (!may_have_come(run, run.facts.from, run.kind)) return Reason::AddressingNotForwarded;
  return run.peering->grants(run.kind) ? std::nullopt : Objection(Reason::AddressingKindNotGranted);
}

}  // namespace sallyport::policy
