// The real program, and edges that are played by the test over its socket files.
#pragma once

#include <chrono>
#include <csignal>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard_scene.h"
#include "proxy/guard/guard.h"

namespace sallyport::guard {

inline constexpr auto kPatience = 10s;

class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "guard-test-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary | std::ios::trunc) << text;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

/// The running guard, with the edges north and south.
class Program {
 public:
  /// `more`: settings of the guard. Cleared `starts`: start() is called later.
  explicit Program(unsigned lanes = 1, std::string more = "", rlim_t files = 0, bool starts = true) : files_(files) {
    for (const char* each : {"airlock", "audit"}) std::filesystem::create_directory(folder.path() / each);
    put_policy(tables());
    folder.write("anchors.pem", "");
    const std::string edge = "anchors = [\"anchors.pem\"]\n";
    config =
        folder.write("sallyport.toml",
                     "[guard]\nbundle = \"policy.bundle\"\nairlock = \"airlock\"\ncontrol = \"control\"\nlanes = " +
                         std::to_string(lanes) + "\n" + more + "[audit]\ndirectory = \"audit\"\n[edge.north]\n" + edge +
                         "[edge.south]\n" + edge);
    if (starts) start();
  }
  ~Program() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      wait();
    }
  }

  void put_policy(policy::Tables policy) { folder.write("policy.bundle", bundle(std::move(policy))->octets()); }
  void start() {
    pid_ = ::fork();
    if (pid_ == 0) {
      const int log = ::open((folder.path() / "stderr").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      ::dup2(log, STDERR_FILENO);
      const rlimit limit{files_, files_};
      if (files_ > 0) ::setrlimit(RLIMIT_NOFILE, &limit);
      ::execl(SALLYPORT_GUARD, "sallyport-guard", "--config", config.c_str(), nullptr);
      ::_exit(127);
    }
  }
  void signal(int number) const { ::kill(pid_, number); }
  pid_t pid() const { return pid_; }
  /// The exit status; 128 and more when it was killed.
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string log() const {
    std::ifstream file(folder.path() / "stderr");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  std::string audit() const {
    std::ifstream file(folder.path() / "audit" / "audit-000001.jsonl");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  /// Waits until the audit log holds that text.
  bool recorded(std::string_view text) const {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      if (audit().find(text) != std::string::npos) return true;
      ::poll(nullptr, 0, 5);
    }
    return false;
  }

  Folder folder;
  std::filesystem::path config;

 private:
  const rlim_t files_;
  pid_t pid_ = -1;
};

/// Connects to a socket file, as soon as there is one.
inline int connect_to(const std::filesystem::path& file) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, file.c_str(), file.native().size() + 1);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  do {
    const int connection = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return connection;
    ::close(connection);
    ::poll(nullptr, 0, 10);
  } while (std::chrono::steady_clock::now() < deadline);
  return -1;
}

/// One channel of an edge. It beats by itself while it waits.
class Line {
 public:
  Line(const Program& program, const std::string& enclave, std::uint16_t guard_lane = 0, std::uint64_t epoch = 1)
      : Line(program, enclave, hello_of(guard_lane, epoch)) {}
  Line(const Program& program, const std::string& enclave, const airlock::Hello& hello)
      : socket_(connect_to(program.folder.path() / "airlock" / (enclave + ".sock"))) {
    send(airlock::kNoLeg, hello);
  }
  ~Line() {
    if (socket_ >= 0) ::close(socket_);
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  void send(LegId leg, const airlock::Body& body) {
    std::string octets;
    airlock::write(leg, body, octets);
    send_octets(octets);
  }
  void send_octets(const std::string& octets) const {
    EXPECT_EQ(::send(socket_, octets.data(), octets.size(), MSG_NOSIGNAL), static_cast<ssize_t>(octets.size()));
  }

  /// Waits for the next frame of that type, and skips others. nullopt: the channel ended, or nothing came in time.
  template <class Frame>
  std::optional<std::pair<LegId, Frame>> await(std::chrono::milliseconds patience = kPatience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
      const auto size = airlock::frame_size(in_);
      if (size && *size > 0) {
        const std::string octets = in_.substr(0, *size);
        in_.erase(0, *size);
        const auto frame = airlock::read(octets);
        if (!frame) return std::nullopt;
        if (const auto* found = std::get_if<Frame>(&frame->body)) {
          if constexpr (std::is_same_v<Frame, airlock::Deliver>) xml = found->xml;
          if constexpr (std::is_same_v<Frame, airlock::Grant>) granted = found->stanzas;
          return std::pair(frame->leg, *found);
        }
        continue;
      }
      if (std::chrono::steady_clock::now() > deadline || !read_more()) return std::nullopt;
    }
  }
  /// Waits for the end of the channel.
  bool ended() {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      if (!read_more()) return true;
    }
    return false;
  }

  std::string xml;            ///< of the last Deliver
  std::uint32_t granted = 0;  ///< stanzas, by the last Grant

 private:
  static airlock::Hello hello_of(std::uint16_t guard_lane, std::uint64_t epoch) {
    airlock::Hello hello;
    hello.program = "test";
    hello.epoch = epoch;
    hello.guard_lane = guard_lane;
    return hello;
  }
  bool read_more() {
    pollfd ready{socket_, POLLIN, 0};
    if (::poll(&ready, 1, 500) == 0) {
      std::string beat;
      airlock::write(airlock::kNoLeg, airlock::Beat{}, beat);
      return ::send(socket_, beat.data(), beat.size(), MSG_NOSIGNAL) > 0;
    }
    char buffer[65536];
    const ssize_t count = ::read(socket_, buffer, sizeof buffer);
    if (count <= 0) return false;
    in_.append(buffer, static_cast<std::size_t>(count));
    return true;
  }

  int socket_;
  std::string in_;
};

}  // namespace sallyport::guard
