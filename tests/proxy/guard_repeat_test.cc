// What is sent again after its leg was lost: how long, how often, and what the record says of it.
#include <gmock/gmock.h>

#include "guard_scene.h"

namespace sallyport::guard {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

std::string detail(const audit::EventRecord& event, std::string_view name) {
  for (const auto& [each, value] : event.details) {
    if (each == name) return value;
  }
  return "";
}

Message presence(std::string id) {
  return {.id = std::move(id), .name = "presence", .type = ""};
}

TEST(Repeat, LeavesTheFateOfWhatIsSentAgainOpenUntilTheNextLegHasSettledIt) {
  Scene scene;
  const LegId far = scene.connect();
  scene.stanza(kPeer, 1, {.id = "m1"});
  scene.stanza(kPeer, 2, presence("p2"));
  scene.stanza(kPeer, 3, {.id = "m3"});
  scene.frame(kSouth, far, Scene::closed(false, 3, 1));
  const auto settled = scene.events("leg.settled");
  ASSERT_THAT(settled, SizeIs(1));
  EXPECT_EQ(detail(settled[0], "through"), "1") << "the presence has not settled, nor is it given up";
  scene.pass(5s);
  const LegId again = scene.last_dial();
  ASSERT_NE(again, far);
  scene.frame(kSouth, again, Scene::ready());
  const auto repeated = scene.events("route.repeated");
  ASSERT_THAT(repeated, SizeIs(1));
  EXPECT_EQ(repeated[0].leg, again);
  EXPECT_EQ(detail(repeated[0], "number"), "1");
  scene.frame(kSouth, again, Scene::settled(1));
  scene.pass(1s);
  EXPECT_EQ(scene.events("leg.settled").back().leg, again);
}

TEST(Repeat, SettlesTheLegAsAWholeWhenNothingOfItIsSentAgain) {
  Scene scene;
  const LegId far = scene.connect();
  scene.stanza(kPeer, 1);
  scene.stanza(kPeer, 2);
  scene.frame(kSouth, far, Scene::closed(false, 2, 0));
  ASSERT_THAT(scene.events("leg.settled"), SizeIs(1));
  EXPECT_EQ(detail(scene.events("leg.settled")[0], "through"), "2");
}

TEST(Repeat, CountsAllTheTimeThatAStanzaHasWaitedForALeg) {
  Scene scene;
  LegId far = scene.connect();
  scene.stanza(kPeer, 1, presence("p1"));
  // Legs that stand for a moment and end in good order, so that no gate closes; between two of them 6 s without any.
  scene.frame(kSouth, far, Scene::closed(true, 1, 0));
  for (int round = 0; round < 3; ++round) {
    far = scene.last_dial();
    scene.pass(6s);
    scene.frame(kSouth, far, Scene::ready());
    scene.frame(kSouth, far, Scene::closed(true, 1, 0));
  }
  ASSERT_THAT(scene.delivered(kSouth), SizeIs(4));
  EXPECT_EQ(scene.lane.census().queued, 1U);
  scene.pass(1s);
  EXPECT_EQ(scene.lane.census().queued, 1U) << "19 s";
  scene.pass(1s);
  EXPECT_EQ(scene.lane.census().queued, 0U) << "20 s";
  EXPECT_THAT(scene.events("route.timeout"), SizeIs(1));
}

TEST(Repeat, SendsAStanzaFiveTimesAgainAtMost) {
  Scene scene;
  LegId far = scene.connect();
  scene.stanza(kPeer, 1, presence("p1"));
  for (int round = 0; round < 10; ++round) {
    scene.frame(kSouth, far, Scene::closed(true, 1, 0));
    if (scene.last_dial() == far) break;
    far = scene.last_dial();
    scene.frame(kSouth, far, Scene::ready());
  }
  EXPECT_THAT(scene.delivered(kSouth), SizeIs(1 + kMostRepeats));
  EXPECT_THAT(scene.events("route.lost"), SizeIs(1));
  EXPECT_EQ(scene.lane.census().queued, 0U);
}

TEST(Repeat, AQueuedStanzaWaitsNoLongerBecauseALegStoodInBetween) {
  Scene scene;
  LegId far = scene.connect();
  scene.frame(kSouth, far, Scene::closed(true));
  // The next leg's credit does not reach the last one.
  for (std::uint64_t number = 1; number <= kWindowStanzas + 1; ++number)
    scene.stanza(kPeer, number, {.id = "m" + std::to_string(number)});
  scene.pass(10s);
  far = scene.last_dial();
  scene.frame(kSouth, far, Scene::ready());
  ASSERT_EQ(scene.lane.census().queued, 1U);
  scene.frame(kSouth, far, Scene::closed(true, kWindowStanzas, kWindowStanzas));
  const auto bounced = [&] {
    return std::ranges::count(scene.stanza_records(), "route.timeout", &audit::StanzaRecord::reason);
  };
  scene.pass(9s);
  EXPECT_EQ(bounced(), 0);
  scene.pass(1s);
  EXPECT_EQ(bounced(), 1);
}

TEST(Repeat, TheLossOfAnEdgeClosesNoGate) {
  Scene scene;
  scene.connect();
  scene.lose(kSouth);
  scene.join(kSouth);
  scene.stanza(kPeer, 1);
  EXPECT_EQ(scene.count<airlock::Dial>(kSouth), 2U) << "at once";
}

/// Bounces of one second, by what causes them.
TEST(Errors, D_26_OfALossDrawOnTheSameBudget) {
  Scene scene;
  const LegId far = scene.connect();
  scene.connect(kPeer, "bravo.test", "alpha.test", kSouth);
  for (std::uint64_t number = 1; number <= 15; ++number)
    scene.stanza(kPeer, number, {.id = "m" + std::to_string(number)});
  scene.frame(kSouth, far, Scene::closed(false, 15, 0));
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(10));
  EXPECT_THAT(scene.events("route.lost"), SizeIs(5)) << "nobody is told, so the log is";
  scene.pass(1s);
}

