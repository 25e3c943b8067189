// A lane and the ledger: what is taken back, sent later, probed, parked for the store and stopped when it fails.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <unistd.h>

#include "proxy/guard/ledger_store.h"
#include "tests/proxy/guard_scene.h"

namespace sallyport::guard {
namespace {

using policy::presence::PairView;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kAnn = "ann@alpha.test", kBob = "bob@bravo.test";

std::shared_ptr<const policy::Bundle> with_presence() {
  policy::Tables made = tables();
  made.settings.stages_off &= static_cast<std::uint8_t>(~(1U << static_cast<unsigned>(policy::Stage::Presence)));
  return bundle(std::move(made));
}

/// A store that commits when told.
class PaperStore final : public LedgerOutlet {
 public:
  std::uint64_t submit(std::vector<StoredPair> new_pairs, std::vector<StoredShown> new_shown) override {
    for (StoredPair& each : new_pairs) pairs.push_back(std::move(each));
    for (StoredShown& each : new_shown) shown.push_back(std::move(each));
    return ++submitted;
  }
  std::uint64_t committed() const override { return done; }
  bool has_failed() const override { return failed; }

  std::vector<StoredPair> pairs;
  std::vector<StoredShown> shown;
  std::uint64_t submitted = 0, done = 0;
  bool failed = false;
};

/// Both directions of alpha.test and bravo.test stand.
struct PresenceScene : Scene {
  explicit PresenceScene(LedgerOutlet* store = nullptr, const std::vector<StoredPair>& pairs = {},
                         const std::vector<StoredShown>& shown = {})
      : Scene(default_settings(), 1 << 30, with_presence()) {
    if (store != nullptr) lane.restore(pairs, shown, store, now);
    // In this order, since after a restart the way to alpha.test is dialled already.
    to_alpha = connect(4, "bravo.test", "alpha.test", kSouth);
    to_bravo = connect(kPeer, "alpha.test", "bravo.test", kNorth);
    sent.clear();
  }

  void say(const std::string& from, const std::string& to, const std::string& type = "") {
    const bool north = from.contains("@alpha.test");
    Message message;
    message.name = "presence";
    message.from = from;
    message.to = to;
    message.type = type;
    message.id = "";
    stanza(north ? kPeer : 4, north ? ++from_alpha : ++from_bravo, message, north ? kNorth : kSouth);
  }
  void subscribe(const std::string& watcher, const std::string& watched) {
    say(watcher, watched, "subscribe");
    say(watched, watcher, "subscribed");
    pass(11s);
  }
  /// What has left since the last call: "type from to".
  std::vector<std::string> left() {
    std::vector<std::string> all;
    for (const Out& out : sent) {
      if (out.xml.empty()) continue;
      const auto value = [&](const std::string& name) {
        const std::string mark = " " + name + "='";
        const std::size_t at = out.xml.find(mark);
        if (at == std::string::npos) return std::string();
        return out.xml.substr(at + mark.size(), out.xml.find('\'', at + mark.size()) - at - mark.size());
      };
      const std::string type = value("type");
      all.push_back((type.empty() ? "available" : type) + " " + value("from") + " " + value("to"));
    }
    sent.clear();
    return all;
  }
  std::string last_reason() const {
    for (auto at = log.records.rbegin(); at != log.records.rend(); ++at)
      if (const auto* stanza = std::get_if<audit::StanzaRecord>(&*at)) return stanza->reason;
    return "";
  }

