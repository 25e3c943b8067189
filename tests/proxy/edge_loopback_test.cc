// A whole edge on loopback, between played peers and a played guard.
#include <gtest/gtest.h>

#include "edge_scene.h"
#include "inspect/element.h"
#include "inspect/normal_form.h"
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

class EdgeOnLoopback : public Scene {};

TEST_F(EdgeOnLoopback, STR_01_TLS_01_SASL_07_TakesAPeerFromTcpToStanzasAndToItsEnd) {
  start();
  PeerPlayed near = peer();
  const auto leg = open_in_leg(near);
  EXPECT_EQ(leg % 2, 0U);
  EXPECT_EQ(near.shown_subject(), "b.test");
  near.send(std::string(kMessage) + std::string(kMessage));
  for (std::uint64_t number = 1; number <= 2; ++number) {
    const auto [from, stanza] = guard_->expect<Stanza>();
    EXPECT_EQ(from, leg);
    EXPECT_EQ(stanza.number, number);
    inspect::Arena arena;
    const auto tree = inspect::decode(stanza.normal_form, arena, {});
    ASSERT_TRUE(tree);
    EXPECT_TRUE((*tree)->is(inspect::ns::kContent, "message"));
  }
  near.send("</stream:stream>");
  EXPECT_EQ(guard_->expect<Close>().second.kind, CloseKind::Clean);
  guard_->send(leg, Closed{true, "", 0, 0});
  std::string rest;
  EXPECT_TRUE(near.ends(&rest));
  EXPECT_EQ(rest, "</stream:stream>");
  EXPECT_TRUE(guard_->expect<Closed>().second.clean);
}

TEST_F(EdgeOnLoopback, TellsTheGuardWhatTlsAndTheCertificateSaid) {
  start();
  PeerPlayed near = peer();
  near.open_stream();
  const auto opened = guard_->expect<Opened>().second;
  EXPECT_EQ(opened.to, "b.test");
  EXPECT_TRUE(opened.destination.starts_with("127.0.60.1:")) << opened.destination;
  EXPECT_TRUE(opened.tls.secure);
  EXPECT_FALSE(opened.tls.direct);
  EXPECT_EQ(opened.tls.version, "TLSv1.3");
  EXPECT_EQ(opened.tls.server_name, "b.test");
  EXPECT_EQ(opened.certificate.names, std::vector<std::string>{"dns:a.test"});
  EXPECT_EQ(opened.certificate.spki_sha256.size(), 32U);
  EXPECT_GT(opened.certificate.not_after, 0);
}

TEST_F(EdgeOnLoopback, DialsAPeerAndWritesWhatIsDelivered) {
  Harbour harbour("127.0.60.2", 15269);
  start();
  const auto leg = dial();
  PeerPlayed server = harbour.accept(a_test_, authority_.file());
  serve_up_to_ready(server);
  const auto [id, ready] = guard_->expect<Ready>();
  EXPECT_EQ(id, leg);
  EXPECT_EQ(ready.from, "b.test");
  EXPECT_EQ(ready.to, "a.test");
  EXPECT_TRUE(ready.certificate.identity) << ready.certificate.problem;
  EXPECT_EQ(server.server_name(), "a.test");
  EXPECT_EQ(server.shown_subject(), "b.test");
  guard_->send(leg, airlock::Grant{{{"b.test", "a.test"}}, 0, 0});
  std::string all;
  for (std::uint64_t number = 1; number <= 40; ++number) {
    const std::string xml = "<message><body>" + std::to_string(number) + "</body></message>";
    all += xml;
    guard_->send(leg, airlock::Deliver{number, "b.test", "a.test", number, xml});
  }
  EXPECT_EQ(server.read_until("<body>40</body></message>"), all);
  EXPECT_TRUE(guard_->wait_until([&] { return guard_->settled == 40; })) << guard_->settled;
  EXPECT_GE(guard_->credit_stanzas, 16U);
  guard_->send(leg, Close{CloseKind::Clean, {}, {}, {}});
  EXPECT_EQ(server.read_until("</stream:stream>"), "</stream:stream>");
  server.send("</stream:stream>");
  EXPECT_TRUE(server.ends());
  const auto closed = guard_->expect<Closed>().second;
  EXPECT_TRUE(closed.clean) << closed.cause;
  EXPECT_EQ(closed.written, 40U);
  EXPECT_EQ(closed.settled, 40U);
}

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

