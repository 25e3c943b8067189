// Presence in a client's session. Its server keeps the roster and answers for it; what the guard sees to is that
// nothing is shown across the boundary that the account's subscriptions do not cover, whatever the server does
// (design.md section 6: a roster may close any pair, and opens those of the account's own sessions).
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "inspect/names.h"
#include "policy/presence/gate.h"
#include "policy/presence/roster.h"

namespace sallyport::policy::presence {
namespace {

/// The server keeps the states of RFC 6121 Appendix A; here only what follows for the gate is taken down.
Objection judge_word(const Gatekeeping& gate, Word word) {
  if (gate.from_room || gate.to_room) return Reason::PresenceRoomSubscription;
  using Act = Change::Act;
  const PairView pair = is_of_watcher(word) ? gate.of_addressee() : gate.of_sender();
  switch (word) {
    case Word::Subscribe:
      if (!gate.ledger.has_room_for(pair)) return Reason::PresenceLedgerFull;
      gate.on_release(Act::Ask, pair);
      break;
    case Word::Subscribed:
      // To a client an approval counts only if it was asked for here; else the roster has to say so.
      if (gate.run.crossing.client->from_client || gate.ledger.entry(pair).state == State::Pending)
        gate.on_release(Act::Open, pair);
      break;
    case Word::Unsubscribe:
    case Word::Unsubscribed:
      gate.on_release(Act::Close, pair);
      gate.run.intents.refusal.presence.add({Act::Close, pair, {}});
      break;
  }
  return std::nullopt;
}

Objection judge(const Gatekeeping& gate) {
  const StanzaFacts& facts = gate.run.facts;
  if (const auto of_subscription = word(facts.type)) return judge_word(gate, *of_subscription);
  if (is_own(gate.run, facts.from) && is_own(gate.run, facts.to)) return std::nullopt;
  // Servers answer probes, clients never (RFC 6121 4.3).
  if (facts.type == "probe") return Reason::PresenceProbeRefused;
  return gate.from_room || gate.to_room ? judge_room_presence(gate) : judge_availability(gate);
}

}  // namespace

Objection judge_session_presence(const Gatekeeping& gate) {
  const Objection objection = judge(gate);
  const std::string_view type = gate.run.facts.type;
  if (type.empty() || type == "unavailable") fold(gate);
  return objection;
}

namespace {

/// A server that is told a version need not send the roster (RFC 6121 2.6), and without it nothing opens.
void ask_for_all(Run& run) {
  if (run.facts.type != "get" || run.crossing.client->knows_roster) return;
  for (inspect::Node* child = run.stanza.first_child; child != nullptr; child = child->next) {
    if (!child->is(inspect::ns::kRoster, "query")) continue;
    const auto* version = child->attribute("ver");
    if (version == nullptr || version->empty()) continue;
    set_attribute(*child, "", "ver", "", run.scratch.arena);
    run.findings.add(Reason::PresenceRosterWhole);
  }
}

}  // namespace

void read_lists(const Gatekeeping& gate) {
  Run& run = gate.run;
  if (!gate.in_session || !is_own_account(run, run.facts.from) || !is_own_account(run, run.facts.to)) return;
  const bool from_client = run.crossing.client->from_client;
  const bool set = run.facts.type == "set";
  // Another client of the account is not its server.
  if (!(from_client ? run.facts.to : run.facts.from).is_bare()) return;
  if (from_client) ask_for_all(run);
  if (!set && (from_client || run.facts.type != "result")) return;
  const inspect::Node* query = run.stanza.child(inspect::ns::kRoster, "query");
  const inspect::Node* block = from_client ? run.stanza.child(inspect::ns::kBlocking, "block") : nullptr;
  using As = RosterSeen::As;
  RosterSeen seen{query, run.facts.from.bare(), from_client ? As::Removal : set ? As::Push : As::Roster};
  if (block != nullptr) seen = {block, seen.account, As::Block};
  if (seen.list == nullptr) return;
  run.intents.release.presence.roster = seen;
  // An end is an end, whether or not the client hears of it.
  if (seen.as == As::Push) run.intents.refusal.presence.roster = seen;
}

namespace {

/// What a contact list says of both directions.
struct Standing {
  Address contact;
  bool to = false;     ///< the account watches the contact
  bool from = false;   ///< the contact watches the account
  bool asked = false;  ///< the account has asked
  bool removed = false;
};

std::optional<Standing> read_item(const inspect::Node& item) {
  const auto* jid = item.attribute("jid");
  if (item.is_text() || item.name != "item" || jid == nullptr) return std::nullopt;
  Standing standing{.contact = Address::of_prepared(*jid)};
  const auto* subscription = item.attribute("subscription");
  const std::string_view says = subscription != nullptr ? *subscription : std::string_view("none");
  standing.to = says == "to" || says == "both";
  standing.from = says == "from" || says == "both";
  standing.removed = says == "remove";
  standing.asked = item.attribute("ask") != nullptr && !standing.removed;
  return standing;
}

class Comparison {
 public:
  Comparison(Ledger& ledger, const RosterSeen& seen, bool may_open, const Moment& now)
      : ledger_(ledger), account_(seen.account), may_open_(may_open), now_(now) {}

  void pair(const PairView& pair, bool stands, bool asked) {
    if (stands) {
      if (may_open_) ledger_.commit({Change::Act::Open, pair, {}}, now_);
    } else if (!asked) {
      end(pair);
    }
  }
  void item(const Standing& standing) {
    pair({account_, standing.contact.bare()}, standing.to, standing.asked);
    pair({standing.contact.bare(), account_}, standing.from, false);
    listed_.push_back(std::string(standing.contact.bare()));
  }
  /// Whoever is blocked sees the account no more, also when he is not any longer: he has to ask again (SUB-15).
  void block(const Standing& standing) { end({standing.contact.bare(), account_}); }
  /// What stood before and is not listed any more.
  void close_unlisted() {
    std::ranges::sort(listed_);
    std::vector<std::string> gone;
    ledger_.each([&](std::string_view of, const Entry& entry) {
      const PairView each = pair_of(of);
      const std::string_view contact = each.watcher == account_ ? each.watched : each.watcher;
      if (entry.state == State::Active && !std::ranges::binary_search(listed_, contact)) gone.emplace_back(of);
    });
    for (const std::string& of : gone) end(pair_of(of));
  }
  std::vector<std::string> take_ended() { return std::move(ended_); }

 private:
  void end(const PairView& pair) {
    // A request that waits for its answer is not in any roster.
    if (ledger_.entry(pair).state == State::Active || ledger_.shows_any(pair))
      ledger_.commit({Change::Act::Close, pair, {}}, now_);
    ended_.push_back(key(pair));
  }

  Ledger& ledger_;
  std::string_view account_;
  bool may_open_;
  const Moment& now_;
  std::vector<std::string> listed_, ended_;
};

}  // namespace

std::vector<std::string> follow(Ledger& ledger, const RosterSeen& seen, bool may_open, const Moment& now) {
  using As = RosterSeen::As;
  if (seen.list == nullptr) return {};
  Comparison comparison(ledger, seen, may_open, now);
  for (const inspect::Node& child : seen.list->children()) {
    const auto standing = read_item(child);
    if (!standing || standing->contact.empty()) continue;
    if (seen.as == As::Block) {
      comparison.block(*standing);
    } else if (seen.as != As::Removal || standing->removed) {
      comparison.item(*standing);
    }
  }
  if (seen.whole()) comparison.close_unlisted();
  return comparison.take_ended();
}

}  // namespace sallyport::policy::presence
