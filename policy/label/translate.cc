#include "policy/label/translate.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace sallyport::policy::label {
namespace {

using Why = std::optional<Refusal>;

Refusal because(Cause cause, std::string detail = {}) {
  return {cause, std::move(detail)};
}
std::unexpected<Refusal> fail(Cause cause, std::string detail = {}) {
  return std::unexpected(because(cause, std::move(detail)));
}

std::optional<Number> partner(const Spif& spif, const Oid& id) {
  const auto& all = spif.equivalent_policies;
  const auto found = std::ranges::find(all, id, &EquivalentPolicy::id);
  if (found == all.end()) return std::nullopt;
  return static_cast<Number>(found - all.begin());
}

/// A label that the guard makes holds nothing obsolete (I3).
Options for_new_labels(Options options) {
  options.accept_obsolete = false;
  return options;
}

Why broken_result(const Side& side, const Label& label, Time now) {
  if (side.policy == nullptr) return std::nullopt;
  const auto valid = validate(*side.policy, label, now, for_new_labels(side.options));
  if (valid) return std::nullopt;
  return because(Cause::ResultInvalid, valid.error().text());
}

/// What a required category is added to.
class Additions {
 public:
  Additions(const Side& to, const Options& options, Translation& out) : to_(to), options_(options), out_(out) {}

  Why add(const std::vector<ForeignRequire>& required) {
    for (const ForeignRequire& each : required)
      if (Why why = add(each)) return why;
    return std::nullopt;
  }

 private:
  Why add(const ForeignRequire& require) {
    std::vector<CatKey> keys;
    for (const ForeignRef& item : require.items) {
      const auto some = expand(item);
      if (some.empty()) return because(Cause::AmbiguousRequired);
      keys.insert(keys.end(), some.begin(), some.end());
    }
    if (require.operation == Operation::All || keys.size() == 1) {
      for (const CatKey& key : keys) put(key);
      return std::nullopt;
    }
    const auto held = std::ranges::count_if(keys, [this](const CatKey& key) { return has(key); });
    if (held == 1 || (held > 1 && require.operation == Operation::OneOrMore)) return std::nullopt;
    // I16: what the author leaves open is not ours to choose, unless the officer says so.
    if (held == 0 && options_.pick_first_required && !keys.empty()) {
      put(keys.front());
      return std::nullopt;
    }
    return because(Cause::AmbiguousRequired);
  }

  /// Only the other policy's own SPIF knows the identifiers of its tag sets.
  std::vector<CatKey> expand(const ForeignRef& ref) const {
    std::vector<CatKey> keys;
    if (to_.policy == nullptr) return keys;
    const auto set = to_.policy->tag_set_named(ref.tag_set, NameCase::Exact);
    if (!set) return keys;
    for (const CatNumber number : to_.policy->expand({to_.policy->tag_set_at(*set).id, ref.kind, ref.lacv}))
      keys.push_back(to_.policy->key(number));
    return keys;
  }

  bool has(const CatKey& key) const {
    return std::ranges::find(out_.label.categories, key) != out_.label.categories.end();
  }
  void put(const CatKey& key) {
    if (has(key)) return;
    const bool in_use = std::ranges::any_of(out_.label.categories, [&](const CatKey& other) {
      return other.tag_set == key.tag_set && other.kind == key.kind;
    });
    out_.widened = out_.widened || (is_permissive(key.kind) && in_use);
    out_.label.categories.push_back(key);
  }

  const Side& to_;
  const Options& options_;
  Translation& out_;
};

class Forward {
 public:
  Forward(const Policy& from, const Options& options, const Side& to, const Resolved& label, Number partner)
      : from_(from), options_(options), to_(to), label_(label), partner_(partner) {}

