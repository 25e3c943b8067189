// Which values of labels a way tells apart.
//
// A lattice of n values has 2^n labels of each class. Most of these are like others: what follows keeps some of each
// sort, in such a way that whenever some label of a class crosses and meets a claim, one that is kept does so too.
// - A value that no rule of the SPIF, of the policy, of a list or of the claim asks for can be left out of a label:
// what
//   is left is granted wherever the whole was, since an absent tag is no constraint. Of a permissive tag all values are
//   needed or none, because the last one that a clearance holds must not go alone.
// - Values that nothing tells apart are interchangeable; only how many of them there are counts: no more of them than a
//   minimum asks for, or all of them.
// - Of values of a permissive tag that nothing but clearances tells apart, all may stand where one does: that only lets
//   more people have it.
// Whatever stands in a table of translations is tied to what it becomes, and needed if that is.
#pragma once

#include <cstdint>
#include <vector>

#include "policy/bundle.h"
#include "policy/proof/askers.h"

namespace sallyport::policy::proof {

/// Values that are interchangeable, and how many of them a label may have to be like no other.
struct Group {
  std::vector<label::CatNumber> values;
  std::vector<std::size_t> counts;  ///< rising, from 0
};

/// Label policies that a label goes through: its own, that of the side that it comes from, that of the other.
std::vector<std::uint16_t> policies_on(const LabelRules& rules, const LabelWay& way, std::uint16_t policy);

/// The values of the policy that count in labels that come that way, at that time.
std::vector<Group> needed(const Bundle& bundle, std::uint16_t policy, const LabelWay& way, const Askers& askers,
                          label::Time now);

}  // namespace sallyport::policy::proof
