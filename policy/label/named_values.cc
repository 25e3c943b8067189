#include "policy/label/named_values.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sallyport::policy::label {

std::vector<NamedValue> values_of(const Policy* policy, const Label& label) {
  std::vector<std::pair<CatNumber, NamedValue>> known;
  std::vector<NamedValue> unknown;
  for (const CatKey& key : label.categories) {
    NamedValue value{.tag = key.tag_set.text() + " " + std::string(name(key.kind)),
                     .value = std::to_string(key.lacv),
                     .oid = key.tag_set.text(),
                     .kind = key.kind,
                     .lacv = key.lacv};
    const auto number = policy ? policy->category_number(key) : std::nullopt;
    if (!number) {
      unknown.push_back(std::move(value));
      continue;
    }
    value.tag = policy->tag_at(policy->tag_of(*number)).name;
    value.value = policy->category_at(*number).name;
    known.emplace_back(*number, std::move(value));
  }
  std::ranges::sort(known, {}, &std::pair<CatNumber, NamedValue>::first);
  std::vector<NamedValue> all;
  all.reserve(known.size() + unknown.size() + label.empty.size());
  for (auto& [number, value] : known) all.push_back(std::move(value));
  std::ranges::move(unknown, std::back_inserter(all));
  for (const TagKey& tag : label.empty)
    all.push_back({.tag = tag.tag_set.text() + " " + std::string(name(tag.kind)),
                   .value = {},
                   .oid = tag.tag_set.text(),
                   .kind = tag.kind,
                   .lacv = {}});
  return all;
}

std::string class_name(const Policy* policy, const Label& label) {
  if (!label.classification) return "";
  const auto number = policy ? policy->class_number(*label.classification) : std::nullopt;
  return number ? policy->class_at(*number).name : "";
}

std::string names_of(const Policy* policy, const Label& label) {
  std::string text = class_name(policy, label);
  if (text.empty()) text = label.classification ? "class " + std::to_string(*label.classification) : "no class";
  for (const NamedValue& value : values_of(policy, label)) text += " + " + value.tag + ":" + value.value;
  return text;
}

}  // namespace sallyport::policy::label
