// Who may connect, and how often (protocol.md D-01, D-02).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>

#include <boost/asio/ip/address.hpp>

#include "proxy/config/config.h"

namespace sallyport::edge {

/// Counts connections and attempts by source: an IPv4 address, or the /64 of an IPv6 address. Kept by the lane that
/// accepts, alone. Bounded: sources without a connection are forgotten a minute after their last attempt, and beyond
/// kMostSources new ones are refused.
class Admission {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kMostSources = 65'536;

  enum class Answer : std::uint8_t { Admit, TooManyConnections, TooManyFromSource, TooManyAttempts };

  explicit Admission(const config::EdgeLimits& limits) : limits_(limits) {}
  void set_limits(const config::EdgeLimits& limits) { limits_ = limits; }

  /// Admit counts a connection; every admitted one is given back by release().
  Answer admit(const boost::asio::ip::address& address, Clock::time_point now);
  void release(const boost::asio::ip::address& address);
  std::size_t connections() const { return connections_; }

 private:
  struct Record {
    std::uint32_t connections = 0;
    std::uint32_t attempts = 0;  ///< in the minute that began at `since`
    Clock::time_point since{};
  };
  struct Key {
    std::uint64_t high = 0;
    bool ipv6 = false;
    bool operator==(const Key&) const = default;
  };
  /// Keyed, so that a peer can't choose addresses that collide (D-34).
  struct Hash {
    std::uint64_t seed;
    std::size_t operator()(const Key& key) const;
  };
  static Key key(const boost::asio::ip::address& address);
  void forget_old(Clock::time_point now);

  config::EdgeLimits limits_;
  std::unordered_map<Key, Record, Hash> sources_{64, Hash{random_seed()}};
  static std::uint64_t random_seed();
  std::size_t connections_ = 0;
};

std::string_view name(Admission::Answer answer);

}  // namespace sallyport::edge
