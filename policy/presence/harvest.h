// Who tries many addresses of strangers (protocol.md P-44, ERR-07).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/moment.h"
#include "policy/presence/changes.h"

namespace sallyport::policy::presence {

inline constexpr std::chrono::hours kHarvestWindow{1};
inline constexpr std::size_t kMostSenders = 10'000;
inline constexpr std::size_t kMostStrangers = 1'000;  ///< what a limit may be set to

/// Counts, for each sender, the different strangers that it has written to within an hour. Bounded: when it is full the
/// senders of earlier hours are forgotten, and if there are none nothing more is counted. One per guard lane.
class Harvest {
 public:
  /// Whether the sender may write to one more stranger. `limit`: strangers in an hour; 0: none set.
  bool permits(const PairView& pair, std::size_t limit, const Moment& now) const;
  void commit(const Change& change, const Moment& now);
  /// Senders that have come to be refused since the last call, each once in its hour: for the alarm.
  std::vector<std::string> take_alarms();

 private:
  struct Sender {
    std::chrono::milliseconds since{};
    std::vector<std::uint64_t> strangers;  ///< hashes
    bool alarmed = false;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  std::unordered_map<std::string, Sender, Hash, std::equal_to<>> senders_;
  std::vector<std::string> alarms_;
};

}  // namespace sallyport::policy::presence
