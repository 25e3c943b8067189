// Labels for the brute force: every one there is, whether it is valid, what it becomes, whom it is granted.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "policy/bundle.h"

namespace sallyport::policy::testing {

/// A valid label under one policy. Classes and values by their place in the SPIF.
struct Sided {
  std::uint16_t policy = 0;
  std::size_t classification = 0;
  std::set<std::size_t> values;
};

struct TwoSides {
  Sided source;
  std::optional<Sided> translated;
  const Sided& destination() const { return translated ? *translated : source; }
  /// The one it comes from first.
  std::vector<const Sided*> sides() const {
    return translated ? std::vector<const Sided*>{&source, &*translated} : std::vector<const Sided*>{&source};
  }
};

std::size_t place_of(const label::Spif& spif, const label::CatKey& key);

/// labels.md 6, for a valid label.
bool covers(const label::Spif& spif, const label::Clearance& clearance, const Sided& label);

/// What a label of that policy comes to between the two enclaves; nullopt if it is refused before clearances are asked.
std::optional<TwoSides> on_the_way(const Tables& tables, std::uint16_t from, std::uint16_t to, const Peering& peering,
                                   std::uint16_t policy, const label::Label& label);

/// All labels that come to something.
std::vector<TwoSides> every_label(const Tables& tables, std::uint16_t from, std::uint16_t to, const Peering& peering);

}  // namespace sallyport::policy::testing
