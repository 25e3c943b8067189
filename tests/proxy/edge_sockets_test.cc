#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "proxy/edge/sockets.h"

namespace sallyport::edge {
namespace {

using boost::asio::ip::make_address;
using boost::system::error_code;

int option(int socket, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(getsockopt(socket, level, name, &value, &size), 0);
  return value;
}

TEST(Sockets, NET_01_NET_02_NET_03_MarkListeningAndAcceptedSocketsOfBothFamilies) {
  boost::asio::io_context context;
  for (const char* address : {"127.0.60.9", "::1"}) {
    for (const std::uint8_t dscp : std::initializer_list<std::uint8_t>{0, 18, 46, 63}) {
      error_code failed;
      auto acceptor = listen(context.get_executor(), {make_address(address), 0}, dscp, failed);
      ASSERT_TRUE(acceptor) << failed.message();
      const bool ipv6 = acceptor->local_endpoint().address().is_v6();
      Tcp::socket dialled(context);
      dialled.open(acceptor->local_endpoint().protocol());
      mark(dialled.native_handle(), dscp, ipv6, failed);
      dialled.connect(acceptor->local_endpoint());
      Tcp::socket accepted = acceptor->accept();
      ASSERT_FALSE(failed) << failed.message();
      for (const int socket : {acceptor->native_handle(), dialled.native_handle(), accepted.native_handle()}) {
        if (ipv6)
          EXPECT_EQ(option(socket, IPPROTO_IPV6, IPV6_TCLASS), dscp << 2);
        else
          EXPECT_EQ(option(socket, IPPROTO_IP, IP_TOS), dscp << 2);
      }
      if (ipv6) EXPECT_EQ(option(dialled.native_handle(), IPPROTO_IP, IP_TOS), dscp << 2) << "for mapped addresses";
    }
  }
}

TEST(Sockets, NET_04_ListenOnBothFamiliesOfOnePort) {
  boost::asio::io_context context;
  error_code failed;
  const auto v6 = listen(context.get_executor(), {make_address("::"), 0}, 0, failed);
  ASSERT_TRUE(v6) << failed.message();
  const auto v4 = listen(context.get_executor(), {make_address("0.0.0.0"), v6->local_endpoint().port()}, 0, failed);
  EXPECT_TRUE(v4) << failed.message();
}

TEST(Sockets, NET_05_ReadAndPrintAddressLiterals) {
  const std::pair<config::Endpoint, std::string> rows[] = {
      {{"192.0.2.1", 5269}, "192.0.2.1:5269"},
      {{"2001:db8::1", 5269}, "[2001:db8::1]:5269"},
      {{"::1", 1}, "[::1]:1"},
  };
  for (const auto& [endpoint, written] : rows) {
    const auto read = resolve_literal(endpoint);
    ASSERT_TRUE(read) << endpoint.address;
    EXPECT_EQ(text(*read), written);
  }
  EXPECT_FALSE(resolve_literal({"example.test", 5269}));
}

TEST(Sockets, D_22_GiveUpAPeerThatAcknowledgesNothing) {
  boost::asio::io_context context;
  error_code failed;
  auto acceptor = listen(context.get_executor(), {make_address("127.0.60.9"), 0}, 0, failed);
  ASSERT_TRUE(acceptor);
  Tcp::socket dialled(context);
  dialled.connect(acceptor->local_endpoint());
  prepare_connected(dialled, failed);
  ASSERT_FALSE(failed);
  unsigned patience = 0;
  socklen_t size = sizeof(patience);
  ASSERT_EQ(getsockopt(dialled.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, &size), 0);
  EXPECT_EQ(patience, 120'000U);
}

TEST(Sockets, TellWhatThePeersTcpHasNotTaken) {
  boost::asio::io_context context;
  error_code failed;
  auto acceptor = listen(context.get_executor(), {make_address("127.0.60.9"), 0}, 0, failed);
  ASSERT_TRUE(acceptor);
  Tcp::socket dialled(context);
  dialled.connect(acceptor->local_endpoint());
  Tcp::socket accepted = acceptor->accept();
  prepare_connected(dialled, failed);
  ASSERT_FALSE(failed);
  EXPECT_EQ(unacknowledged(dialled.native_handle()), 0U);
  // Until both sides' buffers are full.
  const std::string octets(65'536, 'x');
  while (::send(dialled.native_handle(), octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
  EXPECT_GT(unacknowledged(dialled.native_handle()), 0U);
}

}  // namespace
}  // namespace sallyport::edge
