// Who asks something of the labels between two parties, and what each of them sees of a label.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "policy/label_judge.h"
#include "policy/proof/claim.h"
#include "policy/proof/space.h"
#include "policy/rule.h"

namespace sallyport::policy::proof {

/// The clearances of either side, rules that ask for labels, a claim, and the labels that the peering lists.
class Askers {
 public:
  /// Bundle and claim outlive this.
  Askers(const Bundle& bundle, const Way& way, const Party& from, const Party& to, const Claim& claim);

  const std::vector<const LabelMatch*>& matches() const { return matches_; }
  std::span<const std::uint16_t> listed() const { return listed_; }
  const std::vector<Quality>& qualities() const { return claim_.qualities; }
  /// Whether somebody's clearance under the policy holds the value; one answer for each of them.
  std::vector<bool> holders_of(std::uint16_t policy, const label::CatKey& value) const;

  /// Whether everybody's clearance covers the label. `world` has the label, and may lack values that clearances hold.
  bool grant(const JudgedLabel& judged, const LabelRules& world) const;
  /// What rules, claim and list tell apart; values that `world` lacks are left open.
  Bits see(const JudgedLabel& judged, const LabelRules& world) const;
  /// What is seen of two parts of a label together (parts.h).
  Bits join(const Bits& one, const Bits& other) const;
  Bits nothing() const;

  using Clearances = std::vector<std::vector<std::uint16_t>>;  // of each who has some
  using Key = std::tuple<Clearances, Clearances, std::vector<const LabelMatch*>, std::vector<std::uint16_t>>;
  /// Equal ones ask the same.
  Key key() const { return {sides_[0], sides_[1], matches_, listed_}; }

 private:
  std::size_t hit_at(std::size_t match) const { return matches_.size() + match; }
  void see_match(std::size_t number, const JudgedLabel& judged, const LabelRules& world, Bits& seen) const;

  const LabelRules& rules_;
  const Claim& claim_;
  std::array<Clearances, 2> sides_;
  std::vector<const LabelMatch*> matches_;
  std::vector<std::uint16_t> listed_;
};

}  // namespace sallyport::policy::proof
