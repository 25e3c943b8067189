#include "policy/memory.h"

namespace sallyport::policy {

void Memory::commit(const Changes& changes, const Moment& now) {
  for (const presence::Change& change : changes.presence.all()) {
    ledger.commit(change, now);
    harvest.commit(change, now);
  }
  rates.commit(changes.rates, now);
}

}  // namespace sallyport::policy
