// What follows from the ledger without a stanza that asks for it: taking back what was shown, probing after a restart
// or an outage, sending what was held back; and keeping the ledger in its store (design.md 6, 7; P-00, P-03, PRE-15,
// PRE-16).
#include <algorithm>
#include <iterator>
#include <utility>

#include "inspect/serializer.h"
#include "policy/bounce.h"
#include "policy/hidden_resources.h"
#include "proxy/guard/admission.h"
#include "proxy/guard/lane.h"
#include "proxy/guard/route.h"
#include "proxy/guard/session.h"

namespace sallyport::guard {

using policy::Reason;
using policy::presence::Change;
using policy::presence::Due;
using policy::presence::PairView;
using std::chrono::milliseconds;

namespace {

/// Presence that is held back at once; beyond it a change is lost and the next one shows.
constexpr std::size_t kMostKept = 10'000, kMostKeptOctets = 16 * 1024 * 1024;
constexpr std::chrono::seconds kShownWritten{1};  // protocol.md 6.1
/// How often room is looked for on a route that has none for injections.
constexpr milliseconds kBacklogCheck{50};
/// An in-leg that was lost counts as lost for good after this.
constexpr std::chrono::seconds kLossGrace{30};

std::pair<std::string, std::string> kept_key(std::string_view from, std::string_view to) {
  return {std::string(from), std::string(policy::Address::of_prepared(to).bare())};
}

}  // namespace

std::uint64_t LaneState::commit(const policy::Changes& changes) {
  memory.commit(changes, policy_moment(now));
  if (changes.presence.empty()) return store_changes();
  for (const Change& change : changes.presence.all()) {
    if (change.act != Change::Act::Show && change.act != Change::Act::Hide) continue;
    // Something newer has come than what is held back.
    std::string from(change.pair.watched);
    if (!change.resource.empty()) from.append(1, '/').append(change.resource);
    forget_kept({std::move(from), std::string(change.pair.watcher)});
  }
  note_harvest();
  const std::uint64_t ticket = store_changes();
  rearm_presence();
  return ticket;
}

void LaneState::note_harvest() {
  for (const std::string& sender : memory.harvest.take_alarms()) {
    const auto* domain = bundle->domain(policy::Address::of_prepared(sender).domain);
    note(Reason::PresenceHarvestAlarm, domain ? bundle->enclave_of(*domain).name : std::string(), {{"from", sender}});
  }
}

std::uint64_t LaneState::store_changes() {
  if (store == nullptr) return 0;
  std::vector<StoredPair> pairs;
  for (std::string& key : memory.ledger.take_changed()) {
    const auto entry = memory.ledger.entry(policy::presence::pair_of(key));
    pairs.push_back({std::move(key), entry});
  }
  return pairs.empty() ? 0 : store->submit(std::move(pairs), {});
}

void LaneState::store_shown() {
  if (store == nullptr) return;
  std::vector<StoredShown> shown;
  for (std::string& key : memory.ledger.take_changed_shown()) {
    StoredShown row{std::move(key), {}};
    for (const auto& each : memory.ledger.shown_of(row.key))
      row.resources.emplace_back(each.resource, each.place != policy::presence::Shown::Place::Contact);
    shown.push_back(std::move(row));
  }
  if (!shown.empty()) store->submit({}, std::move(shown));
}

void LaneState::on_stored() {
  if (store == nullptr) return;
  if (store->has_failed() && !memory.ledger.has_failed()) {
    memory.ledger.fail();
    note(Reason::PresenceStoreFailed, "", {});
  }
  stored = store->committed();
  for (const std::uint64_t serial : std::exchange(parked, {}))
    if (Route* waiting = route(serial)) waiting->pump();
}

void LaneState::keep(std::string text, const policy::StanzaFacts& facts) {
  const PairView pair{facts.to.bare(), facts.from.bare()};
  const auto* shown = memory.ledger.shown(pair, facts.from.resource);
  const policy::Peering* peering = bundle->peering(facts.from.domain, facts.to.domain);
  if (shown == nullptr || peering == nullptr) return;
  const auto key = kept_key(facts.from.full, facts.to.full);
  forget_kept(key);
  if (kept.size() >= kMostKept || kept_octets + text.size() > kMostKeptOctets) return;
  kept_octets += text.size();
  const Steady due = Steady(shown->at) + std::chrono::seconds(peering->presence_rules.interval);
  kept.emplace(key, Kept{std::move(text), std::string(facts.to.full), due});
  kept_due.emplace(due, key);
  rearm_presence();
}

void LaneState::forget_kept(const std::pair<std::string, std::string>& key) {
  const auto found = kept.find(key);
  if (found == kept.end()) return;
  kept_octets -= found->second.xml.size();
  kept_due.erase({found->second.due, key});
  kept.erase(found);
}

void LaneState::forget_all_kept() {
  kept.clear();
  kept_due.clear();
  kept_octets = 0;
  rearm_presence();
}

void LaneState::send_kept() {
  while (!kept_due.empty() && kept_due.begin()->first <= now.steady) {
    const auto key = kept_due.begin()->second;
    const Kept held_back = kept.at(key);
    forget_kept(key);
    const auto from = policy::Address::of_prepared(key.first);
    const PairView pair{key.second, from.bare()};
    // It is sent only if it could cross now.
    const auto entry = memory.ledger.entry(pair);
    if (memory.ledger.has_failed() || entry.cancelled || entry.held) continue;
    if (memory.ledger.shown(pair, from.resource) == nullptr) continue;
    policy::Changes changes;
    changes.presence.add({Change::Act::Show, pair, from.resource});
    memory.commit(changes, policy_moment(now));
    inject_presence(key.first, held_back.to, "", held_back.xml, Reason::PresenceSentLater);
  }
}

void LaneState::inject_presence(const std::string& from, const std::string& to, std::string_view type,
                                std::string_view text, Reason reason) {
  const auto from_address = policy::Address::of_prepared(from), to_address = policy::Address::of_prepared(to);
  const policy::Domain* from_domain = bundle->domain(from_address.domain);
  const policy::Domain* to_domain = bundle->domain(to_address.domain);
  if (from_domain == nullptr || to_domain == nullptr) return;
  auto injection = std::make_unique<Waiting>();
  Letter& letter = injection->letter;
  policy::StanzaFacts facts;
  facts.kind = policy::Kind::Presence;
  facts.type = type;
  facts.from = from_address;
  facts.to = to_address;
  letter.write(facts, text);
  letter.injection = true;
  audit::StanzaRecord& record = injection->record;
  record.time = now.wall;
  record.from_enclave = bundle->enclave_of(*from_domain).name;
  record.to_enclave = bundle->enclave_of(*to_domain).name;
  record.from = from;
  record.to = to;
  const auto hidden = policy::hidden_sender(from_address, to_address, *bundle, scratch);
  if (hidden && hidden->full != from) record.from_out = hidden->full;
  record.kind = policy::name(policy::Kind::Presence);
  record.type = type;
  record.verdict = policy::name(policy::Verdict::Release);
  record.reason = policy::code(reason);
  record.bundle = bundle->hash();
  record.octets_out = text.size();
  record.sha256_out = sha256(text);
  backlog[{std::string(from_address.domain), std::string(to_address.domain)}].push_back(std::move(injection));
}

void LaneState::send_backlog() {
  for (auto at = backlog.begin(); at != backlog.end();) {
    auto& [pair, injections] = *at;
    const audit::StanzaRecord& record = injections.front()->record;
    const EdgeIndex from_edge = edge_of(record.from_enclave), to_edge = edge_of(record.to_enclave);
    if (from_edge == edges.size() || to_edge == edges.size()) {
      at = backlog.erase(at);
      continue;
    }
    Route& way = route_of({pair.first, pair.second}, from_edge, to_edge);
    while (!injections.empty() && way.has_room_for_injection()) {
      way.inject(std::move(*injections.front()));
      injections.pop_front();
    }
    at = injections.empty() ? backlog.erase(at) : std::next(at);
  }
}

void LaneState::send_due(const std::vector<Due>& all) {
  for (const Due& each : all) {
    const bool probe = each.what == Due::What::Probe;
    const std::string_view type = probe ? "probe" : "unavailable";
    // No judgement is under way, so nothing in the arena is in use.
    scratch.arena.clear();
    const auto from_out = policy::hidden_sender(policy::Address::of_prepared(each.from),
                                                policy::Address::of_prepared(each.to), *bundle, scratch);
    // It was never shown under that name.
    if (!from_out) continue;
    std::string text;
    inspect::serialize(*policy::make_presence(from_out->full, each.to, type, scratch.arena), inspect::ns::kServer,
                       text);
    inject_presence(each.from, each.to, type, text, probe ? Reason::PresenceProbed : Reason::PresenceTakenBack);
  }
}

void LaneState::on_presence_due() {
  send_kept();
  // P-00: taken back what no server has taken back itself.
  const std::vector<Due> taken_back = memory.ledger.due(policy_moment(now));
  send_due(taken_back);
  // Not a second later, so that a restart does not say it again.
  if (!taken_back.empty()) store_shown();
  for (auto at = lost_pairs.begin(); at != lost_pairs.end();) {
    if (at->second > now.steady) {
      ++at;
      continue;
    }
    const policy::Pair pair{at->first.first, at->first.second};
    at = lost_pairs.erase(at);
    const Route* back = find_route(pair.from, pair.to);
    if (back != nullptr && back->in() != nullptr) continue;
    const policy::Domain* domain = bundle->domain(pair.from);
    note(Reason::PresenceLost, domain ? bundle->enclave_of(*domain).name : std::string(),
         {{"from", pair.from}, {"to", pair.to}});
    memory.ledger.lose(pair.from, pair.to, policy_moment(now));
    send_due(memory.ledger.due(policy_moment(now)));
  }
  if (shown_due <= now.steady) {
    shown_due = kNever;
    store_shown();
  }
  rearm_presence();
}

void LaneState::on_pair_lost(const policy::Pair& pair) {
  lost_pairs.try_emplace({pair.from, pair.to}, now.steady + kLossGrace);
  rearm_presence();
}

void LaneState::on_pair_back(const policy::Pair& pair) {
  lost_pairs.erase({pair.from, pair.to});
  send_due(memory.ledger.regain(pair.from, pair.to, policy_moment(now)));
  rearm_presence();
}

bool LaneState::may_still_leave(const Letter& letter) const {
  if (letter.kind() != policy::Kind::Presence || !letter.type().empty()) return true;
  const auto from = policy::Address::of_prepared(letter.from()), to = policy::Address::of_prepared(letter.to());
  return !memory.ledger.entry({to.bare(), from.bare()}).cancelled;
}

void LaneState::on_undelivered(const Letter& letter) {
  if (letter.kind() != policy::Kind::Presence || letter.injection) return;
  const auto from = policy::Address::of_prepared(letter.from()), to = policy::Address::of_prepared(letter.to());
  policy::Changes changes;
  // SUB-03: a request that arrived nowhere is none; presence that arrived nowhere was not shown.
  if (letter.type() == "subscribe" &&
      memory.ledger.entry({from.bare(), to.bare()}).state == policy::presence::State::Pending)
    changes.presence.add({Change::Act::Close, {from.bare(), to.bare()}, {}});
  if (letter.type().empty()) changes.presence.add({Change::Act::Hide, {to.bare(), from.bare()}, from.resource});
  if (!changes.presence.empty()) commit(changes);
}

void LaneState::restore_presence() {
  send_due(memory.ledger.doubt_all(policy_moment(now)));
  if (store != nullptr) memory.ledger.keep_journal();
  rearm_presence();
}

bool LaneState::import(const PairView& pair) {
  // What was cancelled was cancelled after the export, or the operator says so by revoking nothing.
  if (memory.ledger.entry(pair).cancelled) return false;
  const bool taken = memory.ledger.import(pair, policy_moment(now));
  store_changes();
  return taken;
}

bool LaneState::revoke(const PairView& pair) {
  const bool any = memory.ledger.revoke(pair, policy_moment(now));
  store_changes();
  note(Reason::PresenceRevoked, "", {{"watcher", std::string(pair.watcher)}, {"watched", std::string(pair.watched)}});
  rearm_presence();
  return any;
}

void LaneState::rearm_presence() {
  send_backlog();
  Steady due = kept_due.empty() ? kNever : kept_due.begin()->first;
  if (!backlog.empty()) due = std::min(due, now.steady + kBacklogCheck);
  if (const auto next = memory.ledger.next_due()) due = std::min(due, Steady(*next));
  for (const auto& [pair, at] : lost_pairs) due = std::min(due, at);
  if (store != nullptr && shown_due == kNever && memory.ledger.has_changed_shown())
    shown_due = now.steady + kShownWritten;
  agenda.set(presence_serial, presence_due, std::min(due, shown_due));
}

void Lane::restore(const std::vector<StoredPair>& pairs, const std::vector<StoredShown>& shown, LedgerOutlet* store,
                   Moment now) {
  state_.now = now;
  for (const StoredPair& row : pairs) state_.memory.ledger.restore(row.key, row.entry);
  for (const StoredShown& row : shown)
    for (const auto& [resource, room] : row.resources) state_.memory.ledger.restore_shown(row.key, resource, room);
  state_.store = store;
  state_.restore_presence();
}

void Lane::on_stored(Moment now) {
  state_.now = now;
  state_.on_stored();
}

std::string Lane::ledger_lines(const std::string& watcher, const std::string& watched) const {
  std::string out;
  const policy::presence::Ledger& ledger = state_.memory.ledger;
  ledger.each([&](std::string_view key, const policy::presence::Entry& entry) {
    const PairView pair = policy::presence::pair_of(key);
    if ((!watcher.empty() && pair.watcher != watcher) || (!watched.empty() && pair.watched != watched)) return;
    out.append(pair.watcher).append(1, ' ').append(pair.watched).append(1, ' ');
    const bool none = entry.state == policy::presence::State::None;
    out.append(none && entry.is_refused() ? "refused" : none && entry.cancelled ? "cancelled" : name(entry.state));
    out.append(1, ' ').append(name(entry.origin)).append(1, ' ').append(std::to_string(entry.since));
    if (const auto shown = std::ranges::distance(ledger.shown_of(key)); shown != 0)
      out.append(" shown ").append(std::to_string(shown));
    out.append(1, '\n');
  });
  return out;
}

std::size_t Lane::import(const std::vector<std::pair<std::string, std::string>>& pairs, Moment now) {
  state_.now = now;
  std::size_t taken = 0;
  for (const auto& [watcher, watched] : pairs) taken += state_.import({watcher, watched}) ? 1 : 0;
  state_.note(Reason::PresenceImported, "", {{"pairs", std::to_string(taken)}});
  return taken;
}

bool Lane::revoke(const std::string& watcher, const std::string& watched, Moment now) {
  state_.now = now;
  return state_.revoke({watcher, watched});
}

}  // namespace sallyport::guard
