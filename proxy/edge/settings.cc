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
  settings->contexts = trust::TlsContexts::load(faces, trust::ProfileName::Bcp195_2022);
  settings->anchors = std::move(*anchors);
  settings->config = std::move(config);
  return settings;
}

bool Settings::serves(std::string_view prepared_domain) const {
  return std::ranges::any_of(config.faces, [&](const auto& face) { return face.domain == prepared_domain; });
}

const config::NextHop* Settings::next_hop(std::string_view prepared_domain) const {
  const auto found =
      std::ranges::find_if(config.next_hops, [&](const auto& hop) { return hop.domain == prepared_domain; });
  return found == config.next_hops.end() ? nullptr : &*found;
}

Judgement Settings::judge(const SSL* ssl, std::string_view prepared_domain, std::int64_t now) const {
  trust::PeerFacts facts = anchors->judge_peer(ssl, prepared_domain, trust::Service::XmppServer, now);
  if (facts.identity && !is_pinned(config.pins, prepared_domain, facts.spki_sha256)) {
    facts.identity = false;
    facts.problem = "its key is not one of those pinned for the domain";
  }
  Judgement judgement;
  judgement.good = facts.presented && facts.chain && facts.identity;
  judgement.facts = {facts.presented,         facts.chain,
                     facts.identity,          told(facts.revocation),
                     std::move(facts.names),  std::move(facts.spki_sha256),
                     std::move(facts.serial), facts.not_after,
                     std::move(facts.problem)};
  return judgement;
}

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace sallyport::edge
