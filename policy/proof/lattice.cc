#include "policy/proof/lattice.h"

#include <algorithm>
#include <map>
#include <string>

#include "policy/label/decide.h"
#include "policy/label_path.h"

namespace sallyport::policy::proof {
namespace {

using label::CatKey;
using label::CatNumber;

/// A value of one policy and one that it becomes in another.
struct Tie {
  std::uint16_t from_policy, to_policy;
  CatNumber from, to;
};

/// Which values a way needs in labels, and what tells them apart.
class Needs {
 public:
  Needs(const Bundle& bundle, std::uint16_t policy, const LabelWay& way, const std::vector<Quality>& qualities,
        label::Time now)
      : bundle_(bundle), rules_(*bundle.label_rules()), qualities_(qualities), way_(way), now_(now) {
    std::vector<std::uint16_t> on_way = {policy};
    for (const auto next :
         {governing(rules_, way.from_enclave, way.to_enclave), governing(rules_, way.to_enclave, way.from_enclave)})
      if (next && *next != on_way.back()) {
        tie(on_way.back(), *next);
        on_way.push_back(*next);
      }
    for (const std::uint16_t each : on_way) {
      if (needed_.contains(each)) continue;
      needed_[each].resize(rules_.policy(each).category_count());
      unique_[each].resize(rules_.policy(each).category_count());
    }
    for (const auto& [each, values] : needed_) need_of(each);
    close();
  }

  const std::vector<bool>& of(std::uint16_t policy) const { return needed_.at(policy); }

  /// Values with one name are interchangeable.
  std::string sort_of(std::uint16_t policy, CatNumber value) const {
    if (unique_.at(policy)[value]) return "=" + std::to_string(value);
    const label::Policy& its = rules_.policy(policy);
    const label::Category& category = its.category_at(value);
    std::string sort = std::to_string(its.tag_of(value)) + (category.obsolete ? "o" : "-") +
                       (category.period.holds(now_) ? "v" : "-") +
                       std::to_string(category.required_class.value_or(label::kLargestLacv)) + ":";
    for (const label::Lacv excluded : category.excluded_classes) sort += std::to_string(excluded) + ",";
    const CatKey key = its.key(value);
    for (const NamedClearance& row : rules_.tables().clearances) sort += row.clearance.has(key) ? '1' : '0';
    for (const Rule& rule : bundle_.tables().rules)
      if (rule.label)
        for (const LabelMatch& match : *rule.label) sort += sort_in(match, policy, key);
    for (const Tie& each : ties_)
      if (each.from_policy == policy && each.from == value) sort += ">" + sort_of(each.to_policy, each.to);
    return sort;
  }

  /// How many values of a sort are worth having: as many as some tag's minimum.
  std::size_t most() const {
    std::size_t most = 1;
    for (const auto& [policy, values] : needed_)
      for (const label::Tag& tag : rules_.policy(policy).spif().tags)
        most = std::max<std::size_t>(most, tag.min.value_or(1));
    return most;
  }

 private:
  static bool holds(const std::vector<CatKey>& keys, const CatKey& key) {
    return std::ranges::binary_search(keys, key);
  }

  static std::string sort_in(const LabelMatch& match, std::uint16_t policy, const CatKey& key) {
    if (match.none || match.policy != policy) return "";
    // All values of all_of have to be there: none of them stands for another.
    const std::string all = holds(match.all_of, key) ? key.tag_set.text() + std::to_string(key.lacv) : "";
    return (match.any_of && holds(*match.any_of, key) ? "y" : "-") + all + (holds(match.none_of, key) ? "n" : "-");
  }

  // --- translations ---

  void tie(std::uint16_t from, std::uint16_t to) {
    const LabelTranslation* table = rules_.translation(from, to);
    if (!table) return;
    const std::uint16_t owner = table->reverse ? to : from, other = table->reverse ? from : to;
    const label::Policy &own = rules_.policy(owner), &foreign = rules_.policy(other);
    for (CatNumber value = 0; value < own.category_count(); ++value)
      for (const label::CatEquivalent& equivalent : own.category_at(value).equivalents) {
        const auto target = equivalent.target ? foreign.category_number(*equivalent.target) : std::nullopt;
        if (!target) continue;
        ties_.push_back(table->reverse ? Tie{from, to, *target, value} : Tie{from, to, value, *target});
      }
    tables_.push_back(table);
  }

