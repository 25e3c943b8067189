// The officer's rules, judged when no stage has objected. For the pipeline only.
#pragma once

#include <expected>
#include <optional>
#include <span>

#include "policy/stage.h"

namespace sallyport::policy {

/// The label of the stanza, or of one inside it, as rules see it: nullopt where no label was judged, nullptr where
/// there is none.
using LabelSeen = std::optional<const JudgedLabel*>;

/// All labels in the stanza, none of them twice: its own, and those of the stanzas inside. Never empty. Where no rule
/// asks for labels they are not told apart. Stands in run.scratch.
std::span<const LabelSeen> labels_seen(Run& run);

/// The first rule that matches the stanza with that label; nullptr if none does. A stanza crosses if one that lets it
/// cross is found for each of its labels. Where no label was judged, a rule that asks for one matches if it refuses.
const Rule* first_match(Run& run, LabelSeen label);

/// Takes out what the rule names, wherever it stands, and says whether anything went; or why what is left can't cross.
/// A security label and the error of a stanza stay whatever the rule says.
std::expected<bool, Reason> edit(Run& run, const Rule& rule);

}  // namespace sallyport::policy
