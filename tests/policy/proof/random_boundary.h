// Whole policies by chance, from a seed: two enclaves, label policies with tags of every kind, at least fifty rules.
#pragma once

#include <string>

#include "policy/bundle.h"
#include "tests/policy/label/random_policy.h"

namespace sallyport::policy::testing {

using label::testing::Chance;

inline constexpr std::size_t kFewestRules = 50;

/// Only what has to do with labels and rules varies; the stages that text, memory and pace decide are off.
Tables random_boundary(Chance& chance);

/// A claim about such a policy.
std::string random_claim(Chance& chance, const Tables& tables);

}  // namespace sallyport::policy::testing
