// Subscriptions in clients' sessions: what rosters open and close, here and between servers, and what the guard says of
// its own (protocol.md P-00; design.md section 6).
#include <gmock/gmock.h>

#include "guard_session_scene.h"

namespace sallyport::guard {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr std::string_view kRoster = "jabber:iq:roster";

policy::Tables judged_tables() {
  policy::Tables all = tables_with(login());
  all.settings.stages_off &= static_cast<std::uint8_t>(~(1U << static_cast<unsigned>(policy::Stage::Presence)));
  return all;
}

struct Item {
  std::string jid, subscription;
};

std::string presence(const std::string& from, const std::string& type = "") {
  std::string out;
  inspect::NormalFormWriter writer(out);
  std::vector<inspect::Attribute> attributes{{"", "from", from}, {"", "to", kBobsJid}};
  if (!type.empty()) attributes.push_back({"", "type", type});
  writer.open(inspect::ns::kContent, "presence", attributes);
  writer.close();
  return out;
}

std::string presence_to(const std::string& to, const std::string& type) {
  std::string out;
  inspect::NormalFormWriter writer(out);
  std::vector<inspect::Attribute> attributes{{"", "to", to}, {"", "type", type}};
  writer.open(inspect::ns::kContent, "presence", attributes);
  writer.close();
  return out;
}

std::string roster(const std::string& id, const std::string& type, const std::vector<Item>& items) {
  std::string out;
  inspect::NormalFormWriter writer(out);
  std::vector<inspect::Attribute> of_iq{{"", "id", id}, {"", "type", type}};
  writer.open(inspect::ns::kContent, "iq", of_iq);
  writer.open(kRoster, "query", {});
  for (const Item& item : items) {
    std::vector<inspect::Attribute> of_item{{"", "jid", item.jid}, {"", "subscription", item.subscription}};
    writer.open(kRoster, "item", of_item);
    writer.close();
  }
  writer.close();
  writer.close();
  return out;
}

std::string id_in(const std::string& xml) {
  const std::size_t at = xml.find(" id='") + 5;
  return xml.substr(at, xml.find('\'', at) - at);
}

class JudgedSession : public SessionScene {
 public:
  explicit JudgedSession(const LaneSettings& settings = default_settings()) : SessionScene(judged_tables(), settings) {
    stands(settings.lane == 0 ? kClient : kClient + 2);
  }
  void client_says(const std::string& octets) { stanza_octets(near, ++said_by_client, octets); }
  void server_says(const std::string& octets) { frame(kSouth, far, airlock::Stanza{++said_by_server, octets}); }
  /// The client asks, and the server answers with these.
  void has_roster(const std::vector<Item>& items) {
    client_says(roster("r1", "get", {}));
    server_says(roster(id_in(delivered(kSouth).back()), "result", items));
  }
  std::uint64_t said_by_client = 0, said_by_server = 0;
};

TEST(SessionLedger, ROS_04_PresenceThatCameBeforeTheRosterFollowsIt) {
  JudgedSession scene;
  scene.server_says(presence("ann@bravo.test/x"));
  scene.server_says(presence("eve@bravo.test/x"));
  scene.server_says(presence("dee@bravo.test/x"));
  scene.server_says(presence("dee@bravo.test/x", "unavailable"));
  EXPECT_THAT(scene.delivered(kNorth), IsEmpty());
  EXPECT_EQ(scene.stanza_records().front().reason, "presence.roster-awaited");
  scene.has_roster({{"ann@bravo.test", "both"}, {"dee@bravo.test", "to"}});
  const auto delivered = scene.delivered(kNorth);
  ASSERT_THAT(delivered, SizeIs(2));
  EXPECT_THAT(delivered[0], HasSubstr("roster"));
  EXPECT_THAT(delivered[1], AllOf(HasSubstr("ann@bravo.test/x"), Not(HasSubstr("type="))));
  EXPECT_EQ(scene.stanza_records().back().reason, "presence.sent-later");
}

TEST(SessionLedger, ROS_04_WhatAnotherPolicyJudgedIsNotSentLater) {
  JudgedSession scene;
  scene.server_says(presence("ann@bravo.test/x"));
  policy::Tables other = judged_tables();
  other.name = "another";
  scene.lane.swap(bundle(std::move(other)), scene.now);
  scene.server_says(presence("dee@bravo.test/x"));
  scene.has_roster({{"ann@bravo.test", "both"}, {"dee@bravo.test", "both"}});
  const auto delivered = scene.delivered(kNorth);
  ASSERT_THAT(delivered, SizeIs(2));
  EXPECT_THAT(delivered[1], HasSubstr("dee@bravo.test/x"));
}

TEST(SessionLedger, ROS_04_P_00_NoMoreFollowsThanCanBeTakenBack) {
  JudgedSession scene;
  constexpr std::size_t kMost = policy::presence::kMostShownToOne;
  for (std::size_t i = 0; i < kMost + 8; ++i) scene.server_says(presence("ann@bravo.test/x" + std::to_string(i)));
  scene.has_roster({{"ann@bravo.test", "both"}});
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1 + kMost));
  scene.server_says(roster("p", "set", {{"ann@bravo.test", "none"}}));
  scene.pass(std::chrono::seconds(3));
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1 + kMost + 1 + kMost));
}

