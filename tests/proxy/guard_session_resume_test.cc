// Stream management through the guard (protocol.md 4): what each side counts, and sessions that go on after a leg
// broke.
#include <deque>
#include <map>
#include <random>
#include <set>

#include <gmock/gmock.h>

#include "guard_session_scene.h"

namespace sallyport::guard {
namespace {

using airlock::SmStep;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(SessionManagement, SM_IsAskedOfTheServerAndGivenTheClientUnderAnIdOfTheGuards) {
  SessionScene scene;
  const std::string id = scene.managed();
  EXPECT_EQ(scene.last<airlock::Sm>(kSouth).step, SmStep::Enable);
  const auto told = scene.last<airlock::Sm>(kNorth);
  EXPECT_EQ(told.step, SmStep::Enabled);
  EXPECT_TRUE(told.resume);
  EXPECT_EQ(told.max, 300U);
  EXPECT_NE(id, "server-id");
  EXPECT_GE(id.size(), 22U);
}

TEST(SessionManagement, SM_IsWithoutResumptionWhereTheServerHasNone) {
  for (const bool server_has_it : {true, false}) {
    SessionScene scene;
    if (!server_has_it) scene.features = airlock::bit(airlock::Feature::Bind);
    scene.stands();
    scene.client(enable());
    if (server_has_it) {
      auto answer = enabled();
      answer.resume = false;
      scene.server(answer);
    } else {
      EXPECT_EQ(scene.count<airlock::Sm>(kSouth), 0U);
    }
    const auto told = scene.last<airlock::Sm>(kNorth);
    EXPECT_EQ(told.step, SmStep::Enabled);
    EXPECT_FALSE(told.resume);
    EXPECT_EQ(told.id, "");
    scene.client(Scene::closed(false));
    EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Clean);
  }
}

TEST(SessionManagement, SM_IsRefusedWhereTheServerRefusesIt) {
  SessionScene scene;
  scene.stands();
  scene.client(enable());
  scene.server(sm(SmStep::Failed));
  EXPECT_EQ(scene.last<airlock::Sm>(kNorth).step, SmStep::Failed);
  scene.client(enable());
  scene.server(enabled());
  EXPECT_EQ(scene.last<airlock::Sm>(kNorth).step, SmStep::Enabled);
  scene.client(enable());
  EXPECT_THAT(scene.events("airlock.out-of-turn"), SizeIs(1)) << "a second one is answered by the edge";
}

TEST(SessionManagement, SM_AsksTheOtherSideWhenOneWantsToKnow) {
  SessionScene scene;
  scene.managed();
  scene.client(sm(SmStep::AckWanted));
  EXPECT_EQ(scene.last<airlock::Sm>(kSouth).step, SmStep::Enable) << "there is nothing to ask for";
  scene.stanza(kClient, 1, {.from = kBobsJid, .to = "ann@alpha.test"});
  scene.client(sm(SmStep::AckWanted));
  EXPECT_EQ(scene.last<airlock::Sm>(kSouth).step, SmStep::AckWanted);
}

TEST(SessionResumption, SM_AbortsTheServersLegWhenTheClientsBreaks) {
  SessionScene scene;
  scene.managed();
  scene.client(Scene::closed(false));
  EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Abort) << "so that the server keeps it";
  scene.server(Scene::closed(false));
  EXPECT_EQ(scene.lane.census().hibernating, 1U);
  EXPECT_EQ(scene.lane.census().sessions, 0U);
}

TEST(SessionResumption, SM_BreaksTheClientsLegWithoutAnErrorWhenTheServersBreaks) {
  SessionScene scene;
  scene.managed();
  scene.server(Scene::closed(false));
  EXPECT_EQ(scene.last<airlock::Close>(kNorth).kind, airlock::CloseKind::Abort) << "so that the client comes back";
  scene.client(Scene::closed(false));
  EXPECT_EQ(scene.lane.census().hibernating, 1U);
}

TEST(SessionResumption, SM_IsOverForWhoeverLeavesInGoodOrder) {
  SessionScene scene;
  const std::string id = scene.managed();
  scene.client(Scene::close());
  scene.client(Scene::closed(true));
  scene.server(Scene::closed(true));
  EXPECT_EQ(scene.lane.census().hibernating, 0U);
  scene.logged_in(kClient + 2);
  scene.client(sm(SmStep::Resume, id), kClient + 2);
  EXPECT_EQ(scene.last<airlock::Sm>(kNorth).condition, inspect::StanzaCondition::ItemNotFound);
}

/// Both legs are gone, uncleanly.
void break_legs(SessionScene& scene) {
  scene.client(Scene::closed(false), scene.near);
  scene.server(Scene::closed(false));
}

