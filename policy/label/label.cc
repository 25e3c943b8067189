#include "policy/label/label.h"

#include <algorithm>
#include <array>

namespace sallyport::policy::label {
namespace {

template <class T>
void make_set(std::vector<T>& items) {
  std::ranges::sort(items);
  const auto doubles = std::ranges::unique(items);
  items.erase(doubles.begin(), doubles.end());
}

}  // namespace

std::string_view name(TagKind kind) {
  static constexpr std::array<std::string_view, 5> kNames = {
      "restrictive bits", "permissive bits", "enumerated restrictive", "enumerated permissive", "informative"};
  return kNames[static_cast<std::size_t>(kind)];
}

void Label::settle() {
  make_set(categories);
  make_set(empty);
}

bool Label::has(const CatKey& category) const {
  return std::ranges::binary_search(categories, category);
}

bool same_meaning(const Label& one, const Label& other) {
  return one.policy == other.policy && one.classification == other.classification &&
         one.categories == other.categories && one.empty == other.empty;
}

void Clearance::settle() {
  make_set(classes);
  make_set(categories);
}

bool Clearance::has(const CatKey& category) const {
  return std::ranges::binary_search(categories, category);
}

bool Clearance::has_class(Lacv lacv) const {
  return std::ranges::binary_search(classes, lacv);
}

}  // namespace sallyport::policy::label
