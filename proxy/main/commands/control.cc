#include "proxy/main/commands/control.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/config/control.h"
#include "proxy/main/run/child.h"

namespace sallyport::commands {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto kPatience = 5s;

std::unexpected<std::string> failed(const char* what) {
  return std::unexpected(std::string(what) + ": " + std::strerror(errno));
}

/// Reads until the guard closes.
std::expected<std::string, std::string> read_all(int socket) {
  const auto deadline = steady_clock::now() + kPatience;
  std::string answer;
  std::array<char, 4096> buffer{};
  while (answer.size() <= config::kLargestControlAnswer) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    pollfd ready{socket, POLLIN, 0};
    if (left <= 0ms || poll(&ready, 1, static_cast<int>(left.count())) == 0) {
      return std::unexpected("the guard does not answer");
    }
    const ssize_t size = read(socket, buffer.data(), buffer.size());
    if (size == 0) return answer;
    if (size < 0 && errno != EINTR) return failed("the answer can't be read");
    if (size > 0) answer.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return std::unexpected("the answer is too long");
}

}  // namespace

std::expected<std::string, std::string> ask_guard(const std::filesystem::path& socket, std::string_view request) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.native().size() >= sizeof address.sun_path) return std::unexpected("the socket's path is too long");
  std::memcpy(address.sun_path, socket.c_str(), socket.native().size() + 1);
  const run::Descriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(connection.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failed("the guard's control socket can't be reached");
  }
  const std::string line = std::string(request) + "\n";
  if (send(connection.number(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
    return failed("the request can't be sent");
  }
  auto answer = read_all(connection.number());
  if (!answer) return answer;
  const std::size_t end = answer->find('\n');
  const std::string first = answer->substr(0, end);
  if (first != "ok")
    return std::unexpected(first.starts_with("error ") ? first.substr(6) : "the answer is not understood");
  return end == std::string::npos ? "" : answer->substr(end + 1);
}

}  // namespace sallyport::commands