  std::expected<Translation, Refusal> run() {
    out_.label.policy = to_.id;
    const ClassEquivalent* own = class_equivalent();
    if (own == nullptr) return fail(Cause::Classification);
    out_.label.classification = own->lacv;
    std::set<Number> used_sets;
    for (Number t = 0; t < from_.spif().tags.size(); ++t) {
      if (label_.of_tag(from_, t).empty()) continue;
      used_sets.insert(from_.tag_at(t).tag_set);
      if (Why why = translate_tag(t)) return std::unexpected(std::move(*why));
    }
    Additions additions(to_, options_, out_);
    if (Why why = additions.add(own->required)) return std::unexpected(std::move(*why));
    if (Why why = additions.add(from_.spif().equivalent_policies[partner_].required))
      return std::unexpected(std::move(*why));
    for (const Number set : used_sets)
      for (const SetEquivalent& each : from_.tag_set_at(set).equivalents)
        if (each.policy == partner_)
          if (Why why = additions.add(each.required)) return std::unexpected(std::move(*why));
    out_.label.settle();
    return std::move(out_);
  }

 private:
  const ClassEquivalent* class_equivalent() const {
    const ClassEquivalent* found = nullptr;
    for (const ClassEquivalent& each : from_.class_at(label_.classification).equivalents) {
      if (each.policy != partner_ || !applies_forward(each.applied)) continue;
      if (found != nullptr) return nullptr;
      found = &each;
    }
    return found;
  }

  Why translate_tag(Number number) {
    const Tag& tag = from_.tag_at(number);
    bool constrains = false;
    for (const CatNumber each : label_.of_tag(from_, number)) {
      const Category& category = from_.category_at(each);
      bool has_entry = false;
      for (const CatEquivalent& equivalent : category.equivalents) {
        if (equivalent.policy != partner_ || !applies_forward(equivalent.applied)) continue;
        has_entry = true;
        if (!equivalent.target) continue;
        constrains = constrains || equivalent.target->kind != TagKind::Informative;
        out_.label.categories.push_back(*equivalent.target);
      }
      if (has_entry) continue;
      const bool may_go = (tag.kind == TagKind::Informative && options_.drop_informative) ||
                          (is_permissive(tag.kind) && options_.narrow_permissive);
      if (!may_go) return because(Cause::Category, category.name);
    }
    if (is_permissive(tag.kind) && !constrains && !options_.may_empty_permissive)
      return because(Cause::PermissiveEmptied, tag.name);
    return std::nullopt;
  }

  const Policy& from_;
  const Options& options_;
  const Side& to_;
  const Resolved& label_;
  Number partner_;
  Translation out_;
};

class Reverse {
 public:
  Reverse(const Side& from, const Policy& local, const Options& options, const Label& label, Lacv classification,
          Number partner)
      : from_(from),
        local_(local),
        options_(options),
        label_(label),
        classification_(classification),
        partner_(partner) {}

  std::expected<Translation, Refusal> run() {
    Translation out;
    out.label.policy = local_.id();
    const auto own = classification();
    if (!own) return std::unexpected(own.error());
    out.label.classification = *own;
    for (CatNumber c = 0; c < local_.category_count(); ++c)
      if (covers(c)) out.label.categories.push_back(local_.key(c));
    for (const CatKey& key : label_.categories)
      if (Why why = left_over(key)) return std::unexpected(std::move(*why));
    for (const CatKey& key : label_.categories)
      if (is_permissive(key.kind) && !options_.may_empty_permissive && !is_tag_constrained(key))
        return fail(Cause::PermissiveEmptied, tag_name(key));
    out.label.settle();
    return out;
  }

 private:
  std::expected<Lacv, Refusal> classification() const {
    const Class* found = nullptr;
    for (const Class& each : local_.spif().classes) {
      const bool fits = std::ranges::any_of(each.equivalents, [this](const ClassEquivalent& equivalent) {
        return equivalent.policy == partner_ && applies_in_reverse(equivalent.applied) &&
               equivalent.lacv == classification_;
      });
      if (!fits) continue;
      if (found != nullptr && !options_.pick_highest_class) return fail(Cause::Ambiguous);
      if (found == nullptr || each.rank > found->rank) found = &each;
    }
    if (found == nullptr) return fail(Cause::Classification);
    return found->lacv;
  }

