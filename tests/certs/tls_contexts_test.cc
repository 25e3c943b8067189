#include "certs/trust/tls_contexts.h"

#include <algorithm>
#include <array>
#include <functional>

#include <gmock/gmock.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "certs/trust/anchors.h"
#include "tests/certs/pki.h"

namespace sallyport::trust {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::Authority;
using tests::Directory;
using tests::kNow;

enum class Side { Client, Server };

// A client and a server joined by memory.
class Wire {
 public:
  Wire(SslPtr client, SslPtr server) : client_(std::move(client)), server_(std::move(server)) {
    BIO *left = nullptr, *right = nullptr;
    BIO_new_bio_pair(&left, 0, &right, 0);
    SSL_set_bio(client_.get(), left, left);
    SSL_set_bio(server_.get(), right, right);
  }
  /// Both ends go on until neither can. True when both handshakes are finished.
  bool shake() {
    ERR_clear_error();
    for (int turn = 0; turn < 20; ++turn) {
      step(client(), client_error_);
      step(server(), server_error_);
    }
    return SSL_is_init_finished(client()) == 1 && SSL_is_init_finished(server()) == 1 && client_error_.empty() &&
           server_error_.empty();
  }
  bool carries(const std::string& text) {
    if (SSL_write(client(), text.data(), static_cast<int>(text.size())) <= 0) return false;
    std::string read(text.size(), '\0');
    return SSL_read(server(), read.data(), static_cast<int>(read.size())) == static_cast<int>(text.size()) &&
           read == text;
  }
  SSL* client() const { return client_.get(); }
  SSL* server() const { return server_.get(); }
  const std::string& client_error() const { return client_error_; }
  const std::string& server_error() const { return server_error_; }

 private:
  static void step(SSL* ssl, std::string& error) {
    if (!error.empty()) return;
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl);
    const int why = SSL_get_error(ssl, done);
    if (done != 1 && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) error = last_openssl_error();
  }
  SslPtr client_, server_;
  std::string client_error_, server_error_;
};

class Contexts : public testing::Test {
 protected:
  Face face(Authority& issuer, const std::string& domain, const std::string& alt_names = "",
            const std::string& key = "P-256") {
    const auto identity =
        issuer.issue({.common_name = domain, .alt_names = alt_names.empty() ? "DNS:" + domain : alt_names, .key = key});
    const auto name = std::to_string(++files_);
    return {domain, files.write(name + ".pem", {identity.certificate.get(), issuer.certificate()}),
            files.write(name + ".key", identity.key.get())};
  }
  static std::shared_ptr<const TlsContexts> contexts(const std::vector<Face>& faces) {
    auto loaded = TlsContexts::load(faces, ProfileName::Bcp195_2022);
    for (const auto& fault : loaded->faults()) ADD_FAILURE() << fault.file << ": " << fault.what;
    return loaded;
  }
  std::shared_ptr<const Anchors> anchors(Authority& issuer) {
    return *Anchors::load({.anchors = {files.write("anchor.pem", {issuer.certificate()})}, .revocation = false});
  }
  // A client that is not ours, with whatever is wished for.
  static SslPtr stranger(const std::function<void(SSL_CTX*)>& change, const char* server_name = nullptr) {
    ContextPtr context{SSL_CTX_new(TLS_client_method())};
    change(context.get());
    SslPtr ssl{SSL_new(context.get())};
    if (server_name != nullptr) SSL_set_tlsext_host_name(ssl.get(), server_name);
    SSL_set_connect_state(ssl.get());
    return ssl;
  }
  static std::string shown_name(const SSL* client) {
    const auto names = certificate_names(SSL_get0_peer_certificate(client));
    return names.empty() ? "" : names.front();
  }

  Directory files;
  int files_ = 0;
  Authority authority{"north authority"};
  // The near side's real server is alpha.test; the edge stands for bravo.test and conf.bravo.test.
  std::shared_ptr<const TlsContexts> edge =
      contexts({face(authority, "bravo.test"), face(authority, "conf.bravo.test")});
  std::shared_ptr<const TlsContexts> peer = contexts({face(authority, "alpha.test")});
};

