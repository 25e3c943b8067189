// Logins that fail over and over, over many connections: what the client and the server hear of it.
#include <gmock/gmock.h>

#include "guard_session_scene.h"

namespace sallyport::guard {
namespace {

using airlock::SaslStep;
using inspect::SaslCondition;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kGuessersPeer = "192.0.2.1:4000", kOwnersPeer = "192.0.2.2:4000";

class Guesser final : public SessionScene {
 public:
  explicit Guesser(LaneSettings settings = default_settings()) : SessionScene(login(), std::move(settings)) {}

  /// On a new connection.
  void offered_from(const std::string& peer) {
    next_ += 2;
    near = next_;
    auto frame = client_opened();
    frame.peer = peer;
    client(frame, near);
    far = last_dial();
    server(ready("", "bravo.test"));
    server(offer(mechanisms));
  }
  /// What the client hears; the server, if it is asked, says that condition.
  SaslCondition guess(const std::string& name = "bob", const std::string& peer = kGuessersPeer,
                      SaslCondition answer = SaslCondition::NotAuthorized) {
    offered_from(peer);
    const auto asked = count<airlock::Sasl>(kSouth);
    client(plain(name), near);
    server_was_asked = count<airlock::Sasl>(kSouth) > asked;
    if (server_was_asked) server(failure(answer));
    return last<airlock::Sasl>(kNorth).condition;
  }
  void guess_freely() {
    for (unsigned i = 0; i < LoginTries::kOfAccount.free + 1; ++i) {
      ASSERT_EQ(guess(), SaslCondition::NotAuthorized);
      ASSERT_TRUE(server_was_asked);
    }
  }

  bool server_was_asked = false;
  std::uint32_t mechanisms = bits({Mechanism::Plain});

