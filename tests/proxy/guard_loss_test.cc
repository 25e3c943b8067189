// What becomes of stanzas when something is lost: a leg, an edge, the log, the memory, the policy.
#include <set>

#include <gmock/gmock.h>

#include "guard_scene.h"

namespace sallyport::guard {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// A route that stands, with its reverse, so that bounces can be seen. Gives the two dialled legs.
struct Both {
  LegId far = airlock::kNoLeg, back = airlock::kNoLeg;
};
Both connect_both(Scene& scene) {
  Both both;
  both.far = scene.connect();
  both.back = scene.connect(kPeer, "bravo.test", "alpha.test", kSouth);
  return both;
}

std::vector<std::string> verdicts(const Scene& scene) {
  std::vector<std::string> all;
  for (const auto& record : scene.stanza_records()) all.push_back(record.verdict + " " + record.reason);
  return all;
}

TEST(Loss, SM_06_BouncesAMessageThatMayHaveArrivedAndSaysSo) {
  Scene scene;
  const Both legs = connect_both(scene);
  scene.stanza(kPeer, 1);
  scene.frame(kSouth, legs.far, Scene::closed(false, 1, 0));
  ASSERT_THAT(scene.delivered(kNorth), SizeIs(1));
  EXPECT_THAT(scene.delivered(kNorth)[0], HasSubstr("<remote-server-timeout"));
  EXPECT_THAT(verdicts(scene), ElementsAre("release policy.granted", "release route.lost"));
  const auto release = std::get<airlock::Deliver>(scene.all<airlock::Deliver>(kSouth)[0].body);
  EXPECT_EQ(scene.stanza_records()[1].cause, std::to_string(release.record));
  EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, 1U);
}

TEST(Loss, BouncesNothingThatHadSettled) {
  Scene scene;
  const Both legs = connect_both(scene);
  scene.stanza(kPeer, 1);
  scene.stanza(kPeer, 2);
  scene.frame(kSouth, legs.far, Scene::closed(false, 2, 2));
  EXPECT_THAT(scene.delivered(kNorth), IsEmpty());
  EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, 2U);
}

TEST(Loss, SM_06_SendsPresenceAgainOnTheNextLeg) {
  Scene scene;
  const Both legs = connect_both(scene);
  scene.stanza(kPeer, 1, {.name = "presence", .type = ""});
  scene.frame(kSouth, legs.far, Scene::closed(false, 1, 0));
  scene.pass(5s);
  scene.frame(kSouth, scene.last_dial(), Scene::ready());
  ASSERT_THAT(scene.delivered(kSouth), SizeIs(2));
  EXPECT_EQ(scene.delivered(kSouth)[0], scene.delivered(kSouth)[1]);
  EXPECT_THAT(scene.events("route.repeated"), SizeIs(1));
  EXPECT_THAT(scene.stanza_records(), SizeIs(1)) << "judged and recorded once";
}

TEST(Loss, SendsAgainWhatTheEdgeHadNotWritten) {
  Scene scene;
  const Both legs = connect_both(scene);
  for (std::uint64_t number = 1; number <= 3; ++number)
    scene.stanza(kPeer, number, {.id = "m" + std::to_string(number)});
  scene.frame(kSouth, legs.far, Scene::closed(false, 1, 1));
  scene.stanza(kPeer, 4, {.id = "m4"});
  scene.pass(5s);
  scene.frame(kSouth, scene.last_dial(), Scene::ready());
  EXPECT_THAT(scene.delivered(kSouth), ElementsAre(HasSubstr("'m1'"), HasSubstr("'m2'"), HasSubstr("'m3'"),
                                                   HasSubstr("'m2'"), HasSubstr("'m3'"), HasSubstr("'m4'")));
  EXPECT_THAT(scene.delivered(kNorth), IsEmpty());
}

TEST(Loss, WaitsForTheRecordBeforeItTakesAStanzaBack) {
  Scene scene;
  const Both legs = connect_both(scene);
  scene.log_writes = false;
  scene.stanza(kPeer, 1, {.id = "m1"});
  scene.frame(kSouth, legs.far, Scene::closed(false, 0, 0));
  scene.log_writes = true;
  scene.settle();
  EXPECT_THAT(scene.delivered(kSouth), IsEmpty());
  scene.pass(5s);
  scene.frame(kSouth, scene.last_dial(), Scene::ready());
  EXPECT_THAT(scene.delivered(kSouth), SizeIs(1));
}

