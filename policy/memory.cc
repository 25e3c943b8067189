#include "policy/memory.h"

namespace sallyport::policy {

void Memory::commit(const Changes& changes, const Moment& now, presence::Ledger& of) {
  for (const presence::Change& change : changes.presence.all()) {
    of.commit(change, now);
    harvest.commit(change, now);
  }
  rates.commit(changes.rates, now);
  iq.commit(changes.iq, now);
  recent.commit(changes.recent, now);
}

}  // namespace sallyport::policy
