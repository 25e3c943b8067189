// What one guard lane remembers between stanzas (design.md section 6).
#pragma once

#include "policy/intents.h"
#include "policy/moment.h"
#include "policy/presence/harvest.h"
#include "policy/presence/ledger.h"
#include "policy/rate.h"

namespace sallyport::policy {

/// A member for each part, of a type in a header of its own: const queries for the stages, and commit(its change, now)
/// for the lane. Every part is bounded. One per guard lane, not shared. Does no I/O: what must outlive the process is
/// written by the lane, before it commits what opens a gate.
struct Memory {
  /// With the default secret what it draws by chance can be foreseen: for tests, and where nothing leaves.
  explicit Memory(const Secret& secret = {}, const IqTable::Bounds& requests = IqTable::Bounds{})
      : iq(secret, requests), recent(secret), ledger(secret) {}

  IqTable iq;
  RecentStanzas recent;
  presence::Ledger ledger;
  presence::Harvest harvest;
  RateBuckets rates{};

  /// Makes the changes of one judgement. The stages see them from the next stanza on.
  void commit(const Changes& changes, const Moment& now) { commit(changes, now, ledger); }
  /// ... of a client's session, which has a ledger of its own. Rosters are not followed here.
  void commit(const Changes& changes, const Moment& now, presence::Ledger& of);
};

}  // namespace sallyport::policy
