// All that a policy can tell apart in stanzas, but for their labels: who, when, what is in them. Each part is a list of
// representatives: what is not in the list is like something that is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/bundle.h"
#include "policy/proof/claim.h"

namespace sallyport::policy::proof {

/// A set of rules: bit n is the rule with that place in Tables::rules.
class RuleSet {
 public:
  explicit RuleSet(std::size_t rules, bool all = false) : words_((rules + 63) / 64, all ? ~std::uint64_t{0} : 0) {}

  void add(std::size_t rule) { words_[rule / 64] |= std::uint64_t{1} << rule % 64; }
  bool has(std::size_t rule) const { return (words_[rule / 64] >> rule % 64 & 1U) != 0; }
  RuleSet& operator|=(const RuleSet& other);
  RuleSet& operator&=(const RuleSet& other);
  /// The first rule that is in all four.
  static std::optional<std::size_t> first(const RuleSet& a, const RuleSet& b, const RuleSet& c, const RuleSet& d);
  auto operator<=>(const RuleSet&) const = default;

 private:
  std::vector<std::uint64_t> words_;
};

/// An address that stands for all that no rule and no clearance tells from it.
struct Party {
  std::uint16_t domain = 0;
  std::string bare;
};

/// Those of a domain that are within the place.
std::vector<Party> parties(const Bundle& bundle, std::uint16_t domain, const Place& place);

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
