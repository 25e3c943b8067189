// Getting a TCP connection for a Dial.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "proxy/airlock/frames.h"
#include "proxy/edge/resolver.h"

namespace sallyport::edge {

class Lane;

/// An address to try, and how TLS starts there.
struct Target {
  boost::asio::ip::tcp::endpoint at;
  bool direct_tls = false;
  bool operator==(const Target&) const = default;
};

/// What came of a Dial: a connection to one target, and what could still be tried.
struct Dialled {
  airlock::Dial dial;
  std::uint16_t guard_lane = 0;
  bool direct_tls = false;
  std::chrono::steady_clock::time_point deadline;
  std::vector<Target> others;
};

/// Finds the targets of a domain (the configured next hop, else the enclave's DNS) and tries them in order, each with
/// its own deadline. One that is silent for a second is overtaken by the next (NET-06), with at most kAtOnce in
/// progress; the first that answers is taken, the others are dropped. Answers the guard itself when there is none.
class Dialling : public std::enable_shared_from_this<Dialling> {
 public:
  static constexpr std::size_t kAtOnce = 3;

  Dialling(Lane& lane, std::uint16_t guard_lane, airlock::LegId id, airlock::Dial dial);

  void start();
  /// In place of start(): with these targets, found before.
  void go_on(std::vector<Target> targets, std::chrono::steady_clock::time_point deadline);
  /// The guard does not want it any more, or is gone: ends without an answer.
  void cancel();
  airlock::LegKind kind() const { return dial_.kind; }
  /// Ends with an answer: there will be no leg.
  void refuse(const std::string& why) { give_up(airlock::DialFault::Overload, why); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Attempt {
    explicit Attempt(boost::asio::io_context& context) : socket(context), deadline(context) {}
    boost::asio::ip::tcp::socket socket;
    boost::asio::steady_timer deadline;
    bool direct_tls = false;
  };

  void watch_deadline();
  void on_resolved(const Resolver::Addresses& addresses);
  void try_targets(std::vector<Target> targets);
  void try_next();
  bool open(Attempt& attempt, const Target& target, boost::system::error_code& failed);
  void on_connected(const std::shared_ptr<Attempt>& attempt);
  void on_failed(const std::shared_ptr<Attempt>& attempt, const std::string& why);
  void give_up(airlock::DialFault fault, const std::string& why);
  void stop();

  Lane& lane_;
  std::uint16_t guard_lane_;
  airlock::LegId id_;
  airlock::Dial dial_;
  Clock::time_point deadline_;
  boost::asio::steady_timer overall_, overtake_;
  std::shared_ptr<Resolver> resolver_;  ///< while it is asked
  Resolver::LookupId lookup_ = 0;
  std::vector<Target> targets_;
  std::size_t next_ = 0;
  std::list<std::shared_ptr<Attempt>> attempts_;
  std::string last_failure_ = "no address";
  bool over_ = false;
};

}  // namespace sallyport::edge
