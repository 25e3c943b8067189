// The officer's rules, judged when no stage has objected. For the pipeline only.
#pragma once

#include <expected>

#include "policy/stage.h"

namespace sallyport::policy {

/// The first rule that matches; nullptr if none does.
const Rule* first_match(Run& run);

/// Takes out what the rule names, wherever it stands, and says whether anything went; or why what is left can't cross.
/// A security label and the error of a stanza stay whatever the rule says.
std::expected<bool, Reason> edit(Run& run, const Rule& rule);

}  // namespace sallyport::policy
