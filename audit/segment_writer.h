// The writing side of a log's files: the segment that grows, its rotation, and the head.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "audit/disk.h"
#include "audit/record.h"

namespace sallyport::audit {

/// append() belongs to one thread, write_head() to one, sync() to either of the two.
class SegmentWriter {
 public:
  /// A line of the log, as far as which something holds.
  struct Point {
    std::uint64_t number = 0;
    Digest hash{};
  };
  /// Goes on behind `last` in segment `index`, which holds `octets` already. `disk` outlives it.
  SegmentWriter(Disk& disk, std::filesystem::path directory, std::uint64_t segment_octets, std::uint64_t index,
                std::uint64_t octets, const Point& last);

  /// Appends whole lines, the last of which is `last`. A segment that is full is left before, never within, a batch.
  std::expected<void, DiskFault> append(std::string_view lines, const Point& last);
  /// Syncs all that was appended before the call.
  std::expected<void, DiskFault> sync();
  /// Makes the head say how far the log was synced, unless it does already.
  std::expected<void, DiskFault> write_head();

  static std::filesystem::path segment_path(const std::filesystem::path& directory, std::uint64_t index);

 private:
  std::expected<void, DiskFault> open_segment();

  Disk& disk_;
  const std::filesystem::path directory_;
  const std::uint64_t segment_octets_;
  std::uint64_t index_, octets_;
  std::shared_ptr<File> file_;

  std::mutex mutex_;  // for what follows
  std::vector<std::shared_ptr<File>> unsynced_;
  Point written_, synced_;
  std::uint64_t head_ = UINT64_MAX;  // what the head file says, once this object has written it
};

}  // namespace sallyport::audit
