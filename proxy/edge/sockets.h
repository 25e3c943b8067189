// Options that every TCP socket of an edge gets (NET-01 to NET-04).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "proxy/config/config.h"

namespace sallyport::edge {

using Tcp = boost::asio::ip::tcp;

/// The address and port of a configured endpoint; nullopt if it is not an address literal.
std::optional<Tcp::endpoint> resolve_literal(const config::Endpoint& endpoint);
/// "192.0.2.1:5269", "[2001:db8::1]:5269".
std::string text(const Tcp::endpoint& endpoint);

/// Marks the packets of a socket, those of the handshake too when called before listen() or connect(): IPv4 TOS, IPv6
/// traffic class, and both on an IPv6 socket, since it may carry IPv4-mapped addresses. `dscp`: 0 to 63.
void mark(int socket, std::uint8_t dscp, bool ipv6, boost::system::error_code& failed);
/// What the peer's TCP has not acknowledged for so long breaks the connection (D-22: "120 s any"): what lies in the
/// send buffer of a host that is gone would otherwise stay unsettled for a quarter of an hour.
inline constexpr std::chrono::milliseconds kUnacknowledged{120'000};
/// What a connected socket needs besides: no Nagle delay, no blocking, and an end of waiting for acknowledgements.
void prepare_connected(Tcp::socket& socket, boost::system::error_code& failed);
/// A listening socket for one address family.
std::optional<Tcp::acceptor> listen(const boost::asio::any_io_executor& executor, const Tcp::endpoint& at,
                                    std::uint8_t dscp, boost::system::error_code& failed);
/// Octets that the peer's TCP has not acknowledged yet; nullopt if it can't be told.
std::optional<std::size_t> unacknowledged(int socket);

}  // namespace sallyport::edge
