#include "policy/bundle.h"

#include <algorithm>
#include <set>
#include <utility>

#include <botan/hash.h>
#include <botan/hex.h>

#include "policy/bundle_faults.h"
#include "policy/content/matcher.h"
#include "policy/identifier.h"
#include "policy/payload/switches.h"
#include "policy/presence/harvest.h"

namespace sallyport::policy {
namespace {

constexpr std::string_view kMagic = "sallyport bundle";
constexpr std::uint16_t kVersion = 2;
constexpr std::size_t kMostNames = 0xFFFF;
constexpr std::size_t kLongestNamespace = 256;  // D-11
/// The stages that can be switched off; shape and addressing cannot.
constexpr std::uint8_t kMayBeOff = 0xFF & ((2U << static_cast<unsigned>(kLastStage)) - 1) &
                                   ~(1U << static_cast<unsigned>(Stage::Shape)) &
                                   ~(1U << static_cast<unsigned>(Stage::Addressing));

std::string encode(const Tables& tables) {
  std::string out;
  out.append(kMagic);
  inspect::OctetWriter writer(out);
  writer.integer(kVersion);
  writer.field(tables);
  return out;
}

std::string sha256(std::string_view octets) {
  const auto hash = Botan::HashFunction::create_or_throw("SHA-256");
  hash->update(reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size());
  return Botan::hex_encode(hash->final(), false);
}

bool is_prepared(std::string_view domain) {
  const auto prepared = inspect::Jid::prepare_domain(domain);
  return prepared && *prepared == domain;
}

std::optional<std::string> enclaves_fault(const Tables& tables) {
  if (!strictly_rising(tables.enclaves, [](const Enclave& e) -> std::string_view { return e.name; }))
    return "enclaves are not sorted and unique";
  for (const Enclave& enclave : tables.enclaves) {
    if (!is_identifier(enclave.name)) return "an enclave has no usable name";
    if (!strictly_rising(enclave.withdrawn, [](std::string_view d) { return d; }))
      return "withdrawn domains are not sorted and unique";
    if (!std::ranges::all_of(enclave.withdrawn, is_prepared)) return "a withdrawn domain is not prepared";
  }
  return std::nullopt;
}

std::optional<std::string> domains_fault(const Tables& tables) {
  const auto& domains = tables.domains;
  if (!strictly_rising(domains, [](const Domain& d) -> std::string_view { return d.name; }))
    return "domains are not sorted and unique";
  for (const Domain& domain : domains) {
    if (!is_prepared(domain.name)) return "a domain is not prepared";
    if (domain.enclave >= tables.enclaves.size()) return "a domain belongs to no enclave";
    if (domain.home >= domains.size()) return "a domain has no home";
    const Domain& home = domains[domain.home];
    if (home.home != domain.home) return "the home of a domain is a component itself";
    if (home.enclave != domain.enclave) return "a component is in another enclave than its home";
    for (const Enclave& enclave : tables.enclaves)
      if (std::ranges::binary_search(enclave.withdrawn, domain.name)) return "a domain is owned and withdrawn";
  }
  return std::nullopt;
}

/// Of a peering, or of what a login asks of stanzas.
std::optional<std::string> grant_fault(const Peering& peering, const Tables& tables) {
  if (!is_identifier(peering.id)) return "a peering or login has no usable id";
  if (!peering.message && !peering.presence && !peering.iq) return "a peering or login grants nothing";
  if (!Switches(peering.payloads).is_legal()) return "a peering has switches that there are not";
  if (!strictly_rising(peering.pep_nodes, [](std::string_view n) { return n; }))
    return "the nodes of a peering are not sorted and unique";
  const presence::Settings& rules = peering.presence_rules;
  if (!strictly_rising(rules.room_services, [](std::string_view d) { return d; }))
    return "room services are not sorted and unique";
  if (!std::ranges::all_of(rules.room_services, is_prepared)) return "a room service is not prepared";
  if ((rules.parts & ~presence::kAllParts) != 0) return "a part of presence is not known";
  if (rules.strangers > presence::kMostStrangers) return "a limit of strangers is too large";
  for (const std::uint16_t label : peering.labels.only)
    if (label >= tables.labels.labels.size()) return "a peering lists a label that is none";
  for (const RequestGrant& each : peering.requests) {
    if (each.ns.empty() || each.ns.size() > kLongestNamespace) return "a request that may cross has no payload";
    if (!each.get && !each.set) return "a request that may cross has no type";
  }
  return std::nullopt;
}

std::optional<std::string> routes_fault(const Tables& tables) {
  std::set<std::string_view> ids;
  for (const Peering& peering : tables.peerings) {
    if (auto what = grant_fault(peering, tables)) return what;
    if (!ids.insert(peering.id).second) return "two peerings have one id";
  }
  if (!strictly_rising(tables.routes, [](const Route& r) { return std::pair(r.from, r.to); }))
    return "routes are not sorted and unique";
  for (const Route& route : tables.routes) {
    if (route.from >= tables.domains.size() || route.to >= tables.domains.size()) return "a route has no domain";
    if (route.peering >= tables.peerings.size()) return "a route has no peering";
    if (tables.domains[route.from].enclave == tables.domains[route.to].enclave)
      return "a route stays within one enclave";
  }
  return std::nullopt;
}

/// What is hidden one way must be found again on the way back.
std::optional<std::string> hidden_fault(const Tables& tables) {
  for (const Peering& peering : tables.peerings) {
    const presence::Settings& rules = peering.presence_rules;
    if (!strictly_rising(rules.hidden_resources, [](std::string_view d) { return d; }))
      return "domains with hidden resources are not sorted and unique";
    for (const std::string& name : rules.hidden_resources) {
      const auto at = std::ranges::lower_bound(tables.domains, name, {}, &Domain::name);
      const bool is_home = at != tables.domains.end() && at->name == name &&
                           at->home == static_cast<std::size_t>(at - tables.domains.begin());
      if (!is_home) return "resources are hidden at what is no home domain";
      if (rules.is_room_service(name)) return "resources are hidden at a room service";
    }
  }
  for (const Route& there : tables.routes) {
    const std::pair reverse(there.to, there.from);
    const auto back =
        std::ranges::lower_bound(tables.routes, reverse, {}, [](const Route& r) { return std::pair(r.from, r.to); });
    if (back == tables.routes.end() || std::pair(back->from, back->to) != reverse) continue;
    for (const std::uint16_t place : {there.from, there.to}) {
      const std::string& home = tables.domains[tables.domains[place].home].name;
      if (tables.peerings[there.peering].presence_rules.hides_resources_of(home) !=
          tables.peerings[back->peering].presence_rules.hides_resources_of(home))
        return "resources are hidden one way only";
    }
  }
  return std::nullopt;
}

std::optional<std::string> logins_fault(const Tables& tables) {
  if (!strictly_rising(tables.logins, [](const Login& l) { return std::pair(l.enclave, l.domain); }))
    return "logins are not sorted and unique";
  for (const Login& login : tables.logins) {
    if (auto what = grant_fault(login.rule, tables)) return what;
    if (login.enclave >= tables.enclaves.size() || login.domain >= tables.domains.size())
      return "a login has no enclave or no domain";
    const Domain& domain = tables.domains[login.domain];
    if (domain.home != login.domain) return "a login is at a component";
    if (domain.enclave == login.enclave) return "a login stays within one enclave";
    const auto mechanisms = inspect::Mechanisms::of_bits(login.mechanisms);
    if (!mechanisms || mechanisms->empty()) return "a login has no mechanism";
    if (login.tries < 2 || login.tries > 5) return "a login has too few or too many tries";
    // A session is with one account, whose resources it shows by their names.
    if (!login.rule.presence_rules.hidden_resources.empty()) return "a login hides resources";
    if (login.rule.presence_rules.phase == presence::Phase::Learn) return "a login learns what its roster says";
    if (login.stages_off & ~kMayBeOff) return "a login switches off a stage that cannot be";
  }
  return std::nullopt;
}

std::optional<std::string> contents_fault(const Tables& tables) {
  for (const ContentRule& rule : tables.contents) {
    if (!is_identifier(rule.id)) return "a content rule has no usable id";
    if (rule.places == 0 || (rule.places >> (static_cast<unsigned>(kLastTextPlace) + 1)) != 0)
      return "a content rule looks nowhere";
    if (!strictly_rising(rule.peerings, [](std::uint16_t p) { return p; }))
      return "the peerings of a content rule are not sorted and unique";
    if (!rule.peerings.empty() && rule.peerings.back() >= tables.peerings.size() + tables.logins.size())
      return "a content rule is for no peering";
  }
  return std::nullopt;
}

/// What the look-ups rely on. The tables come from a compiler or from a file that claims to be from one.
std::optional<std::string> tables_fault(const Tables& tables) {
  if (!is_title(tables.name)) return "the policy has no usable name";
  if (tables.enclaves.size() > kMostNames || tables.domains.size() > kMostNames ||
      tables.peerings.size() + tables.logins.size() > kMostNames)
    return "there are too many names";
  if (const auto what = enclaves_fault(tables)) return what;
  if (const auto what = domains_fault(tables)) return what;
  if (const auto what = routes_fault(tables)) return what;
  if (const auto what = hidden_fault(tables)) return what;
  if (auto what = rules_fault(tables)) return what;
  if (const auto what = logins_fault(tables)) return what;
  if (const auto what = contents_fault(tables)) return what;
  if (tables.settings.stages_off & ~kMayBeOff) return "a stage is switched off that cannot be";
  if (tables.limits.leg_octets < 10'000) return "legs must take stanzas of 10000 octets";  // RFC 6120 13.12
  return std::nullopt;
}

std::uint64_t fnv1a(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return hash;
}

}  // namespace

std::expected<Bundle, BundleFault> Bundle::make(Tables tables) {
  if (auto what = tables_fault(tables)) return std::unexpected(BundleFault{std::move(*what)});
  auto label_rules = LabelRules::make(tables.labels, tables.enclaves.size());
  if (!label_rules) return std::unexpected(BundleFault{std::move(label_rules.error())});
  Bundle bundle;
  bundle.label_rules_ = std::move(*label_rules);
  bundle.octets_ = encode(tables);
  if (bundle.octets_.size() > kLargest) return std::unexpected(BundleFault{"it is larger than a bundle may be"});
  bundle.hash_ = sha256(bundle.octets_);
  bundle.tables_ = std::move(tables);
  bundle.rule_index_ = RuleIndex(bundle.tables_);
  auto content =
      ContentMatcher::make(bundle.tables_.contents, bundle.tables_.peerings.size() + bundle.tables_.logins.size());
  if (!content) return std::unexpected(BundleFault{std::move(content.error())});
  bundle.content_ = std::move(*content);
  return bundle;
}

std::expected<Bundle, BundleFault> Bundle::decode(std::string_view octets) {
  if (octets.size() > kLargest) return std::unexpected(BundleFault{"it is larger than a bundle may be"});
  inspect::OctetReader reader(octets);
  if (reader.octets(kMagic.size()) != kMagic) return std::unexpected(BundleFault{"it is not a bundle"});
  if (reader.integer<std::uint16_t>() != kVersion)
    return std::unexpected(BundleFault{"it was compiled by another version; compile the policy again"});
  Tables tables;
  reader.field(tables);
  if (!reader.complete()) return std::unexpected(BundleFault{"it is damaged"});
  return make(std::move(tables));
}

const Domain* Bundle::domain(std::string_view prepared) const {
  const auto at = std::ranges::lower_bound(tables_.domains, prepared, {}, &Domain::name);
  return at != tables_.domains.end() && at->name == prepared ? &*at : nullptr;
}

const Enclave* Bundle::enclave(std::string_view wanted) const {
  const auto at = std::ranges::lower_bound(tables_.enclaves, wanted, {}, &Enclave::name);
  return at != tables_.enclaves.end() && at->name == wanted ? &*at : nullptr;
}

bool Bundle::is_withdrawn(std::string_view prepared) const {
  return std::ranges::any_of(tables_.enclaves, [&](const Enclave& enclave) {
    return std::ranges::binary_search(enclave.withdrawn, prepared);
  });
}

const Peering* Bundle::peering(const Domain& from, const Domain& to) const {
  const std::pair wanted(number_of(from), number_of(to));
  const auto at =
      std::ranges::lower_bound(tables_.routes, wanted, {}, [](const Route& r) { return std::pair(r.from, r.to); });
  if (at == tables_.routes.end() || std::pair(at->from, at->to) != wanted) return nullptr;
  return &tables_.peerings[at->peering];
}

const Peering* Bundle::peering(std::string_view from, std::string_view to) const {
  const Domain* from_domain = domain(from);
  const Domain* to_domain = domain(to);
  return from_domain && to_domain ? peering(*from_domain, *to_domain) : nullptr;
}

const Login* Bundle::login(std::string_view wanted, const Domain& domain) const {
  const Enclave* of = enclave(wanted);
  if (!of) return nullptr;
  const std::pair key(static_cast<std::uint16_t>(of - tables_.enclaves.data()),
                      static_cast<std::uint16_t>(&domain - tables_.domains.data()));
  const auto at =
      std::ranges::lower_bound(tables_.logins, key, {}, [](const Login& l) { return std::pair(l.enclave, l.domain); });
  return at != tables_.logins.end() && std::pair(at->enclave, at->domain) == key ? &*at : nullptr;
}

std::uint64_t Bundle::lane_key(std::string_view from, std::string_view to) const {
  const auto home = [this](std::string_view name) -> std::string_view {
    const Domain* known = domain(name);
    return known ? std::string_view(home_of(*known).name) : name;
  };
  return policy::lane_key(home(from), home(to));
}

std::uint64_t lane_key(std::string_view home, std::string_view other_home) {
  if (other_home < home) std::swap(home, other_home);
  std::uint64_t hash = fnv1a(0xCBF29CE484222325ULL, home);
  hash = fnv1a(hash, std::string_view("\0", 1));
  hash = fnv1a(hash, other_home);
  // FNV leaves the low bits of short names poorly mixed, and lanes are taken modulo a small number.
  hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCDULL;
  hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53ULL;
  return hash ^ (hash >> 33);
}

}  // namespace sallyport::policy
