#include "policy/label/decide.h"

#include <algorithm>
#include <string>
#include <utility>

namespace sallyport::policy::label {
namespace {

using Why = std::optional<Refusal>;

Refusal because(Cause cause, std::string detail = {}) {
  return {cause, std::move(detail)};
}

bool contains(const std::vector<Lacv>& lacvs, Lacv lacv) {
  return std::ranges::find(lacvs, lacv) != lacvs.end();
}

/// The rules of the SPIF, held against one label.
class Rules {
 public:
  Rules(const Policy& policy, const Resolved& label, Time now, const Options& options)
      : policy_(policy), label_(label), now_(now), options_(options) {}

  Why broken() const {
    const Class& own_class = policy_.class_at(label_.classification);
    if (!are_met(own_class.required)) return because(Cause::ClassRequiredCategory);
    for (const CatNumber number : label_.categories)
      if (Why why = broken_by(number, own_class)) return why;
    return broken_by_count();
  }

 private:
  bool are_met(const std::vector<Require>& required) const {
    return std::ranges::all_of(required, [this](const Require& each) { return is_met(each); });
  }

  /// An "all" stands for each of its categories; with the other reading of I10 for one that any of them fulfils.
  bool is_met(const Require& require) const {
    std::size_t wanted = 0, present = 0;
    for (const CatRef& item : require.items) {
      const std::vector<CatNumber> numbers = policy_.expand(item);
      const auto held =
          static_cast<std::size_t>(std::ranges::count_if(numbers, [this](CatNumber n) { return label_.has(n); }));
      const bool as_one = !item.lacv && options_.all_means == AllMeans::AnyPresent;
      wanted += as_one ? 1 : numbers.size();
      present += as_one ? (held != 0 ? 1 : 0) : held;
    }
    switch (require.operation) {
      case Operation::OnlyOne:
        return present == 1;
      case Operation::OneOrMore:
        return present >= 1;
      case Operation::All:
        return wanted != 0 && present == wanted;
    }
    return false;
  }

  Why broken_by(CatNumber number, const Class& own_class) const {
    const Category& category = policy_.category_at(number);
    if (category.obsolete && !options_.accept_obsolete) return because(Cause::ObsoleteCategory);
    if (!category.period.holds(now_)) return because(Cause::CategoryValidity);
    if (category.required_class && *category.required_class != own_class.lacv) return because(Cause::RequiredClass);
    if (contains(category.excluded_classes, own_class.lacv)) return because(Cause::ExcludedClass);
    if (!are_met(category.required)) return because(Cause::RequiredCategory);
    for (const CatRef& ref : category.excluded)
      for (const CatNumber other : policy_.expand(ref))
        if (label_.has(other) && (other != number || options_.all_excludes_itself))
          return because(Cause::ExcludedCategory);
    return std::nullopt;
  }

  Why broken_by_count() const {
    for (Number t = 0; t < policy_.spif().tags.size(); ++t) {
      const Tag& tag = policy_.tag_at(t);
      const std::size_t count = label_.of_tag(policy_, t).size();
      if (tag.single && count > 1) return because(Cause::SingleSelection);
      if (tag.max && count > *tag.max) return because(Cause::MaxSelection);
      if (tag.min && count < *tag.min && (count > 0 || options_.min_always)) return because(Cause::MinSelection);
    }
    return std::nullopt;
  }

