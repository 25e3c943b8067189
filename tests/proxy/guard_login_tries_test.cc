// D-12: how often logins of one account may fail before they have to wait.
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
  std::chrono::milliseconds wait(const LoginTries::Try& login = of()) { return tries.wait(login, now); }
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
  for (unsigned i = 0; i < LoginTries::kFree; ++i) {
    EXPECT_EQ(wait(), 0ms);
    fail(1);
  }
  EXPECT_EQ(wait(), 0ms);
}

TEST_F(Trying, D_12_ThenEachFailureDoublesTheWaitToTheLongest) {
  fail(LoginTries::kFree);
  for (const auto expected : {1s, 2s, 4s, 8s, 16s, 32s, 64s, 120s, 120s, 120s}) {
    fail(1);
    EXPECT_EQ(wait(), expected);
  }
}

TEST_F(Trying, D_12_TheWaitEndsAndTheNextTryWaitsAgain) {
  fail(LoginTries::kFree + 3);
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
  fail(100);
  EXPECT_EQ(wait(), 120s);
  EXPECT_EQ(wait(of("bob@bravo.test", kThere)), 0ms);
  EXPECT_EQ(wait(of("bob@bravo.test", kHere, "south")), 0ms) << "nor in another enclave";
  EXPECT_EQ(wait(of("ann@bravo.test")), 0ms) << "nor to another account";
}

TEST_F(Trying, D_12_WhoGetsInNeedNotWaitForTheNext) {
  fail(LoginTries::kFree + 4);
  now += 10s;
  EXPECT_EQ(wait(), 0ms);
  tries.succeed(of());
  EXPECT_EQ(wait(), 0ms);
  tries.succeed(of());
  fail(1);
  EXPECT_EQ(wait(), 16s) << "but what failed before is not forgotten";
}

TEST_F(Trying, D_12_FailuresAreForgottenOneAfterTheOther) {
  fail(LoginTries::kFree + 1);
  now += LoginTries::kLongest;
  fail(1);
  EXPECT_EQ(wait(), 1s) << "one was forgotten, one has come";
  now += (LoginTries::kFree + 1) * LoginTries::kLongest;
  wait();
  EXPECT_EQ(tries.accounts(), 0U);
}

TEST_F(Trying, D_12_MoreFailuresThanThatAreNotCounted) {
  fail(10'000);
  now += LoginTries::kMostFailures * LoginTries::kLongest;
  wait();
  EXPECT_EQ(tries.accounts(), 0U);
}

TEST_F(Trying, D_12_MadeUpNamesDoNotPushOutWhatIsUnderAttack) {
  fail(LoginTries::kFree + 5);
  for (std::size_t i = 0; i < LoginTries::kMostAccounts + 10; ++i) tries.fail(of("nobody" + std::to_string(i)), now);
  EXPECT_EQ(tries.accounts(), LoginTries::kMostAccounts);
  EXPECT_EQ(wait(), 16s);
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
