// What is known of two accounts, both ways, and the table of it (protocol.md 6.1).
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/presence/changes.h"
#include "policy/tracking/keyed.h"

namespace sallyport::policy::presence {

/// Where the guard knows a subscription from.
enum class Origin : std::uint8_t { Wire, Import, Learned, Operator, Session };
inline constexpr Origin kLastOrigin = Origin::Session;
std::string_view name(Origin origin);
std::optional<Origin> origin(std::string_view name);

/// Of one pair. A default one says that nothing is known.
struct Entry {
  State state = State::None;
  Origin origin = Origin::Wire;
  bool cancelled = false;    ///< it was open once and is not any more
  bool held = false;         ///< updates are held back (PRE-14)
  std::uint32_t since = 0;   ///< seconds since 1970: when it came into this state
  std::uint32_t asked = 0;   ///< when a request crossed last that has not been withdrawn since; 0: none
  std::uint32_t probed = 0;  ///< when a probe crossed last; 0: never; not stored
  bool operator==(const Entry&) const = default;

  /// The request was refused in no time (Change::Act::Refuse).
  bool is_refused() const { return state == State::None && asked != 0; }
  /// Nobody has granted it yet.
  bool is_request() const { return state == State::Pending || is_refused(); }
  /// A client's session has ended it, and no server has told the other one yet (Change::Act::Precede).
  bool is_untold() const { return state == State::None && cancelled && origin == Origin::Session; }
};

/// One full JID that was shown to one watcher.
struct Shown {
  std::string resource;
  std::chrono::milliseconds at{};  ///< steady: when presence crossed last
  enum class Place : std::uint8_t { Contact, Entering, Room, Left } place = Place::Contact;
  bool doubtful = false;  ///< from before a restart or an outage; it has not been heard of since
};

/// A pair of JIDs as one key: "watcher\nwatched"; neither can contain a line feed.
std::string key(const PairView& pair);
PairView pair_of(std::string_view key);

/// "watcher watches watched": what is known of one pair.
struct Watch {
  Entry entry;
  std::forward_list<Shown> shown;  ///< newest first

  bool is_known() const { return entry != Entry(); }
  bool is_empty() const { return !is_known() && shown.empty(); }
};

/// The pairs of a ledger. A stanza is judged and committed by looking several times at the same two accounts, both
/// ways: so both ways stand in one place, with the names right behind them, and the place found last is tried first.
/// Else a look-up costs the hash, the slot and the place: an open-addressed table of hashes and places. The hash is
/// keyed (protocol.md D-34). Without pairs it has no memory of its own. Not shared, not even for reading.
class Relations {
 public:
  explicit Relations(const Secret& secret = {}) : hash_(secret) {}
  Relations(Relations&& other) noexcept;
  Relations& operator=(Relations&& other) noexcept;
  ~Relations() = default;

  /// nullptr: nothing is known of the two, either way. Else valid until the two are dropped.
  const Watch* find(const PairView& pair) const;
  Watch* find(const PairView& pair) { return const_cast<Watch*>(std::as_const(*this).find(pair)); }
  Watch& add(const PairView& pair);
  /// Forgets the two if nothing is known of either way.
  void drop_if_empty(const PairView& pair);

  /// Tells each pair of which something is known or shown. `tell` neither adds nor drops.
  void each(std::invocable<PairView, Watch&> auto tell) {
    for (Slot& slot : slots_)
      for (std::size_t way = 0; slot.place && way < 2; ++way)
        if (!slot.place->ways[way].is_empty()) tell(slot.place->pair(way), slot.place->ways[way]);
  }
  void each(std::invocable<PairView, const Watch&> auto tell) const {
    for (const Slot& slot : slots_)
      for (std::size_t way = 0; slot.place && way < 2; ++way)
        if (!slot.place->ways[way].is_empty()) tell(slot.place->pair(way), std::as_const(slot.place->ways[way]));
  }

 private:
  /// Two accounts in the order of their octets; their names follow the object.
  struct Place {
    std::array<Watch, 2> ways;  ///< the first watches the second, and the reverse
    std::uint32_t first_size = 0, second_size = 0;

    std::string_view first() const { return {reinterpret_cast<const char*>(this + 1), first_size}; }
    std::string_view second() const { return {reinterpret_cast<const char*>(this + 1) + first_size, second_size}; }
    PairView pair(std::size_t way) const {
      return way == 0 ? PairView{first(), second()} : PairView{second(), first()};
    }
  };
  struct Free {
    void operator()(Place* place) const;
  };
  struct Slot {
    std::uint64_t hash = 0;
    std::unique_ptr<Place, Free> place;
  };
  /// A pair as the table has it.
  struct Wanted {
    explicit Wanted(const PairView& pair)
        : way(pair.watched < pair.watcher ? 1 : 0),
          first(way == 0 ? pair.watcher : pair.watched),
          second(way == 0 ? pair.watched : pair.watcher) {}
    bool is(const Place& place) const { return place.first() == first && place.second() == second; }
    std::size_t way;
    std::string_view first, second;
  };

  std::size_t home(std::uint64_t hash) const { return hash & (slots_.size() - 1); }
  std::size_t after(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }
  /// The slot of that pair, or the empty one where it would go. There are slots.
  std::size_t seek(const Wanted& wanted, std::uint64_t hash) const;
  void grow();

  KeyedHash hash_;
  std::vector<Slot> slots_;  ///< none, or a power of two of which at most three quarters are taken
  std::size_t taken_ = 0;
  mutable Place* last_ = nullptr;  ///< found last
};

}  // namespace sallyport::policy::presence
