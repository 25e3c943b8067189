// The policies of the samples, loaded.
#pragma once

#include <map>
#include <string>

#include "policy/label/lexicon.h"
#include "policy/source/spif/spif.h"
#include "tests/policy/label/meaning.h"
#include "tests/policy/label/samples.h"

namespace sallyport::policy::label::testing {

std::string text_of(const std::string& name);
/// A file in the folder of the samples' policies. Throws std::runtime_error with its mistakes if it cannot be loaded.
source::spif::Loaded loaded(const std::string& name);
const Policy& acme();
const Policy& nordia();
/// Both.
const Lexicon& sample_lexicon(NameCase names = NameCase::Ignore);

/// By id: "L05", "C2".
const std::map<std::string, Label>& labels();
const std::map<std::string, Clearance>& clearances();
/// "CONFIDENTIAL | Projects:ALPHA", in the order of the SPIF.
std::string described(const Policy& policy, const Label& label);
/// 2026-06-01, when nothing of the samples has ended.
Time summer();

}  // namespace sallyport::policy::label::testing
