// What a log's writer needs to know before it goes on: where the log ends, whether it is whole, what must be said
// first.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include "audit/disk.h"
#include "audit/record.h"

namespace sallyport::audit {

struct Recovered {
  std::uint64_t number = 0;  ///< of the last line; 0: none
  Digest hash{};
  std::uint64_t segment = 1, octets = 0;  ///< where to go on
  std::vector<EventRecord> events;        ///< to be written first: a cut line, fates, that the log was opened
};

/// How far back open() looks, in segments: the chain is checked and fates are sought there.
inline constexpr std::size_t kSegmentsLookedAt = 4;
/// How many unsettled releases are kept in mind; beyond it the oldest are dropped, and that is said.
inline constexpr std::size_t kMostUnsettled = 100'000;

/// Reads the end of the log and cuts a torn last line. Refuses a log whose chain is broken or that was truncated.
std::expected<Recovered, std::string> recover(const std::filesystem::path& directory, Disk& disk, Time now);

}  // namespace sallyport::audit
