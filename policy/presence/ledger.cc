#include "policy/presence/ledger.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace sallyport::policy::presence {
namespace {

using std::chrono::milliseconds;

constexpr std::array<std::string_view, 4> kOrigins = {"wire", "import", "learned", "operator"};
constexpr char kBetween = '\n';
constexpr std::size_t kMostLost = 100'000;

std::uint32_t seconds(const Moment& now) {
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(now.wall.time_since_epoch()).count());
}

std::string_view domain_of(std::string_view bare) {
  const std::size_t at = bare.find('@');
  return at == std::string_view::npos ? bare : bare.substr(at + 1);
}

bool is_in(Shown::Place place) {
  return place == Shown::Place::Entering || place == Shown::Place::Room;
}

}  // namespace

std::string_view name(Origin origin) {
  return kOrigins[static_cast<std::size_t>(origin)];
}

std::optional<Origin> origin(std::string_view wanted) {
  for (std::size_t i = 0; i < kOrigins.size(); ++i)
    if (kOrigins[i] == wanted) return static_cast<Origin>(i);
  return std::nullopt;
}

std::string key(const PairView& pair) {
  std::string text;
  text.reserve(pair.watcher.size() + 1 + pair.watched.size());
  text.append(pair.watcher).append(1, kBetween).append(pair.watched);
  return text;
}

PairView pair_of(std::string_view key) {
  const std::size_t at = key.find(kBetween);
  return {key.substr(0, at), key.substr(at + 1)};
}

std::size_t Ledger::Hash::operator()(const PairView& pair) const {
  // The longest bare JID has 1 + 256 + 253 octets; anything longer takes the slow way.
  std::array<char, 1100> text;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled as far as it is read
  const std::size_t size = pair.watcher.size() + 1 + pair.watched.size();
  if (size > text.size()) return (*this)(std::string_view(key(pair)));
  std::memcpy(text.data(), pair.watcher.data(), pair.watcher.size());
  text[pair.watcher.size()] = kBetween;
  std::memcpy(text.data() + pair.watcher.size() + 1, pair.watched.data(), pair.watched.size());
  return (*this)(std::string_view(text.data(), size));
}

bool Ledger::Equal::operator()(const PairView& pair, std::string_view text) const {
  return text.size() == pair.watcher.size() + 1 + pair.watched.size() && text.starts_with(pair.watcher) &&
         text[pair.watcher.size()] == kBetween && text.ends_with(pair.watched);
}

Entry Ledger::entry(const PairView& pair) const {
  const auto found = pairs_.find(pair);
  return found == pairs_.end() ? Entry() : found->second;
}

const Shown* Ledger::shown(const PairView& pair, std::string_view resource) const {
  const auto found = shown_.find(pair);
  if (found == shown_.end()) return nullptr;
  const auto at = std::ranges::find(found->second, resource, &Shown::resource);
  return at == found->second.end() ? nullptr : &*at;
}

bool Ledger::shows_any(const PairView& pair) const {
  return shown_.contains(pair);
}

std::optional<milliseconds> Ledger::shown_at(const PairView& pair) const {
  const auto found = shown_.find(pair);
  if (found == shown_.end()) return std::nullopt;
  return std::ranges::max(found->second, {}, &Shown::at).at;
}

bool Ledger::has_room_for(const PairView& pair) const {
  return (pairs_.size() < kMostPairs && pending_ < kMostPending) || pairs_.contains(pair);
}

bool Ledger::has_room_for_shown(const PairView& pair) const {
  if (shown_count_ >= kMostShown) return false;
  const auto found = shown_.find(pair);
  return found == shown_.end() || found->second.size() < kMostShownToOne;
}

Entry* Ledger::find(const PairView& pair) {
  const auto found = pairs_.find(pair);
  return found == pairs_.end() ? nullptr : &found->second;
}

Entry* Ledger::find_or_add(const PairView& pair) {
  if (Entry* found = find(pair)) return found;
  if (pairs_.size() >= kMostPairs) return nullptr;
  return &pairs_.try_emplace(key(pair)).first->second;
}

std::vector<Shown>* Ledger::find_shown(const PairView& pair) {
  const auto found = shown_.find(pair);
  return found == shown_.end() ? nullptr : &found->second;
}

void Ledger::enter(Entry& entry, State state, Origin origin, const Moment& now) {
  if (entry.state == State::Pending) --pending_;
  if (state == State::Pending) ++pending_;
  entry.state = state;
  entry.origin = origin;
  entry.since = seconds(now);
}

void Ledger::note(const PairView& pair) {
  if (journal_) changed_.insert(key(pair));
}

void Ledger::note_shown(const PairView& pair) {
  if (journal_) changed_shown_.insert(key(pair));
}