TEST(Loss, RecordsWhatCannotBeBounced) {
  Scene scene;
  const Both legs = connect_both(scene);
  scene.stanza(kPeer, 1, {.name = "iq", .type = "result"});
  scene.frame(kSouth, legs.far, Scene::closed(false, 1, 0));
  EXPECT_THAT(scene.delivered(kNorth), IsEmpty());
  EXPECT_THAT(scene.events("route.lost"), SizeIs(1));
}

TEST(Loss, STZ_22_QueuesForTwentySecondsAndThenBounces) {
  Scene scene;
  const Both legs = connect_both(scene);
  scene.frame(kSouth, legs.far, Scene::closed(true, 0, 0));
  scene.stanza(kPeer, 1);
  scene.pass(19'900ms);
  EXPECT_THAT(scene.delivered(kNorth), IsEmpty());
  EXPECT_EQ(scene.count<airlock::Close>(kNorth), 0U) << "the near leg stays";
  scene.pass(200ms);
  EXPECT_THAT(scene.delivered(kNorth), ElementsAre(HasSubstr("<remote-server-timeout")));
  EXPECT_THAT(verdicts(scene), ElementsAre("bounce route.timeout", "release route.timeout"));
}

TEST(Loss, STZ_22_SaysThatADomainWithoutANameWasNotFound) {
  Scene scene;
  const Both legs = connect_both(scene);
  scene.frame(kSouth, legs.far, Scene::closed(true));
  scene.stanza(kPeer, 1);
  scene.frame(kSouth, scene.last_dial(), Scene::failed(airlock::DialFault::NoName));
  EXPECT_THAT(scene.delivered(kNorth), ElementsAre(HasSubstr("<remote-server-not-found")));
}

TEST(Loss, BouncesTheHundredAndFirst) {
  Scene scene;
  const Both legs = connect_both(scene);
  scene.frame(kSouth, legs.far, Scene::closed(true));
  for (std::uint64_t number = 1; number <= 101; ++number)
    scene.stanza(kPeer, number, {.id = "m" + std::to_string(number)});
  ASSERT_THAT(scene.delivered(kNorth), SizeIs(1));
  EXPECT_THAT(scene.delivered(kNorth)[0], HasSubstr("id='m101'"));
  EXPECT_THAT(scene.delivered(kNorth)[0], HasSubstr("<resource-constraint"));
  EXPECT_EQ(scene.count<airlock::Close>(kNorth), 0U);
}

TEST(Loss, BouncesAtOnceWhileTheGateIsClosed) {
  Scene scene;
  const Both legs = connect_both(scene);
  scene.frame(kSouth, legs.far, Scene::closed(true));
  std::uint64_t number = 1;
  // Each round ends in a failure; sooner or later the gate stays closed for longer than a stanza may wait.
  for (int round = 0; round < 200; ++round) {
    scene.stanza(kPeer, number++);
    if (scene.count<airlock::Dial>(kSouth) > 0 && scene.lane.census().queued == 0) break;
    scene.pass(1s);
    const LegId dial = scene.last_dial();
    if (dial != legs.far) scene.frame(kSouth, dial, Scene::failed());
  }
  EXPECT_THAT(scene.delivered(kNorth), testing::Not(IsEmpty()));
  EXPECT_THAT(scene.ended, IsEmpty());
}

TEST(Loss, DropsAndRecordsABounceThatHasNoWayBack) {
  Scene scene;
  const LegId far = scene.connect();
  scene.stanza(kPeer, 1);
  scene.frame(kSouth, far, Scene::closed(false, 1, 0));
  ASSERT_EQ(scene.count<airlock::Dial>(kNorth), 1U);
  scene.frame(kNorth, scene.all<airlock::Dial>(kNorth)[0].leg, Scene::failed(airlock::DialFault::Refused));
  EXPECT_THAT(verdicts(scene), ElementsAre("release policy.granted", "drop route.bounce-lost"));
  EXPECT_EQ(scene.lane.census().queued, 0U);
}

TEST(Loss, AnEdgeTakesItsLegsWithItAndNoOthers) {
  Scene scene;
  const Both legs = connect_both(scene);
  scene.stanza(kPeer, 1);
  scene.lose(kSouth);
  EXPECT_EQ(scene.count<airlock::Close>(kNorth), 0U) << "the other edge keeps its legs";
  // What south had written nobody knows: the message is bounced, on a route that still stands.
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1));
  EXPECT_EQ(scene.lane.census().accepted, 1U);
  scene.stanza(kPeer, 2, {.id = "later"});
  scene.join(kSouth);
  scene.pass(5s);
  scene.frame(kSouth, scene.last_dial(), Scene::ready());
  EXPECT_THAT(scene.delivered(kSouth).back(), HasSubstr("later"));
  scene.frame(kNorth, legs.back, Scene::settled(1));
  EXPECT_THAT(scene.ended, IsEmpty());
}

