// D-12: how often logins of one account, and from one source, may fail before they have to wait.
#include <string>

#include <gtest/gtest.h>

#include "proxy/guard/login_tries.h"

namespace sallyport::guard {
namespace {

using namespace std::chrono_literals;

constexpr LoginTries::Source kHere = 1, kThere = 2;

class Trying : public testing::Test {
 protected:
  static LoginTries::Try of(std::string_view account = "bob@bravo.test", LoginTries::Source source = kHere,
                            std::string_view enclave = "north") {
    return {enclave, account, source};
  }
  void fail(unsigned times, const LoginTries::Try& login = of()) {
    for (unsigned i = 0; i < times; ++i) tries.fail(login, now);
  }
  std::chrono::milliseconds wait(const LoginTries::Try& login = of()) { return tries.wait(login, now).time; }
  /// How many tries of those sources, one after the other as fast as they may, fail in that time.
  unsigned guesses(std::chrono::seconds time, unsigned sources) {
    unsigned count = 0;
    const Steady end = now + time;
    while (now < end) {
      for (unsigned source = 0; source < sources; ++source) {
        const LoginTries::Try login = of("bob@bravo.test", source);
        if (wait(login) > 0ms) continue;
        tries.fail(login, now);
        ++count;
      }
      now += 100ms;
    }
    return count;
  }

