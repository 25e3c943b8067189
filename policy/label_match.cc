#include "policy/label_match.h"

#include <algorithm>

namespace sallyport::policy {
namespace {

/// nullptr if the label is under that policy on neither side.
const LabelSide* side_under(std::uint16_t policy, const JudgedLabel& label) {
  if (label.source.policy == policy) return &label.source;
  return label.translated && label.translated->policy == policy ? &*label.translated : nullptr;
}

bool matches(const LabelMatch& match, const LabelSide& side, const LabelRules& rules) {
  const auto has = [&](const label::CatKey& key) { return side.label.has(key); };
  const label::Class& its_class = rules.policy(side.policy).class_at(side.resolved.classification);
  return std::ranges::binary_search(match.classes, its_class.lacv) &&
         (!match.any_of || std::ranges::any_of(*match.any_of, has)) && std::ranges::all_of(match.all_of, has) &&
         std::ranges::none_of(match.none_of, has);
}

}  // namespace

bool matches(const std::vector<LabelMatch>& any, const JudgedLabel* label, const LabelRules& rules) {
  return std::ranges::any_of(any, [&](const LabelMatch& match) {
    if (match.none || !label) return match.none && !label;
    const LabelSide* side = side_under(match.policy, *label);
    return side && matches(match, *side, rules);
  });
}

}  // namespace sallyport::policy
