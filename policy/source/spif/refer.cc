#include <algorithm>
#include <functional>
#include <utility>

#include "policy/source/spif/loader.h"

namespace sallyport::policy::source::spif {
namespace {

using label::TagKind;

template <class Range, class Projection>
std::string suggestion(const std::string& word, const Range& known, Projection name, std::string otherwise) {
  std::vector<std::string_view> names;
  names.reserve(std::size(known));
  for (const auto& each : known) names.push_back(std::invoke(name, each));
  const std::string_view meant = inspect::nearest(word, names);
  return meant.empty() ? std::move(otherwise) : "did you mean " + quoted(meant) + "?";
}

}  // namespace

std::optional<label::Lacv> Loader::class_named(const Element& at, const std::string& name) {
  const auto found = std::ranges::find(spif_.classes, name, &label::Class::name);
  if (found != spif_.classes.end()) return found->lacv;
  walk_.mistake(at, "there is no classification " + quoted(name),
                suggestion(name, spif_.classes, &label::Class::name, "name one of this file"));
  return std::nullopt;
}

std::optional<std::uint32_t> Loader::policy_ref(const Element& e) {
  const std::string name = walk_.name(e, "policyRef");
  if (name.empty()) return std::nullopt;
  const auto& known = spif_.equivalent_policies;
  const auto found = std::ranges::find(known, name, &label::EquivalentPolicy::name);
  if (found != known.end()) return static_cast<std::uint32_t>(found - known.begin());
  walk_.mistake(e, "equivalentPolicies has no policy " + quoted(name),
                suggestion(name, known, &label::EquivalentPolicy::name, "add it there"));
  return std::nullopt;
}

/// The attributes that categoryGroup and excludedCategory share. An "all" is an absent lacv.
std::optional<label::ForeignRef> Loader::reference(const Element& e) {
  walk_.check_attributes(e, {"tagSetRef", "tagType", "enumType", "lacv", "all"});
  walk_.check_children(e, {});
  label::ForeignRef ref;
  ref.tag_set = walk_.name(e, "tagSetRef");
  const auto kind = walk_.kind(e);
  const bool all = walk_.flag(e, "all");
  const bool one = Walk::attribute(e, "lacv") != nullptr;
  if (all == one) {
    walk_.mistake(e, quoted(e.name) + (all ? " has both lacv and all" : " has neither lacv nor all"),
                  "write lacv for one category, or all=\"true\" for all of the tag set and kind");
    return std::nullopt;
  }
  if (one) ref.lacv = walk_.number(e, "lacv", label::kLargestLacv, true);
  if (!kind || ref.tag_set.empty() || (one && !ref.lacv)) return std::nullopt;
  if (!kind->applicable) {
    walk_.mistake(e, "a rule points at a tag that is not applicable", "no label holds it; take the rule away");
    return std::nullopt;
  }
  ref.kind = kind->kind;
  return ref;
}

std::optional<label::CatRef> Loader::own_reference(const Element& e) {
  const auto ref = reference(e);
  if (!ref) return std::nullopt;
  const auto set = std::ranges::find(spif_.tag_sets, ref->tag_set, &label::TagSet::name);
  if (set == spif_.tag_sets.end()) {
    walk_.mistake(e, "there is no tag set " + quoted(ref->tag_set),
                  suggestion(ref->tag_set, spif_.tag_sets, &label::TagSet::name, "name one of this file"));
    return std::nullopt;
  }
  const auto number = static_cast<std::uint32_t>(set - spif_.tag_sets.begin());
  const bool found = std::ranges::any_of(spif_.tags, [&](const label::Tag& tag) {
    if (tag.tag_set != number || tag.kind != ref->kind) return false;
    return ref->lacv ? std::ranges::find(tag.categories, *ref->lacv, &label::Category::lacv) != tag.categories.end()
                     : !tag.categories.empty();
  });
  if (!found) {
    walk_.mistake(e,
                  "the tag set " + quoted(ref->tag_set) + " has no " + std::string(label::name(ref->kind)) +
                      " category" + (ref->lacv ? " " + std::to_string(*ref->lacv) : ""),
                  "mend lacv, tagType or enumType");
    return std::nullopt;
  }
  return label::CatRef{.tag_set = set->id, .kind = ref->kind, .lacv = ref->lacv};
}

std::vector<label::Require> Loader::requirements(const Element& holder) {
  std::vector<label::Require> all;
  for (const Element* e : children(holder, "requiredCategory")) {
    walk_.check_attributes(*e, {"operation"});
    walk_.check_children(*e, {{"categoryGroup", 1}});
    label::Require require;
    const auto operation = walk_.operation(*e);
    if (operation) require.operation = *operation;
    for (const Element* group : children(*e, "categoryGroup"))
      if (auto ref = own_reference(*group)) require.items.push_back(std::move(*ref));
    all.push_back(std::move(require));
  }
  return all;
}

std::vector<label::ForeignRequire> Loader::foreign_requirements(const Element& holder, std::uint32_t policy) {
  std::vector<label::ForeignRequire> all;
  for (const Element* e : children(holder, "requiredCategory")) {
    walk_.check_attributes(*e, {"operation"});
    walk_.check_children(*e, {{"categoryGroup", 1}});
    label::ForeignRequire require;
    const auto operation = walk_.operation(*e);
    if (operation) require.operation = *operation;
    for (const Element* group : children(*e, "categoryGroup")) {
      auto ref = reference(*group);
      if (!ref) continue;
      leads_.push_back({.line = group->line, .policy = policy, .class_lacv = {}, .category = {}, .required = ref});
      require.items.push_back(std::move(*ref));
    }
    all.push_back(std::move(require));
  }
  return all;
}

void Loader::read_class_rules() {
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    label::Class& own = spif_.classes[i];
    own.required = requirements(*classes_[i]);
    for (const Element* e : children(*classes_[i], "equivalentClassification")) {
      walk_.check_attributes(*e, {"policyRef", "lacv", "applied"});
      walk_.check_children(*e, {{"requiredCategory"}});
      const auto policy = policy_ref(*e);
      const auto lacv = walk_.number(*e, "lacv", label::kLargestLacv, true);
      const auto applied = walk_.applied(*e);
      if (!policy || !lacv || !applied) continue;
      leads_.push_back({.line = e->line, .policy = *policy, .class_lacv = lacv, .category = {}, .required = {}});
      own.equivalents.push_back(
          {.policy = *policy, .lacv = *lacv, .applied = *applied, .required = foreign_requirements(*e, *policy)});
    }
  }
}

