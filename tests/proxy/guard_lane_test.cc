// Dialogues with one lane: what the two edges say, what the guard answers, what stands in the log.
#include <gmock/gmock.h>

#include "guard_scene.h"

namespace sallyport::guard {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

TEST(Lane, AnswersAnOpenedStreamWithWhatMayBeOffered) {
  Scene scene;
  scene.frame(kNorth, kPeer, Scene::opened("Alpha.TEST", "bravo.test"));
  EXPECT_TRUE(scene.last<airlock::Terms>(kNorth).external);
  EXPECT_FALSE(scene.last<airlock::Terms>(kNorth).dialback);
}

struct BadOpening {
  const char* from;
  const char* to;
  StreamCondition condition;
};

TEST(Lane, STZ_07_RefusesAStreamForDomainsThatAreNotItsOwnOrNotServed) {
  const std::vector<BadOpening> rows = {
      {"alpha.test", "nowhere.test", StreamCondition::HostUnknown},
      {"alpha.test", "", StreamCondition::HostUnknown},
      {"alpha.test", "delta.test", StreamCondition::HostUnknown},
      {"alpha.test", "gone.test", StreamCondition::HostGone},
      {"", "bravo.test", StreamCondition::ImproperAddressing},
      {"a@b", "bravo.test", StreamCondition::ImproperAddressing},
      {"charlie.test", "bravo.test", StreamCondition::HostUnknown},
      {"bravo.test", "bravo.test", StreamCondition::InvalidFrom},
      {"elsewhere.test", "bravo.test", StreamCondition::InvalidFrom},
      {"delta.test", "echo.test", StreamCondition::PolicyViolation},
  };
  for (const BadOpening& row : rows) {
    Scene scene;
    const EdgeIndex edge = std::string_view(row.from) == "charlie.test" ? kSouth : kNorth;
    scene.frame(edge, kPeer, Scene::opened(row.from, row.to));
    EXPECT_EQ(scene.last<airlock::Refuse>(edge).condition, row.condition) << row.from << " to " << row.to;
    EXPECT_EQ(scene.count<airlock::Terms>(edge), 0U);
  }
}

TEST(Lane, RefusesADomainOfAnotherEnclaveWhateverItsEdgeSays) {
  Scene scene;
  scene.frame(kSouth, kPeer, Scene::opened("alpha.test", "bravo.test"));
  EXPECT_EQ(scene.last<airlock::Refuse>(kSouth).condition, StreamCondition::HostUnknown);
  scene.frame(kSouth, kPeer + 2, Scene::opened("delta.test", "alpha.test"));
  EXPECT_EQ(scene.last<airlock::Refuse>(kSouth).condition, StreamCondition::InvalidFrom);
}

TEST(Lane, RefusesAStreamWithoutTlsOrWithoutAGoodCertificate) {
  for (int fault = 0; fault < 5; ++fault) {
    Scene scene;
    auto opened = Scene::opened();
    if (fault == 0) opened.tls.secure = false;
    if (fault == 1) opened.certificate.presented = false;
    if (fault == 2) opened.certificate.chain = false;
    if (fault == 3) opened.certificate.identity = false;
    if (fault == 4) opened.certificate.revocation = airlock::Revocation::Revoked;
    scene.frame(kNorth, kPeer, opened);
    EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::NotAuthorized) << fault;
  }
}

TEST(Lane, AsksForAKnownRevocationStateWhereThePolicyRequiresIt) {
  auto strict = tables();
  strict.enclaves[0].revocation = policy::RevocationRule::Required;
  Scene scene(Scene::default_settings(), 1 << 30, bundle(strict));
  auto opened = Scene::opened();
  opened.certificate.revocation = airlock::Revocation::Unknown;
  scene.frame(kNorth, kPeer, opened);
  EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::NotAuthorized);
  EXPECT_THAT(scene.events("leg.revocation"), SizeIs(1));
}