TEST(Loss, AnEdgeThatComesBackMayUseItsIdsAgain) {
  Scene scene;
  scene.connect();
  scene.lose(kNorth);
  scene.join(kNorth);
  scene.knock();
  EXPECT_EQ(scene.count<airlock::Grant>(kNorth), 2U);
}

TEST(Loss, D_27_ReleasesAnswersAndCreditsNothingAfterTheLogHasFailed) {
  Scene scene;
  const Both legs = connect_both(scene);
  scene.stanza(kPeer, 1);
  scene.log_writes = false;
  scene.stanza(kPeer, 2);
  scene.lane.halt();
  scene.sent.clear();
  scene.log_writes = true;
  scene.settle();
  scene.frame(kSouth, legs.far, Scene::settled(1));
  scene.stanza(kPeer, 3);
  for (const EdgeIndex edge : {kNorth, kSouth}) {
    EXPECT_EQ(scene.count<airlock::Deliver>(edge), 0U);
    EXPECT_EQ(scene.count<airlock::Handled>(edge), 0U);
    EXPECT_EQ(scene.count<airlock::Credit>(edge), 0U);
  }
}

TEST(Loss, D_27_LetsNothingGoOnWhileTheLogHasNoRoom) {
  Scene scene;
  connect_both(scene);
  scene.log_writes = false;
  scene.log.capacity = 4;
  for (std::uint64_t number = 1; number <= 20; ++number) scene.stanza(kPeer, number);
  EXPECT_EQ(scene.count<airlock::Deliver>(kSouth), 0U);
  EXPECT_EQ(scene.count<airlock::Credit>(kNorth), 0U);
  scene.frame(kNorth, kPeer + 2, Scene::opened("delta.test", "charlie.test"));
  EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::ResourceConstraint);
  scene.log_writes = true;
  scene.settle();
  EXPECT_THAT(scene.delivered(kSouth), SizeIs(20));
}

TEST(Loss, ReloadEndsExactlyWhatItNamed) {
  Scene scene;
  const Both legs = connect_both(scene);
  scene.connect(kPeer + 2, "delta.test", "charlie.test");
  auto narrower = tables();
  // alpha may not speak with anybody any more.
  std::erase_if(narrower.routes, [](const policy::Route& route) { return route.from == 0 || route.to == 0; });
  const auto next = bundle(narrower);
  const auto endings = scene.lane.endings(*next);
  ASSERT_THAT(endings, SizeIs(2));
  EXPECT_EQ(endings[0].pair, (policy::Pair{"alpha.test", "bravo.test"}));
  EXPECT_TRUE(endings[0].near && endings[0].far);
  EXPECT_EQ(endings[1].pair, (policy::Pair{"bravo.test", "alpha.test"}));
  scene.sent.clear();
  scene.lane.swap(next, scene.now);
  scene.settle();
  std::set<std::pair<EdgeIndex, LegId>> closed;
  for (const EdgeIndex edge : {kNorth, kSouth}) {
    for (const Out& out : scene.all<airlock::Close>(edge)) closed.emplace(edge, out.leg);
  }
  EXPECT_EQ(closed, (std::set<std::pair<EdgeIndex, LegId>>{
                        {kNorth, kPeer}, {kSouth, legs.far}, {kSouth, kPeer}, {kNorth, legs.back}}));
  scene.stanza(kPeer + 2, 1, {.from = "dan@delta.test", .to = "chloe@charlie.test"});
  EXPECT_EQ(scene.count<airlock::Deliver>(kSouth), 1U);
  EXPECT_EQ(scene.stanza_records()[0].bundle, next->hash());
}

