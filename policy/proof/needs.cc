#include "policy/proof/needs.h"

#include <algorithm>
#include <map>
#include <string>

#include "policy/label_path.h"

namespace sallyport::policy::proof {
namespace {

using label::CatKey;
using label::CatNumber;

/// A value of one policy and one that it becomes in another, on that step of the way.
struct Tie {
  std::size_t step;
  std::uint16_t from_policy, to_policy;
  CatNumber from, to;
};

bool holds(const std::vector<CatKey>& keys, const CatKey& key) {
  return std::ranges::binary_search(keys, key);
}

std::string text_of(const label::CatRef& ref) {
  return ref.tag_set.text() + "." + std::string(name(ref.kind)) + "." + (ref.lacv ? std::to_string(*ref.lacv) : "*");
}

/// What is said of one value.
struct Said {
  bool needed = false;
  bool unique = false;    ///< no other stands for it
  bool counted = false;   ///< something asks that it be the only one of some
  bool apart = false;     ///< it excludes another of its tag
  bool together = false;  ///< something asks whether all of its sort are there
  std::string by_rules;   ///< of the SPIF: values of which the same is said are interchangeable for them
};

class Needs {
 public:
  Needs(const Bundle& bundle, std::uint16_t policy, const LabelWay& way, const Askers& askers, label::Time now)
      : rules_(*bundle.label_rules()), askers_(askers), now_(now) {
    on_way_ = policies_on(rules_, way, policy);
    for (const std::uint16_t each : on_way_) said_[each].resize(rules_.policy(each).category_count());
    for (std::size_t i = 1; i < on_way_.size(); ++i) tie(i, on_way_[i - 1], on_way_[i]);
    for (const auto& [each, values] : said_) need_of(each);
    close();
  }

  std::vector<Group> of(std::uint16_t policy) const {
    std::vector<Group> groups;
    std::map<std::string, std::size_t> places;
    const std::vector<Said>& values = said_.at(policy);
    for (CatNumber value = 0; value < values.size(); ++value) {
      if (!values[value].needed) continue;
      const bool opens = opens_only(policy, value, 0);
      const std::string sort = (opens ? "+" : "") + sort_of(policy, value, 0, !opens);
      const auto [at, is_new] = places.try_emplace(sort, groups.size());
      if (is_new) groups.emplace_back();
      groups[at->second].values.push_back(value);
    }
    for (Group& group : groups) group.counts = counts(policy, group.values);
    return groups;
  }

 private:
  const Said& said(std::uint16_t policy, CatNumber value) const { return said_.at(policy)[value]; }

  std::vector<std::size_t> counts(std::uint16_t policy, const std::vector<CatNumber>& values) const {
    const std::size_t all = values.size();
    if (opens_only(policy, values.front(), 0)) return {0, all};
    std::vector<std::size_t> found;
    for (std::size_t n = 0; n <= std::min(all, most()); ++n) found.push_back(n);
    const auto asked = [&](CatNumber value) { return asks_for_all(policy, value, 0); };
    if (all > most() && std::ranges::any_of(values, asked)) found.push_back(all);
    return found;
  }

  /// Values with one name are interchangeable for all that comes after that step of the way; but for clearances, if
  /// not `cleared`.
  std::string sort_of(std::uint16_t policy, CatNumber value, std::size_t step, bool cleared) const {
    if (said(policy, value).unique) return "=" + std::to_string(value);
    const label::Policy& its = rules_.policy(policy);
    const label::Category& category = its.category_at(value);
    std::string sort = std::to_string(its.tag_of(value)) + (category.obsolete ? "o" : "-") +
                       (category.period.holds(now_) ? "v" : "-") +
                       std::to_string(category.required_class.value_or(label::kLargestLacv)) + ":";
    for (const label::Lacv excluded : category.excluded_classes) sort += std::to_string(excluded) + ",";
    sort += said(policy, value).by_rules;
    const CatKey key = its.key(value);
    if (cleared)
      for (const bool held : askers_.holders_of(policy, key)) sort += held ? '1' : '0';
    for (const LabelMatch* match : askers_.matches()) sort += sort_in(*match, policy, key);
    for (const Tie& each : ties_)
      if (each.step > step && each.from_policy == policy && each.from == value)
        sort += ">" + sort_of(each.to_policy, each.to, each.step, cleared);
    return sort;
  }

  /// Whether, where there is one of its sort in a label, it can be added and only lets more people have it.
  bool opens_only(std::uint16_t policy, CatNumber value, std::size_t step) const {
    const label::Policy& its = rules_.policy(policy);
    const label::Tag& tag = its.tag_at(its.tag_of(value));
    const Said& is = said(policy, value);
    if (!label::is_permissive(tag.kind) || tag.single || tag.max || is.unique || is.counted || is.apart) return false;
    const CatKey key = its.key(value);
    if (std::ranges::any_of(askers_.matches(), [&](const LabelMatch* match) {
          return match->policy == policy && holds(match->all_of, key);
        }))
      return false;
    if (step + 1 >= on_way_.size()) return true;
    const auto next = std::ranges::find_if(
        ties_, [&](const Tie& tie) { return tie.step == step + 1 && tie.from_policy == policy && tie.from == value; });
    return next != ties_.end() && opens_only(next->to_policy, next->to, next->step);
  }

