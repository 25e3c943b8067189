// The sorts of stanzas that a policy tells apart, but for their labels: from whom to whom, of which type, when, and
// filled with what.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "policy/label_judge.h"
#include "policy/proof/contents.h"

namespace sallyport::policy::proof {

/// At that time only, or from it on for ever.
struct When {
  label::Time time;
  bool only = false;
};

/// One sort. What it refers to lives as long as the look at it.
struct Occasion {
  const Way& way;
  const Party& from;
  const Party& to;
  std::size_t pair;  ///< occasions with one number have the same way, sender and addressee
  StanzaType type;
  const Instant& at;
  const Content& content;
  const RuleSet& between;  ///< the rules about such types from the one to the other

  /// The first rule that is about it and about a label for which these rules ask.
  std::optional<std::size_t> first(const RuleSet& asking) const {
    return RuleSet::first(between, at.in_force, content.rules, asking);
  }
};

class Occasions {
 public:
  enum class Next : std::uint8_t {
    Go,     ///< on; those alike may be left out
    Look,   ///< on; also at those alike
    Leave,  ///< on, but to the next pair
    Stop,
  };

  /// Bundle and claim outlive it.
  Occasions(const Bundle& bundle, const Claim& claim, const When& when);

  /// Those of the claim that a peering or a login grants, until `take` stops it. Gives why there are too many to look
  /// at, or "".
  std::string each(const std::function<Next(const Occasion&)>& take);

 private:
  struct Look;
  bool look_at(const Passage& passage, const Party& from, const Party& to, Look& look);
  Next look_at(const Way& way, const Party& from, const Party& to, StanzaType type, Look& look);
  const std::vector<Content>* contents_of(const Way& way, StanzaType type);

  const Bundle& bundle_;
  const Claim& claim_;
  Sorts sorts_;
  std::vector<Instant> times_;
  std::map<std::pair<std::uint16_t, unsigned>, std::optional<std::vector<Content>>> contents_;
};

}  // namespace sallyport::policy::proof
