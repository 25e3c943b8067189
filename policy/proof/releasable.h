// Which labels something lets cross, and what holds back those that nothing does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/bundle.h"
#include "policy/proof/occasions.h"

namespace sallyport::policy::proof {

/// How far labels come on a way; the best that any of them does.
enum class Reach : std::uint8_t {
  Invalid,   ///< there is none that is valid and has its translation
  Denied,    ///< clearances deny it
  Refused,   ///< rules that ask for labels refuse whatever clearances grant
  Unruled,   ///< no rule releases it, and none refuses it for its label
  Released,  ///< it crosses
};

/// All labels of a class, on a way.
struct ClassReach {
  LabelWay way;
  std::uint16_t policy = 0;
  label::Number classification = 0;
  Reach reach = Reach::Denied;
};
/// One of the officer's labels, on a way.
struct NamedReach {
  LabelWay way;
  std::uint16_t label = 0;  ///< number in LabelTables
  Reach reach = Reach::Invalid;
};

struct Releasable {
  std::vector<ClassReach> classes;  ///< of the policy that governs where each way begins
  std::vector<NamedReach> named;
  bool is_whole = true;  ///< false: there were too many labels or stanzas, and not all of them were looked at
};

/// Of messages with such labels, of every content, by everybody to everybody, on all ways on which labels are looked
/// at. Looks at no more than kMostOccasions sorts of stanzas.
Releasable releasable(const Bundle& bundle, const When& when);
inline constexpr std::size_t kMostOccasions = 100'000;

}  // namespace sallyport::policy::proof