  static std::string sort_in(const LabelMatch& match, std::uint16_t policy, const CatKey& key) {
    if (match.policy != policy) return "";
    std::string sort = match.any_of && holds(*match.any_of, key) ? "y" : "-";
    if (holds(match.all_of, key)) sort += "a";
    if (holds(match.none_of, key)) sort += "n";
    return sort;
  }

  bool asks_for_all(std::uint16_t policy, CatNumber value, std::size_t step) const {
    const CatKey key = rules_.policy(policy).key(value);
    return said(policy, value).together ||
           std::ranges::any_of(
               askers_.matches(),
               [&](const LabelMatch* match) { return match->policy == policy && holds(match->all_of, key); }) ||
           std::ranges::any_of(ties_, [&](const Tie& tie) {
             return tie.step > step && tie.from_policy == policy && tie.from == value &&
                    asks_for_all(tie.to_policy, tie.to, tie.step);
           });
  }

  /// How many values of a sort are worth having: as many as some tag's minimum.
  std::size_t most() const {
    std::size_t most = 1;
    for (const auto& [policy, values] : said_)
      for (const label::Tag& tag : rules_.policy(policy).spif().tags)
        most = std::max<std::size_t>(most, tag.min.value_or(1));
    return most;
  }

  // --- translations ---

  /// By the entries of the table that count in that direction.
  void tie(std::size_t step, std::uint16_t from, std::uint16_t to) {
    const LabelTranslation* table = rules_.translation(from, to);
    if (!table) return;
    const std::uint16_t owner = table->reverse ? to : from, other = table->reverse ? from : to;
    const label::Policy &own = rules_.policy(owner), &foreign = rules_.policy(other);
    const auto counts = [&](const label::CatEquivalent& each) {
      return own.spif().equivalent_policies[each.policy].id == foreign.id() &&
             (table->reverse ? label::applies_in_reverse(each.applied) : label::applies_forward(each.applied));
    };
    for (CatNumber value = 0; value < own.category_count(); ++value)
      for (const label::CatEquivalent& each : own.category_at(value).equivalents) {
        if (!counts(each)) continue;
        const auto target = each.target ? foreign.category_number(*each.target) : std::nullopt;
        if (target)
          ties_.push_back(table->reverse ? Tie{step, from, to, *target, value} : Tie{step, from, to, value, *target});
        else if (!table->reverse)
          // It may vanish, or becomes what nobody knows.
          name_in(owner, value, (each.target ? "?" : "d") + std::to_string(step));
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
      if (!item.lacv || *item.lacv == its.category_at(value).lacv) need_alone(policy, value);
    }
  }
  void need_tag_set(std::uint16_t policy, std::uint32_t tag_set) {
    const label::Policy& its = rules_.policy(policy);
    for (CatNumber value = 0; value < its.category_count(); ++value)
      if (its.tag_at(its.tag_of(value)).tag_set == tag_set) need(policy, value);
  }

  // --- what is asked for ---

  void need(std::uint16_t policy, CatNumber value) {
    if (const auto at = said_.find(policy); at != said_.end()) at->second[value].needed = true;
  }
  void need_alone(std::uint16_t policy, CatNumber value) {
    need(policy, value);
    if (const auto at = said_.find(policy); at != said_.end()) at->second[value].unique = true;
  }

  void need_of(std::uint16_t policy) {
    const label::Policy& its = rules_.policy(policy);
    need_by_rules(policy);
    need_minimum(policy);
    for (const LabelMatch* match : askers_.matches())
      if (match->policy == policy) need_matched(*match);
    for (const std::uint16_t number : askers_.listed())
      for (const CatKey& key : rules_.label(number).categories)
        if (const auto value = its.category_number(key)) need_alone(policy, *value);
    for (const Quality& quality : askers_.qualities())
      for (const auto& [of, value] : quality.values)
        if (of == policy) need_alone(policy, value);
    need_added(policy);
  }

  /// Values are alike to the rules of the SPIF if each rule names them in the same places, and if they have the same
  /// rules themselves.
  void need_by_rules(std::uint16_t policy) {
    const label::Policy& its = rules_.policy(policy);
    std::size_t number = 0;
    for (const label::Class& each : its.spif().classes)
      for (const label::Require& require : each.required) need_required(policy, require, number++);
    for (CatNumber value = 0; value < its.category_count(); ++value) {
      const label::Category& category = its.category_at(value);
      std::string own;
      for (const label::Require& require : category.required) {
        need_required(policy, require, number++);
        own += "r" + std::to_string(static_cast<int>(require.operation));
        for (const label::CatRef& item : require.items) own += text_of(item) + ",";
      }
      for (const label::CatRef& ref : category.excluded) {
        own += "x" + text_of(ref) + ",";
        for (const CatNumber excluded : its.expand(ref)) {
          name_in(policy, excluded, "x" + std::to_string(value));
          if (its.tag_of(excluded) == its.tag_of(value)) said_.at(policy)[value].apart = true;
        }
      }
      name_in(policy, value, own);
    }
  }