TEST(SessionResumption, SM_GoesOnWithBothCountsWhereTheyWere) {
  SessionScene scene;
  const std::string id = scene.managed();
  for (std::uint64_t number = 1; number <= 3; ++number)
    scene.stanza(kClient, number, {.from = kBobsJid, .to = "ann@alpha.test", .id = "c" + std::to_string(number)});
  for (std::uint64_t number = 1; number <= 2; ++number)
    scene.stanza(scene.far, number, {.from = "ann@alpha.test/a", .to = kBobsJid}, kSouth);
  break_legs(scene);
  const auto bound = scene.events("session.bound").front().crossing;

  scene.logged_in(kClient + 2);
  scene.client(sm(SmStep::Resume, id, 1), scene.near);
  const auto asked = scene.last<airlock::Sm>(kSouth);
  EXPECT_EQ(asked.step, SmStep::Resume);
  EXPECT_EQ(asked.id, "server-id");
  EXPECT_EQ(asked.h, 1U) << "the server's first is the client's";
  EXPECT_EQ(scene.count<airlock::Grant>(kNorth), 1U);
  scene.server(sm(SmStep::Resumed, "server-id", 2));
  const auto told = scene.last<airlock::Sm>(kNorth);
  EXPECT_EQ(told.step, SmStep::Resumed);
  EXPECT_EQ(told.id, id);
  EXPECT_EQ(told.h, 2U);
  EXPECT_EQ(scene.count<airlock::Grant>(kNorth), 2U);
  // The third comes again, as the first of the new leg.
  scene.stanza(scene.near, 1, {.from = kBobsJid, .to = "ann@alpha.test", .id = "c3"});
  EXPECT_THAT(scene.delivered(kSouth).back(), HasSubstr("c3"));
  EXPECT_EQ(scene.stanza_records().back().crossing, bound) << "it is still the same session";
  EXPECT_EQ(scene.stanza_records().back().number_out, 1U);
}

TEST(SessionResumption, SM_KnowsAReplayThatWasRefusedAlsoWithADelayInIt) {
  auto messages = login();
  messages.rule.presence = messages.rule.iq = false;
  SessionScene scene(messages);
  const std::string id = scene.managed();
  const auto request = [](bool delayed) {
    std::string out;
    inspect::NormalFormWriter writer(out);
    std::vector<inspect::Attribute> attributes{{"", "id", "q1"}, {"", "type", "get"}};
    writer.open(inspect::ns::kContent, "iq", attributes);
    std::vector<inspect::Attribute> stamp{{"", "stamp", "2026-01-01T00:00:00Z"}};
    if (delayed) {
      writer.open("urn:xmpp:delay", "delay", stamp);
      writer.close();
    }
    writer.open("urn:xmpp:ping", "ping", {});
    writer.close();
    writer.close();
    return out;
  };
  scene.stanza(kClient, 1, {.from = kBobsJid, .to = "ann@alpha.test", .id = "first"});
  scene.stanza_octets(kClient, 2, request(false));
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1));
  EXPECT_EQ(scene.count<airlock::Handled>(kNorth), 0U) << "the first has not settled";
  break_legs(scene);
  const std::size_t records = scene.stanza_records().size();

  scene.logged_in(kClient + 2);
  scene.client(sm(SmStep::Resume, id, 1), scene.near);
  scene.server(sm(SmStep::Resumed, "server-id", 0));
  scene.stanza(scene.near, 1, {.from = kBobsJid, .to = "ann@alpha.test", .id = "first"});
  scene.stanza_octets(scene.near, 2, request(true));
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1)) << "its error has arrived";
  EXPECT_THAT(scene.stanza_records(), SizeIs(records + 1)) << "the message is judged anew, the refusal remembered";
  EXPECT_THAT(scene.events("session.replayed"), SizeIs(1));
  scene.server(Scene::settled(1));
  EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, 2U);
}

TEST(SessionResumption, SM_SendsTheGuardsOwnErrorsAgain) {
  auto messages = login();
  messages.rule.presence = messages.rule.iq = false;
  SessionScene scene(messages);
  const std::string id = scene.managed();
  scene.stanza(kClient, 1, {.from = kBobsJid, .to = "ann@alpha.test", .id = "q1", .name = "iq", .type = "get"});
  ASSERT_THAT(scene.delivered(kNorth), SizeIs(1));
  break_legs(scene);
  scene.logged_in(kClient + 2);
  scene.client(sm(SmStep::Resume, id, 0), scene.near);
  scene.server(sm(SmStep::Resumed, "server-id", 0));
  ASSERT_THAT(scene.delivered(kNorth), SizeIs(2));
  EXPECT_EQ(scene.delivered(kNorth)[0], scene.delivered(kNorth)[1]);
  EXPECT_THAT(scene.events("route.repeated"), SizeIs(1));
  EXPECT_EQ(scene.last<airlock::Sm>(kNorth).h, 1U) << "the request itself is answered for";
}