TEST(SessionLedger, ROS_04_WhatHasCrossedSinceIsNotSaidAgain) {
  JudgedSession scene;
  scene.server_says(presence("ann@bravo.test/x"));
  scene.server_says(roster("p", "set", {{"ann@bravo.test", "both"}}));
  scene.server_says(presence("ann@bravo.test/x"));
  scene.server_says(presence("ann@bravo.test/x", "unavailable"));
  scene.has_roster({{"ann@bravo.test", "both"}});
  EXPECT_THAT(scene.delivered(kNorth).back(), HasSubstr("roster"));
}

TEST(SessionLedger, P_00_TakesBackWhatItsServerDoesNot) {
  JudgedSession scene;
  scene.has_roster({{"ann@bravo.test", "both"}});
  scene.server_says(presence("ann@bravo.test/x"));
  scene.server_says(roster("p", "set", {{"ann@bravo.test", "none"}}));
  scene.pass(std::chrono::seconds(3));
  EXPECT_THAT(scene.delivered(kNorth).back(), AllOf(HasSubstr("ann@bravo.test/x"), HasSubstr("unavailable")));
  const auto before = scene.delivered(kNorth).size();
  scene.server_says(presence("ann@bravo.test/x"));
  scene.server_says(presence("ann@bravo.test/x", "unavailable"));
  scene.pass(std::chrono::seconds(3));
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(before));
}

TEST(SessionLedger, ROS_08_ROS_10_CloseWhatStandsOpenBetweenServersToo) {
  JudgedSession scene;
  scene.lane.import({{"ann@alpha.test", kAccount}, {kAccount, "ann@alpha.test"}, {"cy@alpha.test", kAccount}},
                    scene.now);
  scene.pass(std::chrono::minutes(2));
  scene.server_says(roster("p", "set", {{"ann@alpha.test", "to"}, {"cy@alpha.test", "from"}}));
  const auto closed = scene.events("presence.roster-closed");
  ASSERT_THAT(closed, SizeIs(1));
  EXPECT_THAT(scene.lane.ledger_lines("ann@alpha.test", kAccount), HasSubstr("cancelled"));
  EXPECT_THAT(scene.lane.ledger_lines(kAccount, "ann@alpha.test"), HasSubstr("active"));
  EXPECT_THAT(scene.lane.ledger_lines("cy@alpha.test", kAccount), HasSubstr("active"));
}

TEST(SessionLedger, ROS_10_AWholeRosterThatMayBeOldClosesNothingNew) {
  for (const bool is_new : {true, false}) {
    JudgedSession scene;
    scene.lane.import({{"ann@alpha.test", kAccount}}, scene.now);
    if (!is_new) scene.pass(std::chrono::minutes(2));
    scene.has_roster({{"ann@alpha.test", "none"}});
    EXPECT_THAT(scene.events("presence.roster-closed"), SizeIs(is_new ? 0 : 1));
  }
}

TEST(SessionLedger, SUB_08_TheWordThatFollowsBetweenServersIsAwaited) {
  JudgedSession scene;
  scene.lane.import({{"ann@alpha.test", kAccount}}, scene.now);
  scene.client_says(presence_to("ann@alpha.test", "unsubscribed"));
  EXPECT_THAT(scene.lane.ledger_lines("ann@alpha.test", kAccount), HasSubstr("cancelled session"));
}

TEST(SessionLedger, ROS_10_TheLaneOfThePairIsTold) {
  LaneSettings settings = Scene::default_settings();
  settings.lanes = 2;
  int told = 0;
  for (std::uint16_t lane = 0; lane < 2; ++lane) {
    settings.lane = lane;
    JudgedSession scene(settings);
    scene.server_says(roster("p", "set", {{"ann@alpha.test", "none"}}));
    for (const auto& [to, message] : scene.messages) {
      const auto* ended = std::get_if<Ended>(&message);
      ASSERT_NE(ended, nullptr);
      EXPECT_NE(to, lane);
      EXPECT_THAT(ended->pairs, SizeIs(2));
      ++told;
    }
  }
  EXPECT_EQ(told, 1) << "one of the two has the pair itself";
}

