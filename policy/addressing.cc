// Stage 2, addressing: who says it to whom, may he say so, and does a rule let it cross (protocol.md 2.9, 5.4)? The
// stanza's own addresses are believed only as far as what the leg has proved and what the policy says.
#include <algorithm>

#include "policy/stage.h"

namespace sallyport::policy {
namespace {

/// An address as far as it could be understood.
struct Reading {
  std::string_view written;
  std::string_view domain;  ///< prepared; "" if there is no valid one
  Address address;          ///< empty if localpart or resource are not allowed
};

/// The domain of an address that is not valid as a whole; it says whose fault that is (protocol.md X-03).
std::string_view domain_of_malformed(std::string_view text, inspect::Arena& arena) {
  std::string_view domain = text.substr(0, text.find('/'));
  if (const auto at = domain.find('@'); at != std::string_view::npos) domain.remove_prefix(at + 1);
  const auto prepared = inspect::Jid::prepare_domain(domain);
  return prepared ? arena.copy(*prepared) : std::string_view();
}

Reading read_address(std::string_view text, inspect::JidProfile profile, Scratch& scratch) {
  Reading reading;
  reading.written = text;
  const auto& jid = scratch.jids.parse(text, profile);
  if (jid) {
    // The cache may forget it at the next call; the text of the frame stays, and mostly it is the same.
    reading.address = Address::of_prepared(jid->full() == text ? text : scratch.arena.copy(jid->full()));
    reading.domain = reading.address.domain;
  } else {
    reading.domain = domain_of_malformed(text, scratch.arena);
  }
  return reading;
}

Objection check_from(const Run& run, std::string_view from_domain) {
  const bool proved = std::ranges::any_of(run.crossing.granted, [&](const Pair& p) { return p.from == from_domain; });
  const Domain* domain = run.bundle.domain(from_domain);
  const bool at_home = domain && run.bundle.enclave_of(*domain).name == run.crossing.from_enclave;
  if (proved && at_home) return std::nullopt;
  // The domain of somebody else's enclave is a loop or an attack, and the record says so.
  if (domain && !at_home) return Reason::AddressingFromEnclave;
  return Reason::AddressingFromNotProved;
}

Objection check_to(const Run& run, std::string_view from_domain, std::string_view to_domain) {
  const bool proved = std::ranges::any_of(run.crossing.granted,
                                          [&](const Pair& p) { return p.from == from_domain && p.to == to_domain; });
  const Domain* domain = run.bundle.domain(to_domain);
  const bool beyond = domain && run.bundle.enclave_of(*domain).name == run.crossing.to_enclave;
  if (proved && beyond) return std::nullopt;
  if (run.bundle.is_withdrawn(to_domain)) return Reason::AddressingToWithdrawn;
  if (domain && !beyond) return Reason::AddressingToEnclave;
  return Reason::AddressingToNotServed;
}

bool is_subscription_or_probe(Kind kind, const StanzaFacts& facts) {
  return kind == Kind::Presence &&
         (facts.type == "subscribe" || facts.type == "subscribed" || facts.type == "unsubscribe" ||
          facts.type == "unsubscribed" || facts.type == "probe");
}

/// protocol.md 5.4: subscriptions and probes are between accounts, and a resource in them is a leak.
void reduce_to_bare(Run& run, Address& address) {
  if (address.is_bare()) return;
  address = Address::of_prepared(address.bare());
  run.findings.add(Reason::AddressingReducedToBare);
}

void write_back(Run& run, std::string_view attribute, const Reading& reading, const Address& address) {
  if (reading.written == address.full) return;
  if (reading.written != reading.address.full) run.findings.add(Reason::AddressingCanonical);
  set_attribute(run.stanza, "", attribute, address.full, run.scratch.arena);
}

Objection check_kind(const Run& run, const Domain& from_domain) {
  const StanzaFacts& facts = run.facts;
  if (!run.peering->grants(run.kind)) return Reason::AddressingKindNotGranted;
  const bool available = run.kind == Kind::Presence && facts.type.empty();
  const bool of_account = !facts.from.local.empty() && run.bundle.is_home(from_domain);
  if (available && of_account && facts.from.is_bare()) return Reason::AddressingPresenceFromBare;
  return std::nullopt;
}

}  // namespace

Objection addressing(Run& run) {
  const auto* from_written = run.stanza.attribute("from");
  const auto* to_written = run.stanza.attribute("to");
  if (from_written) run.facts.from_text = *from_written;
  if (to_written) run.facts.to_text = *to_written;
  if (run.facts.from_text.empty() || run.facts.to_text.empty()) return Reason::AddressingMissing;

  Reading from = read_address(run.facts.from_text, inspect::JidProfile::Ascii, run.scratch);
  Reading to = read_address(run.facts.to_text, inspect::JidProfile::Ascii, run.scratch);
  if (from.domain.empty() || to.domain.empty()) return Reason::AddressingInvalid;
  if (const auto objection = check_from(run, from.domain)) return objection;
  if (const auto objection = check_to(run, from.domain, to.domain)) return objection;

  const Domain& from_domain = *run.bundle.domain(from.domain);
  const Domain& to_domain = *run.bundle.domain(to.domain);
  run.from_domain = &from_domain;
  run.to_domain = &to_domain;
  run.peering = run.bundle.peering(from_domain, to_domain);
  if (run.peering && run.peering->jids == inspect::JidProfile::Unicode) {
    if (from.address.empty()) from = read_address(from.written, inspect::JidProfile::Unicode, run.scratch);
    if (to.address.empty()) to = read_address(to.written, inspect::JidProfile::Unicode, run.scratch);
  }
  // A malformed `to` is answered in the name of its domain, since the guard writes no address that is not prepared.
  run.facts.from = from.address;
  run.facts.to = to.address.empty() ? Address::of_prepared(to.domain) : to.address;
  run.facts.to_service = run.facts.to.local.empty() || !run.bundle.is_home(to_domain);
  if (from.address.empty()) return Reason::AddressingFromMalformed;
  if (to.address.empty()) return Reason::AddressingToMalformed;

  if (is_subscription_or_probe(run.kind, run.facts)) {
    reduce_to_bare(run, run.facts.from);
    reduce_to_bare(run, run.facts.to);
  }
  // From here on the addressee goes by its own name, as in all that the guard remembers.
  const Objection of_resource = restore_addressee(run);
  write_back(run, "from", from, run.facts.from);
  write_back(run, "to", to, run.facts.to);
  if (!run.peering) return Reason::AddressingNotGranted;
  if (const auto objection = check_kind(run, from_domain)) return objection;
  return of_resource;
}

}  // namespace sallyport::policy