TEST(SessionResumption, SM_SendsAnErrorAgainThatWasMadeWhileItWasAskedFor) {
  auto messages = login();
  messages.rule.presence = messages.rule.iq = false;
  SessionScene scene(messages);
  scene.stands();
  scene.client(enable());
  scene.stanza(scene.far, 1, {.from = "ann@alpha.test/a", .to = kBobsJid, .id = "q1", .name = "iq", .type = "get"},
               kSouth);
  ASSERT_THAT(scene.delivered(kSouth), ElementsAre(HasSubstr("q1")));
  scene.server(enabled());
  const std::string id = scene.last<airlock::Sm>(kNorth).id;
  break_legs(scene);
  scene.logged_in(kClient + 2);
  scene.client(sm(SmStep::Resume, id, 0), scene.near);
  scene.server(sm(SmStep::Resumed, "server-id", 0));
  ASSERT_THAT(scene.delivered(kSouth), SizeIs(2));
  EXPECT_EQ(scene.delivered(kSouth)[0], scene.delivered(kSouth)[1]);
}

TEST(SessionResumption, SM_KnowsAReplayOfWhatWasRefusedWhileItWasAskedFor) {
  auto messages = login();
  messages.rule.presence = messages.rule.iq = false;
  SessionScene scene(messages);
  scene.stands();
  scene.client(enable());
  const Message request{.from = kBobsJid, .to = "ann@alpha.test", .id = "q1", .name = "iq", .type = "get"};
  scene.stanza(kClient, 1, {.from = kBobsJid, .to = "ann@alpha.test", .id = "first"});
  scene.stanza(kClient, 2, request);
  ASSERT_THAT(scene.delivered(kNorth), ElementsAre(HasSubstr("q1")));
  scene.server(enabled());
  const std::string id = scene.last<airlock::Sm>(kNorth).id;
  break_legs(scene);
  scene.logged_in(kClient + 2);
  // The answer stood before <enabled/>, where the client begins to count.
  scene.client(sm(SmStep::Resume, id, 0), scene.near);
  scene.server(sm(SmStep::Resumed, "server-id", 0));
  EXPECT_EQ(scene.last<airlock::Sm>(kNorth).h, 0U);
  scene.stanza(scene.near, 1, {.from = kBobsJid, .to = "ann@alpha.test", .id = "first"});
  scene.stanza(scene.near, 2, request);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1));
  EXPECT_THAT(scene.events("session.replayed"), SizeIs(1));
}

TEST(SessionResumption, SM_KeepsAnErrorWhoseCauseIsRecordedAfterTheLegsBroke) {
  auto messages = login();
  messages.rule.presence = messages.rule.iq = false;
  SessionScene scene(messages);
  const std::string id = scene.managed();
  scene.log_writes = false;
  scene.stanza(kClient, 1, {.from = kBobsJid, .to = "ann@alpha.test", .id = "q1", .name = "iq", .type = "get"});
  break_legs(scene);
  EXPECT_EQ(scene.lane.census().hibernating, 0U) << "not before it is whole";
  scene.log_writes = true;
  scene.settle();
  EXPECT_EQ(scene.lane.census().hibernating, 1U);
  scene.logged_in(kClient + 2);
  scene.client(sm(SmStep::Resume, id, 0), scene.near);
  scene.server(sm(SmStep::Resumed, "server-id", 0));
  EXPECT_THAT(scene.delivered(kNorth), ElementsAre(HasSubstr("q1")));
}

TEST(SessionResumption, SM_IsRefusedForAnotherAccountAndForAnUnknownId) {
  SessionScene scene;
  const std::string id = scene.managed();
  break_legs(scene);
  scene.offered(kClient + 2);
  scene.client(plain("eve"), scene.near);
  scene.server(success());
  scene.server(SessionScene::session_offer());
  for (const std::string& asked : {id, std::string("no-such-id"), std::string()}) {
    scene.client(sm(SmStep::Resume, asked), scene.near);
    EXPECT_EQ(scene.last<airlock::Sm>(kNorth).step, SmStep::Failed);
    EXPECT_EQ(scene.last<airlock::Sm>(kNorth).condition, inspect::StanzaCondition::ItemNotFound);
  }
  EXPECT_EQ(scene.lane.census().hibernating, 1U) << "it is still there for its owner";
  scene.client(airlock::Bind{"x"}, scene.near);
  scene.server(airlock::Bound{"eve@bravo.test/x", {}});
  EXPECT_EQ(scene.last<airlock::Bound>(kNorth).jid, "eve@bravo.test/x");
}