  const Policy& policy_;
  const Resolved& label_;
  Time now_;
  const Options& options_;
};

std::expected<Number, Refusal> classification_of(const Policy& policy, const Label& label, const Options& options) {
  const std::optional<Lacv> lacv = label.classification ? label.classification : options.absent_class;
  if (!lacv) return std::unexpected(because(Cause::NoClassification));
  const auto number = policy.class_number(*lacv);
  if (!number) return std::unexpected(because(Cause::UnknownClassification));
  if (policy.class_at(*number).obsolete && !options.accept_obsolete)
    return std::unexpected(because(Cause::ObsoleteClassification));
  return *number;
}

Why broken_by_privacy_marks(const Spif& spif, const Label& label, const Options& options) {
  if (spif.privacy_marks_max && label.privacy_marks.size() > *spif.privacy_marks_max)
    return because(Cause::PrivacyMarkCount);
  if (!options.strict_privacy_mark || spif.privacy_marks.empty()) return std::nullopt;
  for (const std::string& mark : label.privacy_marks)
    if (std::ranges::find(spif.privacy_marks, mark, &PrivacyMark::name) == spif.privacy_marks.end())
      return because(Cause::PrivacyMark);
  return std::nullopt;
}

bool holds_class(const Policy& policy, Number classification, const Clearance& clearance, const Options& options) {
  const Class& wanted = policy.class_at(classification);
  static const std::vector<Lacv> kDefault = {1};  // RFC 5912: classList DEFAULT {unclassified}
  const std::vector<Lacv>& classes =
      clearance.classes.empty() && options.no_class_means_default ? kDefault : clearance.classes;
  if (options.class_test == ClassTest::Member) return contains(classes, wanted.lacv);
  return std::ranges::any_of(classes, [&](Lacv lacv) {
    const auto held = policy.class_number(lacv);
    return held && policy.class_at(*held).rank >= wanted.rank;
  });
}

/// The values of the tag, or with the other reading of I8 of all tags that share its tag set and kind.
std::vector<CatNumber> values_of(const Policy& policy, const Resolved& label, Number number, Unit unit) {
  const auto own = label.of_tag(policy, number);
  std::vector<CatNumber> values(own.begin(), own.end());
  if (unit == Unit::Tag || values.empty()) return values;
  const Tag& tag = policy.tag_at(number);
  for (Number t = 0; t < policy.spif().tags.size(); ++t) {
    const Tag& other = policy.tag_at(t);
    if (t == number || other.tag_set != tag.tag_set || other.kind != tag.kind) continue;
    const auto more = label.of_tag(policy, t);
    values.insert(values.end(), more.begin(), more.end());
  }
  return values;
}

}  // namespace

bool Resolved::has(CatNumber category) const {
  return std::ranges::binary_search(categories, category);
}

std::span<const CatNumber> Resolved::of_tag(const Policy& policy, Number tag) const {
  const auto range = std::ranges::equal_range(categories, tag, {}, [&](CatNumber n) { return policy.tag_of(n); });
  return {range.begin(), range.end()};
}

std::expected<Resolved, Refusal> validate(const Policy& policy, const Label& label, Time now, const Options& options) {
  const Spif& spif = policy.spif();
  if (label.policy != spif.id) return std::unexpected(because(Cause::Policy));
  if (!spif.period.holds(now) && options.outside_validity == Lenience::Refuse)
    return std::unexpected(because(Cause::SpifValidity));
  const auto classification = classification_of(policy, label, options);
  if (!classification) return std::unexpected(classification.error());
  if (!label.empty.empty() && options.empty_category == Lenience::Refuse)
    return std::unexpected(because(Cause::EmptyCategory));
  Resolved resolved{.classification = *classification, .categories = {}};
  resolved.categories.reserve(label.categories.size());
  for (const CatKey& key : label.categories) {
    if (const auto number = policy.category_number(key)) {
      resolved.categories.push_back(*number);
      continue;
    }
    return std::unexpected(because(policy.tag_set_number(key.tag_set) ? Cause::UnknownCategory : Cause::UnknownTagSet));
  }
  std::ranges::sort(resolved.categories);
  if (Why why = Rules(policy, resolved, now, options).broken()) return std::unexpected(std::move(*why));
  if (Why why = broken_by_privacy_marks(spif, label, options)) return std::unexpected(std::move(*why));
  return resolved;
}

Decision decide(const Policy& policy, const Resolved& label, const Clearance* clearance, const Options& options) {
  const auto deny = [](Cause cause, std::string detail = {}) {
    return Decision{.granted = false, .refusal = because(cause, std::move(detail))};
  };
  if (clearance == nullptr) return deny(Cause::NilClearance);
  if (clearance->policy != policy.id()) return deny(Cause::ClearancePolicy);
  if (options.unknown_in_clearance == Lenience::Refuse && !unknown_in(policy, *clearance).empty())
    return deny(Cause::UnknownInClearance);
  if (!holds_class(policy, label.classification, *clearance, options)) return deny(Cause::Classification);
  const auto held = [&](CatNumber number) { return clearance->has(policy.key(number)); };
  for (const CatNumber first : label.categories) {
    const Number number = policy.tag_of(first);
    if (label.of_tag(policy, number).front() != first) continue;
    const Tag& tag = policy.tag_at(number);
    if (tag.kind == TagKind::Informative) continue;
    const std::vector<CatNumber> values = values_of(policy, label, number, options.unit);
    if (is_restrictive(tag.kind) && !std::ranges::all_of(values, held)) return deny(Cause::Restrictive, tag.name);
    if (is_permissive(tag.kind) && !std::ranges::any_of(values, held)) return deny(Cause::Permissive, tag.name);
  }
  return {.granted = true, .refusal = {}};
}

Decision decide(const Policy& policy, const Label& label, const Clearance* clearance, Time now,
                const Options& options) {
  const auto resolved = validate(policy, label, now, options);
  if (!resolved) return {.granted = false, .refusal = resolved.error()};
  return decide(policy, *resolved, clearance, options);
}

UnknownInClearance unknown_in(const Policy& policy, const Clearance& clearance) {
  UnknownInClearance unknown;
  for (const Lacv lacv : clearance.classes)
    if (!policy.class_number(lacv)) unknown.classes.push_back(lacv);
  for (const CatKey& key : clearance.categories)
    if (!policy.category_number(key)) unknown.categories.push_back(key);
  return unknown;
}

}  // namespace sallyport::policy::label
