// The labels of a policy, as far as they are told apart between two parties.
//
// Each part of a label (parts.h) is judged alone, by the code that judges in the guard, in a world in which there is
// nothing else. Of what is valid and granted to everybody one of each sort is kept: of those that all who ask
// (askers.h) see alike. Then the parts are put together, one after the other, and again one of each sort is kept.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "policy/proof/needs.h"
#include "policy/proof/parts.h"

namespace sallyport::policy::proof {

/// The label policies on a way from the one that labels are written under, and the worlds of their parts.
class Worlds {
 public:
  /// The rules outlive it.
  Worlds(const LabelRules& rules, const LabelWay& way, std::uint16_t policy)
      : parts_(rules, policies_on(rules, way, policy)) {}

  const Parts& parts() const { return parts_; }
  const LabelRules& of(std::size_t part);

 private:
  Parts parts_;
  std::map<std::size_t, std::shared_ptr<const LabelRules>> known_;
};

class Lattice {
 public:
  static constexpr std::size_t kMostLabels = 1U << 20;  ///< parts of labels, and pairs of them, that are looked at

  /// Of the labels under the policy that come that way, at that time. All that it is given outlives it.
  Lattice(const Bundle& bundle, std::uint16_t policy, const Way& way, const Askers& askers, Worlds& worlds,
          label::Time now);

  /// Gives a label of each sort that is valid and granted there; false if there are too many to look at.
  bool each(const std::function<void(const label::Label&)>& take);

 private:
  using Values = std::vector<label::CatKey>;
  using Set = std::map<Bits, Values>;  // by what is seen of them
  struct Part {
    std::vector<Group> groups;
    const LabelRules& world;
  };

  bool add_part(const Part& part, label::Lacv classification, Set& to);
  bool put_together(const Set& one, const Set& other, Set& to);
  bool is_too_much(std::size_t more) { return (looked_at_ += more) > kMostLabels; }

  const Askers& askers_;
  const label::Policy& policy_;
  LabelWay way_;
  PeeringLabels peering_;
  label::Time now_;
  std::vector<Part> parts_;
  std::size_t looked_at_ = 0;
};

}  // namespace sallyport::policy::proof
