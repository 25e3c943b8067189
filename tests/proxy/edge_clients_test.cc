// A whole edge on loopback, between played clients, a played server that clients log in to, and a played guard.
#include <fstream>
#include <utility>

#include <gtest/gtest.h>

#include "edge_scene.h"
#include "inspect/base64.h"
#include "inspect/element.h"
#include "inspect/normal_form.h"

namespace sallyport::edge::scene {
namespace {

using airlock::Close;
using airlock::Closed;
using airlock::CloseKind;
using airlock::LegId;
using airlock::LegKind;
using airlock::Offer;
using airlock::OfferStage;
using airlock::Opened;
using airlock::Ready;
using airlock::Sasl;
using airlock::SaslStep;
using airlock::Stanza;
using inspect::Mechanism;
using Peers = config::Listener::Peers;
using Tls = config::Listener::Tls;

constexpr std::string_view kMessage = "<message to='y@b.test'><body>hello</body></message>";
constexpr std::string_view kBound =
    "<iq type='result' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>x@b.test/desk</jid></bind></iq>";

std::string header(const std::string& to, const std::string& from = "", const std::string& id = "") {
  return "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' " +
         (from.empty() ? "" : "from='" + from + "' ") + "to='" + to + "' version='1.0'" +
         (id.empty() ? "" : " id='" + id + "'") + ">";
}

std::string auth(const std::string& mechanism, const std::string& text) {
  return "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='" + mechanism + "'>" + text + "</auth>";
}

std::uint32_t bits(std::initializer_list<Mechanism> mechanisms) {
  inspect::Mechanisms set;
  for (const Mechanism each : mechanisms) set.add(each);
  return set.bits();
}

Sasl step(SaslStep which, std::string_view octets = {}) {
  Sasl sasl;
  sasl.step = which;
  sasl.has_octets = !octets.empty();
  sasl.octets = octets;
  return sasl;
}

/// Clients of "north" log in to b.test on the other side; clients of the other side log in to a.test here.
class EdgeWithClients : public Scene {
 protected:
  EdgeWithClients() {
    config_.listeners = {{{address_, port_}, Tls::StartTls, Peers::Servers},
                         {{address_, 15222}, Tls::StartTls, Peers::Clients},
                         {{address_, 15223}, Tls::Direct, Peers::Clients}};
    config_.next_hops.push_back({"a.test", {{"127.0.60.2", 15222}}, Tls::StartTls, config::Service::Clients});
  }

  PeerPlayed client(std::uint16_t port = 15222, std::optional<config::Face> certificate = std::nullopt) {
    return caller(address_, port, std::move(certificate));
  }