TEST(SessionResumption, SM_AForeignAccountDoesNotEvenDisturbAStandingSession) {
  SessionScene scene;
  const std::string id = scene.managed();
  scene.offered(kClient + 2);
  scene.client(plain("eve"), scene.near);
  scene.server(success());
  scene.server(SessionScene::session_offer());
  scene.client(sm(SmStep::Resume, id), scene.near);
  EXPECT_EQ(scene.last<airlock::Sm>(kNorth).condition, inspect::StanzaCondition::ItemNotFound);
  EXPECT_EQ(scene.count<airlock::Close>(kNorth), 0U);
}

TEST(SessionResumption, SM_TakesOverFromAConnectionThatStillStands) {
  SessionScene scene;
  const std::string id = scene.managed();
  const LegId old_far = scene.far;
  scene.logged_in(kClient + 2);
  scene.client(sm(SmStep::Resume, id, 0), scene.near);
  const auto closes = scene.all<airlock::Close>(kNorth);
  ASSERT_THAT(closes, SizeIs(1));
  EXPECT_EQ(closes[0].leg, kClient);
  EXPECT_EQ(std::get<airlock::Close>(closes[0].body).condition, StreamCondition::Conflict);
  EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Abort);
  EXPECT_EQ(scene.all<airlock::Close>(kSouth).back().leg, old_far);
  scene.server(sm(SmStep::Resumed, "server-id", 0));
  EXPECT_EQ(scene.last<airlock::Sm>(kNorth).step, SmStep::Resumed);
  scene.client(Scene::closed(true), kClient);
  scene.frame(kSouth, old_far, Scene::closed(false));
  EXPECT_EQ(scene.lane.census().sessions, 1U);
  EXPECT_EQ(scene.lane.census().hibernating, 0U);
}

TEST(SessionResumption, SM_TellsTheClientWhatItsServerHadWhenTheServerDoesNotResume) {
  for (const bool told : {true, false}) {
    SessionScene scene;
    const std::string id = scene.managed();
    for (std::uint64_t number = 1; number <= 3; ++number)
      scene.stanza(kClient, number, {.from = kBobsJid, .to = "ann@alpha.test"});
    break_legs(scene);
    scene.logged_in(kClient + 2);
    scene.client(sm(SmStep::Resume, id, 0), scene.near);
    airlock::Sm failed = sm(SmStep::Failed);
    failed.condition = inspect::StanzaCondition::ItemNotFound;
    failed.has_h = told;
    failed.h = told ? 2 : 0;
    scene.server(failed);
    EXPECT_EQ(scene.last<airlock::Sm>(kNorth).step, SmStep::Failed);
    EXPECT_EQ(scene.last<airlock::Sm>(kNorth).has_h, told);
    EXPECT_EQ(scene.last<airlock::Sm>(kNorth).h, failed.h);
    EXPECT_EQ(scene.lane.census().hibernating, 0U);
    scene.client(airlock::Bind{"phone"}, scene.near);
    scene.server(airlock::Bound{kBobsJid, {}});
    EXPECT_EQ(scene.last<airlock::Bound>(kNorth).jid, kBobsJid);
  }
}

TEST(SessionResumption, SM_NobodyAcknowledgesWhatWasNeverSent) {
  for (const bool by_client : {true, false}) {
    SessionScene scene;
    const std::string id = scene.managed();
    break_legs(scene);
    scene.logged_in(kClient + 2);
    scene.client(sm(SmStep::Resume, id, by_client ? 1 : 0), scene.near);
    if (!by_client) scene.server(sm(SmStep::Resumed, "server-id", 1));
    EXPECT_EQ(scene.last<airlock::Close>(kNorth).condition, StreamCondition::UndefinedCondition);
    EXPECT_EQ(scene.count<airlock::Grant>(kNorth), 1U);
    EXPECT_EQ(scene.lane.census().hibernating, 0U);
  }
}

TEST(SessionResumption, SM_IsForgottenWhenNobodyComesBackInTime) {
  SessionScene scene;
  const std::string id = scene.managed();
  break_legs(scene);
  scene.pass(359s);
  EXPECT_EQ(scene.lane.census().hibernating, 1U);
  scene.pass(2s);
  EXPECT_EQ(scene.lane.census().hibernating, 0U);
  EXPECT_THAT(scene.events("session.expired"), SizeIs(1));
}

