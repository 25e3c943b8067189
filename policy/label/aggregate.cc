#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/label/translate.h"

namespace sallyport::policy::label {
namespace {

/// The permissive values of the whole: nullopt if the parts that have the tag have nothing in common.
std::optional<std::vector<CatNumber>> in_common(const Policy& policy, const std::vector<Resolved>& parts, Number tag,
                                                Aggregation mode) {
  std::optional<std::vector<CatNumber>> common;
  for (const Resolved& part : parts) {
    const auto values = part.of_tag(policy, tag);
    // Without the tag a part is open to everybody, and adds nothing to what the others ask for. The published rule 6
    // takes the tag away instead: where an absent tag is no constraint, that opens the rest.
    if (values.empty()) {
      if (mode == Aggregation::Safe) continue;
      return std::vector<CatNumber>{};
    }
    std::vector<CatNumber> both;
    if (common)
      std::ranges::set_intersection(*common, values, std::back_inserter(both));
    else
      both.assign(values.begin(), values.end());
    common = std::move(both);
  }
  if (!common) return std::vector<CatNumber>{};
  if (common->empty() && mode == Aggregation::Safe) return std::nullopt;
  return common;
}

}  // namespace

std::expected<Label, Refusal> aggregate(const Policy& policy, std::span<const Label> parts, Time now,
                                        const Options& options) {
  std::vector<Resolved> resolved;
  for (const Label& part : parts) {
    auto valid = validate(policy, part, now, options);
    if (!valid) return std::unexpected(Refusal{Cause::SourceInvalid, valid.error().text()});
    resolved.push_back(std::move(*valid));
  }
  if (resolved.empty()) return std::unexpected(Refusal{Cause::NoClassification, {}});
  const auto rank = [&](const Resolved& part) { return policy.class_at(part.classification).rank; };
  Label whole;
  whole.policy = policy.id();
  whole.classification = policy.class_at(std::ranges::max_element(resolved, {}, rank)->classification).lacv;
  for (Number t = 0; t < policy.spif().tags.size(); ++t) {
    if (is_permissive(policy.tag_at(t).kind)) {
      const auto common = in_common(policy, resolved, t, options.aggregation);
      if (!common) return std::unexpected(Refusal{Cause::PermissiveConflict, policy.tag_at(t).name});
      for (const CatNumber number : *common) whole.categories.push_back(policy.key(number));
      continue;
    }
    for (const Resolved& part : resolved)
      for (const CatNumber number : part.of_tag(policy, t)) whole.categories.push_back(policy.key(number));
  }
  whole.settle();
  if (const auto valid = validate(policy, whole, now, options); !valid)
    return std::unexpected(Refusal{Cause::ResultInvalid, valid.error().text()});
  return whole;
}

}  // namespace sallyport::policy::label
