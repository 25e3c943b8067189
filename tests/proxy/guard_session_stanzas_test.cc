// Stanzas of clients' sessions, both ways: stamped, judged, recorded, delivered, acknowledged; and how sessions end.
#include <gmock/gmock.h>

#include "guard_session_scene.h"

namespace sallyport::guard {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// A stanza with exactly these attributes and one child, if any.
std::string octets(const std::string& name, std::vector<inspect::Attribute> attributes,
                   const std::string& child = "body", const std::string& ns = std::string(inspect::ns::kContent)) {
  std::string out;
  inspect::NormalFormWriter writer(out);
  writer.open(inspect::ns::kContent, name, attributes);
  if (!child.empty()) {
    writer.open(ns, child, {});
    if (child == "body") writer.text("hello");
    writer.close();
  }
  writer.close();
  return out;
}
std::string message_to(const std::string& to) {
  return octets("message", {{"", "to", to}, {"", "id", "m1"}});
}

TEST(SessionStanzas, C_13_StampTheSessionsAddressOnWhatTheClientSends) {
  SessionScene scene;
  scene.stands();
  scene.stanza_octets(kClient, 1, message_to("ann@alpha.test"));
  scene.stanza_octets(kClient, 2, octets("presence", {{"", "to", "ann@alpha.test"}, {"", "type", "subscribe"}}, ""));
  scene.stanza_octets(kClient, 3, octets("message", {{"", "from", kBobsJid}, {"", "to", "ann@alpha.test"}}));
  scene.stanza_octets(kClient, 4, octets("message", {{"", "from", kAccount}, {"", "to", "ann@alpha.test"}}));
  const auto delivered = scene.delivered(kSouth);
  ASSERT_THAT(delivered, SizeIs(4));
  EXPECT_THAT(delivered[0], HasSubstr("from='" + kBobsJid + "'"));
  EXPECT_THAT(delivered[1], HasSubstr("from='" + kAccount + "'"));
  EXPECT_THAT(delivered[2], HasSubstr("from='" + kBobsJid + "'"));
  EXPECT_THAT(delivered[3], HasSubstr("from='" + kBobsJid + "'"));
  for (const auto& xml : delivered) EXPECT_THAT(xml, Not(HasSubstr("jabber:server")));
}

TEST(SessionStanzas, C_13_EndTheStreamOfAClientThatSpeaksForAnother) {
  for (const char* from : {"bob@bravo.test/desk", "ann@bravo.test", "bravo.test", "ann@alpha.test/x"}) {
    SessionScene scene;
    scene.stands();
    scene.stanza_octets(kClient, 1, octets("message", {{"", "from", from}, {"", "to", "ann@alpha.test"}}));
    EXPECT_THAT(scene.delivered(kSouth), IsEmpty()) << from;
    EXPECT_EQ(scene.last<airlock::Close>(kNorth).condition, StreamCondition::InvalidFrom);
    EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Clean);
    EXPECT_EQ(scene.stanza_records().back().verdict, "sever");
    scene.stanza_octets(kClient, 2, message_to("ann@alpha.test"));
    EXPECT_THAT(scene.delivered(kSouth), IsEmpty()) << "what comes behind it does not cross either";
  }
}

/// A stanza whose one child holds so many elements.
std::string crowded(const std::string& name, std::vector<inspect::Attribute> attributes, std::size_t elements) {
  std::string out;
  inspect::NormalFormWriter writer(out);
  writer.open(inspect::ns::kContent, name, attributes);
  writer.open("jabber:iq:roster", "query", {});
  for (std::size_t i = 0; i < elements; ++i) {
    writer.open("jabber:iq:roster", "item", {});
    writer.close();
  }
  writer.close();
  writer.close();
  return out;
}