  void need_required(std::uint16_t policy, const label::Require& require, std::size_t number) {
    const bool any_of_all = rules_.options(policy).all_means == label::AllMeans::AnyPresent;
    for (std::size_t i = 0; i < require.items.size(); ++i) {
      const label::CatRef& item = require.items[i];
      // A value that is named and one that stands for itself among all are not alike.
      const std::string place = "r" + std::to_string(number) + (item.lacv ? "" : "." + std::to_string(i));
      for (const CatNumber value : rules_.policy(policy).expand(item)) {
        need(policy, value);
        name_in(policy, value, place);
        if (require.operation == label::Operation::OnlyOne) said_.at(policy)[value].counted = true;
        if (require.operation == label::Operation::All && (item.lacv || !any_of_all))
          said_.at(policy)[value].together = true;
      }
    }
  }

  void name_in(std::uint16_t policy, CatNumber value, const std::string& place) {
    said_.at(policy)[value].by_rules += place + ";";
  }

  void need_minimum(std::uint16_t policy) {
    const label::Policy& its = rules_.policy(policy);
    const bool always = rules_.options(policy).min_always;
    for (CatNumber value = 0; value < its.category_count(); ++value) {
      const label::Tag& tag = its.tag_at(its.tag_of(value));
      if (tag.min && (always || *tag.min > 1)) need(policy, value);
    }
  }

  /// Also what it must not have: who has it is not held back by a rule that refuses all others.
  void need_matched(const LabelMatch& match) {
    const auto need_all = [&](const std::vector<CatKey>& keys) {
      for (const CatKey& key : keys)
        if (const auto value = rules_.policy(match.policy).category_number(key)) need(match.policy, *value);
    };
    need_all(match.all_of);
    need_all(match.none_of);
    if (match.any_of) need_all(*match.any_of);
  }

  /// Values of a permissive tag come together, and so do those that are tied.
  void close() {
    for (bool grows = true; grows;) {
      grows = false;
      for (auto& [policy, values] : said_)
        for (CatNumber value = 0; value < values.size(); ++value)
          if (values[value].needed) grows = close_tag(policy, value) || grows;
      for (const Tie& tie : ties_) {
        Said &from = said_.at(tie.from_policy)[tie.from], &to = said_.at(tie.to_policy)[tie.to];
        if (from.needed == to.needed) continue;
        from.needed = to.needed = grows = true;
      }
    }
    // Only a value that becomes one value, which nothing else becomes, is like others that do so.
    for (const Tie& tie : ties_) {
      const auto same = std::ranges::count_if(ties_, [&](const Tie& other) {
        const bool from = other.from_policy == tie.from_policy && other.from == tie.from;
        const bool to = other.to_policy == tie.to_policy && other.to == tie.to;
        return other.step == tie.step && (from || to);
      });
      if (same > 1) said_.at(tie.from_policy)[tie.from].unique = true;
    }
  }

  bool close_tag(std::uint16_t policy, CatNumber value) {
    const label::Policy& its = rules_.policy(policy);
    const label::Tag& tag = its.tag_at(its.tag_of(value));
    if (!label::is_permissive(tag.kind)) return false;
    bool any = false;
    std::vector<Said>& values = said_.at(policy);
    for (CatNumber other = 0; other < values.size(); ++other) {
      const label::Tag& its_tag = its.tag_at(its.tag_of(other));
      if (values[other].needed || its_tag.tag_set != tag.tag_set || its_tag.kind != tag.kind) continue;
      values[other].needed = any = true;
    }
    return any;
  }

  const LabelRules& rules_;
  const Askers& askers_;
  label::Time now_;
  std::vector<std::uint16_t> on_way_;
  std::vector<Tie> ties_;
  std::vector<const LabelTranslation*> tables_;
  std::map<std::uint16_t, std::vector<Said>> said_;
};

}  // namespace

std::vector<std::uint16_t> policies_on(const LabelRules& rules, const LabelWay& way, std::uint16_t policy) {
  std::vector<std::uint16_t> found = {policy};
  for (const auto next :
       {governing(rules, way.from_enclave, way.to_enclave), governing(rules, way.to_enclave, way.from_enclave)})
    if (next && *next != found.back()) found.push_back(*next);
  return found;
}

std::vector<Group> needed(const Bundle& bundle, std::uint16_t policy, const LabelWay& way, const Askers& askers,
                          label::Time now) {
  return Needs(bundle, policy, way, askers, now).of(policy);
}

}  // namespace sallyport::policy::proof
