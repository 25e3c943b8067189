// What the roster of a client's session means for a ledger.
#pragma once

#include <string>
#include <vector>

#include "policy/moment.h"
#include "policy/presence/changes.h"
#include "policy/presence/ledger.h"

namespace sallyport::policy::presence {

/// Opens and closes the pairs of the session's ledger as the roster says; without `may_open`, as for a push that does
/// not cross, only closes. Gives the keys of all pairs that the roster says do not stand: they may stand open between
/// servers. A whole roster ends what it does not list.
std::vector<std::string> follow(Ledger& ledger, const RosterSeen& seen, bool may_open, const Moment& now);

}  // namespace sallyport::policy::presence
