// The labels and clearances of the samples, from the words that tests/policy/label/data says them in.
#pragma once

#include <string>

#include "policy/label/ess.h"
#include "policy/label/label.h"

namespace sallyport::policy::label::testing {

/// "ACME SECRET + Releasable To:UK + privacy mark CLEAR". Throws std::runtime_error for words it does not know.
Label label_of(const std::string& meaning);
/// "ACME {PUBLIC,INTERNAL} + Projects:ALPHA".
Clearance clearance_of(const std::string& meaning);
/// What the sample policies say of their tag sets.
const TagSetFacts& sample_facts();

}  // namespace sallyport::policy::label::testing
