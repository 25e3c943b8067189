// What a bundle checks of its tables, in the files that check it. For the files of the bundle only.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

namespace sallyport::policy {

struct Tables;

template <class Range, class Key>
bool strictly_rising(const Range& range, Key key) {
  return std::ranges::adjacent_find(range, [&](const auto& a, const auto& b) { return !(key(a) < key(b)); }) ==
         range.end();
}

/// Why rules, address lists and payload names cannot be those of a bundle; nullopt if they can.
std::optional<std::string> rules_fault(const Tables& tables);

}  // namespace sallyport::policy
