#include "policy/proof/parts.h"

#include <algorithm>

namespace sallyport::policy::proof {

using label::CatNumber;

Parts::Parts(const LabelRules& rules, const std::vector<std::uint16_t>& policies) : rules_(rules) {
  std::size_t places = 0;
  for (const std::uint16_t policy : policies)
    if (first_.try_emplace(policy, places).second) places += rules.policy(policy).category_count();
  for (std::size_t i = 0; i < places; ++i) above_.push_back(i);
  for (const auto& [policy, first] : first_) {
    join_rules(policy);
    join_tags(policy);
    join_translated(policy);
    join_added(policy);
  }
}

std::size_t Parts::root(std::size_t place) const {
  while (above_[place] != place) place = above_[place];
  return place;
}

void Parts::join(std::size_t a, std::size_t b) {
  const std::size_t one = root(a), other = root(b);
  above_[std::max(one, other)] = std::min(one, other);
}

void Parts::join_all(const std::vector<std::size_t>& places) {
  for (const std::size_t each : places) join(each, places.front());
}

std::vector<std::size_t> Parts::places(std::uint16_t policy, const std::vector<label::CatRef>& refs) const {
  std::vector<std::size_t> found;
  for (const label::CatRef& ref : refs)
    for (const CatNumber value : rules_.policy(policy).expand(ref)) found.push_back(place(policy, value));
  return found;
}

/// In whichever policy they may be meant.
std::vector<std::size_t> Parts::places(const std::vector<label::ForeignRef>& refs) const {
  std::vector<std::size_t> found;
  for (const auto& [policy, first] : first_)
    for (const label::ForeignRef& ref : refs)
      if (const auto set = rules_.policy(policy).tag_set_named(ref.tag_set, label::NameCase::Exact)) {
        const auto some = places(policy, {{rules_.policy(policy).tag_set_at(*set).id, ref.kind, ref.lacv}});
        found.insert(found.end(), some.begin(), some.end());
      }
  return found;
}

void Parts::join_rules(std::uint16_t policy) {
  const label::Policy& its = rules_.policy(policy);
  for (const label::Class& each : its.spif().classes)
    for (const label::Require& require : each.required) join_all(places(policy, require.items));
  for (CatNumber value = 0; value < its.category_count(); ++value) {
    const label::Category& category = its.category_at(value);
    std::vector<label::CatRef> named = category.excluded;
    for (const label::Require& require : category.required)
      named.insert(named.end(), require.items.begin(), require.items.end());
    for (const std::size_t other : places(policy, named)) join(other, place(policy, value));
  }
}

void Parts::join_tags(std::uint16_t policy) {
  const label::Policy& its = rules_.policy(policy);
  const bool by_kind = rules_.options(policy).unit == label::Unit::TagSetAndKind;
  std::map<std::pair<label::Number, label::TagKind>, std::size_t> of_kind;
  for (CatNumber value = 0; value < its.category_count(); ++value) {
    const label::Tag& tag = its.tag_at(its.tag_of(value));
    const bool counts = tag.single || tag.max || tag.min || label::is_permissive(tag.kind);
    if (counts && value > 0 && its.tag_of(value - 1) == its.tag_of(value))
      join(place(policy, value), place(policy, value - 1));
    if (by_kind)
      join(place(policy, value), of_kind.try_emplace({tag.tag_set, tag.kind}, place(policy, value)).first->second);
  }
}

void Parts::join_translated(std::uint16_t policy) {
  const label::Policy& its = rules_.policy(policy);
  for (CatNumber value = 0; value < its.category_count(); ++value)
    for (const label::CatEquivalent& each : its.category_at(value).equivalents)
      for (const auto& [other, first] : first_)
        if (const auto target = each.target ? rules_.policy(other).category_number(*each.target) : std::nullopt)
          join(place(policy, value), place(other, *target));
}

/// What a translation adds, wherever it leads to.
void Parts::join_added(std::uint16_t policy) {
  const label::Spif& spif = rules_.policy(policy).spif();
  const auto add = [&](const std::vector<label::ForeignRequire>& required, const std::vector<std::size_t>& holders) {
    for (const label::ForeignRequire& each : required) {
      std::vector<std::size_t> all = places(each.items);
      all.insert(all.end(), holders.begin(), holders.end());
      join_all(all);
    }
  };
  for (const label::EquivalentPolicy& each : spif.equivalent_policies) add(each.required, {});
  for (const label::Class& each : spif.classes)
    for (const label::ClassEquivalent& equivalent : each.equivalents) add(equivalent.required, {});
  for (std::uint32_t set = 0; set < spif.tag_sets.size(); ++set) {
    if (spif.tag_sets[set].equivalents.empty()) continue;
    std::vector<std::size_t> holders;
    for (CatNumber value = 0; value < rules_.policy(policy).category_count(); ++value)
      if (rules_.policy(policy).tag_at(rules_.policy(policy).tag_of(value)).tag_set == set)
        holders.push_back(place(policy, value));
    for (const label::SetEquivalent& equivalent : spif.tag_sets[set].equivalents) add(equivalent.required, holders);
  }
}

bool Parts::is_in(std::size_t part, std::uint16_t policy, const label::CatKey& key) const {
  const auto value = first_.contains(policy) ? rules_.policy(policy).category_number(key) : std::nullopt;
  return value && of(policy, *value) == part;
}

/// What leads nowhere is kept: it stands against every label.
void Parts::cut(std::size_t part, std::vector<label::ForeignRequire>& required) const {
  std::erase_if(required, [&](const label::ForeignRequire& each) {
    const auto all = places(each.items);
    return !all.empty() && root(all.front()) != part;
  });
}

label::Spif Parts::cut(std::size_t part, std::uint16_t policy) const {
  label::Spif spif = rules_.policy(policy).spif();
  const auto is_here = [&](const label::Tag& tag, const label::Category& category) {
    return is_in(part, policy, {spif.tag_sets[tag.tag_set].id, tag.kind, category.lacv});
  };
  std::erase_if(spif.tags, [&](label::Tag& tag) {
    if (tag.categories.empty()) return false;
    std::erase_if(tag.categories, [&](const label::Category& category) { return !is_here(tag, category); });
    return tag.categories.empty();
  });
  const auto is_elsewhere = [&](const label::Require& require) {
    if (!first_.contains(policy)) return true;
    const auto all = places(policy, require.items);
    return !all.empty() && root(all.front()) != part;
  };
  for (label::Class& each : spif.classes) {
    std::erase_if(each.required, is_elsewhere);
    for (label::ClassEquivalent& equivalent : each.equivalents) cut(part, equivalent.required);
  }
  for (label::EquivalentPolicy& each : spif.equivalent_policies) cut(part, each.required);
  for (label::TagSet& set : spif.tag_sets)
    for (label::SetEquivalent& equivalent : set.equivalents) cut(part, equivalent.required);
  return spif;
}

std::expected<std::shared_ptr<const LabelRules>, std::string> Parts::world(std::size_t part) const {
  LabelTables tables = rules_.tables();
  const auto policies = static_cast<std::uint16_t>(tables.policies.size());
  for (std::uint16_t policy = 0; policy < policies; ++policy) tables.policies[policy].spif = cut(part, policy);
  const auto keep = [&](std::uint16_t policy, std::vector<label::CatKey>& keys) {
    std::erase_if(keys, [&](const label::CatKey& key) {
      return rules_.policy(policy).category_number(key) && !is_in(part, policy, key);
    });
  };
  for (NamedLabel& each : tables.labels) keep(each.policy, each.label.categories);
  for (NamedClearance& each : tables.clearances) keep(each.policy, each.clearance.categories);
  for (EnclaveLabels& each : tables.enclaves) each.first_lines.clear();
  tables.holders.clear();
  return LabelRules::make(tables, tables.enclaves.size());
}

}  // namespace sallyport::policy::proof
