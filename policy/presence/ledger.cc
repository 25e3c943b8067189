#include "policy/presence/ledger.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sallyport::policy::presence {
namespace {

using std::chrono::milliseconds;

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

Entry Ledger::entry(const PairView& pair) const {
  const Watch* watch = relations_.find(pair);
  return watch == nullptr ? Entry() : watch->entry;
}

const std::forward_list<Shown>& Ledger::shown_of(const PairView& pair) const {
  static const std::forward_list<Shown> kNone;
  const Watch* watch = relations_.find(pair);
  return watch == nullptr ? kNone : watch->shown;
}

const Shown* Ledger::shown(const PairView& pair, std::string_view resource) const {
  const auto& all = shown_of(pair);
  const auto at = std::ranges::find(all, resource, &Shown::resource);
  return at == all.end() ? nullptr : &*at;
}

bool Ledger::shows_any(const PairView& pair) const {
  return !shown_of(pair).empty();
}

std::optional<milliseconds> Ledger::shown_at(const PairView& pair) const {
  const auto& all = shown_of(pair);
  if (all.empty()) return std::nullopt;
  return std::ranges::max_element(all, {}, &Shown::at)->at;
}

bool Ledger::has_room_for(const PairView& pair) const {
  return (known_ < bounds_.pairs && pending_ < bounds_.pending) || entry(pair) != Entry();
}

bool Ledger::has_room_for_shown(const PairView& pair) const {
  return shown_count_ < bounds_.shown &&
         static_cast<std::size_t>(std::ranges::distance(shown_of(pair))) < kMostShownToOne;
}

Entry* Ledger::find(const PairView& pair) {
  Watch* watch = relations_.find(pair);
  return watch == nullptr || !watch->is_known() ? nullptr : &watch->entry;
}

Entry* Ledger::find_or_add(const PairView& pair) {
  // Whoever adds one writes something down in it, so that it is known from then on.
  if (Entry* found = find(pair)) return found;
  if (known_ >= bounds_.pairs) return nullptr;
  ++known_;
  return &relations_.add(pair).entry;
}

Entry* Ledger::find_or_add_closed(const PairView& pair, Origin origin, const Moment& now) {
  if (Entry* found = find(pair)) return found;
  Entry* added = find_or_add(pair);
  if (added != nullptr) enter(*added, State::None, origin, now);
  return added;
}

void Ledger::set(Entry& entry, const Entry& next) {
  pending_ -= entry.is_request() ? 1 : 0;
  entry = next;
  pending_ += entry.is_request() ? 1 : 0;
}

void Ledger::enter(Entry& entry, State state, Origin origin, const Moment& now) {
  Entry next = entry;
  next.state = state;
  next.origin = origin;
  next.since = seconds(now);
  set(entry, next);
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
    case Act::Refuse:
      if (Entry* entry = find(change.pair); entry != nullptr && entry->state == State::Pending) {
        enter(*entry, State::None, Origin::Wire, now);
        note(change.pair);
      }
      return;
    case Act::Open:
      return open(change.pair, Origin::Wire, now);
    case Act::Learn:
      return open(change.pair, Origin::Learned, now);
    case Act::Close:
      return close(change.pair, Origin::Wire, now);
    case Act::Precede:
      return close(change.pair, Origin::Session, now);
    case Act::End:
      if (find_or_add_closed(change.pair, Origin::Wire, now) != nullptr) close(change.pair, Origin::Wire, now);
      return;
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
  if (entry != nullptr && entry->is_request() && !entry->cancelled && !shows) {
    set(*entry, Entry());
    --known_;
    note(pair);
    return relations_.drop_if_empty(pair);
  }
  if (entry == nullptr && shows) entry = find_or_add(pair);
  if (entry != nullptr) {
    enter(*entry, State::None, origin, now);
    Entry ended = *entry;
    ended.cancelled = true;
    ended.asked = 0;
    set(*entry, ended);
    note(pair);
  }
  if (shows) schedule(now.steady + kFarewell, key(pair));
}

void Ledger::show(const Change& change, const Moment& now) {
  const bool entering = change.act == Change::Act::Enter;
  Watch* watch = relations_.find(change.pair);
  std::size_t others = 0;
  if (watch != nullptr) {
    for (Shown& each : watch->shown) {
      ++others;
      if (each.resource != change.resource) continue;
      each.at = now.steady;
      each.doubtful = false;
      if (!entering || is_in(each.place)) return;
      each.place = Shown::Place::Entering;
      return note_shown(change.pair);
    }
  }
  if (others >= kMostShownToOne || shown_count_ >= bounds_.shown) return;
  if (watch == nullptr) watch = &relations_.add(change.pair);
  Shown& added = watch->shown.emplace_front();
  added.resource = change.resource;
  added.at = now.steady;
  added.place = entering ? Shown::Place::Entering : Shown::Place::Contact;
  ++shown_count_;
  note_shown(change.pair);
}

void Ledger::hide(const PairView& pair, std::string_view resource) {
  if (Watch* watch = relations_.find(pair))
    hide_if(pair, *watch, [&](const Shown& each) { return each.resource == resource; });
}

void Ledger::hide_if(const PairView& pair, Watch& watch, const std::function<bool(const Shown&)>& is_over) {
  const std::size_t went = watch.shown.remove_if(is_over);
  if (went == 0) return;
  shown_count_ -= went;
  note_shown(pair);
  relations_.drop_if_empty(pair);
}

void Ledger::move(const Change& change, const Moment& now) {
  Watch* watch = relations_.find(change.pair);
  if (watch == nullptr) return;
  const auto at = std::ranges::find(watch->shown, change.resource, &Shown::resource);
  if (at == watch->shown.end()) return;
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
  Watch* watch = relations_.find(pair);
  if (watch == nullptr) return;
  // A new request does not bring back what the end of the last subscription has taken.
  const bool closed = watch->entry.state != State::Active && watch->entry.cancelled;
  const auto is_over = [&](const Shown& each) {
    if (each.place == Shown::Place::Left) return each.at + kLastWords <= now.steady;
    return each.doubtful || (closed && each.place == Shown::Place::Contact);
  };
  for (const Shown& each : watch->shown) {
    if (!is_over(each) || each.place == Shown::Place::Left) continue;
    std::string from(pair.watched);
    from.append(1, '/').append(each.resource);
    out.push_back({Due::What::Unavailable, std::move(from), std::string(pair.watcher)});
  }
  hide_if(pair, *watch, is_over);
}

void Ledger::lose(std::string_view watched_domain, std::string_view watcher_domain, const Moment& now) {
  relations_.each([&](const PairView& pair, Watch& watch) {
    if (watch.shown.empty()) return;
    if (domain_of(pair.watched) != watched_domain || domain_of(pair.watcher) != watcher_domain) return;
    for (Shown& each : watch.shown) each.doubtful = true;
    schedule(now.steady, key(pair));
    if (watch.entry.state == State::Active && lost_.size() < kMostLost) lost_.insert(key(pair));
  });
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

void Ledger::restore(std::string_view of, const Entry& stored) {
  if (stored == Entry()) return;
  Entry* entry = find_or_add(pair_of(of));
  if (entry == nullptr) return;
  set(*entry, stored);
}

void Ledger::restore_shown(std::string_view of, std::string_view resource, bool room) {
  if (shown_count_ >= bounds_.shown) return;
  Shown& added = relations_.add(pair_of(of)).shown.emplace_front();
  added.resource = resource;
  added.place = room ? Shown::Place::Room : Shown::Place::Contact;
  ++shown_count_;
}

std::vector<Due> Ledger::doubt_all(const Moment& now) {
  std::vector<Due> probes;
  relations_.each([&](const PairView& pair, Watch& watch) {
    bool any = false;
    for (Shown& each : watch.shown) {
      if (each.place != Shown::Place::Contact) continue;
      each.doubtful = true;
      any = true;
    }
    if (!any) return;
    const bool open = watch.entry.state == State::Active;
    schedule(now.steady + (open ? milliseconds(kProbeGrace) : milliseconds(0)), key(pair));
    if (!open) return;
    watch.entry.probed = seconds(now);
    probes.push_back({Due::What::Probe, std::string(pair.watcher), std::string(pair.watched)});
  });
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
  relations_.each([&](const PairView& pair, const Watch& watch) {
    if (watch.is_known()) tell(key(pair), watch.entry);
  });
}

const std::forward_list<Shown>& Ledger::shown_of(std::string_view of) const {
  return shown_of(pair_of(of));
}

void Ledger::each_shown(const std::function<void(std::string_view, const std::forward_list<Shown>&)>& tell) const {
  relations_.each([&](const PairView& pair, const Watch& watch) {
    if (!watch.shown.empty()) tell(key(pair), watch.shown);
  });
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
    if (find_or_add_closed(pair, Origin::Operator, now) == nullptr) return false;
  }
  const bool any = before.state != State::None || shows_any(pair);
  // Unlike the end of a request, this is to be remembered.
  if (Entry* entry = find(pair); entry != nullptr && entry->is_request()) {
    enter(*entry, State::None, Origin::Operator, now);
    Entry ended = *entry;
    ended.asked = 0;
    set(*entry, ended);
  }
  close(pair, Origin::Operator, now);
  return any;
}

}  // namespace sallyport::policy::presence
