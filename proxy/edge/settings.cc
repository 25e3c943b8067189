#include "proxy/edge/settings.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sallyport::edge {
namespace {

airlock::Revocation told(trust::Revocation revocation) {
  switch (revocation) {
    case trust::Revocation::Good:
      return airlock::Revocation::Good;
    case trust::Revocation::Revoked:
      return airlock::Revocation::Revoked;
    case trust::Revocation::Unknown:
      return airlock::Revocation::Unknown;
    case trust::Revocation::NotChecked:
      break;
  }
  return airlock::Revocation::NotChecked;
}

/// Nothing is pinned for the domain, or this key is.
bool is_pinned(const std::vector<config::Pin>& pins, std::string_view domain, const std::string& spki_sha256) {
  const auto pin = std::ranges::find(pins, domain, &config::Pin::domain);
  return pin == pins.end() || std::ranges::find(pin->keys, spki_sha256) != pin->keys.end();
}

/// The two halves of a port for direct TLS that serves servers and clients become one.
std::vector<config::Listener> joined(const std::vector<config::Listener>& listeners) {
  using Peers = config::Listener::Peers;
  std::vector<config::Listener> all;
  for (const config::Listener& each : listeners) {
    const auto other = std::ranges::find_if(all, [&](const auto& before) {
      return before.at == each.at && before.tls == each.tls && before.peers != each.peers;
    });
    if (other == all.end())
      all.push_back(each);
    else
      other->peers = Peers::ByAlpn;
  }
  return all;
}

Judgement judgement(trust::PeerFacts facts) {
  Judgement judgement;
  judgement.good = facts.presented && facts.chain && facts.identity;
  judgement.answer_ends = facts.answer_ends;
  judgement.facts = {facts.presented,         facts.chain,
                     facts.identity,          told(facts.revocation),
                     std::move(facts.names),  std::move(facts.spki_sha256),
                     std::move(facts.serial), facts.not_after,
                     std::move(facts.problem)};
  return judgement;
}

}  // namespace

std::expected<std::shared_ptr<const Settings>, trust::TrustFault> Settings::load(config::Edge config) {
  trust::TrustSettings trusted;
  trusted.anchors = config.anchors;
  trusted.crls = config.crls;
  auto anchors = trust::Anchors::load(std::move(trusted));
  if (!anchors) return std::unexpected(anchors.error());
  std::vector<trust::Face> faces;
  faces.reserve(config.faces.size());
  for (const auto& face : config.faces) faces.push_back({face.domain, face.certificate, face.key});
  auto settings = std::make_shared<Settings>();
  std::vector<trust::ClientLogin> logins;
  logins.reserve(config.logins.size());
  for (const auto& login : config.logins)
    logins.push_back({login.domain, login.certificate, login.key, login.oldest_tls == config::Login::OldestTls::V12});
  settings->contexts = trust::TlsContexts::load(faces, trust::ProfileName::Bcp195_2022, logins);
  config.listeners = joined(config.listeners);
  settings->anchors = std::move(*anchors);
  settings->config = std::move(config);
  return settings;
}

bool Settings::serves(std::string_view prepared_domain) const {
  return std::ranges::any_of(config.faces, [&](const auto& face) { return face.domain == prepared_domain; });
}

const config::NextHop* Settings::next_hop(std::string_view prepared_domain, airlock::LegKind kind) const {
  const auto service = kind == airlock::LegKind::S2s ? config::Service::Servers : config::Service::Clients;
  const auto found = std::ranges::find_if(
      config.next_hops, [&](const auto& hop) { return hop.domain == prepared_domain && hop.service == service; });
  return found == config.next_hops.end() ? nullptr : &*found;
}

const config::EdgeLimits& Settings::limits(airlock::LegKind kind) const {
  return kind == airlock::LegKind::S2s ? config.limits : config.client_limits;
}

Judgement Settings::judge(const SSL* ssl, std::string_view prepared_domain, trust::Service service, std::int64_t now,
                          std::string_view fetched) const {
  trust::PeerFacts facts = anchors->judge_peer(ssl, prepared_domain, service, now, fetched);
  if (facts.identity && !is_pinned(config.pins, prepared_domain, facts.spki_sha256)) {
    facts.identity = false;
    facts.problem = "its key is not one of those pinned for the domain";
  }
  return judgement(std::move(facts));
}

Judgement Settings::judge_client(const SSL* ssl, std::string_view prepared_domain, std::int64_t now,
                                 std::string_view fetched) const {
  return judgement(anchors->judge_client(ssl, prepared_domain, now, fetched));
}

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace sallyport::edge
