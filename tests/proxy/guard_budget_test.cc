// A captured edge that says too much: records, legs and the memory that they take stay within their bounds.
#include <gmock/gmock.h>

#include "guard_scene.h"

namespace sallyport::guard {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST(CapturedEdge, D_30_CannotFloodTheLogWithEvents) {
  Scene scene;
  airlock::Event event;
  event.code = "edge.anything";
  for (int i = 0; i < 5000; ++i) scene.frame(kNorth, airlock::kNoLeg, event);
  EXPECT_THAT(scene.events("airlock.reported"), SizeIs(100));
  scene.advance(1min);
  scene.frame(kNorth, airlock::kNoLeg, event);
  ASSERT_THAT(scene.events("airlock.reports"), SizeIs(1));
  EXPECT_EQ(scene.events("airlock.reports")[0].details[0].second, "4900");
}

std::size_t octets(const audit::Record& record) {
  const auto* event = std::get_if<audit::EventRecord>(&record);
  std::size_t sum = 0;
  if (event == nullptr) return sum;
  for (const auto& [name, value] : event->details) sum += name.size() + value.size();
  return sum;
}

TEST(CapturedEdge, D_30_CannotFillTheRecordsWithLongTexts) {
  const std::string text(100'000, 'x');
  Scene scene;
  auto opened = Scene::opened();
  opened.from = opened.lang = opened.peer = opened.destination = text;
  opened.tls.version = opened.tls.cipher = opened.certificate.serial = opened.certificate.problem = text;
  opened.certificate.names.assign(10, text);
  scene.frame(kNorth, kPeer, opened);
  airlock::Event event;
  event.code = text;
  event.details.assign(100, {text, text});
  scene.frame(kNorth, kPeer, event);
  scene.frame(kNorth, kPeer, Scene::closed(false));
  const LegId far = scene.connect(kPeer + 2);
  auto close = Scene::close(airlock::CloseKind::Condition);
  close.why = text;
  scene.frame(kSouth, far, close);
  for (const auto& record : scene.log.records) EXPECT_LT(octets(record), 17 * 2 * 1100U);
  EXPECT_THAT(scene.events("leg.opened").front().details[0].second, testing::HasSubstr("(cut, of 100000 octets)"));
}

TEST(CapturedEdge, D_30_CannotFloodTheLogWithLegs) {
  Scene scene;
  LegId leg = 0;
  const auto come_and_go = [&] {
    leg += 2;
    scene.frame(kNorth, leg, Scene::opened());
    scene.frame(kNorth, leg, Scene::closed(false));
  };
  while (scene.log.times("airlock.flood") == 0 && leg < 100'000) come_and_go();
  EXPECT_EQ(leg, FrameBudget::kMost + 2) << "two frames each";
  const std::size_t records = scene.log.records.size();
  scene.sent.clear();
  for (int more = 0; more < 100; ++more) come_and_go();
  EXPECT_EQ(scene.count<airlock::Refuse>(kNorth), 100U);
  EXPECT_EQ(scene.log.records.size(), records) << "they are only counted";
  EXPECT_THAT(scene.ended, IsEmpty());
  scene.advance(10s);
  come_and_go();
  EXPECT_EQ(scene.events("airlock.flood").back().details[0].second, "101");
  // One that goes on without a pause is ended.
  while (scene.ended.empty() && leg < 200'000) come_and_go();
  EXPECT_THAT(scene.ended, testing::ElementsAre(kNorth));
}

TEST(CapturedEdge, CannotMakeTheGuardKeepRecordsWithoutEndWhileTheLogStalls) {
  Scene scene;
  scene.log_writes = false;
  scene.log.capacity = 10;
  LegId leg = 0;
  while (scene.ended.empty() && leg < 100'000) {
    leg += 2;
    scene.frame(kNorth, leg, Scene::opened());
    scene.frame(kNorth, leg, Scene::closed(false));
  }
  EXPECT_THAT(scene.ended, testing::ElementsAre(kNorth));
  EXPECT_LT(scene.lane.census().unrecorded, 5'000U);
}

TEST(CapturedEdge, CannotKeepMoreLegsThanTheLimit) {
  Scene scene;
  LegId leg = 2;
  for (std::size_t i = 0; i < kLegsPerEdge; ++i, leg += 2)
    scene.lane.on_frame(kNorth, 0, {leg, Scene::opened()}, scene.now);
  scene.settle();
  EXPECT_EQ(scene.count<airlock::Refuse>(kNorth), 0U);
  scene.frame(kNorth, leg, Scene::opened());
  EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::ResourceConstraint);
}

TEST(CapturedEdge, IsEndedWhenItOpensLegsWithoutEndAndClosesNone) {
  Scene scene;
  LegId leg = 2;
  for (std::size_t i = 0; i < kMostLegsPerEdge; ++i, leg += 2)
    scene.lane.on_frame(kNorth, 0, {leg, Scene::opened("alpha.test", "nowhere.test")}, scene.now);
  EXPECT_TRUE(scene.ended.empty());
  scene.lane.on_frame(kNorth, 0, {leg, Scene::opened("alpha.test", "nowhere.test")}, scene.now);
  EXPECT_THAT(scene.ended, testing::ElementsAre(kNorth));
}

TEST(CapturedEdge, IsEndedWhenItNeverClosesALeg) {
  Scene scene;
  scene.frame(kNorth, kPeer, Scene::opened("alpha.test", "nowhere.test"));
  scene.pass(61s);
  EXPECT_THAT(scene.ended, testing::ElementsAre(kNorth));
}

}  // namespace
}  // namespace sallyport::guard
