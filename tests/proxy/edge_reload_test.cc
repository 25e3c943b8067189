// What a reload, a stop, and a guard that goes away do to a whole edge.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include "edge_scene.h"

namespace sallyport::edge::scene {
namespace {

using airlock::Close;
using airlock::Closed;
using airlock::Opened;
using airlock::Stanza;

using std::chrono::milliseconds;

constexpr std::string_view kMessage = "<message from='x@a.test' to='y@b.test'><body>hello</body></message>";

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

TEST_F(EdgeOnLoopback, AReloadDuringADrainOpensNoListener) {
  start();
  PeerPlayed near = peer();
  open_in_leg(near);
  guard_->send(airlock::kNoLeg, airlock::Drain{60'000});
  const auto listens = [&](const std::string& address) {
    try {
      PeerPlayed::connect(address, port_, std::nullopt, authority_.file());
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  };
  EXPECT_TRUE(guard_->wait_until([&] { return !listens(address_); }));
  config_.listeners = {{{"127.0.60.5", port_}, config::Listener::Tls::StartTls}};
  edge_->reload();
  // Legs are judged after the listeners.
  EXPECT_NE(near.read_until("</stream:stream>").find("<reset"), std::string::npos);
  EXPECT_FALSE(listens("127.0.60.5"));
}

TEST_F(EdgeOnLoopback, ADrainOfAGuardThatIsGoneEndsNoLegOfTheNextOne) {
  start();
  {
    const PeerPlayed listened = peer();
  }
  guard_->send(airlock::kNoLeg, airlock::Drain{3'500});
  EXPECT_TRUE(guard_->wait_until([&] {
    try {
      PeerPlayed::connect(address_, port_, std::nullopt, authority_.file());
      return false;
    } catch (const std::runtime_error&) {
      return true;
    }
  }));
  guard_.reset();
  guard_ = std::make_unique<GuardPlayed>(folder_ / "north.sock", "north");
  guard_->welcome();
  PeerPlayed near = peer();
  open_in_leg(near);
  EXPECT_TRUE(guard_->stays_silent(milliseconds(1'500)));
  near.send(kMessage);
  guard_->expect<Stanza>();
}

/// The type of service of the edge's end of the connection.
int marked(const PeerPlayed& peer) {
  int value = -1;
  socklen_t length = sizeof(value);
  getsockopt(edges_end(peer), IPPROTO_IP, IP_TOS, &value, &length);
  return value;
}

TEST_F(EdgeOnLoopback, NET_01_AReloadMarksStandingLegsAndListenersAnew) {
  start();
  PeerPlayed near = peer();
  open_in_leg(near);
  EXPECT_EQ(marked(near), 18 << 2);
  config_.dscp = 46;
  edge_->reload();
  EXPECT_TRUE(guard_->wait_until([&] { return marked(near) == 46 << 2; }));
  PeerPlayed later = peer();
  later.send(PeerPlayed::header("b.test", "a.test"));
  later.read_until("</stream:features>");
  EXPECT_EQ(marked(later), 46 << 2);
}

/// SHA-256 of the SubjectPublicKeyInfo in a certificate file.
std::string key_digest(const std::filesystem::path& file) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> in(BIO_new_file(file.c_str(), "r"), &BIO_free_all);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr),
                                                                &X509_free);
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(der, static_cast<std::size_t>(size), reinterpret_cast<unsigned char*>(digest.data()));
  OPENSSL_free(der);
  return digest;
}

TEST_F(EdgeOnLoopback, PKI_03_APinnedDomainIsBelievedWithItsKeysOnly) {
  config_.pins = {{"a.test", {std::string(32, 'x'), key_digest(a_test_.certificate)}}};
  start();
  PeerPlayed near = peer();
  open_in_leg(near);
  config_.pins[0].keys.pop_back();
  edge_->reload();
  EXPECT_NE(near.read_until("</stream:stream>").find("<reset"), std::string::npos);
  guard_->expect<airlock::Close>();
  guard_->expect<airlock::Closed>();
  EXPECT_TRUE(guard_->has_event("edge.reload-ends"));
  PeerPlayed again = peer();
  again.open_stream();
  const auto opened = guard_->expect<airlock::Opened>().second;
  EXPECT_TRUE(opened.certificate.chain);
  EXPECT_FALSE(opened.certificate.identity);
  EXPECT_EQ(opened.certificate.problem, "its key is not one of those pinned for the domain");
}

TEST_F(EdgeOnLoopback, PKI_05_ANewListEndsTheLegWhoseFactsItChanges) {
  start();
  PeerPlayed near = peer();
  near.open_stream();
  const auto [leg, opened] = guard_->expect<airlock::Opened>();
  EXPECT_EQ(opened.certificate.revocation, airlock::Revocation::Unknown) << "the policy decides what that means";
  guard_->send(leg, airlock::Terms{0, true, false, 262'144});
  EXPECT_NE(near.read_until("</stream:features>").find("EXTERNAL"), std::string::npos);
  edge_->reload();
  EXPECT_TRUE(guard_->stays_silent(milliseconds(300))) << "nothing has changed";
  config_.crls = {authority_.list()};
  edge_->reload();
  EXPECT_NE(near.read_until("</stream:stream>").find("<reset"), std::string::npos);
  guard_->expect<airlock::Close>();
  guard_->expect<airlock::Closed>();
  PeerPlayed again = peer();
  again.open_stream();
  EXPECT_EQ(guard_->expect<airlock::Opened>().second.certificate.revocation, airlock::Revocation::Good);
}

TEST_F(EdgeOnLoopback, T_14_ALegEndsWithTheCertificateThatItHasShownAlsoWhenThereIsANewOne) {
  config_.faces[0] = authority_.issue_briefly("b.test", 3);
  start();
  PeerPlayed near = peer();
  open_in_leg(near);
  config_.faces[0] = authority_.issue("b.test");
  edge_->reload();
  EXPECT_NE(near.read_until("</stream:stream>").find("<reset"), std::string::npos);
}

TEST_F(EdgeOnLoopback, T_14_AListThatEndsEndsWhatItVouchedFor) {
  config_.crls = {authority_.list(3)};
  start();
  PeerPlayed near = peer();
  near.open_stream();
  const auto leg = guard_->expect<airlock::Opened>().first;
  guard_->send(leg, airlock::Terms{0, true, false, 262'144});
  near.read_until("</stream:features>");
  EXPECT_NE(near.read_until("</stream:stream>").find("<reset"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::edge::scene
