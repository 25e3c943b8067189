// What the tests of the log share: a directory of their own, and records and logs to put in it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "audit/log.h"

namespace sallyport::audit {

using namespace std::chrono_literals;

inline constexpr Time kNow = std::chrono::sys_days(std::chrono::year(2026) / 3 / 4) + 5h + 6min + 7s + 89us;

class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = std::filesystem::temp_directory_path() / "audit-test-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void overwrite(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

inline std::vector<std::string> lines(const std::filesystem::path& path) {
  std::vector<std::string> found;
  std::istringstream text(contents(path));
  for (std::string line; std::getline(text, line);) found.push_back(line);
  return found;
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + '\n';
  return text;
}

inline StanzaRecord release(std::uint64_t leg_out, std::uint64_t number_out) {
  StanzaRecord record;
  record.time = kNow;
  record.crossing = 3;
  record.from_enclave = "north";
  record.to_enclave = "south";
  record.from = "romeo@a.test/orchard";
  record.to = "juliet@b.test";
  record.kind = "message";
  record.type = "chat";
  record.id = "m" + std::to_string(number_out);
  record.verdict = "release";
  record.reason = "policy.granted";
  record.leg_in = 2;
  record.number_in = number_out;
  record.leg_out = leg_out;
  record.number_out = number_out;
  record.octets_in = 300;
  record.octets_out = 280;
  record.sha256_in.fill(0xAB);
  record.sha256_out.fill(0xCD);
  return record;
}

inline EventRecord event(std::string code) {
  EventRecord record;
  record.time = kNow;
  record.code = std::move(code);
  return record;
}

/// Waits, with a deadline, for what the log's threads say.
class Signal {
 public:
  void raise() {
    const std::scoped_lock lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  /// Until `done` holds; it is looked at after each raise(), and now and then.
  template <class Done>
  [[nodiscard]] bool wait(Done done, std::chrono::milliseconds limit = 20s) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    std::unique_lock lock(mutex_);
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      changed_.wait_for(lock, 5ms);
    }
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t count_ = 0;
};

/// A log with one lane whose records are waited for.
class OpenLog {
 public:
  explicit OpenLog(const LogSettings& settings, std::unique_ptr<Disk> disk = system_disk(),
                   std::size_t capacity = 256) {
    auto opened = Log::open(settings, kNow, std::move(disk));
    if (!opened) {
      error = opened.error();
      return;
    }
    log = std::move(*opened);
    lane = &log->add_lane([this] { signal.raise(); }, capacity);
  }
  ~OpenLog() { log.reset(); }

  /// Submits and waits until it is recorded; its number, or 0 when that did not come about.
  std::uint64_t put(const Record& record) {
    const auto ticket = lane->submit(record);
    if (ticket == 0) return 0;
    const bool came = signal.wait([&] {
      lane->take_recorded(recorded);
      return (!recorded.empty() && recorded.back().ticket >= ticket) || !log->healthy();
    });
    return came && !recorded.empty() && recorded.back().ticket == ticket ? recorded.back().number : 0;
  }

  Signal signal;
  std::unique_ptr<Log> log;
  Log::Lane* lane = nullptr;
  std::vector<Recorded> recorded;
  std::string error;
};

inline LogSettings settings(const std::filesystem::path& directory) {
  LogSettings settings;
  settings.directory = directory;
  return settings;
}

/// A closed log of records 1 ("audit.opened") to `last` in `directory`.
inline void write_log(const std::filesystem::path& directory, std::uint64_t last,
                      std::uint64_t segment_octets = 1 << 20) {
  auto with = settings(directory);
  with.segment_octets = segment_octets;
  with.gather = 0us;
  OpenLog log(with);
  ASSERT_EQ(log.error, "");
  for (std::uint64_t number = 2; number <= last; ++number) ASSERT_EQ(log.put(release(1, number)), number);
  log.log->close();
}

inline std::filesystem::path segment(const std::filesystem::path& directory, int index) {
  return directory / ("audit-00000" + std::to_string(index) + ".jsonl");
}

}  // namespace sallyport::audit
