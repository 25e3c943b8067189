// Which leg ids an edge has used on one channel: none may come twice.
#pragma once

#include <cstddef>
#include <set>

#include "proxy/airlock/frames.h"

namespace sallyport::guard {

/// Remembers the youngest ids one by one and the rest as "everything up to here". An edge numbers its legs upwards, so
/// an id that is older than the last 8192 is a replay.
class SeenIds {
 public:
  static constexpr std::size_t kRemembered = 8192;

  /// False: the id was used before.
  bool add(airlock::LegId id) {
    if (id <= floor_ || !ids_.insert(id).second) return false;
    if (ids_.size() > kRemembered) {
      floor_ = *ids_.begin();
      ids_.erase(ids_.begin());
    }
    return true;
  }
  bool has(airlock::LegId id) const { return id != airlock::kNoLeg && (id <= floor_ || ids_.contains(id)); }

 private:
  std::set<airlock::LegId> ids_;
  airlock::LegId floor_ = airlock::kNoLeg;
};

}  // namespace sallyport::guard