TEST(SessionResumption, SM_ServesAClientThatIsResumedAgainAndAgain) {
  SessionScene scene;
  const std::string id = scene.managed();
  for (int round = 1; round <= 5; ++round) {
    break_legs(scene);
    scene.logged_in(kClient + 2 * static_cast<LegId>(round));
    scene.client(sm(SmStep::Resume, id, 0), scene.near);
    scene.server(sm(SmStep::Resumed, "server-id", 0));
    EXPECT_EQ(scene.last<airlock::Sm>(kNorth).step, SmStep::Resumed) << round;
  }
}

// --- several lanes

/// The stage presence is on, which follows requests; accounts may be pinged.
policy::Tables tables_with_pings() {
  policy::Login pings = login();
  pings.rule.requests = {{policy::Target::Account, true, true, "urn:xmpp:ping"}};
  pings.rule.presence_rules.gate = policy::presence::Gate::Open;
  policy::Tables with = tables_with(pings);
  with.settings.stages_off &= static_cast<std::uint8_t>(~(1U << static_cast<unsigned>(policy::Stage::Presence)));
  return with;
}

Message ping(const std::string& id) {
  return {.from = kBobsJid, .to = "ann@alpha.test", .id = id, .name = "iq", .type = "get"};
}

/// Two lanes of one guard; a client's legs go by turns to the one and the other.
struct TwoLanes {
  /// `requests`: room for open ones on the second.
  explicit TwoLanes(std::size_t requests = 1000) : second(tables_with_pings(), settings(1, requests)) {}
  static LaneSettings settings(std::uint16_t lane, std::size_t requests = 1000) {
    LaneSettings all = Scene::default_settings();
    all.requests.total = requests;
    all.lanes = 2;
    all.lane = lane;
    return all;
  }
  void exchange() {
    for (bool any = true; any;) {
      any = false;
      for (SessionScene* from : {&first, &second}) {
        auto messages = std::exchange(from->messages, {});
        for (auto& [to, message] : messages) {
          SessionScene& other = to == 0 ? first : second;
          other.lane.on_message(std::move(message), other.now);
          other.settle();
          any = true;
        }
      }
    }
  }
  SessionScene first{tables_with_pings(), settings(0)}, second;
};

TEST(SessionResumption, SM_IsTakenOutWholeByTheLaneThatResumes) {
  TwoLanes lanes;
  const std::string id = lanes.first.managed(2);
  lanes.first.stanza(2, 1, {.from = kBobsJid, .to = "ann@alpha.test"});
  break_legs(lanes.first);
  lanes.second.logged_in(4);
  lanes.second.client(sm(SmStep::Resume, id, 0), 4);
  EXPECT_EQ(lanes.second.count<airlock::Sm>(kSouth), 0U);
  lanes.exchange();
  EXPECT_EQ(lanes.first.lane.census().hibernating, 0U);
  lanes.second.server(sm(SmStep::Resumed, "server-id", 0));
  EXPECT_EQ(lanes.second.last<airlock::Sm>(kNorth).step, SmStep::Resumed);
  // And back again.
  break_legs(lanes.second);
  lanes.first.logged_in(6);
  lanes.first.client(sm(SmStep::Resume, id, 0), 6);
  lanes.exchange();
  lanes.first.server(sm(SmStep::Resumed, "server-id", 0));
  EXPECT_EQ(lanes.first.last<airlock::Sm>(kNorth).step, SmStep::Resumed);
}

TEST(SessionResumption, SM_IsTakenFromAStandingSessionOfAnotherLane) {
  TwoLanes lanes;
  const std::string id = lanes.first.managed(2);
  lanes.second.logged_in(4);
  lanes.second.client(sm(SmStep::Resume, id, 0), 4);
  lanes.exchange();
  EXPECT_EQ(lanes.first.last<airlock::Close>(kNorth).condition, StreamCondition::Conflict);
  EXPECT_EQ(lanes.second.last<airlock::Sm>(kSouth).step, SmStep::Resume);
}

TEST(SessionResumption, SM_IsGivenBackWhenTheAskerHasGone) {
  TwoLanes lanes;
  const std::string id = lanes.first.managed(2);
  break_legs(lanes.first);
  lanes.second.logged_in(4);
  lanes.second.client(sm(SmStep::Resume, id, 0), 4);
  lanes.second.client(Scene::closed(false), 4);
  lanes.second.server(Scene::closed(true));
  lanes.exchange();
  EXPECT_EQ(lanes.first.lane.census().hibernating + lanes.second.lane.census().hibernating, 1U);
  lanes.first.logged_in(6);
  lanes.first.client(sm(SmStep::Resume, id, 0), 6);
  lanes.exchange();
  EXPECT_EQ(lanes.first.last<airlock::Sm>(kSouth).step, SmStep::Resume);
}

