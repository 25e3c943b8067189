#include "policy/tracking/acquaintance.h"

namespace sallyport::policy {
namespace {

/// Whether nothing more is asked than that it was never said to be over.
bool is_lenient(const Run& run) {
  const presence::Settings& settings = run.peering->presence_rules;
  return settings.gate == presence::Gate::Revoked || settings.phase != presence::Phase::Enforce;
}

}  // namespace

bool may_see(const Run& run, const Address& watcher, const Address& watched) {
  if (is_own(run, watcher) && is_own(run, watched)) return true;
  if (run.peering->presence_rules.gate == presence::Gate::Open) return true;
  const presence::Entry entry = run.ledger().entry({watcher.bare(), watched.bare()});
  return entry.state == presence::State::Active || (is_lenient(run) && !entry.cancelled);
}

bool was_shown(const Run& run, const Address& watcher, const Address& full) {
  if (is_own(run, watcher) && is_own(run, full)) return true;
  // A server shows the session to all who may see it.
  if (is_own_account(run, full) && may_see(run, watcher, full)) return true;
  if (run.ledger().shown({watcher.bare(), full.bare()}, full.resource) != nullptr) return true;
  const bool strict = run.peering->presence_rules.gate == presence::Gate::Strict && !is_lenient(run);
  return !strict && may_see(run, watcher, full);
}

bool is_in_room(const Run& run, const Address& who, const Address& occupant) {
  return run.ledger().shown({occupant.bare(), who.bare()}, who.resource) != nullptr;
}

}  // namespace sallyport::policy