  LegId to_bravo = 0, to_alpha = 0;
  std::uint64_t from_alpha = 0, from_bravo = 0;
};

TEST(LanePresence, P_00_TakesBackWhatNoServerTakesBack) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  scene.say(kAnn + "/a", kBob);
  scene.say(kAnn + "/b", kBob);
  scene.say(kAnn, kBob, "unsubscribed");
  scene.left();
  scene.pass(1999ms);
  EXPECT_THAT(scene.left(), IsEmpty());
  scene.pass(1ms);
  EXPECT_THAT(scene.left(), ::testing::UnorderedElementsAre("unavailable ann@alpha.test/a bob@bravo.test",
                                                            "unavailable ann@alpha.test/b bob@bravo.test"));
  EXPECT_EQ(scene.last_reason(), "presence.taken-back");
  scene.say(kAnn + "/a", kBob);
  scene.pass(1h);
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(LanePresence, P_03_SendsTheNewestWhenTheIntervalIsOver) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  scene.say(kAnn + "/a", kBob);
  scene.left();
  for (int i = 0; i < 5; ++i) {
    scene.say(kAnn + "/a", kBob);
    scene.pass(1s);
  }
  EXPECT_THAT(scene.left(), IsEmpty());
  scene.pass(5s);
  EXPECT_THAT(scene.left(), ElementsAre("available ann@alpha.test/a bob@bravo.test"));
  EXPECT_EQ(scene.last_reason(), "presence.sent-later");
}

TEST(LanePresence, P_03_SendsNothingLaterThatAnotherPolicyHasJudged) {
  for (const bool is_another : {true, false}) {
    PresenceScene scene;
    scene.subscribe(kBob, kAnn);
    scene.say(kAnn + "/a", kBob);
    scene.say(kAnn + "/a", kBob);
    policy::Tables other = with_presence()->tables();
    if (is_another) other.name = "another";
    scene.lane.swap(bundle(std::move(other)), scene.now);
    scene.left();
    scene.pass(1min);
    EXPECT_EQ(scene.left().size(), is_another ? 0U : 1U);
    scene.say(kAnn + "/a", kBob);
    EXPECT_EQ(scene.left().size(), 1U) << "what comes now is judged now";
  }
}

TEST(LanePresence, P_03_SendsNothingLaterAfterAnEnd) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  scene.say(kAnn + "/a", kBob);
  scene.say(kAnn + "/a", kBob);
  scene.say(kAnn + "/a", kBob, "unavailable");
  scene.left();
  scene.pass(1min);
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(LanePresence, P_00_SendsNothingLaterAfterACancellation) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  scene.say(kAnn + "/a", kBob);
  scene.say(kAnn + "/a", kBob);
  scene.say(kBob, kAnn, "unsubscribe");
  scene.left();
  scene.pass(1min);
  EXPECT_THAT(scene.left(), ElementsAre("unavailable ann@alpha.test/a bob@bravo.test"));
}

TEST(LanePresence, P_00_WhatWaitsForALegWhenTheSubscriptionEndsDoesNotLeave) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  scene.frame(kSouth, scene.to_bravo, Scene::close());
  scene.frame(kSouth, scene.to_bravo, Scene::closed(true));
  scene.say(kAnn + "/a", kBob);
  scene.say(kBob, kAnn, "unsubscribe");
  const LegId far = scene.last_dial();
  scene.left();
  scene.frame(kSouth, far, Scene::ready("alpha.test", "bravo.test"));
  scene.pass(10s);
  for (const std::string& each : scene.left()) EXPECT_FALSE(each.starts_with("available")) << each;
  const bool seen = std::ranges::any_of(scene.log.records, [](const audit::Record& record) {
    const auto* stanza = std::get_if<audit::StanzaRecord>(&record);
    return stanza != nullptr && stanza->reason == "presence.closed-meanwhile";
  });
  EXPECT_TRUE(seen);
}

TEST(LanePresence, SUB_15_TheOperatorRevokesAPair) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  scene.say(kAnn + "/a", kBob);
  scene.left();
  EXPECT_TRUE(scene.lane.revoke(kBob, kAnn, scene.now));
  scene.settle();
  scene.say(kAnn + "/a", kBob);
  scene.pass(2s);
  EXPECT_THAT(scene.left(), ElementsAre("unavailable ann@alpha.test/a bob@bravo.test"));
  EXPECT_THAT(scene.lane.ledger_lines("", ""), HasSubstr("bob@bravo.test ann@alpha.test cancelled operator"));
}