TEST(Lane, NamesTheOtherLaneAndForgetsTheLeg) {
  auto settings = Scene::default_settings();
  settings.lanes = 2;
  const auto policy = bundle();
  settings.lane = static_cast<std::uint16_t>((policy->lane_key("alpha.test", "bravo.test") + 1) % 2);
  Scene scene(settings);
  scene.frame(kNorth, kPeer, Scene::opened());
  EXPECT_EQ(scene.last<airlock::Terms>(kNorth).guard_lane, 1 - settings.lane);
  EXPECT_EQ(scene.lane.census().accepted, 0U);
  scene.frame(kNorth, kPeer, Scene::closed(false));
  EXPECT_TRUE(scene.ended.empty()) << "the edge may have lost the peer before it had the answer";
}

TEST(Lane, GrantsOnlyWhenTheFarLegStands) {
  Scene scene;
  scene.knock();
  EXPECT_EQ(scene.count<airlock::Grant>(kNorth), 0U);
  const auto dial = scene.last<airlock::Dial>(kSouth);
  EXPECT_EQ(dial.from, "alpha.test");
  EXPECT_EQ(dial.to, "bravo.test");
  EXPECT_TRUE(airlock::is_dialled(scene.last_dial()));
  scene.frame(kSouth, scene.last_dial(), Scene::ready());
  EXPECT_EQ(scene.count<airlock::Grant>(kSouth), 1U);
  const auto grant = scene.last<airlock::Grant>(kNorth);
  ASSERT_THAT(grant.pairs, SizeIs(1));
  EXPECT_EQ(grant.pairs[0].to, "bravo.test");
  EXPECT_EQ(grant.octets, kWindowOctets);
}

TEST(Lane, STZ_21_UsesTheStandingFarLegForTheNextPeer) {
  Scene scene;
  scene.connect();
  scene.frame(kNorth, kPeer, Scene::close());
  scene.frame(kNorth, kPeer, Scene::closed(true));
  scene.knock(kPeer + 2);
  EXPECT_EQ(scene.count<airlock::Dial>(kSouth), 1U);
  EXPECT_EQ(scene.count<airlock::Grant>(kNorth), 2U);
}

TEST(Lane, RefusesWithRemoteConnectionFailedWhenTheFarServerRefuses) {
  for (const auto fault : {airlock::DialFault::Certificate, airlock::DialFault::Refused, airlock::DialFault::NoName}) {
    Scene scene;
    scene.knock();
    scene.frame(kSouth, scene.last_dial(), Scene::failed(fault));
    EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::RemoteConnectionFailed);
  }
}

TEST(Lane, TriesAgainWhileThePeerIsHeldAndThenRefuses) {
  Scene scene;
  scene.knock();
  scene.frame(kSouth, scene.last_dial(), Scene::failed());
  EXPECT_EQ(scene.count<airlock::Refuse>(kNorth), 0U) << "a far server that is down for a second must not be the end";
  scene.pass(5s);
  EXPECT_EQ(scene.count<airlock::Dial>(kSouth), 2U);
  scene.pass(20s);
  EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::RemoteConnectionFailed);
}

TEST(Lane, HoldsNoPeerLongerThanTwentySeconds) {
  Scene scene;
  scene.knock();
  scene.pass(19'999ms);
  EXPECT_EQ(scene.count<airlock::Refuse>(kNorth), 0U);
  scene.pass(1ms);
  EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::RemoteConnectionFailed);
}

TEST(Lane, RefusesAFarLegThatIsNotWhatWasDialled) {
  for (int fault = 0; fault < 4; ++fault) {
    Scene scene;
    scene.knock();
    auto ready = Scene::ready();
    if (fault == 0) ready.to = "charlie.test";
    if (fault == 1) ready.from = "delta.test";
    if (fault == 2) ready.certificate.identity = false;
    if (fault == 3) ready.method = airlock::Method::Dialback;
    scene.frame(kSouth, scene.last_dial(), ready);
    EXPECT_EQ(scene.count<airlock::Grant>(kSouth), 0U);
    EXPECT_EQ(scene.count<airlock::Close>(kSouth), 1U);
    EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::RemoteConnectionFailed);
  }
}

