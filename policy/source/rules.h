// From the rules as they were written to the rules of the bundle, and what is odd about them.
#pragma once

#include "policy/source/keys.h"

namespace sallyport::policy::source {

/// Adds lists, payload names and rules to tables that have enclaves, domains, peerings and routes.
void compile_rules(Reading& in, const PolicyText& text, const RuleLabels& labels, Tables& tables);

/// Warns of rules that can't decide anything: no peering under them, or all they match is matched before them; of
/// requests without answers; of refusals that nobody hears. The tables are those of compile_rules() without mistakes.
void check_rules(Reading& in, const PolicyText& text, const Tables& tables);

}  // namespace sallyport::policy::source
