#include "policy/tracking/recent.h"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

using namespace std::chrono_literals;

constexpr Crossed kHello{.kind = Kind::Message, .from = "ann@alpha.test/p", .to = "bob@bravo.test", .id = "m1"};

TEST(RecentStanzas, KnowWhatCrossedByKindPartiesAndId) {
  RecentStanzas recent;
  recent.add(kHello, 10s);
  EXPECT_TRUE(recent.has(kHello, 10s));
  const auto changed = [](auto change) {
    Crossed other = kHello;
    change(other);
    return other;
  };
  EXPECT_FALSE(recent.has(changed([](Crossed& each) { each.kind = Kind::Presence; }), 10s));
  EXPECT_FALSE(recent.has(changed([](Crossed& each) { each.from = "ann@alpha.test/q"; }), 10s));
  EXPECT_FALSE(recent.has(changed([](Crossed& each) { each.to = "bob@bravo.test/r"; }), 10s));
  EXPECT_FALSE(recent.has(changed([](Crossed& each) { each.id = "m2"; }), 10s));
  EXPECT_FALSE(recent.has(changed([](Crossed& each) { each.id = ""; }), 10s));
}

TEST(RecentStanzas, ForgetMessagesAfterFiveMinutesAndPresenceAfterOne) {
  RecentStanzas recent;
  Crossed presence = kHello;
  presence.kind = Kind::Presence;
  recent.add(kHello, 10s);
  recent.add(presence, 10s);
  EXPECT_TRUE(recent.has(presence, 70s));
  EXPECT_FALSE(recent.has(presence, 71s));
  EXPECT_TRUE(recent.has(kHello, 310s));
  EXPECT_FALSE(recent.has(kHello, 311s));
  recent.add(kHello, 400s);
  EXPECT_TRUE(recent.has(kHello, 700s)) << "what crosses again counts anew";
}

TEST(RecentStanzas, ForgetTheOldestWhenThereIsNoPlace) {
  RecentStanzas recent({}, 8);
  for (int i = 0; i < 9; ++i) {
    const std::string id = std::to_string(i);
    Crossed stanza = kHello;
    stanza.id = id;
    recent.add(stanza, std::chrono::seconds(i));
  }
  Crossed oldest = kHello, next = kHello;
  oldest.id = "0";
  next.id = "1";
  EXPECT_FALSE(recent.has(oldest, 9s));
  EXPECT_TRUE(recent.has(next, 9s));
}

TEST(RecentStanzas, KeepNearlyAllOfAMinuteAtTwoThousandASecond) {
  RecentStanzas recent;
  const auto stanza = [](std::string& id, int number) {
    id = std::to_string(number);
    Crossed each = kHello;
    each.id = id;
    return each;
  };
  std::string id;
  constexpr int kCount = 60 * 2000;
  for (int i = 0; i < kCount; ++i) recent.add(stanza(id, i), std::chrono::milliseconds(i / 2));
  int forgotten = 0;
  for (int i = 0; i < kCount; ++i) forgotten += recent.has(stanza(id, i), 60s) ? 0 : 1;
  EXPECT_LT(forgotten, kCount / 100);
}

}  // namespace
}  // namespace sallyport::policy
