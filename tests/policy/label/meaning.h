// The labels and clearances of the samples, from the words that tests/policy/label/data says them in.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "policy/label/ess.h"
#include "policy/label/label.h"

namespace sallyport::policy::label::testing {

/// "ACME SECRET + Releasable To:UK + privacy mark CLEAR". Throws std::runtime_error for words it does not know.
Label label_of(const std::string& meaning);
/// "ACME {PUBLIC,INTERNAL} + Projects:ALPHA".
Clearance clearance_of(const std::string& meaning);
/// What the sample policies say of their tag sets.
const TagSetFacts& sample_facts();

std::filesystem::path data(const std::string& name);
/// Lines of a table in the folder of the samples, cut at tabs; lines that begin with # are left out.
std::vector<std::vector<std::string>> rows(const std::string& name);
std::string octets_of_hex(std::string_view hex);

}  // namespace sallyport::policy::label::testing
