// A captured edge: frames that no honest edge would send. Nothing may cross that should not, and the other edge's other
// legs go on.
#include <functional>
#include <random>
#include <set>

#include <gmock/gmock.h>

#include "guard_scene.h"

namespace sallyport::guard {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

/// One of each frame, as far as an edge can say anything by it.
std::vector<airlock::Body> every_frame(const std::string& octets) {
  airlock::Stanza stanza;
  stanza.number = 1;
  stanza.normal_form = octets;
  airlock::Deliver deliver;
  deliver.number = 1;
  return {airlock::Hello{},
          airlock::Welcome{},
          Scene::opened(),
          airlock::Terms{},
          airlock::Refuse{},
          Scene::proved(),
          airlock::Dial{},
          Scene::ready(),
          Scene::failed(),
          airlock::Grant{},
          stanza,
          deliver,
          airlock::Credit{},
          airlock::Handled{},
          Scene::settled(0),
          Scene::close(),
          Scene::closed(true),
          airlock::Event{},
          airlock::Beat{},
          airlock::Drain{}};
}

/// A way to bring one leg of an edge into a state; gives that leg. North is the captured edge.
struct State {
  const char* name;
  Side side;
  Phase phase;
  std::function<LegId(Scene&)> reach;
};

std::vector<State> states() {
  return {
      {"negotiating", Side::Accepted, Phase::Negotiating,
       [](Scene& scene) {
         scene.frame(kNorth, kPeer, Scene::opened());
         return kPeer;
       }},
      {"held", Side::Accepted, Phase::Held,
       [](Scene& scene) {
         scene.knock();
         return kPeer;
       }},
      {"open", Side::Accepted, Phase::Open,
       [](Scene& scene) {
         scene.connect();
         return kPeer;
       }},
      {"draining", Side::Accepted, Phase::Draining,
       [](Scene& scene) {
         scene.connect();
         scene.frame(kNorth, kPeer, Scene::close());
         return kPeer;
       }},
      {"dialling", Side::Dialled, Phase::Dialling,
       [](Scene& scene) {
         scene.knock(kPeer, "bravo.test", "alpha.test", kSouth);
         return scene.last_dial();
       }},
      {"dialled and open", Side::Dialled, Phase::Open,
       [](Scene& scene) { return scene.connect(kPeer, "bravo.test", "alpha.test", kSouth); }},
      {"dialled and draining", Side::Dialled, Phase::Draining,
       [](Scene& scene) {
         const LegId leg = scene.connect(kPeer, "bravo.test", "alpha.test", kSouth);
         scene.frame(kNorth, leg, Scene::close());
         return leg;
       }},
  };
}

/// A route between others, which must go on whatever the captured edge does.
struct Bystander {
  explicit Bystander(Scene& scene) : scene_(scene) {
    far_ = scene.connect(kPeer + 100, "charlie.test", "delta.test", kSouth);
  }
  void expect_alive() {
    // Its far leg is on the captured edge, so it may have to be dialled again; its near leg and its stanza must live.
    const auto grants = scene_.count<airlock::Refuse>(kSouth);
    scene_.stanza(kPeer + 100, 1, {.from = "chloe@charlie.test/c", .to = "dan@delta.test", .id = "by"}, kSouth);
    EXPECT_EQ(scene_.count<airlock::Refuse>(kSouth), grants);
    EXPECT_THAT(scene_.stanza_records(), testing::Not(IsEmpty()));
    for (const Out& close : scene_.all<airlock::Close>(kSouth)) EXPECT_NE(close.leg, kPeer + 100);
    for (const EdgeIndex edge : scene_.ended) EXPECT_EQ(edge, kNorth);
  }