 private:
  LegId next_ = kClient;
};

TEST(Session, D_12_SASL_15_FailuresOfAnAccountCountOverConnections) {
  Guesser scene;
  scene.guess_freely();
  EXPECT_EQ(scene.guess(), SaslCondition::TemporaryAuthFailure);
  EXPECT_FALSE(scene.server_was_asked);
  ASSERT_THAT(scene.events("session.login-too-soon"), SizeIs(1));
  using Detail = std::pair<std::string, std::string>;
  EXPECT_THAT(scene.events("session.login-too-soon").front().details,
              testing::IsSupersetOf({Detail("account", kAccount), Detail("milliseconds", "1000")}));
  EXPECT_THAT(scene.events("session.login-failed"), SizeIs(LoginTries::kOfAccount.free + 2));
  scene.pass(LoginTries::kFirst);
  EXPECT_EQ(scene.guess(), SaslCondition::NotAuthorized);
  EXPECT_TRUE(scene.server_was_asked) << "it has waited";
}

TEST(Session, D_12_WhetherTheAccountExistsMakesNoDifference) {
  // The guard does not know; servers may say it by their condition, which the client does not hear.
  for (const auto answer : {SaslCondition::NotAuthorized, SaslCondition::AccountDisabled,
                            SaslCondition::CredentialsExpired, SaslCondition::InvalidAuthzid}) {
    Guesser scene;
    std::vector<bool> asked;
    for (unsigned i = 0; i < LoginTries::kOfAccount.free + 3; ++i) {
      scene.guess("bob", kGuessersPeer, answer);
      asked.push_back(scene.server_was_asked);
    }
    std::vector<bool> expected(LoginTries::kOfAccount.free + 1, true);
    expected.resize(LoginTries::kOfAccount.free + 3, false);
    EXPECT_EQ(asked, expected);
  }
}

TEST(Session, D_12_OthersAreNotKeptOut) {
  Guesser scene;
  scene.guess_freely();
  EXPECT_EQ(scene.guess("ann"), SaslCondition::NotAuthorized);
  EXPECT_TRUE(scene.server_was_asked) << "another account";
  scene.offered_from(kOwnersPeer);
  scene.client(plain(), scene.near);
  scene.server(success());
  EXPECT_EQ(scene.last<airlock::Sasl>(kNorth).step, SaslStep::Success) << "the same account from elsewhere";
  EXPECT_EQ(scene.guess(), SaslCondition::TemporaryAuthFailure) << "which changes nothing for who guesses";
}

TEST(Session, D_12_SASL_15_FailuresFromOneAddressCountOverAccounts) {
  Guesser scene;
  for (unsigned i = 0; i < LoginTries::kOfSource.free + 1; ++i) {
    ASSERT_EQ(scene.guess("user" + std::to_string(i)), SaslCondition::NotAuthorized);
    ASSERT_TRUE(scene.server_was_asked);
  }
  EXPECT_EQ(scene.guess("ann"), SaslCondition::TemporaryAuthFailure) << "as for an account under attack";
  EXPECT_FALSE(scene.server_was_asked);
  EXPECT_THAT(scene.events("session.login-too-soon"), IsEmpty());
  ASSERT_THAT(scene.events("session.source-too-soon"), SizeIs(1));
  using Detail = std::pair<std::string, std::string>;
  EXPECT_THAT(scene.events("session.source-too-soon").front().details,
              testing::IsSupersetOf({Detail("account", "ann@bravo.test"), Detail("milliseconds", "1000")}));
  EXPECT_EQ(scene.guess("ann", kOwnersPeer), SaslCondition::NotAuthorized) << "from elsewhere";
  scene.pass(LoginTries::kFirst);
  scene.offered_from(kGuessersPeer);
  scene.client(plain("ann"), scene.near);
  scene.server(success());
  EXPECT_EQ(scene.last<airlock::Sasl>(kNorth).step, SaslStep::Success);
  scene.guess("bob");
  EXPECT_TRUE(scene.server_was_asked) << "a login that succeeds gives its turn to the next";
}

TEST(Session, D_12_FailuresOfAccountsThatAreNotShownCountByTheirAddress) {
  Guesser scene;
  const auto guess = [&scene] {
    scene.offered_from(kGuessersPeer);
    auto auth = sasl(SaslStep::Auth, "n,,\1auth=Bearer token\1\1");
    auth.mechanism = Mechanism::OAuthBearer;
    const auto asked = scene.count<airlock::Sasl>(kSouth);
    scene.client(auth, scene.near);
    if (scene.count<airlock::Sasl>(kSouth) > asked) scene.server(failure());
    return scene.last<airlock::Sasl>(kNorth).condition;
  };
  scene.mechanisms = bits({Mechanism::OAuthBearer});
  for (unsigned i = 0; i < LoginTries::kOfSource.free + 1; ++i) ASSERT_EQ(guess(), SaslCondition::NotAuthorized);
  EXPECT_EQ(guess(), SaslCondition::TemporaryAuthFailure);
  EXPECT_THAT(scene.events("session.source-too-soon"), SizeIs(1));
}

TEST(Session, D_12_AllLanesCountTogether) {
  LaneSettings settings = Scene::default_settings();
  Guesser one(settings), other(settings);
  one.guess_freely();
  EXPECT_EQ(other.guess(), SaslCondition::TemporaryAuthFailure);
}

TEST(Session, D_12_WhatSaysNothingOfThePasswordDoesNotCount) {
  Guesser scene;
  for (unsigned i = 0; i < 2 * LoginTries::kOfAccount.free; ++i) {
    scene.guess("bob", kGuessersPeer, SaslCondition::TemporaryAuthFailure);
    EXPECT_TRUE(scene.server_was_asked) << "the server can't look";
    scene.guess("bob@alpha.test");
    EXPECT_FALSE(scene.server_was_asked) << "the guard refuses it by itself";
  }
  EXPECT_THAT(scene.events("session.login-too-soon"), IsEmpty());
}

TEST(Session, D_12_AnAccountThatIsNamedInAResponse) {
  Guesser scene;
  scene.guess_freely();
  scene.offered_from(kGuessersPeer);
  auto auth = sasl(SaslStep::Auth, {}, false);
  auth.mechanism = Mechanism::Plain;
  scene.client(auth, scene.near);
  scene.server(sasl(SaslStep::Challenge));
  scene.client(sasl(SaslStep::Response, std::string("\0bob\0secret", 11)), scene.near);
  EXPECT_EQ(scene.last<airlock::Sasl>(kSouth).step, SaslStep::Abort) << "the password does not get there";
  scene.server(failure(SaslCondition::Aborted));
  EXPECT_EQ(scene.last<airlock::Sasl>(kNorth).condition, SaslCondition::TemporaryAuthFailure);
}

TEST(Session, D_12_SASL_15_TriesThatAreTooSoonEndTheStreamToo) {
  Guesser scene;
  scene.guess_freely();
  scene.offered_from(kGuessersPeer);
  for (int i = 0; i < 3; ++i) scene.client(plain(), scene.near);
  EXPECT_EQ(scene.last<airlock::Close>(kNorth).condition, StreamCondition::PolicyViolation);
}

}  // namespace
}  // namespace sallyport::guard
