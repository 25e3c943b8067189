// What of the presence ledger the other parts of the stage ask.
#pragma once

#include "policy/stage.h"

namespace sallyport::policy {

/// `watcher` holds a subscription that `watched` granted (protocol.md 6.1: s(watcher,watched) is active).
bool may_see(const Run& run, const Address& watcher, const Address& watched);
/// That full address was last shown to `watcher` as available, or to him in a directed presence.
bool was_shown(const Run& run, const Address& watcher, const Address& full);
/// `who`, a full address, is in the room of that occupant.
bool is_in_room(const Run& run, const Address& who, const Address& occupant);

}  // namespace sallyport::policy
