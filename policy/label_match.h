// Which labels a rule is about. For the rules and for what reasons about them.
#pragma once

#include <vector>

#include "policy/label_judge.h"
#include "policy/rule.h"

namespace sallyport::policy {

/// Whether one of them matches: a label as it was judged, on the side that is under the match's policy; or nullptr,
/// that there is none.
bool matches(const std::vector<LabelMatch>& any, const JudgedLabel* label, const LabelRules& rules);

}  // namespace sallyport::policy