std::optional<label::CatEquivalent> Loader::category_equivalent(const Element& e, const label::Tag& tag) {
  walk_.check_attributes(e, {"policyRef", "tagSetId", "tagType", "enumType", "lacv", "applied", "action"});
  walk_.check_children(e, {});
  const auto policy = policy_ref(e);
  const auto applied = walk_.applied(e);
  if (!policy || !applied) return std::nullopt;
  if (const std::string* action = Walk::attribute(e, "action")) {
    if (*action == "discard") return label::CatEquivalent{.policy = *policy, .applied = *applied, .target = {}};
    walk_.mistake(e, "action can't be " + quoted(*action), "the only action is discard");
    return std::nullopt;
  }
  const auto set = walk_.oid(e, "tagSetId");
  const auto kind = walk_.kind(e);
  const auto lacv = walk_.number(e, "lacv", label::kLargestLacv, true);
  if (!set || !kind || !lacv) return std::nullopt;
  if (!kind->applicable) {
    walk_.mistake(e, "the equivalent is in a tag that is not applicable", "no label holds it; mend tagType");
    return std::nullopt;
  }
  if (label::is_restrictive(tag.kind) != label::is_restrictive(kind->kind) ||
      label::is_permissive(tag.kind) != label::is_permissive(kind->kind))
    walk_.warning(e,
                  "the " + std::string(label::name(tag.kind)) + " category becomes " +
                      std::string(label::name(kind->kind)) + " in " + spif_.equivalent_policies[*policy].name,
                  "it decides in another way there; check that this is meant");
  const label::CatKey target{*set, kind->kind, *lacv};
  leads_.push_back({.line = e.line, .policy = *policy, .class_lacv = {}, .category = target, .required = {}});
  return label::CatEquivalent{.policy = *policy, .applied = *applied, .target = target};
}

void Loader::read_category_rules() {
  for (const CategoryAt& at : categories_) {
    const label::Tag& tag = spif_.tags[at.tag];
    label::Category& own = spif_.tags[at.tag].categories[at.place];
    const Element& e = *at.element;
    if (const std::string* name = Walk::attribute(e, "requiredClass")) own.required_class = class_named(e, *name);
    for (const Element* excluded : children(e, "excludedClass")) {
      walk_.check_attributes(*excluded, {});
      walk_.check_text_only(*excluded);
      if (const auto lacv = class_named(*excluded, std::string(trimmed(excluded->text))))
        own.excluded_classes.push_back(*lacv);
    }
    own.required = requirements(e);
    for (const Element* excluded : children(e, "excludedCategory"))
      if (auto ref = own_reference(*excluded)) own.excluded.push_back(std::move(*ref));
    for (const Element* equivalent : children(e, "equivalentSecCategoryTag"))
      if (auto found = category_equivalent(*equivalent, tag)) own.equivalents.push_back(std::move(*found));
  }
}

void Loader::read_equivalence_rules() {
  for (std::uint32_t i = 0; i < equivalent_policies_.size(); ++i)
    spif_.equivalent_policies[i].required = foreign_requirements(*equivalent_policies_[i], i);
  for (std::size_t i = 0; i < tag_sets_.size(); ++i) {
    for (const Element* e : children(*tag_sets_[i], "equivalentSecurityCategoryTagSet")) {
      walk_.check_attributes(*e, {"policyRef", "name", "id"});
      walk_.check_children(*e, {{"requiredCategory"}});
      if (const auto policy = policy_ref(*e))
        spif_.tag_sets[i].equivalents.push_back({.policy = *policy, .required = foreign_requirements(*e, *policy)});
    }
  }
}

}  // namespace sallyport::policy::source::spif