TEST(SessionStanzas, D_09_D_10_AServersAnswerMayBeLargerThanWhatElseItSays) {
  SessionScene scene;
  scene.stands();
  const std::vector<inspect::Attribute> answer{{"", "id", "r1"}, {"", "type", "result"}};
  scene.stanza_octets(scene.far, 1, crowded("iq", answer, 9000), kSouth);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1));
  EXPECT_EQ(scene.stanza_records().back().verdict, "release");
  scene.stanza_octets(scene.far, 2, crowded("message", {{"", "id", "m1"}}, 998), kSouth);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(2));
  scene.stanza_octets(scene.far, 3, crowded("message", {{"", "id", "m2"}}, 1100), kSouth);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(2));
  EXPECT_EQ(scene.stanza_records().back().reason, "shape.too-big");
  scene.stanza_octets(scene.far, 4, octets("message", {}), kSouth);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(3)) << "the session goes on";
}

TEST(SessionStanzas, CrossToTheClientOnlyIfTheyAreForIt) {
  SessionScene scene;
  scene.stands();
  scene.stanza_octets(scene.far, 1, octets("message", {{"", "from", "ann@alpha.test/a"}, {"", "to", kBobsJid}}),
                      kSouth);
  scene.stanza_octets(scene.far, 2, octets("message", {{"", "from", "ann@alpha.test/a"}, {"", "to", kAccount}}),
                      kSouth);
  scene.stanza_octets(scene.far, 3, octets("message", {}), kSouth);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(3));
  scene.stanza_octets(scene.far, 4, octets("message", {{"", "from", "ann@alpha.test/a"}, {"", "to", "eve@bravo.test"}}),
                      kSouth);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(3));
  EXPECT_EQ(scene.stanza_records().back().reason, "addressing.to-not-own");
  EXPECT_EQ(scene.count<airlock::Close>(kSouth), 0U) << "a sloppy server is no reason to end the session";
}

TEST(SessionStanzas, StandInTheRecordWithTheSessionsNumber) {
  SessionScene scene;
  scene.stands();
  scene.stanza_octets(kClient, 1, message_to("ann@alpha.test"));
  scene.stanza_octets(scene.far, 1, octets("message", {{"", "from", "ann@alpha.test/a"}, {"", "to", kBobsJid}}),
                      kSouth);
  const auto records = scene.stanza_records();
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_EQ(records[0].crossing, records[1].crossing);
  EXPECT_EQ(records[0].crossing, scene.events("session.bound").front().crossing);
  EXPECT_EQ(records[0].from_enclave, "north");
  EXPECT_EQ(records[1].from_enclave, "south");
  EXPECT_EQ(records[0].rule, "roaming");
  EXPECT_EQ(records[0].leg_in, kClient);
  EXPECT_EQ(records[0].leg_out, scene.far);
  EXPECT_EQ(records[0].number_out, 1U);
}

TEST(SessionStanzas, CrossOnlyWhenTheyAreOnRecord) {
  SessionScene scene;
  scene.stands();
  scene.log_writes = false;
  scene.stanza_octets(kClient, 1, message_to("ann@alpha.test"));
  EXPECT_THAT(scene.delivered(kSouth), IsEmpty());
  scene.log_writes = true;
  scene.settle();
  EXPECT_THAT(scene.delivered(kSouth), SizeIs(1));
}

TEST(SessionStanzas, AreAnsweredWhereTheyAreRefused) {
  auto no_iq = login();
  no_iq.rule.iq = false;
  SessionScene scene(no_iq);
  scene.stands();
  scene.stanza_octets(
      kClient, 1,
      octets("iq", {{"", "to", "ann@alpha.test"}, {"", "id", "q1"}, {"", "type", "get"}}, "ping", "urn:xmpp:ping"));
  scene.stanza_octets(
      scene.far, 1,
      octets("iq", {{"", "from", "bravo.test"}, {"", "to", kBobsJid}, {"", "id", "q2"}, {"", "type", "get"}}, "ping",
             "urn:xmpp:ping"),
      kSouth);
  ASSERT_THAT(scene.delivered(kNorth), SizeIs(1));
  EXPECT_THAT(scene.delivered(kNorth)[0], HasSubstr("id='q1'"));
  EXPECT_THAT(scene.delivered(kNorth)[0], HasSubstr("service-unavailable"));
  ASSERT_THAT(scene.delivered(kSouth), SizeIs(1));
  EXPECT_THAT(scene.delivered(kSouth)[0], HasSubstr("id='q2'"));
  EXPECT_THAT(scene.delivered(kSouth)[0], HasSubstr("from='" + kBobsJid + "'"));
  EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, 1U) << "what is refused is answered for";
}