TEST(SessionResumption, SM_IsKeptWhenALegBreaksInTheMiddleOfIt) {
  for (const bool client_first : {true, false}) {
    SessionScene scene;
    const std::string id = scene.managed();
    scene.stanza(kClient, 1, {.from = kBobsJid, .to = "ann@alpha.test"});
    break_legs(scene);
    scene.logged_in(kClient + 2);
    scene.client(sm(SmStep::Resume, id, 0), scene.near);
    if (client_first) break_legs(scene);
    if (!client_first) {
      scene.server(Scene::closed(false));
      scene.client(Scene::closed(true), scene.near);
    }
    EXPECT_EQ(scene.lane.census().hibernating, 1U);
    scene.logged_in(kClient + 4);
    scene.client(sm(SmStep::Resume, id, 0), scene.near);
    scene.server(sm(SmStep::Resumed, "server-id", 1));
    EXPECT_EQ(scene.last<airlock::Sm>(kNorth).h, 1U);
  }
}

TEST(SessionResumption, SM_IsNotFoundWhenNoLaneHasIt) {
  TwoLanes lanes;
  lanes.second.logged_in(4);
  lanes.second.client(sm(SmStep::Resume, "nowhere", 0), 4);
  EXPECT_EQ(lanes.second.count<airlock::Sm>(kNorth), 0U);
  lanes.exchange();
  EXPECT_EQ(lanes.second.last<airlock::Sm>(kNorth).condition, inspect::StanzaCondition::ItemNotFound);
}

TEST(SessionResumption, IQ_03_D_23_RequestsThatFindNoRoomOnTheNewLaneAreAnswered) {
  TwoLanes lanes(1);
  const std::string id = lanes.first.managed(2);
  for (std::uint64_t number = 1; number <= 3; ++number)
    lanes.first.stanza(2, number, ping("q" + std::to_string(number)));
  lanes.first.server(Scene::settled(2));
  break_legs(lanes.first);

  lanes.second.logged_in(4);
  lanes.second.client(sm(SmStep::Resume, id, 0), 4);
  lanes.exchange();
  EXPECT_EQ(lanes.second.count<airlock::Grant>(kNorth), 0U);
  EXPECT_THAT(lanes.second.delivered(kNorth), IsEmpty()) << "it is not resumed yet";
  lanes.second.server(sm(SmStep::Resumed, "server-id", 2));
  // The first has the room, the third has not arrived and comes again: of the second the guard has to say something.
  ASSERT_THAT(lanes.second.delivered(kNorth), SizeIs(1));
  EXPECT_THAT(lanes.second.delivered(kNorth)[0],
              AllOf(HasSubstr("id='q2'"), HasSubstr("remote-server-timeout"), HasSubstr("to='" + kBobsJid)));
  const auto record = lanes.second.stanza_records().back();
  EXPECT_EQ(record.reason, "iq.no-room");
  EXPECT_EQ(record.id, "q2");
  EXPECT_FALSE(record.cause.empty()) << "the record of the request";
}

TEST(SessionResumption, IQ_03_D_23_WhatFoundNoRoomMovesOnWhenItIsNotResumedThere) {
  TwoLanes lanes(1);
  const std::string id = lanes.first.managed(2);
  for (std::uint64_t number = 1; number <= 2; ++number)
    lanes.first.stanza(2, number, ping("q" + std::to_string(number)));
  lanes.first.server(Scene::settled(2));
  break_legs(lanes.first);
  lanes.second.logged_in(4);
  lanes.second.client(sm(SmStep::Resume, id, 0), 4);
  lanes.exchange();
  break_legs(lanes.second);
  lanes.first.logged_in(6);
  lanes.first.client(sm(SmStep::Resume, id, 0), 6);
  lanes.exchange();
  lanes.first.server(sm(SmStep::Resumed, "server-id", 2));
  EXPECT_THAT(lanes.first.delivered(kNorth), IsEmpty()) << "there both have room again";
  lanes.first.pass(121s);
  EXPECT_THAT(lanes.first.delivered(kNorth), SizeIs(2)) << "and wait for their answers as before";
}

// --- a client and a server that keep copies, and legs that break at any time

