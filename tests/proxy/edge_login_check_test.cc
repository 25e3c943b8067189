// The check of logins at start (protocol.md C-04), with vectors and with servers that are played.
#include <gtest/gtest.h>

#include "inspect/base64.h"
#include "proxy/edge/login_check.h"
#include "proxy/edge/scram_client.h"

namespace sallyport::edge {
namespace {

using airlock::Offer;
using airlock::Sasl;
using airlock::SaslStep;
using inspect::Mechanism;
using Verdict = LoginCheck::Verdict;

TEST(ScramClient, RFC_5802_TheExampleOfSha1) {
  ScramClient login(Mechanism::ScramSha1, "user", "pencil", "fyko+d2lbbFgONRv9qkxdawL", 'n');
  EXPECT_EQ(login.first(), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
  EXPECT_EQ(login.answer("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"),
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
  EXPECT_TRUE(login.is_proof("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="));
  EXPECT_FALSE(login.is_proof("v=rmF9pqV8S7suAoZWja4dJRkFsKR="));
}

TEST(ScramClient, RFC_7677_TheExampleOfSha256) {
  ScramClient login(Mechanism::ScramSha256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO", 'n');
  EXPECT_EQ(login.answer("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  EXPECT_TRUE(login.is_proof("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
}

TEST(ScramClient, RefusesWhatIsNotAboutItsLogin) {
  for (const char* first : {"", "r=other,s=QSXCR+Q6sek8bf92,i=4096", "r=abcdefghXX,s=,i=0", "r=abcdefgh,s=QSXC,i=4096",
                            "r=abcdefghXX,s=QSX!,i=4096", "r=abcdefghXX,s=QSXC,i=99999999"}) {
    ScramClient login(Mechanism::ScramSha1, "user", "pencil", "abcdefgh", 'y');
    EXPECT_FALSE(login.answer(first)) << first;
    EXPECT_FALSE(login.is_proof("v=")) << first;
  }
}

/// A server that accepts some flags of GS2, and only the right password.
class ServerPlayed {
 public:
  explicit ServerPlayed(std::string accepted, std::string extension = "")
      : accepted_(std::move(accepted)), extension_(std::move(extension)) {}

  /// Plays on until the check has its finding.
  LoginCheck::Finding meet(LoginCheck check, std::uint32_t mechanisms) {
    airlock::Ready ready;
    ready.tls.version = "TLSv1.3";
    EXPECT_FALSE(check.on_frame(ready));
    auto answer = check.on_frame(Offer{.stage = airlock::OfferStage::Authentication, .mechanisms = mechanisms});
    for (int turns = 0; turns < 8 && !check.finding(); ++turns) {
      if (!answer) break;
      answer = check.on_frame(hear(std::get<Sasl>(*answer)));
    }
    if (!check.finding()) ADD_FAILURE() << "no finding";
    if (!answer || !std::holds_alternative<airlock::Close>(*answer)) ADD_FAILURE() << "the leg is not ended";
    return check.finding().value_or(LoginCheck::Finding{});
  }

  std::string said;  ///< the flags that came

 private:
  Sasl hear(const Sasl& step) {
    Sasl answer;
    answer.has_octets = true;
    const std::string octets(step.octets.view());
    if (step.step == SaslStep::Auth) {
      said += octets[0];
      nonce_ = octets.substr(octets.find("r=") + 2);
      answer.step = SaslStep::Challenge;
      answer.octets = inspect::Secret("r=" + nonce_ + "SERVER,s=QSXCR+Q6sek8bf92,i=4096" + extension_);
      return answer;
    }
    // What the same client would have said with the right password.
    ScramClient right(Mechanism::ScramSha1, "probe", "right", nonce_, said.back());
    const auto expected = right.answer("r=" + nonce_ + "SERVER,s=QSXCR+Q6sek8bf92,i=4096" + extension_);
    const bool good = expected == octets && accepted_.contains(said.back());
    answer.step = good ? SaslStep::Success : SaslStep::Failure;
    answer.condition = inspect::SaslCondition::NotAuthorized;
    answer.has_octets = false;
    return answer;
  }

  std::string accepted_, extension_, nonce_;
};

LoginCheck check(const std::string& password = "right") {
  return LoginCheck::with_password("b.test", "probe", inspect::Secret(std::string_view(password)), "firstnonce",
                                   "secondnonce");
}

std::uint32_t bits(std::initializer_list<Mechanism> mechanisms) {
  inspect::Mechanisms set;
  for (const Mechanism each : mechanisms) set.add(each);
  return set.bits();
}

TEST(LoginCheck, C_04_AServerThatTakesBothKindsOfClientsWorks) {
  ServerPlayed server("ny");
  EXPECT_EQ(server.meet(check(), bits({Mechanism::ScramSha1, Mechanism::Plain})).verdict, Verdict::Works);
  EXPECT_EQ(server.said, "y");
}

TEST(LoginCheck, C_04_AServerThatRefusesClientsWhoKnowChannelBindingCannotWork) {
  ServerPlayed server("n");
  const auto finding = server.meet(check(), bits({Mechanism::ScramSha1}));
  EXPECT_EQ(finding.verdict, Verdict::Fails);
  EXPECT_EQ(server.said, "yn");
  EXPECT_NE(finding.text.find("by certificate"), std::string::npos) << "it says what would work: " << finding.text;
}

TEST(LoginCheck, C_04_AnAccountThatIsNoGoodSaysNothing) {
  ServerPlayed server("ny");
  EXPECT_EQ(server.meet(check("wrong"), bits({Mechanism::ScramSha1})).verdict, Verdict::Unknown);
  ServerPlayed plain("ny");
  EXPECT_EQ(plain.meet(check(), bits({Mechanism::Plain})).verdict, Verdict::Unknown);
}

TEST(LoginCheck, C_05_AServerThatSignsItsListIsNamed) {
  ServerPlayed server("ny", ",h=G6k/rBLDqgOhRRaCuuatSDFkJ08=");
  const auto finding = server.meet(check(), bits({Mechanism::ScramSha1}));
  EXPECT_EQ(finding.verdict, Verdict::Works);
  EXPECT_NE(finding.text.find("XEP-0474"), std::string::npos);
}

TEST(LoginCheck, C_04_ACertificateWorksWhereTheServerOffersExternal) {
  for (const bool offered : {true, false}) {
    ServerPlayed server("");
    const auto finding =
        server.meet(LoginCheck::with_certificate("b.test"),
                    offered ? bits({Mechanism::External, Mechanism::Plain}) : bits({Mechanism::Plain}));
    EXPECT_EQ(finding.verdict, offered ? Verdict::Works : Verdict::Fails);
  }
  EXPECT_TRUE(LoginCheck::with_certificate("b.test").dial().certificate);
}

TEST(LoginCheck, AServerThatIsNotThereIsAskedAgain) {
  LoginCheck gone = check();
  EXPECT_FALSE(gone.on_frame(airlock::Failed{airlock::DialFault::NoAnswer, "nobody"}));
  const LoginCheck::Finding none{Verdict::Works, true, ""};
  EXPECT_EQ(gone.finding().value_or(none).verdict, Verdict::Unknown);
  EXPECT_FALSE(gone.finding().value_or(none).reached);
  LoginCheck cut = check();
  EXPECT_TRUE(cut.on_frame(airlock::Close{}));
  EXPECT_FALSE(cut.finding().value_or(none).reached);
}

}  // namespace
}  // namespace sallyport::edge
