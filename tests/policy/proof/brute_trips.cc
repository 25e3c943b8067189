#include "tests/policy/proof/brute_trips.h"

#include <algorithm>

namespace sallyport::policy::testing {
namespace {

constexpr const char* kPeople[] = {"ann@", "bob@", "cid@"};
constexpr Kind kKinds[] = {Kind::Message, Kind::Presence, Kind::Iq};

bool is_there(const proof::Place& place, const Person& person) {
  const bool by_address = std::ranges::count(place.domains, person.domain) > 0;
  if (!place.bare.empty()) return person.bare == place.bare;
  if (place.enclave) return place.enclave == person.enclave;
  return place.any || by_address;
}

std::vector<Person> people_at(const Tables& tables, std::uint16_t domain) {
  const Domain& its = tables.domains[domain];
  std::vector<Person> all;
  for (const char* name : kPeople) {
    Person person{.bare = name + its.name, .domain = domain, .enclave = its.enclave, .known_as = {}};
    person.known_as = {tables.domains[its.home].name};
    if (its.home != domain) person.known_as.push_back(its.name);
    person.known_as.push_back(person.bare);
    all.push_back(std::move(person));
  }
  return all;
}

/// A client of the login: of him only the account is known where he is.
std::vector<Person> clients(const Tables& tables, const Login& login) {
  std::vector<Person> all = people_at(tables, login.domain);
  for (Person& each : all) {
    each.enclave = login.enclave;
    each.known_as = {each.bare};
  }
  return all;
}

/// Everybody whom a client's server speaks for: he is where that is.
std::vector<Person> everybody(const Tables& tables, const Login& login) {
  std::vector<Person> all;
  for (std::uint16_t domain = 0; domain < tables.domains.size(); ++domain)
    for (Person& each : people_at(tables, domain)) {
      each.enclave = tables.domains[login.domain].enclave;
      each.known_as.insert(each.known_as.begin(), tables.domains[login.domain].name);
      all.push_back(std::move(each));
    }
  return all;
}

std::vector<Kind> kinds_of(const Peering& grant) {
  std::vector<Kind> kinds;
  for (const Kind kind : kKinds)
    if (grant.grants(kind)) kinds.push_back(kind);
  return kinds;
}

/// What somebody of the client's own side says to the account has come by a peering.
std::vector<Kind> kinds_to_client(const Tables& tables, const Login& login, const Person& sender) {
  std::vector<Kind> kinds = kinds_of(login.rule);
  if (sender.domain == login.domain || tables.domains[sender.domain].enclave != login.enclave) return kinds;
  const Peering* by = nullptr;
  for (const Route& route : tables.routes)
    if (route.from == sender.domain && route.to == login.domain) by = &tables.peerings[route.peering];
  std::erase_if(kinds, [&](Kind kind) { return !by || !by->grants(kind); });
  return kinds;
}

}  // namespace

std::vector<Trip> trips(const Tables& tables, const proof::Claim& claim) {
  std::vector<Trip> all;
  const auto add = [&](const Person& sender, const Person& addressee, const Peering& grant, std::vector<Kind> kinds) {
    if (claim.kind) std::erase_if(kinds, [&](Kind kind) { return kind != *claim.kind; });
    if (is_there(claim.from, sender) && is_there(claim.to, addressee))
      all.push_back({sender, addressee, &grant, std::move(kinds)});
  };
  for (const Route& route : tables.routes)
    for (const Person& sender : people_at(tables, route.from))
      for (const Person& addressee : people_at(tables, route.to)) {
        const Peering& grant = tables.peerings[route.peering];
        add(sender, addressee, grant, kinds_of(grant));
      }
  for (const Login& login : tables.logins)
    for (const Person& client : clients(tables, login))
      for (const Person& other : everybody(tables, login)) {
        add(client, other, login.rule, kinds_of(login.rule));
        add(other, client, login.rule, kinds_to_client(tables, login, other));
      }
  return all;
}

bool is_about(const Tables& tables, const Side& side, const Person& person) {
  bool about = side.any || std::ranges::count(side.domains, person.domain) > 0;
  for (const std::uint16_t list : side.lists)
    about = about || std::ranges::count(tables.lists[list].bare, person.bare) > 0;
  return about;
}

const LabelHolder* holder(const Tables& tables, const std::string& who) {
  for (const LabelHolder& each : tables.labels.holders)
    if (each.address == who) return &each;
  return nullptr;
}

bool are_cleared(const Tables& tables, const Sided& side, const Person& person) {
  std::vector<std::vector<std::uint16_t>> all = {tables.labels.enclaves[person.enclave].clearances};
  for (const std::string& each : person.known_as)
    if (const LabelHolder* its = holder(tables, each)) all.push_back(its->clearances);
  std::erase_if(all, [](const auto& clearances) { return clearances.empty(); });
  for (const auto& clearances : all) {
    bool granted = false;
    for (const std::uint16_t number : clearances)
      if (tables.labels.clearances[number].policy == side.policy)
        granted = covers(tables.labels.policies[side.policy].spif, tables.labels.clearances[number].clearance, side);
    if (!granted) return false;
  }
  return !all.empty();
}

}  // namespace sallyport::policy::testing
