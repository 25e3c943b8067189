// The guard as a process: it owns the listeners, the log, the policy and the lanes, and joins edges to lanes.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "audit/log.h"
#include "policy/reason.h"
#include "proxy/config/config.h"
#include "proxy/guard/files.h"
#include "proxy/guard/lane_thread.h"

namespace sallyport::guard {

/// How the process ends. What `sallyport run` and systemd go by.
enum ExitStatus : int {
  kStopped = 0,      ///< told to stop, and did
  kFailed = 1,       ///< it could not start for now, or a defect ended it
  kUnusable = 2,     ///< with this configuration it can never start
  kAuditFailed = 3,  ///< the log could not be written; nothing crossed since
};

class Guard final : private LaneThread::Coordinator {
 public:
  /// Makes listeners, becomes the configured user, opens and repairs the log, loads the bundle. Nothing is accepted
  /// yet.
  struct Fault {
    ExitStatus status;
    std::string what;
  };
  static std::expected<std::unique_ptr<Guard>, Fault> open(const config::Config& config);
  ~Guard();

  /// Accepts and runs until told to stop (SIGTERM, SIGINT) or until the log fails. SIGHUP loads the bundle anew.
  ExitStatus run();

 private:
  struct Door {
    std::string enclave;
    uid_t user = 0;
    std::optional<Acceptor> acceptor;
    std::filesystem::path file;
    unsigned greeted = 0;  ///< connections whose Hello is awaited
    // The stay of its edge.
    Stay stay = 0;
    bool present = false;
    std::uint64_t epoch = 0;
    std::uint16_t edge_lanes = 0;
    std::set<std::pair<std::uint16_t, std::uint16_t>> channels;  ///< edge lane, guard lane
  };

  explicit Guard(const config::Config& config);
  std::expected<void, Fault> make_listeners();
  std::expected<void, Fault> open_log();
  void make_lanes();

  boost::asio::awaitable<void> accept(EdgeIndex edge);
  boost::asio::awaitable<void> welcome(EdgeIndex edge, airlock::Socket socket);
  airlock::Welcome make_welcome(EdgeIndex edge) const;
  void join(EdgeIndex edge, airlock::Socket socket, const airlock::Hello& hello);
  void on_stay_over(EdgeIndex edge, Stay stay, std::string_view why) override;
  void end_stay(EdgeIndex edge, Stay stay, std::string_view why);

  boost::asio::awaitable<void> accept_control();
  boost::asio::awaitable<void> serve_control(airlock::Socket socket);
  std::string answer(std::string_view request);
  std::string preview_answer();
  std::string status_answer();

  void await_signal();
  void reload();
  std::vector<Lane::Ending> endings(const std::shared_ptr<const policy::Bundle>& bundle);
  void watch_log();
  void begin_drain(ExitStatus status, std::chrono::milliseconds limit);
  void await_drained(Steady limit);
  Lane::Census census();
  void record(policy::Reason reason, Details details = {});

  const config::Config config_;
  boost::asio::io_context context_{1};
  boost::asio::signal_set signals_;
  boost::asio::steady_timer health_timer_, drain_timer_;
  std::vector<Door> doors_;
  std::optional<Acceptor> control_;
  std::unique_ptr<audit::Log> log_;
  std::shared_ptr<const policy::Bundle> bundle_;
  Budget budget_;
  std::vector<std::unique_ptr<LaneThread>> lanes_;
  std::uint64_t epoch_ = 0;
  Stay last_stay_ = 0;
  bool draining_ = false;
  ExitStatus status_ = kStopped;
};

}  // namespace sallyport::guard