TEST(Lane, S_02_TakesNoOtherPairThanThatOfTheHeaderForExternal) {
  Scene scene;
  scene.frame(kNorth, kPeer, Scene::opened());
  scene.frame(kNorth, kPeer, Scene::proved("alpha.test", "charlie.test"));
  EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::NotAuthorized);
}

TEST(Lane, DeliversAStanzaOnlyAfterItsRecordIsWritten) {
  Scene scene;
  scene.connect();
  scene.log_writes = false;
  scene.stanza(kPeer, 1);
  EXPECT_EQ(scene.count<airlock::Deliver>(kSouth), 0U);
  EXPECT_THAT(scene.stanza_records(), SizeIs(1));
  scene.log_writes = true;
  scene.settle();
  const auto out = scene.all<airlock::Deliver>(kSouth);
  ASSERT_THAT(out, SizeIs(1));
  EXPECT_EQ(out[0].xml,
            "<message from='ann@alpha.test/a' id='m1' to='bob@bravo.test' type='chat'>"
            "<body>hello</body></message>");
  EXPECT_EQ(out[0].from, "alpha.test");
  EXPECT_EQ(out[0].to, "bravo.test");
  const auto record = scene.stanza_records()[0];
  EXPECT_EQ(record.verdict, "release");
  EXPECT_EQ(record.reason, "policy.granted");
  EXPECT_EQ(record.rule, "everything");
  EXPECT_EQ(record.leg_out, scene.last_dial());
  EXPECT_EQ(record.number_out, 1U);
  EXPECT_EQ(record.octets_out, out[0].xml.size());
}

TEST(Lane, STZ_24_KeepsTheOrder) {
  Scene scene;
  scene.connect();
  for (std::uint64_t number = 1; number <= 50; ++number) {
    scene.log_writes = number % 3 == 0;
    scene.stanza(kPeer, number, {.id = "m" + std::to_string(number)});
  }
  scene.log_writes = true;
  scene.settle();
  const auto texts = scene.delivered(kSouth);
  ASSERT_THAT(texts, SizeIs(50));
  for (std::size_t i = 0; i < texts.size(); ++i)
    EXPECT_THAT(texts[i], HasSubstr("id='m" + std::to_string(i + 1) + "'"));
}

TEST(Lane, SM_02_SaysHandledOnlyForWhatHasSettled) {
  Scene scene;
  const LegId far = scene.connect();
  scene.stanza(kPeer, 1);
  scene.stanza(kPeer, 2);
  EXPECT_EQ(scene.count<airlock::Handled>(kNorth), 0U);
  scene.frame(kSouth, far, Scene::settled(1));
  EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, 1U);
  scene.pass(1s);
  ASSERT_THAT(scene.events("leg.settled"), SizeIs(1));
  EXPECT_EQ(scene.events("leg.settled")[0].details[0].second, "1");
}

TEST(Lane, ERR_05_BouncesARefusedStanzaOnTheReverseRouteWhichItDials) {
  Scene scene;
  scene.connect();
  scene.stanza(kPeer, 1, {.id = "", .name = "iq", .type = "get"});
  ASSERT_EQ(scene.count<airlock::Dial>(kNorth), 1U);
  EXPECT_EQ(scene.last<airlock::Dial>(kNorth).from, "bravo.test");
  EXPECT_EQ(scene.count<airlock::Deliver>(kSouth), 0U);
  scene.frame(kNorth, scene.last_dial(), Scene::ready("bravo.test", "alpha.test"));
  ASSERT_THAT(scene.delivered(kNorth), SizeIs(1));
  EXPECT_THAT(scene.delivered(kNorth)[0], HasSubstr("type='error'"));
  EXPECT_THAT(scene.delivered(kNorth)[0], HasSubstr("<bad-request"));
  EXPECT_THAT(scene.delivered(kNorth)[0], HasSubstr("to='ann@alpha.test/a'"));
  const auto records = scene.stanza_records();
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_EQ(records[0].verdict, "bounce");
  EXPECT_EQ(records[0].reason, "shape.id-missing");
  EXPECT_EQ(records[1].verdict, "release");
  EXPECT_FALSE(records[1].cause.empty());
  EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, 1U);
}