TEST_F(Contexts, TLS_01_SpeakTls13AndProveBothSides) {
  Wire wire(peer->connect("alpha.test", "bravo.test", Start::StartTls), edge->accept("bravo.test"));
  ASSERT_TRUE(wire.shake()) << wire.client_error() << wire.server_error();
  EXPECT_TRUE(wire.carries("<stream>"));
  const auto session = finished(wire.server());
  ASSERT_TRUE(session) << session.error();
  EXPECT_EQ(session->version, "TLSv1.3");
  EXPECT_EQ(session->cipher, "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(session->server_name, "bravo.test");
  const auto judges = anchors(authority);
  const auto client = judges->judge_peer(wire.server(), "alpha.test", Service::XmppServer, kNow);
  EXPECT_TRUE(client.chain && client.identity) << client.problem;
  const auto server = judges->judge_peer(wire.client(), "bravo.test", Service::XmppServer, kNow);
  EXPECT_TRUE(server.chain && server.identity) << server.problem;
  // A domain that is asked for later on the same session is judged by the same proof.
  EXPECT_FALSE(judges->judge_peer(wire.server(), "rooms.alpha.test", Service::XmppServer, kNow).identity);
}

TEST_F(Contexts, TLS_06_LetAnUntrustedPeerFinishSoThatItCanBeToldWhy) {
  Authority south{"south authority"};
  const auto foreign = contexts({face(south, "alpha.test")});
  Wire wire(foreign->connect("alpha.test", "bravo.test", Start::StartTls), edge->accept("bravo.test"));
  ASSERT_TRUE(wire.shake());
  const auto facts = anchors(authority)->judge_peer(wire.server(), "alpha.test", Service::XmppServer, kNow);
  EXPECT_TRUE(facts.presented);
  EXPECT_FALSE(facts.chain);
}

TEST_F(Contexts, PKI_02_AskForACertificateAndGoOnWithoutOne) {
  Wire wire(stranger([](SSL_CTX*) {}, "bravo.test"), edge->accept(""));
  ASSERT_TRUE(wire.shake()) << wire.server_error();
  EXPECT_FALSE(anchors(authority)->judge_peer(wire.server(), "alpha.test", Service::XmppServer, kNow).presented);
}

int staple(SSL* ssl, void* answer) {
  const auto& der = *static_cast<std::string*>(answer);
  auto* octets = static_cast<unsigned char*>(OPENSSL_memdup(der.data(), der.size()));
  return SSL_set_tlsext_status_ocsp_resp(ssl, octets, static_cast<int>(der.size())) == 1 ? SSL_TLSEXT_ERR_OK
                                                                                         : SSL_TLSEXT_ERR_ALERT_FATAL;
}

TEST_F(Contexts, T_17_TakeAnAnswerThatAServerStaplesAndElseAskForOne) {
  const auto judges = *Anchors::load({.anchors = {files.write("anchor.pem", {authority.certificate()})}});
  using Role = Anchors::Role;
  Wire plain(peer->connect("alpha.test", "bravo.test", Start::StartTls), edge->accept("bravo.test"));
  ASSERT_TRUE(plain.shake());
  EXPECT_TRUE(judges->open_question(plain.client(), Role::Server, kNow));
  EXPECT_TRUE(judges->open_question(plain.server(), Role::Server, kNow));
  for (const auto& [status, state] : {std::pair(V_OCSP_CERTSTATUS_GOOD, Revocation::Good),
                                      std::pair(V_OCSP_CERTSTATUS_REVOKED, Revocation::Revoked)}) {
    auto server = edge->accept("bravo.test");
    std::string der = authority.answer(SSL_get_certificate(server.get()), status, kNow - 60, kNow + tests::kDay);
    SSL_CTX* context = SSL_get_SSL_CTX(server.get());
    SSL_CTX_set_tlsext_status_cb(context, staple);
    SSL_CTX_set_tlsext_status_arg(context, &der);
    Wire wire(peer->connect("alpha.test", "bravo.test", Start::StartTls), std::move(server));
    ASSERT_TRUE(wire.shake()) << wire.client_error();
    EXPECT_EQ(judges->judge_peer(wire.client(), "bravo.test", Service::XmppServer, kNow).revocation, state);
    EXPECT_FALSE(judges->open_question(wire.client(), Role::Server, kNow));
  }
}

TEST_F(Contexts, TLS_13_ChooseTheCertificateByServerName) {
  for (const std::string domain : {"bravo.test", "conf.bravo.test"}) {
    Wire wire(peer->connect("alpha.test", domain, Start::Direct), edge->accept(""));
    ASSERT_TRUE(wire.shake()) << wire.client_error();
    EXPECT_EQ(shown_name(wire.client()), "dns:" + domain);
  }
  Wire upper(stranger([](SSL_CTX*) {}, "CONF.Bravo.Test"), edge->accept(""));
  ASSERT_TRUE(upper.shake());
  EXPECT_EQ(shown_name(upper.client()), "dns:conf.bravo.test");
}

TEST_F(Contexts, TLS_13_PreferTheServerNameToTheHeaderBeforeTls) {
  Wire wire(stranger([](SSL_CTX*) {}, "conf.bravo.test"), edge->accept("bravo.test"));
  ASSERT_TRUE(wire.shake());
  EXPECT_EQ(shown_name(wire.client()), "dns:conf.bravo.test");
  EXPECT_EQ(finished(wire.server())->server_name, "conf.bravo.test");
}

TEST_F(Contexts, TLS_13_ChooseTheCertificateByTheHeaderWithoutServerName) {
  Wire wire(stranger([](SSL_CTX*) {}), edge->accept("conf.bravo.test"));
  ASSERT_TRUE(wire.shake());
  EXPECT_EQ(shown_name(wire.client()), "dns:conf.bravo.test");
  EXPECT_EQ(finished(wire.server())->server_name, "");
}

TEST_F(Contexts, TLS_13_RefuseAnUnknownServerNameAndShowNoCertificate) {
  for (const char* domain : {"", "bravo.test"}) {
    Wire wire(stranger([](SSL_CTX*) {}, "delta.test"), edge->accept(domain));
    EXPECT_FALSE(wire.shake());
    EXPECT_THAT(wire.client_error(), HasSubstr("unrecognized name"));
    EXPECT_EQ(SSL_get0_peer_certificate(wire.client()), nullptr);
  }
}

TEST_F(Contexts, TLS_13_RefuseDirectTlsWithoutServerName) {
  Wire wire(stranger([](SSL_CTX*) {}), edge->accept(""));
  EXPECT_FALSE(wire.shake());
  EXPECT_THAT(wire.client_error(), HasSubstr("unrecognized name"));
}

TEST_F(Contexts, TLS_05_HaveNoSessionForADomainWithoutAFace) {
  EXPECT_EQ(edge->accept("delta.test"), nullptr);
  EXPECT_EQ(edge->connect("delta.test", "alpha.test", Start::StartTls), nullptr);
  EXPECT_FALSE(edge->has("delta.test"));
  EXPECT_TRUE(edge->has("bravo.test"));
  EXPECT_EQ(edge->not_after("bravo.test"), kNow + 90 * tests::kDay);
  EXPECT_EQ(edge->not_after("delta.test"), 0);
}

TEST_F(Contexts, TLS_13_KeepOurServerCertificateOutOfOurClientSessions) {
  // One context for both roles would show what the far server name asks for instead of who we are.
  const auto both = contexts({face(authority, "alpha.test"), face(authority, "bravo.test")});
  Wire wire(both->connect("alpha.test", "bravo.test", Start::StartTls), both->accept(""));
  ASSERT_TRUE(wire.shake());
  EXPECT_THAT(certificate_names(SSL_get0_peer_certificate(wire.server())), ElementsAre("dns:alpha.test"));
}

TEST_F(Contexts, T_08_AcceptTheRightAlpnOrNone) {
  const auto with = [](const std::string& protocols) {
    return [protocols](SSL_CTX* context) {
      SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(protocols.data()),
                              static_cast<unsigned>(protocols.size()));
    };
  };
  Wire wrong(stranger(with("\x02h2"), "bravo.test"), edge->accept(""));
  EXPECT_FALSE(wrong.shake());
  EXPECT_THAT(wrong.client_error(), HasSubstr("no application protocol"));
  Wire client(stranger(with("\x0bxmpp-client"), "bravo.test"), edge->accept(""));
  EXPECT_FALSE(client.shake());
  Wire second(stranger(with("\x02h2\x0bxmpp-server"), "bravo.test"), edge->accept(""));
  EXPECT_TRUE(second.shake());
  Wire none(stranger([](SSL_CTX*) {}, "bravo.test"), edge->accept(""));
  EXPECT_TRUE(none.shake());
}

