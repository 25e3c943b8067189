// What OCSP responders say: which answers are believed, and what they are worth beside lists (protocol.md T-17).
#include "certs/trust/ocsp.h"

#include <gmock/gmock.h>
#include <openssl/ocsp.h>

#include "certs/trust/anchors.h"
#include "tests/certs/pki.h"

namespace sallyport::trust {
namespace {

using testing::HasSubstr;
using tests::Authority;
using tests::Directory;
using tests::Identity;
using tests::kDay;
using tests::kNow;

constexpr int kGood = V_OCSP_CERTSTATUS_GOOD, kRevoked = V_OCSP_CERTSTATUS_REVOKED;

class Ocsp : public testing::Test {
 protected:
  std::expected<OcspAnswer, std::string> read(const std::string& der, std::int64_t now = kNow) {
    return read_ocsp_answer(der, alpha.certificate.get(), authority.certificate(), now);
  }
  std::string answer(int status = kGood, const Identity* responder = nullptr) {
    return authority.answer(alpha.certificate.get(), status, kNow - 60, kNow + kDay, responder);
  }
  PeerFacts judge(const OcspAnswers& answers, std::vector<std::filesystem::path> crls = {}, X509* certificate = nullptr,
                  std::int64_t now = kNow) {
    const auto anchors =
        Anchors::load({.anchors = {files.write("ca.pem", {authority.certificate()})}, .crls = std::move(crls)});
    if (!anchors) throw std::runtime_error(anchors.error().what);
    X509* judged = certificate != nullptr ? certificate : alpha.certificate.get();
    return (*anchors)->judge(judged, nullptr, "alpha.test", Service::XmppServer, now, answers);
  }

