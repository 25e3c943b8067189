// Dialogues with the supervisor: what happens, and what it wants done.
#include "proxy/main/run/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sallyport::run {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

constexpr Time kStart{};

Action start(std::size_t child) {
  return {Action::What::Start, child};
}
Action send(std::size_t child, Signal signal) {
  return {Action::What::Send, child, signal};
}

/// A guard (0) and two edges, running.
Supervisor running() {
  Supervisor supervisor(3);
  supervisor.start(kStart);
  return supervisor;
}

TEST(Supervisor, StartsTheGuardFirst) {
  EXPECT_THAT(Supervisor(3).start(kStart), ElementsAre(start(0), start(1), start(2)));
}

TEST(Supervisor, StartsAgainWhatDiesWithGrowingPauses) {
  auto supervisor = running();
  Time now = kStart;
  for (const auto pause : {250ms, 500ms, 1000ms, 2000ms, 4000ms, 8000ms, 16000ms, 30000ms, 30000ms}) {
    EXPECT_THAT(supervisor.ended(1, {1}, now), IsEmpty());
    EXPECT_EQ(supervisor.next_deadline(), now + pause);
    EXPECT_THAT(supervisor.tick(now + pause - 1ms), IsEmpty());
    now += pause;
    EXPECT_THAT(supervisor.tick(now), ElementsAre(start(1)));
  }
}

TEST(Supervisor, ForgetsThePausesOfAChildThatRanForAMinute) {
  auto supervisor = running();
  supervisor.ended(1, {1}, kStart);
  supervisor.tick(kStart + 250ms);
  supervisor.ended(1, {1}, kStart + 250ms + 60s);
  EXPECT_EQ(supervisor.next_deadline(), kStart + 250ms + 60s + 250ms);
}

TEST(Supervisor, EndsTheEdgesBeforeTheGuard) {
  auto supervisor = running();
  EXPECT_THAT(supervisor.stop(kStart), ElementsAre(send(1, Signal::Terminate), send(2, Signal::Terminate)));
  EXPECT_THAT(supervisor.ended(2, {0}, kStart + 1s), IsEmpty());
  EXPECT_THAT(supervisor.ended(1, {0}, kStart + 2s), ElementsAre(send(0, Signal::Terminate)));
  EXPECT_FALSE(supervisor.finished());
  EXPECT_THAT(supervisor.ended(0, {0}, kStart + 3s), IsEmpty());
  EXPECT_TRUE(supervisor.finished());
  EXPECT_EQ(supervisor.status(), 0);
}

TEST(Supervisor, KillsWhatDoesNotEndWithin10Seconds) {
  auto supervisor = running();
  supervisor.stop(kStart);
  supervisor.ended(1, {0}, kStart + 1s);
  EXPECT_THAT(supervisor.tick(kStart + 9999ms), IsEmpty());
  EXPECT_THAT(supervisor.tick(kStart + 10s), ElementsAre(send(2, Signal::Kill)));
  EXPECT_THAT(supervisor.tick(kStart + 11s), IsEmpty());
  EXPECT_THAT(supervisor.ended(2, {128 + 9}, kStart + 11s), ElementsAre(send(0, Signal::Terminate)));
  EXPECT_THAT(supervisor.tick(kStart + 21s), ElementsAre(send(0, Signal::Kill)));
  supervisor.ended(0, {128 + 9}, kStart + 21s);
  EXPECT_TRUE(supervisor.finished());
  EXPECT_EQ(supervisor.status(), 1);
}

TEST(Supervisor, HurriesWhenToldTwice) {
  auto supervisor = running();
  supervisor.stop(kStart);
  EXPECT_THAT(supervisor.stop(kStart + 1s),
              ElementsAre(send(0, Signal::Terminate), send(1, Signal::Terminate), send(2, Signal::Terminate)));
  EXPECT_THAT(supervisor.stop(kStart + 1s), IsEmpty());
  EXPECT_THAT(supervisor.tick(kStart + 3s),
              ElementsAre(send(0, Signal::Kill), send(1, Signal::Kill), send(2, Signal::Kill)));
}

TEST(Supervisor, DoesNotStartAgainWhatEndsWhileStopping) {
  auto supervisor = running();
  supervisor.ended(1, {1}, kStart);
  EXPECT_THAT(supervisor.stop(kStart), ElementsAre(send(2, Signal::Terminate)));
  EXPECT_THAT(supervisor.tick(kStart + 1s), IsEmpty());
  EXPECT_THAT(supervisor.ended(0, {0}, kStart + 1s), IsEmpty());
  EXPECT_THAT(supervisor.ended(2, {0}, kStart + 1s), IsEmpty());
  EXPECT_TRUE(supervisor.finished());
}

TEST(Supervisor, EndsEverythingWhenAChildSaysThatTheConfigurationIsWrong) {
  auto supervisor = running();
  EXPECT_THAT(supervisor.ended(0, {kWrongConfiguration}, kStart),
              ElementsAre(send(1, Signal::Terminate), send(2, Signal::Terminate)));
  supervisor.ended(1, {0}, kStart);
  supervisor.ended(2, {0}, kStart);
  EXPECT_TRUE(supervisor.finished());
  EXPECT_EQ(supervisor.status(), kWrongConfiguration);
}

TEST(Supervisor, PassesAReloadToWhatRuns) {
  auto supervisor = running();
  supervisor.ended(2, {1}, kStart);
  EXPECT_THAT(supervisor.reload(), ElementsAre(send(0, Signal::Hangup), send(1, Signal::Hangup)));
  supervisor.stop(kStart);
  EXPECT_THAT(supervisor.reload(), IsEmpty());
}

}  // namespace
}  // namespace sallyport::run
