// `sallyport certs`, run as the operator runs it.
#include <algorithm>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>

#include "proxy/main/commands/commands.h"
#include "tests/certs/pki.h"

namespace sallyport::commands {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

struct Outcome {
  int code = 0;
  std::string out, err;
};

class CertsCommand : public testing::Test {
 protected:
  Outcome run(std::vector<std::string> arguments) const {
    CLI::App app;
    add_certs(app);
    Outcome outcome;
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    arguments.insert(arguments.begin(), "certs");
    arguments.insert(arguments.end(), {"-d", (files / "north").string()});
    std::ranges::reverse(arguments);
    try {
      app.parse(arguments);
    } catch (const CLI::Error& error) {
      outcome.code = error.get_exit_code();
    }
    outcome.out = testing::internal::GetCapturedStdout();
    outcome.err = testing::internal::GetCapturedStderr();
    return outcome;
  }
  std::string file(const std::string& name) const { return (files / "north" / name).string(); }

  tests::Directory files;
};

TEST_F(CertsCommand, MakesAnAuthorityAndCertificatesAndListsThem) {
  EXPECT_EQ(run({"init", "--name", "North"}).code, 0);
  EXPECT_EQ(run({"issue", "bravo.test", "golf.test", "--days", "90"}).code, 0);
  const auto listed = run({"list"});
  EXPECT_EQ(listed.code, 0);
  EXPECT_THAT(listed.out, AllOf(HasSubstr("bravo.test "), HasSubstr("by North"), HasSubstr("dns:golf.test"),
                                HasSubstr("srv:_xmpp-server.golf.test"), HasSubstr("xmpp:golf.test"),
                                HasSubstr("revocation list")));
  // Whole days: a second later one less is left.
  EXPECT_THAT(listed.out, AnyOf(HasSubstr("90 days left"), HasSubstr("89 days left")));
  EXPECT_THAT(listed.out, Not(HasSubstr("PRIVATE")));
}

TEST_F(CertsCommand, SaysWhatIsWrongAndHowToMendIt) {
  const auto none = run({"issue", "bravo.test"});
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.err, AllOf(HasSubstr("authority.pem: cannot be read"), HasSubstr("\n  make one with: ")));
  ASSERT_EQ(run({"init"}).code, 0);
  EXPECT_THAT(run({"init"}).err, HasSubstr("authority.key: exists already"));
  ASSERT_EQ(run({"issue", "bravo.test"}).code, 0);
  EXPECT_THAT(run({"issue", "bravo.test"}).err, HasSubstr("sallyport certs renew bravo.test"));
  EXPECT_THAT(run({"issue", "not a domain"}).err, HasSubstr("is not a domain"));
}

TEST_F(CertsCommand, AsksAForeignAuthorityAndTakesItsAnswer) {
  ASSERT_EQ(run({"init"}).code, 0);
  const auto asked = run({"request", "kilo.test", "--also", "rooms.kilo.test"});
  EXPECT_EQ(asked.code, 0);
  EXPECT_THAT(asked.out, HasSubstr(file("kilo.test.csr")));
  // The authority here plays the foreign one; its answer is moved aside, as it would come from elsewhere.
  ASSERT_EQ(run({"issue", "kilo.test", "--request", file("kilo.test.csr")}).code, 0);
  std::filesystem::rename(file("kilo.test.pem"), files / "answer.pem");
  const auto taken = run({"import", "kilo.test", (files / "answer.pem").string()});
  EXPECT_EQ(taken.code, 0) << taken.err;
  EXPECT_THAT(run({"list"}).out, AllOf(HasSubstr("kilo.test"), Not(HasSubstr("no key here"))));
}

TEST_F(CertsCommand, LeavesXmppAddrOutWhenItIsTold) {
  ASSERT_EQ(run({"init"}).code, 0);
  ASSERT_EQ(run({"issue", "bravo.test", "--no-xmpp-addr"}).code, 0);
  EXPECT_THAT(run({"list"}).out, AllOf(HasSubstr("srv:_xmpp-server.bravo.test"), Not(HasSubstr("xmpp:bravo.test"))));
  EXPECT_EQ(run({"request", "kilo.test", "--no-xmpp-addr"}).code, 0);
  ASSERT_EQ(run({"issue", "kilo.test", "--request", file("kilo.test.csr"), "--no-xmpp-addr"}).code, 0);
  EXPECT_THAT(run({"list"}).out, AllOf(HasSubstr("dns:kilo.test"), Not(HasSubstr("xmpp:kilo.test"))));
}

TEST_F(CertsCommand, RenewsWhatEndsSoonAndNothingElse) {
  ASSERT_EQ(run({"init"}).code, 0);
  ASSERT_EQ(run({"issue", "soon.test", "--days", "10"}).code, 0);
  ASSERT_EQ(run({"issue", "later.test", "--days", "90"}).code, 0);
  const auto renewed = run({"renew"});
  EXPECT_THAT(renewed.out, AllOf(HasSubstr("soon.test"), Not(HasSubstr("later.test"))));
  EXPECT_THAT(run({"renew"}).out, HasSubstr("Nothing ends within 30 days"));
}

TEST_F(CertsCommand, RevokesAndSignsTheListAnew) {
  ASSERT_EQ(run({"init"}).code, 0);
  ASSERT_EQ(run({"issue", "bravo.test"}).code, 0);
  EXPECT_EQ(run({"revoke", "bravo.test"}).code, 0);
  EXPECT_THAT(run({"list"}).out, HasSubstr("REVOKED"));
  EXPECT_EQ(run({"crl", "--days", "60"}).code, 0);
  EXPECT_THAT(run({"list"}).out, HasSubstr("REVOKED"));
}

TEST_F(CertsCommand, RefusesAWrongCommandLine) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{}, {"issue"}, {"init", "--key-type", "dsa"}, {"init", "--days", "0"}})
    EXPECT_NE(run(arguments).code, 0);
  EXPECT_EQ(run({"issue", "a.test", "b.test", "--also", "c.test"}).code, 2);
}

}  // namespace
}  // namespace sallyport::commands
