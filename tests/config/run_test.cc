// The real `sallyport run` with small scripts in place of guard and edge.
#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sallyport {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

/// Ends orderly, and says so. It waits for blocked signals: a shell's trap would miss one that comes just before its
/// `read`, and never hears a hang-up when the tests were started with that signal ignored.
constexpr std::string_view kOrderly = R"(#!/usr/bin/python3 -IS
import os, signal, sys
signals = (signal.SIGTERM, signal.SIGHUP)
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
print("$NAME runs as", os.getpid(), "with", *sys.argv[1:], flush=True)
while signal.sigwait(signals) == signal.SIGHUP:
    print("$NAME reloads", flush=True)
print("$NAME ends", flush=True)
)";

class RunCommand : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "run-test-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    script("sallyport-guard", replaced(kOrderly, "$NAME", "guard"));
    script("sallyport-edge", replaced(kOrderly, "$NAME", "edge"));
    std::ofstream(folder_ / "sallyport.toml") << "pid_file = 'run.pid'\n[guard]\nbundle = 'b'\nairlock = 'a'\n"
                                                 "[audit]\ndirectory = 'log'\n[edge.north]\nanchors = ['ca.pem']\n";
  }

  void TearDown() override {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    if (output_ >= 0) close(output_);
    std::filesystem::remove_all(folder_);
  }

  static std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
    std::string out(text);
    for (auto at = out.find(what); at != std::string::npos; at = out.find(what)) out.replace(at, what.size(), with);
    return out;
  }

  void script(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name) << text;
    std::filesystem::permissions(folder_ / name, std::filesystem::perms::owner_all);
  }

  void start() {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      dup2(ends[1], STDERR_FILENO);
      const std::string config = folder_ / "sallyport.toml", programs = folder_;
      execl(SALLYPORT_PROGRAM, "sallyport", "run", "--config", config.c_str(), "--libexec", programs.c_str(), nullptr);
      _exit(127);
    }
    close(ends[1]);
    output_ = ends[0];
  }

  /// Reads until a line holds `text`; gives that line, or "" when there was none within 20 s.
  std::string await(std::string_view text) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (true) {
      for (auto end = unread_.find('\n'); end != std::string::npos; end = unread_.find('\n')) {
        const std::string line = unread_.substr(0, end);
        unread_.erase(0, end + 1);
        if (line.find(text) != std::string::npos) return line;
      }
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd ready{output_, POLLIN, 0};
      std::array<char, 1024> buffer{};
      if (left <= 0ms || poll(&ready, 1, static_cast<int>(left.count())) != 1) return "";
      const ssize_t size = read(output_, buffer.data(), buffer.size());
      if (size <= 0) return "";
      unread_.append(buffer.data(), static_cast<std::size_t>(size));
    }
  }

  /// Starts, and waits until both scripts run; gives the edge's line.
  std::string start_both() {
    start();
    const std::string first = await(" runs as "), second = await(" runs as ");
    return first.find("edge runs") != std::string::npos ? first : second;
  }

  static pid_t pid_in(const std::string& line) { return std::stoi(line.substr(line.find(" as ") + 4)); }

  int end_status() {
    int state = 0;
    waitpid(pid_, &state, 0);
    pid_ = -1;
    return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
  }

  std::filesystem::path folder_;
  pid_t pid_ = -1;
  int output_ = -1;
  std::string unread_;
};

TEST_F(RunCommand, StartsGuardAndEdgesWithTheirArgumentsAndLabelsTheirLines) {
  const std::string edge = start_both();
  EXPECT_THAT(edge, testing::StartsWith("edge north | edge runs as "));
  EXPECT_THAT(edge, HasSubstr("--config " + (folder_ / "sallyport.toml").string() + " --enclave north"));
}

TEST_F(RunCommand, StopsTheEdgesThenTheGuardAndLeavesNoPidFile) {
  ASSERT_NE(start_both(), "");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "run.pid"));
  kill(pid_, SIGTERM);
  EXPECT_NE(await("edge ends"), "");
  EXPECT_NE(await("guard ends"), "");
  EXPECT_EQ(end_status(), 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run.pid"));
}

TEST_F(RunCommand, StartsAgainWhatWasKilled) {
  const std::string before = start_both();
  ASSERT_NE(before, "");
  kill(pid_in(before), SIGKILL);
  EXPECT_NE(await("edge north was killed by signal 9"), "");
  const std::string after = await("edge runs");
  ASSERT_NE(after, "");
  EXPECT_NE(pid_in(after), pid_in(before));
}

TEST_F(RunCommand, PassesAHangupOn) {
  ASSERT_NE(start_both(), "");
  kill(pid_, SIGHUP);
  EXPECT_NE(await("reloads"), "");
  EXPECT_NE(await("reloads"), "");
}

TEST_F(RunCommand, EndsWithStatus2WhenAProgramSaysThatTheConfigurationIsWrong) {
  script("sallyport-guard", "#!/bin/sh\necho 'the bundle is damaged'\nexit 2\n");
  start();
  EXPECT_NE(await("guard      | the bundle is damaged"), "");
  EXPECT_EQ(end_status(), 2);
}

TEST_F(RunCommand, TakesItsChildrenWithItWhenKilled) {
  const std::string line = start_both();
  ASSERT_NE(line, "");
  const int edge = static_cast<int>(syscall(SYS_pidfd_open, pid_in(line), 0));
  ASSERT_GE(edge, 0);
  kill(pid_, SIGKILL);
  EXPECT_EQ(end_status(), 128 + SIGKILL);
  pollfd ended{edge, POLLIN, 0};
  EXPECT_EQ(poll(&ended, 1, 20'000), 1) << "the edge still runs";
  close(edge);
}

TEST_F(RunCommand, SaysWhichProgramIsNotThere) {
  std::filesystem::remove(folder_ / "sallyport-edge");
  start();
  EXPECT_NE(await("sallyport-edge: no such program"), "");
  EXPECT_EQ(end_status(), 2);
}

}  // namespace
}  // namespace sallyport
