// Disks that fail, stall or fill, and a process that is killed while it writes.
#include <atomic>
#include <cstring>
#include <functional>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/line_reader.h"
#include "audit/segment_writer.h"
#include "audit/verify.h"
#include "scratch.h"

namespace sallyport::audit {
namespace {

using testing::HasSubstr;

/// What the test tells a disk to do; shared with it, since the log owns the disk.
struct Orders {
  std::atomic<bool> fail_append{false}, fail_sync{false}, hold_sync{false}, hold_append{false};
  std::atomic<int> syncs{0};
  std::atomic<std::size_t> append_at_most{SIZE_MAX};  // octets that still fit
};

class OrderedFile final : public File {
 public:
  OrderedFile(std::unique_ptr<File> file, std::shared_ptr<Orders> orders)
      : file_(std::move(file)), orders_(std::move(orders)) {}
  std::expected<void, DiskFault> append(std::string_view octets) override {
    orders_->hold_append.wait(true);
    if (orders_->fail_append) return std::unexpected(DiskFault{"Input/output error"});
    const auto room = orders_->append_at_most.load();
    if (octets.size() > room) {
      (void)file_->append(octets.substr(0, room));
      return std::unexpected(DiskFault{"No space left on device"});
    }
    if (room != SIZE_MAX) orders_->append_at_most = room - octets.size();
    return file_->append(octets);
  }
  std::expected<void, DiskFault> sync() override {
    orders_->hold_sync.wait(true);
    if (orders_->fail_sync) return std::unexpected(DiskFault{"Input/output error"});
    ++orders_->syncs;
    return file_->sync();
  }

 private:
  std::unique_ptr<File> file_;
  std::shared_ptr<Orders> orders_;
};

class OrderedDisk final : public Disk {
 public:
  explicit OrderedDisk(std::shared_ptr<Orders> orders) : orders_(std::move(orders)) {}
  std::expected<std::unique_ptr<File>, DiskFault> append_to(const std::filesystem::path& path) override {
    auto file = disk_->append_to(path);
    if (!file) return file;
    return std::make_unique<OrderedFile>(std::move(*file), orders_);
  }
  std::expected<void, DiskFault> replace(const std::filesystem::path& path, const std::filesystem::path& by_way_of,
                                         std::string_view text) override {
    return disk_->replace(path, by_way_of, text);
  }
  std::expected<void, DiskFault> cut(const std::filesystem::path& path, std::uint64_t octets) override {
    return disk_->cut(path, octets);
  }

 private:
  std::unique_ptr<Disk> disk_ = system_disk();
  std::shared_ptr<Orders> orders_;
};

class AuditFault : public testing::Test {
 protected:
  void start(const LogSettings& with) {
    log_ = std::make_unique<OpenLog>(with, std::make_unique<OrderedDisk>(orders_));
    ASSERT_EQ(log_->error, "");
    ASSERT_EQ(log_->put(event("x.y")), 2U);
  }
  void start() { start(settings(directory_.path())); }
  void release_disk() {
    orders_->hold_sync = orders_->hold_append = false;
    orders_->hold_sync.notify_all();
    orders_->hold_append.notify_all();
  }
  bool turns_unhealthy() {
    return log_->signal.wait([&] { return !log_->log->healthy(); });
  }
  std::size_t recorded() {
    log_->lane->take_recorded(log_->recorded);
    return log_->recorded.size();
  }