  Directory files;
  Authority authority{"north authority"}, stranger{"south authority"};
  Identity alpha = authority.issue({.alt_names = "DNS:alpha.test"});
  Identity other = authority.issue({.alt_names = "DNS:other.test"});
};

TEST_F(Ocsp, PKI_05_BelievesTheIssuerAndWhomItHasCertifiedForThat) {
  const auto by_issuer = read(answer());
  ASSERT_TRUE(by_issuer) << by_issuer.error();
  EXPECT_EQ(by_issuer->state, Revocation::Good);
  EXPECT_EQ(by_issuer->ends, kNow + kDay);
  const Identity responder = authority.issue({.common_name = "responder", .usage = "OCSPSigning"});
  const auto delegated = read(answer(kRevoked, &responder));
  ASSERT_TRUE(delegated) << delegated.error();
  EXPECT_EQ(delegated->state, Revocation::Revoked);
  EXPECT_EQ(read(answer(V_OCSP_CERTSTATUS_UNKNOWN)).value().state, Revocation::Unknown);
}

TEST_F(Ocsp, PKI_05_BelievesNoForgedStrangeOrStaleAnswer) {
  const X509* about = alpha.certificate.get();
  const Identity no_responder = authority.issue({.common_name = "server"});
  const Identity foreign = stranger.issue({.common_name = "responder", .usage = "OCSPSigning"});
  const Identity ended = authority.issue({.common_name = "old", .usage = "OCSPSigning", .not_after = kNow - 1});
  std::string damaged = answer();
  damaged[60] ^= 1;
  const std::string whole = answer();
  const std::pair<std::string, const char*> rows[] = {
      {answer(kGood, &no_responder), "not signed by the issuer"},
      {answer(kGood, &foreign), "not signed by the issuer"},
      {answer(kGood, &ended), "not signed by the issuer"},
      {stranger.answer(about, kGood, kNow - 60, kNow + kDay), "not signed by the issuer"},
      {authority.answer(other.certificate.get(), kGood, kNow - 60, kNow + kDay), "about another certificate"},
      {authority.answer(about, kGood, kNow - kDay, kNow - 1), "too old"},
      {authority.answer(about, kGood, kNow - 3601, 0), "too old"},
      {authority.answer(about, kGood, kNow + 600, kNow + kDay), "not valid yet"},
      {damaged, "OCSP answer"},
      {whole.substr(0, whole.size() / 2), "can't be read"},
      {"", "no OCSP answer"},
      {std::string(kLargestOcspAnswer + 1, 'x'), "no OCSP answer"},
      {std::string("\x30\x03\x0a\x01\x06", 5), "the OCSP responder says unauthorized"},
  };
  for (const auto& [der, why] : rows) {
    const auto read_as = read(der);
    ASSERT_FALSE(read_as) << why;
    EXPECT_THAT(read_as.error(), HasSubstr(why));
    EXPECT_EQ(judge({.fetched = der}).revocation, Revocation::Unknown) << why;
  }
  EXPECT_TRUE(read(authority.answer(about, kGood, kNow - 3599, 0))) << "without an end it counts for an hour";
}

TEST_F(Ocsp, T_17_TellsTheStateWhereNoListDoes) {
  EXPECT_EQ(judge({}).revocation, Revocation::Unknown);
  const auto good = judge({.fetched = answer()});
  EXPECT_EQ(good.revocation, Revocation::Good);
  EXPECT_EQ(good.problem, "");
  EXPECT_EQ(good.answer_ends, kNow + kDay);
  const auto revoked = judge({.fetched = answer(kRevoked)});
  EXPECT_EQ(revoked.revocation, Revocation::Revoked);
  EXPECT_NE(revoked.problem, "");
  EXPECT_EQ(judge({.stapled = answer(kRevoked), .fetched = answer()}).revocation, Revocation::Revoked)
      << "what is stapled comes first";
  EXPECT_EQ(judge({.stapled = "damaged", .fetched = answer()}).revocation, Revocation::Good);
  EXPECT_EQ(judge({.fetched = answer()}, {}, nullptr, kNow + kDay + 1).revocation, Revocation::Unknown);
}

TEST_F(Ocsp, T_17_DoesNotOutweighAList) {
  const auto list = files.write("list.pem", authority.list({alpha.certificate.get()}, kNow - 60, kNow + kDay).get());
  EXPECT_EQ(judge({.fetched = answer()}, {list}).revocation, Revocation::Revoked);
  const auto empty = files.write("empty.pem", authority.list({}, kNow - 60, kNow + kDay).get());
  const auto facts = judge({.fetched = answer(kRevoked)}, {empty});
  EXPECT_EQ(facts.revocation, Revocation::Good);
  EXPECT_EQ(facts.answer_ends, 0);
  const auto old = files.write("old.pem", authority.list({}, kNow - 2 * kDay, kNow - kDay).get());
  EXPECT_EQ(judge({.fetched = answer()}, {old}).revocation, Revocation::Unknown) << "a list that ended fails hard";
}

TEST_F(Ocsp, T_17_SaysNothingForAChainThatIsBroken) {
  const Identity foreign = stranger.issue({.alt_names = "DNS:alpha.test"});
  const auto der = stranger.answer(foreign.certificate.get(), kGood, kNow - 60, kNow + kDay);
  const auto facts = judge({.fetched = der}, {}, foreign.certificate.get());
  EXPECT_FALSE(facts.chain);
  EXPECT_EQ(facts.revocation, Revocation::Unknown);
}

TEST_F(Ocsp, T_17_HonoursACertificateThatDemandsAStapledAnswer) {
  const Identity demanding = authority.issue({.alt_names = "DNS:alpha.test", .must_staple = true});
  X509* about = demanding.certificate.get();
  EXPECT_TRUE(demands_staple(about));
  EXPECT_FALSE(demands_staple(alpha.certificate.get()));
  const auto empty = files.write("empty.pem", authority.list({}, kNow - 60, kNow + kDay).get());
  const auto der = authority.answer(about, kGood, kNow - 60, kNow + kDay);
  EXPECT_EQ(judge({.may_staple = true}, {empty}, about).revocation, Revocation::Unknown);
  EXPECT_EQ(judge({.stapled = answer(), .may_staple = true}, {empty}, about).revocation, Revocation::Unknown)
      << "an answer about another certificate is none";
  EXPECT_EQ(judge({.fetched = der, .may_staple = true}, {}, about).revocation, Revocation::Unknown);
  EXPECT_EQ(judge({.stapled = der, .may_staple = true}, {empty}, about).revocation, Revocation::Good);
  EXPECT_EQ(judge({}, {empty}, about).revocation, Revocation::Good) << "a client in TLS cannot staple";
}

TEST_F(Ocsp, AsksAboutOneCertificateAndNamesWhatItsUrlNames) {
  const auto question = [&](const std::string& url) {
    const Identity one = authority.issue({.alt_names = "DNS:alpha.test", .ocsp = url});
    return ocsp_question(one.certificate.get(), authority.certificate());
  };
  const auto asked = question("http://ocsp.north.test:8080/status?x=1");
  EXPECT_EQ(asked.host, "ocsp.north.test:8080");
  EXPECT_EQ(asked.target, "/status?x=1");
  const auto* octets = reinterpret_cast<const unsigned char*>(asked.request.data());
  const std::unique_ptr<OCSP_REQUEST, FreeWith<OCSP_REQUEST_free>> request{
      d2i_OCSP_REQUEST(nullptr, &octets, static_cast<long>(asked.request.size()))};
  ASSERT_TRUE(request);
  EXPECT_EQ(OCSP_request_onereq_count(request.get()), 1);
  for (const char* url : {"", "https://ocsp.north.test/", "ldap://north.test/", "http:///x"}) {
    EXPECT_EQ(question(url).host, "") << url;
    EXPECT_EQ(question(url).target, "/") << url;
  }
  EXPECT_EQ(question("http://ocsp.north.test").target, "/");
  EXPECT_EQ(question("http://ocsp.north.test/ x").host, "") << "nothing may break out of a header line";
}

}  // namespace
}  // namespace sallyport::trust
