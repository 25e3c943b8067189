// What a presence stanza wants changed in the ledger.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "inspect/element.h"
#include "policy/presence/transitions.h"

namespace sallyport::policy::presence {

/// "watcher watches watched": bare JIDs, prepared; between servers in different enclaves.
struct PairView {
  std::string_view watcher, watched;
};

struct Change {
  enum class Act : std::uint8_t {
    Ask,      ///< a request crossed
    Open,     ///< it was granted
    Learn,    ///< it was seen to stand, by a site that learns
    Close,    ///< it was withdrawn or refused; what was shown is to be taken back
    End,      ///< the same, of a pair that the ledger may not know: it does from then on
    Precede,  ///< the same, said in a client's session before its server says so to the other one
    Refuse,   ///< it was refused in no time, and nobody hears of it: no answer can follow, and asking again waits
    Probe,    ///< a probe crossed
    Inquire,  ///< ... for a pair that is not known, at a site that learns
    Show,     ///< `resource` of the watched was shown available
    Hide,     ///< `resource` was shown unavailable
    Hold,     ///< the watcher answered with an error: updates are held back
    Resume,   ///< ... no more
    Enter,    ///< `resource` is on its way into the room that is the watcher
    Confirm,  ///< the room has let it in
    Leave,    ///< it has left the room; the room's last words pass for a while
    Contact,  ///< the watcher wrote to the watched without any subscription (P-44)
    Rebuff,   ///< ... and was refused
  };
  Act act = Act::Ask;
  PairView pair;
  std::string_view resource;
};

/// What a stanza of a client's session says of the account's subscriptions (RFC 6121 2.1, XEP-0191).
struct RosterSeen {
  enum class As : std::uint8_t {
    Roster,   ///< all there are, as the server says
    Push,     ///< a change, as the server says
    Removal,  ///< contacts that the client takes away; what else it sets is for the server to say
    Block,    ///< contacts that the client blocks
  };
  const inspect::Node* list = nullptr;  ///< of items; in the arena of the batch; nullptr: nothing was said
  std::string_view account;             ///< bare
  As as = As::Push;
  bool whole() const { return list != nullptr && as == As::Roster; }
};

/// A few, in order. Appending more than fit is a defect and changes nothing.
class Changes {
 public:
  void add(const Change& change) {
    if (count_ < changes_.size()) changes_[count_++] = change;
  }
  std::span<const Change> all() const { return {changes_.data(), count_}; }
  bool empty() const { return count_ == 0; }
  RosterSeen roster;
  /// Whether one opens a gate: it has to be stored before the stanza leaves (design.md section 3, step 7).
  bool opens() const {
    for (const Change& change : all())
      if (change.act == Change::Act::Open || change.act == Change::Act::Learn) return true;
    return false;
  }
  /// Whether the stanza itself is to be kept and sent later, unless something newer comes (P-03).
  bool keeps_stanza = false;

 private:
  std::array<Change, 3> changes_{};
  std::size_t count_ = 0;
};

}  // namespace sallyport::policy::presence