  ScratchDirectory directory_;
  std::shared_ptr<Orders> orders_ = std::make_shared<Orders>();
  std::unique_ptr<OpenLog> log_;
};

TEST_F(AuditFault, AWriteThatFailsEndsTheLog) {
  start();
  orders_->fail_append = true;
  EXPECT_GT(log_->lane->submit(release(1, 1)), 0U);
  EXPECT_TRUE(turns_unhealthy());
  EXPECT_EQ(recorded(), 1U);
  EXPECT_THAT(log_->log->fault(), HasSubstr("Input/output error"));
  EXPECT_EQ(log_->lane->submit(release(1, 2)), 0U) << "nothing more is taken in";
  orders_->fail_append = false;
  EXPECT_FALSE(log_->log->healthy()) << "it stays ended";
}

TEST_F(AuditFault, ASyncThatFailsEndsTheLogInGroupMode) {
  start();
  orders_->fail_sync = true;
  EXPECT_GT(log_->lane->submit(release(1, 1)), 0U);
  EXPECT_TRUE(turns_unhealthy());
}

TEST_F(AuditFault, ASyncThatFailsLeavesTheRecordUnrecordedInStrictMode) {
  auto with = settings(directory_.path());
  with.mode = Mode::Strict;
  start(with);
  orders_->fail_sync = true;
  EXPECT_GT(log_->lane->submit(release(1, 1)), 0U);
  EXPECT_TRUE(turns_unhealthy());
  EXPECT_EQ(recorded(), 1U);
}

TEST_F(AuditFault, InStrictModeNothingIsRecordedBeforeTheSync) {
  auto with = settings(directory_.path());
  with.mode = Mode::Strict;
  start(with);
  orders_->hold_sync = true;
  EXPECT_GT(log_->lane->submit(release(1, 1)), 0U);
  const auto file = segment(directory_.path(), 1);
  ASSERT_TRUE(log_->signal.wait([&] { return lines(file).size() == 3; })) << "it is written";
  EXPECT_EQ(recorded(), 1U) << "but not recorded";
  release_disk();
  EXPECT_TRUE(log_->signal.wait([&] { return recorded() == 2; }));
}

TEST_F(AuditFault, ASegmentIsSyncedBeforeTheNextOneBegins) {
  const auto orders = std::make_shared<Orders>();
  OrderedDisk disk(orders);
  SegmentWriter files(disk, directory_.path(), 4, 1, 0, {});
  ASSERT_TRUE(files.append("one\n", {1, {}}));
  EXPECT_EQ(orders->syncs, 0);
  ASSERT_TRUE(files.append("two\n", {2, {}}));
  EXPECT_EQ(orders->syncs, 1);
  EXPECT_EQ(lines(SegmentWriter::segment_path(directory_.path(), 2)).size(), 1U);
}

TEST_F(AuditFault, InGroupModeASyncFollowsWithoutAnotherRecord) {
  start();
  const auto before = orders_->syncs.load();
  const auto written = std::chrono::steady_clock::now();
  EXPECT_GT(log_->lane->submit(release(1, 1)), 0U);
  ASSERT_TRUE(log_->signal.wait(
      [&] { return orders_->syncs > before && verify(directory_.path()).head.value_or(Head{}).number == 3; }));
  // The promise is 100 ms; the machine that tests run on may be slow.
  EXPECT_LT(std::chrono::steady_clock::now() - written, 2s);
}

TEST_F(AuditFault, AStalledSyncIsSeenWhileItLastsAndAfterwards) {
  auto with = settings(directory_.path());
  with.stall = 150ms;
  start(with);
  orders_->hold_sync = true;
  EXPECT_GT(log_->lane->submit(release(1, 1)), 0U);
  EXPECT_TRUE(turns_unhealthy());
  EXPECT_THAT(log_->log->fault(), HasSubstr("does not answer"));
  release_disk();
  EXPECT_TRUE(log_->signal.wait([&] { return log_->lane->submit(release(1, 2)) == 0; }));
  EXPECT_FALSE(log_->log->healthy());
}

TEST_F(AuditFault, AStalledWriteIsSeenAndNothingCountsAsRecorded) {
  auto with = settings(directory_.path());
  with.stall = 150ms;
  start(with);
  orders_->hold_append = true;
  EXPECT_GT(log_->lane->submit(release(1, 1)), 0U);
  EXPECT_TRUE(turns_unhealthy());
  release_disk();
  log_->log->close();
  EXPECT_EQ(recorded(), 1U);
}

TEST_F(AuditFault, AFullDiskTearsALineThatTheNextStartCuts) {
  for (const std::size_t room : {0U, 1U, 100U, 400U}) {
    ScratchDirectory directory;
    {
      auto orders = std::make_shared<Orders>();
      OpenLog log(settings(directory.path()), std::make_unique<OrderedDisk>(orders));
      ASSERT_EQ(log.put(release(1, 1)), 2U);
      orders->append_at_most = room;
      EXPECT_EQ(log.put(release(1, 2)), 0U);
      EXPECT_FALSE(log.log->healthy());
    }
    {
      OpenLog log(settings(directory.path()));
      ASSERT_EQ(log.error, "");
    }
    EXPECT_TRUE(verify(directory.path()).ok()) << room;
  }
}

/// Runs `child` in a process of its own, gives what it wrote to its pipe until it ended.
template <class Child>
std::string in_a_process(Child child, const std::function<void(pid_t, int)>& meanwhile) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t process = ::fork();
  if (process == 0) {
    ::close(ends[0]);
    child(ends[1]);
    ::_exit(0);
  }
  ::close(ends[1]);
  meanwhile(process, ends[0]);
  std::string told;
  char buffer[4096];
  for (ssize_t size = 0; (size = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    told.append(buffer, static_cast<std::size_t>(size));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(process, &status, 0);
  return told;
}

TEST(AuditProcess, IsStoppedByAFileSizeLimitAndStartsAgain) {
  ScratchDirectory directory;
  const auto told = in_a_process(
      [&](int out) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{20'000, 20'000};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        OpenLog log(settings(directory.path()));
        for (std::uint64_t number = 1; log.put(release(1, number)) > 0; ++number) {
        }
        const auto fault = log.log->fault();
        (void)!::write(out, fault.data(), fault.size());
      },
      [](pid_t, int) {});
  EXPECT_THAT(told, HasSubstr("File too large"));
  EXPECT_EQ(verify(directory.path()).notes.size(), 1U) << "the last line is torn";
  {
    OpenLog log(settings(directory.path()));
    ASSERT_EQ(log.error, "");
  }
  const auto result = verify(directory.path());
  EXPECT_TRUE(result.ok());
  EXPECT_TRUE(result.notes.empty());
}

TEST(AuditProcess, KilledAnywhereHasEveryRecordThatItCalledRecorded) {
  ScratchDirectory directory;
  std::mt19937 random(7);
  std::uint64_t reported = 0;
  for (int round = 0; round < 12; ++round) {
    auto with = settings(directory.path());
    with.segment_octets = 60'000;
    with.mode = round % 2 == 0 ? Mode::Group : Mode::Strict;
    const auto enough = 200 + random() % 4'000;
    const auto told = in_a_process(
        [&](int out) {
          OpenLog log(with);
          std::vector<std::uint64_t> numbers;
          auto record = release(1, 1);
          while (log.error.empty()) {
            for (int burst = 0; burst < 20; ++burst) {
              ++record.number_out;
              if (log.lane->submit(record) == 0) break;
            }
            log.recorded.clear();
            log.lane->take_recorded(log.recorded);
            for (const auto& each : log.recorded) (void)!::write(out, &each.number, sizeof each.number);
          }
        },
        [&](pid_t process, int in) {
          // Kill at a place that is random in what was reported, not in time.
          std::string skipped(enough * sizeof(std::uint64_t), '\0');
          std::size_t got = 0;
          while (got < skipped.size()) {
            const auto size = ::read(in, skipped.data() + got, skipped.size() - got);
            if (size <= 0) break;
            got += static_cast<std::size_t>(size);
          }
          ::kill(process, SIGKILL);
          ASSERT_EQ(got, skipped.size());
          std::memcpy(&reported, skipped.data() + got - sizeof reported, sizeof reported);
        });
    ASSERT_EQ(told.size() % sizeof reported, 0U);
    if (!told.empty()) std::memcpy(&reported, told.data() + told.size() - sizeof reported, sizeof reported);
    const auto result = verify(directory.path());
    ASSERT_TRUE(result.ok()) << round << " " << to_string(result.faults[0]);
    EXPECT_GE(result.last.number, reported) << round;
  }
  OpenLog log(settings(directory.path()));
  EXPECT_EQ(log.error, "");
}

}  // namespace
}  // namespace sallyport::audit
