// Connections that an edge makes for the guard.
#include <gtest/gtest.h>

#include "edge_scene.h"

namespace sallyport::edge::scene {
namespace {

using airlock::Close;
using airlock::Closed;
using airlock::CloseKind;
using airlock::DialFault;
using airlock::Failed;
using airlock::Opened;
using airlock::Ready;

constexpr std::string_view kMessage = "<message from='x@a.test' to='y@b.test'><body>hello</body></message>";

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

TEST_F(EdgeOnLoopback, DNS_05_TriesTheNextTargetWhenOneHasNoTls) {
  config_.next_hops[0] = {"a.test", {{"127.0.60.4", 15269}, {"127.0.60.2", 15269}}, config::Listener::Tls::Direct};
  Harbour broken("127.0.60.4", 15269), harbour("127.0.60.2", 15269);
  start();
  const auto leg = dial();
  PeerPlayed plain = broken.accept(std::nullopt, authority_.file());
  plain.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  PeerPlayed server = harbour.accept(a_test_, authority_.file());
  ASSERT_TRUE(server.start_tls_as_server());
  server.read_until("xml:lang='en'>");
  server.send(PeerPlayed::header("b.test", "a.test", "i2") +
              "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism>"
              "</mechanisms></stream:features>");
  server.read_until("</auth>");
  server.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
  server.read_until("xml:lang='en'>");
  server.send(PeerPlayed::header("b.test", "a.test", "i3") + "<stream:features/>");
  EXPECT_EQ(guard_->expect<Ready>().first, leg) << "the guard hears of one attempt only";
}

TEST_F(EdgeOnLoopback, TheLastTargetWithoutTlsIsTold) {
  config_.next_hops[0].tls = config::Listener::Tls::Direct;
  Harbour broken("127.0.60.2", 15269);
  start();
  dial();
  PeerPlayed plain = broken.accept(std::nullopt, authority_.file());
  plain.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_EQ(guard_->expect<Failed>().second.fault, DialFault::Tls);
}

}  // namespace
}  // namespace sallyport::edge::scene
