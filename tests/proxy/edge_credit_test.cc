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
    EXPECT_FALSE(deliveries.credit()) << number;
  }
  ASSERT_TRUE(deliveries.take(16, 10));
  deliveries.encode(10);
  EXPECT_FALSE(deliveries.credit()) << "not written yet";
  deliveries.send(10);
  const auto credit = deliveries.credit();
  ASSERT_TRUE(credit);
  EXPECT_EQ(credit->stanzas, 16U);
  EXPECT_EQ(credit->octets, 160U);
  EXPECT_FALSE(deliveries.credit());
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
