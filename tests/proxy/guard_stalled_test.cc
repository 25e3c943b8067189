// A far domain that is slow, or was away, beside others.
#include <gmock/gmock.h>

#include "guard_scene.h"

namespace sallyport::guard {
namespace {

using testing::SizeIs;
using namespace std::chrono_literals;

TEST(Lane, S_19_ADomainThatProvesALegIsDialledAgainAtOnce) {
  Scene scene;
  scene.frame(kSouth, scene.connect(), Scene::closed(false));
  const auto dials = scene.count<airlock::Dial>(kSouth);
  scene.stanza(kPeer, 1);
  ASSERT_EQ(scene.count<airlock::Dial>(kSouth), dials) << "its gate is closed for some seconds";
  scene.knock(kPeer, "bravo.test", "alpha.test", kSouth);
  EXPECT_EQ(scene.count<airlock::Dial>(kSouth), dials + 1);
}

TEST(Lane, D_31_ASlowRouteOnASharedLegIsAnsweredInsteadOfStallingTheOther) {
  policy::Tables with_dialback = tables();
  for (policy::Peering& peering : with_dialback.peerings) peering.proof = policy::Proof::ExternalOrDialback;
  Scene scene(Scene::default_settings(), 1 << 30, bundle(with_dialback));
  const LegId slow = scene.connect();
  airlock::Proved second = Scene::proved("alpha.test", "charlie.test");
  second.method = airlock::Method::Dialback;
  scene.frame(kNorth, kPeer, second);
  const LegId other = scene.last_dial();
  ASSERT_NE(other, slow);
  scene.frame(kSouth, other, Scene::ready("alpha.test", "charlie.test"));
  std::uint64_t number = 0;
  // The far server of bravo.test takes nothing: its credit is used up, and one stanza more waits.
  while (scene.count<airlock::Deliver>(kSouth) == number) scene.stanza(kPeer, ++number);
  EXPECT_EQ(scene.lane.census().queued, 1U);
  scene.pass(4'900ms);
  EXPECT_THAT(scene.stanza_records(), SizeIs(number - 1)) << "hol_max has not passed";
  scene.pass(200ms);
  const auto records = scene.stanza_records();
  ASSERT_GE(records.size(), number);
  EXPECT_EQ(records[number - 1].reason, "route.stalled");
  EXPECT_EQ(records[number - 1].verdict, "bounce");
  const auto before = scene.count<airlock::Deliver>(kSouth);
  scene.stanza(kPeer, ++number, {.to = "cleo@charlie.test"});
  EXPECT_EQ(scene.count<airlock::Deliver>(kSouth), before + 1) << "the other pair goes on";
}

}  // namespace
}  // namespace sallyport::guard
