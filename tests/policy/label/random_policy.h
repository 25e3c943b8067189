// Policies, labels and clearances by chance, from a seed.
#pragma once

#include <cstdint>
#include <random>

#include "policy/label/policy.h"

namespace sallyport::policy::label::testing {

class Chance {
 public:
  explicit Chance(std::uint32_t seed) : engine_(seed) {}
  std::uint32_t below(std::uint32_t bound) {
    return std::uniform_int_distribution<std::uint32_t>(0, bound - 1)(engine_);
  }
  bool once_in(std::uint32_t count) { return below(count) == 0; }

 private:
  std::mt19937 engine_;
};

/// Classes and categories with rules here and there; `number` tells the identifiers of policies apart.
Spif random_spif(Chance& chance, std::uint32_t number);
/// Of what the policy knows; hardly ever valid if the policy has many rules.
Label random_label(Chance& chance, const Policy& policy);
Clearance random_clearance(Chance& chance, const Policy& policy);

}  // namespace sallyport::policy::label::testing
