// What a peer may use up, on a whole edge.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "edge_scene.h"
#include "proxy/edge/keepalive_rate.h"
#include "proxy/edge/lane.h"

namespace sallyport::edge::scene {
namespace {

using airlock::Close;
using airlock::Closed;
using airlock::CloseKind;
using airlock::DialFault;
using airlock::Failed;
using airlock::Opened;
using airlock::Ready;
using airlock::Stanza;
using std::chrono::milliseconds;

constexpr std::string_view kMessage = "<message from='x@a.test' to='y@b.test'><body>hello</body></message>";

TEST_F(EdgeOnLoopback, StopsReadingAPeerWithoutCredit) {
  start();
  PeerPlayed near = peer();
  const auto leg = open_in_leg(near, 65'536, 2);
  std::string five;
  for (int i = 0; i < 5; ++i) five += kMessage;
  near.send(five);
  EXPECT_EQ(guard_->expect<Stanza>().second.number, 1U);
  EXPECT_EQ(guard_->expect<Stanza>().second.number, 2U);
  EXPECT_TRUE(guard_->stays_silent(milliseconds(100)));
  near.send(five);
  EXPECT_TRUE(guard_->stays_silent(milliseconds(100)));
  guard_->send(leg, airlock::Credit{0, 4});
  for (std::uint64_t number = 3; number <= 6; ++number) EXPECT_EQ(guard_->expect<Stanza>().second.number, number);
  EXPECT_TRUE(guard_->stays_silent(milliseconds(50)));
  guard_->send(leg, airlock::Credit{0, 40});
  for (std::uint64_t number = 7; number <= 10; ++number) EXPECT_EQ(guard_->expect<Stanza>().second.number, number);
}

TEST_F(EdgeOnLoopback, OverdrawsOctetsByOneStanzaOnly) {
  start();
  PeerPlayed near = peer();
  const auto leg = open_in_leg(near, 10, 64);
  near.send(std::string(kMessage) + std::string(kMessage));
  const auto size = guard_->expect<Stanza>().second.normal_form.size();
  EXPECT_TRUE(guard_->stays_silent(milliseconds(100)));
  guard_->send(leg, airlock::Credit{static_cast<std::uint32_t>(size) - 10, 0});
  EXPECT_TRUE(guard_->stays_silent(milliseconds(50))) << "a debt that is only just paid is no credit";
  guard_->send(leg, airlock::Credit{1, 0});
  EXPECT_EQ(guard_->expect<Stanza>().second.number, 2U);
}

TEST_F(EdgeOnLoopback, D_03_AHandshakeThatStallsIsCut) {
  config_.limits.handshake = milliseconds(150);
  start();
  PeerPlayed near = peer();
  near.send(PeerPlayed::header("b.test", "a.test"));
  near.read_until("</stream:features>");
  near.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  near.read_until("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  EXPECT_TRUE(near.ends());
  EXPECT_TRUE(guard_->wait_until([&] { return guard_->has_event("tls.handshake-failed"); }));
}

TEST_F(EdgeOnLoopback, D_05_ANegotiationThatStallsTimesOut) {
  config_.limits.authentication = milliseconds(150);
  start();
  PeerPlayed near = peer();
  EXPECT_NE(near.read_until("</stream:stream>").find("<connection-timeout"), std::string::npos);
  EXPECT_TRUE(near.ends());
}

TEST_F(EdgeOnLoopback, D_06_TooManyOctetsBeforeAuthenticationEndWithoutAnError) {
  config_.limits.bytes_before_authentication = 1'000;
  start();
  PeerPlayed near = peer();
  near.send(PeerPlayed::header("b.test", "a.test"));
  near.read_until("</stream:features>");
  near.send(std::string(2'000, ' '));
  std::string rest;
  EXPECT_TRUE(near.ends(&rest));
  EXPECT_EQ(rest, "");
}

TEST_F(EdgeOnLoopback, D_01_OneAddressGetsOnlySoManyConnections) {
  config_.limits.connections_per_address = 1;
  start();
  PeerPlayed first = peer();
  first.send(PeerPlayed::header("b.test", "a.test"));
  first.read_until("</stream:features>");
  PeerPlayed second = peer();
  EXPECT_TRUE(second.ends());
  first.send("</stream:stream>");
  EXPECT_TRUE(first.ends());
  EXPECT_TRUE(guard_->wait_until(
      [&] { return guard_->has_event("edge.connection-refused") && guard_->has_event("stream.ended"); }));
  PeerPlayed third = peer();
  third.send(PeerPlayed::header("b.test", "a.test"));
  third.read_until("</stream:features>");
}

TEST(AdoptingAConnection, D_01_OneThatWasResetMeanwhileIsGivenBackByTheAddressThatWasAdmitted) {
  boost::asio::io_context context;
  const boost::asio::ip::tcp::endpoint at(boost::asio::ip::make_address("127.0.60.3"), 0);
  boost::asio::ip::tcp::acceptor acceptor(context, at);
  boost::asio::ip::tcp::socket peer(context, boost::asio::ip::tcp::endpoint(at.address(), 0));
  peer.connect(acceptor.local_endpoint());
  boost::asio::ip::tcp::endpoint admitted;
  auto accepted = acceptor.accept(admitted);
  peer.set_option(boost::asio::socket_base::linger(true, 0));
  peer.close();
  Admissions admissions({});
  ASSERT_EQ(admissions.servers.admit(admitted.address(), Admission::Clock::now()), Admission::Answer::Admit);
  Lane lane(0, 1, 1, std::make_shared<Settings>(), admissions, {});
  lane.adopt(std::move(accepted), admitted, config::Listener{});
  EXPECT_EQ(admissions.servers.connections(), 0U);
}

TEST_F(EdgeOnLoopback, D_22_APeerThatDoesNotReadIsCut) {
  config_.limits.slow_reader = milliseconds(300);
  Harbour harbour("127.0.60.2", 15269);
  start();
  const auto leg = dial();
  PeerPlayed server = harbour.accept(a_test_, authority_.file());
  serve_up_to_ready(server);
  guard_->expect<Ready>();
  guard_->send(leg, airlock::Grant{{{"b.test", "a.test"}}, 0, 0});
  const std::string big = "<message><body>" + std::string(60'000, 'x') + "</body></message>";
  std::uint64_t sent = 0;
  std::uint64_t credit = 64 * 1024;
  // As long as there is credit; the socket buffers of both ends take a few megabytes.
  const bool cut = guard_->wait_until([&] {
    while (credit + guard_->credit_octets > sent * big.size() + big.size())
      guard_->send(leg, airlock::Deliver{++sent, "b.test", "a.test", sent, big});
    return guard_->has_event("edge.slow-reader");
  });
  EXPECT_TRUE(cut);
  const auto closed = guard_->expect<Closed>().second;
  EXPECT_FALSE(closed.clean);
  EXPECT_LT(closed.settled, sent);
}

TEST_F(EdgeOnLoopback, S5_10_SendsWhiteSpaceWhenItHasNothingToSay) {
  config_.limits.keepalive = milliseconds(100);
  start();
  PeerPlayed near = peer();
  open_in_leg(near);
  EXPECT_EQ(near.read_until(" "), " ");
}

TEST_F(EdgeOnLoopback, D_25_AnIdleStreamIsClosedInOrder) {
  config_.limits.idle = milliseconds(150);
  start();
  PeerPlayed near = peer();
  const auto leg = open_in_leg(near);
  near.read_until("</stream:stream>");
  near.send("</stream:stream>");
  EXPECT_EQ(guard_->expect<Close>().second.kind, CloseKind::Clean);
  guard_->send(leg, Closed{});
  EXPECT_TRUE(near.ends());
  EXPECT_TRUE(guard_->expect<Closed>().second.clean);
}

TEST_F(EdgeOnLoopback, D_25_WhiteSpaceKeepsNoStreamOpen) {
  config_.limits.idle = milliseconds(300);
  config_.limits.keepalive = milliseconds(50);
  start();
  PeerPlayed near = peer();
  open_in_leg(near);
  // Ours is written meanwhile, and the peer's is no traffic either.
  near.read_until(" ");
  near.send(" ");
  EXPECT_TRUE(near.read_until("</stream:stream>").ends_with("</stream:stream>"));
}

TEST_F(EdgeOnLoopback, WhatIsOnItsWayWhenAnIdleStreamClosesIsNoStrangers) {
  config_.limits.idle = milliseconds(150);
  config_.limits.bytes_before_authentication = 8'192;
  start();
  PeerPlayed near = peer();
  const auto leg = open_in_leg(near, 1'000'000, 1'000);
  near.read_until("</stream:stream>");
  std::string late;
  while (late.size() < 16'384) late += kMessage;
  near.send(late + "</stream:stream>");
  for (std::size_t size = 0; size < late.size(); size += kMessage.size()) guard_->expect<Stanza>();
  EXPECT_EQ(guard_->expect<Close>().second.kind, CloseKind::Clean);
  guard_->send(leg, Closed{});
  EXPECT_TRUE(guard_->expect<Closed>().second.clean);
}

TEST_F(EdgeOnLoopback, D_09_AStanzaBeyondTheTermsEndsTheStream) {
  start();
  PeerPlayed near = peer();
  near.open_stream();
  const auto leg = guard_->expect<Opened>().first;
  guard_->send(leg, airlock::Terms{0, true, false, 20'000});
  near.read_until("</stream:features>");
  near.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>");
  guard_->expect<airlock::Proved>();
  guard_->send(leg, airlock::Grant{{{"a.test", "b.test"}}, 65'536, 64});
  near.read_until("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
  near.send(PeerPlayed::header("b.test", "a.test"));
  near.read_until("<stream:features/>");
  near.send("<message><body>" + std::string(15'000, 'x') + "</body></message>");
  guard_->expect<Stanza>();
  near.send("<message><body>" + std::string(25'000, 'x') + "</body></message>");
  const std::string last = near.read_until("</stream:stream>");
  EXPECT_NE(last.find("<policy-violation"), std::string::npos);
  EXPECT_NE(last.find("<stanza-too-big"), std::string::npos);
}

/// Up to the handshake, which the peer does not begin.
void ask_for_tls(PeerPlayed& peer) {
  peer.send(PeerPlayed::header("b.test", "a.test"));
  peer.read_until("</stream:features>");
  peer.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  peer.read_until("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
}

TEST_F(EdgeOnLoopback, D_03_OneAddressHasOnlySoManyHandshakesInProgressOnAllLanes) {
  config_.limits.handshakes_per_address = 2;
  start(3);
  PeerPlayed first = peer();
  ask_for_tls(first);
  PeerPlayed second = peer();
  ask_for_tls(second);
  PeerPlayed third = peer();
  ask_for_tls(third);
  EXPECT_TRUE(third.ends());
  EXPECT_TRUE(guard_->wait_until([&] { return guard_->has_event("tls.handshake-failed"); }));
  ASSERT_TRUE(first.start_tls_as_client("b.test"));
  // Its turn is free once the edge has read the last message of the handshake.
  first.send(PeerPlayed::header("b.test", "a.test"));
  guard_->expect<Opened>();
  PeerPlayed fourth = peer();
  ask_for_tls(fourth);
  EXPECT_TRUE(fourth.start_tls_as_client("b.test"));
}

TEST_F(EdgeOnLoopback, D_01_DialledConnectionsCountAmongAll) {
  config_.limits.connections = 2;
  Harbour harbour("127.0.60.2", 15269);
  start(3);
  PeerPlayed near = peer();
  open_in_leg(near);
  dial();
  PeerPlayed server = harbour.accept(a_test_, authority_.file());
  serve_up_to_ready(server);
  guard_->expect<Ready>();
  dial(3);
  const auto failed = guard_->expect<Failed>().second;
  EXPECT_EQ(failed.fault, DialFault::Overload);
  EXPECT_EQ(failed.why, "too many connections");
  guard_->send(1, Close{CloseKind::Abort, {}, {}, {}});
  EXPECT_EQ(guard_->expect<Closed>().first, 1U);
  dial(5);
  PeerPlayed again = harbour.accept(a_test_, authority_.file());
  again.read_until(">");
}

/// The edge has read what was sent before the patience is over.
bool was_read(const PeerPlayed& peer, GuardPlayed& guard, milliseconds patience) {
  const int socket = edges_end(peer);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    int waiting = 0;
    ::ioctl(socket, FIONREAD, &waiting);
    if (waiting == 0) return true;
    if (std::chrono::steady_clock::now() > deadline) return false;
    guard.stays_silent(milliseconds(1));
  }
}

TEST_F(EdgeOnLoopback, D_20_APeerThatSendsOnlyWhiteSpaceIsReadMoreSlowly) {
  start();
  PeerPlayed near = peer();
  open_in_leg(near);
  // Each of them is to arrive alone, not gathered by the sender's TCP.
  const int on = 1;
  ::setsockopt(near.socket(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  int at_once = 0;
  bool paused = false;
  while (!paused && at_once < 10 * KeepaliveRate::kBurst) {
    near.send(" ");
    paused = !was_read(near, *guard_, milliseconds(400));
    if (!paused) ++at_once;
  }
  EXPECT_TRUE(paused);
  EXPECT_GE(at_once, KeepaliveRate::kBurst);
  near.send(kMessage);
  guard_->expect<Stanza>();
}

TEST_F(EdgeOnLoopback, D_20_StanzasWithWhiteSpaceBetweenThemAreNotSlowedDown) {
  start();
  PeerPlayed near = peer();
  open_in_leg(near, 1'000'000, 1'000);
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 2 * KeepaliveRate::kBurst; ++i) {
    near.send(std::string(kMessage) + "\n");
    guard_->expect<Stanza>();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

}  // namespace
}  // namespace sallyport::edge::scene