 private:
  Scene& scene_;
  LegId far_ = airlock::kNoLeg;
};

TEST(CapturedEdge, EveryFrameInEveryStateIsTakenIgnoredOrEndsThatLegAlone) {
  const std::string octets = normal_form({});
  for (const State& state : states()) {
    const std::size_t frames = every_frame(octets).size();
    for (std::size_t which = 0; which < frames; ++which) {
      Scene scene;
      Bystander bystander(scene);
      const LegId leg = state.reach(scene);
      const auto body = every_frame(octets)[which];
      SCOPED_TRACE(std::string(state.name) + " gets " + std::string(airlock::name(body)));
      scene.sent.clear();
      const auto alarms = scene.events("airlock.out-of-turn").size();
      scene.frame(kNorth, leg, body);
      // A pair that is granted already may not be proved again.
      const bool again = state.phase == Phase::Open && std::holds_alternative<airlock::Proved>(body);
      const Ruling ruled = again ? Ruling::Alarm : ruling(state.side, state.phase, body);
      EXPECT_EQ(scene.events("airlock.out-of-turn").size(), alarms + (ruled == Ruling::Alarm ? 1 : 0));
      EXPECT_THAT(scene.ended, IsEmpty()) << "a frame out of turn ends its leg, not its edge";
      if (ruled == Ruling::Alarm) {
        const auto closes = scene.all<airlock::Close>(kNorth);
        ASSERT_THAT(closes, SizeIs(1));
        EXPECT_EQ(closes[0].leg, leg);
        EXPECT_EQ(std::get<airlock::Close>(closes[0].body).kind, airlock::CloseKind::Abort);
        // Whatever it says now, until it says that the leg is over.
        scene.sent.clear();
        scene.stanza_octets(leg, 1, octets);
        EXPECT_EQ(scene.count<airlock::Deliver>(kSouth), 0U);
      } else if (!std::holds_alternative<airlock::Stanza>(body)) {
        EXPECT_EQ(scene.count<airlock::Deliver>(kSouth), 0U);
      }
      bystander.expect_alive();
    }
  }
}

TEST(CapturedEdge, EndsTheEdgeForAFrameAboutALegThatNeverWas) {
  const std::string octets = normal_form({});
  for (const auto& body : every_frame(octets)) {
    if (std::holds_alternative<airlock::Opened>(body)) continue;
    SCOPED_TRACE(airlock::name(body));
    for (const LegId leg : {LegId{4242}, LegId{4243}}) {
      Scene scene;
      Bystander bystander(scene);
      scene.frame(kNorth, leg, body);
      EXPECT_THAT(scene.ended, testing::ElementsAre(kNorth));
      EXPECT_THAT(scene.events("airlock.malformed"), SizeIs(1));
      bystander.expect_alive();
    }
  }
}

TEST(CapturedEdge, TakesNothingFromAnEdgeThatIsBeingEnded) {
  Scene scene;
  scene.connect();
  scene.frame(kNorth, 4242, Scene::close());
  scene.stanza(kPeer, 1);
  EXPECT_THAT(scene.stanza_records(), IsEmpty());
}

TEST(CapturedEdge, CannotReachALegOfTheOtherEdge) {
  Scene scene;
  const LegId far = scene.connect();
  // The dialled leg lives on south's channels; to north its id means nothing.
  scene.frame(kNorth, far, Scene::settled(1));
  EXPECT_EQ(scene.count<airlock::Close>(kSouth), 0U);
  scene.stanza(kPeer, 1, {.from = "bob@bravo.test", .to = "ann@alpha.test"}, kSouth);
  EXPECT_THAT(scene.ended, testing::Contains(kSouth)) << "an id of north's means nothing on south's channel";
  EXPECT_EQ(scene.count<airlock::Deliver>(kNorth), 0U);
}

TEST(CapturedEdge, CannotUseALegOfAnotherOfItsChannels) {
  Scene scene;
  scene.lose(kNorth);
  scene.join(kNorth, 2);
  scene.connect();
  const std::string octets = normal_form({});
  airlock::Stanza stanza;
  stanza.number = 1;
  stanza.normal_form = octets;
  scene.frame(kNorth, kPeer, stanza, 1);
  EXPECT_THAT(scene.ended, testing::ElementsAre(kNorth));
  EXPECT_THAT(scene.stanza_records(), IsEmpty());
}

TEST(CapturedEdge, CannotReplayALegId) {
  Scene scene;
  scene.connect();
  scene.frame(kNorth, kPeer, Scene::close());
  scene.frame(kNorth, kPeer, Scene::closed(true));
  scene.frame(kNorth, kPeer, Scene::opened());
  EXPECT_THAT(scene.ended, testing::ElementsAre(kNorth));
}

TEST(CapturedEdge, CannotOpenALegWithAnIdOfTheGuards) {
  Scene scene;
  scene.frame(kNorth, 12345, Scene::opened());
  EXPECT_THAT(scene.ended, testing::ElementsAre(kNorth));
}

TEST(CapturedEdge, CannotOverdrawItsCredit) {
  Scene scene;
  scene.connect();
  scene.log_writes = false;
  // 64 stanzas and the one that may overdraw; nothing is freed while the log does not write.
  for (std::uint64_t number = 1; number <= 65; ++number) scene.stanza(kPeer, number);
  EXPECT_THAT(scene.events("airlock.out-of-turn"), IsEmpty());
  scene.stanza(kPeer, 66);
  EXPECT_THAT(scene.events("airlock.out-of-turn"), SizeIs(1));
  EXPECT_THAT(scene.stanza_records(), SizeIs(64)) << "what the far edge had credit for";
  EXPECT_EQ(scene.last<airlock::Close>(kNorth).kind, airlock::CloseKind::Abort);
}

TEST(CapturedEdge, CannotRepeatOrSkipAStanzaNumber) {
  for (const std::uint64_t number : {0ULL, 1ULL, 3ULL, 1ULL << 63}) {
    Scene scene;
    scene.connect();
    scene.stanza(kPeer, 1);
    scene.stanza(kPeer, number);
    EXPECT_THAT(scene.stanza_records(), SizeIs(1)) << number;
    EXPECT_EQ(scene.last<airlock::Close>(kNorth).kind, airlock::CloseKind::Abort);
  }
}

TEST(CapturedEdge, CannotSettleWhatWasNotDelivered) {
  for (const std::uint64_t number : {2ULL, 1ULL << 63}) {
    Scene scene;
    const LegId far = scene.connect();
    scene.stanza(kPeer, 1);
    scene.frame(kSouth, far, Scene::settled(number));
    EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Abort);
    EXPECT_EQ(scene.count<airlock::Handled>(kNorth), 0U);
  }
}