  LoginTries tries;
  Steady now{1000s};
};

TEST_F(Trying, D_12_AFewFailuresCostNothing) {
  for (unsigned i = 0; i < LoginTries::kOfAccount.free; ++i) {
    EXPECT_EQ(wait(), 0ms);
    fail(1);
  }
  EXPECT_EQ(wait(), 0ms);
}

TEST_F(Trying, D_12_ThenEachFailureDoublesTheWaitToTheLongest) {
  fail(LoginTries::kOfAccount.free);
  for (const auto expected : {1s, 2s, 4s, 8s, 16s, 32s, 64s, 120s, 120s, 120s}) {
    fail(1);
    EXPECT_EQ(wait(), expected);
  }
}

TEST_F(Trying, D_12_TheWaitEndsAndTheNextTryWaitsAgain) {
  fail(LoginTries::kOfAccount.free + 3);
  now += 4s - 1ms;
  EXPECT_EQ(wait(), 1ms);
  now += 1ms;
  EXPECT_EQ(wait(), 0ms);
  EXPECT_EQ(wait(), 4s) << "another at the same time, before the answer to the first has come";
}

TEST_F(Trying, D_12_OneSourceHasThirtyTriesAnHourInTheLongRun) {
  guesses(3600s, 1);
  const unsigned later = guesses(3600s, 1);
  EXPECT_GE(later, 25U);
  EXPECT_LE(later, 31U);
}

TEST_F(Trying, D_12_ManySourcesWaitByThemselvesUpToABound) {
  guesses(3600s, 100);
  EXPECT_LE(guesses(3600s, 100), 31U * (LoginTries::kMostSources + 1));
}

TEST_F(Trying, D_12_WhoGuessesKeepsNobodyOutWhoComesFromElsewhere) {
  fail(LoginTries::kOfSource.free);
  EXPECT_EQ(wait(), 120s);
  EXPECT_EQ(wait(of("bob@bravo.test", kThere)), 0ms);
  EXPECT_EQ(wait(of("bob@bravo.test", kHere, "south")), 0ms) << "nor in another enclave";
  EXPECT_EQ(wait(of("ann@bravo.test")), 0ms) << "nor to another account";
}

TEST_F(Trying, D_12_WhoGetsInNeedNotWaitForTheNext) {
  fail(LoginTries::kOfAccount.free + 4);
  now += 10s;
  EXPECT_EQ(wait(), 0ms);
  tries.succeed(of());
  EXPECT_EQ(wait(), 0ms);
  tries.succeed(of());
  fail(1);
  EXPECT_EQ(wait(), 16s) << "but what failed before is not forgotten";
}

TEST_F(Trying, D_12_FailuresAreForgottenOneAfterTheOther) {
  fail(LoginTries::kOfAccount.free + 1);
  now += LoginTries::kOfAccount.each;
  fail(1);
  EXPECT_EQ(wait(), 1s) << "one was forgotten, one has come";
  now += (LoginTries::kOfAccount.free + 1) * LoginTries::kOfAccount.each;
  wait();
  EXPECT_EQ(tries.accounts(), 0U);
}

TEST_F(Trying, D_12_MoreFailuresThanThatAreNotCounted) {
  fail(10'000);
  now += LoginTries::kOfAccount.most * LoginTries::kOfAccount.each;
  wait();
  EXPECT_EQ(tries.accounts(), 0U);
}

TEST_F(Trying, D_12_MadeUpNamesDoNotPushOutWhatIsUnderAttack) {
  fail(LoginTries::kOfAccount.free + 5);
  for (std::size_t i = 0; i < LoginTries::kMostCounted + 10; ++i)
    tries.fail(of("nobody" + std::to_string(i), kThere), now);
  EXPECT_EQ(tries.accounts(), LoginTries::kMostCounted);
  EXPECT_EQ(wait(), 16s);
}

// --- the failures of one source, over all accounts

/// Somebody who tries one password with many accounts, one after the other.
class Spraying : public Trying {
 protected:
  void spray(unsigned times, LoginTries::Source source = kHere) {
    for (unsigned i = 0; i < times; ++i) tries.fail(of(next(), source), now);
  }
  std::string_view next() { return name_ = "user" + std::to_string(++named_) + "@bravo.test"; }
  std::chrono::milliseconds wait_of_source(LoginTries::Source source = kHere) { return wait(of(next(), source)); }
  /// How many tries, one account after the other as fast as they may, fail in that time.
  unsigned sprayed(std::chrono::seconds time) {
    unsigned count = 0;
    for (const Steady end = now + time; now < end; now += 100ms) {
      const std::string_view account = next();
      if (wait(of(account)) > 0ms) continue;
      tries.fail(of(account), now);
      ++count;
    }
    return count;
  }

 private:
  std::string name_;
  unsigned named_ = 0;
};

TEST_F(Spraying, D_12_ASourceWithFewFailuresCostsNobodyAnything) {
  for (unsigned i = 0; i < LoginTries::kOfSource.free; ++i) {
    EXPECT_EQ(wait_of_source(), 0ms);
    spray(1);
  }
  EXPECT_EQ(wait_of_source(), 0ms);
  EXPECT_EQ(wait_of_source(), 0ms);
}

TEST_F(Spraying, D_12_ThenEachFailureDoublesTheWaitOfWhateverAccount) {
  spray(LoginTries::kOfSource.free);
  for (const auto expected : {1s, 2s, 4s, 8s, 16s, 32s, 36s, 36s}) {
    spray(1);
    const auto [time, because] = tries.wait(of(next()), now);
    EXPECT_EQ(time, expected);
    EXPECT_EQ(because, LoginTries::Count::Source);
  }
}

TEST_F(Spraying, D_12_OneSourceHasAHundredTriesAnHourInTheLongRun) {
  sprayed(3600s);
  const unsigned later = sprayed(3600s);
  EXPECT_GE(later, 90U);
  EXPECT_LE(later, 101U);
}

TEST_F(Spraying, D_12_OtherSourcesAndEnclavesDoNotWaitForIt) {
  spray(200);
  EXPECT_EQ(wait_of_source(), 36s);
  EXPECT_EQ(wait_of_source(kThere), 0ms);
  EXPECT_EQ(wait(of("user1@bravo.test", kThere)), 0ms) << "an account that was tried";
  EXPECT_EQ(wait(of("user1@bravo.test", kHere, "south")), 0ms) << "the same address of another network";
}

TEST_F(Spraying, D_12_ThoseWhoShareTheAddressAndKnowTheirPasswordsWaitForFailuresOnly) {
  spray(200);
  now += 36s;
  for (int i = 0; i < 1000; ++i) {
    const LoginTries::Try login = of(next());
    ASSERT_EQ(wait(login), 0ms) << i;
    EXPECT_EQ(wait(of("other@bravo.test")), 36s) << "two at once, of which the first may fail";
    tries.succeed(login);
  }
  spray(1);
  EXPECT_EQ(wait_of_source(), 36s) << "what failed before is not forgotten";
}

TEST_F(Spraying, D_12_ALoginThatSucceedsHasWaitedItselfAndSavesNobodyAWait) {
  // Somebody has an account of their own, and uses it between two guesses.
  unsigned failed = 0;
  for (const Steady end = now + 7200s; now < end; now += 100ms) {
    const LoginTries::Try own = of("eve@bravo.test");
    if (wait(own) == 0ms) tries.succeed(own);
    const LoginTries::Try guess = of(next());
    if (wait(guess) > 0ms) continue;
    tries.fail(guess, now);
    failed += now > end - 3600s ? 1 : 0;
  }
  EXPECT_LE(failed, 101U);
}

TEST_F(Spraying, D_12_WhatWaitsForOneCountDoesNotUseUpTheOther) {
  const auto because = [this] { return tries.wait(of(), now).because; };
  spray(LoginTries::kOfSource.free - LoginTries::kOfAccount.free - 2);
  fail(LoginTries::kOfAccount.free + 3);
  now += 1s;
  EXPECT_EQ(wait(), 3s);
  EXPECT_EQ(because(), LoginTries::Count::Account);
  EXPECT_EQ(wait_of_source(), 0ms) << "the source's turn was still there";
  spray(3);
  now += 3s;
  EXPECT_EQ(wait(), 5s);
  EXPECT_EQ(because(), LoginTries::Count::Source);
  now += 5s;
  EXPECT_EQ(wait(), 0ms) << "the account's turn was still there";
  EXPECT_EQ(wait(), 8s) << "the longer one";
}

TEST_F(Spraying, D_12_AccountsThatAreNotShownCountByTheirSource) {
  fail(LoginTries::kOfSource.free, of(""));
  EXPECT_EQ(wait(of("")), 0ms);
  fail(1, of(""));
  EXPECT_EQ(wait(of("")), 1s);
  EXPECT_EQ(tries.accounts(), 0U);
}

TEST_F(Spraying, D_12_ASourceIsForgottenInTwoHours) {
  spray(10'000);
  now += LoginTries::kOfSource.most * LoginTries::kOfSource.each;
  EXPECT_EQ(wait_of_source(), 0ms);
  EXPECT_EQ(tries.sources(), 0U);
}

TEST_F(Spraying, D_12_SourcesAreBoundedAndTheOneUnderAttackStays) {
  spray(LoginTries::kOfSource.free + 5);
  for (std::size_t i = 0; i < LoginTries::kMostCounted + 10; ++i) spray(1, 1000 + i);
  EXPECT_EQ(tries.sources(), LoginTries::kMostCounted);
  EXPECT_EQ(wait_of_source(), 16s);
}

TEST(LoginTries, D_12_ASourceIsAnAddressOrTheNetworkOfOne) {
  const auto source = [](std::string_view peer) { return LoginTries::source(peer); };
  EXPECT_EQ(source("192.0.2.1:5000"), source("192.0.2.1:6000"));
  EXPECT_NE(source("192.0.2.1:5000"), source("192.0.2.2:5000"));
  EXPECT_EQ(source("192.0.2.1:5000"), source("[::ffff:192.0.2.1]:5000"));
  EXPECT_EQ(source("[2001:db8:0:1::1]:5000"), source("[2001:db8:0:1:ffff::2]:5000"));
  EXPECT_NE(source("[2001:db8:0:1::1]:5000"), source("[2001:db8:0:2::1]:5000"));
  EXPECT_EQ(source("[2001:db8::1]:5000"), 0x2001'0db8'0000'0000U);
  EXPECT_EQ(source("[1:2:3:4:5:6:7:8]:5000"), 0x0001'0002'0003'0004U);
  EXPECT_EQ(source("[fe80::1%lo]:5000"), 0xfe80'0000'0000'0000U);
  EXPECT_EQ(source("[1:2::3:4:5:6:7]:5000"), 0x0001'0002'0000'0003U);
  EXPECT_EQ(source("[::1]:5000"), 0U);
  for (const std::string_view none : {"", "somewhere", "somewhere:5000", "[192.0.2.1]:1", "[]:1", "::1", "192.0.2:1",
                                      "192.0.2.1.3:1", "192.0.2.256:1", "[1:2:3]:1", "[1:2:3:4:5:6:7:8:9]:1",
                                      "[1::2::3]:1", "[1:2:3:4:5:6:7:]:1", "[12345::]:1", "[::1:2:3:4:5:6:7:8]:1"})
    EXPECT_EQ(source(none), 0U) << none;
}

}  // namespace
}  // namespace sallyport::guard
