// Clearances as files: octets in BER, base 64 of them, STANAG 4774 XML (labels.md 4).
#pragma once

#include <expected>
#include <string>

#include "policy/label/policy.h"
#include "policy/source/source.h"

namespace sallyport::policy::source {

/// Under whatever policy it names; XML and the kind of enumerated tags are read by this one. Why not, in words.
std::expected<label::Clearance, std::string> clearance_of(const SourceFile& file, const label::Policy& policy,
                                                          label::NameCase names);

}  // namespace sallyport::policy::source