void Ledger::commit(const Change& change, const Moment& now) {
  using Act = Change::Act;
  switch (change.act) {
    case Act::Ask:
      if (Entry* entry = find_or_add(change.pair)) {
        if (entry->state == State::None) enter(*entry, State::Pending, Origin::Wire, now);
        entry->asked = seconds(now);
        note(change.pair);
      }
      return;
    case Act::Open:
      return open(change.pair, Origin::Wire, now);
    case Act::Learn:
      return open(change.pair, Origin::Learned, now);
    case Act::Close:
      return close(change.pair, Origin::Wire, now);
    case Act::Probe:
    case Act::Inquire:
      if (Entry* entry = change.act == Act::Probe ? find(change.pair) : find_or_add(change.pair)) {
        entry->probed = seconds(now);
        if (std::exchange(entry->held, false)) note(change.pair);
      }
      return;
    case Act::Hold:
    case Act::Resume:
      if (Entry* entry = find(change.pair)) {
        const bool held = change.act == Act::Hold;
        if (std::exchange(entry->held, held) != held) note(change.pair);
      }
      return;
    case Act::Show:
    case Act::Enter:
      return show(change, now);
    case Act::Hide:
      return hide(change.pair, change.resource);
    case Act::Confirm:
    case Act::Leave:
      return move(change, now);
    case Act::Contact:
    case Act::Rebuff:
      return;
  }
}

void Ledger::open(const PairView& pair, Origin origin, const Moment& now) {
  Entry* entry = find_or_add(pair);
  if (entry == nullptr) return;
  if (entry->state != State::Active) enter(*entry, State::Active, origin, now);
  entry->cancelled = false;
  entry->held = false;
  note(pair);
}

void Ledger::close(const PairView& pair, Origin origin, const Moment& now) {
  Entry* entry = find(pair);
  const bool shows = shows_any(pair);
  // What was never open and shows nothing needs no memory of its end.
  if (entry != nullptr && entry->state == State::Pending && !entry->cancelled && !shows) {
    --pending_;
    pairs_.erase(pairs_.find(pair));
    return note(pair);
  }
  if (entry == nullptr && shows) entry = find_or_add(pair);
  if (entry != nullptr) {
    enter(*entry, State::None, origin, now);
    entry->cancelled = true;
    entry->asked = 0;
    note(pair);
  }
  if (shows) schedule(now.steady + kFarewell, key(pair));
}

void Ledger::show(const Change& change, const Moment& now) {
  auto found = shown_.find(change.pair);
  const bool entering = change.act == Change::Act::Enter;
  if (found != shown_.end()) {
    const auto at = std::ranges::find(found->second, change.resource, &Shown::resource);
    if (at != found->second.end()) {
      at->at = now.steady;
      at->doubtful = false;
      if (!entering || is_in(at->place)) return;
      at->place = Shown::Place::Entering;
      return note_shown(change.pair);
    }
    if (found->second.size() >= kMostShownToOne) return;
  }
  if (shown_count_ >= kMostShown) return;
  if (found == shown_.end()) found = shown_.try_emplace(key(change.pair)).first;
  Shown& added = found->second.emplace_back();
  added.resource = change.resource;
  added.at = now.steady;
  added.place = entering ? Shown::Place::Entering : Shown::Place::Contact;
  ++shown_count_;
  note_shown(change.pair);
}

void Ledger::hide(const PairView& pair, std::string_view resource) {
  const auto found = shown_.find(pair);
  if (found == shown_.end()) return;
  const std::size_t went = std::erase_if(found->second, [&](const Shown& each) { return each.resource == resource; });
  if (went == 0) return;
  shown_count_ -= went;
  note_shown(pair);
  if (found->second.empty()) shown_.erase(found);
}

void Ledger::move(const Change& change, const Moment& now) {
  std::vector<Shown>* all = find_shown(change.pair);
  if (all == nullptr) return;
  const auto at = std::ranges::find(*all, change.resource, &Shown::resource);
  if (at == all->end()) return;
  if (change.act == Change::Act::Confirm) {
    if (at->place == Shown::Place::Entering) at->place = Shown::Place::Room;
    return;
  }
  at->place = Shown::Place::Left;
  at->at = now.steady;
  note_shown(change.pair);
  schedule(now.steady + kLastWords, key(change.pair));
}

void Ledger::schedule(milliseconds at, std::string key) {
  agenda_[at].push_back(std::move(key));
}

std::optional<milliseconds> Ledger::next_due() const {
  if (agenda_.empty()) return std::nullopt;
  return agenda_.begin()->first;
}

std::vector<Due> Ledger::due(const Moment& now, std::size_t most) {
  std::vector<Due> out;
  while (!agenda_.empty() && agenda_.begin()->first <= now.steady && out.size() < most) {
    std::vector<std::string>& keys = agenda_.begin()->second;
    while (!keys.empty() && out.size() < most) {
      const std::string next = std::move(keys.back());
      keys.pop_back();
      look_after(next, now, out);
    }
    if (keys.empty()) agenda_.erase(agenda_.begin());
  }
  return out;
}

