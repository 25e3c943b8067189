// A far domain that is slow, or was away, beside others.
#include <gmock/gmock.h>

#include "guard_scene.h"

namespace sallyport::guard {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
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

TEST(Lane, APairAndItsReverseMeetWhicheverLanesOfTheirEdgesAcceptedThem) {
  constexpr std::uint16_t kEdgeLanes = 4;
  Scene scene;
  for (const EdgeIndex edge : {kNorth, kSouth}) {
    scene.lose(edge);
    scene.join(edge, kEdgeLanes);
  }
  const auto connect = [&](EdgeIndex edge, std::uint16_t edge_lane, const std::string& from, const std::string& to) {
    const LegId leg = 2 * LegId{edge_lane} + 2;
    scene.frame(edge, leg, Scene::opened(from, to), edge_lane);
    scene.frame(edge, leg, Scene::proved(from, to), edge_lane);
    const auto dials = scene.all<airlock::Dial>(edge == kNorth ? kSouth : kNorth);
    EXPECT_FALSE(dials.empty());
    if (!dials.empty())
      scene.frame(dials.back().edge, dials.back().leg, Scene::ready(from, to), dials.back().edge_lane);
    return leg;
  };
  const auto send = [&](EdgeIndex edge, std::uint16_t edge_lane, LegId leg, std::uint64_t number,
                        const Message& message) {
    const std::string octets = normal_form(message);
    airlock::Stanza stanza;
    stanza.number = number;
    stanza.normal_form = octets;
    scene.frame(edge, leg, stanza, edge_lane);
  };
  const LegId there = connect(kNorth, 1, "alpha.test", "bravo.test");
  const LegId back = connect(kSouth, 3, "bravo.test", "alpha.test");
  send(kNorth, 1, there, 1, {.id = "m1"});
  send(kNorth, 1, there, 2, {.id = "", .name = "iq", .type = "get"});
  send(kSouth, 3, back, 1, {.from = "bob@bravo.test", .to = "ann@alpha.test/a", .id = "m2"});
  EXPECT_THAT(scene.delivered(kSouth), ElementsAre(HasSubstr("id='m1'")));
  EXPECT_THAT(scene.delivered(kNorth), ElementsAre(HasSubstr("<bad-request"), HasSubstr("id='m2'")))
      << "the bounce of one leaves on the other, which another lane of another edge has accepted";
  EXPECT_THAT(scene.all<airlock::Dial>(kNorth), SizeIs(1));
}

}  // namespace
}  // namespace sallyport::guard