TEST(SessionLedger, IQ_03_AnAnswerInsteadOfTheClientsGoesToTheServer) {
  JudgedSession scene;
  scene.has_roster({{"ann@bravo.test", "both"}});
  scene.server_says(roster("p", "set", {{"ann@bravo.test", "none"}}));
  const std::string pushed = id_in(scene.delivered(kNorth).back());
  std::string other;
  inspect::NormalFormWriter writer(other);
  std::vector<inspect::Attribute> attributes{{"", "id", pushed}, {"", "type", "result"}};
  writer.open(inspect::ns::kContent, "iq", attributes);
  writer.open("jabber:iq:version", "query", {});
  writer.close();
  writer.close();
  const auto heard = scene.delivered(kNorth).size();
  scene.client_says(other);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(heard));
  EXPECT_THAT(scene.delivered(kSouth).back(),
              AllOf(HasSubstr("id='p'"), HasSubstr("type='error'"), HasSubstr("from='" + kBobsJid + "'")));
}

TEST(SessionLedger, IQ_03_ARequestWhoseTimeIsOverWithoutLegsIsAnsweredAfterwards) {
  SessionScene scene(judged_tables());
  const std::string id = scene.managed();
  scene.stanza_octets(kClient, 1, roster("r1", "get", {}));
  scene.server(Scene::settled(1));
  scene.server(Scene::closed(false));
  scene.client(Scene::closed(true), scene.near);
  scene.pass(std::chrono::seconds(200));
  scene.logged_in(kClient + 2);
  scene.client(sm(airlock::SmStep::Resume, id, 0), scene.near);
  scene.server(sm(airlock::SmStep::Resumed, "server-id", 1));
  EXPECT_THAT(scene.delivered(kNorth), testing::ElementsAre(HasSubstr("id='r1'")));
  EXPECT_EQ(scene.stanza_records().back().reason, "iq.timeout");
}

TEST(SessionLedger, IQ_03_ARequestThatComesAgainIsNotAnsweredBeforeThat) {
  SessionScene scene(judged_tables());
  const std::string id = scene.managed();
  scene.stanza_octets(kClient, 1, roster("r1", "get", {}));
  scene.server(Scene::closed(false));
  scene.client(Scene::closed(true), scene.near);
  scene.pass(std::chrono::seconds(200));
  scene.logged_in(kClient + 2);
  scene.client(sm(airlock::SmStep::Resume, id, 0), scene.near);
  scene.server(sm(airlock::SmStep::Resumed, "server-id", 0));
  EXPECT_THAT(scene.delivered(kNorth), IsEmpty());
}

TEST(SessionLedger, IQ_03_OpenRequestsAndTheRosterMoveToTheLaneThatResumes) {
  LaneSettings settings = Scene::default_settings();
  settings.lanes = 2;
  SessionScene first(judged_tables(), settings);
  settings.lane = 1;
  SessionScene second(judged_tables(), settings);
  const std::string id = first.managed(2);
  first.stanza_octets(2, 1, roster("r1", "get", {}));
  const std::string asked = id_in(first.delivered(kSouth).back());
  first.server(Scene::closed(false));
  first.client(Scene::closed(true), first.near);
  second.logged_in(4);
  second.client(sm(airlock::SmStep::Resume, id, 0), 4);
  for (int rounds = 0; rounds < 4; ++rounds) {
    for (auto& [to, message] : std::exchange(first.messages, {}))
      second.lane.on_message(std::move(message), second.now);
    second.settle();
    for (auto& [to, message] : std::exchange(second.messages, {})) first.lane.on_message(std::move(message), first.now);
    first.settle();
  }
  second.server(sm(airlock::SmStep::Resumed, "server-id", 1));
  second.server(Scene::credit(1 << 30, 1 << 20));
  second.client(Scene::credit(1 << 30, 1 << 20), 4);
  second.frame(kSouth, second.far, airlock::Stanza{1, roster(asked, "result", {{"ann@bravo.test", "both"}})});
  ASSERT_THAT(second.delivered(kNorth), SizeIs(1));
  EXPECT_THAT(second.delivered(kNorth)[0], HasSubstr("id='r1'"));
  second.frame(kSouth, second.far, airlock::Stanza{2, presence("ann@bravo.test/x")});
  EXPECT_THAT(second.delivered(kNorth), SizeIs(2));
}

}  // namespace
}  // namespace sallyport::guard