  /// I18: a category stands for all its targets together.
  bool covers(CatNumber number) {
    std::vector<const CatKey*> held;
    std::size_t targets = 0;
    for (const CatEquivalent& each : local_.category_at(number).equivalents) {
      if (each.policy != partner_ || !applies_in_reverse(each.applied) || !each.target) continue;
      ++targets;
      if (label_.has(*each.target)) held.push_back(&*each.target);
    }
    if (held.empty() || (held.size() < targets && !options_.any_target_suffices)) return false;
    const bool decides = local_.tag_at(local_.tag_of(number)).kind != TagKind::Informative;
    for (const CatKey* key : held) {
      covered_.insert(*key);
      if (decides) constraining_.insert(*key);
    }
    return true;
  }

  Why left_over(const CatKey& key) const {
    if (covered_.contains(key)) return std::nullopt;
    if (key.kind == TagKind::Informative && options_.drop_informative) return std::nullopt;
    if (is_permissive(key.kind) && options_.narrow_permissive) return std::nullopt;
    return because(Cause::Category, category_name(key));
  }

  bool is_tag_constrained(const CatKey& key) const {
    return std::ranges::any_of(constraining_, [&](const CatKey& other) { return tag_of(other) == tag_of(key); });
  }

  /// Its tag where the policy is loaded; else tag set and kind is all that is known.
  std::pair<TagKey, std::optional<Number>> tag_of(const CatKey& key) const {
    std::optional<Number> tag;
    if (from_.policy != nullptr)
      if (const auto number = from_.policy->category_number(key)) tag = from_.policy->tag_of(*number);
    return {TagKey{key.tag_set, key.kind}, tag};
  }
  std::string tag_name(const CatKey& key) const {
    const auto tag = tag_of(key).second;
    return tag ? from_.policy->tag_at(*tag).name : key.tag_set.text();
  }
  std::string category_name(const CatKey& key) const {
    if (from_.policy != nullptr)
      if (const auto number = from_.policy->category_number(key)) return from_.policy->category_at(*number).name;
    return key.tag_set.text() + ' ' + std::string(name(key.kind)) + ' ' + std::to_string(key.lacv);
  }

  const Side& from_;
  const Policy& local_;
  const Options& options_;
  const Label& label_;
  Lacv classification_;
  Number partner_;
  std::set<CatKey> covered_, constraining_;
};

}  // namespace

std::expected<Translation, Refusal> translate_forward(const Policy& from, const Options& options, const Side& to,
                                                      const Label& label, Time now) {
  const auto valid = validate(from, label, now, options);
  if (!valid) return fail(Cause::SourceInvalid, valid.error().text());
  const auto number = partner(from.spif(), to.id);
  if (!number) return fail(Cause::Classification);
  auto out = Forward(from, options, to, *valid, *number).run();
  if (!out) return out;
  if (Why why = broken_result(to, out->label, now)) return std::unexpected(std::move(*why));
  return out;
}

std::expected<Translation, Refusal> translate_reverse(const Side& from, const Policy& local, const Options& options,
                                                      const Label& label, Time now) {
  if (label.policy != from.id) return fail(Cause::SourceInvalid, std::string(name(Cause::Policy)));
  std::optional<Lacv> classification = label.classification;
  if (from.policy != nullptr) {
    const auto valid = validate(*from.policy, label, now, from.options);
    if (!valid) return fail(Cause::SourceInvalid, valid.error().text());
    classification = from.policy->class_at(valid->classification).lacv;
  } else if (!label.empty.empty()) {
    return fail(Cause::SourceInvalid, std::string(name(Cause::EmptyCategory)));
  }
  if (!classification) return fail(Cause::SourceInvalid, std::string(name(Cause::NoClassification)));
  const auto number = partner(local.spif(), from.id);
  if (!number) return fail(Cause::Classification);
  auto out = Reverse(from, local, options, label, *classification, *number).run();
  if (!out) return out;
  if (Why why = broken_result({.id = local.id(), .policy = &local, .options = options}, out->label, now))
    return std::unexpected(std::move(*why));
  return out;
}

}  // namespace sallyport::policy::label
