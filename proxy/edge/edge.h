// The edge of one enclave: its lanes, its listeners, and its life with the guard.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/logger.h>

#include "proxy/config/config.h"
#include "proxy/edge/admission.h"
#include "proxy/edge/lane.h"
#include "proxy/edge/settings.h"

namespace sallyport::edge {

/// Connects to the guard, then listens; without the guard it neither listens nor talks, and tries again until it is
/// back.
///
/// The listeners belong to lane 0, which accepts for all lanes and hands each connection to the next one in turn: legs
/// between servers are few and long, so that chance (SO_REUSEPORT) would load lanes unevenly; the limits on connections
/// are kept in one place without a lock; and closing a listener loses no connection that another socket would have
/// taken.
class Edge {
 public:
  struct Options {
    config::Edge config;
    std::filesystem::path airlock;  ///< directory of the guard's socket files
    /// Reads the configuration again, for SIGHUP; the error is for the log.
    std::function<std::expected<config::Edge, std::string>()> reload;
    bool signals = true;  ///< take SIGTERM, SIGINT and SIGHUP
  };

  Edge(Options options, std::shared_ptr<const Settings> settings, std::shared_ptr<spdlog::logger> log);
  ~Edge();

  /// Returns after stop() or SIGTERM, SIGINT.
  void run();
  /// From any thread: ends all legs with system-shutdown, then run() returns.
  void stop();
  /// From any thread; what SIGHUP does.
  void reload();

 private:
  enum class State : std::uint8_t { Apart, Linking, Serving, Draining, Parting, Stopping };
  struct Listening {
    config::Listener listener;
    boost::asio::ip::tcp::acceptor acceptor;
    boost::asio::steady_timer pause;
  };

  // On lane 0.
  void seek_guard();
  void on_linked(Attempt attempt, std::uint16_t lane, std::uint16_t guard_lane, const airlock::Welcome& welcome);
  void on_guard_lost(Attempt attempt, const std::string& why);
  void on_drain(Attempt attempt, std::chrono::milliseconds deadline);
  std::string socket_file() const;
  void part();
  void retry(std::chrono::milliseconds delay);
  void open_listeners();
  void open_listener(const config::Listener& listener);
  void close_listeners();
  void reopen_listeners();
  void mark_listeners();
  void accept(const std::shared_ptr<Listening>& listening);
  void on_accepted(const std::shared_ptr<Listening>& listening, boost::asio::ip::tcp::socket socket, Lane& lane);
  void check_logins();
  void on_checked(const std::string& domain, bool certificate, const LoginCheck::Finding& finding);
  void wait_for_signal();
  void do_reload();
  void do_stop();
  void wait_for_legs(std::chrono::steady_clock::time_point deadline);
  void join();

  Options options_;
  std::shared_ptr<const Settings> settings_;
  std::shared_ptr<spdlog::logger> log_;
  Admissions admissions_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<std::thread> threads_;
  State state_ = State::Apart;
  Attempt attempt_ = 0;  ///< to reach the guard; what lanes tell of earlier ones is not about today's channels
  std::size_t links_wanted_ = 0, links_made_ = 0;
  std::chrono::milliseconds patience_;
  std::vector<std::shared_ptr<Listening>> listening_;
  std::size_t next_lane_ = 0;
  boost::asio::steady_timer timer_, check_timer_;
  boost::asio::signal_set signals_;
};

}  // namespace sallyport::edge