TEST(SessionStanzas, SM_06_AnErrorIsHandedOutBeforeTheRefusedStanzaIsAcknowledged) {
  auto messages = login();
  messages.rule.presence = messages.rule.iq = false;
  SessionScene scene(messages);
  scene.stands();
  scene.stanza_octets(kClient, 1, octets("iq", {{"", "type", "get"}, {"", "id", "q"}}, "query", "urn:q"));
  std::vector<std::string> order;
  for (const Out& each : scene.sent) {
    if (each.edge != kNorth) continue;
    if (std::holds_alternative<airlock::Deliver>(each.body)) order.emplace_back("error");
    if (std::holds_alternative<airlock::Handled>(each.body)) order.emplace_back("handled");
  }
  EXPECT_THAT(order, ElementsAre("error", "handled"));
}

TEST(SessionStanzas, AServersMessageThatIsRefusedIsDroppedInSilence) {
  auto no_messages = login();
  no_messages.rule.message = false;
  SessionScene scene(no_messages);
  scene.stands();
  scene.stanza_octets(scene.far, 1, octets("message", {{"", "from", "ann@alpha.test/a"}, {"", "id", "x"}}), kSouth);
  EXPECT_THAT(scene.delivered(kNorth), IsEmpty());
  EXPECT_THAT(scene.delivered(kSouth), IsEmpty());
  EXPECT_EQ(scene.stanza_records().back().verdict, "drop");
}

TEST(SessionStanzas, OneSideGetsNoMoreErrorsInASecondThanItsBudget) {
  auto no_iq = login();
  no_iq.rule.iq = false;
  SessionScene scene(no_iq);
  scene.stands();
  for (std::uint64_t number = 1; number <= 16; ++number)
    scene.stanza_octets(
        kClient, number,
        octets("iq", {{"", "id", "q" + std::to_string(number)}, {"", "type", "get"}}, "ping", "urn:xmpp:ping"));
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(10));
  EXPECT_THAT(scene.stanza_records(), SizeIs(26));
}

TEST(SessionStanzas, AreAcknowledgedWhenTheOtherSideHasThem) {
  SessionScene scene;
  scene.stands();
  scene.stanza_octets(kClient, 1, message_to("ann@alpha.test"));
  EXPECT_EQ(scene.count<airlock::Handled>(kNorth), 0U);
  scene.server(Scene::settled(1));
  EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, 1U);
}

TEST(SessionStanzas, WaitForTheCreditOfTheLegTheyGoTo) {
  SessionScene scene;
  scene.logged_in();
  scene.client(airlock::Bind{"phone"});
  scene.server(airlock::Bound{kBobsJid, {}});
  // The server's edge takes 64 and gives no more; the client is stopped by its own credit.
  std::uint64_t sent = 0;
  std::int64_t left = scene.last<airlock::Grant>(kNorth).stanzas;
  for (int round = 0; round < 200 && left > 0; ++round) {
    scene.stanza_octets(kClient, ++sent, message_to("ann@alpha.test"));
    --left;
    left = SessionLeg::kStanzas - static_cast<std::int64_t>(sent);
    for (const Out& each : scene.all<airlock::Credit>(kNorth)) left += std::get<airlock::Credit>(each.body).stanzas;
  }
  EXPECT_EQ(scene.delivered(kSouth).size(), kWindowStanzas);
  EXPECT_LE(sent, kWindowStanzas + SessionLeg::kStanzas + 1);
  scene.server(Scene::credit(1 << 20, 1000));
  EXPECT_EQ(scene.delivered(kSouth).size(), sent);
}