void Ledger::look_after(const std::string& of, const Moment& now, std::vector<Due>& out) {
  const PairView pair = pair_of(of);
  const auto found = shown_.find(pair);
  if (found == shown_.end()) return;
  const Entry* entry = find(pair);
  // A new request does not bring back what the end of the last subscription has taken.
  const bool closed = entry != nullptr && entry->state != State::Active && entry->cancelled;
  const auto is_over = [&](const Shown& each) {
    if (each.place == Shown::Place::Left) return each.at + kLastWords <= now.steady;
    return each.doubtful || (closed && each.place == Shown::Place::Contact);
  };
  for (const Shown& each : found->second) {
    if (!is_over(each) || each.place == Shown::Place::Left) continue;
    std::string from(pair.watched);
    from.append(1, '/').append(each.resource);
    out.push_back({Due::What::Unavailable, std::move(from), std::string(pair.watcher)});
  }
  const std::size_t went = std::erase_if(found->second, is_over);
  if (went == 0) return;
  shown_count_ -= went;
  note_shown(pair);
  if (found->second.empty()) shown_.erase(found);
}

void Ledger::lose(std::string_view watched_domain, std::string_view watcher_domain, const Moment& now) {
  for (auto& [of, all] : shown_) {
    const PairView pair = pair_of(of);
    if (domain_of(pair.watched) != watched_domain || domain_of(pair.watcher) != watcher_domain) continue;
    for (Shown& each : all) each.doubtful = true;
    schedule(now.steady, of);
    if (is_open(pair) && lost_.size() < kMostLost) lost_.insert(of);
  }
}

std::vector<Due> Ledger::regain(std::string_view watched_domain, std::string_view watcher_domain, const Moment& now) {
  std::vector<Due> probes;
  for (auto at = lost_.begin(); at != lost_.end();) {
    const PairView pair = pair_of(*at);
    if (domain_of(pair.watched) != watched_domain || domain_of(pair.watcher) != watcher_domain) {
      ++at;
      continue;
    }
    if (Entry* entry = find(pair); entry != nullptr && entry->state == State::Active) {
      entry->probed = seconds(now);
      probes.push_back({Due::What::Probe, std::string(pair.watcher), std::string(pair.watched)});
    }
    at = lost_.erase(at);
  }
  return probes;
}

void Ledger::restore(std::string_view of, const Entry& entry) {
  if (pairs_.size() >= kMostPairs) return;
  if (entry.state == State::Pending) ++pending_;
  pairs_.insert_or_assign(std::string(of), entry);
}

void Ledger::restore_shown(std::string_view of, std::string_view resource, bool room) {
  if (shown_count_ >= kMostShown) return;
  Shown& added = shown_[std::string(of)].emplace_back();
  added.resource = resource;
  added.place = room ? Shown::Place::Room : Shown::Place::Contact;
  ++shown_count_;
}

std::vector<Due> Ledger::doubt_all(const Moment& now) {
  std::vector<Due> probes;
  for (auto& [of, all] : shown_) {
    const PairView pair = pair_of(of);
    bool any = false;
    for (Shown& each : all) {
      if (each.place != Shown::Place::Contact) continue;
      each.doubtful = true;
      any = true;
    }
    if (!any) continue;
    Entry* entry = find(pair);
    const bool open = entry != nullptr && entry->state == State::Active;
    schedule(now.steady + (open ? milliseconds(kProbeGrace) : milliseconds(0)), of);
    if (!open) continue;
    entry->probed = seconds(now);
    probes.push_back({Due::What::Probe, std::string(pair.watcher), std::string(pair.watched)});
  }
  return probes;
}

std::vector<std::string> Ledger::take_changed() {
  std::vector<std::string> out(changed_.begin(), changed_.end());
  changed_.clear();
  return out;
}

std::vector<std::string> Ledger::take_changed_shown() {
  std::vector<std::string> out(changed_shown_.begin(), changed_shown_.end());
  changed_shown_.clear();
  return out;
}

void Ledger::each(const std::function<void(std::string_view, const Entry&)>& tell) const {
  for (const auto& [of, entry] : pairs_) tell(of, entry);
}

const std::vector<Shown>* Ledger::shown_of(std::string_view of) const {
  const auto found = shown_.find(of);
  return found == shown_.end() ? nullptr : &found->second;
}

void Ledger::each_shown(const std::function<void(std::string_view, const std::vector<Shown>&)>& tell) const {
  for (const auto& [of, all] : shown_) tell(of, all);
}

bool Ledger::import(const PairView& pair, const Moment& now) {
  if (!has_room_for(pair)) return false;
  open(pair, Origin::Import, now);
  return true;
}

bool Ledger::revoke(const PairView& pair, const Moment& now) {
  const Entry before = entry(pair);
  if (before.state == State::None && !shows_any(pair)) {
    // So that neither a site that learns nor one that is open lets it through.
    if (find_or_add(pair) == nullptr) return false;
  }
  const bool any = before.state != State::None || shows_any(pair);
  if (Entry* entry = find(pair); entry != nullptr && entry->state == State::Pending)
    enter(*entry, State::None, Origin::Operator, now);
  close(pair, Origin::Operator, now);
  return any;
}

}  // namespace sallyport::policy::presence
