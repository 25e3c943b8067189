// What must hold for any octets; the fuzzers and the replay of their seeds ask the same.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::policy::testing {

/// A bundle that decodes is the encoding of its own tables. "" if that holds, else what does not.
std::string bundle_fault(std::string_view octets);

/// Signatures that are read are written as they were; nothing that is read there, or as a public key, does any harm.
/// "" if that holds, else what does not.
std::string signatures_fault(std::string_view octets);

/// A stanza in normal form that is released keeps within its pair and would be released again as it stands; a bounce
/// goes the other way and is never answered. "" if that holds, else what does not.
std::string judge_fault(std::string_view octets);

}  // namespace sallyport::policy::testing