TEST(SessionStanzas, BeyondTheirCreditOrOutOfTheirOrderEndTheLeg) {
  for (const bool number : {true, false}) {
    SessionScene scene;
    scene.stands();
    if (number) {
      scene.stanza_octets(kClient, 2, message_to("ann@alpha.test"));
    } else {
      scene.log_writes = false;
      for (std::uint64_t each = 1; each <= SessionLeg::kStanzas + 2; ++each)
        scene.stanza_octets(kClient, each, message_to("ann@alpha.test"));
    }
    EXPECT_EQ(scene.last<airlock::Close>(kNorth).kind, airlock::CloseKind::Abort) << number;
  }
}

TEST(SessionStanzas, CSI_TellTheServerWhetherTheClientIsInUse) {
  for (const bool offered : {true, false}) {
    SessionScene scene;
    if (!offered) scene.features = airlock::bit(airlock::Feature::Bind);
    scene.stands();
    scene.client(airlock::Csi{false});
    EXPECT_EQ(scene.count<airlock::Csi>(kSouth), offered ? 1U : 0U);
  }
}

// --- the end

TEST(SessionEnd, ACleanOneIsACleanOneOnTheOtherSide) {
  SessionScene scene;
  scene.stands();
  scene.client(Scene::close());
  EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Clean);
  EXPECT_EQ(scene.count<airlock::Closed>(kNorth), 1U);
  scene.client(Scene::closed(true));
  scene.server(Scene::closed(true));
  EXPECT_EQ(scene.lane.census().sessions, 0U);
  EXPECT_THAT(scene.events("session.ended"), SizeIs(1));
}

TEST(SessionEnd, ACleanOneOfTheServerIsACleanOneForTheClient) {
  SessionScene scene;
  scene.stands();
  scene.server(Scene::close());
  EXPECT_EQ(scene.last<airlock::Close>(kNorth).kind, airlock::CloseKind::Clean);
}

TEST(SessionEnd, WaitsForWhatIsOnItsWay) {
  SessionScene scene;
  scene.stands();
  scene.log_writes = false;
  scene.stanza_octets(kClient, 1, message_to("ann@alpha.test"));
  scene.client(Scene::close());
  EXPECT_EQ(scene.count<airlock::Close>(kSouth), 0U);
  EXPECT_EQ(scene.count<airlock::Closed>(kNorth), 0U);
  scene.log_writes = true;
  scene.settle();
  EXPECT_THAT(scene.delivered(kSouth), SizeIs(1));
  EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Clean);
  scene.server(Scene::settled(1));
  EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, 1U);
  EXPECT_EQ(scene.count<airlock::Closed>(kNorth), 1U);
}

TEST(SessionEnd, GoesOnDeliveringAsTheOtherSideMakesRoom) {
  SessionScene scene;
  scene.logged_in();
  scene.client(airlock::Bind{"phone"});
  scene.server(airlock::Bound{kBobsJid, {}});
  for (std::uint64_t number = 1; number <= kWindowStanzas + 4; ++number)
    scene.stanza_octets(kClient, number, message_to("ann@alpha.test"));
  scene.client(Scene::close());
  EXPECT_EQ(scene.count<airlock::Close>(kSouth), 0U);
  scene.stanza_octets(scene.far, 1, octets("message", {}), kSouth);
  scene.server(Scene::credit(1 << 20, 100));
  EXPECT_EQ(scene.delivered(kSouth).size(), kWindowStanzas + 4);
  EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Clean);
  EXPECT_THAT(scene.events("airlock.out-of-turn"), IsEmpty()) << "what still comes of the server is ignored";
  EXPECT_THAT(scene.delivered(kNorth), IsEmpty());
}