/// One end of a session as XEP-0198 asks of it: keeps what is not acknowledged, counts what it has got.
struct Peer {
  std::deque<std::pair<std::string, std::string>> unacknowledged;  ///< id, normal form
  std::uint32_t sent_base = 0;                                     ///< h of the first in the queue, less one
  std::uint32_t got = 0;                                           ///< h that it would tell
  std::vector<std::string> received;                               ///< ids, in their order
  std::uint64_t sent_on_leg = 0, credit = 0;                       ///< of the present leg
  std::uint32_t h_of_leg = 0;                                      ///< h when the leg began
  std::uint64_t got_on_leg = 0, told_on_leg = 0;
  std::deque<std::string> wire;  ///< delivered by the guard, not yet received

  void acknowledge(std::uint32_t h) {
    for (; sent_base != h && !unacknowledged.empty(); ++sent_base) unacknowledged.pop_front();
    EXPECT_EQ(sent_base, h) << "more was acknowledged than was sent";
  }
};

std::string id_of(const std::string& xml) {
  const std::size_t at = xml.find(" id='") + 5;
  return xml.substr(at, xml.find('\'', at) - at);
}

class Walk {
 public:
  Walk(unsigned seed, policy::RefusalTiming timing) : random_(seed), scene_(messages_only(timing)) {
    id_ = scene_.managed();
    look();
  }

  void step() {
    switch (pick(12)) {
      case 0:
      case 1:
      case 2:
        return send(client_, kNorth, pick(3) == 0);
      case 3:
      case 4:
        return send(server_, kSouth, pick(4) == 0);
      case 5:
      case 6:
        return receive(client_);
      case 7:
      case 8:
        return receive(server_);
      case 9:
        return pick(2) == 0 ? settle(client_, kNorth) : settle(server_, kSouth);
      case 10:
        scene_.log_writes = pick(3) != 0;
        scene_.settle();
        return look();
      default:
        if (pick(12) == 0) break_and_resume();
        return;
    }
  }

  void finish() {
    scene_.log_writes = true;
    scene_.settle();
    look();
    break_and_resume();
    for (int round = 0; round < 300; ++round) {
      scene_.pass(10ms);
      look();
      receive(client_);
      receive(server_);
      settle(client_, kNorth);
      settle(server_, kSouth);
    }
    EXPECT_THAT(server_.received, testing::ElementsAreArray(to_server_));
    // What the client got are the server's messages, in their order, and one error for each refused request.
    std::vector<std::string> messages;
    std::multiset<std::string> errors;
    for (const std::string& each : client_.received) {
      if (each.starts_with("s")) messages.push_back(each);
      if (each.starts_with("q")) errors.insert(each);
    }
    EXPECT_THAT(messages, testing::ElementsAreArray(to_client_));
    EXPECT_EQ(errors, refused_);
    EXPECT_TRUE(scene_.ended.empty());
    EXPECT_THAT(scene_.events("airlock.out-of-turn"), IsEmpty());
    EXPECT_TRUE(client_.unacknowledged.empty() && server_.unacknowledged.empty());
  }
  int resumptions() const { return resumptions_; }

 private:
  static policy::Login messages_only(policy::RefusalTiming timing) {
    policy::Login only = login();
    only.rule.timing = timing;
    only.rule.presence = only.rule.iq = false;
    return only;
  }
  unsigned pick(unsigned below) { return std::uniform_int_distribution<unsigned>(0, below - 1)(random_); }
  Peer& peer(EdgeIndex edge) { return edge == kNorth ? client_ : server_; }
  LegId leg(EdgeIndex edge) const { return edge == kNorth ? scene_.near : scene_.far; }

  /// A message, or, `refused`, something that may not cross: of the client a request, which is answered with an error,
  /// of the server presence, which is dropped.
  void send(Peer& from, EdgeIndex edge, bool refused) {
    if (from.credit == 0) return;
    const bool of_client = edge == kNorth;
    const std::string number = std::to_string(++count_);
    Message message{.from = of_client ? kBobsJid : "ann@alpha.test/a", .to = of_client ? "ann@alpha.test" : kBobsJid};
    message.id = (of_client ? (refused ? "q" : "c") : (refused ? "p" : "s")) + number;
    if (refused) {
      message.name = of_client ? "iq" : "presence";
      message.type = of_client ? "get" : "";
    }
    if (of_client && refused) refused_.insert(message.id);
    if (!refused) (of_client ? to_server_ : to_client_).push_back(message.id);
    from.unacknowledged.emplace_back(message.id, normal_form(message));
    put(from, edge, from.unacknowledged.back().second);
  }
  void put(Peer& from, EdgeIndex edge, const std::string& octets) {
    --from.credit;
    scene_.pass(120ms);  // so that the budget of errors is none of this test's business
    scene_.stanza_octets(leg(edge), ++from.sent_on_leg, octets, edge);
    look();
  }
  static void receive(Peer& at) {
    if (at.wire.empty()) return;
    at.received.push_back(id_of(at.wire.front()));
    at.wire.pop_front();
    ++at.got;
    ++at.got_on_leg;
  }
  void settle(Peer& at, EdgeIndex edge) {
    if (at.got_on_leg == at.told_on_leg) return;
    at.told_on_leg = at.got_on_leg;
    scene_.frame(edge, leg(edge), Scene::settled(at.told_on_leg));
    look();
  }