  /// What a table adds in the other policy has to be met there or must not be left open.
  void need_added(std::uint16_t policy) {
    for (const LabelTranslation* table : tables_) {
      if (table->to != policy || table->reverse) continue;
      const label::Spif& spif = rules_.policy(table->from).spif();
      const auto need_all = [&](const std::vector<label::ForeignRequire>& required) {
        for (const label::ForeignRequire& each : required)
          for (const label::ForeignRef& item : each.items) need_foreign(policy, item);
      };
      for (const label::EquivalentPolicy& each : spif.equivalent_policies) need_all(each.required);
      for (const label::Class& each : spif.classes)
        for (const label::ClassEquivalent& equivalent : each.equivalents) need_all(equivalent.required);
      for (std::size_t i = 0; i < spif.tag_sets.size(); ++i)
        for (const label::SetEquivalent& equivalent : spif.tag_sets[i].equivalents) {
          need_all(equivalent.required);
          need_tag_set(table->from, static_cast<std::uint32_t>(i));
        }
    }
  }

  void need_foreign(std::uint16_t policy, const label::ForeignRef& item) {
    const label::Policy& its = rules_.policy(policy);
    for (CatNumber value = 0; value < its.category_count(); ++value) {
      const label::Tag& tag = its.tag_at(its.tag_of(value));
      if (its.tag_set_at(tag.tag_set).name != item.tag_set || tag.kind != item.kind) continue;
      if (!item.lacv || *item.lacv == its.category_at(value).lacv) need(policy, value, true);
    }
  }
  void need_tag_set(std::uint16_t policy, std::uint32_t tag_set) {
    const label::Policy& its = rules_.policy(policy);
    for (CatNumber value = 0; value < its.category_count(); ++value)
      if (its.tag_at(its.tag_of(value)).tag_set == tag_set) need(policy, value, false);
  }

  // --- what is asked for ---

  void need(std::uint16_t policy, CatNumber value, bool by_itself) {
    const auto at = needed_.find(policy);
    if (at == needed_.end()) return;
    at->second[value] = true;
    if (by_itself) unique_[policy][value] = true;
  }
  void need_key(std::uint16_t policy, const CatKey& key, bool by_itself) {
    if (const auto value = rules_.policy(policy).category_number(key)) need(policy, *value, by_itself);
  }

  void need_of(std::uint16_t policy) {
    const label::Policy& its = rules_.policy(policy);
    for (const label::Class& each : its.spif().classes) need_required(policy, each.required);
    for (CatNumber value = 0; value < its.category_count(); ++value) {
      const label::Category& category = its.category_at(value);
      need_required(policy, category.required);
      if (!category.required.empty() || !category.excluded.empty()) unique_[policy][value] = true;
      for (const label::CatRef& ref : category.excluded)
        if (ref.lacv)
          for (const CatNumber excluded : its.expand(ref)) unique_[policy][excluded] = true;
    }
    need_minimum(policy);
    for (const Rule& rule : bundle_.tables().rules)
      if (rule.label)
        for (const LabelMatch& match : *rule.label) need_matched(policy, match);
    for (const std::uint16_t number : bundle_.tables().peerings[way_.peering].labels.only)
      for (const CatKey& key : rules_.label(number).categories) need_key(policy, key, true);
    for (const Quality& quality : qualities_)
      for (const auto& [of, value] : quality.values)
        if (of == policy) need(policy, value, true);
    need_added(policy);
  }

  void need_required(std::uint16_t policy, const std::vector<label::Require>& required) {
    for (const label::Require& each : required)
      for (const label::CatRef& item : each.items)
        for (const CatNumber value : rules_.policy(policy).expand(item))
          need(policy, value, item.lacv || each.operation == label::Operation::All || each.items.size() > 1);
  }

  void need_minimum(std::uint16_t policy) {
    const label::Policy& its = rules_.policy(policy);
    const bool always = rules_.options(policy).min_always;
    for (CatNumber value = 0; value < its.category_count(); ++value) {
      const label::Tag& tag = its.tag_at(its.tag_of(value));
      if (tag.min && (always || *tag.min > 1)) need(policy, value, false);
    }
  }