TEST(Loss, ReloadBouncesWhatWasQueuedForAnEndedRoute) {
  Scene scene;
  const LegId far = scene.connect();
  scene.frame(kSouth, far, Scene::closed(true));
  scene.stanza(kPeer, 1);
  auto narrower = tables();
  std::erase_if(narrower.routes, [](const policy::Route& route) { return route.from == 0 || route.to == 0; });
  scene.lane.swap(bundle(narrower), scene.now);
  scene.settle();
  EXPECT_THAT(verdicts(scene)[0], HasSubstr("addressing.not-granted"));
  // The bounce has no way that a rule grants, so none is dialled for it.
  scene.pass(30s);
  EXPECT_EQ(scene.count<airlock::Dial>(kNorth), 0U);
  EXPECT_THAT(verdicts(scene), testing::Contains(HasSubstr("route.bounce-lost")));
}

TEST(Loss, ReloadEndsALegThatWaitsForAPairThatIsWithdrawnInOneDirection) {
  Scene scene;
  scene.knock();
  const LegId far = scene.last_dial();
  auto narrower = tables();
  std::erase_if(narrower.routes, [](const policy::Route& route) { return route.from == 0; });
  const auto next = bundle(narrower);
  EXPECT_THAT(scene.lane.endings(*next), SizeIs(1));
  scene.lane.swap(next, scene.now);
  scene.settle();
  EXPECT_EQ(scene.count<airlock::Refuse>(kNorth), 1U);
  scene.frame(kSouth, far, Scene::ready());
  EXPECT_EQ(scene.count<airlock::Grant>(kNorth), 0U);
}

TEST(Loss, ReloadKeepsWhatIsNotGrantedAnyMoreFromBeingSentAgain) {
  Scene scene;
  const LegId far = scene.connect();
  scene.stanza(kPeer, 1, {.name = "presence", .type = ""});
  auto narrower = tables();
  std::erase_if(narrower.routes, [](const policy::Route& route) { return route.from == 0; });
  scene.lane.swap(bundle(narrower), scene.now);
  scene.settle();
  scene.frame(kSouth, far, Scene::closed(true));
  scene.pass(30s);
  EXPECT_EQ(scene.count<airlock::Dial>(kSouth), 1U);
  EXPECT_EQ(scene.count<airlock::Deliver>(kSouth), 1U);
  EXPECT_THAT(scene.events("addressing.not-granted"), SizeIs(1));
}

TEST(Loss, ARouteOutlivesTheLegsThatWereDialledForIt) {
  Scene scene;
  scene.knock();
  const LegId far = scene.last_dial();
  auto bad = Scene::ready();
  bad.certificate.chain = false;
  scene.frame(kSouth, far, bad);
  scene.frame(kNorth, kPeer, Scene::closed(true));
  EXPECT_EQ(scene.lane.census().routes, 1U) << "its dialled leg is not closed yet";
  scene.frame(kSouth, far, Scene::closed(false));
  EXPECT_EQ(scene.lane.census().routes, 0U);
  EXPECT_EQ(scene.lane.census().dialled, 0U);
}

TEST(Loss, ARouteThatWaitsForAPlaceIsDialledWhenAnotherStands) {
  Scene scene;
  scene.knock(2, "bravo.test", "alpha.test", kSouth);
  scene.knock(4, "charlie.test", "alpha.test", kSouth);
  scene.knock(6, "conf.bravo.test", "alpha.test", kSouth);
  ASSERT_EQ(scene.count<airlock::Dial>(kNorth), 2U);
  scene.frame(kNorth, scene.all<airlock::Dial>(kNorth)[0].leg, Scene::ready("bravo.test", "alpha.test"));
  EXPECT_EQ(scene.count<airlock::Dial>(kNorth), 3U);
}

