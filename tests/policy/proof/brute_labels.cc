#include "tests/policy/proof/brute_labels.h"

#include <algorithm>

namespace sallyport::policy::testing {
namespace {

using label::Spif;
using label::TagKind;

/// A value and the tag that it stands in.
struct Value {
  const label::Tag* tag;
  const label::Category* category;
};

std::vector<Value> values_of(const Spif& spif) {
  std::vector<Value> all;
  for (const label::Tag& tag : spif.tags)
    for (const label::Category& category : tag.categories) all.push_back({&tag, &category});
  return all;
}

label::CatKey key_of(const Spif& spif, const Value& value) {
  return {spif.tag_sets[value.tag->tag_set].id, value.tag->kind, value.category->lacv};
}

std::set<std::size_t> meant(const Spif& spif, const label::CatRef& ref) {
  std::set<std::size_t> found;
  const std::vector<Value> all = values_of(spif);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (spif.tag_sets[all[i].tag->tag_set].id == ref.tag_set && all[i].tag->kind == ref.kind &&
        (!ref.lacv || *ref.lacv == all[i].category->lacv))
      found.insert(i);
  return found;
}

bool is_met(const Spif& spif, const label::Require& require, const Sided& label) {
  std::size_t wanted = 0, there = 0;
  for (const label::CatRef& item : require.items)
    for (const std::size_t value : meant(spif, item)) {
      ++wanted;
      there += label.values.contains(value) ? 1 : 0;
    }
  if (require.operation == label::Operation::OnlyOne) return there == 1;
  if (require.operation == label::Operation::OneOrMore) return there > 0;
  return wanted > 0 && there == wanted;
}

/// labels.md 5; nothing of a random policy is obsolete or ends.
bool is_valid(const Spif& spif, const Sided& label) {
  const auto all_met = [&](const std::vector<label::Require>& required) {
    return std::ranges::all_of(required, [&](const label::Require& each) { return is_met(spif, each, label); });
  };
  const label::Class& own = spif.classes[label.classification];
  if (!all_met(own.required)) return false;
  const std::vector<Value> all = values_of(spif);
  for (const std::size_t place : label.values) {
    const label::Category& value = *all[place].category;
    if (value.required_class && *value.required_class != own.lacv) return false;
    if (std::ranges::count(value.excluded_classes, own.lacv) > 0 || !all_met(value.required)) return false;
    for (const label::CatRef& ref : value.excluded)
      for (const std::size_t other : meant(spif, ref))
        if (other != place && label.values.contains(other)) return false;
  }
  for (const label::Tag& tag : spif.tags) {
    const auto count = std::ranges::count_if(label.values, [&](std::size_t place) { return all[place].tag == &tag; });
    if ((tag.single && count > 1) || (tag.max && count > *tag.max)) return false;
    if (tag.min && count > 0 && count < *tag.min) return false;
  }
  return true;
}

/// labels.md 8, forward, with the options that are the defaults.
std::optional<Sided> forward(const Spif& spif, const Spif& other, std::uint16_t to, const Sided& label) {
  std::vector<const label::ClassEquivalent*> classes;
  for (const auto& each : spif.classes[label.classification].equivalents)
    if (each.applied != label::Applied::Decrypt) classes.push_back(&each);
  if (classes.size() != 1) return std::nullopt;
  Sided made{.policy = to, .classification = 0, .values = {}};
  while (other.classes[made.classification].lacv != classes.front()->lacv) ++made.classification;
  const std::vector<Value> all = values_of(spif);
  for (const label::Tag& tag : spif.tags) {
    bool used = false, kept = false;
    for (const std::size_t place : label.values) {
      if (all[place].tag != &tag) continue;
      used = true;
      bool listed = false;
      for (const label::CatEquivalent& each : all[place].category->equivalents) {
        if (each.applied == label::Applied::Decrypt) continue;
        listed = true;
        if (!each.target) continue;
        // A permissive value that becomes an informative one no longer constrains anybody.
        const bool constrains = each.target->kind != TagKind::Informative;
        kept = kept || constrains || tag.kind == TagKind::Informative;
        made.values.insert(place_of(other, *each.target));
      }
      if (!listed) return std::nullopt;
    }
    const bool permissive = tag.kind == TagKind::PermissiveBits || tag.kind == TagKind::PermissiveEnum;
    if (permissive && used && !kept) return std::nullopt;
  }
  if (!is_valid(other, made)) return std::nullopt;
  return made;
}

std::optional<Sided> under(const Spif& spif, std::uint16_t policy, const label::Label& label) {
  Sided made{.policy = policy, .classification = 0, .values = {}};
  while (spif.classes[made.classification].lacv != *label.classification) ++made.classification;
  for (const label::CatKey& key : label.categories) made.values.insert(place_of(spif, key));
  if (!is_valid(spif, made)) return std::nullopt;
  return made;
}

bool is_same(const Tables& tables, const Sided& side, const NamedLabel& named) {
  const auto other = under(tables.labels.policies[named.policy].spif, named.policy, named.label);
  return other && named.policy == side.policy && other->classification == side.classification &&
         other->values == side.values;
}

}  // namespace

std::size_t place_of(const Spif& spif, const label::CatKey& key) {
  const std::vector<Value> all = values_of(spif);
  std::size_t place = 0;
  while (place < all.size() && key_of(spif, all[place]) != key) ++place;
  return place;
}

bool covers(const Spif& spif, const label::Clearance& clearance, const Sided& label) {
  if (std::ranges::count(clearance.classes, spif.classes[label.classification].lacv) == 0) return false;
  const std::vector<Value> all = values_of(spif);
  for (const label::Tag& tag : spif.tags) {
    std::size_t used = 0, held = 0;
    for (const std::size_t place : label.values) {
      if (all[place].tag != &tag) continue;
      ++used;
      held += std::ranges::count(clearance.categories, key_of(spif, all[place])) > 0 ? 1 : 0;
    }
    switch (tag.kind) {
      case TagKind::RestrictiveBits:
      case TagKind::RestrictiveEnum:
        if (held < used) return false;
        break;
      case TagKind::PermissiveBits:
      case TagKind::PermissiveEnum:
        if (used > 0 && held == 0) return false;
        break;
      case TagKind::Informative:
        break;
    }
  }
  return true;
}

std::optional<TwoSides> on_the_way(const Tables& tables, std::uint16_t from, std::uint16_t to, const Peering& peering,
                                   std::uint16_t policy, const label::Label& label) {
  const auto of = [&](std::uint16_t enclave) { return *tables.labels.enclaves[enclave].policy; };
  const auto spif = [&](std::uint16_t number) -> const Spif& { return tables.labels.policies[number].spif; };
  const auto translated = [&](const Sided& side, std::uint16_t wanted) -> std::optional<Sided> {
    for (const LabelTranslation& each : tables.labels.translations)
      if (each.from == side.policy && each.to == wanted) return forward(spif(side.policy), spif(wanted), wanted, side);
    return std::nullopt;
  };
  std::optional<Sided> source = under(spif(policy), policy, label);
  if (source && of(from) != policy) source = translated(*source, of(from));
  if (!source) return std::nullopt;
  TwoSides both{.source = *source, .translated = {}};
  if (of(to) != of(from)) {
    both.translated = translated(*source, of(to));
    if (!both.translated) return std::nullopt;
  }
  if (peering.labels.only.empty()) return both;
  for (const std::uint16_t number : peering.labels.only)
    for (const Sided* side : both.sides())
      if (is_same(tables, *side, tables.labels.labels[number])) return both;
  return std::nullopt;
}

std::vector<TwoSides> every_label(const Tables& tables, std::uint16_t from, std::uint16_t to, const Peering& peering) {
  std::vector<TwoSides> found;
  for (std::uint16_t policy = 0; policy < tables.labels.policies.size(); ++policy) {
    const Spif& spif = tables.labels.policies[policy].spif;
    const std::vector<Value> all = values_of(spif);
    for (const label::Class& classification : spif.classes)
      for (std::size_t subset = 0; subset < std::size_t{1} << all.size(); ++subset) {
        label::Label label;
        label.policy = spif.id;
        label.classification = classification.lacv;
        for (std::size_t i = 0; i < all.size(); ++i)
          if ((subset >> i & 1U) != 0) label.categories.push_back(key_of(spif, all[i]));
        label.settle();
        if (const auto made = on_the_way(tables, from, to, peering, policy, label)) found.push_back(*made);
      }
  }
  return found;
}

}  // namespace sallyport::policy::testing
