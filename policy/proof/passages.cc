#include "policy/proof/passages.h"

#include <algorithm>
#include <set>

namespace sallyport::policy::proof {
namespace {

std::string_view domain_of(std::string_view bare) {
  return bare.substr(bare.find('@') + 1);
}

/// Those that lists or clearances name.
std::set<std::string> named_at(const Bundle& bundle, std::uint16_t domain) {
  const Tables& tables = bundle.tables();
  std::set<std::string> named;
  const auto add = [&](const std::string& bare) {
    if (bare.find('@') != std::string::npos && domain_of(bare) == tables.domains[domain].name) named.insert(bare);
  };
  for (const AddressList& list : tables.lists)
    for (const std::string& bare : list.bare) add(bare);
  for (const LabelHolder& holder : tables.labels.holders) add(holder.address);
  return named;
}

std::string somebody(const Bundle& bundle, std::uint16_t domain, const std::set<std::string>& named) {
  const std::string end = "@" + bundle.tables().domains[domain].name;
  std::string bare = "somebody" + end;
  for (std::size_t i = 2; named.contains(bare); ++i) bare = "somebody" + std::to_string(i) + end;
  return bare;
}

/// Those of a domain, or the one that the place names.
std::vector<Party> parties(const Bundle& bundle, std::uint16_t domain, const std::string& only, const Login* login,
                           bool is_client) {
  const auto party = [&](const std::string& bare) {
    return Party{.domain = domain, .bare = bare, .login = login, .is_client = is_client};
  };
  if (!only.empty()) return {party(only)};
  const std::set<std::string> named = named_at(bundle, domain);
  std::vector<Party> all = {party(somebody(bundle, domain, named))};
  std::set<std::tuple<std::vector<bool>, const LabelHolder*>> known;
  for (const std::string& bare : named) {
    std::vector<bool> lists;
    for (const AddressList& list : bundle.tables().lists) lists.push_back(std::ranges::binary_search(list.bare, bare));
    if (known.emplace(std::move(lists), bundle.label_rules()->holder(bare)).second) all.push_back(party(bare));
  }
  return all;
}

/// The session's clients that are within the place: by their enclave, or by their accounts.
std::vector<Party> clients(const Bundle& bundle, const Login& login, const Place& place) {
  if (place.enclave && place.enclave != login.enclave) return {};
  if (place.enclave) return parties(bundle, login.domain, "", &login, true);
  return place.has(login.domain) ? parties(bundle, login.domain, place.bare, &login, true) : std::vector<Party>();
}

/// Whom the session's server speaks for, within the place: everybody, and all of them are where it is.
std::vector<Party> reached(const Bundle& bundle, const Login& login, const Place& place) {
  const Tables& tables = bundle.tables();
  if (place.enclave && place.enclave != tables.domains[login.domain].enclave) return {};
  const bool all = place.any || place.enclave;
  std::vector<Party> found;
  const auto domains = static_cast<std::uint16_t>(tables.domains.size());
  for (std::uint16_t domain = 0; domain < domains; ++domain)
    if (all || place.has(domain))
      for (Party& each : parties(bundle, domain, place.bare, &login, false)) found.push_back(std::move(each));
  // No rule is about an address that no enclave owns.
  if (all && tables.rules.empty()) found.push_back({{}, "somebody@elsewhere.invalid", &login, false});
  return found;
}

}  // namespace

bool is_about(const Bundle& bundle, const Side& side, const Party& party) {
  if (!party.domain) return false;
  if (side.any || std::ranges::binary_search(side.domains, *party.domain)) return true;
  return std::ranges::any_of(side.lists, [&](std::uint16_t list) {
    return std::ranges::binary_search(bundle.tables().lists[list].bare, party.bare);
  });
}

bool Way::is_off(const Bundle& bundle, Stage stage) const {
  return bundle.is_off(stage) || (login && ((login->stages_off >> static_cast<unsigned>(stage)) & 1U) != 0);
}

Station station(const Bundle& bundle, const Party& party) {
  const Domain* domain = party.domain ? &bundle.tables().domains[*party.domain] : nullptr;
  if (!party.login) return Station::at(*domain, party.bare);
  if (party.is_client) return {party.login->enclave, nullptr, nullptr, party.bare};
  const Domain& server = bundle.tables().domains[party.login->domain];
  return {server.enclave, &server, domain, party.bare};
}

bool Passage::grants(const Bundle& bundle, const Party& sender, const Party& addressee, Kind kind) const {
  if (!way.grant->grants(kind)) return false;
  const auto &one = sender.domain, &other = addressee.domain;
  if (!way.login || way.from_client || !one || !other || one == other) return true;
  const auto& domains = bundle.tables().domains;
  if (domains[*one].enclave != way.login->enclave) return true;
  const Peering* by = bundle.peering(domains[*one], domains[*other]);
  return by != nullptr && by->grants(kind);
}

std::size_t Sorts::of(const Party& party) {
  const std::size_t login =
      party.login ? static_cast<std::size_t>(party.login - bundle_.tables().logins.data()) + 1 : 0;
  const auto [at, is_new] = known_.try_emplace({party.bare, login, party.is_client}, 0);
  if (!is_new) return at->second;
  const Station where = station(bundle_, party);
  std::string seen = std::to_string(where.enclave) + "." + std::to_string(login) + (party.is_client ? "c" : "-");
  if (where.domain) seen += std::to_string(where.domain->enclave) + (bundle_.is_home(*where.domain) ? "h" : "c");
  for (const Rule& rule : bundle_.tables().rules) {
    seen += is_about(bundle_, rule.from, party) ? '1' : '0';
    seen += is_about(bundle_, rule.to, party) ? '1' : '0';
  }
  for (const Cleared& each : ClearedOnSide(bundle_, where).all()) {
    seen += '/';
    for (const std::uint16_t number : *each.clearances) seen += std::to_string(number) + ',';
  }
  // As a sender, and as a room whose subject is set.
  for (const std::string_view room : {std::string_view(), std::string_view(party.bare)})
    seen += ';' + std::to_string(default_label(bundle_, where, room).value_or(kMostLabelRows));
  return at->second = numbers_.try_emplace(std::move(seen), numbers_.size()).first->second;
}

void each_passage(const Bundle& bundle, const Claim& claim, const std::function<bool(const Passage&)>& take) {
  const Tables& tables = bundle.tables();
  const auto is_meant = [&](std::uint16_t number, bool from_client) {
    return !claim.way || *claim.way == std::pair(number, from_client);
  };
  for (const Route& route : tables.routes) {
    if (!claim.from.has(route.from) || !claim.to.has(route.to) || !is_meant(route.peering, false)) continue;
    const LabelWay label{tables.domains[route.from].enclave, tables.domains[route.to].enclave, route.peering};
    const Passage passage{.way = {.label = label, .grant = &grant(tables, route.peering)},
                          .from = parties(bundle, route.from, claim.from.bare, nullptr, false),
                          .to = parties(bundle, route.to, claim.to.bare, nullptr, false)};
    if (!take(passage)) return;
  }
  for (const Login& login : tables.logins) {
    const std::uint16_t here = login.enclave, there = tables.domains[login.domain].enclave;
    const std::uint16_t number = bundle.number_of(login.rule, &login);
    const Passage out{.way = {{here, there, number}, &login.rule, &login, true},
                      .from = clients(bundle, login, claim.from),
                      .to = reached(bundle, login, claim.to)};
    const Passage in{.way = {{there, here, number}, &login.rule, &login, false},
                     .from = reached(bundle, login, claim.from),
                     .to = clients(bundle, login, claim.to)};
    if (is_meant(number, true) && !take(out)) return;
    if (is_meant(number, false) && !take(in)) return;
  }
}

}  // namespace sallyport::policy::proof
