#include "policy/proof/askers.h"

#include <algorithm>

#include "policy/label_path.h"

namespace sallyport::policy::proof {
namespace {

/// A label is never under a policy and has a value that the policy does not know.
bool can_match(const LabelMatch& match, const LabelRules& rules) {
  return !match.none && std::ranges::all_of(match.all_of, [&](const label::CatKey& key) {
    return rules.policy(match.policy).category_number(key).has_value();
  });
}

}  // namespace

Askers::Askers(const Bundle& bundle, const Way& way, const Party& from, const Party& to, const Claim& claim)
    : rules_(*bundle.label_rules()), claim_(claim), listed_(way.grant->labels.only) {
  for (std::size_t side = 0; side < 2; ++side) {
    const ClearedOnSide cleared(bundle, station(bundle, side == 0 ? from : to));
    for (const Cleared& each : cleared.all()) sides_[side].push_back(*each.clearances);
  }
  const auto& rules = bundle.tables().rules;
  RuleSet between(rules.size());
  for (unsigned type = 0; type < kStanzaTypes; ++type)
    between |= rules_between(bundle, from, to, static_cast<StanzaType>(type));
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto& asked = rules[i].label;
    if (!asked || !between.has(i)) continue;
    for (const LabelMatch& match : *asked)
      if (can_match(match, rules_)) matches_.push_back(&match);
  }
}

std::vector<bool> Askers::holders_of(std::uint16_t policy, const label::CatKey& value) const {
  std::vector<bool> held;
  for (const Clearances& side : sides_)
    for (const std::vector<std::uint16_t>& each : side)
      if (const auto number = rules_.clearance_under(each, policy))
        held.push_back(rules_.clearance(*number).has(value));
  return held;
}

bool Askers::grant(const JudgedLabel& judged, const LabelRules& world) const {
  for (std::size_t side = 0; side < 2; ++side) {
    const std::uint16_t policy = (side == 0 ? judged.source : judged.destination()).policy;
    const auto covers = [&](const std::vector<std::uint16_t>& clearances) {
      const auto number = world.clearance_under(clearances, policy);
      return number && !refused_by(world, judged, side == 1, *number);
    };
    if (sides_[side].empty() || !std::ranges::all_of(sides_[side], covers)) return false;
  }
  return true;
}

Bits Askers::nothing() const {
  std::size_t values = 0;
  for (const Quality& quality : claim_.qualities) values += quality.values.size();
  return Bits((2 * matches_.size()) + (2 * listed_.size()) + values);
}

/// First what stands against matches, then what speaks for them; which of the listed labels it is not, on either side;
/// which of the claim's values it has.
Bits Askers::see(const JudgedLabel& judged, const LabelRules& world) const {
  Bits seen = nothing();
  for (std::size_t i = 0; i < matches_.size(); ++i) see_match(i, judged, world, seen);
  std::size_t at = 2 * matches_.size();
  for (const LabelSide* side : {&judged.source, &judged.destination()})
    for (const std::uint16_t number : listed_) {
      if (!label::same_meaning(world.label(number), side->label)) seen.add(at);
      ++at;
    }
  for (const Quality& quality : claim_.qualities)
    for (const auto& [policy, value] : quality.values) {
      const label::CatKey key = rules_.policy(policy).key(value);
      const bool here = judged.source.policy == policy && judged.source.label.has(key);
      const bool there = judged.destination().policy == policy && judged.destination().label.has(key);
      if (here || there) seen.add(at);
      ++at;
    }
  return seen;
}

void Askers::see_match(std::size_t number, const JudgedLabel& judged, const LabelRules& world, Bits& seen) const {
  const LabelMatch& match = *matches_[number];
  const LabelSide& side = judged.source.policy == match.policy ? judged.source : judged.destination();
  const auto has = [&](const label::CatKey& key) { return side.label.has(key); };
  const auto lacks = [&](const label::CatKey& key) {
    return !has(key) && world.policy(match.policy).category_number(key).has_value();
  };
  const bool fits = side.policy == match.policy &&
                    std::ranges::binary_search(match.classes,
                                               world.policy(side.policy).class_at(side.resolved.classification).lacv) &&
                    std::ranges::none_of(match.all_of, lacks) && std::ranges::none_of(match.none_of, has);
  if (!fits) return seen.add(number);
  if (!match.any_of || std::ranges::any_of(*match.any_of, has)) seen.add(hit_at(number));
}

Bits Askers::join(const Bits& one, const Bits& other) const {
  Bits seen = one;
  seen |= other;
  // What stands against a match does so whatever else is there.
  for (std::size_t i = 0; i < matches_.size(); ++i)
    if (seen.has(i)) seen.remove(hit_at(i));
  return seen;
}

}  // namespace sallyport::policy::proof
