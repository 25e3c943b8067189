// A whole edge on loopback, between played peers and a played guard: streams that peers open.
#include <array>

#include <boost/asio/local/stream_protocol.hpp>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "edge_scene.h"
#include "inspect/element.h"
#include "inspect/normal_form.h"
#include "proxy/edge/lane.h"

namespace sallyport::edge::scene {
namespace {

using airlock::Close;
using airlock::Closed;
using airlock::CloseKind;
using airlock::Opened;
using airlock::Ready;
using airlock::Stanza;

constexpr std::string_view kMessage = "<message from='x@a.test' to='y@b.test'><body>hello</body></message>";

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

TEST_F(EdgeOnLoopback, AFrameOutOfTurnEndsItsLegWithAnAlarm) {
  const airlock::Body odd[] = {airlock::Terms{0, true, false, 10'000},
                               airlock::Grant{{{"a.test", "b.test"}}, 1, 1},
                               airlock::Refuse{},
                               airlock::Settled{1},
                               airlock::Stanza{1, "x"},
                               airlock::Dial{airlock::LegKind::S2s, "b.test", "a.test", false, 1'000}};
  config_.limits.attempts_per_minute = 100;
  start();
  for (const auto& frame : odd) {
    guard_->events.clear();
    PeerPlayed near = peer();
    const auto leg = open_in_leg(near);
    guard_->send(leg, frame);
    EXPECT_NE(near.read_until("</stream:stream>").find("<internal-server-error"), std::string::npos)
        << airlock::name(frame);
    EXPECT_EQ(guard_->expect<Close>().first, leg);
    guard_->expect<Closed>();
    EXPECT_TRUE(guard_->has_event("edge.out-of-turn")) << airlock::name(frame);
  }
}

TEST_F(EdgeOnLoopback, FramesThatCrossAClosingLegAreNoAlarm) {
  start();
  PeerPlayed near = peer();
  const auto leg = open_in_leg(near);
  near.send("</stream:stream>");
  EXPECT_EQ(guard_->expect<Close>().second.kind, CloseKind::Clean);
  guard_->send(leg, airlock::Credit{1, 1});
  guard_->send(leg, airlock::Refuse{});
  EXPECT_TRUE(near.ends());
  EXPECT_FALSE(guard_->has_event("edge.out-of-turn"));
}

TEST(LinkingAgain, EndsTheChannelThatItReplacesAndTellsWhichAttemptItWas) {
  const Folder folder;
  boost::asio::io_context context;
  const auto file = (folder / "north.sock").string();
  boost::asio::local::stream_protocol::acceptor guard(context, boost::asio::local::stream_protocol::endpoint(file));
  std::vector<std::pair<Attempt, std::string>> lost;
  LaneReports reports;
  reports.guard_lost = [&](Attempt attempt, const std::string& why) { lost.emplace_back(attempt, why); };
  Admissions admissions({});
  Lane lane(0, 1, 1, std::make_shared<Settings>(), admissions, std::move(reports));
  lane.link(1, 0, file);
  auto first = guard.accept();
  lane.link(2, 0, file);
  const auto second = guard.accept();
  std::array<char, 4096> octets{};
  boost::system::error_code ended;
  const timeval patience{2, 0};
  ::setsockopt(first.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  while (!ended) first.read_some(boost::asio::buffer(octets), ended);
  EXPECT_EQ(ended, boost::asio::error::eof);
  EXPECT_TRUE(lost.empty()) << "the channel that replaces it stands";
  lane.link(3, 0, (folder / "nobody.sock").string());
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost[0].first, 3U);
}

}  // namespace
}  // namespace sallyport::edge::scene
