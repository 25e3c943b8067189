#include "proxy/guard/admission.h"

#include "inspect/jid.h"

namespace sallyport::guard {
namespace {

using policy::Reason;

std::optional<Reason> judge_revocation(airlock::Revocation state, std::string_view enclave,
                                       const policy::Bundle& bundle) {
  const policy::Enclave* owner = bundle.enclave(enclave);
  if (owner == nullptr) return Reason::LegRevocation;
  switch (owner->revocation) {
    case policy::RevocationRule::Required:
      return state == airlock::Revocation::Good ? std::nullopt : std::optional(Reason::LegRevocation);
    case policy::RevocationRule::Soft:
      return state == airlock::Revocation::Revoked ? std::optional(Reason::LegRevocation) : std::nullopt;
    case policy::RevocationRule::Off:
      return std::nullopt;
  }
  return Reason::LegRevocation;
}

}  // namespace

std::expected<policy::Pair, Reason> admit_pair(std::string_view from, std::string_view to, std::string_view enclave,
                                               const policy::Bundle& bundle) {
  auto prepared_from = inspect::Jid::prepare_domain(from);
  if (!prepared_from) return std::unexpected(Reason::LegImproperAddressing);
  // protocol.md T-10: a header without a usable `to` names no host that is served here.
  auto prepared_to = inspect::Jid::prepare_domain(to);
  if (!prepared_to) return std::unexpected(Reason::LegHostUnknown);
  if (bundle.is_withdrawn(*prepared_to)) return std::unexpected(Reason::LegHostGone);
  const policy::Domain* target = bundle.domain(*prepared_to);
  if (target == nullptr || bundle.enclave_of(*target).name == enclave) return std::unexpected(Reason::LegHostUnknown);
  const policy::Domain* source = bundle.domain(*prepared_from);
  if (source == nullptr || bundle.enclave_of(*source).name != enclave) return std::unexpected(Reason::LegInvalidFrom);
  if (bundle.peering(*source, *target) == nullptr) return std::unexpected(Reason::LegNotGranted);
  return policy::Pair{*std::move(prepared_from), *std::move(prepared_to)};
}

std::expected<Admitted, Reason> admit(const airlock::Opened& opened, std::string_view enclave,
                                      const policy::Bundle& bundle) {
  if (opened.kind != airlock::LegKind::S2s) return std::unexpected(Reason::LegNotGranted);
  auto pair = admit_pair(opened.from, opened.to, enclave, bundle);
  if (!pair) return std::unexpected(pair.error());
  if (!opened.tls.secure) return std::unexpected(Reason::LegNotAuthorized);
  Admitted admitted;
  admitted.pair = *std::move(pair);
  admitted.to_enclave = bundle.enclave_of(*bundle.domain(admitted.pair.to)).name;
  const auto objection = judge_certificate(opened.certificate, enclave, bundle);
  admitted.external = !objection;
  admitted.dialback =
      opened.certificate.revocation != airlock::Revocation::Revoked && allows_dialback(admitted.pair, bundle);
  if (!admitted.external && !admitted.dialback) return std::unexpected(*objection);
  return admitted;
}

std::expected<Admitted, Reason> admit_client(const airlock::Opened& opened, std::string_view enclave,
                                             const policy::Bundle& bundle) {
  auto domain = inspect::Jid::prepare_domain(opened.to);
  if (!domain) return std::unexpected(Reason::LegHostUnknown);
  if (bundle.is_withdrawn(*domain)) return std::unexpected(Reason::LegHostGone);
  const policy::Domain* target = bundle.domain(*domain);
  if (target == nullptr || bundle.enclave_of(*target).name == enclave) return std::unexpected(Reason::LegHostUnknown);
  if (bundle.login(enclave, *target) == nullptr) return std::unexpected(Reason::LegNotGranted);
  if (!opened.tls.secure) return std::unexpected(Reason::LegNotAuthorized);
  if (opened.certificate.presented && opened.certificate.revocation == airlock::Revocation::Revoked)
    return std::unexpected(Reason::LegRevocation);
  Admitted admitted;
  // C-01: a claim, and only of an account of that domain.
  if (!opened.from.empty()) {
    const auto claimed = inspect::Jid::parse(opened.from, inspect::JidProfile::Unicode);
    if (!claimed || claimed->local().empty() || claimed->domain() != *domain)
      return std::unexpected(Reason::LegInvalidFrom);
    admitted.pair.from = claimed->bare();
  }
  admitted.pair.to = *std::move(domain);
  admitted.to_enclave = bundle.enclave_of(*target).name;
  return admitted;
}

std::vector<std::string> accounts_of(const airlock::CertificateFacts& certificate, std::string_view enclave,
                                     std::string_view domain, const policy::Bundle& bundle) {
  std::vector<std::string> accounts;
  const policy::Login* login = bundle.login(enclave, *bundle.domain(domain));
  const auto mechanisms = login != nullptr ? inspect::Mechanisms::of_bits(login->mechanisms) : std::nullopt;
  if (!mechanisms || !mechanisms->has(inspect::Mechanism::External)) return accounts;
  if (!certificate.presented || !certificate.chain || judge_revocation(certificate.revocation, enclave, bundle))
    return accounts;
  constexpr std::string_view kXmppAddr = "xmpp:";
  for (const std::string& name : certificate.names) {
    if (!name.starts_with(kXmppAddr)) continue;
    const auto jid = inspect::Jid::parse(std::string_view(name).substr(kXmppAddr.size()), inspect::JidProfile::Unicode);
    if (jid && jid->is_bare() && !jid->local().empty() && jid->domain() == domain) accounts.emplace_back(jid->full());
  }
  return accounts;
}

std::string_view name(airlock::DialFault fault) {
  using airlock::DialFault;
  switch (fault) {
    case DialFault::NoName:
      return "no name";
    case DialFault::NoAnswer:
      return "no answer";
    case DialFault::Tls:
      return "tls";
    case DialFault::Certificate:
      return "certificate";
    case DialFault::Refused:
      return "refused";
    case DialFault::Protocol:
      return "protocol";
    case DialFault::Deadline:
      return "deadline";
    case DialFault::Overload:
      return "overload";
  }
  return "";
}

std::optional<Reason> judge_certificate(const airlock::CertificateFacts& certificate, std::string_view enclave,
                                        const policy::Bundle& bundle) {
  if (!certificate.presented || !certificate.chain || !certificate.identity) return Reason::LegNotAuthorized;
  return judge_revocation(certificate.revocation, enclave, bundle);
}

std::optional<Reason> judge_ready(const airlock::Ready& ready, const policy::Pair& pair, std::string_view enclave,
                                  bool dialback, const policy::Bundle& bundle) {
  if (ready.from != pair.from || ready.to != pair.to) return Reason::LegInvalidFrom;
  if (!ready.tls.secure) return Reason::LegNotAuthorized;
  if (ready.method == airlock::Method::External) return judge_certificate(ready.certificate, enclave, bundle);
  if (!dialback) return Reason::LegNotAuthorized;
  // Dialback stands in for a certificate that is missing or unknown, never for one that is revoked.
  if (ready.certificate.revocation == airlock::Revocation::Revoked) return Reason::LegRevocation;
  return std::nullopt;
}

bool allows_dialback(const policy::Pair& pair, const policy::Bundle& bundle) {
  const policy::Peering* peering = bundle.peering(pair.from, pair.to);
  return peering != nullptr && peering->proof == policy::Proof::ExternalOrDialback;
}

bool still_granted(const policy::Pair& pair, std::string_view from_enclave, std::string_view to_enclave,
                   const policy::Bundle& bundle) {
  const policy::Domain* from = bundle.domain(pair.from);
  const policy::Domain* to = bundle.domain(pair.to);
  return from != nullptr && to != nullptr && bundle.enclave_of(*from).name == from_enclave &&
         bundle.enclave_of(*to).name == to_enclave && bundle.peering(*from, *to) != nullptr;
}

}  // namespace sallyport::guard
