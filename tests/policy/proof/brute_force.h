// The proof's question answered by looking at everything: every label of a policy, every way to fill a stanza, every
// hour of eight weeks. Written from labels.md and the policy reference; of the code under test it uses only what holds
// a policy and a claim, and none that decides.
#pragma once

#include "policy/proof/claim.h"

namespace sallyport::policy::testing {

/// Whether some stanza that is what the claim is about crosses, from 2026-01-01 on. Knows what random_boundary() makes.
bool something_crosses(const Tables& tables, const proof::Claim& claim);

}  // namespace sallyport::policy::testing
