// A thread of the edge, and everything that lives on it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "proxy/airlock/channel.h"
#include "proxy/config/config.h"
#include "proxy/edge/admission.h"
#include "proxy/edge/dialling.h"
#include "proxy/edge/event_budget.h"
#include "proxy/edge/leg.h"
#include "proxy/edge/login_check.h"
#include "proxy/edge/resolver.h"
#include "proxy/edge/settings.h"

namespace sallyport::edge {

/// Which attempt of the edge to reach the guard a channel belongs to. What is told of an earlier one is out of date.
using Attempt = std::uint64_t;

/// What a lane tells the edge; called on the lane's thread.
struct LaneReports {
  /// The channel to this guard lane is ready; the guard has so many lanes.
  std::function<void(Attempt, std::uint16_t guard_lane, const airlock::Welcome&)> linked;
  std::function<void(Attempt, std::string why)> guard_lost;
  std::function<void(Attempt, std::chrono::milliseconds)> drain;
  /// What came of check_login().
  std::function<void(const std::string& domain, bool certificate, const LoginCheck::Finding&)> checked;
  /// For the operator's log.
  std::function<void(std::string)> news, trouble;
};

/// Owns its legs and its channels to every guard lane. Shares no session state with other lanes: everything below is
/// called on its own thread, except post(), run() and stop().
class Lane final : airlock::Channel::Owner {
 public:
  /// `admissions` are shared with the other lanes and outlive them.
  Lane(std::uint16_t index, std::uint16_t lanes, std::uint64_t epoch, std::shared_ptr<const Settings> settings,
       Admissions& admissions, LaneReports reports);
  virtual ~Lane();

  boost::asio::io_context& context() { return context_; }
  /// Runs on the calling thread until stop().
  void run();
  void stop();
  void post(std::function<void()> task);

  // The airlock.
  void link(Attempt attempt, std::uint16_t guard_lane, const std::string& path);
  /// Ends every channel; every leg writes what was delivered and ends with system-shutdown.
  void unlink();
  void send(std::uint16_t guard_lane, airlock::LegId leg, const airlock::Body& body);
  std::uint16_t guard_lanes() const { return static_cast<std::uint16_t>(channels_.size()); }

  // Legs.
  /// `peer` as it was admitted: a connection that was reset since then has no address any more.
  void adopt(boost::asio::ip::tcp::socket socket, const boost::asio::ip::tcp::endpoint& peer,
             const config::Listener& listener);
  void ended(const std::shared_ptr<Leg>& leg);
  /// A dialling has ended without a leg.
  void dial_over(airlock::LegId id);
  void connected(airlock::LegId id, boost::asio::ip::tcp::socket socket, Dialled dialled);
  /// TLS could not be had where that leg was connected to: the other targets are tried.
  void dial_on(airlock::LegId id, Dialled dialled);
  /// Connects to the server of the domain and looks whether clients can log in there (protocol.md C-04).
  void check_login(const std::string& domain, bool certificate, LoginCheck check);
  /// Clients are not taken there, in this way, because of that; "": they are.
  void refuse_logins(const std::string& domain, bool certificate, const std::string& why);
  std::size_t legs() const { return legs_.size() + dials_.size(); }
  /// Says which legs it will end, then ends those and no others.
  void apply(std::shared_ptr<const Settings> settings);
  /// All legs are judged again at this time (seconds since 1970) at the latest: a certificate ends then (T-14).
  void look_after_by(std::int64_t when);
  /// Every leg ends with system-shutdown, and the guard hears of each.
  void shut_down();
  /// The same; legs that stand have until `deadline`.
  void drain(std::chrono::milliseconds deadline);

  const Settings& settings() const { return *settings_; }
  /// Null without configured resolvers. Whoever has asked it keeps it.
  const std::shared_ptr<Resolver>& resolver() const { return resolver_; }
  std::uint16_t index() const { return index_; }
  /// Something to record, within the budget.
  void note(std::string_view code, std::vector<airlock::Pair> details);
  Admissions& admissions() { return admissions_; }
  /// A leg has given memory back; after many the process gives it to the system.
  void hibernated();
  /// The leg has something to write at the end of this wake-up.
  void dirty(std::shared_ptr<Leg> leg);
  /// A stanza has gone to the guard. While many come, the lane lets some gather before it looks again.
  void handed_on();
  CreditBudget& credit_budget() { return credit_budget_; }
  /// The leg's socket is to be asked what has arrived; once, until Leg::settle() says that it is over.
  void unsettled(std::shared_ptr<Leg> leg);

  // Lent for the time of one call (budgets.md P6).
  static constexpr std::size_t kReadSize = 32 * 1024;
  std::array<char, kReadSize>& read_buffer() { return read_buffer_; }
  std::array<char, 16 * 1024 + 512>& plain_buffer() { return plain_buffer_; }
  std::string& cipher_buffer() { return cipher_buffer_; }

 private:
  struct Link {
    std::shared_ptr<airlock::Channel> channel;
    bool welcomed = false;
  };

  void on_frame(airlock::Channel& channel, const airlock::Frame& frame) override;
  void on_frame(std::uint16_t guard_lane, Dialling& dialling, const airlock::Frame& frame);
  void on_batch_end(airlock::Channel&) override {}
  void on_end(airlock::Channel& channel, airlock::ChannelEnd end, std::string_view why) override;
  std::optional<std::uint16_t> lane_of(const airlock::Channel& channel) const;
  void on_welcome(std::uint16_t guard_lane, const airlock::Welcome& welcome);
  void dial(std::uint16_t guard_lane, airlock::LegId id, const airlock::Dial& dial);
  void on_check_frame(airlock::LegId id, const airlock::Body& body);
  std::optional<airlock::Failed> objection(const airlock::Dial& wanted) const;
  void lose_guard(std::string why);
  void open_resolver();
  void flush_dirty();
  void settle_later();
  void rest();
  void look_after();
  void plan_care();
  void judge_all(std::string_view cause);
  std::vector<std::shared_ptr<Leg>> all_legs() const;

  std::uint16_t index_, lanes_;
  std::uint64_t epoch_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::shared_ptr<const Settings> settings_;
  Admissions& admissions_;
  LaneReports reports_;
  Attempt attempt_ = 0;
  std::shared_ptr<Resolver> resolver_;
  std::vector<Link> channels_;
  std::unordered_map<airlock::LegId, std::shared_ptr<Leg>> legs_;
  std::unordered_map<airlock::LegId, std::shared_ptr<Dialling>> dials_;
  std::uint64_t legs_made_ = 0, checks_made_ = 0;
  struct Check {
    std::string domain;
    bool certificate;
    LoginCheck check;
    bool told = false;
  };
  std::unordered_map<airlock::LegId, Check> checks_;
  std::map<std::pair<std::string, bool>, std::string> refused_logins_;  ///< domain, with certificate; why
  std::vector<std::shared_ptr<Leg>> dirty_, flushing_, unsettled_;
  bool flush_posted_ = false, settle_waits_ = false, rest_posted_ = false;
  std::chrono::steady_clock::time_point rested_{};
  CreditBudget credit_budget_;
  boost::asio::steady_timer settle_timer_, care_timer_, drain_timer_, trim_timer_;
  bool trim_waits_ = false;
  EventBudget budget_;
  std::int64_t care_at_ = 0;  ///< seconds since 1970

  std::array<char, kReadSize> read_buffer_{};
  std::array<char, 16 * 1024 + 512> plain_buffer_{};
  std::string cipher_buffer_;
};

}  // namespace sallyport::edge
