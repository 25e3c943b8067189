// What the guard knows of presence subscriptions between two bare JIDs, and of what was shown to whom
// (protocol.md 6.1).
#pragma once

#include <chrono>
#include <cstdint>
#include <forward_list>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "policy/moment.h"
#include "policy/presence/changes.h"
#include "policy/presence/relations.h"

namespace sallyport::policy::presence {

inline constexpr std::chrono::hours kAskAgain{24};        ///< SUB-07
inline constexpr std::chrono::seconds kResync{60};        ///< a server that has lost its roster asks again
inline constexpr std::chrono::seconds kDeniedAtOnce{10};  ///< nobody answers that fast (design.md section 10)
inline constexpr std::chrono::seconds kErrorAnswers{60};  ///< a presence error answers what crossed so long ago
inline constexpr std::chrono::seconds kProbeAnswers{30};  ///< presence that follows a probe is its answer
inline constexpr std::chrono::seconds kFarewell{2};       ///< P-00 (b)
inline constexpr std::chrono::seconds kLastWords{60};     ///< of a room to who has left it
inline constexpr std::chrono::seconds kProbeGrace{60};    ///< after a restart or an outage
inline constexpr std::size_t kMostShownToOne = 32;        ///< resources of one account to one watcher

/// What one ledger holds at most.
struct LedgerBounds {
  std::size_t pairs = 0;
  std::size_t pending = 0;  ///< requests that nobody has granted
  std::size_t shown = 0;    ///< resources
};
inline constexpr LedgerBounds kMostOfLane{.pairs = 2'000'000, .pending = 200'000, .shown = 1'000'000};
/// Of a client's session: more contacts than the largest roster that crosses can list (D-10).
inline constexpr LedgerBounds kMostOfSession{.pairs = 40'000, .pending = 20'000, .shown = 20'000};

/// What the guard is to send on its own.
struct Due {
  enum class What : std::uint8_t { Unavailable, Probe } what = What::Unavailable;
  std::string from, to;
};

/// Pure: time comes in with every call. What it holds is bounded; a full ledger opens nothing new. One per guard lane,
/// and one per client's session.
class Ledger {
 public:
  explicit Ledger(const Secret& secret = {}, const LedgerBounds& bounds = kMostOfLane)
      : relations_(secret), bounds_(bounds) {}

  // For the stages.
  Entry entry(const PairView& pair) const;
  bool is_open(const PairView& pair) const { return entry(pair).state == State::Active; }
  const Shown* shown(const PairView& pair, std::string_view resource) const;
  bool shows_any(const PairView& pair) const;
  /// When presence of the watched crossed last to the watcher; nothing if none is shown.
  std::optional<std::chrono::milliseconds> shown_at(const PairView& pair) const;
  bool has_room_for(const PairView& pair) const;
  bool has_room_for_shown(const PairView& pair) const;
  std::size_t size() const { return known_; }
  std::size_t shown_count() const { return shown_count_; }
  /// All presence stops: the store has failed (design.md section 7).
  bool has_failed() const { return failed_; }

  // For the lane.
  void commit(const Change& change, const Moment& now);
  void fail() { failed_ = true; }
  /// When due() has something next.
  std::optional<std::chrono::milliseconds> next_due() const;
  /// What has become due, at most `most` at once. What is given is given once.
  std::vector<Due> due(const Moment& now, std::size_t most = 256);
  /// Whoever sees a JID of `watched_domain` in `watcher_domain` is to hear that it is gone: its server is (PRE-15).
  /// Rooms of that domain count as gone too.
  void lose(std::string_view watched_domain, std::string_view watcher_domain, const Moment& now);
  /// ... and is there again: its server is probed for those who saw it before (PRE-16).
  std::vector<Due> regain(std::string_view watched_domain, std::string_view watcher_domain, const Moment& now);

  // For the store, and for the operator.
  void restore(std::string_view key, const Entry& entry);
  void restore_shown(std::string_view key, std::string_view resource, bool room);
  /// After a restart: what was shown is doubted; open pairs are probed, closed ones hear `unavailable`.
  /// Gives the probes.
  std::vector<Due> doubt_all(const Moment& now);
  /// Writes down from now on what has changed; else nobody asks.
  void keep_journal() { journal_ = true; }
  /// Keys whose entry has changed since the last call, and those whose shown resources have.
  std::vector<std::string> take_changed();
  std::vector<std::string> take_changed_shown();
  bool has_changed_shown() const { return !changed_shown_.empty(); }
  void each(const std::function<void(std::string_view key, const Entry&)>& tell) const;
  /// Empty if nothing is shown.
  const std::forward_list<Shown>& shown_of(std::string_view key) const;
  void each_shown(const std::function<void(std::string_view key, const std::forward_list<Shown>&)>& tell) const;
  /// The operator's: sets a pair open. False: there is no room.
  bool import(const PairView& pair, const Moment& now);
  /// The operator's: closes it as if it had been cancelled; whether anything was open or shown.
  bool revoke(const PairView& pair, const Moment& now);

 private:
  /// nullptr: it is not known.
  Entry* find(const PairView& pair);
  /// nullptr: there is no room.
  Entry* find_or_add(const PairView& pair);
  const std::forward_list<Shown>& shown_of(const PairView& pair) const;
  void show(const Change& change, const Moment& now);
  void hide(const PairView& pair, std::string_view resource);
  void hide_if(const PairView& pair, Watch& watch, const std::function<bool(const Shown&)>& is_over);
  void move(const Change& change, const Moment& now);
  void set(Entry& entry, const Entry& next);
  void enter(Entry& entry, State state, Origin origin, const Moment& now);
  Entry* find_or_add_closed(const PairView& pair, Origin origin, const Moment& now);
  void open(const PairView& pair, Origin origin, const Moment& now);
  void close(const PairView& pair, Origin origin, const Moment& now);
  void schedule(std::chrono::milliseconds at, std::string key);
  void look_after(const std::string& key, const Moment& now, std::vector<Due>& out);
  void note(const PairView& pair);
  void note_shown(const PairView& pair);

  Relations relations_;
  LedgerBounds bounds_;
  std::size_t known_ = 0, pending_ = 0, shown_count_ = 0;
  bool failed_ = false;
  bool journal_ = false;
  std::unordered_set<std::string> changed_, changed_shown_;
  /// Keys to look after, by time: farewells, last words, doubts.
  std::map<std::chrono::milliseconds, std::vector<std::string>> agenda_;
  /// Pairs whose watched side was lost, to be probed when it is back; bounded.
  std::unordered_set<std::string> lost_;
};

}  // namespace sallyport::policy::presence
