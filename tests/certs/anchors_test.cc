#include "certs/trust/anchors.h"

#include <gmock/gmock.h>

#include "tests/certs/pki.h"

namespace sallyport::trust {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::Authority;
using tests::Directory;
using tests::Identity;
using tests::kDay;
using tests::kNow;
using tests::Wish;

constexpr char kSrv[] = "otherName:1.3.6.1.5.5.7.8.7;IA5STRING:";
constexpr char kXmpp[] = "otherName:1.3.6.1.5.5.7.8.5;UTF8:";

class Judging : public testing::Test {
 protected:
  std::shared_ptr<const Anchors> anchors(TrustSettings settings) {
    if (settings.anchors.empty()) settings.anchors = {files.write("ca.pem", {authority.certificate()})};
    auto loaded = Anchors::load(std::move(settings));
    if (!loaded) throw std::runtime_error(loaded.error().file.string() + ": " + loaded.error().what);
    return *loaded;
  }
  PeerFacts judge(const Identity& peer, const std::string& domain = "alpha.test") {
    return anchors({.revocation = false})->judge(peer.certificate.get(), nullptr, domain, Service::XmppServer, kNow);
  }
  TrustSettings with_list(const CrlPtr& list) { return {.crls = {files.write("list.pem", list.get())}}; }
  PeerFacts judge_by(const TrustSettings& settings, const Identity& peer, std::int64_t now = kNow) {
    return anchors(settings)->judge(peer.certificate.get(), nullptr, "alpha.test", Service::XmppServer, now);
  }