TEST(CapturedEdge, CannotSettleBackwards) {
  Scene scene;
  const LegId far = scene.connect();
  scene.stanza(kPeer, 1);
  scene.frame(kSouth, far, Scene::settled(1));
  scene.frame(kSouth, far, Scene::settled(0));
  EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Abort);
}

TEST(CapturedEdge, CannotClaimMoreThanWasDeliveredWhenItsLegEnds) {
  Scene scene;
  const LegId far = scene.connect();
  scene.stanza(kPeer, 1);
  scene.frame(kSouth, far, Scene::closed(false, ~0ULL, ~0ULL));
  EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, 1U);
  EXPECT_EQ(scene.lane.census().dialled, 0U);
}

TEST(CapturedEdge, IsTreatedAsDeadForAStanzaThatIsNotInNormalForm) {
  for (std::string octets :
       {std::string(), std::string("<message/>"), normal_form({}) + '\0', normal_form({}).substr(1)}) {
    Scene scene;
    scene.connect();
    scene.stanza_octets(kPeer, 1, octets);
    EXPECT_THAT(scene.ended, testing::ElementsAre(kNorth));
    EXPECT_THAT(scene.events("airlock.normal-form"), SizeIs(1));
    EXPECT_EQ(scene.count<airlock::Deliver>(kSouth), 0U);
  }
}

TEST(CapturedEdge, CannotWriteRecordsByItsEvents) {
  Scene scene;
  airlock::Event event;
  event.code = "leg.settled";
  event.details = {{"through", "99"}};
  scene.frame(kNorth, airlock::kNoLeg, event);
  EXPECT_THAT(scene.events("leg.settled"), IsEmpty());
  EXPECT_THAT(scene.events("airlock.reported"), SizeIs(1));
}

