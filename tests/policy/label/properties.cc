#include "tests/policy/label/properties.h"

#include "policy/label/ess.h"
#include "tests/policy/label/meaning.h"

namespace sallyport::policy::label::testing {
namespace {

using ber::Rules;

std::string label_fault(std::string_view octets) {
  const auto label = decode_ess(octets, Rules::Ber, sample_facts());
  if (!label) return decode_ess(octets, Rules::Der, sample_facts()) ? "DER that is no BER" : "";
  if (label->categories.size() > kMostCategories) return "more categories than there may be";
  const auto syntax = label->format == Format::Missi ? CategorySyntax::Missi : CategorySyntax::Acp145;
  const auto encoded = encode_ess(*label, syntax, sample_facts());
  // MISSI has no limit of tags, but each of them has one category of its own.
  if (!encoded) return "what was decoded does not encode";
  const auto again = decode_ess(*encoded, Rules::Der, sample_facts());
  if (!again) return "what was encoded is no DER";
  if (*again != *label) return "what was encoded means something else";
  if (encode_ess(*again, syntax, sample_facts()) != encoded) return "there are two encodings";
  return "";
}

std::string clearance_fault(std::string_view octets) {
  const auto clearance = decode_clearance(octets, Rules::Ber, sample_facts());
  if (!clearance)
    return decode_clearance(octets, Rules::Der, sample_facts()) ? "a clearance in DER that is no BER" : "";
  const auto encoded = encode_clearance(*clearance, sample_facts());
  // SSLPrivileges may hold more tags than the form that is written has room for.
  if (!encoded) return "";
  const auto again = decode_clearance(*encoded, Rules::Der, sample_facts());
  if (!again) return "a clearance that was encoded is no DER";
  if (*again != *clearance) return "a clearance that was encoded means something else";
  return "";
}

}  // namespace

std::string ess_fault(std::string_view octets) {
  const std::string fault = label_fault(octets);
  return fault.empty() ? clearance_fault(octets) : fault;
}

}  // namespace sallyport::policy::label::testing
