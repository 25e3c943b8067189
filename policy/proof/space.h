// All that a policy can tell apart in stanzas, but for their labels: who, when, what is in them. Each part is a list of
// representatives: what is not in the list is like something that is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/bundle.h"
#include "policy/proof/bits.h"
#include "policy/proof/passages.h"

namespace sallyport::policy::proof {

/// A set of rules: their places in Tables::rules.
using RuleSet = Bits;

/// The rules that are about stanzas of that type from the one to the other.
RuleSet rules_between(const Bundle& bundle, const Party& from, const Party& to, StanzaType type);

/// A time that stands for all at which the same rules are in force and labels are judged alike.
struct Instant {
  label::Time time;
  RuleSet in_force;
};

/// All times from `now` on.
std::vector<Instant> instants(const Bundle& bundle, label::Time now);
Instant instant(const Bundle& bundle, label::Time time);

}  // namespace sallyport::policy::proof