  /// Takes what the lane has sent since the last look.
  void look() {
    for (; seen_ < scene_.sent.size(); ++seen_) {
      const Out& out = scene_.sent[seen_];
      if (out.leg != leg(out.edge)) continue;
      Peer& at = peer(out.edge);
      if (std::holds_alternative<airlock::Deliver>(out.body)) at.wire.push_back(out.xml);
      if (const auto* handled = std::get_if<airlock::Handled>(&out.body))
        at.acknowledge(at.h_of_leg + static_cast<std::uint32_t>(handled->number));
      if (const auto* more = std::get_if<airlock::Credit>(&out.body)) at.credit += more->stanzas;
      if (const auto* grant = std::get_if<airlock::Grant>(&out.body)) at.credit = grant->stanzas;
    }
  }

  void break_and_resume() {
    ++resumptions_;
    // What was on the wire arrives in part, or not at all.
    for (Peer* each : {&client_, &server_}) {
      for (unsigned arrived = pick(static_cast<unsigned>(each->wire.size()) + 1); arrived > 0; --arrived)
        receive(*each);
      each->wire.clear();
    }
    if (pick(2) == 0) {
      scene_.client(Scene::closed(false), scene_.near);
      scene_.server(Scene::closed(false));
    } else {
      scene_.server(Scene::closed(false));
      scene_.client(Scene::closed(false), scene_.near);
    }
    scene_.logged_in(next_leg_ += 2);
    scene_.client(sm(SmStep::Resume, id_, client_.got), scene_.near);
    scene_.log_writes = true;
    scene_.settle();
    const auto asked = scene_.last<airlock::Sm>(kSouth);
    ASSERT_EQ(asked.step, SmStep::Resume);
    server_.acknowledge(asked.h);
    seen_ = scene_.sent.size();
    begin_leg(server_, asked.h);
    const std::uint32_t server_got = server_.got;
    scene_.server(sm(SmStep::Resumed, "server-id", server_got));
    const auto told = scene_.last<airlock::Sm>(kNorth);
    ASSERT_EQ(told.step, SmStep::Resumed);
    client_.acknowledge(told.h);
    begin_leg(client_, told.h);
    scene_.server(Scene::credit(1 << 30, 1 << 20));
    scene_.client(Scene::credit(1 << 30, 1 << 20), scene_.near);
    look();
    replay(client_, kNorth);
    replay(server_, kSouth);
  }
  static void begin_leg(Peer& at, std::uint32_t h) {
    at.h_of_leg = h;
    at.sent_on_leg = at.got_on_leg = at.told_on_leg = 0;
  }
  void replay(Peer& from, EdgeIndex edge) {
    const std::deque<std::pair<std::string, std::string>> again = from.unacknowledged;
    for (const auto& [id, octets] : again) {
      for (int round = 0; from.credit == 0 && round < 100; ++round) {
        receive(peer(edge == kNorth ? kSouth : kNorth));
        settle(peer(edge == kNorth ? kSouth : kNorth), edge == kNorth ? kSouth : kNorth);
      }
      ASSERT_GT(from.credit, 0U);
      put(from, edge, octets);
    }
  }

  std::mt19937 random_;
  SessionScene scene_;
  Peer client_, server_;
  std::string id_;
  std::size_t seen_ = 0;
  std::uint64_t count_ = 0;
  LegId next_leg_ = kClient;
  int resumptions_ = 0;
  std::vector<std::string> to_server_, to_client_;
  std::multiset<std::string> refused_;
};

void walk_often(policy::RefusalTiming timing) {
  int resumptions = 0;
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    Walk walk(seed, timing);
    for (int step = 0; step < 2'000; ++step) walk.step();
    walk.finish();
    resumptions += walk.resumptions();
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(resumptions, 100);
}

TEST(SessionResumption, SM_LosesAndDoublesNothingOverAnyLossOfLegs) {
  walk_often(policy::RefusalTiming::AtOnce);
}

TEST(SessionResumption, P_43_SM_LosesAndDoublesNothingThatWaitsForItsTime) {
  walk_often(policy::RefusalTiming::Padded);
}

}  // namespace
}  // namespace sallyport::guard
