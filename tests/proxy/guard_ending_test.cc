// How legs and crossings end: by a reload, exactly those that were named; at a stop, none without its record.
#include <set>

#include <gmock/gmock.h>

#include "guard_scene.h"

namespace sallyport::guard {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

/// One leg that carries (alpha, bravo), proved first, and (alpha, charlie), proved by dialback.
struct SharedLeg {
  explicit SharedLeg(Scene& scene) {
    auto opened = Scene::opened();
    scene.frame(kNorth, kPeer, opened);
    scene.frame(kNorth, kPeer, Scene::proved());
    bravo = scene.last_dial();
    scene.frame(kSouth, bravo, Scene::ready());
    auto proved = Scene::proved("alpha.test", "charlie.test");
    proved.method = airlock::Method::Dialback;
    scene.frame(kNorth, kPeer, proved);
    charlie = scene.last_dial();
    scene.frame(kSouth, charlie, Scene::ready("alpha.test", "charlie.test"));
  }
  LegId bravo, charlie;
};

policy::Tables with_dialback() {
  auto all = tables();
  for (auto& peering : all.peerings) peering.proof = policy::Proof::ExternalOrDialback;
  return all;
}

TEST(Ending, ReloadNamesEveryCrossingWhoseNearLegEndsWithAPairThatIsWithdrawn) {
  Scene scene(Scene::default_settings(), 1 << 30, bundle(with_dialback()));
  const SharedLeg shared(scene);
  ASSERT_EQ(scene.count<airlock::Grant>(kNorth), 2U);
  auto narrower = with_dialback();
  // alpha may not speak to charlie any more.
  std::erase_if(narrower.routes, [](const policy::Route& route) { return route.from == 0 && route.to == 2; });
  const auto next = bundle(narrower);
  const auto endings = scene.lane.endings(*next);
  ASSERT_THAT(endings, SizeIs(2));
  const auto& withdrawn = endings[0].withdrawn ? endings[0] : endings[1];
  const auto& sharing = endings[0].withdrawn ? endings[1] : endings[0];
  EXPECT_EQ(withdrawn.pair, (policy::Pair{"alpha.test", "charlie.test"}));
  EXPECT_EQ(sharing.pair, (policy::Pair{"alpha.test", "bravo.test"}));
  EXPECT_FALSE(sharing.withdrawn);
  EXPECT_TRUE(sharing.near);
  EXPECT_FALSE(sharing.far);
  scene.sent.clear();
  scene.lane.swap(next, scene.now);
  scene.settle();
  ASSERT_THAT(scene.all<airlock::Close>(kNorth), SizeIs(1));
  EXPECT_EQ(scene.all<airlock::Close>(kNorth)[0].leg, kPeer);
  ASSERT_THAT(scene.all<airlock::Close>(kSouth), SizeIs(1)) << "the far leg of the other pair stays";
  EXPECT_EQ(scene.all<airlock::Close>(kSouth)[0].leg, shared.charlie);
}

TEST(Ending, ReloadNamesTheOtherPairsOfALegThatWaitsForTheWithdrawnOne) {
  Scene scene(Scene::default_settings(), 1 << 30, bundle(with_dialback()));
  scene.connect();
  auto proved = Scene::proved("alpha.test", "charlie.test");
  proved.method = airlock::Method::Dialback;
  scene.frame(kNorth, kPeer, proved);
  auto narrower = with_dialback();
  std::erase_if(narrower.routes, [](const policy::Route& route) { return route.from == 0 && route.to == 2; });
  EXPECT_THAT(scene.lane.endings(*bundle(narrower)), SizeIs(2));
}

TEST(Ending, AnAlarmOnALegThatIsClosingGivesItNoMoreTime) {
  Scene scene;
  const LegId far = scene.connect();
  scene.stanza(kPeer, 1);
  scene.frame(kSouth, far, Scene::close());
  for (int second = 0; second < 59; ++second) {
    scene.pass(1s);
    scene.frame(kSouth, far, Scene::settled(1000));
  }
  EXPECT_THAT(scene.events("airlock.out-of-turn"), SizeIs(1));
  EXPECT_THAT(scene.ended, IsEmpty());
  scene.pass(1s);
  EXPECT_THAT(scene.ended, testing::ElementsAre(kSouth));
}

TEST(Ending, AStreamErrorOnALegThatIsClosingGivesItNoMoreTime) {
  Scene scene;
  scene.connect();
  // A younger leg takes over; the older one's stanzas still count, and the last of them is one that ends its stream.
  scene.knock(kPeer + 2);
  ASSERT_EQ(scene.count<airlock::Close>(kNorth), 1U);
  scene.pass(4s);
  airlock::Stanza overdrawn;
  overdrawn.number = 7;
  const std::string octets = normal_form({});
  overdrawn.normal_form = octets;
  scene.frame(kNorth, kPeer, overdrawn);
  EXPECT_EQ(scene.count<airlock::Close>(kNorth), 1U) << "it is closing already";
  scene.pass(55s);
  EXPECT_THAT(scene.ended, IsEmpty());
  scene.pass(1s);
  EXPECT_THAT(scene.ended, testing::ElementsAre(kNorth));
}

TEST(Ending, WhatWaitsBehindAStalledFarLegIsBouncedAndRecordedAtTheDeadlineOfADrain) {
  Scene scene;
  const LegId far = scene.connect();
  scene.connect(kPeer, "bravo.test", "alpha.test", kSouth);
  std::uint64_t number = 0;
  while (scene.lane.census().queued < 3 && number < 500) {
    ++number;
    scene.stanza(kPeer, number, {.id = "m" + std::to_string(number)});
  }
  ASSERT_EQ(scene.lane.census().queued, 3U) << "its credit is spent";
  scene.lane.drain(scene.now, 5s);
  scene.settle();
  EXPECT_EQ(scene.lane.census().queued, 3U);
  scene.frame(kSouth, far, Scene::settled(10));
  scene.lane.give_up(scene.now);
  scene.settle();
  EXPECT_EQ(scene.lane.census().queued, 0U);
  EXPECT_EQ(scene.lane.census().unrecorded, 0U);
  const auto records = scene.stanza_records();
  EXPECT_EQ(std::ranges::count_if(records,
                                  [](const auto& r) { return r.verdict == "bounce" && r.reason == "route.timeout"; }),
            3);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(3));
  ASSERT_THAT(scene.events("leg.settled"), testing::Not(IsEmpty()));
  EXPECT_EQ(scene.events("leg.settled").back().details[0].second, "10") << "the next start lists the rest";
}

TEST(Ending, CrossingsOfDifferentLanesHaveDifferentNumbers) {
  std::set<std::uint64_t> crossings;
  for (std::uint16_t lane = 0; lane < 3; ++lane) {
    auto settings = Scene::default_settings();
    settings.lanes = 3;
    settings.lane = lane;
    Scene scene(settings);
    for (const auto& [from, to] : {std::pair("alpha.test", "bravo.test"), std::pair("alpha.test", "charlie.test"),
                                   std::pair("delta.test", "bravo.test"), std::pair("delta.test", "charlie.test"),
                                   std::pair("alpha.test", "echo.test")}) {
      if (bundle()->lane_key(from, to) % 3 != lane) continue;
      scene.connect(kPeer + 2 * crossings.size(), from, to);
      EXPECT_TRUE(crossings.insert(scene.events("route.up").back().crossing).second);
    }
  }
  EXPECT_THAT(crossings, SizeIs(5));
}

}  // namespace
}  // namespace sallyport::guard