TEST_F(Contexts, T_08_OfferAlpnOnDirectTlsOnly) {
  for (const Start start : {Start::Direct, Start::StartTls}) {
    Wire wire(peer->connect("alpha.test", "bravo.test", start), edge->accept("bravo.test"));
    ASSERT_TRUE(wire.shake());
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(wire.server(), &chosen, &size);
    EXPECT_EQ(size, start == Start::Direct ? 11U : 0U);
    EXPECT_TRUE(finished(wire.client()));
  }
}

std::function<void(SSL_CTX*)> naming(const std::string& protocol) {
  return [protocols = static_cast<char>(protocol.size()) + protocol](SSL_CTX* context) {
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(protocols.data()),
                            static_cast<unsigned>(protocols.size()));
  };
}

TEST_F(Contexts, T_08_TellClientsFromServersByTheProtocolThatTheyName) {
  struct Row {
    Visitors visitors;
    std::string protocol;
    bool stands;
    Service service;
  };
  const Row rows[] = {{Visitors::Clients, "xmpp-client", true, Service::XmppClient},
                      {Visitors::Clients, "xmpp-server", false, {}},
                      {Visitors::Clients, "", true, Service::XmppClient},
                      {Visitors::Servers, "xmpp-client", false, {}},
                      {Visitors::Servers, "", true, Service::XmppServer},
                      {Visitors::Both, "xmpp-client", true, Service::XmppClient},
                      {Visitors::Both, "xmpp-server", true, Service::XmppServer},
                      {Visitors::Both, "h2", false, {}}};
  for (const Row& row : rows) {
    const auto change = row.protocol.empty() ? [](SSL_CTX*) {} : naming(row.protocol);
    Wire wire(stranger(change, "bravo.test"), edge->accept("", row.visitors));
    ASSERT_EQ(wire.shake(), row.stands) << row.protocol;
    if (row.stands) EXPECT_EQ(finished(wire.server())->service, row.service) << row.protocol;
  }
  Wire silent(stranger([](SSL_CTX*) {}, "bravo.test"), edge->accept("", Visitors::Both));
  ASSERT_TRUE(silent.shake());
  EXPECT_FALSE(finished(silent.server())) << "nobody has said whose stream this is";
}

