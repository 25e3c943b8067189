#include "policy/label/spif.h"

#include <algorithm>
#include <array>

namespace sallyport::policy::label {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(kLastPlace) + 1> kPlaces = {
    "pageTop", "pageBottom", "documentStart",  "documentEnd", "firstLineOfText", "lastLineOfText",
    "subject", "xHeader",    "portionMarking", "inputTitle",  "waterMark"};

}  // namespace

std::string_view name(Place place) {
  return kPlaces[static_cast<std::size_t>(place)];
}

std::optional<Place> place(std::string_view name) {
  const auto found = std::ranges::find(kPlaces, name);
  if (found == kPlaces.end()) return std::nullopt;
  return static_cast<Place>(found - kPlaces.begin());
}

}  // namespace sallyport::policy::label
