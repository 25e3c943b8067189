#include "tests/policy/label/random_policy.h"

#include <string>

namespace sallyport::policy::label::testing {
namespace {

CatRef some_category(Chance& chance, const Spif& spif) {
  const Tag& tag = spif.tags[chance.below(static_cast<std::uint32_t>(spif.tags.size()))];
  const Category& category = tag.categories[chance.below(static_cast<std::uint32_t>(tag.categories.size()))];
  CatRef ref{.tag_set = spif.tag_sets[tag.tag_set].id, .kind = tag.kind, .lacv = category.lacv};
  if (chance.once_in(4)) ref.lacv.reset();
  return ref;
}

Require some_requirement(Chance& chance, const Spif& spif) {
  Require require{.operation = static_cast<Operation>(chance.below(3)), .items = {}};
  for (std::uint32_t i = 0; i <= chance.below(3); ++i) require.items.push_back(some_category(chance, spif));
  return require;
}

void add_rules(Chance& chance, Spif& spif) {
  for (Class& each : spif.classes)
    if (chance.once_in(6)) each.required.push_back(some_requirement(chance, spif));
  for (Tag& tag : spif.tags) {
    if (chance.once_in(8)) tag.max = 1 + chance.below(2);
    if (chance.once_in(8)) tag.single = true;
    for (Category& each : tag.categories) {
      if (chance.once_in(8)) each.required.push_back(some_requirement(chance, spif));
      if (chance.once_in(8)) each.excluded.push_back(some_category(chance, spif));
      if (chance.once_in(10)) each.excluded_classes.push_back(spif.classes.front().lacv);
      if (chance.once_in(16)) each.required_class = spif.classes.back().lacv;
      each.obsolete = chance.once_in(12);
    }
  }
}

}  // namespace

Spif random_spif(Chance& chance, std::uint32_t number) {
  const std::string root = "2.999." + std::to_string(number);
  Spif spif;
  spif.name = "P" + std::to_string(number);
  spif.id = *Oid::of_text(root);
  spif.rbac_id = spif.privilege_id = *Oid::of_text("2.16.840.1.101.2.1.8.3");
  const std::uint32_t classes = 2 + chance.below(4);
  for (std::uint32_t i = 0; i < classes; ++i) {
    Class added;
    added.name = "K" + std::to_string(i);
    added.lacv = (i * 7 + 3) % 11;  // lacv is no rank
    added.rank = 10 * i + chance.below(9);
    spif.classes.push_back(std::move(added));
  }
  const std::uint32_t tags = 1 + chance.below(6);
  for (std::uint32_t t = 0; t < tags; ++t) {
    if (t == 0 || !chance.once_in(4)) {
      TagSet set;
      set.name = "S" + std::to_string(spif.tag_sets.size());
      set.id = *Oid::of_text(root + "." + std::to_string(spif.tag_sets.size() + 1));
      spif.tag_sets.push_back(std::move(set));
    }
    Tag tag;
    tag.name = "T" + std::to_string(t);
    tag.tag_set = static_cast<std::uint32_t>(spif.tag_sets.size() - 1);
    tag.kind = static_cast<TagKind>(chance.below(5));
    const std::uint32_t categories = 1 + chance.below(5);
    for (std::uint32_t c = 0; c < categories; ++c) {
      Category category;
      category.name = "T" + std::to_string(t) + "C" + std::to_string(c);
      category.lacv = t * 10 + c;
      tag.categories.push_back(std::move(category));
    }
    spif.tags.push_back(std::move(tag));
  }
  add_rules(chance, spif);
  return spif;
}

Label random_label(Chance& chance, const Policy& policy) {
  const Spif& spif = policy.spif();
  Label label;
  label.policy = spif.id;
  label.classification = spif.classes[chance.below(static_cast<std::uint32_t>(spif.classes.size()))].lacv;
  const std::uint32_t rarity = 2 + chance.below(4);
  for (CatNumber n = 0; n < policy.category_count(); ++n)
    if (chance.once_in(rarity)) label.categories.push_back(policy.key(n));
  label.settle();
  return label;
}

Clearance random_clearance(Chance& chance, const Policy& policy) {
  Clearance clearance;
  clearance.policy = policy.id();
  for (const Class& each : policy.spif().classes)
    if (!chance.once_in(3)) clearance.classes.push_back(each.lacv);
  for (CatNumber n = 0; n < policy.category_count(); ++n)
    if (!chance.once_in(3)) clearance.categories.push_back(policy.key(n));
  clearance.settle();
  return clearance;
}

}  // namespace sallyport::policy::label::testing