TEST_F(Contexts, T_16_AskClientsForACertificateOnlyWhereThatIsWanted) {
  const Face account = face(authority, "x@bravo.test", "otherName:1.3.6.1.5.5.7.8.5;UTF8:x@bravo.test");
  const auto showing = [&](SSL_CTX* context) {
    SSL_CTX_use_certificate_chain_file(context, account.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context, account.key.c_str(), SSL_FILETYPE_PEM);
    naming("xmpp-client")(context);
  };
  const auto judges = anchors(authority);
  for (const Visitors visitors : {Visitors::Clients, Visitors::Both}) {
    for (const Asked asked : {Asked::No, Asked::Yes, Asked::Required}) {
      Wire wire(stranger(showing, "bravo.test"), edge->accept("", visitors, asked));
      ASSERT_TRUE(wire.shake());
      const auto facts = judges->judge_client(wire.server(), "bravo.test", kNow);
      EXPECT_EQ(facts.presented, asked != Asked::No);
      EXPECT_EQ(facts.chain && facts.identity, asked != Asked::No) << facts.problem;
      EXPECT_FALSE(judges->judge_client(wire.server(), "alpha.test", kNow).identity);
      Wire bare(stranger(naming("xmpp-client"), "bravo.test"), edge->accept("", visitors, asked));
      EXPECT_EQ(bare.shake(), asked != Asked::Required);
    }
  }
}

TEST_F(Contexts, C2S_MeetServersWithoutACertificateUnlessTheLoginHasOne) {
  const Face login = face(authority, "bravo.test");
  const auto near =
      TlsContexts::load({}, ProfileName::Bcp195_2022, {{"bravo.test", login.certificate, login.key, false}});
  const auto judges = anchors(authority);
  for (const bool certificate : {false, true}) {
    Wire wire(near->connect_for_client("bravo.test", Start::StartTls, certificate), edge->accept("bravo.test"));
    ASSERT_TRUE(wire.shake());
    EXPECT_EQ(judges->judge_peer(wire.server(), "bravo.test", Service::XmppClient, kNow).identity, certificate);
    EXPECT_EQ(finished(wire.client())->service, Service::XmppClient);
  }
  EXPECT_NE(near->connect_for_client("conf.bravo.test", Start::Direct, false), nullptr);
  EXPECT_EQ(near->connect_for_client("conf.bravo.test", Start::Direct, true), nullptr);
}

