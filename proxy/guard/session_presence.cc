// The subscriptions of a session's account: what it has seen of them, and what follows (design.md section 6).
#include <algorithm>
#include <utility>

#include "policy/presence/roster.h"
#include "proxy/guard/session.h"

namespace sallyport::guard {

using policy::Reason;
using policy::presence::Change;
using policy::presence::Due;

void Session::commit(const policy::Changes& changes, bool crosses) {
  const policy::Moment moment = policy_moment(lane_.now);
  lane_.memory.commit(changes, moment, state_->ledger);
  lane_.note_harvest();
  const policy::presence::RosterSeen& roster = changes.presence.roster;
  std::vector<std::string> ended = policy::presence::follow(state_->ledger, roster, crosses, moment);
  state_->knows_roster = state_->knows_roster || (crosses && roster.whole);
  for (const Change& change : changes.presence.all())
    if (change.act == Change::Act::Close) ended.push_back(policy::presence::key(change.pair));
  if (!ended.empty()) lane_.tell_ended(std::move(ended), roster.whole);
  if (turn_ == Turn::Open) enter(turn_, turn_ends_);
}

Steady Session::presence_due() const {
  if (!state_ || turn_ != Turn::Open) return kNever;
  const auto next = state_->ledger.next_due();
  return next ? Steady(*next) : kNever;
}

/// P-00: takes back what its server has not taken back itself.
void Session::on_presence_due() {
  for (const Due& each : state_->ledger.due(policy_moment(lane_.now))) {
    // No judgement is under way, so nothing in the arena is in use.
    lane_.scratch.arena.clear();
    inspect::TreeEditor edit(lane_.scratch.arena);
    inspect::Node* stanza = edit.element(inspect::ns::kContent, "presence");
    edit.set_attribute(*stanza, "from", each.from);
    edit.set_attribute(*stanza, "to", each.to);
    edit.set_attribute(*stanza, "type", "unavailable");
    const bool to_client = policy::Address::of_prepared(state_->jid).bare() == each.to;
    if (auto injection = make_injection(*stanza, Reason::PresenceTakenBack, to_client ? Way::ToClient : Way::ToServer))
      inject(std::move(injection), 0);
  }
}

}  // namespace sallyport::guard
