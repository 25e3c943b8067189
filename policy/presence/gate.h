// The parts of the presence stage. For its own files only.
#pragma once

#include "policy/presence/changes.h"
#include "policy/presence/ledger.h"
#include "policy/presence/settings.h"
#include "policy/stage.h"

namespace sallyport::policy::presence {

/// One run of the stage.
struct Gatekeeping {
  Run& run;
  const Settings& settings;
  const Ledger& ledger;
  bool from_room, to_room;  ///< the address is at a listed room service
  bool from_account, to_account;
  bool in_session;  ///< of a client; else between servers

  /// "whoever is addressed watches the sender", and the reverse.
  PairView of_sender() const { return {run.facts.to.bare(), run.facts.from.bare()}; }
  PairView of_addressee() const { return {run.facts.from.bare(), run.facts.to.bare()}; }
  void on_release(Change::Act act, PairView pair, std::string_view resource = {}) const {
    run.intents.release.presence.add({act, pair, resource});
  }
  /// Whether the watcher may know that the watched is there, as the gate of this direction sees it.
  bool may_know(const PairView& pair) const { return may_know(ledger.entry(pair)); }
  bool may_know(const Entry& entry) const;
};

Objection judge_subscription(const Gatekeeping& gate, Word word);
Objection judge_availability(const Gatekeeping& gate);
Objection judge_room_presence(const Gatekeeping& gate);
/// What a client and its own server say to each other (protocol.md P-13; design.md section 6): subscriptions follow
/// what the server says of the account's roster.
Objection judge_session_presence(const Gatekeeping& gate);
/// Takes down what rosters, and block lists of the client, say of subscriptions.
void read_lists(const Gatekeeping& gate);
/// Receipts, markers, chat states, PEP events, and messages to a resource (protocol.md 6.4, 9.2).
Objection judge_message(const Gatekeeping& gate);
/// Requests to accounts (P-07, Q-10).
Objection judge_request(const Gatekeeping& gate);
/// Takes out of presence what the peering does not let cross (P-03, P-14, P-15, P-10).
void fold(const Gatekeeping& gate);

}  // namespace sallyport::policy::presence