TEST_F(Contexts, C2S_NameTheProtocolOfClientsInDirectTls) {
  Wire wire(peer->connect_for_client("bravo.test", Start::Direct, false), edge->accept("", Visitors::Clients));
  ASSERT_TRUE(wire.shake()) << wire.server_error();
  EXPECT_TRUE(finished(wire.client()));
  Wire wrong(peer->connect_for_client("bravo.test", Start::Direct, false), edge->accept("", Visitors::Servers));
  EXPECT_FALSE(wrong.shake());
}

TEST_F(Contexts, C2S_SpeakTls13WithServersUnlessTheLoginEasesIt) {
  const auto eased = TlsContexts::load({}, ProfileName::Bcp195_2022, {{"bravo.test", {}, {}, true}});
  for (const auto& [near, stands] : {std::pair(peer, false), std::pair(eased, true)}) {
    SslPtr old = edge->accept("bravo.test", Visitors::Clients);
    SSL_set_max_proto_version(old.get(), TLS1_2_VERSION);
    Wire wire(near->connect_for_client("bravo.test", Start::StartTls, false), std::move(old));
    EXPECT_EQ(wire.shake(), stands);
  }
}

TEST_F(Contexts, C2S_LeaveNothingOfALoginInOpenSslsBuffers) {
  const auto wipes = [](const SslPtr& ssl) { return (SSL_get_options(ssl.get()) & SSL_OP_CLEANSE_PLAINTEXT) != 0; };
  EXPECT_TRUE(wipes(edge->accept("", Visitors::Clients)));
  EXPECT_TRUE(wipes(edge->accept("", Visitors::Both)));
  EXPECT_TRUE(wipes(peer->connect_for_client("bravo.test", Start::Direct, false)));
  EXPECT_FALSE(wipes(edge->accept("", Visitors::Servers)));
}

TEST_F(Contexts, TLS_07_RefuseOldVersionsAndWeakSuites) {
  const auto only = [](int version, const char* suites) {
    return [version, suites](SSL_CTX* context) {
      SSL_CTX_set_security_level(context, 0);
      SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
      SSL_CTX_set_max_proto_version(context, version);
      SSL_CTX_set_cipher_list(context, suites);
    };
  };
  const std::array refused = {
      only(TLS1_VERSION, "ALL"),
      only(TLS1_1_VERSION, "ALL"),
      only(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA"),
      only(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256"),
      only(TLS1_2_VERSION, "AES128-GCM-SHA256"),
      only(TLS1_2_VERSION, "eNULL"),
      only(TLS1_2_VERSION, "aNULL"),
  };
  for (const auto& change : refused) {
    Wire wire(stranger(change, "bravo.test"), edge->accept(""));
    EXPECT_FALSE(wire.shake());
  }
  Wire fine(stranger(only(TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384"), "bravo.test"), edge->accept(""));
  ASSERT_TRUE(fine.shake()) << fine.server_error();
  EXPECT_TRUE(finished(fine.server()));
}

TEST_F(Contexts, TLS_08_OfferNothingButTheSuitesOfTheProfile) {
  const auto ssl = edge->accept("bravo.test");
  std::vector<std::string> offered;
  const auto* suites = SSL_get_ciphers(ssl.get());
  for (int at = 0; at < sk_SSL_CIPHER_num(suites); ++at)
    offered.emplace_back(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(suites, at)));
  EXPECT_THAT(offered, ElementsAre("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
                                   "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
                                   "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
                                   "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"));
}

TEST_F(Contexts, TLS_09_NeverCompress) {
  const auto server = edge->accept("bravo.test"), client = peer->connect("alpha.test", "bravo.test", Start::Direct);
  for (const SSL* ssl : {server.get(), client.get()}) EXPECT_NE(SSL_get_options(ssl) & SSL_OP_NO_COMPRESSION, 0U);
}

TEST_F(Contexts, TLS_07_DropASessionWithoutExtendedMasterSecret) {
  const auto old = [](SSL_CTX* context) {
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_EXTENDED_MASTER_SECRET);
  };
  Wire wire(stranger(old, "bravo.test"), edge->accept(""));
  ASSERT_TRUE(wire.shake());
  const auto session = finished(wire.server());
  ASSERT_FALSE(session);
  EXPECT_THAT(session.error(), HasSubstr("extended master secret"));
}

TEST_F(Contexts, RefuseToSayThatAnUnfinishedHandshakeIsFinished) {
  EXPECT_FALSE(finished(edge->accept("bravo.test").get()));
}

TEST_F(Contexts, TLS_12_RefuseRenegotiationAndReadNothingMore) {
  const auto tls12 = [](SSL_CTX* context) { SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION); };
  Wire wire(stranger(tls12, "bravo.test"), edge->accept(""));
  ASSERT_TRUE(wire.shake());
  ASSERT_TRUE(wire.carries("before"));
  ASSERT_EQ(SSL_renegotiate(wire.client()), 1);
  SSL_do_handshake(wire.client());
  std::string read(16, '\0');
  SSL_read(wire.server(), read.data(), 16);
  SSL_do_handshake(wire.client());
  EXPECT_FALSE(wire.carries("after"));
  ERR_clear_error();
  const int got = SSL_read(wire.server(), read.data(), 16);
  EXPECT_EQ(SSL_get_error(wire.server(), got), SSL_ERROR_ZERO_RETURN);
}

TEST_F(Contexts, TLS_12_AllowKeyUpdatesButNotAFloodOfThem) {
  Wire wire(stranger([](SSL_CTX*) {}, "bravo.test"), edge->accept(""));
  ASSERT_TRUE(wire.shake());
  const unsigned allowed = tls_profile(ProfileName::Bcp195_2022).key_updates;
  unsigned carried = 0;
  for (unsigned at = 0; at < 4 * allowed; ++at) {
    SSL_key_update(wire.client(), SSL_KEY_UPDATE_NOT_REQUESTED);
    if (!wire.carries("x")) break;
    ++carried;
  }
  EXPECT_GE(carried, allowed / 2);
  EXPECT_LE(carried, allowed);
}

TEST_F(Contexts, NeverResumeASession) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ContextPtr context{SSL_CTX_new(TLS_client_method())};
    SSL_CTX_set_max_proto_version(context.get(), version);
    SSL_SESSION* session = nullptr;
    for (int round = 0; round < 2; ++round) {
      SslPtr client{SSL_new(context.get())};
      SSL_set_tlsext_host_name(client.get(), "bravo.test");
      SSL_set_connect_state(client.get());
      if (session != nullptr) SSL_set_session(client.get(), session);
      Wire wire(std::move(client), edge->accept(""));
      ASSERT_TRUE(wire.shake());
      ASSERT_TRUE(wire.carries("x"));
      EXPECT_EQ(SSL_session_reused(wire.server()), 0);
      SSL_SESSION_free(session);
      session = SSL_get1_session(wire.client());
      EXPECT_EQ(SSL_SESSION_has_ticket(session), 0);
    }
    SSL_SESSION_free(session);
  }
}

