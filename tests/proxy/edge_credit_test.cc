#include <algorithm>
#include <cstdint>

#include <gtest/gtest.h>

#include "proxy/edge/credit.h"

namespace sallyport::edge {
namespace {

TEST(StanzaCredit, MayBeOverdrawnByOneStanza) {
  StanzaCredit credit;
  EXPECT_FALSE(credit.is_left());
  credit.grant(100, 2);
  ASSERT_TRUE(credit.is_left());
  credit.spend(5000);
  EXPECT_FALSE(credit.is_left());
  credit.grant(4900, 1);
  EXPECT_FALSE(credit.is_left()) << "a debt is paid first";
  credit.grant(1, 0);
  EXPECT_TRUE(credit.is_left());
}

TEST(Deliveries, AreWrittenWhenTcpHasTheirLastOctet) {
  Deliveries deliveries;
  ASSERT_TRUE(deliveries.take(1, 100));
  ASSERT_TRUE(deliveries.take(2, 100));
  deliveries.encode(222);
  deliveries.send(221);
  EXPECT_EQ(deliveries.written(), 0U);
  deliveries.send(1);
  EXPECT_EQ(deliveries.written(), 2U);
  EXPECT_EQ(deliveries.settled(), 0U);
}

TEST(Deliveries, SettleWhenThePeersTcpHasThem) {
  Deliveries deliveries;
  deliveries.send(1000);  // a handshake
  ASSERT_TRUE(deliveries.take(1, 100));
  deliveries.encode(122);
  deliveries.send(122);
  ASSERT_TRUE(deliveries.take(2, 100));
  deliveries.encode(122);
  deliveries.send(122);
  deliveries.acknowledge(123);
  EXPECT_EQ(deliveries.settled(), 0U);
  deliveries.acknowledge(122);
  EXPECT_EQ(deliveries.settled(), 1U);
  EXPECT_TRUE(deliveries.awaits_settlement());
  deliveries.acknowledge(0);
  EXPECT_EQ(deliveries.settled(), 2U);
  EXPECT_FALSE(deliveries.awaits_settlement());
}

TEST(Deliveries, GiveCreditBackInWorthwhilePieces) {
  Deliveries deliveries;
  for (std::uint64_t number = 1; number <= 15; ++number) {
    ASSERT_TRUE(deliveries.take(number, 10));
    deliveries.encode(10);
    deliveries.send(10);
    EXPECT_FALSE(deliveries.credit(nullptr)) << number;
  }
  ASSERT_TRUE(deliveries.take(16, 10));
  deliveries.encode(10);
  EXPECT_FALSE(deliveries.credit(nullptr)) << "not written yet";
  deliveries.send(10);
  const auto credit = deliveries.credit(nullptr);
  ASSERT_TRUE(credit);
  EXPECT_EQ(credit->stanzas, 16U);
  EXPECT_EQ(credit->octets, 160U);
  EXPECT_FALSE(deliveries.credit(nullptr));
}

/// A guard that sends as much as it may to a peer that takes all at once, `rounds` times.
std::uint64_t send_all(Deliveries& deliveries, CreditBudget* budget, int rounds, std::int64_t may_send) {
  std::uint64_t number = deliveries.written(), most = 0;
  for (int round = 0; round < rounds; ++round) {
    most = std::max(most, static_cast<std::uint64_t>(may_send));
    for (; may_send > 0; --may_send) {
      EXPECT_TRUE(deliveries.take(++number, 1));
      deliveries.encode(1);
      deliveries.send(1);
    }
    deliveries.acknowledge(0);
    if (const auto credit = deliveries.credit(budget)) may_send += credit->stanzas;
  }
  return most;
}

TEST(Deliveries, GiveABusyLegMoreCreditAsFarAsTheBudgetGoes) {
  CreditBudget budget(8 * Deliveries::kOctets);
  Deliveries busy;
  EXPECT_EQ(send_all(busy, &budget, 10, Deliveries::kStanzas), Deliveries::kMostTimes * Deliveries::kStanzas);
  Deliveries slow;
  EXPECT_EQ(send_all(slow, nullptr, 10, Deliveries::kStanzas), Deliveries::kStanzas);
  ASSERT_TRUE(budget.take(4 * Deliveries::kOctets)) << "eight first credits, three of them lent";
  Deliveries second;
  EXPECT_EQ(send_all(second, &budget, 10, Deliveries::kStanzas), 2 * Deliveries::kStanzas) << "one was left";
  EXPECT_FALSE(budget.take(1));
}

TEST(Deliveries, KeepBackWhatALegHadBeyondItsFirstCreditOnceItIsQuiet) {
  CreditBudget budget(8 * Deliveries::kOctets);
  Deliveries deliveries;
  send_all(deliveries, &budget, 10, Deliveries::kStanzas);
  const std::size_t back = deliveries.shrink();
  EXPECT_EQ(back, (Deliveries::kMostTimes - 1) * Deliveries::kOctets);
  EXPECT_EQ(deliveries.shrink(), 0U);
  // It has all its credit still; then it is as it was in the beginning.
  EXPECT_EQ(send_all(deliveries, nullptr, 1, Deliveries::kMostTimes * Deliveries::kStanzas),
            Deliveries::kMostTimes * Deliveries::kStanzas);
}

TEST(Deliveries, RefuseANumberOutOfTurn) {
  Deliveries deliveries;
  EXPECT_FALSE(deliveries.take(2, 1));
  EXPECT_TRUE(deliveries.take(1, 1));
  EXPECT_FALSE(deliveries.take(1, 1));
}

TEST(Deliveries, RefuseMoreThanCreditAndReserve) {
  Deliveries deliveries;
  std::uint64_t number = 0;
  while (number < 1000 && deliveries.take(number + 1, 1)) ++number;
  EXPECT_EQ(number, 2 * Deliveries::kStanzas + 2) << "credit and reserve, each overdrawn by one";
}

}  // namespace
}  // namespace sallyport::edge