  Directory files;
  Authority authority{"north authority"};
  Identity alpha = authority.issue({.alt_names = "DNS:alpha.test"});
};

TEST_F(Judging, PKI_01_AcceptsAValidCertificateOfTheEnclaveForTheDomain) {
  const auto facts = judge(alpha);
  EXPECT_TRUE(facts.presented);
  EXPECT_TRUE(facts.chain);
  EXPECT_TRUE(facts.identity);
  EXPECT_EQ(facts.revocation, Revocation::NotChecked);
  EXPECT_THAT(facts.names, ElementsAre("dns:alpha.test"));
  EXPECT_EQ(facts.spki_sha256.size(), 32U);
  EXPECT_FALSE(facts.serial.empty());
  EXPECT_EQ(facts.not_after, kNow + 90 * kDay);
  EXPECT_EQ(facts.problem, "");
}

TEST_F(Judging, PKI_02_SaysWhenNothingWasPresented) {
  const auto facts = anchors({})->judge(nullptr, nullptr, "alpha.test", Service::XmppServer, kNow);
  EXPECT_FALSE(facts.presented || facts.chain || facts.identity);
  EXPECT_EQ(facts.problem, "no certificate");
}

struct Refusal {
  const char* what;
  Wish wish;
  const char* problem;
};

TEST_F(Judging, PKI_01_RefusesTheChainWithItsReason) {
  const Refusal refusals[] = {
      {"expired", {.alt_names = "DNS:alpha.test", .not_after = kNow - 1}, "expired"},
      {"not yet valid", {.alt_names = "DNS:alpha.test", .not_before = kNow + 60}, "not yet valid"},
      {"for clients only", {.alt_names = "DNS:alpha.test", .usage = "clientAuth"}, "purpose"},
      {"for any use", {.alt_names = "DNS:alpha.test", .usage = "anyExtendedKeyUsage"}, "purpose"},
      {"short key", {.alt_names = "DNS:alpha.test", .key = "RSA-1024"}, "too weak"},
      {"old digest", {.alt_names = "DNS:alpha.test", .digest = "SHA1"}, "too weak"},
  };
  for (const auto& [what, wish, problem] : refusals) {
    const auto facts = judge(authority.issue(wish));
    EXPECT_FALSE(facts.chain) << what;
    EXPECT_TRUE(facts.identity) << what;
    EXPECT_THAT(facts.problem, HasSubstr(problem)) << what;
  }
}

TEST_F(Judging, PKI_01_AcceptsAServersUseInBothRoles) {
  for (const char* usage : {"serverAuth", "serverAuth,clientAuth", ""})
    EXPECT_TRUE(judge(authority.issue({.alt_names = "DNS:alpha.test", .usage = usage})).chain) << usage;
}

TEST_F(Judging, PKI_01_RefusesTheOtherSidesAuthority) {
  Authority south{"south authority"};
  const auto facts = judge(south.issue({.alt_names = "DNS:alpha.test"}));
  EXPECT_FALSE(facts.chain);
  EXPECT_TRUE(facts.identity);
  EXPECT_NE(facts.problem, "");
}

TEST_F(Judging, PKI_01_RefusesAnAuthorityOfTheSameNameWithAnotherKey) {
  Authority twin{"north authority"};
  EXPECT_FALSE(judge(twin.issue({.alt_names = "DNS:alpha.test"})).chain);
}

TEST_F(Judging, PKI_01_RefusesALeafThatSignsOthers) {
  Wish wish{.alt_names = "DNS:alpha.test"};
  Authority below{"below", authority};
  const auto peer = below.issue(wish);
  // The chain holds what the peer sent, but the intermediate here is a leaf.
  const std::unique_ptr<STACK_OF(X509), FreeWith<+[](STACK_OF(X509) * s) { sk_X509_free(s); }>> chain{
      sk_X509_new_null()};
  sk_X509_push(chain.get(), alpha.certificate.get());
  const auto facts = anchors({.revocation = false})
                         ->judge(peer.certificate.get(), chain.get(), "alpha.test", Service::XmppServer, kNow);
  EXPECT_FALSE(facts.chain);
}

TEST_F(Judging, PKI_01_FollowsTheChainThatThePeerSent) {
  Authority below{"below", authority};
  const auto peer = below.issue({.alt_names = "DNS:alpha.test"});
  const std::unique_ptr<STACK_OF(X509), FreeWith<+[](STACK_OF(X509) * s) { sk_X509_free(s); }>> chain{
      sk_X509_new_null()};
  sk_X509_push(chain.get(), below.certificate());
  const auto judges = anchors({.revocation = false});
  EXPECT_TRUE(judges->judge(peer.certificate.get(), chain.get(), "alpha.test", Service::XmppServer, kNow).chain);
  EXPECT_FALSE(judges->judge(peer.certificate.get(), nullptr, "alpha.test", Service::XmppServer, kNow).chain);
}

TEST_F(Judging, TrustsAnIntermediateAuthorityWithoutItsRoot) {
  Authority below{"below", authority};
  const auto peer = below.issue({.alt_names = "DNS:alpha.test"});
  const auto judges = anchors({.anchors = {files.write("below.pem", {below.certificate()})}, .revocation = false});
  EXPECT_TRUE(judges->judge(peer.certificate.get(), nullptr, "alpha.test", Service::XmppServer, kNow).chain);
  EXPECT_FALSE(judges->judge(alpha.certificate.get(), nullptr, "alpha.test", Service::XmppServer, kNow).chain);
}

struct Naming {
  std::string alt_names, domain;
  Service service;
  bool named;
};

TEST_F(Judging, PKI_03_MatchesTheNamesOfTheStandardAndNoOthers) {
  const std::string srv = kSrv, xmpp = kXmpp;
  const auto server = Service::XmppServer, client = Service::XmppClient;
  const Naming table[] = {
      {"DNS:alpha.test", "alpha.test", server, true},
      {"DNS:ALPHA.Test", "alpha.test", server, true},
      {"DNS:alpha.test", "bravo.test", server, false},
      {"DNS:alpha.test", "conf.alpha.test", server, false},
      {"DNS:alpha.test", "test", server, false},
      {"DNS:*.alpha.test", "conf.alpha.test", server, true},
      {"DNS:*.alpha.test", "alpha.test", server, false},
      {"DNS:*.alpha.test", "a.conf.alpha.test", server, false},
      {"DNS:*.test", "alpha.test", server, false},
      {"DNS:*", "alpha.test", server, false},
      {"DNS:c*.alpha.test", "conf.alpha.test", server, false},
      {"DNS:*f.alpha.test", "conf.alpha.test", server, false},
      {"DNS:conf.*.test", "conf.alpha.test", server, false},
      {"DNS:*.*.test", "conf.alpha.test", server, false},
      {srv + "_xmpp-server.alpha.test", "alpha.test", server, true},
      {srv + "_XMPP-Server.Alpha.test", "alpha.test", server, true},
      {srv + "_xmpp-client.alpha.test", "alpha.test", server, false},
      {srv + "_xmpp-client.alpha.test", "alpha.test", client, true},
      {srv + "_xmpp-server.alpha.test", "alpha.test", client, false},
      {srv + "_xmpp-server.*.test", "alpha.test", server, false},
      {srv + "_xmpp-server.bravo.test", "alpha.test", server, false},
      {srv + "_http.alpha.test", "alpha.test", server, false},
      {xmpp + "alpha.test", "alpha.test", server, true},
      {xmpp + "Alpha.Test", "alpha.test", server, true},
      {xmpp + "ann@alpha.test", "alpha.test", server, false},
      {xmpp + "alpha.test/r", "alpha.test", server, false},
      {xmpp + "*.test", "alpha.test", server, false},
      {"IP:127.0.0.1", "127.0.0.1", server, false},
      {"URI:xmpp:alpha.test", "alpha.test", server, false},
      {"email:ann@alpha.test", "alpha.test", server, false},
      {srv + "_xmpp-client.alpha.test,DNS:alpha.test", "alpha.test", server, true},
      {"DNS:bravo.test," + xmpp + "alpha.test", "alpha.test", server, true},
  };
  for (const auto& row : table) {
    const auto names = certificate_names(authority.issue({.alt_names = row.alt_names}).certificate.get());
    EXPECT_EQ(names_domain(names, row.domain, row.service), row.named) << row.alt_names << " for " << row.domain;
  }
}

TEST_F(Judging, PKI_03_ComparesInternationalNamesByTheirALabels) {
  const std::string u_label =
      "b\xC3\xBC"
      "cher.test";
  const auto dns = authority.issue({.alt_names = "DNS:xn--bcher-kva.test"});
  EXPECT_TRUE(judge(dns, u_label).identity);
  const auto upper = authority.issue({.alt_names = "DNS:XN--BCHER-KVA.test"});
  EXPECT_TRUE(judge(upper, u_label).identity);
  // SEQUENCE { [0] { OID 1.3.6.1.5.5.7.8.5, [0] { UTF8String } } }
  std::vector<unsigned char> der{0x30, 0x1C, 0xA0, 0x1A, 0x06, 0x08, 0x2B, 0x06, 0x01,
                                 0x05, 0x05, 0x07, 0x08, 0x05, 0xA0, 0x0E, 0x0C, 0x0C};
  ASSERT_EQ(u_label.size(), 12U);
  der.insert(der.end(), u_label.begin(), u_label.end());
  const auto address = authority.issue({.raw_alt_names = der});
  EXPECT_TRUE(judge(address, u_label).identity);
}

TEST_F(Judging, PKI_03_NeverReadsTheCommonName) {
  const auto facts = judge(authority.issue({.common_name = "alpha.test", .alt_names = "DNS:bravo.test"}));
  EXPECT_TRUE(facts.chain);
  EXPECT_FALSE(facts.identity);
  EXPECT_EQ(facts.problem, "names another domain");
  EXPECT_FALSE(judge(authority.issue({.common_name = "alpha.test"})).identity);
}

TEST_F(Judging, PKI_03_LeavesOutNamesWithANulOrAControlCharacter) {
  // SEQUENCE { [2] "alpha.test\0.evil" , [2] "good.test" }
  const std::string hidden("alpha.test\0.evil", 16), plain = "good.test";
  std::vector<unsigned char> der{0x30, static_cast<unsigned char>(hidden.size() + plain.size() + 4), 0x82, 16};
  der.insert(der.end(), hidden.begin(), hidden.end());
  der.insert(der.end(), {0x82, 9});
  der.insert(der.end(), plain.begin(), plain.end());
  const auto facts = judge(authority.issue({.raw_alt_names = der}));
  EXPECT_FALSE(facts.identity);
  EXPECT_THAT(facts.names, ElementsAre("dns:good.test"));
}

TEST_F(Judging, ListsAllNamesInOrder) {
  const auto peer = authority.issue({.alt_names = "DNS:alpha.test," + std::string(kSrv) + "_xmpp-server.alpha.test," +
                                                  std::string(kXmpp) + "alpha.test"});
  EXPECT_THAT(judge(peer).names, ElementsAre("dns:alpha.test", "srv:_xmpp-server.alpha.test", "xmpp:alpha.test"));
}

TEST_F(Judging, ReadsNoMoreNamesThanItsLimit) {
  std::string many = "DNS:a0.test";
  for (std::size_t at = 1; at < kMostNames; ++at) many += ",DNS:a" + std::to_string(at) + ".test";
  const auto peer = authority.issue({.alt_names = many + ",DNS:alpha.test"});
  const auto facts = judge(peer);
  EXPECT_EQ(facts.names.size(), kMostNames);
  EXPECT_FALSE(facts.identity);
}

TEST_F(Judging, PKI_05_FindsACertificateGoodOrRevokedByTheList) {
  const auto beta = authority.issue({.alt_names = "DNS:alpha.test"});
  const auto settings = with_list(authority.list({beta.certificate.get()}, kNow - kDay, kNow + kDay));
  EXPECT_EQ(judge_by(settings, alpha).revocation, Revocation::Good);
  EXPECT_EQ(judge_by(settings, alpha).problem, "");
  const auto revoked = judge_by(settings, beta);
  EXPECT_EQ(revoked.revocation, Revocation::Revoked);
  EXPECT_TRUE(revoked.chain);
  EXPECT_THAT(revoked.problem, HasSubstr("revoked"));
}

TEST_F(Judging, PKI_06_KnowsNothingWithoutAList) {
  const auto facts = judge_by({}, alpha);
  EXPECT_TRUE(facts.chain);
  EXPECT_EQ(facts.revocation, Revocation::Unknown);
  EXPECT_NE(facts.problem, "");
}

TEST_F(Judging, PKI_06_KnowsNothingWithoutAListOfACertificateThatIsAnAnchorItself) {
  const auto file = files.write("alpha.pem", {alpha.certificate.get()});
  const auto facts =
      anchors({.anchors = {file}})->judge(alpha.certificate.get(), nullptr, "alpha.test", Service::XmppServer, kNow);
  EXPECT_TRUE(facts.chain);
  EXPECT_EQ(facts.revocation, Revocation::Unknown);
}

TEST_F(Judging, PKI_06_KnowsNothingByAnOldListButWithinTheGrace) {
  auto settings = with_list(authority.list({}, kNow - kDay, kNow - 100));
  EXPECT_EQ(judge_by(settings, alpha).revocation, Revocation::Unknown);
  settings.grace = std::chrono::seconds(100);
  const auto eased = judge_by(settings, alpha);
  EXPECT_EQ(eased.revocation, Revocation::Good);
  EXPECT_THAT(eased.problem, HasSubstr("expired"));
  EXPECT_EQ(judge_by(settings, alpha, kNow + 1).revocation, Revocation::Unknown);
}

TEST_F(Judging, PKI_05_BelievesAnOldListThatNamesTheCertificate) {
  const auto settings = with_list(authority.list({alpha.certificate.get()}, kNow - kDay, kNow - 100));
  EXPECT_EQ(judge_by(settings, alpha).revocation, Revocation::Revoked);
}

TEST_F(Judging, PKI_05_BelievesNoForgedAndNoFutureList) {
  Authority twin{"north authority"};
  EXPECT_EQ(judge_by(with_list(twin.list({}, kNow - kDay, kNow + kDay)), alpha).revocation, Revocation::Unknown);
  EXPECT_EQ(judge_by(with_list(authority.list({}, kNow + kDay, kNow + 2 * kDay)), alpha).revocation,
            Revocation::Unknown);
}

TEST_F(Judging, PKI_05_WantsAListOfEveryAuthorityInTheChain) {
  Authority below{"below", authority};
  const auto peer = below.issue({.alt_names = "DNS:alpha.test"});
  const std::unique_ptr<STACK_OF(X509), FreeWith<+[](STACK_OF(X509) * s) { sk_X509_free(s); }>> chain{
      sk_X509_new_null()};
  sk_X509_push(chain.get(), below.certificate());
  const auto judge_with = [&](const std::vector<std::filesystem::path>& lists) {
    return anchors({.crls = lists})
        ->judge(peer.certificate.get(), chain.get(), "alpha.test", Service::XmppServer, kNow);
  };
  const auto upper = files.write("upper.pem", authority.list({}, kNow - kDay, kNow + kDay).get());
  const auto lower = files.write("lower.pem", below.list({}, kNow - kDay, kNow + kDay).get());
  const auto fatal = files.write("fatal.pem", authority.list({below.certificate()}, kNow - kDay, kNow + kDay).get());
  EXPECT_EQ(judge_with({upper}).revocation, Revocation::Unknown);
  EXPECT_EQ(judge_with({lower}).revocation, Revocation::Unknown);
  EXPECT_EQ(judge_with({upper, lower}).revocation, Revocation::Good);
  EXPECT_EQ(judge_with({fatal, lower}).revocation, Revocation::Revoked);
}

TEST_F(Judging, PKI_07_SaysWhenTheListsWantReplacing) {
  EXPECT_EQ(anchors({})->next_update(), 0);
  EXPECT_EQ(anchors(with_list(authority.list({}, kNow, kNow + kDay)))->next_update(), kNow + kDay);
}

TEST_F(Judging, NamesTheFileThatCannotBeUsed) {
  const auto missing = Anchors::load({.anchors = {files / "missing.pem"}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().file, files / "missing.pem");
  const auto empty = Anchors::load({.anchors = {files.write_text("empty.pem", "no certificate here\n")}});
  ASSERT_FALSE(empty);
  EXPECT_THAT(empty.error().what, HasSubstr("holds no certificate"));
  const auto damaged = Anchors::load(
      {.anchors = {files.write_text("damaged.pem", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")}});
  ASSERT_FALSE(damaged);
  EXPECT_THAT(damaged.error().what, HasSubstr("damaged"));
}

}  // namespace
}  // namespace sallyport::trust
