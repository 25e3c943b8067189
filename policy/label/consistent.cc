#include "policy/label/consistent.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "inspect/utf8.h"

namespace sallyport::policy::label {
namespace {

using Fault = std::optional<std::string>;

bool is_text(std::string_view text) {
  return text.size() <= kLargestName && inspect::is_clean_text(text);
}
bool is_label_name(std::string_view text) {
  return !text.empty() && is_text(text);
}

bool is_bitmap(TagKind kind, InfoEncoding encoding) {
  return kind == TagKind::RestrictiveBits || kind == TagKind::PermissiveBits ||
         (kind == TagKind::Informative && encoding == InfoEncoding::BitSet);
}

class Check {
 public:
  explicit Check(const Spif& spif) : spif_(spif) {}

  Fault run() {
    if (!is_label_name(spif_.name)) return "the policy has no usable name";
    if (!spif_.id.is_sound() || !spif_.rbac_id.is_sound() || !spif_.privilege_id.is_sound())
      return "an identifier of the policy is not sound";
    if (spif_.classes.empty()) return "there is no class";
    if (Fault why = tag_sets()) return why;
    if (Fault why = tags()) return why;
    if (Fault why = classes()) return why;
    if (Fault why = rules()) return why;
    if (Fault why = equivalents()) return why;
    for (const Markings* each : {&spif_.markings, &spif_.id_markings, &spif_.class_markings})
      if (!are_sound(*each)) return "a marking is not sound";
    return period(spif_.period) ? Fault{} : "the policy ends before it begins";
  }

 private:
  static bool period(const Period& period) {
    return !period.not_before || !period.not_after || *period.not_before <= *period.not_after;
  }

  static bool are_sound(const std::vector<Qualifier>& qualifiers) {
    return std::ranges::all_of(qualifiers, [](const Qualifier& q) { return is_text(q.text) && is_text(q.lang); });
  }
  static bool are_sound(const Markings& markings) {
    return are_sound(markings.qualifiers) && std::ranges::all_of(markings.data, [](const MarkingData& data) {
             return is_text(data.lang) && (!data.phrase || is_text(*data.phrase));
           });
  }

  Fault tag_sets() {
    std::set<std::string_view> names;
    std::set<Oid> ids;
    for (const TagSet& set : spif_.tag_sets) {
      if (!is_label_name(set.name) || !names.insert(set.name).second) return "the name of a tag set is not its own";
      if (!set.id.is_sound() || !ids.insert(set.id).second) return "the identifier of a tag set is not its own";
    }
    return {};
  }

  Fault tags() {
    std::size_t count = 0;
    std::map<Number, InfoEncoding> encodings;
    for (const Tag& tag : spif_.tags) {
      if (tag.tag_set >= spif_.tag_sets.size()) return "a tag is of no tag set";
      if (!is_label_name(tag.name) || !are_sound(tag.qualifiers)) return "a tag has no usable name";
      if (tag.min && tag.max && *tag.min > *tag.max) return "a tag asks for more values than it allows";
      if (tag.kind == TagKind::Informative &&
          encodings.try_emplace(tag.tag_set, tag.encoding).first->second != tag.encoding)
        return "a tag set mixes the encodings of informative tags";
      count += tag.categories.size();
      if (count > kMostSpifCategories) return "there are too many categories";
      if (Fault why = categories(tag)) return why;
    }
    return {};
  }

  Fault categories(const Tag& tag) {
    const Lacv largest = is_bitmap(tag.kind, tag.encoding) ? kLargestBit : kLargestLacv;
    for (const Category& category : tag.categories) {
      if (!is_label_name(category.name) || !names_.emplace(tag.tag_set, tag.kind, category.name).second)
        return "the name of a category is not its own";
      if (category.lacv > largest || !lacvs_.emplace(tag.tag_set, tag.kind, category.lacv).second)
        return "the lacv of a category is not its own";
      kinds_.emplace(tag.tag_set, tag.kind);
      if (!period(category.period)) return "a category ends before it begins";
      if (!are_sound(category.markings)) return "a marking is not sound";
    }
    return {};
  }

