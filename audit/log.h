// The audit log: append-only JSON lines in segments, each line carrying the RFC 6962 leaf hash of the line before.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "audit/record.h"

namespace sallyport::audit {

/// Group: a record counts as recorded once it is written; the file is synced within 100 ms. Strict: once it is synced.
enum class Mode : std::uint8_t { Group, Strict };

struct LogSettings {
  std::filesystem::path directory;
  Mode mode = Mode::Group;
  std::uint64_t segment_octets = 64 * 1024 * 1024;
  std::chrono::milliseconds stall{5'000};
};

/// A record's place: `ticket` as submit() gave it, `number` as it stands in the log.
struct Recorded {
  std::uint64_t ticket = 0;
  std::uint64_t number = 0;
};

/// Owns the file and the thread that writes it. open() repairs first: a torn last line is cut, and that is recorded;
/// the chain of the last segment is verified; releases that no settlement covers are recorded as "fate unknown".
class Log {
 public:
  static std::expected<std::unique_ptr<Log>, std::string> open(const LogSettings& settings, Time now);
  virtual ~Log() = default;

  /// One writer's side of the log: bounded, used by one thread only, outlived by the Log.
  class Lane {
   public:
    virtual ~Lane() = default;
    /// Queues a record and gives its ticket (1, 2, 3 ... for each lane); 0 when the ring is full: nothing may go on
    /// before it has room again.
    virtual std::uint64_t submit(Record record) = 0;
    /// Appends what has been recorded since the last call, in order of the tickets.
    virtual void take_recorded(std::vector<Recorded>& out) = 0;
  };
  /// `notify` is called on the log's thread when there is something to take; it must only wake the lane. `capacity` is
  /// in records. Call before the first submit of any lane, once for each lane.
  virtual Lane& add_lane(std::function<void()> notify, std::size_t capacity) = 0;

  /// False after a write or sync failed or took longer than the stall limit: nothing may be released any more.
  virtual bool healthy() const = 0;
  /// Writes and syncs what was submitted. For an orderly stop.
  virtual void close() = 0;
};

}  // namespace sallyport::audit
