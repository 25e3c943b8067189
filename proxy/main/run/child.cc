#include "proxy/main/run/child.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace sallyport::run {

namespace {

constexpr int kCannotStart = 127;

/// In the child: nothing here may allocate beyond what exec needs, or return.
[[noreturn]] void become(const Program& program, int output, pid_t parent) {
  // A terminal's interrupt is for us alone, hence a group of its own.
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent || setpgid(0, 0) != 0) _exit(kCannotStart);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = open("/dev/null", O_RDONLY);
  if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
      dup2(output, STDERR_FILENO) < 0) {
    _exit(kCannotStart);
  }
  std::vector<char*> arguments{const_cast<char*>(program.file.c_str())};
  for (const std::string& argument : program.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execv(program.file.c_str(), arguments.data());
  _exit(kCannotStart);
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

Child Child::start(const Program& program) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  Descriptor reading(ends[0]);
  const Descriptor writing(ends[1]);
  fcntl(reading.number(), F_SETFL, O_NONBLOCK);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) become(program, writing.number(), parent);
  return {pid, std::move(reading)};
}

void Child::send(int signal) const {
  kill(pid_, signal);
}

void Child::read_output(std::string& text) {
  std::array<char, 4096> buffer{};
  for (int turn = 0; turn < 16 && output_.is_open(); ++turn) {
    const ssize_t size = ::read(output_.number(), buffer.data(), buffer.size());
    if (size > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(size));
    } else if (size == 0) {
      output_ = Descriptor();
    } else if (errno != EINTR) {
      return;
    }
  }
}

}  // namespace sallyport::run
