// The audit log: append-only JSON lines in segments, each line carrying the RFC 6962 leaf hash of the line before.
// docs/audit-format.md is its grammar.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "audit/disk.h"
#include "audit/record.h"

namespace sallyport::audit {

/// Group: a record counts as recorded once it is written; the file is synced within 100 ms. Strict: once it is synced.
enum class Mode : std::uint8_t { Group, Strict };

struct LogSettings {
  std::filesystem::path directory;
  Mode mode = Mode::Group;
  std::uint64_t segment_octets = 64 * 1024 * 1024;
  std::chrono::milliseconds stall{5'000};
  /// How long the log's thread lets records gather between two batches under load; the first after a pause never waits.
  std::chrono::microseconds gather{200};
};

/// A record's place: `ticket` as submit() gave it, `number` as it stands in the log.
struct Recorded {
  std::uint64_t ticket = 0;
  std::uint64_t number = 0;
};

/// Owns the files and the threads that write and sync them. open() repairs first: a torn last line is cut, and that is
/// recorded ("audit.torn-line-cut"); releases that nothing settled are recorded ("audit.fate-unknown", by leg, in
/// events of at most format::kFatesPerEvent). It refuses a log whose last segments are broken or truncated; the error
/// names file and line. One process has a log open at a time.
///
/// What counts as settled: an EventRecord "leg.settled" with enclave, leg and the detail "through" = N covers the
/// releases (StanzaRecords with leg_out and number_out) of that leg up to N; a StanzaRecord with `cause` covers the
/// release that it names, and so does an EventRecord by its detail "record", but for those of stage "airlock" and for
/// "route.repeated", which moves the release to another leg and number.
class Log {
 public:
  static std::expected<std::unique_ptr<Log>, std::string> open(const LogSettings& settings, Time now);
  /// On another disk than the operating system's, for tests.
  static std::expected<std::unique_ptr<Log>, std::string> open(const LogSettings& settings, Time now,
                                                               std::unique_ptr<Disk> disk);
  virtual ~Log() = default;

  /// One writer's side of the log: bounded, used by one thread only, outlived by the Log.
  class Lane {
   public:
    virtual ~Lane() = default;
    /// Queues a record and gives its ticket (1, 2, 3 ... for each lane); 0 when the ring is full or the log has failed
    /// or is closed: nothing may go on before it has room again. The record is written out before this returns, so that
    /// the caller may use the same object again and keep its memory. The log's thread may not look at it before wake().
    virtual std::uint64_t enqueue(const Record& record) = 0;
    /// Makes the log's thread look at what was queued; once for a batch.
    virtual void wake() = 0;
    std::uint64_t submit(const Record& record) {
      const std::uint64_t ticket = enqueue(record);
      wake();
      return ticket;
    }
    /// Appends what has been recorded since the last call, in order of the tickets. Makes room in the ring.
    virtual void take_recorded(std::vector<Recorded>& out) = 0;
  };
  /// `notify` is called on the log's thread when there is something to take, and once when the log has failed; it must
  /// only wake the lane. `capacity` is in records, counted until they are taken. Call before the first submit of any
  /// lane, once for each lane.
  virtual Lane& add_lane(std::function<void()> notify, std::size_t capacity) = 0;

  /// False after a write or sync failed or took longer than the stall limit: nothing may be released any more. A stall
  /// that lasts is seen only by asking, so ask at least each second.
  virtual bool healthy() const = 0;
  /// For the operator: what failed; "" while healthy.
  virtual std::string fault() const { return {}; }
  /// Writes and syncs what was submitted. For an orderly stop.
  virtual void close() = 0;
};

}  // namespace sallyport::audit
