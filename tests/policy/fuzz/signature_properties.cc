#include "policy/bundle_signatures.h"
#include "tests/policy/fuzz/properties.h"

namespace sallyport::policy::testing {

std::string signatures_fault(std::string_view octets) {
  Officers officers;
  if (const auto key = read_officer_key(octets)) officers.keys.push_back(*key);
  const auto signatures = BundleSignatures::read(octets);
  if (!signatures) return "";
  if (signatures->text() != octets) return "the text is not the one that was read";
  for (const SignedBy& one : signatures->all) officers.keys.push_back(one.key);
  officers.needed = officers.keys.size() + 1;
  if (check_signatures(signatures->bundle_hash, octets, officers)) return "fewer signatures than needed suffice";
  return "";
}

}  // namespace sallyport::policy::testing
