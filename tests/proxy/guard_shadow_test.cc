// The shadow policy of a lane: what it says of what crosses and does not, and that nothing follows from it.
#include <gmock/gmock.h>

#include "guard_scene.h"

namespace sallyport::guard {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

/// A policy like that in force, but for its only change.
template <class Change>
std::shared_ptr<const policy::Bundle> changed(Change change) {
  auto other = tables();
  change(other);
  return bundle(std::move(other));
}

std::shared_ptr<const policy::Bundle> without_messages() {
  return changed([](policy::Tables& other) { other.peerings[0].message = false; });
}

std::vector<std::string> shadows(const Scene& scene) {
  std::vector<std::string> found;
  for (const auto& record : scene.stanza_records()) found.push_back(record.shadow);
  return found;
}

TEST(Shadow, SaysOfWhatCrossesThatItWouldRefuseItAndItCrosses) {
  Scene scene;
  scene.lane.shade(without_messages(), scene.now);
  scene.connect();
  scene.stanza(kPeer, 1);
  EXPECT_THAT(scene.delivered(kSouth), SizeIs(1));
  EXPECT_THAT(scene.delivered(kNorth), IsEmpty());
  EXPECT_THAT(shadows(scene), ElementsAre("bounce addressing.kind-not-granted everything"));
  EXPECT_EQ(scene.stanza_records()[0].bundle, bundle()->hash());
}

TEST(Shadow, SaysOfWhatIsRefusedThatItWouldLetItCrossAndItDoesNot) {
  Scene scene(Scene::default_settings(), 1 << 30, without_messages());
  scene.lane.shade(bundle(), scene.now);
  scene.connect();
  scene.stanza(kPeer, 1);
  EXPECT_THAT(scene.delivered(kSouth), IsEmpty());
  EXPECT_EQ(scene.stanza_records()[0].shadow, "release policy.granted everything");
}

TEST(Shadow, SaysNothingWhereItWouldDoTheSame) {
  Scene scene;
  scene.lane.shade(changed([](policy::Tables& other) { other.name = "another"; }), scene.now);
  scene.connect();
  scene.stanza(kPeer, 1);
  scene.stanza(
      kPeer, 2,
      {.from = "ann@alpha.test/a", .to = "bob@bravo.test/x", .id = "q", .body = "", .name = "iq", .type = "get"});
  EXPECT_THAT(shadows(scene), ElementsAre("", ""));
  EXPECT_EQ(scene.lane.census().shadow.judged, 2U);
  EXPECT_EQ(scene.lane.census().shadow.otherwise, 0U);
}

TEST(Shadow, SaysOfWhatCrossesThatItWouldCrossWithOtherContent) {
  const auto masking = changed([](policy::Tables& other) {
    policy::ContentRule rule;
    rule.id = "names";
    rule.places = policy::bit(policy::TextPlace::Body);
    rule.action = policy::ContentAction::Mask;
    rule.words = {"hello"};
    rule.peerings = {0};
    other.contents = {rule};
    other.settings.stages_off &= static_cast<std::uint8_t>(~(1U << static_cast<unsigned>(policy::Stage::Content)));
  });
  Scene scene;
  scene.lane.shade(masking, scene.now);
  scene.connect();
  scene.stanza(kPeer, 1);
  EXPECT_THAT(scene.delivered(kSouth), ElementsAre(testing::HasSubstr("<body>hello</body>")));
  EXPECT_THAT(shadows(scene), ElementsAre("alter policy.granted everything"));
  EXPECT_EQ(scene.lane.census().shadow.otherwise, 1U);
}

TEST(Shadow, IsAskedAboutSoManyStanzasASecondAndNoMore) {
  auto settings = Scene::default_settings();
  settings.shadow_rate = 2;
  Scene scene(settings);
  scene.lane.shade(without_messages(), scene.now);
  scene.connect();
  for (std::uint64_t number = 1; number <= 3; ++number) scene.stanza(kPeer, number);
  const std::string differs = "bounce addressing.kind-not-granted everything";
  EXPECT_THAT(shadows(scene), ElementsAre(differs, differs, ""));
  scene.pass(1s);
  scene.stanza(kPeer, 4);
  EXPECT_EQ(shadows(scene).back(), differs);
  EXPECT_EQ(scene.lane.census().shadow.skipped, 1U);
  EXPECT_EQ(scene.lane.census().shadow.judged, 3U);
}

TEST(Shadow, PutsItsCountsOnRecordEveryMinuteInWhichThereWereAny) {
  Scene scene;
  const auto shadow = without_messages();
  scene.lane.shade(shadow, scene.now);
  const LegId far = scene.connect();
  scene.stanza(kPeer, 1);
  scene.frame(kSouth, far, Scene::settled(1));
  EXPECT_THAT(scene.events("policy.shadow-counted"), IsEmpty());
  scene.pass(61s);
  const auto counted = scene.events("policy.shadow-counted");
  ASSERT_THAT(counted, SizeIs(1));
  EXPECT_THAT(counted[0].details, ElementsAre(Pair("bundle", shadow->hash()), Pair("judged", "1"), Pair("crosses", "0"),
                                              Pair("refused", "1"), Pair("otherwise", "0"), Pair("skipped", "0"),
                                              Pair("addressing.kind-not-granted", "1")));
  scene.pass(120s);
  EXPECT_THAT(scene.events("policy.shadow-counted"), SizeIs(1)) << "nothing was judged since";
}

TEST(Shadow, PutsItsCountsOnRecordWhenItIsTakenAway) {
  Scene scene;
  scene.lane.shade(without_messages(), scene.now);
  scene.connect();
  scene.stanza(kPeer, 1);
  scene.lane.shade(nullptr, scene.now);
  scene.settle();
  EXPECT_THAT(scene.events("policy.shadow-counted"), SizeIs(1));
  scene.stanza(kPeer, 2);
  EXPECT_THAT(shadows(scene).back(), "");
}

}  // namespace
}  // namespace sallyport::guard
