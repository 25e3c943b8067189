// What a judgement wants changed in what the guard remembers (design.md section 3, steps 4 and 7).
#pragma once

#include "policy/presence/changes.h"
#include "policy/rate.h"
#include "policy/tracking/iq_table.h"
#include "policy/tracking/recent.h"

namespace sallyport::policy {

/// One set of changes: a member for each part of Memory, of a type in that part's own header, named as the part is
/// there. Its texts are views that live as long as the frame and the arena of the batch; commit() copies what stays. A
/// default one changes nothing.
struct Changes {
  presence::Changes presence;
  RateChange rates = {};
  IqChange iq;
  RecentChange recent;
};

/// What is committed depends on what becomes of the stanza, which the lane knows last: a release may still fail the
/// output check. Exactly one of the two is committed, once.
struct Intents {
  Changes release;  ///< before the stanza leaves
  Changes refusal;  ///< when it is refused, dropped or answered, or its leg is severed
};

}  // namespace sallyport::policy