TEST(LanePresence, PRE_15_ALostServersAccountsAreTakenBackOnce) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  for (int i = 0; i < 30; ++i) scene.say(kAnn + "/r" + std::to_string(i), kBob);
  scene.left();
  scene.frame(kNorth, kPeer, Scene::closed(false));
  scene.pass(29s);
  EXPECT_THAT(scene.left(), IsEmpty());
  scene.pass(2s);
  EXPECT_EQ(scene.left().size(), 30U);
  scene.pass(1h);
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(LanePresence, PRE_15_AnIdleEndTakesNothingBack) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  scene.say(kAnn + "/a", kBob);
  scene.left();
  scene.frame(kNorth, kPeer, Scene::close());
  scene.frame(kNorth, kPeer, Scene::closed(true));
  scene.pass(5min);
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(LanePresence, PRE_15_AServerThatComesBackInTimeLosesNothing) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  scene.say(kAnn + "/a", kBob);
  scene.left();
  scene.frame(kNorth, kPeer, Scene::closed(false));
  scene.pass(10s);
  scene.knock(6, "alpha.test", "bravo.test", kNorth);
  scene.pass(1min);
  EXPECT_THAT(scene.left(), IsEmpty());
}

TEST(LanePresence, SUB_14_OpensAGateWhenItIsStoredAndHoldsNothingElseBack) {
  PaperStore store;
  PresenceScene scene(&store);
  scene.say(kBob, kAnn, "subscribe");
  EXPECT_THAT(scene.left(), IsEmpty());
  EXPECT_EQ(store.submitted, 1U);
  store.done = 1;
  scene.lane.on_stored(scene.now);
  scene.settle();
  EXPECT_THAT(scene.left(), ElementsAre("subscribe bob@bravo.test ann@alpha.test"));

  scene.say(kAnn, kBob, "subscribed");
  scene.say(kAnn + "/a", kBob);
  EXPECT_THAT(scene.left(), IsEmpty()) << "it waits behind what opens its gate";
  EXPECT_EQ(store.pairs.back().entry.state, policy::presence::State::Active);
  store.done = 2;
  scene.lane.on_stored(scene.now);
  scene.settle();
  EXPECT_THAT(scene.left(),
              ElementsAre("subscribed ann@alpha.test bob@bravo.test", "available ann@alpha.test/a bob@bravo.test"));
  scene.pass(1s);
  ASSERT_FALSE(store.shown.empty());
  EXPECT_THAT(store.shown.back().resources, ElementsAre(std::pair<std::string, bool>("a", false)));
}

TEST(LanePresence, SUB_14_WhenTheStoreFailsPresenceStopsAndMessagesGoOn) {
  PaperStore store;
  PresenceScene scene(&store);
  scene.say(kBob, kAnn, "subscribe");
  Message message;
  message.from = "bob@bravo.test/x";
  message.to = kAnn;
  scene.stanza(4, ++scene.from_bravo, message, kSouth);
  EXPECT_THAT(scene.left(), IsEmpty());
  store.failed = true;
  scene.lane.on_stored(scene.now);
  scene.settle();
  EXPECT_THAT(scene.left(), ElementsAre("chat bob@bravo.test/x ann@alpha.test"));
  scene.say(kBob, kAnn, "subscribe");
  EXPECT_EQ(scene.last_reason(), "presence.store-failed");
}

TEST(LanePresence, PRE_16_AfterARestartProbesAndTakesBackWhatStaysSilent) {
  PaperStore store;
  const std::string key = policy::presence::key({kBob, kAnn});
  policy::presence::Entry open;
  open.state = policy::presence::State::Active;
  PresenceScene scene(&store, {{key, open}}, {{key, {{"a", false}, {"b", false}}}});
  scene.pass(1s);
  scene.say(kAnn + "/a", kBob);
  scene.left();
  const bool probed = std::ranges::any_of(scene.log.records, [](const audit::Record& record) {
    const auto* stanza = std::get_if<audit::StanzaRecord>(&record);
    return stanza != nullptr && stanza->reason == "presence.probed" && stanza->to == kAnn;
  });
  EXPECT_TRUE(probed);
  scene.pass(61s);
  EXPECT_THAT(scene.left(), ElementsAre("unavailable ann@alpha.test/b bob@bravo.test"));
}