TEST(CapturedEdge, CannotReplayALegIdByWayOfAnotherChannel) {
  Scene scene;
  scene.lose(kNorth);
  scene.join(kNorth, 2);
  scene.connect();
  scene.frame(kNorth, kPeer, Scene::close());
  scene.frame(kNorth, kPeer, Scene::closed(true));
  EXPECT_THAT(scene.ended, IsEmpty());
  scene.frame(kNorth, kPeer, Scene::opened(), 1);
  EXPECT_THAT(scene.ended, testing::ElementsAre(kNorth)) << "2 is an id of its lane 0";
}

TEST(CapturedEdge, CannotKeepALegOpenWithoutProving) {
  Scene scene;
  scene.frame(kNorth, kPeer, Scene::opened());
  scene.pass(121s);
  EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::ConnectionTimeout);
}

/// Random frames of both edges, seeded: no crash, no stanza out of the pairs that were granted, every Deliver recorded.
TEST(CapturedEdge, RandomFramesNeverReleaseWhatIsNotRecorded) {
  const std::string good = normal_form({});
  const std::string back = normal_form({.from = "bob@bravo.test", .to = "ann@alpha.test"});
  const std::string foreign = normal_form({.from = "eve@delta.test", .to = "bob@bravo.test"});
  for (unsigned seed = 0; seed < 300; ++seed) {
    Scene scene;
    std::mt19937 random(seed);
    const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
    std::vector<LegId> known{2, 4};
    for (int step = 0; step < 120; ++step) {
      const EdgeIndex edge = below(2);
      scene.log_writes = below(4) != 0;
      const LegId leg = below(40) == 0 ? random() : known[below(known.size())];
      const std::string& octets = below(5) == 0 ? foreign : edge == kNorth ? good : back;
      auto frames = every_frame(octets);
      airlock::Body body = frames[below(frames.size())];
      if (below(3) != 0) {
        const std::vector<airlock::Body> usual{
            Scene::opened(edge == kNorth ? "alpha.test" : "bravo.test", edge == kNorth ? "bravo.test" : "alpha.test"),
            Scene::proved(edge == kNorth ? "alpha.test" : "bravo.test", edge == kNorth ? "bravo.test" : "alpha.test"),
            Scene::ready(edge == kSouth ? "alpha.test" : "bravo.test", edge == kSouth ? "bravo.test" : "alpha.test"),
            frames[10]};
        body = usual[below(usual.size())];
      }
      if (auto* stanza = std::get_if<airlock::Stanza>(&body)) stanza->number = 1 + below(4);
      if (auto* settled = std::get_if<airlock::Settled>(&body)) settled->number = below(4);
      scene.frame(edge, leg, body);
      for (const Out& out : scene.sent) {
        if (std::holds_alternative<airlock::Dial>(out.body)) known.push_back(out.leg);
      }
      if (known.size() > 12) known.erase(known.begin() + 2, known.begin() + 6);
      if (below(10) == 0) scene.pass(std::chrono::milliseconds(below(8000)));
      for (const EdgeIndex ended : std::exchange(scene.ended, {})) {
        scene.lose(ended);
        scene.join(ended);
      }
    }
    scene.log_writes = true;
    scene.settle();
    std::set<std::uint64_t> released;
    for (std::size_t i = 0; i < scene.log.records.size(); ++i) {
      const auto* record = std::get_if<audit::StanzaRecord>(&scene.log.records[i]);
      if (record != nullptr && record->number_out != 0) released.insert(i + 1001);
      if (record != nullptr && record->verdict == "release" && record->cause.empty()) {
        EXPECT_EQ(record->from.find("delta.test"), std::string::npos);
      }
    }
    for (const EdgeIndex edge : {kNorth, kSouth}) {
      for (const Out& out : scene.all<airlock::Deliver>(edge)) {
        EXPECT_TRUE(released.contains(std::get<airlock::Deliver>(out.body).record)) << "seed " << seed;
        EXPECT_EQ(out.xml.find("delta.test"), std::string::npos);
      }
    }
  }
}

}  // namespace
}  // namespace sallyport::guard