TEST(Errors, D_26_OfATimeoutDrawOnTheSameBudget) {
  Scene scene;
  const LegId far = scene.connect();
  scene.connect(kPeer, "bravo.test", "alpha.test", kSouth);
  scene.frame(kSouth, far, Scene::closed(true));
  for (std::uint64_t number = 1; number <= 15; ++number)
    scene.stanza(kPeer, number, {.id = "m" + std::to_string(number)});
  scene.pass(20s);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(10));
  const auto records = scene.stanza_records();
  EXPECT_EQ(
      std::ranges::count_if(records, [](const auto& r) { return r.reason == "route.timeout" && r.verdict == "drop"; }),
      5);
  EXPECT_EQ(std::ranges::count_if(
                records, [](const auto& r) { return r.findings == std::vector<std::string>{"route.error-budget"}; }),
            5);
}

TEST(Errors, D_26_OfStanzasThatAreTooBigForThePeerDrawOnTheSameBudget) {
  Scene scene;
  scene.connect(kPeer, "bravo.test", "alpha.test", kSouth);
  scene.knock();
  auto ready = Scene::ready();
  ready.stanza_octets = 100;
  scene.frame(kSouth, scene.last_dial(), ready);
  for (std::uint64_t number = 1; number <= 15; ++number)
    scene.stanza(kPeer, number, {.id = "m" + std::to_string(number), .body = std::string(200, 'x')});
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(10));
  scene.pass(1s);
  scene.stanza(kPeer, 16, {.id = "m16", .body = std::string(200, 'x')});
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(11));
}

TEST(Records, HoldNothingOfTheStanzaBefore) {
  Scene scene;
  scene.connect();
  scene.stanza(kPeer, 1, {.id = "m1"});
  scene.stanza(kPeer, 2, {.id = "", .name = "iq", .type = "get"});
  scene.stanza(kPeer, 3, {.id = "", .name = "presence", .type = ""});
  const auto records = scene.stanza_records();
  ASSERT_THAT(records, SizeIs(3));
  EXPECT_EQ(records[0].number_out, 1U);
  EXPECT_EQ(records[1].verdict, "bounce");
  EXPECT_EQ(records[1].id, "");
  EXPECT_EQ(records[1].leg_out + records[1].number_out + records[1].octets_out, 0U);
  EXPECT_EQ(records[1].sha256_out, audit::Digest{});
  EXPECT_EQ(records[2].verdict, "release");
  EXPECT_EQ(records[2].type, "");
  EXPECT_EQ(records[2].reason, "policy.granted");
  EXPECT_EQ(records[2].number_out, 2U);
}

TEST(Errors, ABounceThatHasNoWayLeavesNoRouteBehind) {
  Scene scene;
  scene.connect();
  auto narrower = tables();
  std::erase_if(narrower.routes, [](const policy::Route& route) { return route.from == 0 || route.to == 0; });
  scene.log_writes = false;
  scene.stanza(kPeer, 1, {.id = "", .name = "iq", .type = "get"});  // its bounce waits for its record
  scene.lane.swap(bundle(narrower), scene.now);
  scene.log_writes = true;
  scene.settle();
  for (const LegId leg : {scene.last_dial()}) {
    scene.frame(kSouth, leg, Scene::closed(true));
    scene.frame(kNorth, kPeer, Scene::closed(true));
  }
  EXPECT_EQ(scene.lane.census().routes, 0U);
}

}  // namespace
}  // namespace sallyport::guard
