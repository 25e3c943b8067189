// When to look at what again: one deadline for each leg and route of a lane.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "proxy/guard/moment.h"

namespace sallyport::guard {

/// Deadlines by serial number. What is set for a serial replaces what was set before.
class Agenda {
 public:
  /// The owner keeps `at`, its current entry here; kNever when it has none.
  void set(std::uint64_t serial, Steady& at, Steady when) {
    if (at == when) return;
    if (at != kNever) entries_.erase({at, serial});
    at = when;
    if (at != kNever) entries_.insert({at, serial});
  }
  Steady next() const { return entries_.empty() ? kNever : entries_.begin()->first; }
  /// The serial of an entry that is due. The entry stays until its owner sets another.
  std::optional<std::uint64_t> due(Steady now) const {
    if (entries_.empty() || entries_.begin()->first > now) return std::nullopt;
    return entries_.begin()->second;
  }

 private:
  std::set<std::pair<Steady, std::uint64_t>> entries_;
};

}  // namespace sallyport::guard