TEST(SessionEnd, WaitsNoLongerThanFiveSeconds) {
  SessionScene scene;
  scene.stands();
  scene.stanza_octets(kClient, 1, message_to("ann@alpha.test"));
  scene.client(Scene::close());
  EXPECT_EQ(scene.count<airlock::Closed>(kNorth), 0U);
  scene.pass(6s);
  EXPECT_EQ(scene.count<airlock::Closed>(kNorth), 1U);
}

struct ServerError {
  StreamCondition said, told;
};

TEST(SessionEnd, C_03_TellsTheClientWhatConcernsItOfItsServersError) {
  for (const auto& [said, told] :
       std::vector<ServerError>{{StreamCondition::Conflict, StreamCondition::Conflict},
                                {StreamCondition::SystemShutdown, StreamCondition::SystemShutdown},
                                {StreamCondition::PolicyViolation, StreamCondition::PolicyViolation},
                                {StreamCondition::SeeOtherHost, StreamCondition::RemoteConnectionFailed},
                                {StreamCondition::HostGone, StreamCondition::RemoteConnectionFailed},
                                {StreamCondition::NotWellFormed, StreamCondition::InternalServerError},
                                {StreamCondition::InvalidFrom, StreamCondition::UndefinedCondition}}) {
    SessionScene scene;
    scene.stands();
    airlock::Close close = Scene::close(airlock::CloseKind::Condition);
    close.condition = said;
    scene.server(close);
    EXPECT_EQ(scene.last<airlock::Close>(kNorth).condition, told);
  }
}

TEST(SessionEnd, WithoutResumptionABrokenLegIsTheEnd) {
  SessionScene client;
  client.stands();
  client.client(Scene::closed(false));
  EXPECT_EQ(client.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Clean);
  SessionScene server;
  server.stands();
  server.server(Scene::closed(false));
  EXPECT_EQ(server.last<airlock::Close>(kNorth).condition, StreamCondition::RemoteConnectionFailed);
}

TEST(SessionEnd, PutsOnRecordThatAnErrorCouldNotBeDelivered) {
  auto no_iq = login();
  no_iq.rule.iq = false;
  SessionScene scene(no_iq);
  scene.stands();
  scene.log_writes = false;
  scene.stanza_octets(kClient, 1, octets("iq", {{"", "id", "q1"}, {"", "type", "get"}}, "ping", "urn:xmpp:ping"));
  scene.client(Scene::closed(false));
  scene.server(Scene::closed(true));
  EXPECT_EQ(scene.lane.census().sessions, 1U) << "its records are not written yet";
  scene.log_writes = true;
  scene.settle();
  EXPECT_EQ(scene.stanza_records().back().reason, "session.injection-lost");
  EXPECT_EQ(scene.stanza_records().back().verdict, "drop");
  EXPECT_EQ(scene.lane.census().sessions, 0U);
}

TEST(SessionEnd, LeavesNoReleaseOfUnknownFate) {
  SessionScene scene;
  scene.stands();
  for (std::uint64_t number = 1; number <= 3; ++number)
    scene.stanza_octets(kClient, number, message_to("ann@alpha.test"));
  scene.server(Scene::settled(1));
  scene.server(Scene::closed(false, 2, 2));
  const auto unsettled = scene.events("session.unsettled");
  ASSERT_THAT(unsettled, SizeIs(1));
  EXPECT_EQ(unsettled[0].leg, scene.far);
  EXPECT_EQ(unsettled[0].details[0].second, "3");
  EXPECT_EQ(scene.events("leg.settled").back().details[0].second, "3");
}

TEST(SessionEnd, IsBroughtAboutByAnEdgeThatDoesNotCloseItsLeg) {
  SessionScene scene;
  scene.stands();
  scene.client(Scene::close());
  scene.pass(70s);
  EXPECT_THAT(scene.ended, Not(IsEmpty()));
}

}  // namespace
}  // namespace sallyport::guard