TEST(Loss, DrainTakesNothingNew) {
  Scene scene;
  scene.connect();
  scene.lane.drain(scene.now, 5s);
  EXPECT_EQ(scene.count<airlock::Drain>(kNorth), 1U);
  EXPECT_EQ(scene.count<airlock::Drain>(kSouth), 1U);
  scene.frame(kNorth, kPeer + 2, Scene::opened("delta.test", "charlie.test"));
  EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::SystemShutdown);
  scene.stanza(kPeer, 1);
  EXPECT_EQ(scene.count<airlock::Deliver>(kSouth), 1U) << "what stands goes on until the end";
}

TEST(Loss, GivesTheSmallestCreditWhenMemoryIsShortAndEveryLegStillGetsItsTurn) {
  Scene scene(Scene::default_settings(), kWindowOctets);
  scene.connect();
  const LegId second = scene.connect(kPeer + 2, "delta.test", "charlie.test");
  EXPECT_EQ(scene.last<airlock::Grant>(kNorth).stanzas, 1U);
  for (std::uint64_t number = 1; number <= 5; ++number) {
    scene.stanza(kPeer + 2, number, {.from = "dan@delta.test", .to = "chloe@charlie.test"});
    scene.frame(kSouth, second, Scene::settled(number));
    EXPECT_EQ(scene.count<airlock::Credit>(kNorth), number);
  }
  EXPECT_EQ(scene.count<airlock::Deliver>(kSouth), 5U);
}

// Both directions are full and bounces are due in both: nobody may wait for credit while holding what would bring it.
TEST(Loss, NothingDeadlocksWhenBothDirectionsStallAndBouncesAreDue) {
  Scene scene;
  const Both legs = connect_both(scene);
  std::uint64_t north = 0, south = 0;
  const Message answer{.from = "bob@bravo.test/b", .to = "ann@alpha.test/a"};
  for (int i = 0; i < 100; ++i) {
    scene.stanza(kPeer, ++north);
    scene.stanza(kPeer, ++south, answer, kSouth);
  }
  // 64 have gone each way, the rest waits. Now stanzas that are bounced.
  for (int i = 0; i < 20; ++i) {
    scene.stanza(kPeer, ++north, {.id = "", .name = "iq", .type = "get"});
    scene.stanza(kPeer, ++south, {.from = answer.from, .to = answer.to, .id = "", .name = "iq", .type = "get"}, kSouth);
  }
  std::size_t errors = 0;
  for (const EdgeIndex edge : {kNorth, kSouth}) {
    for (const std::string& xml : scene.delivered(edge)) errors += xml.find("type='error'") != std::string::npos;
  }
  EXPECT_EQ(errors, 20U) << "ten a second each way, from the reserve";
  // The far readers wake up, and all that was taken leaves.
  scene.frame(kSouth, legs.far, Scene::credit(1'000'000, 1000));
  scene.frame(kNorth, legs.back, Scene::credit(1'000'000, 1000));
  scene.frame(kSouth, legs.far, Scene::settled(scene.delivered(kSouth).size()));
  scene.frame(kNorth, legs.back, Scene::settled(scene.delivered(kNorth).size()));
  EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, north);
  EXPECT_EQ(scene.last<airlock::Handled>(kSouth).number, south);
  EXPECT_EQ(scene.lane.census().queued, 0U);
}

TEST(Loss, S_17_BoundsTheInjectionsOfARouteThatDoesNotStand) {
  Scene scene;
  scene.connect();
  for (std::uint64_t number = 1; number <= 100; ++number) {
    scene.advance(200ms);
    scene.stanza(kPeer, number, {.id = "", .name = "iq", .type = "get"});
  }
  EXPECT_LE(scene.lane.census().queued, 64U);
  std::size_t dropped = 0;
  for (const auto& record : scene.stanza_records()) dropped += record.reason == "route.bounce-lost";
  EXPECT_EQ(dropped, 36U);
}

}  // namespace
}  // namespace sallyport::guard
