// The labels of a policy, as far as a way tells them apart.
//
// A lattice of n values has 2^n labels of each class. Most of these are like others: what follows keeps one of each
// sort, in such a way that whenever some label of a class crosses and meets a claim, one that is kept does so too.
// - A value that no rule of the SPIF, of the policy, of a list or of the claim asks for can be left out of a label:
// what
//   is left is granted wherever the whole was, since an absent tag is no constraint. Of a permissive tag all values are
//   needed or none, because the last one that a clearance holds must not go alone.
// - Values that nothing tells apart are interchangeable; only how many of them there are counts, and no more of them
// than
//   a minimum asks for.
// Whatever stands in a table of translations is tied to what it becomes, and needed if that is.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "policy/label_judge.h"
#include "policy/proof/claim.h"

namespace sallyport::policy::proof {

class Lattice {
 public:
  static constexpr std::size_t kMostLabels = 1U << 20;  ///< combinations looked at; beyond them nothing is said

  /// Of the labels under the policy that come that way, at that time. The bundle outlives it.
  Lattice(const Bundle& bundle, std::uint16_t policy, const LabelWay& way, const std::vector<Quality>& qualities,
          label::Time now);

  /// Gives every valid label of the sorts to `take`; false if there are too many to look at, and then none.
  bool each(const std::function<void(const label::Label&)>& take) const;

 private:
  struct Group {
    std::vector<label::CatNumber> values;
    std::size_t most = 1;
  };

  const Bundle& bundle_;
  std::uint16_t policy_;
  label::Time now_;
  std::vector<Group> groups_;
};

}  // namespace sallyport::policy::proof
