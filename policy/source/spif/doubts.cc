#include <algorithm>
#include <set>

#include "policy/source/spif/loader.h"

namespace sallyport::policy::source::spif {
namespace {

/// Whether every category of `one` is among those of `other`.
bool covers(const label::CatRef& other, const label::CatRef& one) {
  return other.tag_set == one.tag_set && other.kind == one.kind && (!other.lacv || other.lacv == one.lacv);
}

/// What a label must hold in any case.
bool needs(const std::vector<label::Require>& required, const label::CatRef& excluded) {
  return std::ranges::any_of(required, [&](const label::Require& require) {
    const auto hit = [&](const label::CatRef& item) { return covers(excluded, item); };
    return require.operation == label::Operation::All ? std::ranges::any_of(require.items, hit)
                                                      : std::ranges::all_of(require.items, hit);
  });
}

}  // namespace

void Loader::warn() {
  warn_of_contradictions();
  warn_of_gaps();
}

void Loader::warn_of_contradictions() {
  for (const CategoryAt& at : categories_) {
    const label::Category& own = spif_.tags[at.tag].categories[at.place];
    for (const label::CatRef& excluded : own.excluded)
      if (needs(own.required, excluded))
        walk_.warning(*at.element, "the category " + quoted(own.name) + " excludes what it requires",
                      "no label with it can be valid");
  }
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    const label::Class& own = spif_.classes[i];
    const auto is_shut_out = [&](const label::CatRef& item) {
      return std::ranges::all_of(categories_, [&](const CategoryAt& at) {
        const label::Tag& tag = spif_.tags[at.tag];
        const label::Category& each = tag.categories[at.place];
        const label::CatRef itself{.tag_set = spif_.tag_sets[tag.tag_set].id, .kind = tag.kind, .lacv = each.lacv};
        return !covers(item, itself) ||
               std::ranges::find(each.excluded_classes, own.lacv) != each.excluded_classes.end();
      });
    };
    for (const label::Require& require : own.required)
      if (std::ranges::all_of(require.items, is_shut_out))
        walk_.warning(*classes_[i],
                      "the classification " + quoted(own.name) + " requires only categories that exclude it",
                      "no label of this classification can be valid");
  }
}

void Loader::warn_of_gaps() {
  for (std::uint32_t p = 0; p < spif_.equivalent_policies.size(); ++p) {
    const std::string& partner = spif_.equivalent_policies[p].name;
    const bool is_used = std::ranges::any_of(leads_, [p](const Lead& lead) { return lead.policy == p; });
    if (!is_used) continue;  // named, but without a table: labels are not translated
    for (std::size_t i = 0; i < classes_.size(); ++i) {
      const label::Class& own = spif_.classes[i];
      const label::ClassEquivalent* out = nullptr;
      bool any = false;
      for (const label::ClassEquivalent& each : own.equivalents) {
        if (each.policy != p) continue;
        any = true;
        if (!applies_forward(each.applied)) continue;
        if (out != nullptr)
          walk_.warning(*classes_[i], quoted(own.name) + " has several equivalents in " + partner + " on the way out",
                        "such labels are not translated");
        out = &each;
      }
      if (!any)
        walk_.warning(*classes_[i], quoted(own.name) + " has no equivalent in " + partner,
                      "such labels are not translated");
      if (out == nullptr) continue;
      for (const label::Class& back : spif_.classes)
        for (const label::ClassEquivalent& each : back.equivalents)
          if (each.policy == p && applies_in_reverse(each.applied) && each.lacv == out->lacv && back.rank < own.rank)
            walk_.warning(*classes_[i], quoted(own.name) + " comes back from " + partner + " as " + quoted(back.name),
                          "a label loses rank on a round trip");
    }
  }
}

std::vector<Mistake> check_leads(const Loaded& loaded, const label::Policy& other) {
  std::vector<Mistake> mistakes;
  const auto& partners = loaded.spif.equivalent_policies;
  const auto partner = std::ranges::find(partners, other.id(), &label::EquivalentPolicy::id);
  if (partner == partners.end()) return mistakes;
  const auto tell = [&](const Lead& lead, const std::string& what) {
    mistakes.push_back({loaded.file, lead.line, 1, "the policy " + quoted(other.spif().name) + " has no " + what,
                        "mend the equivalence, or bring its file up to date"});
  };
  for (const Lead& lead : loaded.leads) {
    if (lead.policy != static_cast<std::uint32_t>(partner - partners.begin())) continue;
    if (lead.class_lacv && !other.class_number(*lead.class_lacv))
      tell(lead, "classification " + std::to_string(*lead.class_lacv));
    if (lead.category && !other.category_number(*lead.category))
      tell(lead, std::string(label::name(lead.category->kind)) + " category " + std::to_string(lead.category->lacv) +
                     " in the tag set " + lead.category->tag_set.text());
    if (!lead.required) continue;
    const auto set = other.tag_set_named(lead.required->tag_set, label::NameCase::Exact);
    if (!set || other.expand({other.tag_set_at(*set).id, lead.required->kind, lead.required->lacv}).empty())
      tell(lead, std::string(label::name(lead.required->kind)) + " category" +
                     (lead.required->lacv ? " " + std::to_string(*lead.required->lacv) : "") + " in the tag set " +
                     quoted(lead.required->tag_set));
  }
  return mistakes;
}

}  // namespace sallyport::policy::source::spif
