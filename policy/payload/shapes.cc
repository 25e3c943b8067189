#include "policy/payload/shapes.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace sallyport::policy::shapes {
namespace {

#include "policy/payload/shapes.inc"

/// The order of kPayloads: lengths first, because they tell most names apart.
constexpr auto order(std::string_view ns, std::string_view name) {
  return std::tuple(ns.size(), name.size(), name, ns);
}
constexpr auto order_of(std::uint16_t number) {
  return order(kElements[number].ns, kElements[number].name);
}
static_assert(std::ranges::is_sorted(kPayloads, {}, order_of));

}  // namespace

std::span<const ElementShape> elements() {
  return kElements;
}

const ElementShape* payload_shape(std::string_view ns, std::string_view name) {
  const auto at = std::ranges::lower_bound(kPayloads, order(ns, name), {}, order_of);
  return at != kPayloads.end() && order_of(*at) == order(ns, name) ? &kElements[*at] : nullptr;
}

}  // namespace sallyport::policy::shapes
