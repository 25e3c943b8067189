// Resources that do not cross the boundary under their own names, where a peering says so (protocol.md P-02, Q-15).
// Inside the guard everything goes by the real names: what comes in is restored before it is judged, what leaves is
// hidden after that.
#pragma once

#include <optional>

#include "policy/bundle.h"
#include "policy/pipeline.h"
#include "policy/verdict.h"

namespace sallyport::policy {

/// The sender of a stanza of the guard's own, as the addressee's side knows it: the address itself where nothing hides
/// it. nullopt if its resource is too long to be hidden. In the arena.
std::optional<Address> hidden_sender(const Address& from, const Address& to, const Bundle& bundle, Scratch& scratch);

}  // namespace sallyport::policy
