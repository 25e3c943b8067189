// Who writes to whom across the boundary, for the brute force: every pair of people on every way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/proof/claim.h"
#include "tests/policy/proof/brute_labels.h"

namespace sallyport::policy::testing {

/// Somebody, and what is asked about labels where he is.
struct Person {
  std::string bare;
  std::uint16_t domain = 0;   ///< of the address
  std::uint16_t enclave = 0;  ///< where he is
  /// Whose clearances and default labels there are besides the enclave's: the most general first, himself last.
  std::vector<std::string> known_as;
};

struct Trip {
  Person sender, addressee;
  const Peering* grant;
  std::vector<Kind> kinds;  ///< that may go
};

/// Those that the claim is about.
std::vector<Trip> trips(const Tables& tables, const proof::Claim& claim);

bool is_about(const Tables& tables, const Side& side, const Person& person);
const LabelHolder* holder(const Tables& tables, const std::string& who);
/// Whether everybody who is asked there is cleared for it.
bool are_cleared(const Tables& tables, const Sided& side, const Person& person);

}  // namespace sallyport::policy::testing
