// The doors of the guard: who may come in as an edge, and with how many connections.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include "proxy/guard/guard.h"

namespace sallyport::guard {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using policy::Reason;

namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kHelloDeadline = 5s;
constexpr std::chrono::milliseconds kAcceptPause = 100ms;
constexpr std::chrono::milliseconds kStay = 200ms;  ///< from the beginning of one stay to that of the next, at least
constexpr std::size_t kMostGreeted = 16;            ///< connections whose Hello is awaited, per edge
constexpr std::size_t kDescriptorsKept = 128;       ///< for the log, the control socket and the process itself
constexpr unsigned kMisfitsRecorded = 10;           ///< a minute
constexpr const char* kProgram = "sallyport-guard";

}  // namespace

std::expected<void, Guard::Fault> Guard::count_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::unexpected(Fault{kFailed, std::strerror(errno)});
  // Two stays of an edge can overlap while the lanes close the channels of the first.
  const std::size_t edges = std::max<std::size_t>(doors_.size(), 1);
  const std::size_t needed = kDescriptorsKept + edges * 2 * kMostGreeted;
  const std::size_t left = limit.rlim_cur > needed ? limit.rlim_cur - needed : 0;
  most_channels_ = left / edges;
  if (most_channels_ >= std::clamp<std::size_t>(config_.guard.lanes, 1, kMostLanes)) return {};
  return std::unexpected(Fault{kUnusable, "the limit of open files (" + std::to_string(limit.rlim_cur) +
                                              ") is too low for so many lanes and edges"});
}

asio::awaitable<void> Guard::accept(EdgeIndex edge) {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer pause(executor);
  Door& door = doors_[edge];
  door.room.emplace(executor);
  for (;;) {
    if (!door.acceptor) co_return;
    // What is not accepted costs no descriptor here: it waits in the socket's queue, and only this edge waits with it.
    while (!has_room(door)) {
      door.room->expires_after(kHelloDeadline);
      co_await door.room->async_wait(kNoThrow);
    }
    auto [failed, socket] = co_await door.acceptor->async_accept(kNoThrow);
    if (failed == asio::error::operation_aborted) co_return;
    if (failed) {
      // Out of descriptors: it would fail again at once.
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(kNoThrow);
      continue;
    }
    if (draining_) continue;
    const auto user = airlock::peer_user(socket);
    if (user != door.user) {
      spdlog::warn("edge {}: a process of another user has connected; it is sent away", door.enclave);
      continue;
    }
    ++door.greeted;
    asio::co_spawn(executor, welcome(edge, std::move(socket)), asio::detached);
  }
}

bool Guard::has_room(const Door& door) const {
  return door.greeted < kMostGreeted && door.closing == 0;
}

void Guard::make_room(EdgeIndex edge) {
  Door& door = doors_[edge];
  if (door.room && has_room(door)) door.room->cancel();
}

asio::awaitable<void> Guard::welcome(EdgeIndex edge, airlock::Socket socket) {
  auto executor = co_await asio::this_coro::executor;
  Door& door = doors_[edge];
  const auto hello = co_await airlock::read_hello(socket, kHelloDeadline);
  const bool fits = hello && hello->major == airlock::kMajor && hello->guard_lane < lanes_.size() &&
                    hello->edge_lanes > 0 && hello->edge_lanes <= kMostLanes && hello->edge_lane < hello->edge_lanes &&
                    hello->edge_lanes * lanes_.size() <= most_channels_;
  if (fits && begins_stay(door, *hello)) {
    // Each stay is two lines of the log, so an edge that comes and goes without end has to take its time.
    asio::steady_timer wait(executor);
    wait.expires_at(door.stay_since + kStay);
    co_await wait.async_wait(kNoThrow);
  }
  if (fits && !draining_) {
    join(edge, std::move(socket), *hello);
  } else if (hello && !draining_) {
    refuse_hello(edge, *hello);
    std::string octets;
    airlock::write(airlock::kNoLeg, make_welcome(edge), octets);
    boost::system::error_code ignored;
    // A few hundred octets into an empty socket: this does not wait.
    socket.write_some(asio::buffer(octets), ignored);
  }
  --door.greeted;
  make_room(edge);
}

bool Guard::begins_stay(const Door& door, const airlock::Hello& hello) {
  return !door.present || door.epoch != hello.epoch || door.edge_lanes != hello.edge_lanes ||
         door.channels.contains({hello.edge_lane, hello.guard_lane});
}

void Guard::refuse_hello(EdgeIndex edge, const airlock::Hello& hello) {
  Door& door = doors_[edge];
  const Steady now = std::chrono::steady_clock::now();
  if (now - door.misfits_since >= 1min) {
    door.misfits_since = now;
    door.misfits = 0;
  }
  if (++door.misfits > kMisfitsRecorded) return;
  spdlog::warn("edge {}: it speaks version {} of the airlock protocol, or has more lanes than fit", door.enclave,
               hello.major);
  record(Reason::AirlockVersion, {{"enclave", door.enclave},
                                  {"major", std::to_string(hello.major)},
                                  {"lanes", std::to_string(hello.edge_lanes)},
                                  {"program", hello.program}});
}

airlock::Welcome Guard::make_welcome(EdgeIndex edge) const {
  airlock::Welcome welcome;
  welcome.program = kProgram;
  welcome.epoch = epoch_;
  welcome.guard_lanes = static_cast<std::uint16_t>(lanes_.size());
  welcome.enclave = doors_[edge].enclave;
  welcome.bundle_hash = policy_.bundle->hash();
  return welcome;
}

void Guard::join(EdgeIndex edge, airlock::Socket socket, const airlock::Hello& hello) {
  Door& door = doors_[edge];
  const std::pair channel(hello.edge_lane, hello.guard_lane);
  if (door.present && begins_stay(door, hello)) end_stay(edge, door.stay, "it has come anew");
  if (!door.present) {
    door.present = true;
    door.stay_since = std::chrono::steady_clock::now();
    door.stay = ++last_stay_;
    door.epoch = hello.epoch;
    door.edge_lanes = hello.edge_lanes;
    door.channels.clear();
    spdlog::info("edge {} has joined", door.enclave);
  }
  door.channels.insert(channel);
  lanes_[hello.guard_lane]->take_channel(std::move(socket), edge, door.stay, hello, make_welcome(edge));
}

void Guard::on_stay_over(EdgeIndex edge, Stay stay, std::string_view why) {
  asio::post(context_, [this, edge, stay, why] { end_stay(edge, stay, why); });
}

void Guard::end_stay(EdgeIndex edge, Stay stay, std::string_view why) {
  Door& door = doors_[edge];
  if (!door.present || door.stay != stay) return;
  door.present = false;
  spdlog::warn("edge {} has gone: {}", door.enclave, why);
  door.closing += static_cast<unsigned>(lanes_.size());
  for (const auto& lane : lanes_) {
    lane->end_stay(edge, stay, [this, edge] {
      asio::post(context_, [this, edge] {
        --doors_[edge].closing;
        make_room(edge);
      });
    });
  }
}

}  // namespace sallyport::guard
