#include "policy/proof/lattice.h"

#include <stdexcept>

#include "policy/proof/stanza.h"

namespace sallyport::policy::proof {

const LabelRules& Worlds::of(std::size_t part) {
  auto& world = known_[part];
  if (!world) {
    auto made = parts_.world(part);
    if (!made) throw std::logic_error("a part of a label policy is none: " + made.error());
    world = std::move(*made);
  }
  return *world;
}

Lattice::Lattice(const Bundle& bundle, std::uint16_t policy, const Way& way, const Askers& askers, Worlds& worlds,
                 label::Time now)
    : askers_(askers),
      policy_(bundle.label_rules()->policy(policy)),
      way_(way.label),
      peering_(way.grant->labels),
      now_(now) {
  // Whether a label is listed is asked of the whole.
  peering_.only.clear();
  std::map<std::size_t, std::size_t> places;
  for (Group& group : needed(bundle, policy, way.label, askers, now)) {
    const std::size_t part = worlds.parts().of(policy, group.values.front());
    const auto [at, is_new] = places.try_emplace(part, parts_.size());
    if (is_new) parts_.push_back({.groups = {}, .world = worlds.of(part)});
    parts_[at->second].groups.push_back(std::move(group));
  }
}

bool Lattice::each(const std::function<void(const label::Label&)>& take) {
  for (const label::Class& of : policy_.spif().classes) {
    Set all = {{askers_.nothing(), {}}};
    for (const Part& part : parts_) {
      Set some, both;
      if (!add_part(part, of.lacv, some) || !put_together(all, some, both)) return false;
      all = std::move(both);
    }
    for (auto& [seen, values] : all) {
      label::Label made;
      made.policy = policy_.id();
      made.classification = of.lacv;
      made.categories = std::move(values);
      made.settle();
      take(made);
    }
  }
  return true;
}

/// Every label of the class and of values of that part.
bool Lattice::add_part(const Part& part, label::Lacv classification, Set& to) {
  std::size_t combinations = 1;
  for (const Group& group : part.groups) {
    combinations *= group.counts.size();
    if (combinations > kMostLabels) return false;
  }
  if (is_too_much(combinations)) return false;
  std::vector<std::size_t> chosen(part.groups.size());
  for (bool more = true; more;) {
    label::Label made;
    made.policy = policy_.id();
    made.classification = classification;
    for (std::size_t i = 0; i < chosen.size(); ++i)
      for (std::size_t n = 0; n < part.groups[i].counts[chosen[i]]; ++n)
        made.categories.push_back(policy_.key(part.groups[i].values[n]));
    made.settle();
    inspect::Arena arena(2048);
    if (const inspect::Node* element = securitylabel(part.world, made, arena)) {
      const auto judged =
          judge_label(part.world, peering_, way_, {.element = element, .named = 0}, now_, LabelDepth::Meaning);
      if (!judged->objection && askers_.grant(*judged, part.world))
        to.try_emplace(askers_.see(*judged, part.world), std::move(made.categories));
    }
    more = false;
    for (std::size_t i = 0; i < chosen.size() && !more; ++i) {
      more = chosen[i] + 1 < part.groups[i].counts.size();
      chosen[i] = more ? chosen[i] + 1 : 0;
    }
  }
  return true;
}

bool Lattice::put_together(const Set& one, const Set& other, Set& to) {
  if (is_too_much(one.size() * other.size())) return false;
  for (const auto& [seen, values] : one)
    for (const auto& [its_seen, its_values] : other) {
      const auto [at, is_new] = to.try_emplace(askers_.join(seen, its_seen), values);
      if (is_new) at->second.insert(at->second.end(), its_values.begin(), its_values.end());
    }
  return true;
}

}  // namespace sallyport::policy::proof