// --- the store itself

class Store : public ::testing::Test {
 protected:
  Store() { std::filesystem::create_directories(folder_); }
  ~Store() override { std::filesystem::remove_all(folder_); }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("sallyport-ledger-" + std::to_string(::getpid()));
};

TEST_F(Store, SUB_14_HoldsWhatWasCommitted) {
  const std::string key = policy::presence::key({kBob, kAnn}), other = policy::presence::key({kAnn, kBob});
  policy::presence::Entry open;
  open.state = policy::presence::State::Active;
  open.origin = policy::presence::Origin::Import;
  open.since = 1'700'000'000;
  open.held = true;
  {
    auto store = LedgerStore::open(folder_);
    ASSERT_TRUE(store) << store.error();
    LedgerOutlet& lane = (*store)->add_lane([] {});
    (*store)->start();
    lane.submit({{key, open}, {other, open}}, {{key, {{"a", false}, {"b", true}}}});
    const std::uint64_t last = lane.submit({{other, {}}}, {});
    EXPECT_TRUE((*store)->await_written(10s));
    EXPECT_GE(lane.committed(), last);
    EXPECT_FALSE(LedgerStore::open(folder_)) << "one guard at a time";
  }
  auto again = LedgerStore::open(folder_);
  ASSERT_TRUE(again) << again.error();
  std::vector<std::string> pairs, shown;
  ASSERT_TRUE((*again)->read(
      [&](const StoredPair& row) {
        pairs.push_back(row.key);
        EXPECT_EQ(row.entry.state, open.state);
        EXPECT_EQ(row.entry.origin, open.origin);
        EXPECT_EQ(row.entry.since, open.since);
        EXPECT_TRUE(row.entry.held);
        EXPECT_FALSE(row.entry.cancelled);
      },
      [&](const StoredShown& row) {
        shown.push_back(row.key + " " + row.resources[0].first + (row.resources[0].second ? " room" : ""));
      }));
  EXPECT_THAT(pairs, ElementsAre(key));
  EXPECT_THAT(shown, ElementsAre(key + " a", key + " b room"));
  const auto mode = std::filesystem::status(folder_ / "ledger.sqlite3").permissions();
  EXPECT_EQ(mode & std::filesystem::perms::mask,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(Store, SUB_08_KeepsARefusalOfWhichNobodyWasTold) {
  const std::string refused = policy::presence::key({kAnn, kBob}), ended = policy::presence::key({kBob, kAnn});
  policy::presence::Entry entry;
  entry.since = entry.asked = 1'795'000'000;
  {
    auto store = LedgerStore::open(folder_);
    ASSERT_TRUE(store) << store.error();
    LedgerOutlet& lane = (*store)->add_lane([] {});
    (*store)->start();
    lane.submit({{refused, entry}, {ended, entry}}, {});
    lane.submit({{ended, {}}}, {});
    EXPECT_TRUE((*store)->await_written(10s));
  }
  auto again = LedgerStore::open(folder_);
  ASSERT_TRUE(again) << again.error();
  std::vector<std::string> pairs;
  ASSERT_TRUE((*again)->read(
      [&](const StoredPair& row) {
        pairs.push_back(row.key);
        EXPECT_EQ(row.entry, entry);
      },
      [](const StoredShown&) {}));
  EXPECT_THAT(pairs, ElementsAre(refused));
}

TEST_F(Store, IsNotOpenedWhenItIsNone) {
  {
    std::ofstream out(folder_ / "ledger.sqlite3");
    out << std::string(4096, 'x');
  }
  EXPECT_FALSE(LedgerStore::open(folder_));
  EXPECT_FALSE(LedgerStore::open(folder_ / "missing"));
}

}  // namespace
}  // namespace sallyport::guard
