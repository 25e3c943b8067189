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
  static constexpr std::uint16_t kMostLanes = 64;

  struct Door {
    std::string enclave;
    uid_t user = 0;
    std::optional<Acceptor> acceptor;
    std::filesystem::path file;
    unsigned greeted = 0;  ///< connections whose Hello is awaited
    unsigned closing = 0;  ///< lanes that have not closed the channels of the last stay yet
    /// Waited on while no more connections may be accepted; cancelled when one of those above has gone.
    std::optional<boost::asio::steady_timer> room;
    unsigned misfits = 0;  ///< Hellos that were refused, in this minute
    Steady misfits_since{};
    // The stay of its edge.
    Stay stay = 0;
    Steady stay_since{};
    bool present = false;
    std::uint64_t epoch = 0;
    std::uint16_t edge_lanes = 0;
    std::set<std::pair<std::uint16_t, std::uint16_t>> channels;  ///< edge lane, guard lane
  };

  explicit Guard(const config::Config& config);
  std::expected<void, Fault> make_listeners();
  std::expected<void, Fault> open_log();
  /// No edge may have so many channels that another, or the log, goes without.
  std::expected<void, Fault> count_descriptors();
  std::expected<void, Fault> make_lanes();
  std::expected<void, Fault> open_ledger();

  boost::asio::awaitable<void> accept(EdgeIndex edge);
  boost::asio::awaitable<void> welcome(EdgeIndex edge, airlock::Socket socket);
  airlock::Welcome make_welcome(EdgeIndex edge) const;
  void join(EdgeIndex edge, airlock::Socket socket, const airlock::Hello& hello);
  /// Another start of the edge, or a new try of the same one before the end of the last was noticed.
  static bool begins_stay(const Door& door, const airlock::Hello& hello);
  bool has_room(const Door& door) const;
  void make_room(EdgeIndex edge);
  void refuse_hello(EdgeIndex edge, const airlock::Hello& hello);
  void on_stay_over(EdgeIndex edge, Stay stay, std::string_view why) override;
  void on_lane_message(std::uint16_t lane, LaneMessage message) override;
  void end_stay(EdgeIndex edge, Stay stay, std::string_view why);

  boost::asio::awaitable<void> accept_control();
  boost::asio::awaitable<void> serve_control(airlock::Socket socket);
  boost::asio::awaitable<void> answer_control(airlock::Socket socket);
  std::string answer(std::string_view request);
  std::string preview_answer();
  std::string status_answer();
  std::string shadow_lines(const Shadow::Counts& counts) const;
  std::string ledger_show_answer(std::string_view rest);
  std::string ledger_import_answer(std::string_view rest);
  std::string ledger_revoke_answer(std::string_view rest);
  std::size_t lane_of(std::string_view watcher, std::string_view watched) const;

  void await_signal();
  void reload();
  void load_policy();
  void load_shadow();
  std::vector<Lane::Ending> endings(const std::shared_ptr<const policy::Bundle>& bundle);
  static std::string describe(const Lane::Ending& ending);
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
  std::unique_ptr<LedgerStore> ledger_;
  policy::Officers officers_;
  LoadedBundle policy_;
  std::shared_ptr<const policy::Bundle> shadow_;  ///< nullptr: none
  Budget budget_;
  std::vector<std::unique_ptr<LaneThread>> lanes_;
  std::uint64_t epoch_ = 0;
  std::size_t most_channels_ = 0;  ///< of one edge
  unsigned controls_ = 0;          ///< connections to the control socket
  Stay last_stay_ = 0;
  bool draining_ = false;
  unsigned given_up_ = 0;  ///< how often the lanes were told to give up what waits
  ExitStatus status_ = kStopped;
};

}  // namespace sallyport::guard
