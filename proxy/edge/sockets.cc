#include "proxy/edge/sockets.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace sallyport::edge {
namespace {

using boost::system::error_code;

void set(int socket, int level, int option, int value, error_code& failed) {
  if (!failed && setsockopt(socket, level, option, &value, sizeof(value)) != 0)
    failed = error_code(errno, boost::system::system_category());
}

}  // namespace

std::optional<Tcp::endpoint> resolve_literal(const config::Endpoint& endpoint) {
  error_code failed;
  const auto address = boost::asio::ip::make_address(endpoint.address, failed);
  if (failed) return std::nullopt;
  return Tcp::endpoint(address, endpoint.port);
}

std::string text(const Tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

void mark(int socket, std::uint8_t dscp, bool ipv6, error_code& failed) {
  const int traffic_class = dscp << 2;  // the two low bits belong to ECN
  set(socket, IPPROTO_IP, IP_TOS, traffic_class, failed);
  if (ipv6) set(socket, IPPROTO_IPV6, IPV6_TCLASS, traffic_class, failed);
}

void prepare_connected(Tcp::socket& socket, error_code& failed) {
  socket.non_blocking(true, failed);
  if (!failed) socket.set_option(Tcp::no_delay(true), failed);
  if (failed) return;
  const unsigned patience = static_cast<unsigned>(kUnacknowledged.count());
  if (setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience)) != 0)
    failed = error_code(errno, boost::system::system_category());
}

std::optional<Tcp::acceptor> listen(const boost::asio::any_io_executor& executor, const Tcp::endpoint& at,
                                    std::uint8_t dscp, error_code& failed) {
  Tcp::acceptor acceptor(executor);
  acceptor.open(at.protocol(), failed);
  if (!failed) acceptor.set_option(Tcp::acceptor::reuse_address(true), failed);
  // [::] and 0.0.0.0 are two listeners, so that each has the family that was written down for it.
  if (!failed && at.address().is_v6()) acceptor.set_option(boost::asio::ip::v6_only(true), failed);
  if (!failed) mark(acceptor.native_handle(), dscp, at.address().is_v6(), failed);
  if (!failed) acceptor.bind(at, failed);
  if (!failed) acceptor.listen(Tcp::acceptor::max_listen_connections, failed);
  if (failed) return std::nullopt;
  return acceptor;
}

std::optional<std::size_t> unacknowledged(int socket) {
  int octets = 0;
  if (ioctl(socket, SIOCOUTQ, &octets) != 0 || octets < 0) return std::nullopt;
  return static_cast<std::size_t>(octets);
}

}  // namespace sallyport::edge
