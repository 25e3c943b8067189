// Stage 5, presence: no one across the boundary learns who is there unless a subscription that both sides made says so,
// and the policy agrees (protocol.md section 6).
#include "policy/presence/gate.h"

#include "policy/tracking/level.h"

namespace sallyport::policy {
namespace presence {
namespace {

using std::chrono::seconds;

std::uint32_t now_seconds(const Moment& now) {
  return static_cast<std::uint32_t>(std::chrono::floor<seconds>(now.wall.time_since_epoch()).count());
}

/// A time in seconds is not further back than that. A clock that was set back makes it so too.
bool within(std::uint32_t at, std::chrono::seconds span, const Moment& now) {
  return at != 0 && static_cast<std::int64_t>(now_seconds(now)) < static_cast<std::int64_t>(at) + span.count();
}

bool within(std::chrono::milliseconds at, std::chrono::milliseconds span, const Moment& now) {
  return now.steady < at + span;
}

/// Subscription stanzas whose transition crosses all the same, or does not.
Objection judge_forward(const Gatekeeping& gate, Word word, const Entry& entry, Forward forward) {
  const Moment& now = gate.run.now;
  switch (forward) {
    case Forward::Yes:
      return std::nullopt;
    case Forward::OnceADay:
      if (within(entry.asked, kAskAgain, now)) return Reason::PresenceAskedLately;
      return std::nullopt;
    case Forward::IfJustAsked:
      if (!within(entry.asked, kResync, now)) return Reason::PresenceNotAsked;
      return std::nullopt;
    case Forward::No:
      return word == Word::Unsubscribe ? Reason::PresenceNotSubscribed : Reason::PresenceNotAsked;
  }
  return Reason::PolicyUndecided;
}

bool ends(Word word) {
  return word == Word::Unsubscribe || word == Word::Unsubscribed;
}

/// Where presence crosses of pairs that the ledger does not know, so does their end, which it has to know.
bool ends_what_nobody_knows(const Gatekeeping& gate, Word word, const Entry& entry) {
  const bool known = entry.state != State::None || entry.cancelled || entry.is_refused();
  return ends(word) && !known && (gate.may_know(entry) || gate.settings.phase != Phase::Enforce);
}

bool says_gone(const inspect::Node& stanza, bool& self) {
  // XEP-0045 15.6.2: 110 is about oneself; 303 says that the nick has changed, and the occupant stays.
  const inspect::Node* user = stanza.child("http://jabber.org/protocol/muc#user", "x");
  bool renamed = false;
  self = false;
  if (user == nullptr) return false;
  for (const inspect::Node& child : user->children()) {
    if (child.name != "status") continue;
    const auto* code = child.attribute("code");
    self = self || (code && *code == "110");
    renamed = renamed || (code && *code == "303");
  }
  return self && !renamed;
}

}  // namespace

bool Gatekeeping::may_know(const Entry& entry) const {
  if (settings.gate == Gate::Open) return true;
  if (settings.gate == Gate::Revoked) return !entry.cancelled || entry.state == State::Active;
  return entry.state == State::Active;
}

Objection judge_subscription(const Gatekeeping& gate, Word word) {
  const bool asks = is_of_watcher(word);
  if (gate.from_room || gate.to_room) return Reason::PresenceRoomSubscription;
  const PairView pair = asks ? gate.of_addressee() : gate.of_sender();
  const Entry entry = gate.ledger.entry(pair);
  const Transition step = transition(word, entry.state);
  using Act = Change::Act;
  if (word == Word::Subscribe && !gate.ledger.has_room_for(pair)) return Reason::PresenceLedgerFull;
  // A server that refuses in no time does it for an account that does not exist (design.md section 10). What the asker
  // may know of somebody whom it shows itself to is another matter.
  const bool at_once = word == Word::Unsubscribed && entry.state == State::Pending &&
                       within(entry.asked, kDeniedAtOnce, gate.run.now) && !gate.ledger.is_open(gate.of_addressee());
  if (at_once) {
    gate.run.intents.refusal.presence.add({Act::Refuse, pair, {}});
    return Reason::PresenceDeniedAtOnce;
  }
  // Whoever asks must not tell by asking again whether he was refused or nobody has answered.
  Forward forward = word == Word::Subscribe && entry.is_refused() ? Forward::OnceADay : step.forward;
  if (ends(word) && entry.is_untold()) forward = Forward::Yes;
  const auto objection = judge_forward(gate, word, entry, forward);
  if (objection && ends_what_nobody_knows(gate, word, entry)) {
    gate.on_release(Act::End, pair);
    gate.run.intents.refusal.presence.add({Act::End, pair, {}});
    return gate.may_know(entry) ? std::nullopt : objection;
  }
  if (objection) {
    // An end is an end, whether or not it may be told: what was shown is taken back, and a request is none any more.
    const bool is_end = asks ? word == Word::Unsubscribe && entry.is_refused()
                             : step.next == State::None && gate.ledger.shows_any(pair);
    if (is_end) gate.run.intents.refusal.presence.add({Act::Close, pair, {}});
    return objection;
  }
  switch (word) {
    case Word::Subscribe:
      gate.on_release(Act::Ask, pair);
      break;
    case Word::Subscribed:
      gate.on_release(Act::Open, pair);
      break;
    case Word::Unsubscribe:
    case Word::Unsubscribed:
      gate.on_release(Act::Close, pair);
      // It takes effect even if another stage does not let the word itself cross.
      gate.run.intents.refusal.presence.add({Act::Close, pair, {}});
      break;
  }
  return std::nullopt;
}

namespace {

Objection judge_available(const Gatekeeping& gate) {
  const PairView pair = gate.of_sender();
  const std::string_view resource = gate.run.facts.from.resource;
  const Moment& now = gate.run.now;
  const Entry entry = gate.ledger.entry(pair);
  // New presence of somebody who had answered with an error: he can be told again (PRE-14).
  if (gate.ledger.entry(gate.of_addressee()).held) gate.on_release(Change::Act::Resume, gate.of_addressee());
  const bool asked = within(entry.probed, kProbeAnswers, now);
  if (!gate.may_know(entry)) {
    if (entry.cancelled) return Reason::PresenceAfterCancellation;
    const ClientSession* client = gate.run.crossing.client;
    if (client != nullptr && !client->from_client && !client->knows_roster && gate.settings.phase == Phase::Enforce) {
      // The client may ask for its roster after it has said that it is there (ROS-04).
      gate.run.intents.refusal.presence.keeps_stanza = true;
      return Reason::PresenceRosterAwaited;
    }
    if (gate.settings.phase != Phase::Learn || !asked) return Reason::PresenceNotSubscribed;
    if (!gate.ledger.has_room_for(pair)) return Reason::PresenceLedgerFull;
    gate.on_release(Change::Act::Learn, pair);
    gate.run.findings.add(Reason::PresenceLearned);
  }
  if (entry.held && entry.state == State::Active) return Reason::PresenceHeld;
  const Shown* shown = gate.ledger.shown(pair, resource);
  if (shown == nullptr && !gate.ledger.has_room_for_shown(pair)) return Reason::PresenceTooMany;
  const seconds interval(gate.in_session ? 0 : gate.settings.interval);
  if (shown != nullptr && !shown->doubtful && !asked && within(shown->at, interval, now)) {
    gate.run.intents.refusal.presence.keeps_stanza = true;
    return Reason::PresenceCoalesced;
  }
  gate.on_release(Change::Act::Show, pair, resource);
  return std::nullopt;
}

Objection judge_unavailable(const Gatekeeping& gate) {
  const PairView pair = gate.of_sender();
  const std::string_view resource = gate.run.facts.from.resource;
  if (resource.empty()) {
    // P-04: an acknowledgement of a request would say that the account exists.
    if (gate.may_know(pair) && !gate.ledger.shows_any(pair)) return std::nullopt;
    return Reason::PresenceNotShown;
  }
  if (gate.ledger.shown(pair, resource) == nullptr) {
    if (gate.settings.gate == Gate::Open) return std::nullopt;
    return Reason::PresenceNotShown;
  }
  gate.on_release(Change::Act::Hide, pair, resource);
  return std::nullopt;
}

Objection judge_probe(const Gatekeeping& gate) {
  const PairView pair = gate.of_addressee();
  if (!gate.may_know(pair)) {
    // A site that learns has to remember who asked.
    if (gate.settings.phase == Phase::Learn && gate.ledger.has_room_for(pair))
      gate.on_release(Change::Act::Inquire, pair);
    return Reason::PresenceProbeRefused;
  }
  gate.on_release(Change::Act::Probe, pair);
  return std::nullopt;
}

/// An error answers something that crossed lately, or it is an attempt to be noticed.
Objection judge_error(const Gatekeeping& gate) {
  const PairView shown = gate.of_addressee();
  const auto at = gate.ledger.shown_at(shown);
  const bool is_shown_by_server = gate.in_session && gate.ledger.is_open(shown);
  const bool answers_presence = is_shown_by_server || (at && within(*at, kErrorAnswers, gate.run.now));
  const bool answers_request = within(gate.ledger.entry(gate.of_sender()).asked, kErrorAnswers, gate.run.now);
  if (!answers_presence && !answers_request) return Reason::PresenceErrorUnasked;
  // What a client takes its own server heeds, which alone hears when it shows itself again.
  const bool holds = answers_presence && !(gate.in_session && gate.run.crossing.client->from_client);
  if (holds) {
    gate.on_release(Change::Act::Hold, shown);
    // It says that the watcher takes no more, also where whoever is watched must not hear it.
    gate.run.intents.refusal.presence.add({Change::Act::Hold, shown, {}});
  }
  return std::nullopt;
}

}  // namespace

Objection judge_availability(const Gatekeeping& gate) {
  const std::string_view type = gate.run.facts.type;
  if (type.empty()) return judge_available(gate);
  if (type == "unavailable") return judge_unavailable(gate);
  if (type == "probe") return judge_probe(gate);
  return judge_error(gate);
}

namespace {

/// Of an account to a room or an occupant: the join is what allows the rest.
Objection judge_to_room(const Gatekeeping& gate) {
  const PairView pair = gate.of_sender();
  const StanzaFacts& facts = gate.run.facts;
  const Shown* there = gate.ledger.shown(pair, facts.from.resource);
  if (facts.type.empty()) {
    if (there == nullptr && !gate.ledger.has_room_for_shown(pair)) return Reason::PresenceTooMany;
    gate.on_release(Change::Act::Enter, pair, facts.from.resource);
    return std::nullopt;
  }
  if (facts.type == "probe") return Reason::PresenceProbeRefused;
  if (there == nullptr) return Reason::PresenceRoomNotJoined;
  if (facts.type == "unavailable") gate.on_release(Change::Act::Leave, pair, facts.from.resource);
  return std::nullopt;
}

/// Of a room or an occupant to an account.
Objection judge_from_room(const Gatekeeping& gate) {
  const PairView pair = gate.of_addressee();
  const StanzaFacts& facts = gate.run.facts;
  const Shown* there = gate.ledger.shown(pair, facts.to.resource);
  if (there == nullptr || facts.type == "probe") return Reason::PresenceRoomNotJoined;
  const bool left = there->place == Shown::Place::Left;
  if (facts.type.empty()) {
    if (left) return Reason::PresenceRoomNotJoined;
    bool self = false;
    says_gone(gate.run.stanza, self);
    if (self && there->place == Shown::Place::Entering) gate.on_release(Change::Act::Confirm, pair, facts.to.resource);
    return std::nullopt;
  }
  bool self = false;
  const bool gone = facts.type == "unavailable" && says_gone(gate.run.stanza, self);
  const bool turned_away = facts.type == "error" && there->place == Shown::Place::Entering;
  if (gone || turned_away) gate.on_release(Change::Act::Hide, pair, facts.to.resource);
  return std::nullopt;
}

}  // namespace

Objection judge_room_presence(const Gatekeeping& gate) {
  return gate.to_room ? judge_to_room(gate) : judge_from_room(gate);
}

namespace {

Objection judge_kind(const Gatekeeping& gate) {
  const StanzaFacts& facts = gate.run.facts;
  switch (gate.run.kind) {
    case Kind::Message:
      return judge_message(gate);
    case Kind::Iq:
      read_lists(gate);
      return facts.type == "get" || facts.type == "set" ? judge_request(gate) : std::nullopt;
    case Kind::Presence:
      break;
  }
  if (gate.in_session) return judge_session_presence(gate);
  if (gate.ledger.has_failed()) return Reason::PresenceStoreFailed;
  if (const auto of_subscription = word(facts.type)) return judge_subscription(gate, *of_subscription);
  Objection objection = gate.from_room || gate.to_room ? judge_room_presence(gate) : judge_availability(gate);
  if (facts.type.empty() || facts.type == "unavailable") fold(gate);
  return objection;
}

/// A site that learns or is warned lets through what was never said to be over.
bool is_overlooked(const Gatekeeping& gate, Reason reason) {
  if (gate.settings.phase == Phase::Enforce) return false;
  switch (reason) {
    case Reason::PresenceNotSubscribed:
    case Reason::PresenceProbeRefused:
    case Reason::PresenceNotAsked:
    case Reason::PresenceNotShown:
    case Reason::PresenceRoomNotJoined:
    case Reason::PresenceErrorUnasked:
    case Reason::PresenceStranger:
    case Reason::PresenceResourceNotShown:
      return !gate.ledger.entry(gate.of_sender()).cancelled && !gate.ledger.entry(gate.of_addressee()).cancelled;
    default:
      return false;
  }
}

}  // namespace
}  // namespace presence

Objection presence_stage(Run& run) {
  if (run.peering == nullptr) return std::nullopt;
  const presence::Settings& settings = run.peering->presence_rules;
  const auto is_account = [&](const Address& address) {
    return is_own_account(run, address) || is_of_user(run, address);
  };
  const presence::Gatekeeping gate{.run = run,
                                   .settings = settings,
                                   .ledger = run.ledger(),
                                   .from_room = settings.is_room_service(run.facts.from.domain),
                                   .to_room = settings.is_room_service(run.facts.to.domain),
                                   .from_account = is_account(run.facts.from),
                                   .to_account = is_account(run.facts.to),
                                   .in_session = run.crossing.client != nullptr};
  const Objection objection = presence::judge_kind(gate);
  if (!objection || !presence::is_overlooked(gate, *objection)) return objection;
  run.findings.add(*objection);
  if (run.kind == Kind::Presence && run.facts.type.empty() && !gate.from_room && !gate.to_room)
    gate.on_release(presence::Change::Act::Show, gate.of_sender(), run.facts.from.resource);
  return std::nullopt;
}

}  // namespace sallyport::policy