TEST(Lane, ERR_04_RecordsAndDropsAnErrorThatBreaksARule) {
  Scene scene;
  scene.connect();
  scene.stanza(kPeer, 1, {.name = "iq", .type = "error"});
  EXPECT_EQ(scene.stanza_records()[0].verdict, "drop");
  EXPECT_EQ(scene.count<airlock::Dial>(kNorth), 0U);
}

TEST(Lane, STZ_14_SeversALegThatSpeaksForAForeignDomain) {
  Scene scene;
  scene.connect();
  scene.stanza(kPeer, 1, {.from = "eve@delta.test"});
  const auto close = scene.last<airlock::Close>(kNorth);
  EXPECT_EQ(close.kind, airlock::CloseKind::Condition);
  EXPECT_EQ(close.condition, StreamCondition::InvalidFrom);
  scene.stanza(kPeer, 2);
  EXPECT_EQ(scene.count<airlock::Deliver>(kSouth), 0U) << "what follows on a severed leg is ignored";
  EXPECT_EQ(scene.stanza_records()[0].from, "eve@delta.test") << "who tried is on record";
  EXPECT_EQ(scene.stanza_records()[0].verdict, "sever");
  scene.frame(kNorth, kPeer, Scene::closed(true));
  EXPECT_EQ(scene.count<airlock::Closed>(kNorth), 1U);
  EXPECT_EQ(scene.lane.census().accepted, 0U);
}

TEST(Lane, SendsNoMoreErrorsToAPeerThanItsBudget) {
  Scene scene;
  scene.connect();
  for (std::uint64_t number = 1; number <= 15; ++number)
    scene.stanza(kPeer, number, {.id = "", .name = "iq", .type = "get"});
  scene.frame(kNorth, scene.last_dial(), Scene::ready("bravo.test", "alpha.test"));
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(10));
  EXPECT_THAT(scene.stanza_records().at(14).verdict, "drop");
}

TEST(Lane, S_14_KeepsTheNearLegAndOpensTheFarOneAgainWhenItIsNeeded) {
  Scene scene;
  const LegId far = scene.connect();
  scene.frame(kSouth, far, Scene::close());
  scene.frame(kSouth, far, Scene::closed(true));
  EXPECT_EQ(scene.count<airlock::Close>(kNorth), 0U);
  EXPECT_EQ(scene.count<airlock::Dial>(kSouth), 1U) << "only when it is needed";
  scene.stanza(kPeer, 1);
  ASSERT_EQ(scene.count<airlock::Dial>(kSouth), 2U);
  scene.frame(kSouth, scene.last_dial(), Scene::ready());
  EXPECT_THAT(scene.delivered(kSouth), SizeIs(1));
}

TEST(Lane, S_15_KeepsTheFarLegUntilItHasBeenIdle) {
  Scene scene;
  const LegId far = scene.connect();
  scene.frame(kNorth, kPeer, Scene::close());
  EXPECT_EQ(scene.count<airlock::Closed>(kNorth), 1U);
  scene.frame(kNorth, kPeer, Scene::closed(true));
  scene.pass(899s);
  EXPECT_EQ(scene.count<airlock::Close>(kSouth), 0U);
  scene.pass(1s);
  EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Clean);
  scene.frame(kSouth, far, Scene::closed(true));
  EXPECT_EQ(scene.lane.census().dialled, 0U);
  EXPECT_EQ(scene.lane.census().routes, 0U);
}

