// Each test gives up its rights in a child process and tries there what must fail.
#include <cerrno>
#include <csignal>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proxy/airlock/lockdown.h"

namespace sallyport::airlock {
namespace {

/// Runs `attempt` in a locked-down child and gives its exit status; 100 when the child could not be locked down.
template <class Attempt>
int in_child(Attempt attempt, Confinement confinement = Confinement::Guard) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!lock_down(confinement)) ::_exit(100);
    ::_exit(attempt());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 200 + WTERMSIG(status);
}

int errno_of(long result) {
  return result == -1 ? errno : 0;
}

TEST(Lockdown, MakesSocketFail) {
  EXPECT_EQ(in_child([] { return errno_of(::socket(AF_INET, SOCK_STREAM, 0)); }), EPERM);
  EXPECT_EQ(in_child([] { return errno_of(::socket(AF_INET6, SOCK_DGRAM, 0)); }), EPERM);
  EXPECT_EQ(in_child([] { return errno_of(::socket(AF_UNIX, SOCK_STREAM, 0)); }), EPERM);
}

TEST(Lockdown, MakesConnectFailOnASocketThatIsOpenAlready) {
  const int open_socket = ::socket(AF_INET, SOCK_STREAM, 0);
  const int status = in_child([&] {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(9);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return errno_of(::connect(open_socket, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  });
  ::close(open_socket);
  EXPECT_EQ(status, EPERM);
}

TEST(Lockdown, MakesExecveFail) {
  EXPECT_EQ(in_child([] {
              char* const arguments[] = {const_cast<char*>("true"), nullptr};
              return errno_of(::execv("/bin/true", arguments));
            }),
            EPERM);
}

TEST(Lockdown, MakesNoOtherProcess) {
  EXPECT_EQ(in_child([] {
              const pid_t child = ::fork();
              if (child == 0) ::_exit(0);
              return errno_of(child);
            }),
            EPERM);
}

TEST(Lockdown, LooksIntoNoOtherProcess) {
  const pid_t parent = ::getpid();
  EXPECT_EQ(in_child([&] { return errno_of(::ptrace(PTRACE_ATTACH, parent, nullptr, nullptr)); }), EPERM);
}

TEST(Lockdown, HoldsInThreadsThatRanBefore) {
  const pid_t child = ::fork();
  if (child == 0) {
    int go[2];
    if (::pipe(go) != 0) ::_exit(101);
    int result = -1;
    std::thread before([&] {
      char octet = 0;
      if (::read(go[0], &octet, 1) == 1) result = errno_of(::socket(AF_INET, SOCK_STREAM, 0));
    });
    if (!lock_down(Confinement::Guard)) ::_exit(100);
    if (::write(go[1], "x", 1) != 1) ::_exit(102);
    before.join();
    ::_exit(result);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), EPERM);
}

TEST(Lockdown, LeavesThreadsAndFilesUsable) {
  EXPECT_EQ(in_child([] {
              int result = 1;
              std::thread thread([&] { result = 0; });
              thread.join();
              const int file = ::open("/dev/null", O_WRONLY);
              return file < 0 ? errno : result;
            }),
            0);
}

TEST(Lockdown, LeavesNoCoreDump) {
  EXPECT_EQ(in_child([] {
              rlimit limit{};
              ::getrlimit(RLIMIT_CORE, &limit);
              return limit.rlim_max == 0 && ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 &&
                             ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
                         ? 0
                         : 1;
            }),
            0);
}

TEST(Lockdown, LeavesAnEdgeItsNetworkAndNothingElse) {
  EXPECT_EQ(in_child(
                [] {
                  const int listener = ::socket(AF_INET6, SOCK_STREAM, 0);
                  sockaddr_in6 any{};
                  any.sin6_family = AF_INET6;
                  any.sin6_addr = in6addr_loopback;
                  socklen_t size = sizeof any;
                  auto* address = reinterpret_cast<sockaddr*>(&any);
                  if (::bind(listener, address, size) != 0 || ::listen(listener, 1) != 0) return errno;
                  ::getsockname(listener, address, &size);
                  return errno_of(::connect(::socket(AF_INET6, SOCK_STREAM, 0), address, size));
                },
                Confinement::Edge),
            0);
  EXPECT_EQ(in_child(
                [] {
                  char* const arguments[] = {const_cast<char*>("true"), nullptr};
                  return errno_of(::execv("/bin/true", arguments));
                },
                Confinement::Edge),
            EPERM);
}

TEST(UserId, KnowsOwnAndNamedUsersAndNoOthers) {
  EXPECT_EQ(user_id("").value(), ::geteuid());
  EXPECT_EQ(user_id("root").value(), 0U);
  EXPECT_FALSE(user_id("no-such-user-here"));
}

}  // namespace
}  // namespace sallyport::airlock
