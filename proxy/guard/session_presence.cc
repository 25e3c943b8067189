// The subscriptions of a session's account: what it has seen of them, and what follows (design.md section 6).
#include <algorithm>
#include <utility>

#include "inspect/normal_form.h"
#include "policy/bounce.h"
#include "policy/presence/roster.h"
#include "proxy/guard/session.h"

namespace sallyport::guard {

using policy::Reason;
using policy::presence::Change;
using policy::presence::Due;

namespace {

/// Of presence that comes before the roster; beyond it a contact is seen when his presence changes.
constexpr std::size_t kMostEarly = 512, kMostEarlyOctets = 128 * 1024;

}  // namespace

void Session::commit(const policy::Changes& changes, bool crosses) {
  const policy::Moment moment = policy_moment(lane_.now);
  lane_.memory.commit(changes, moment, state_->ledger);
  lane_.note_harvest();
  const policy::presence::RosterSeen& roster = changes.presence.roster;
  std::vector<std::string> ended = policy::presence::follow(state_->ledger, roster, crosses, moment);
  state_->knows_roster = state_->knows_roster || (crosses && roster.whole());
  for (const Change& change : changes.presence.all())
    if (change.act == Change::Act::Close) ended.push_back(policy::presence::key(change.pair));
  if (!ended.empty()) lane_.tell_ended(std::move(ended), roster.whole());
  if (turn_ == Turn::Open) enter(turn_, turn_ends_);
}

void Session::keep_early(const policy::Judgement& judgement, const inspect::Node& node) {
  const policy::StanzaFacts& facts = judgement.facts;
  if (facts.kind != policy::Kind::Presence || state_->knows_roster) return;
  auto& early = state_->early_presence;
  // What came last counts; of unavailable nobody need hear who has not heard of the other.
  if (const auto before = early.find(facts.from.full); before != early.end()) {
    state_->early_octets -= before->second.size();
    early.erase(before);
  }
  if (policy::lets_leave(judgement.verdict) || !judgement.intents.refusal.presence.keeps_stanza) return;
  if (state_->early_policy != lane_.bundle->hash()) {
    early.clear();
    state_->early_octets = 0;
    state_->early_policy = lane_.bundle->hash();
  }
  std::string octets;
  inspect::encode(node, octets);
  if (early.size() >= kMostEarly || state_->early_octets + octets.size() > kMostEarlyOctets) return;
  state_->early_octets += octets.size();
  early.emplace(facts.from.full, std::move(octets));
}

void Session::send_early() {
  state_->early_octets = 0;
  if (state_->early_policy != lane_.bundle->hash()) return state_->early_presence.clear();
  const std::string_view account = policy::Address::of_prepared(state_->jid).bare();
  for (const auto& [from, octets] : std::exchange(state_->early_presence, {})) {
    const auto sender = policy::Address::of_prepared(from);
    const policy::presence::PairView pair{account, sender.bare()};
    const policy::presence::Ledger& ledger = state_->ledger;
    if (!ledger.is_open(pair)) continue;
    // What is not taken down could not be taken back.
    if (ledger.shown(pair, sender.resource) == nullptr && !ledger.has_room_for_shown(pair)) continue;
    const auto node = lane_.decode_again(octets);
    auto injection = node ? make_injection(**node, Reason::PresenceSentLater, Way::ToClient) : nullptr;
    if (!injection) continue;
    state_->ledger.commit({Change::Act::Show, pair, sender.resource}, policy_moment(lane_.now));
    inject(std::move(injection), 0);
  }
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
    const inspect::Node* stanza = policy::make_presence(each.from, each.to, "unavailable", lane_.scratch.arena);
    const bool to_client = policy::Address::of_prepared(state_->jid).bare() == each.to;
    if (auto injection = make_injection(*stanza, Reason::PresenceTakenBack, to_client ? Way::ToClient : Way::ToServer))
      inject(std::move(injection), 0);
  }
}

}  // namespace sallyport::guard