TEST(Lane, S_20_MovesTheGrantToTheNewcomerAfterTheOlderLegIsDrained) {
  Scene scene;
  scene.connect();
  scene.knock(kPeer + 2);
  EXPECT_EQ(scene.last<airlock::Close>(kNorth).condition, StreamCondition::Conflict);
  EXPECT_EQ(scene.count<airlock::Grant>(kNorth), 1U);
  scene.stanza(kPeer, 1, {.id = "older"});
  EXPECT_THAT(scene.delivered(kSouth), SizeIs(1)) << "what the older leg had read still counts";
  scene.frame(kNorth, kPeer, Scene::closed(true));
  EXPECT_EQ(scene.count<airlock::Grant>(kNorth), 2U);
  scene.stanza(kPeer + 2, 1, {.id = "newer"});
  EXPECT_THAT(scene.delivered(kSouth), ElementsAre(HasSubstr("older"), HasSubstr("newer")));
}

TEST(Lane, S_20_DoesNotWaitForEverForTheOlderLeg) {
  Scene scene;
  scene.connect();
  scene.knock(kPeer + 2);
  scene.pass(5s);
  EXPECT_EQ(scene.count<airlock::Grant>(kNorth), 2U);
}

TEST(Lane, AnswersForAllStanzasBeforeItClosesAfterThePeer) {
  Scene scene;
  const LegId far = scene.connect();
  scene.stanza(kPeer, 1);
  scene.frame(kNorth, kPeer, Scene::close());
  EXPECT_EQ(scene.count<airlock::Closed>(kNorth), 0U);
  scene.frame(kSouth, far, Scene::settled(1));
  EXPECT_EQ(scene.count<airlock::Closed>(kNorth), 1U);
  EXPECT_EQ(scene.count<airlock::Handled>(kNorth), 1U);
}

TEST(Lane, DoesNotMakeAPeerThatHasClosedWaitForEver) {
  Scene scene;
  scene.connect();
  scene.stanza(kPeer, 1);
  scene.frame(kNorth, kPeer, Scene::close());
  scene.pass(5s);
  EXPECT_EQ(scene.count<airlock::Closed>(kNorth), 1U);
}

TEST(Lane, ASlowFarServerSlowsTheSenderByCredit) {
  Scene scene;
  const LegId far = scene.connect();
  for (std::uint64_t number = 1; number <= 64; ++number) scene.stanza(kPeer, number);
  EXPECT_THAT(scene.delivered(kSouth), SizeIs(64));
  // The far edge has given 64 stanzas of credit; what comes now waits in the guard and occupies the sender's.
  const auto given = [&] {
    std::uint64_t stanzas = 64;
    for (const Out& out : scene.all<airlock::Credit>(kNorth)) stanzas += std::get<airlock::Credit>(out.body).stanzas;
    return stanzas;
  };
  std::uint64_t number = 65;
  for (; number <= given(); ++number) scene.stanza(kPeer, number);
  EXPECT_LE(given(), 128U);
  EXPECT_THAT(scene.delivered(kSouth), SizeIs(64));
  scene.frame(kSouth, far, Scene::credit(100'000, 100));
  EXPECT_THAT(scene.delivered(kSouth), SizeIs(number - 1));
  EXPECT_GT(given(), 128U);
}

TEST(Lane, HoldsBackWhatIsLargerThanTheFarPeerTakes) {
  Scene scene;
  scene.knock();
  auto ready = Scene::ready();
  ready.stanza_octets = 300;
  scene.frame(kSouth, scene.last_dial(), ready);
  scene.stanza(kPeer, 1, {.body = std::string(400, 'x')});
  EXPECT_EQ(scene.count<airlock::Deliver>(kSouth), 0U);
  EXPECT_EQ(scene.stanza_records()[0].reason, "output.too-big");
  EXPECT_EQ(scene.stanza_records()[0].verdict, "bounce");
}

}  // namespace
}  // namespace sallyport::guard
