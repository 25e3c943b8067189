// Who may connect, how often, and how much may be begun at once (protocol.md D-01 to D-03).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include <boost/asio/ip/address.hpp>

#include "proxy/airlock/frames.h"
#include "proxy/config/config.h"

namespace sallyport::edge {

/// Counts connections, attempts and handshakes of the whole edge, and of each source: an IPv4 address, or the /64 of an
/// IPv6 address. One for all lanes of an edge, whose threads may all call it: a lock for one look-up, so that a limit
/// means what it says however many lanes there are. Bounded: sources without a connection are forgotten a minute after
/// their last attempt, and beyond kMostSources new ones are refused.
class Admission {
 public:
  using Address = boost::asio::ip::address;
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kMostSources = 65'536;

  enum class Answer : std::uint8_t {
    Admit,
    TooManyConnections,
    TooManyFromSource,
    TooManyAttempts,
    TooManyHandshakes,
    TooManyHandshakesFromSource,
  };

  explicit Admission(const config::EdgeLimits& limits) : limits_(limits) {}
  void set_limits(const config::EdgeLimits& limits);

  /// An accepted connection. Admit counts it; every admitted one is given back by release().
  Answer admit(const Address& address, Clock::time_point now);
  void release(const Address& address);
  /// The same for one that this edge makes: it counts among all connections, and for no source.
  Answer admit_dialled();
  void release_dialled();
  /// A TLS handshake; Admit is given back by end_handshake() with the same address. `address`: of an admitted
  /// connection, nothing for a dialled one.
  Answer begin_handshake(const std::optional<Address>& address);
  void end_handshake(const std::optional<Address>& address);

  /// Accepted and dialled.
  std::size_t connections() const;

 private:
  struct Record {
    std::uint32_t connections = 0;
    std::uint32_t handshakes = 0;
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
  static Key key(const Address& address);
  void forget_old(Clock::time_point now);

  mutable std::mutex mutex_;  ///< guards all below
  config::EdgeLimits limits_;
  std::unordered_map<Key, Record, Hash> sources_{64, Hash{random_seed()}};
  static std::uint64_t random_seed();
  std::size_t connections_ = 0, handshakes_ = 0;
};

/// Servers and clients are counted apart, so that a crowd of clients keeps no server out.
struct Admissions {
  Admission servers, clients;

  explicit Admissions(const config::Edge& edge) : servers(edge.limits), clients(edge.client_limits) {}
  void set_limits(const config::Edge& edge) {
    servers.set_limits(edge.limits);
    clients.set_limits(edge.client_limits);
  }
  /// A port for both counts as one for clients: at that time nobody has said yet who they are.
  Admission& of(const config::Listener& listener) {
    return listener.peers == config::Listener::Peers::Servers ? servers : clients;
  }
  Admission& of(airlock::LegKind dialled) { return dialled == airlock::LegKind::S2s ? servers : clients; }
};

std::string_view name(Admission::Answer answer);

}  // namespace sallyport::edge