TEST_F(Contexts, OutliveAReloadDuringAHandshake) {
  auto server = edge->accept("");
  edge = contexts({face(authority, "echo.test")});
  Wire wire(peer->connect("alpha.test", "bravo.test", Start::Direct), std::move(server));
  EXPECT_TRUE(wire.shake());
}

TEST_F(Contexts, TLS_05_LeaveOutAFaceThatCannotBeUsedAndSayWhy) {
  const auto good = face(authority, "bravo.test");
  const auto other = face(authority, "golf.test");
  const std::vector<std::pair<Face, const char*>> bad = {
      {{"golf.test", files / "missing.pem", other.key}, "not a usable certificate"},
      {{"golf.test", other.certificate, files / "missing.key"}, "not the key"},
      {{"golf.test", other.certificate, good.key}, "not the key"},
      {{"hotel.test", other.certificate, other.key}, "does not name hotel.test"},
      {face(authority, "golf.test", "DNS:golf.test", "RSA-1024"), "key too small"},
  };
  for (const auto& [wrong, why] : bad) {
    const auto loaded = TlsContexts::load({good, wrong}, ProfileName::Bcp195_2022);
    ASSERT_EQ(loaded->faults().size(), 1U) << why;
    EXPECT_THAT(loaded->faults().front().what, HasSubstr(why));
    EXPECT_TRUE(loaded->has("bravo.test"));
    EXPECT_FALSE(loaded->has(wrong.domain));
  }
}

TEST_F(Contexts, ServeAnRsaCertificateToo) {
  const auto rsa = contexts({face(authority, "bravo.test", "", "RSA-2048")});
  Wire wire(peer->connect("alpha.test", "bravo.test", Start::StartTls), rsa->accept("bravo.test"));
  EXPECT_TRUE(wire.shake()) << wire.client_error();
}

}  // namespace
}  // namespace sallyport::trust
