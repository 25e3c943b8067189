#include "policy/proof/space.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <set>
#include <tuple>

namespace sallyport::policy::proof {
namespace {

using std::chrono::milliseconds;
constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kWeek = std::int64_t{7} * Window::kDay * kMinute;
/// 1970-01-01 was a Thursday: weeks begin on a Monday.
constexpr std::int64_t kFirstMonday = std::int64_t{4} * Window::kDay * kMinute;

/// Whether `side` is about the address.
bool has(const Bundle& bundle, const Side& side, const Party& party) {
  if (side.any || std::ranges::binary_search(side.domains, party.domain)) return true;
  return std::ranges::any_of(side.lists, [&](std::uint16_t list) {
    return std::ranges::binary_search(bundle.tables().lists[list].bare, party.bare);
  });
}

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

RuleSet in_force(const Bundle& bundle, label::Time time) {
  const auto& rules = bundle.tables().rules;
  RuleSet open(rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (const auto& window = rules[i].window; !window || window->is_open(time)) open.add(i);
  return open;
}

/// Milliseconds of the week at which the hours of some rule begin or end.
std::set<std::int64_t> turns_of_the_week(const Tables& tables) {
  std::set<std::int64_t> turns;
  for (const Rule& rule : tables.rules) {
    if (!rule.window) continue;
    for (unsigned day = 0; day < 7; ++day)
      for (const std::int64_t minute :
           {std::int64_t{rule.window->from_minute}, std::int64_t{rule.window->until_minute}, std::int64_t{0}})
        turns.insert(((std::int64_t{day} * Window::kDay + minute) * kMinute) % kWeek);
  }
  return turns;
}

/// Times from `now` on at which dates of rules or of label policies begin or end.
std::set<std::int64_t> turning_dates(const Bundle& bundle, std::int64_t now) {
  std::set<std::int64_t> dates;
  const auto add = [&](std::int64_t time) {
    if (time > now && time < label::Time::max().time_since_epoch().count()) dates.insert(time);
  };
  for (const Rule& rule : bundle.tables().rules)
    if (rule.window) {
      add(rule.window->not_before);
      add(rule.window->not_after);
    }
  const LabelRules& labels = *bundle.label_rules();
  const auto policies = static_cast<std::uint16_t>(labels.tables().policies.size());
  for (std::uint16_t p = 0; p < policies; ++p)
    for (label::Time at(milliseconds{now}); at != label::Time::max(); at = labels.policy(p).steady(at).until)
      add(at.time_since_epoch().count());
  return dates;
}

}  // namespace

RuleSet& RuleSet::operator|=(const RuleSet& other) {
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  return *this;
}

RuleSet& RuleSet::operator&=(const RuleSet& other) {
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
  return *this;
}

std::optional<std::size_t> RuleSet::first(const RuleSet& a, const RuleSet& b, const RuleSet& c, const RuleSet& d) {
  for (std::size_t i = 0; i < a.words_.size(); ++i) {
    const std::uint64_t common = a.words_[i] & b.words_[i] & c.words_[i] & d.words_[i];
    if (common != 0) return i * 64 + static_cast<std::size_t>(std::countr_zero(common));
  }
  return std::nullopt;
}

std::vector<Party> parties(const Bundle& bundle, std::uint16_t domain, const Place& place) {
  if (!place.bare.empty()) return {{domain, place.bare}};
  const std::set<std::string> named = named_at(bundle, domain);
  std::vector<Party> all = {{domain, somebody(bundle, domain, named)}};
  std::set<std::tuple<std::vector<bool>, const LabelHolder*>> known;
  for (const std::string& bare : named) {
    std::vector<bool> lists;
    for (const AddressList& list : bundle.tables().lists) lists.push_back(std::ranges::binary_search(list.bare, bare));
    if (known.emplace(std::move(lists), bundle.label_rules()->holder(bare)).second) all.push_back({domain, bare});
  }
  return all;
}

RuleSet rules_between(const Bundle& bundle, const Party& from, const Party& to, StanzaType type) {
  const auto& rules = bundle.tables().rules;
  RuleSet found(rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Rule& rule = rules[i];
    if (rule.logins || (rule.stanzas & bit(type)) == 0) continue;  // a rule with logins is none between servers
    const bool there = has(bundle, rule.from, from) && has(bundle, rule.to, to);
    const bool back = rule.both && has(bundle, rule.to, from) && has(bundle, rule.from, to);
    if (there || back) found.add(i);
  }
  return found;
}

Instant instant(const Bundle& bundle, label::Time time) {
  return {time, in_force(bundle, time)};
}

std::vector<Instant> instants(const Bundle& bundle, label::Time now) {
  const std::set<std::int64_t> week = turns_of_the_week(bundle.tables());
  std::set<std::int64_t> starts = turning_dates(bundle, now.time_since_epoch().count());
  starts.insert(now.time_since_epoch().count());
  std::vector<Instant> all;
  for (auto start = starts.begin(); start != starts.end(); ++start) {
    const auto end = std::next(start) == starts.end() ? std::numeric_limits<std::int64_t>::max() : *std::next(start);
    // What comes after the first week comes again; within a span nothing but the week changes.
    std::set<RuleSet> known;
    const auto add = [&](std::int64_t time) {
      Instant made = instant(bundle, label::Time(milliseconds(time)));
      if (time < end && known.insert(made.in_force).second) all.push_back(std::move(made));
    };
    add(*start);
    const std::int64_t monday = *start - ((*start - kFirstMonday) % kWeek + kWeek) % kWeek;
    for (const std::int64_t base : {monday, monday + kWeek})
      for (const std::int64_t turn : week)
        if (base + turn > *start) add(base + turn);
  }
  return all;
}

}  // namespace sallyport::policy::proof