  static void start_tls(PeerPlayed& client) {
    client.send(header("b.test"));
    client.read_until("</stream:features>");
    client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    client.read_until("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    ASSERT_TRUE(client.start_tls_as_client("b.test"));
  }

  /// Up to the offer of mechanisms.
  LegId open(PeerPlayed& client) {
    start_tls(client);
    client.send(header("b.test", "x@b.test"));
    const auto [leg, opened] = guard_->expect<Opened>();
    EXPECT_EQ(opened.kind, LegKind::C2s);
    guard_->send(leg, airlock::Terms{});
    guard_->send(leg, Offer{.stage = OfferStage::Authentication, .mechanisms = bits({Mechanism::Plain})});
    client.read_until("</stream:features>");
    return leg;
  }

  /// Up to the session.
  LegId log_in(PeerPlayed& client) {
    const LegId leg = open(client);
    client.send(auth("PLAIN", "AHgAc2VjcmV0"));
    const Sasl said = guard_->expect<Sasl>().second;
    EXPECT_EQ(std::string_view(said.octets), std::string_view("\0x\0secret", 9));
    guard_->send(leg, step(SaslStep::Success));
    client.read_until("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    client.send(header("b.test", "x@b.test"));
    guard_->send(leg, Offer{.stage = OfferStage::Session, .features = airlock::bit(airlock::Feature::Bind)});
    EXPECT_NE(client.read_until("</stream:features>").find("<bind "), std::string::npos);
    client.send("<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
    guard_->expect<airlock::Bind>();
    guard_->send(leg, airlock::Bound{"x@b.test/desk", {}});
    guard_->send(leg, airlock::Grant{{}, 65'536, 64});
    EXPECT_EQ(client.read_until("</iq>"), kBound);
    return leg;
  }

  /// The played server of a.test takes the edge's connection up to its offer of mechanisms.
  void serve_up_to_offer(PeerPlayed& server, const std::string& server_header = header("u@a.test", "a.test", "i2"),
                         const std::string& mechanism = "PLAIN") {
    server.read_until("xml:lang='en'>");
    server.send(header("", "a.test", "i1") +
                "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>");
    server.read_until("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    server.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    ASSERT_TRUE(server.start_tls_as_server());
    server.read_until("xml:lang='en'>");
    server.send(server_header + "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>" +
                mechanism + "</mechanism></mechanisms></stream:features>");
  }
  void dial_for_client(bool certificate = false) {
    airlock::Dial wanted;
    wanted.kind = LegKind::C2s;
    wanted.from = "u@a.test";
    wanted.to = "a.test";
    wanted.deadline_ms = 5'000;
    wanted.certificate = certificate;
    guard_->send(dialled_ += 2, wanted);
  }
  LegId dialled_ = airlock::LegId(-1);  ///< the last that dial_for_client() gave
  bool checked_ = false;
};

TEST_F(EdgeWithClients, STR_01_BIND_01_TakeAClientFromTcpToStanzasAndToItsEnd) {
  start();
  PeerPlayed near = client();
  const LegId leg = log_in(near);
  EXPECT_EQ(near.shown_subject(), "b.test");
  near.send(kMessage);
  const auto [from, stanza] = guard_->expect<Stanza>();
  EXPECT_EQ(from, leg);
  EXPECT_EQ(stanza.number, 1U);
  guard_->send(leg, airlock::Deliver{1, "", "", 1, "<message from='y@b.test' to='x@b.test/desk'/>"});
  near.read_until("<message from='y@b.test' to='x@b.test/desk'/>");
  EXPECT_TRUE(guard_->wait_until([&] { return guard_->settled == 1; }));
  near.send("</stream:stream>");
  EXPECT_EQ(guard_->expect<Close>().second.kind, CloseKind::Clean);
  guard_->send(leg, Closed{true, "", 0, 0});
  std::string rest;
  EXPECT_TRUE(near.ends(&rest));
  EXPECT_EQ(rest, "</stream:stream>");
  EXPECT_TRUE(guard_->expect<Closed>().second.clean);
}

TEST_F(EdgeWithClients, WhatWasSaidBeforeAResetIsReadThoughNothingCanBeWritten) {
  start();
  PeerPlayed near = client();
  const LegId leg = log_in(near);
  // All credit but a little is used up, and the rest is overdrawn: nothing more is read.
  for (int i = 0; i < 64; ++i) near.send(kMessage);
  for (int i = 0; i < 64; ++i) guard_->expect<Stanza>();
  near.send("<message to='y@b.test' id='last'/></stream:stream>");
  near.cut();
  guard_->send(leg, airlock::Deliver{1, "", "", 1, "<message from='y@b.test' to='x@b.test/desk'/>"});
  EXPECT_TRUE(guard_->stays_silent(std::chrono::milliseconds(50)))
      << "the leg stands as long as there is something to read";
  guard_->send(leg, airlock::Credit{65'536, 64});
  EXPECT_EQ(guard_->expect<Stanza>().second.number, 65U);
  EXPECT_EQ(guard_->expect<Close>().second.kind, CloseKind::Clean);
  guard_->send(leg, Closed{true, "", 0, 0});
  EXPECT_EQ(guard_->expect<Closed>().second.written, 0U) << "the delivery has not got there";
}

TEST_F(EdgeWithClients, STR_23_AServersStreamHasNoPlaceOnAPortForClients) {
  start();
  PeerPlayed near = client();
  near.send(PeerPlayed::header("b.test", "a.test"));
  EXPECT_NE(near.read_until("</stream:stream>").find("<invalid-namespace"), std::string::npos);
}

TEST_F(EdgeWithClients, T_08_DirectTlsTakesTheProtocolOfClientsOrNone) {
  start();
  for (const char* alpn : {"xmpp-client", ""}) {
    PeerPlayed near = client(15223);
    ASSERT_TRUE(near.start_tls_as_client("b.test", alpn)) << alpn;
    near.send(header("b.test"));
    const auto opened = guard_->expect<Opened>().second;
    EXPECT_TRUE(opened.tls.direct);
    EXPECT_EQ(opened.kind, LegKind::C2s);
  }
  EXPECT_FALSE(client(15223).start_tls_as_client("b.test", "xmpp-server"));
  EXPECT_FALSE(client(15223).start_tls_as_client("unknown.test", "xmpp-client"));
}

TEST_F(EdgeWithClients, T_08_APortForBothIsToldApartByAlpn) {
  config_.listeners = {{{address_, 15223}, Tls::Direct, Peers::Clients}, {{address_, 15223}, Tls::Direct}};
  start();
  PeerPlayed near = client(15223);
  ASSERT_TRUE(near.start_tls_as_client("b.test", "xmpp-client"));
  near.send(header("b.test"));
  EXPECT_EQ(guard_->expect<Opened>().second.kind, LegKind::C2s);
  PeerPlayed server = client(15223, a_test_);
  ASSERT_TRUE(server.start_tls_as_client("b.test", "xmpp-server"));
  server.send(PeerPlayed::header("b.test", "a.test"));
  const auto opened = guard_->expect<Opened>().second;
  EXPECT_EQ(opened.kind, LegKind::S2s);
  EXPECT_TRUE(opened.certificate.identity);
  // Clients are not asked for a certificate here, though servers are.
  PeerPlayed shy = client(15223, a_test_);
  ASSERT_TRUE(shy.start_tls_as_client("b.test", "xmpp-client"));
  shy.send(header("b.test"));
  EXPECT_FALSE(guard_->expect<Opened>().second.certificate.presented);
  PeerPlayed silent = client(15223);
  silent.start_tls_as_client("b.test");
  EXPECT_TRUE(silent.ends());
  EXPECT_TRUE(guard_->wait_until([&] { return guard_->has_event("tls.handshake-failed"); }));
}

TEST_F(EdgeWithClients, T_08_TheNamespaceHasToAgreeWithAlpn) {
  config_.listeners = {{{address_, 15223}, Tls::Direct, Peers::Clients}, {{address_, 15223}, Tls::Direct}};
  start();
  PeerPlayed near = client(15223);
  ASSERT_TRUE(near.start_tls_as_client("b.test", "xmpp-client"));
  near.send(PeerPlayed::header("b.test", "a.test"));
  EXPECT_NE(near.read_until("</stream:stream>").find("<invalid-namespace"), std::string::npos);
}

TEST_F(EdgeWithClients, T_16_ClientsAreAskedForACertificateOnlyWhereTheEnclaveWantsThat) {
  const config::Face account = authority_.issue_client("x@b.test");
  start();
  PeerPlayed near = client(15222, account);
  start_tls(near);
  near.send(header("b.test"));
  EXPECT_FALSE(guard_->expect<Opened>().second.certificate.presented);
}

TEST_F(EdgeWithClients, T_16_AClientsCertificateIsJudgedForItsAccount) {
  config_.client_certificates = config::ClientCertificates::Optional;
  struct Row {
    std::optional<config::Face> shown;
    bool presented, chain, identity;
  };
  const Row rows[] = {{std::nullopt, false, false, false},
                      {authority_.issue_client("x@b.test"), true, true, true},
                      {authority_.issue_client("x@other.test"), true, true, false},
                      {authority_.issue_client("b.test"), true, true, false},
                      {stranger_.issue_client("x@b.test"), true, false, true},
                      {a_test_, true, true, false}};
  start();
  for (const Row& row : rows) {
    PeerPlayed near = client(15222, row.shown);
    start_tls(near);
    near.send(header("b.test"));
    const auto [leg, opened] = guard_->expect<Opened>();
    const auto& facts = opened.certificate;
    EXPECT_EQ(facts.presented, row.presented) << facts.problem;
    EXPECT_EQ(facts.chain, row.chain) << facts.problem;
    EXPECT_EQ(facts.identity, row.identity) << facts.problem;
    guard_->send(leg, airlock::Refuse{});
    EXPECT_TRUE(near.ends());
    guard_->expect<Closed>();
  }
}

TEST_F(EdgeWithClients, T_16_WhereItIsRequiredNobodyGetsOnWithoutAGoodOne) {
  config_.client_certificates = config::ClientCertificates::Required;
  start();
  PeerPlayed bare = client();
  start_tls(bare);  // with TLS 1.3 the client's side is done before the server has seen that there is none
  EXPECT_TRUE(bare.ends());
  EXPECT_TRUE(guard_->wait_until([&] { return guard_->has_event("tls.handshake-failed"); }));
  PeerPlayed near = client(15222, stranger_.issue_client("x@b.test"));
  start_tls(near);
  near.send(header("b.test"));
  EXPECT_NE(near.read_until("</stream:stream>").find("<not-authorized"), std::string::npos);
  PeerPlayed good = client(15222, authority_.issue_client("x@b.test"));
  start_tls(good);
  good.send(header("b.test"));
  EXPECT_TRUE(guard_->expect<Opened>().second.certificate.identity);
}

TEST_F(EdgeWithClients, D_01_ClientsAndServersAreCountedApart) {
  config_.client_limits.connections_per_address = 2;
  start();
  PeerPlayed first = client(), second = client();
  for (PeerPlayed* each : {&first, &second}) {
    each->send(header("b.test"));
    each->read_until("</stream:features>");
  }
  PeerPlayed third = client();
  EXPECT_TRUE(third.ends());
  PeerPlayed server = peer();
  server.send(PeerPlayed::header("b.test", "a.test"));
  server.read_until("</stream:features>");
}

TEST_F(EdgeWithClients, D_12_LoginsThatFailEndTheStream) {
  config_.client_limits.logins = 2;
  start();
  PeerPlayed near = client();
  const LegId leg = open(near);
  for (int tries = 0; tries < 2; ++tries) {
    near.send(auth("PLAIN", "AHgAc2VjcmV0"));
    guard_->expect<Sasl>();
    guard_->send(leg, step(SaslStep::Failure));
    near.read_until("</failure>");
  }
  EXPECT_NE(near.read_until("</stream:stream>").find("<policy-violation"), std::string::npos);
}

TEST_F(EdgeWithClients, D_25_WhiteSpaceKeepsASilentClient) {
  config_.client_limits.idle = std::chrono::milliseconds(400);
  start();
  PeerPlayed near = client();
  const LegId leg = log_in(near);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (std::chrono::steady_clock::now() < until) {
    near.send(" ");
    EXPECT_TRUE(guard_->stays_silent(std::chrono::milliseconds(100)));
  }
  near.read_until("</stream:stream>");
  near.send("</stream:stream>");
  EXPECT_EQ(guard_->expect<Close>().first, leg);
}

TEST_F(EdgeWithClients, DialTheServerOfADomainForAClient) {
  config_.anchors = {authority_.file()};
  Harbour harbour("127.0.60.2", 15222);
  start();
  dial_for_client();
  PeerPlayed server = harbour.accept(a_test_, authority_.file());
  serve_up_to_offer(server);
  EXPECT_EQ(server.server_name(), "a.test");
  EXPECT_EQ(server.shown_subject(), "") << "R0: no certificate is shown in the name of anybody";
  const auto [leg, ready] = guard_->expect<Ready>();
  EXPECT_EQ(leg, 1U);
  EXPECT_TRUE(ready.certificate.identity);
  EXPECT_EQ(ready.tls.version, "TLSv1.3");
  EXPECT_EQ(guard_->expect<Offer>().second.mechanisms, bits({Mechanism::Plain}));
  Sasl login = step(SaslStep::Auth, "\0u\0secret");
  login.mechanism = Mechanism::Plain;
  login.octets = std::string_view("\0u\0secret", 9);
  login.has_octets = true;
  guard_->send(1, login);
  EXPECT_EQ(server.read_until("</auth>"), auth("PLAIN", "AHUAc2VjcmV0"));
  server.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
  EXPECT_EQ(guard_->expect<Sasl>().second.step, SaslStep::Success);
  server.read_until("xml:lang='en'>");
  server.send(header("u@a.test", "a.test", "i3") +
              "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>");
  EXPECT_EQ(guard_->expect<Offer>().second.features, airlock::bit(airlock::Feature::Bind));
  guard_->send(1, airlock::Bind{"desk"});
  const std::string asked = server.read_until("</iq>");
  const std::size_t at = asked.find("id='") + 4;
  const std::string id = asked.substr(at, asked.find('\'', at) - at);
  server.send("<iq type='result' id='" + id +
              "'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>u@a.test/desk</jid></bind></iq>");
  EXPECT_EQ(guard_->expect<airlock::Bound>().second.jid, "u@a.test/desk");
  guard_->send(1, airlock::Grant{{}, 65'536, 64});
  guard_->send(1, airlock::Deliver{1, "", "", 1, kMessage});
  EXPECT_EQ(server.read_until("</message>"), kMessage);
  server.send("<message to='u@a.test/desk'/>");
  EXPECT_EQ(guard_->expect<Stanza>().second.number, 1U);
  guard_->send(1, Close{CloseKind::Clean, {}, {}, {}});
  EXPECT_EQ(server.read_until("</stream:stream>"), "</stream:stream>");
  server.send("</stream:stream>");
  EXPECT_TRUE(guard_->expect<Closed>().second.clean);
}

TEST_F(EdgeWithClients, T_15_AServerThatIsNotTheDomainGetsNoLogin) {
  Harbour harbour("127.0.60.2", 15222);
  start();
  dial_for_client();
  PeerPlayed server = harbour.accept(authority_.issue("other.test"), authority_.file());
  server.read_until("xml:lang='en'>");
  server.send(header("", "a.test", "i1") +
              "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>");
  server.read_until("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  server.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  ASSERT_TRUE(server.start_tls_as_server());
  const std::string said = server.read_until("</stream:stream>");
  EXPECT_NE(said.find("<not-authorized"), std::string::npos);
  EXPECT_EQ(said.find("u@a.test"), std::string::npos);
  EXPECT_EQ(guard_->expect<airlock::Failed>().second.fault, airlock::DialFault::Certificate);
}

/// Takes one login by SCRAM-SHA-1 and gives its flag; what the client proves is not looked at.
char hear_login(PeerPlayed& server) {
  const std::string said = server.read_until("</auth>");
  const std::size_t at = said.find('>') + 1;
  const std::string first = inspect::decode_base64(said.substr(at, said.rfind('<') - at)).value_or("");
  const std::string nonce = first.substr(first.find("r=") + 2);
  server.send("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" +
              inspect::encode_base64("r=" + nonce + "SERVER,s=QSXCR+Q6sek8bf92,i=4096") + "</challenge>");
  server.read_until("</response>");
  return first[0];
}

TEST_F(EdgeWithClients, C_04_NobodyIsTakenToAServerWhereLoginsCannotWork) {
  const auto password = folder_ / "password";
  std::ofstream(password) << "secret\n";
  config_.logins = {{.domain = "a.test", .probe = "probe", .probe_password = password}};
  Harbour harbour("127.0.60.2", 15222);
  start();
  PeerPlayed server = harbour.accept(a_test_, authority_.file());
  server.read_until("xml:lang='en'>");
  server.send(header("", "a.test", "i1") +
              "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>");
  server.read_until("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  server.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  ASSERT_TRUE(server.start_tls_as_server());
  server.read_until("xml:lang='en'>");
  server.send(header("", "a.test", "i2") +
              "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism>"
              "</mechanisms></stream:features>");
  EXPECT_EQ(hear_login(server), 'y');
  server.send("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><malformed-request/></failure>");
  EXPECT_EQ(hear_login(server), 'n');
  server.send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
  server.read_until("</stream:stream>");
  server.send("</stream:stream>");
  EXPECT_TRUE(server.ends());
  EXPECT_TRUE(guard_->stays_silent(std::chrono::milliseconds(0))) << "the guard is not asked";
  dial_for_client();
  const auto failed = guard_->expect<airlock::Failed>().second;
  EXPECT_EQ(failed.fault, airlock::DialFault::Refused);
  EXPECT_NE(failed.why.find("malformed-request"), std::string::npos) << failed.why;
}

TEST_F(EdgeWithClients, R4_TheCertificateOfTheLoginIsShownWhenTheGuardSaysSo) {
  const config::Face login = authority_.issue("b.test");
  config_.logins = {{.domain = "a.test", .certificate = login.certificate, .key = login.key}};
  Harbour harbour("127.0.60.2", 15222);
  start();
  for (const bool certificate : {true, true, false}) {  // the first is the check at start
    if (certificate == false || checked_) dial_for_client(certificate);
    PeerPlayed server = harbour.accept(a_test_, authority_.file());
    serve_up_to_offer(server, header("", "a.test", "i2"), "EXTERNAL");
    EXPECT_EQ(server.shown_subject(), certificate ? "b.test" : "");
    if (!std::exchange(checked_, true)) continue;
    const LegId leg = guard_->expect<Ready>().first;
    EXPECT_EQ(guard_->expect<Offer>().second.mechanisms, bits({Mechanism::External}));
    guard_->send(leg, Close{CloseKind::Clean, {}, {}, {}});
    server.read_until("</stream:stream>");
    server.cut();
    guard_->expect<Closed>();
  }
}

TEST_F(EdgeWithClients, AFrameOutOfTurnEndsASessionWithAnAlarm) {
  const airlock::Body odd[] = {airlock::Terms{},
                               airlock::Grant{{}, 1, 1},
                               airlock::Refuse{},
                               airlock::Settled{1},
                               airlock::Bind{"desk"},
                               airlock::Csi{},
                               airlock::Bound{"x@b.test/desk", {}},
                               step(SaslStep::Success),
                               Offer{},
                               airlock::Deliver{1, "a.test", "b.test", 1, "<message/>"},
                               airlock::Deliver{2, "", "", 1, "<message/>"}};
  config_.client_limits.attempts_per_minute = 100;
  start();
  for (const auto& frame : odd) {
    PeerPlayed near = client();
    const LegId leg = log_in(near);
    guard_->send(leg, frame);
    EXPECT_NE(near.read_until("</stream:stream>").find("<internal-server-error"), std::string::npos)
        << airlock::name(frame);
    EXPECT_EQ(guard_->expect<Close>().first, leg);
    guard_->expect<Closed>();
  }
}

}  // namespace
}  // namespace sallyport::edge::scene
