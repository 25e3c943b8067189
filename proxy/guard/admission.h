// What the guard says to the facts that an edge reports: may this stream be negotiated, is this proof enough? Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/bundle.h"
#include "policy/reason.h"
#include "proxy/airlock/frames.h"

namespace sallyport::guard {

/// A stream that may be negotiated.
struct Admitted {
  policy::Pair pair;
  std::string to_enclave;
  bool external = false, dialback = false;  ///< what may be offered; at least one
};

/// Judges Opened. `enclave` is that of the edge by its socket file, whatever the frame says. A refusal's stream
/// condition is that of its reason.
std::expected<Admitted, policy::Reason> admit(const airlock::Opened& opened, std::string_view enclave,
                                              const policy::Bundle& bundle);

/// Judges Opened of a client: `pair.from` is the account that it claims, "" if none. EXTERNAL is up to accounts_of().
std::expected<Admitted, policy::Reason> admit_client(const airlock::Opened& opened, std::string_view enclave,
                                                     const policy::Bundle& bundle);

/// The accounts of `domain` that a client's certificate names and that may log in by it; none if it is not good or no
/// login lets it (protocol.md 3.4, R4). Prepared bare JIDs.
std::vector<std::string> accounts_of(const airlock::CertificateFacts& certificate, std::string_view enclave,
                                     std::string_view domain, const policy::Bundle& bundle);

/// Why a leg could not be had, for the record.
std::string_view name(airlock::DialFault fault);

/// The pair that Proved speaks of, if its domains are prepared and belong where they must. Policy is asked as for a
/// header: a further pair needs its own peering.
std::expected<policy::Pair, policy::Reason> admit_pair(std::string_view from, std::string_view to,
                                                       std::string_view enclave, const policy::Bundle& bundle);

/// Whether a certificate is good enough to stand for a domain of that enclave; nullopt: it is.
std::optional<policy::Reason> judge_certificate(const airlock::CertificateFacts& certificate, std::string_view enclave,
                                                const policy::Bundle& bundle);

/// Judges Ready on a leg that was dialled for `pair`, whose `to` belongs to `enclave`; nullopt: the leg may be used.
std::optional<policy::Reason> judge_ready(const airlock::Ready& ready, const policy::Pair& pair,
                                          std::string_view enclave, bool dialback, const policy::Bundle& bundle);

/// Whether dialback may stand for EXTERNAL between the two domains, in the direction that is granted.
bool allows_dialback(const policy::Pair& pair, const policy::Bundle& bundle);

/// Whether a live pair stays granted under another bundle, within the same enclaves.
bool still_granted(const policy::Pair& pair, std::string_view from_enclave, std::string_view to_enclave,
                   const policy::Bundle& bundle);

}  // namespace sallyport::guard
