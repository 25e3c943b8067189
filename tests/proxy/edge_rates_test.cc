// Counting in time: reports (D-30) and white space (D-20).
#include <gtest/gtest.h>

#include "proxy/edge/event_budget.h"
#include "proxy/edge/keepalive_rate.h"

namespace sallyport::edge {
namespace {

using namespace std::chrono_literals;

const std::chrono::steady_clock::time_point kStart{1h};

TEST(EventBudget, D_30_ReportsAHundredEventsAMinuteAndThenTheirNumber) {
  EventBudget budget;
  for (std::uint32_t i = 0; i < EventBudget::kEventsPerMinute; ++i) EXPECT_TRUE(budget.spend(kStart + 1ms * i));
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(budget.spend(kStart + 30s));
  EXPECT_EQ(budget.take_suppressed(kStart + 59s), 0U) << "the minute runs";
  EXPECT_EQ(budget.take_suppressed(kStart + 60s), 7U);
  EXPECT_EQ(budget.take_suppressed(kStart + 60s), 0U) << "told once";
  EXPECT_TRUE(budget.spend(kStart + 60s));
}

TEST(KeepaliveRate, D_20_LetsABurstPassAndThenOneASecond) {
  KeepaliveRate rate;
  auto now = kStart;
  for (int i = 0; i < KeepaliveRate::kBurst; ++i) EXPECT_EQ(rate.take(now), now);
  EXPECT_EQ(rate.take(now), now + 1s);
  EXPECT_EQ(rate.take(now + 1s), now + 2s);
  EXPECT_EQ(rate.take(now + 3s), now + 3s) << "a second in between is one turn";
  now += 1h;
  for (int i = 0; i < KeepaliveRate::kBurst; ++i) EXPECT_EQ(rate.take(now), now) << "no more than a burst is saved up";
  EXPECT_EQ(rate.take(now), now + 1s);
}

}  // namespace
}  // namespace sallyport::edge
