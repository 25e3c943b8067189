#include "audit/log.h"

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include "audit/line_writer.h"
#include "audit/recovery.h"
#include "audit/ring.h"
#include "audit/segment_writer.h"

namespace sallyport::audit {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatchOctets = 1024 * 1024;           // a batch ends with the record that goes beyond it
constexpr auto kSyncAfter = std::chrono::milliseconds(70);  // leaves 30 of the promised 100 ms for the sync itself

/// Measures how long a thread has been in the disk's hands; asked from other threads.
class Stopwatch {
 public:
  void start() { since_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed); }
  Clock::duration stop() {
    return Clock::now().time_since_epoch() - Clock::duration(since_.exchange(0, std::memory_order_relaxed));
  }
  bool runs_longer_than(Clock::duration limit) const {
    const auto since = since_.load(std::memory_order_relaxed);
    return since != 0 && Clock::now().time_since_epoch() - Clock::duration(since) > limit;
  }

 private:
  std::atomic<Clock::rep> since_{0};
};

/// Keeps a second process from writing the same log.
class DirectoryLock {
 public:
  static std::expected<DirectoryLock, std::string> take(const std::filesystem::path& directory) {
    DirectoryLock lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (lock.descriptor_ >= 0 && ::flock(lock.descriptor_, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno == EWOULDBLOCK) return std::unexpected(directory.string() + ": another process is writing this log");
    return std::unexpected(directory.string() + ": " + std::generic_category().message(errno));
  }
  ~DirectoryLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  DirectoryLock(DirectoryLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

class WritingLog final : public Log {
 public:
  WritingLog(const LogSettings& settings, std::unique_ptr<Disk> disk, DirectoryLock lock, const Recovered& recovered)
      : settings_(settings),
        lock_(std::move(lock)),
        disk_(std::move(disk)),
        files_(*disk_, settings.directory, settings.segment_octets, recovered.segment, recovered.octets,
               {recovered.number, recovered.hash}),
        chain_(recovered.number, recovered.hash) {}
  ~WritingLog() override { close(); }

  /// Writes and syncs the records that a start begins with; no thread runs yet.
  std::expected<void, DiskFault> begin(const std::vector<EventRecord>& events) {
    // The head comes first: a log without one is refused, so there must never be lines without it.
    if (auto written = files_.write_head(); !written) return written;
    FieldWriter fields;
    for (const auto& event : events) {
      std::string text;
      fields.write(event, text);
      chain_.append(text, batch_);
    }
    if (auto appended = files_.append(batch_, {chain_.number(), chain_.last()}); !appended) return appended;
    batch_.clear();
    if (auto synced = files_.sync(); !synced) return synced;
    return files_.write_head();
  }

  void start() {
    // Signals are for the threads of the program.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    writer_ = std::jthread([this] { write_loop(); });
    syncer_ = std::jthread([this] { sync_loop(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(writer_.native_handle(), "audit-write");
    pthread_setname_np(syncer_.native_handle(), "audit-sync");
  }

  Lane& add_lane(std::function<void()> notify, std::size_t capacity) override {
    const std::scoped_lock lock(mutex_);
    lanes_.push_back(std::make_unique<Ring>(capacity, [this] { wake(); }, std::move(notify)));
    ++lanes_version_;
    return *lanes_.back();
  }

  bool healthy() const override {
    return !failed_.load(std::memory_order_acquire) && !writing_.runs_longer_than(settings_.stall) &&
           !syncing_.runs_longer_than(settings_.stall);
  }

  std::string fault() const override {
    const std::scoped_lock lock(mutex_);
    if (!fault_.empty()) return fault_;
    return healthy() ? "" : settings_.directory.string() + ": the disk does not answer";
  }

  void close() override {
    {
      const std::scoped_lock lock(mutex_);
      for (const auto& lane : lanes_) lane->close();
      stopping_.store(true, std::memory_order_release);
    }
    wake_.notify_all();
    if (writer_.joinable()) writer_.join();
    {
      const std::scoped_lock lock(sync_mutex_);
      last_sync_ = true;
    }
    sync_due_.notify_all();
    if (syncer_.joinable()) syncer_.join();
  }

 private:
  void write_loop() {
    try {
      while (!failed_.load(std::memory_order_acquire)) {
        const bool stopping = stopping_.load(std::memory_order_acquire);
        if (write_batch()) {
          if (settings_.gather.count() > 0 && !stopping) std::this_thread::sleep_for(settings_.gather);
        } else if (stopping) {
          break;
        } else {
          wait_for_work();
        }
      }
    } catch (const std::exception& exception) {
      fail(exception.what());
    }
    if (!failed_.load(std::memory_order_acquire)) return;
    for (const auto& lane : lanes_seen_) lane->notify();
  }

  /// Puts what the lanes have submitted on record. False when there was nothing.
  bool write_batch() {
    see_lanes();
    batch_.clear();
    for (auto* const lane : lanes_seen_) {
      while (batch_.size() < kBatchOctets) {
        const std::string_view fields = lane->next();
        if (fields.empty()) break;
        lane->number(chain_.append(fields, batch_));
      }
    }
    if (batch_.empty()) return false;
    const bool written = on_disk(writing_, [&] {
      auto appended = files_.append(batch_, {chain_.number(), chain_.last()});
      return appended && settings_.mode == Mode::Strict ? files_.sync() : appended;
    });
    if (!written) return true;
    for (auto* const lane : lanes_seen_) {
      if (lane->publish()) lane->notify();
    }
    if (batch_.capacity() > 4 * kBatchOctets) std::string().swap(batch_);
    ask_for_sync();
    return true;
  }

  void see_lanes() {
    const std::scoped_lock lock(mutex_);
    if (lanes_seen_version_ == lanes_version_) return;
    lanes_seen_version_ = lanes_version_;
    lanes_seen_.clear();
    for (const auto& lane : lanes_) lanes_seen_.push_back(lane.get());
  }

  bool work_waits() const {
    for (const auto* const lane : lanes_seen_) {
      if (!lane->next().empty()) return true;
    }
    return stopping_.load(std::memory_order_acquire) || failed_.load(std::memory_order_acquire) ||
           lanes_seen_version_ != lanes_version_;
  }

  void wait_for_work() {
    std::unique_lock lock(mutex_);
    while (true) {
      // Set anew before every look: whoever clears it owes us one look only, and may come late, when that was had. A
      // lane stores its record and then looks at asleep_, we store asleep_ and then look at the records; the fences
      // see to it that at least one of us sees the other.
      asleep_.store(true, std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_seq_cst);
      if (work_waits()) break;
      wake_.wait(lock);
    }
    asleep_.store(false, std::memory_order_relaxed);
  }

  void wake() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!asleep_.load(std::memory_order_relaxed) || !asleep_.exchange(false, std::memory_order_relaxed)) return;
    {
      const std::scoped_lock lock(mutex_);
    }  // the writer is either before its look or in its wait
    wake_.notify_one();
  }

  void sync_loop() {
    try {
      bool last = false;
      while (!last && !failed_.load(std::memory_order_acquire)) {
        {
          std::unique_lock lock(sync_mutex_);
          sync_due_.wait(lock, [this] { return sync_asked_ || last_sync_; });
          sync_due_.wait_for(lock, kSyncAfter, [this] { return last_sync_; });
          sync_asked_ = false;
          last = last_sync_;
        }
        on_disk(syncing_, [this]() -> std::expected<void, DiskFault> {
          // In strict mode the writing thread syncs; were both to do it, it could miss what we are still about to sync.
          if (settings_.mode == Mode::Group) {
            if (auto synced = files_.sync(); !synced) return synced;
          }
          return files_.write_head();
        });
      }
    } catch (const std::exception& exception) {
      fail(exception.what());
    }
  }

  void ask_for_sync() {
    {
      const std::scoped_lock lock(sync_mutex_);
      if (std::exchange(sync_asked_, true)) return;
    }
    sync_due_.notify_one();
  }

  /// Runs an operation of the disk; false when it failed or took too long, which ends the log.
  bool on_disk(Stopwatch& stopwatch, auto&& operation) {
    stopwatch.start();
    const std::expected<void, DiskFault> done = operation();
    const auto took = stopwatch.stop();
    if (!done) {
      fail(done.error().what);
    } else if (took > settings_.stall) {
      fail(settings_.directory.string() + ": the disk took " +
           std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()) + " ms");
    }
    return !failed_.load(std::memory_order_acquire);
  }

  void fail(std::string what) {
    {
      const std::scoped_lock lock(mutex_);
      if (fault_.empty()) fault_ = std::move(what);
      for (const auto& lane : lanes_) lane->close();
      failed_.store(true, std::memory_order_release);
    }
    wake_.notify_all();
  }

  const LogSettings settings_;
  DirectoryLock lock_;
  std::unique_ptr<Disk> disk_;
  SegmentWriter files_;

  // The writing thread's.
  Chain chain_;
  std::string batch_;
  std::vector<Ring*> lanes_seen_;
  std::size_t lanes_seen_version_ = 0;

  mutable std::mutex mutex_;  // for lanes_, lanes_version_, fault_ and the wait of the writing thread
  std::vector<std::unique_ptr<Ring>> lanes_;
  std::size_t lanes_version_ = 0;
  std::string fault_;
  std::condition_variable wake_;
  std::atomic<bool> asleep_{false}, stopping_{false}, failed_{false};

  std::mutex sync_mutex_;  // for sync_asked_ and last_sync_
  std::condition_variable sync_due_;
  bool sync_asked_ = false, last_sync_ = false;

  Stopwatch writing_, syncing_;
  std::jthread writer_, syncer_;  // last: they end before what they use
};

}  // namespace

std::expected<std::unique_ptr<Log>, std::string> Log::open(const LogSettings& settings, Time now) {
  return open(settings, now, system_disk());
}

std::expected<std::unique_ptr<Log>, std::string> Log::open(const LogSettings& settings, Time now,
                                                           std::unique_ptr<Disk> disk) {
  std::error_code error;
  if (std::filesystem::create_directories(settings.directory, error)) {
    using std::filesystem::perms;
    std::filesystem::permissions(settings.directory, perms::owner_all | perms::group_read | perms::group_exec, error);
  }
  if (error) return std::unexpected(settings.directory.string() + ": " + error.message());
  auto lock = DirectoryLock::take(settings.directory);
  if (!lock) return std::unexpected(lock.error());
  const auto recovered = recover(settings.directory, *disk, now);
  if (!recovered) return std::unexpected(recovered.error());
  auto log = std::make_unique<WritingLog>(settings, std::move(disk), std::move(*lock), *recovered);
  if (auto begun = log->begin(recovered->events); !begun) return std::unexpected(begun.error().what);
  log->start();
  return log;
}

}  // namespace sallyport::audit