TEST_F(EdgeOnLoopback, AsksAgainOnTheLaneThatTermsNames) {
  start(1, 3);
  PeerPlayed near = peer();
  near.open_stream();
  std::uint16_t lane = 9;
  const auto leg = guard_->expect<Opened>(&lane).first;
  EXPECT_EQ(lane, 0U);
  guard_->send(leg, airlock::Terms{2, true, false, 10'000}, 0);
  EXPECT_EQ(guard_->expect<Opened>(&lane).first, leg);
  EXPECT_EQ(lane, 2U);
  guard_->send(leg, airlock::Terms{2, true, false, 10'000}, 2);
  EXPECT_NE(near.read_until("</stream:features>").find("EXTERNAL"), std::string::npos);
}

TEST_F(EdgeOnLoopback, T_16_ACertificateOfAStrangerIsToldAndOfferedNothing) {
  start();
  a_test_ = stranger_.issue("a.test");
  PeerPlayed near = peer();
  near.open_stream();
  const auto [leg, opened] = guard_->expect<Opened>();
  EXPECT_TRUE(opened.certificate.presented);
  EXPECT_FALSE(opened.certificate.chain);
  EXPECT_FALSE(opened.certificate.problem.empty());
  guard_->send(leg, airlock::Terms{0, true, false, 10'000});
  EXPECT_NE(near.read_until("</stream:stream>").find("<not-authorized"), std::string::npos);
  EXPECT_TRUE(near.ends());
  EXPECT_EQ(guard_->expect<Close>().second.condition, inspect::StreamCondition::NotAuthorized);
  EXPECT_FALSE(guard_->expect<Closed>().second.clean);
}

TEST_F(EdgeOnLoopback, T_15_ACertificateForAnotherDomainIsOfferedNothing) {
  start();
  a_test_ = authority_.issue("other.test");
  PeerPlayed near = peer();
  near.open_stream();
  const auto [leg, opened] = guard_->expect<Opened>();
  EXPECT_TRUE(opened.certificate.chain);
  EXPECT_FALSE(opened.certificate.identity);
  guard_->send(leg, airlock::Terms{0, true, false, 10'000});
  EXPECT_NE(near.read_until("</stream:stream>").find("<not-authorized"), std::string::npos);
}

TEST_F(EdgeOnLoopback, T_19_BytesBehindStartTlsCutTheConnection) {
  start();
  PeerPlayed near = peer();
  near.send(PeerPlayed::header("b.test", "a.test"));
  near.read_until("</stream:features>");
  near.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><auth");
  std::string rest;
  EXPECT_TRUE(near.ends(&rest));
  EXPECT_EQ(rest, "");
  EXPECT_TRUE(guard_->wait_until([&] { return guard_->has_event("tls.injection"); }));
}

TEST_F(EdgeOnLoopback, T_07_DirectTlsNeedsANameThatIsServed) {
  config_.listeners[0].tls = config::Listener::Tls::Direct;
  start();
  for (const char* name : {"", "unknown.test"}) {
    PeerPlayed near = peer();
    EXPECT_FALSE(near.start_tls_as_client(name, "xmpp-server")) << name;
  }
  PeerPlayed near = peer();
  ASSERT_TRUE(near.start_tls_as_client("c.test", "xmpp-server"));
  EXPECT_EQ(near.shown_subject(), "c.test");
  near.send(PeerPlayed::header("c.test", "a.test"));
  const auto opened = guard_->expect<Opened>().second;
  EXPECT_TRUE(opened.tls.direct);
  EXPECT_EQ(opened.to, "c.test");
}

TEST_F(EdgeOnLoopback, T_08_DirectTlsRefusesAnotherProtocol) {
  config_.listeners[0].tls = config::Listener::Tls::Direct;
  start();
  PeerPlayed near = peer();
  EXPECT_FALSE(near.start_tls_as_client("b.test", "h2"));
  EXPECT_TRUE(guard_->wait_until([&] { return guard_->has_event("tls.handshake-failed"); }));
}

TEST_F(EdgeOnLoopback, TLS_13_TheNameInSniIsTheOneInTheHeader) {
  config_.listeners[0].tls = config::Listener::Tls::Direct;
  start();
  PeerPlayed near = peer();
  ASSERT_TRUE(near.start_tls_as_client("c.test"));
  near.send(PeerPlayed::header("b.test", "a.test"));
  EXPECT_NE(near.read_until("</stream:stream>").find("<improper-addressing"), std::string::npos);
}

TEST_F(EdgeOnLoopback, ALostConnectionIsToldWithItsNumbers) {
  start();
  PeerPlayed near = peer();
  const auto leg = open_in_leg(near);
  near.cut();
  const auto [id, closed] = guard_->expect<Closed>();
  EXPECT_EQ(id, leg);
  EXPECT_FALSE(closed.clean);
}

TEST_F(EdgeOnLoopback, WithoutTheGuardPeersHearSystemShutdownAndNobodyListens) {
  start();
  PeerPlayed near = peer();
  open_in_leg(near);
  guard_->die();
  EXPECT_NE(near.read_until("</stream:stream>").find("<system-shutdown"), std::string::npos);
  EXPECT_TRUE(near.ends());
  EXPECT_THROW(PeerPlayed::connect(address_, port_, a_test_, authority_.file()), std::runtime_error);
  guard_.reset();
  guard_ = std::make_unique<GuardPlayed>(folder_ / "north.sock", "north");
  guard_->welcome();
  PeerPlayed again = peer();
  open_in_leg(again);
}

TEST_F(EdgeOnLoopback, WhatWasDeliveredIsStillWrittenWhenTheGuardDies) {
  Harbour harbour("127.0.60.2", 15269);
  start();
  const auto leg = dial();
  PeerPlayed server = harbour.accept(a_test_, authority_.file());
  serve_up_to_ready(server);
  guard_->expect<Ready>();
  guard_->send(leg, airlock::Grant{{{"b.test", "a.test"}}, 0, 0});
  guard_->send(leg, airlock::Deliver{1, "b.test", "a.test", 1, kMessage});
  guard_->die();
  const std::string last = server.read_until("</stream:stream>");
  EXPECT_TRUE(last.starts_with(kMessage)) << last;
  EXPECT_NE(last.find("<system-shutdown"), std::string::npos) << last;
}

TEST_F(EdgeOnLoopback, STR_32_AStopIsToldToPeersAndToTheGuard) {
  start();
  PeerPlayed near = peer();
  const auto leg = open_in_leg(near);
  edge_->stop();
  EXPECT_NE(near.read_until("</stream:stream>").find("<system-shutdown"), std::string::npos);
  EXPECT_TRUE(near.ends());
  const auto [id, close] = guard_->expect<Close>();
  EXPECT_EQ(id, leg);
  EXPECT_EQ(close.condition, inspect::StreamCondition::SystemShutdown);
  guard_->expect<Closed>();
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
  std::vector<boost::asio::ip::address> released;
  LaneReports reports;
  reports.released = [&](const boost::asio::ip::address& address) { released.push_back(address); };
  Lane lane(0, 1, 1, std::make_shared<Settings>(), std::move(reports));
  lane.adopt(std::move(accepted), admitted, config::Listener{});
  EXPECT_EQ(released, std::vector{at.address()});
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

TEST_F(EdgeOnLoopback, FailsADialByTheClassOfItsFault) {
  start();
  guard_->send(1, airlock::Dial{airlock::LegKind::S2s, "b.test", "nobody.test", false, 3'000});
  EXPECT_EQ(guard_->expect<Failed>().second.fault, DialFault::NoName);
  dial(3);
  EXPECT_EQ(guard_->expect<Failed>().second.fault, DialFault::NoAnswer) << "nobody listens there";
  guard_->send(5, airlock::Dial{airlock::LegKind::S2s, "unfaced.test", "a.test", false, 3'000});
  EXPECT_EQ(guard_->expect<Failed>().second.fault, DialFault::Tls);

  Harbour harbour("127.0.60.2", 15269);
  dial(7);
  PeerPlayed strange = harbour.accept(stranger_.issue("a.test"), authority_.file());
  strange.read_until("xml:lang='en'>");
  strange.send(PeerPlayed::header("b.test", "a.test", "i1") + "<stream:features/>");
  strange.read_until("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  strange.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  ASSERT_TRUE(strange.start_tls_as_server());
  EXPECT_EQ(guard_->expect<Failed>().second.fault, DialFault::Certificate);

  dial(9);
  PeerPlayed refusing = harbour.accept(a_test_, authority_.file());
  refusing.read_until("xml:lang='en'>");
  refusing.send(
      PeerPlayed::header("b.test", "", "i1") +
      "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>");
  EXPECT_EQ(guard_->expect<Failed>().second.fault, DialFault::Refused);

  guard_->send(11, airlock::Dial{airlock::LegKind::S2s, "b.test", "a.test", false, 200});
  PeerPlayed silent = harbour.accept(a_test_, authority_.file());
  EXPECT_EQ(guard_->expect<Failed>().second.fault, DialFault::Deadline);
}

TEST_F(EdgeOnLoopback, TriesTheNextTargetOfADomain) {
  config_.next_hops[0].targets = {{"127.0.60.4", 15269}, {"::1", 1}, {"127.0.60.2", 15269}};
  Harbour harbour("127.0.60.2", 15269);
  start();
  dial();
  PeerPlayed server = harbour.accept(a_test_, authority_.file());
  serve_up_to_ready(server);
  guard_->expect<Ready>();
}

TEST_F(EdgeOnLoopback, NET_06_OvertakesATargetThatIsSilent) {
  // A full backlog: what comes now is neither taken nor refused.
  Harbour full("127.0.60.6", 15269, 0);
  const PeerPlayed waiting = PeerPlayed::connect("127.0.60.6", 15269, std::nullopt, authority_.file());
  config_.next_hops[0].targets = {{"127.0.60.6", 15269}, {"127.0.60.2", 15269}};
  Harbour harbour("127.0.60.2", 15269);
  start();
  dial();
  const auto began = std::chrono::steady_clock::now();
  PeerPlayed server = harbour.accept(a_test_, authority_.file());
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
  serve_up_to_ready(server);
  guard_->expect<Ready>();
}

TEST_F(EdgeOnLoopback, NET_04_NET_06_SpeaksIpv6OnBothLegs) {
  config_.listeners = {{{"::1", 15960}, config::Listener::Tls::StartTls}};
  config_.next_hops[0].targets = {{"::1", 15961}};
  config_.bind = {"127.0.60.3", "::1"};
  Harbour harbour("::1", 15961);
  start();
  PeerPlayed near = peer();
  near.open_stream();
  const auto opened = guard_->expect<Opened>().second;
  EXPECT_TRUE(opened.peer.starts_with("[::1]:")) << opened.peer;
  EXPECT_EQ(opened.destination, "[::1]:15960");
  dial();
  PeerPlayed server = harbour.accept(a_test_, authority_.file());
  serve_up_to_ready(server);
  EXPECT_EQ(guard_->expect<Ready>().second.peer, "[::1]:15961");
}

TEST_F(EdgeOnLoopback, GivesUpADialThatTheGuardCloses) {
  Harbour harbour("127.0.60.2", 15269);
  start();
  const auto leg = dial();
  PeerPlayed server = harbour.accept(a_test_, authority_.file());
  server.read_until("xml:lang='en'>");
  guard_->send(leg, Close{CloseKind::Abort, {}, {}, {}});
  EXPECT_TRUE(server.ends());
  guard_->expect<Closed>();
}

TEST_F(EdgeOnLoopback, ADeliveryForAnotherPairEndsTheLeg) {
  Harbour harbour("127.0.60.2", 15269);
  start();
  const auto leg = dial();
  PeerPlayed server = harbour.accept(a_test_, authority_.file());
  serve_up_to_ready(server);
  guard_->expect<Ready>();
  guard_->send(leg, airlock::Grant{{{"b.test", "a.test"}}, 0, 0});
  guard_->send(leg, airlock::Deliver{1, "c.test", "a.test", 1, kMessage});
  const std::string last = server.read_until("</stream:stream>");
  EXPECT_EQ(last.find("<message"), std::string::npos);
  EXPECT_NE(last.find("<internal-server-error"), std::string::npos);
}

TEST_F(EdgeOnLoopback, AReloadEndsOnlyTheLegsThatWouldNotComeToBe) {
  start();
  PeerPlayed stays = peer();
  open_in_leg(stays);
  PeerPlayed goes = peer();
  goes.open_stream("c.test", "a.test");
  const auto leg = guard_->expect<Opened>().first;
  guard_->send(leg, airlock::Terms{0, true, false, 10'000});
  goes.read_until("</stream:features>");
  config_.faces.pop_back();  // c.test
  edge_->reload();
  EXPECT_NE(goes.read_until("</stream:stream>").find("<reset"), std::string::npos);
  EXPECT_TRUE(goes.ends());
  EXPECT_EQ(guard_->expect<Close>().second.condition, inspect::StreamCondition::Reset);
  guard_->expect<Closed>();
  stays.send(kMessage);
  guard_->expect<Stanza>();
}

TEST_F(EdgeOnLoopback, T_14_AReloadEndsLegsWhosePeerIsNoLongerTrusted) {
  start();
  PeerPlayed near = peer();
  open_in_leg(near);
  config_.anchors = {stranger_.file()};
  edge_->reload();
  EXPECT_NE(near.read_until("</stream:stream>").find("<reset"), std::string::npos);
}

TEST_F(EdgeOnLoopback, AReloadOpensAndClosesListeners) {
  start();
  PeerPlayed old_one = peer();
  open_in_leg(old_one);
  config_.listeners = {{{"127.0.60.5", port_}, config::Listener::Tls::StartTls}};
  edge_->reload();
  EXPECT_NE(old_one.read_until("</stream:stream>").find("<reset"), std::string::npos);
  guard_->expect<Close>();
  guard_->expect<Closed>();
  PeerPlayed new_one = peer();
  open_in_leg(new_one);
  EXPECT_THROW(PeerPlayed::connect("127.0.60.1", port_, a_test_, authority_.file()), std::runtime_error);
}

TEST_F(EdgeOnLoopback, ManyLanesShareTheWork) {
  start(3, 2);
  std::vector<PeerPlayed> peers;
  for (int i = 0; i < 6; ++i) {
    peers.push_back(peer());
    peers.back().open_stream();
  }
  std::map<std::uint16_t, int> lanes;
  std::map<airlock::LegId, int> legs;
  for (int i = 0; i < 6; ++i) {
    std::uint16_t lane = 0;
    ++legs[guard_->expect<Opened>(&lane).first];
    ++lanes[lane];
  }
  EXPECT_EQ(legs.size(), 6U) << "leg numbers are unique among lanes";
  EXPECT_EQ(lanes[0], 4) << "edge lanes 0 and 2";
  EXPECT_EQ(lanes[1], 2);
}

TEST_F(EdgeOnLoopback, LargeStanzasCrossInBothDirections) {
  Harbour harbour("127.0.60.2", 15269);
  start();
  PeerPlayed near = peer();
  open_in_leg(near, 1'000'000, 64);
  const std::string big =
      "<message from='x@a.test' to='y@b.test'><body>" + std::string(200'000, 'x') + "</body></message>";
  near.send(big);
  EXPECT_GT(guard_->expect<Stanza>().second.normal_form.size(), 200'000U);
  dial();
  PeerPlayed server = harbour.accept(a_test_, authority_.file());
  serve_up_to_ready(server);
  guard_->expect<Ready>();
  guard_->send(1, airlock::Grant{{{"b.test", "a.test"}}, 0, 0});
  guard_->send(1, airlock::Deliver{1, "b.test", "a.test", 1, big});
  EXPECT_EQ(server.read_until("</message>"), big);
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

}  // namespace
}  // namespace sallyport::edge::scene