  void need_matched(std::uint16_t policy, const LabelMatch& match) {
    if (match.none || match.policy != policy) return;
    // Also what it must not have: who has it is not held back by a rule that refuses all others.
    for (const auto* keys : {&match.all_of, &match.none_of})
      for (const CatKey& key : *keys) need_key(policy, key, false);
    if (match.any_of)
      for (const CatKey& key : *match.any_of) need_key(policy, key, false);
  }

  /// Values of a permissive tag come together, and so do those that are tied.
  void close() {
    for (bool grows = true; grows;) {
      grows = false;
      for (auto& [policy, values] : needed_)
        for (CatNumber value = 0; value < values.size(); ++value)
          if (values[value]) grows = close_tag(policy, value) || grows;
      for (const Tie& tie : ties_) {
        auto &from = needed_.at(tie.from_policy), &to = needed_.at(tie.to_policy);
        if (from[tie.from] == to[tie.to]) continue;
        from[tie.from] = to[tie.to] = grows = true;
      }
    }
    // Only a value that becomes one value, which nothing else becomes, is like others that do so.
    for (const Tie& tie : ties_) {
      const auto same = std::ranges::count_if(ties_, [&](const Tie& other) {
        const bool from = other.from_policy == tie.from_policy && other.from == tie.from;
        const bool to = other.to_policy == tie.to_policy && other.to == tie.to;
        return from || to;
      });
      if (same > 1) unique_[tie.from_policy][tie.from] = true;
    }
  }

  bool close_tag(std::uint16_t policy, CatNumber value) {
    const label::Policy& its = rules_.policy(policy);
    const label::Tag& tag = its.tag_at(its.tag_of(value));
    if (!label::is_permissive(tag.kind)) return false;
    bool any = false;
    std::vector<bool>& values = needed_.at(policy);
    for (CatNumber other = 0; other < values.size(); ++other) {
      const label::Tag& its_tag = its.tag_at(its.tag_of(other));
      if (values[other] || its_tag.tag_set != tag.tag_set || its_tag.kind != tag.kind) continue;
      values[other] = any = true;
    }
    return any;
  }

  const Bundle& bundle_;
  const LabelRules& rules_;
  const std::vector<Quality>& qualities_;
  const LabelWay& way_;
  label::Time now_;
  std::vector<Tie> ties_;
  std::vector<const LabelTranslation*> tables_;
  std::map<std::uint16_t, std::vector<bool>> needed_, unique_;
};

}  // namespace

Lattice::Lattice(const Bundle& bundle, std::uint16_t policy, const LabelWay& way, const std::vector<Quality>& qualities,
                 label::Time now)
    : bundle_(bundle), policy_(policy), now_(now) {
  const Needs needs(bundle, policy, way, qualities, now);
  std::map<std::string, std::size_t> places;
  for (CatNumber value = 0; value < needs.of(policy).size(); ++value) {
    if (!needs.of(policy)[value]) continue;
    const auto [at, is_new] = places.try_emplace(needs.sort_of(policy, value), groups_.size());
    if (is_new) groups_.emplace_back();
    groups_[at->second].values.push_back(value);
  }
  for (Group& group : groups_) group.most = std::min(group.values.size(), needs.most());
}

bool Lattice::each(const std::function<void(const label::Label&)>& take) const {
  const label::Policy& policy = bundle_.label_rules()->policy(policy_);
  const auto& classes = policy.spif().classes;
  std::size_t combinations = classes.size();
  for (const Group& group : groups_) {
    combinations *= group.most + 1;
    if (combinations > kMostLabels) return false;
  }
  for (const label::Class& of : classes) {
    std::vector<std::size_t> counts(groups_.size());
    for (bool more = true; more;) {
      label::Label made;
      made.policy = policy.id();
      made.classification = of.lacv;
      for (std::size_t i = 0; i < groups_.size(); ++i)
        for (std::size_t n = 0; n < counts[i]; ++n) made.categories.push_back(policy.key(groups_[i].values[n]));
      made.settle();
      if (label::validate(policy, made, now_, bundle_.label_rules()->options(policy_))) take(made);
      more = false;
      for (std::size_t i = 0; i < counts.size() && !more; ++i) {
        more = counts[i] < groups_[i].most;
        counts[i] = more ? counts[i] + 1 : 0;
      }
    }
  }
  return true;
}

}  // namespace sallyport::policy::proof
