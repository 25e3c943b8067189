#include "policy/proof/space.h"

#include <algorithm>
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

RuleSet in_force(const Bundle& bundle, label::Time time) {
  const auto& rules = bundle.tables().rules;
  RuleSet open(rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (const auto& window = rules[i].window; !window || window->is_open(time)) open.add(i);
  return open;
}

/// A rule with logins is none between servers.
bool is_for(const Bundle& bundle, const Rule& rule, const Party& from, const Party& to) {
  if (!rule.logins) return true;
  const Login* login = from.is_client ? from.login : to.login;
  if (!login) return false;
  const auto place = static_cast<std::uint16_t>(login - bundle.tables().logins.data());
  if (!std::ranges::binary_search(*rule.logins, place)) return false;
  return rule.towards == Towards::Either || (rule.towards == Towards::Server) == from.is_client;
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

RuleSet rules_between(const Bundle& bundle, const Party& from, const Party& to, StanzaType type) {
  const auto& rules = bundle.tables().rules;
  RuleSet found(rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Rule& rule = rules[i];
    if ((rule.stanzas & bit(type)) == 0 || !is_for(bundle, rule, from, to)) continue;
    const bool there = is_about(bundle, rule.from, from) && is_about(bundle, rule.to, to);
    const bool back = rule.both && is_about(bundle, rule.to, from) && is_about(bundle, rule.from, to);
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