  Fault classes() {
    std::set<std::string_view> names;
    std::set<Lacv> lacvs;
    std::set<std::uint32_t> ranks;
    for (const Class& each : spif_.classes) {
      if (!is_label_name(each.name) || !names.insert(each.name).second) return "the name of a class is not its own";
      if (each.lacv > kLargestLacv || !lacvs.insert(each.lacv).second) return "the lacv of a class is not its own";
      if (!ranks.insert(each.rank).second) return "the hierarchy of a class is not its own";
      if (!is_text(each.colour) || !are_sound(each.markings)) return "a marking is not sound";
    }
    class_lacvs_ = std::move(lacvs);
    return {};
  }

  bool leads_somewhere(const CatRef& ref) const {
    const auto set = std::ranges::find(spif_.tag_sets, ref.tag_set, &TagSet::id);
    if (set == spif_.tag_sets.end()) return false;
    const auto number = static_cast<Number>(set - spif_.tag_sets.begin());
    return ref.lacv ? lacvs_.contains({number, ref.kind, *ref.lacv}) : kinds_.contains({number, ref.kind});
  }
  bool leads_somewhere(const std::vector<Require>& required) const {
    return std::ranges::all_of(required, [this](const Require& each) {
      return std::ranges::all_of(each.items, [this](const CatRef& ref) { return leads_somewhere(ref); });
    });
  }
  bool is_class(Lacv lacv) const { return class_lacvs_.contains(lacv); }

  Fault rules() {
    for (const Class& each : spif_.classes)
      if (!leads_somewhere(each.required)) return "a requirement leads nowhere";
    for (const Tag& tag : spif_.tags) {
      for (const Category& each : tag.categories) {
        if (!leads_somewhere(each.required)) return "a requirement leads nowhere";
        if (!std::ranges::all_of(each.excluded, [this](const CatRef& ref) { return leads_somewhere(ref); }))
          return "an exclusion leads nowhere";
        if (each.required_class && !is_class(*each.required_class)) return "a required class does not exist";
        if (!std::ranges::all_of(each.excluded_classes, [this](Lacv lacv) { return is_class(lacv); }))
          return "an excluded class does not exist";
      }
    }
    return {};
  }

  Fault equivalents() {
    const std::size_t count = spif_.equivalent_policies.size();
    std::set<std::string_view> names;
    std::set<Oid> ids;
    for (const EquivalentPolicy& each : spif_.equivalent_policies)
      if (!is_label_name(each.name) || !names.insert(each.name).second || !each.id.is_sound() ||
          !ids.insert(each.id).second)
        return "an equivalent policy has no name and identifier of its own";
    const auto known = [count](const auto& equivalent) { return equivalent.policy < count; };
    for (const Class& each : spif_.classes)
      if (!std::ranges::all_of(each.equivalents, known)) return "an equivalent is of no policy";
    for (const TagSet& each : spif_.tag_sets)
      if (!std::ranges::all_of(each.equivalents, known)) return "an equivalent is of no policy";
    for (const Tag& tag : spif_.tags)
      for (const Category& each : tag.categories)
        for (const CatEquivalent& equivalent : each.equivalents)
          if (!known(equivalent) || (equivalent.target && !equivalent.target->tag_set.is_sound()))
            return "an equivalent is of no policy";
    return {};
  }

  using Number = std::uint32_t;
  const Spif& spif_;
  std::set<std::tuple<Number, TagKind, std::string_view>> names_;
  std::set<std::tuple<Number, TagKind, Lacv>> lacvs_;
  std::set<std::pair<Number, TagKind>> kinds_;
  std::set<Lacv> class_lacvs_;
};

}  // namespace

std::optional<std::string> inconsistency(const Spif& spif) {
  return Check(spif).run();
}

}  // namespace sallyport::policy::label
