// What the lanes of an edge share: its configuration and what was loaded by it. Immutable; a reload makes a new one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "certs/trust/anchors.h"
#include "certs/trust/tls_contexts.h"
#include "proxy/config/config.h"
#include "proxy/edge/machine.h"

namespace sallyport::edge {

struct Settings {
  config::Edge config;
  std::shared_ptr<const trust::TlsContexts> contexts;
  std::shared_ptr<const trust::Anchors> anchors;

  /// The fault, for the operator, when anchors or lists can't be used. A face whose certificate can't be used is only
  /// left out: it stands in contexts->faults(), and its domain has no TLS.
  static std::expected<std::shared_ptr<const Settings>, trust::TrustFault> load(config::Edge config);

  /// Whether this enclave may ask for the domain: it has a face here.
  bool serves(std::string_view prepared_domain) const;
  /// The next hop that is configured for a domain and those who go there, or nullptr.
  const config::NextHop* next_hop(std::string_view prepared_domain, airlock::LegKind kind) const;
  const config::EdgeLimits& limits(airlock::LegKind kind) const;
  /// Judges what a server showed; `now`: seconds since 1970; `fetched`: an OCSP answer about it, or "".
  Judgement judge(const SSL* ssl, std::string_view prepared_domain, trust::Service service, std::int64_t now,
                  std::string_view fetched) const;
  /// Judges what a client showed, who wants to log in to the domain.
  Judgement judge_client(const SSL* ssl, std::string_view prepared_domain, std::int64_t now,
                         std::string_view fetched) const;
};

constexpr trust::Service service_of(airlock::LegKind kind) {
  return kind == airlock::LegKind::S2s ? trust::Service::XmppServer : trust::Service::XmppClient;
}

/// Seconds since 1970.
std::int64_t seconds_now();

}  // namespace sallyport::edge
