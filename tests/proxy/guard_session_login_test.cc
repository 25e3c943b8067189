// Clients log in across the guard: what the two edges say, what the guard answers, what stands in the log.
#include <gmock/gmock.h>

#include "guard_session_scene.h"

namespace sallyport::guard {
namespace {

using airlock::SaslStep;
using inspect::SaslCondition;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::string detail(const audit::EventRecord& event, std::string_view name) {
  for (const auto& [key, value] : event.details)
    if (key == name) return value;
  return "(none)";
}

TEST(Session, DialsTheServerAsSoonAsTheClientNamesItsDomain) {
  SessionScene scene;
  scene.client(SessionScene::client_opened("Bob@BRAVO.test"));
  EXPECT_EQ(scene.last<airlock::Terms>(kNorth).logins, 3);
  const auto dial = scene.last<airlock::Dial>(kSouth);
  EXPECT_EQ(dial.kind, airlock::LegKind::C2s);
  EXPECT_EQ(dial.from, kAccount) << "a claim crosses in its prepared form";
  EXPECT_EQ(dial.to, "bravo.test");
  EXPECT_FALSE(dial.certificate);
  EXPECT_EQ(scene.count<airlock::Offer>(kNorth), 0U);
}

struct BadClient {
  const char* from;
  const char* to;
  StreamCondition condition;
};

TEST(Session, RefusesAClientThatNoLoginLetsIn) {
  for (const BadClient& row : std::vector<BadClient>{{"", "nowhere.test", StreamCondition::HostUnknown},
                                                     {"", "", StreamCondition::HostUnknown},
                                                     {"", "alpha.test", StreamCondition::HostUnknown},
                                                     {"", "gone.test", StreamCondition::HostGone},
                                                     {"", "charlie.test", StreamCondition::PolicyViolation},
                                                     {"", "conf.bravo.test", StreamCondition::PolicyViolation},
                                                     {"ann@alpha.test", "bravo.test", StreamCondition::InvalidFrom},
                                                     {"bravo.test", "bravo.test", StreamCondition::InvalidFrom}}) {
    SessionScene scene;
    scene.client(SessionScene::client_opened(row.from, row.to));
    EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, row.condition) << row.from << " to " << row.to;
    EXPECT_EQ(scene.count<airlock::Dial>(kSouth), 0U);
  }
}

TEST(Session, RefusesAClientWithoutTlsOrWithARevokedCertificate) {
  for (const bool secure : {true, false}) {
    SessionScene scene;
    auto opened = SessionScene::client_opened();
    opened.tls.secure = secure;
    opened.certificate.presented = secure;
    opened.certificate.revocation = airlock::Revocation::Revoked;
    scene.client(opened);
    EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::NotAuthorized);
  }
}

TEST(Session, TellsTheClientThatItsServerCannotBeHad) {
  SessionScene scene;
  scene.knock_as_client();
  scene.server(Scene::failed(airlock::DialFault::Certificate));
  EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::RemoteConnectionFailed);
  scene.client(Scene::closed(false));
  EXPECT_EQ(scene.lane.census().sessions, 0U);
  EXPECT_EQ(scene.lane.census().accepted + scene.lane.census().dialled, 0U);
}

TEST(Session, RefusesAServerWhoseCertificateIsNotGood) {
  SessionScene scene;
  scene.knock_as_client();
  auto ready = Scene::ready("", "bravo.test");
  ready.certificate.chain = false;
  scene.server(ready);
  EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::RemoteConnectionFailed);
  EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Condition);
}

TEST(Session, GivesUpAServerThatDoesNotAnswerInTime) {
  SessionScene scene;
  scene.knock_as_client();
  scene.pass(26s);
  EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::RemoteConnectionFailed);
  EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Abort);
}

TEST(Session, SASL_04_SASL_10_ShowsTheClientWhatThePolicyLeavesOfTheServersOffer) {
  SessionScene scene;
  scene.knock_as_client();
  scene.server(Scene::ready("", "bravo.test"));
  auto offer = SessionScene::offer(bits({Mechanism::Plain, Mechanism::ScramSha256, Mechanism::ScramSha1,
                                         Mechanism::ScramSha1Plus, Mechanism::Anonymous, Mechanism::External}));
  offer.bindings = airlock::kAllBindings;
  scene.server(offer);
  const auto shown = scene.last<airlock::Offer>(kNorth);
  EXPECT_EQ(shown.mechanisms, bits({Mechanism::Plain, Mechanism::ScramSha1}));
  EXPECT_EQ(shown.bindings, 0U) << "a list of types without a mechanism that uses one makes clients give up";
}

TEST(Session, PassesChannelBindingOnOnlyWhereThePolicySaysThatItHolds) {
  auto bound = login();
  bound.end_point = true;
  bound.mechanisms = bits({Mechanism::ScramSha1, Mechanism::ScramSha1Plus});
  for (const bool server_has_it : {true, false}) {
    SessionScene scene(bound);
    scene.knock_as_client();
    scene.server(Scene::ready("", "bravo.test"));
    auto offer = SessionScene::offer(bits({Mechanism::ScramSha1, Mechanism::ScramSha1Plus}));
    offer.bindings = server_has_it ? airlock::kAllBindings : airlock::bit(airlock::Binding::TlsExporter);
    scene.server(offer);
    const auto shown = scene.last<airlock::Offer>(kNorth);
    EXPECT_EQ(shown.bindings, server_has_it ? airlock::bit(airlock::Binding::TlsServerEndPoint) : 0U);
    EXPECT_EQ(shown.mechanisms,
              server_has_it ? bits({Mechanism::ScramSha1, Mechanism::ScramSha1Plus}) : bits({Mechanism::ScramSha1}));
  }
}

TEST(Session, EndsWhereThePolicyLeavesNothingOfTheOffer) {
  SessionScene scene;
  scene.knock_as_client();
  scene.server(Scene::ready("", "bravo.test"));
  scene.server(SessionScene::offer(bits({Mechanism::Anonymous})));
  EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::PolicyViolation);
  EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Clean);
}

TEST(Session, STR_15_EndsAClientWhoseHeaderNamesAnotherAccountThanItsLogin) {
  for (const char* claimed : {"bob@bravo.test", "eve@bravo.test"}) {
    SessionScene scene;
    scene.client(SessionScene::client_opened(claimed));
    scene.far = scene.last_dial();
    scene.server(Scene::ready(claimed, "bravo.test"));
    scene.server(SessionScene::offer());
    scene.client(plain());
    const bool is_own = claimed == kAccount;
    EXPECT_EQ(scene.count<airlock::Sasl>(kSouth), is_own ? 1U : 0U) << claimed;
    EXPECT_EQ(scene.count<airlock::Close>(kNorth), is_own ? 0U : 1U) << claimed;
    if (!is_own) EXPECT_EQ(scene.last<airlock::Close>(kNorth).condition, StreamCondition::InvalidFrom);
  }
}

TEST(Session, SASL_03_BIND_04_TakesAClientFromItsHeaderToItsAddress) {
  SessionScene scene;
  scene.offered();
  scene.client(plain());
  const auto passed = scene.last<airlock::Sasl>(kSouth);
  EXPECT_EQ(passed.octets.view(), plain().octets.view());
  scene.server(success());
  EXPECT_EQ(scene.last<airlock::Sasl>(kNorth).step, SaslStep::Success);
  scene.server(SessionScene::session_offer());
  EXPECT_EQ(scene.last<airlock::Offer>(kNorth).stage, airlock::OfferStage::Session);
  scene.client(airlock::Bind{"Phone"});
  EXPECT_EQ(scene.last<airlock::Bind>(kSouth).resource, "Phone");
  EXPECT_EQ(scene.count<airlock::Grant>(kNorth), 0U);
  scene.server(airlock::Bound{"Bob@bravo.test/phone", {}});
  EXPECT_EQ(scene.last<airlock::Bound>(kNorth).jid, kBobsJid);
  EXPECT_EQ(scene.last<airlock::Grant>(kNorth).octets, SessionLeg::kOctets);
  EXPECT_EQ(scene.last<airlock::Grant>(kSouth).stanzas, SessionLeg::kStanzas);
  EXPECT_EQ(detail(scene.events("session.login").front(), "account"), kAccount);
  EXPECT_EQ(detail(scene.events("session.bound").front(), "jid"), kBobsJid);
  EXPECT_THAT(scene.events("airlock.out-of-turn"), IsEmpty());
}

TEST(Session, KeepsNoCredentialInTheLog) {
  SessionScene scene;
  scene.offered();
  scene.client(plain());
  scene.server(failure());
  scene.client(plain("bob", "ann@bravo.test"));
  for (const auto& record : scene.log.records) {
    const auto* event = std::get_if<audit::EventRecord>(&record);
    if (event == nullptr) continue;
    for (const auto& [name, value] : event->details) EXPECT_THAT(value, Not(HasSubstr("secret"))) << event->code;
  }
}

TEST(Session, OffersStreamManagementAlsoWhereTheServerHasNone) {
  SessionScene scene;
  scene.features = airlock::bit(airlock::Feature::Bind) | airlock::bit(airlock::Feature::RosterVersioning);
  scene.logged_in();
  EXPECT_EQ(scene.last<airlock::Offer>(kNorth).features,
            scene.features | airlock::bit(airlock::Feature::StreamManagement));
}

TEST(Session, SASL_15_LetsAClientTryAgainButNotForEver) {
  SessionScene scene;
  scene.offered();
  for (int attempt = 0; attempt < 3; ++attempt) {
    scene.client(plain());
    scene.server(failure(SaslCondition::AccountDisabled));
    EXPECT_EQ(scene.last<airlock::Sasl>(kNorth).condition, SaslCondition::NotAuthorized)
        << "a failed login does not tell that the account exists";
  }
  EXPECT_EQ(scene.last<airlock::Close>(kNorth).condition, StreamCondition::PolicyViolation);
  EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Clean);
  EXPECT_THAT(scene.events("session.login-failed"), SizeIs(3));
  EXPECT_THAT(scene.events("session.too-many-logins"), SizeIs(1));
}

TEST(Session, RefusesAnotherOnesAuthorizationIdentityWithoutAskingTheServer) {
  SessionScene scene;
  scene.offered();
  scene.client(plain("bob", "ann@bravo.test"));
  EXPECT_EQ(scene.last<airlock::Sasl>(kNorth).condition, SaslCondition::InvalidAuthzid);
  EXPECT_EQ(scene.count<airlock::Sasl>(kSouth), 0U);
  EXPECT_EQ(detail(scene.events("session.login-failed").front(), "by"), "guard");
  scene.client(plain());
  EXPECT_EQ(scene.count<airlock::Sasl>(kSouth), 1U) << "the next try is a try of its own";
}

TEST(Session, RefusesAMechanismThatWasNotOffered) {
  SessionScene scene;
  scene.offered();
  auto auth = sasl(SaslStep::Auth, "someone");
  auth.mechanism = Mechanism::Anonymous;
  scene.client(auth);
  EXPECT_EQ(scene.last<airlock::Sasl>(kNorth).condition, SaslCondition::InvalidMechanism);
  EXPECT_EQ(scene.count<airlock::Sasl>(kSouth), 0U);
}

airlock::Sasl scram_first(const std::string& header = "n,,") {
  auto auth = sasl(SaslStep::Auth, header + "n=bob,r=fyko+d2lbbFgONRv9qkxdawL");
  auth.mechanism = Mechanism::ScramSha1;
  return auth;
}
const char* const kServerFirst = "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";
const char* const kClientFinal = "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=";
const char* const kServerFinal = "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=";

TEST(Session, SASL_12_RelaysScramStepByStep) {
  SessionScene scene;
  scene.offered();
  scene.client(scram_first());
  scene.server(sasl(SaslStep::Challenge, kServerFirst));
  EXPECT_EQ(scene.last<airlock::Sasl>(kNorth).octets.view(), kServerFirst);
  scene.client(sasl(SaslStep::Response, kClientFinal));
  EXPECT_EQ(scene.last<airlock::Sasl>(kSouth).octets.view(), kClientFinal);
  scene.server(sasl(SaslStep::Success, kServerFinal));
  EXPECT_EQ(scene.last<airlock::Sasl>(kNorth).step, SaslStep::Success);
  EXPECT_EQ(detail(scene.events("session.login").front(), "mechanism"), "SCRAM-SHA-1");
  EXPECT_EQ(detail(scene.events("session.login").front(), "channel_binding"), "n");
}

TEST(Session, LetsTheServerAskForTheFirstMessage) {
  SessionScene scene;
  scene.offered();
  auto auth = sasl(SaslStep::Auth, {}, false);
  auth.mechanism = Mechanism::ScramSha1;
  scene.client(auth);
  scene.server(sasl(SaslStep::Challenge, ""));
  scene.client(sasl(SaslStep::Response, std::string(scram_first().octets.view())));
  scene.server(sasl(SaslStep::Challenge, kServerFirst));
  EXPECT_EQ(scene.last<airlock::Sasl>(kNorth).octets.view(), kServerFirst);
}

TEST(Session, AbortsALoginWhoseResponseMayNotPass) {
  SessionScene scene;
  scene.offered();
  scene.client(scram_first());
  scene.server(sasl(SaslStep::Challenge, kServerFirst));
  scene.client(sasl(SaslStep::Response, "c=eSws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=AAAA"));
  EXPECT_EQ(scene.last<airlock::Sasl>(kSouth).step, SaslStep::Abort);
  EXPECT_EQ(scene.last<airlock::Sasl>(kNorth).step, SaslStep::Challenge) << "the client hears it after the server";
  scene.server(failure(SaslCondition::Aborted));
  EXPECT_EQ(scene.last<airlock::Sasl>(kNorth).condition, SaslCondition::MalformedRequest);
  scene.client(plain());
  EXPECT_EQ(scene.last<airlock::Sasl>(kSouth).step, SaslStep::Auth);
}

TEST(Session, AbortsALoginWhoseChallengeMayNotPass) {
  SessionScene scene;
  scene.offered();
  scene.client(scram_first());
  scene.server(sasl(SaslStep::Challenge, "r=another,s=QSXCR+Q6sek8bf92,i=4096"));
  EXPECT_EQ(scene.last<airlock::Sasl>(kSouth).step, SaslStep::Abort);
  scene.server(failure(SaslCondition::Aborted));
  EXPECT_EQ(scene.last<airlock::Sasl>(kNorth).condition, SaslCondition::TemporaryAuthFailure);
}

TEST(Session, EndsAServerThatLetsAForgedLoginSucceed) {
  for (const bool after_abort : {false, true}) {
    SessionScene scene;
    scene.offered();
    scene.client(scram_first());
    scene.server(sasl(SaslStep::Challenge, kServerFirst));
    if (after_abort) scene.client(sasl(SaslStep::Abort, {}, false));
    if (!after_abort) scene.client(sasl(SaslStep::Response, kClientFinal));
    scene.server(success());
    EXPECT_EQ(scene.last<airlock::Close>(kNorth).condition, StreamCondition::UndefinedCondition);
    EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Clean);
    EXPECT_THAT(scene.events("session.server-fault"), SizeIs(1));
  }
}

airlock::Opened with_certificate(const std::vector<std::string>& names) {
  auto opened = SessionScene::client_opened();
  opened.certificate = Scene::good_certificate();
  opened.certificate.identity = false;
  opened.certificate.names = names;
  return opened;
}

TEST(Session, R4_LogsInForTheAccountOfTheClientsCertificate) {
  SessionScene scene;
  scene.client(with_certificate({"dns:phone.test", "xmpp:Bob@bravo.test", "xmpp:bob@elsewhere.test"}));
  scene.far = scene.last_dial();
  EXPECT_TRUE(scene.last<airlock::Dial>(kSouth).certificate);
  scene.server(Scene::ready("", "bravo.test"));
  scene.server(SessionScene::offer());
  auto auth = sasl(SaslStep::Auth, {}, true);
  auth.mechanism = Mechanism::External;
  scene.client(auth);
  EXPECT_EQ(scene.last<airlock::Sasl>(kSouth).octets.view(), kAccount) << "of the guard's own making";
  scene.server(success());
  scene.server(SessionScene::session_offer());
  scene.client(airlock::Bind{""});
  scene.server(airlock::Bound{"eve@bravo.test/x", {}});
  EXPECT_THAT(scene.events("session.identity"), SizeIs(1));
  EXPECT_EQ(scene.count<airlock::Grant>(kNorth), 0U);
}

TEST(Session, R4_RefusesAnAccountThatTheCertificateDoesNotName) {
  SessionScene scene;
  scene.client(with_certificate({"xmpp:bob@bravo.test", "xmpp:ann@bravo.test"}));
  scene.far = scene.last_dial();
  scene.server(Scene::ready("", "bravo.test"));
  scene.server(SessionScene::offer());
  for (const char* asked : {"eve@bravo.test", ""}) {
    auto auth = sasl(SaslStep::Auth, asked);
    auth.mechanism = Mechanism::External;
    scene.client(auth);
    EXPECT_EQ(scene.last<airlock::Sasl>(kNorth).condition, SaslCondition::InvalidAuthzid) << asked;
  }
  EXPECT_EQ(scene.count<airlock::Sasl>(kSouth), 0U);
  auto auth = sasl(SaslStep::Auth, "ann@bravo.test");
  auth.mechanism = Mechanism::External;
  scene.client(auth);
  EXPECT_EQ(scene.last<airlock::Sasl>(kSouth).octets.view(), "ann@bravo.test");
}

TEST(Session, C_09_TakesNoAddressOfAnotherAccount) {
  for (const char* jid : {"eve@bravo.test/x", "bob@charlie.test/x", "bob@bravo.test", "bravo.test/x", "@@"}) {
    SessionScene scene;
    scene.logged_in();
    scene.client(airlock::Bind{"phone"});
    scene.server(airlock::Bound{jid, {}});
    EXPECT_EQ(scene.last<airlock::Close>(kNorth).condition, StreamCondition::UndefinedCondition) << jid;
    EXPECT_EQ(scene.count<airlock::Grant>(kNorth) + scene.count<airlock::Grant>(kSouth), 0U);
  }
}

TEST(Session, C_11_BIND_06_LetsTheClientAskForAnotherResourceButNotForEver) {
  SessionScene scene;
  scene.logged_in();
  for (int attempt = 0; attempt < 10; ++attempt) {
    scene.client(airlock::Bind{"phone"});
    scene.server(airlock::Bound{"", inspect::StanzaCondition::Conflict});
    EXPECT_EQ(scene.last<airlock::Bound>(kNorth).condition, inspect::StanzaCondition::Conflict);
  }
  scene.client(airlock::Bind{"phone"});
  EXPECT_EQ(scene.last<airlock::Close>(kNorth).condition, StreamCondition::PolicyViolation);
}

TEST(Session, RefusesAResourceThatIsNoneByItself) {
  SessionScene scene;
  scene.logged_in();
  scene.client(airlock::Bind{"ph\xE2\x80\xAEone"});
  EXPECT_EQ(scene.last<airlock::Bound>(kNorth).condition, inspect::StanzaCondition::BadRequest);
  EXPECT_EQ(scene.count<airlock::Bind>(kSouth), 0U);
}

TEST(Session, EndsAClientThatDoesNotComeToAnEndOfIt) {
  SessionScene scene;
  scene.offered();
  scene.pass(121s);
  EXPECT_EQ(scene.last<airlock::Close>(kNorth).condition, StreamCondition::ConnectionTimeout);
}

TEST(Session, LeavesNothingOfALoginThatWasGivenUp) {
  SessionScene scene;
  scene.offered();
  scene.client(plain());
  scene.client(Scene::closed(false));
  EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Clean);
  scene.server(Scene::closed(true));
  EXPECT_EQ(scene.lane.census().sessions, 0U);
  EXPECT_EQ(scene.lane.census().accepted + scene.lane.census().dialled, 0U);
  EXPECT_TRUE(scene.ended.empty());
}

TEST(Session, TellsTheClientWhenItsServerBreaksOffTheLogin) {
  SessionScene scene;
  scene.offered();
  scene.client(plain());
  scene.server(Scene::closed(false));
  EXPECT_EQ(scene.last<airlock::Close>(kNorth).condition, StreamCondition::RemoteConnectionFailed);
}

/// One of each frame that an edge may say anything by.
std::vector<airlock::Body> every_frame() {
  airlock::Stanza stanza;
  stanza.number = 1;
  std::vector<airlock::Body> frames = {airlock::Hello{},
                                       airlock::Welcome{},
                                       SessionScene::client_opened(),
                                       airlock::Terms{},
                                       airlock::Refuse{},
                                       Scene::proved(),
                                       airlock::Dial{},
                                       Scene::ready("", "bravo.test"),
                                       Scene::failed(),
                                       airlock::Grant{},
                                       stanza,
                                       airlock::Deliver{},
                                       airlock::Credit{},
                                       airlock::Handled{},
                                       Scene::settled(0),
                                       Scene::close(),
                                       Scene::closed(true),
                                       airlock::Event{},
                                       airlock::Beat{},
                                       airlock::Drain{},
                                       SessionScene::offer(),
                                       SessionScene::session_offer(),
                                       airlock::Bind{"phone"},
                                       airlock::Bound{kBobsJid, {}},
                                       airlock::Csi{}};
  for (auto step = SaslStep::Auth; step <= SaslStep::Abort; step = static_cast<SaslStep>(static_cast<int>(step) + 1))
    frames.emplace_back(sasl(step, "x"));
  for (auto step = airlock::SmStep::Enable; step <= airlock::SmStep::AckWanted;
       step = static_cast<airlock::SmStep>(static_cast<int>(step) + 1))
    frames.emplace_back(sm(step, "id", 0));
  return frames;
}

/// Brings a session so far; gives whether the client's edge has the turn.
struct Place {
  const char* name;
  void (*reach)(SessionScene&);
  Turn turn;
};
const std::vector<Place> kPlaces = {
    {"dialling", [](SessionScene& s) { s.knock_as_client(); }, Turn::Dialling},
    {"offer",
     [](SessionScene& s) {
       s.knock_as_client();
       s.server(Scene::ready("", "bravo.test"));
     },
     Turn::Offer},
    {"auth", [](SessionScene& s) { s.offered(); }, Turn::Auth},
    {"answer",
     [](SessionScene& s) {
       s.offered();
       s.client(plain());
     },
     Turn::Answer},
    {"response",
     [](SessionScene& s) {
       s.offered();
       s.client(scram_first());
       s.server(sasl(SaslStep::Challenge, kServerFirst));
     },
     Turn::Response},
    {"aborting",
     [](SessionScene& s) {
       s.offered();
       s.client(scram_first());
       s.server(sasl(SaslStep::Challenge, kServerFirst));
       s.client(sasl(SaslStep::Abort, {}, false));
     },
     Turn::Aborting},
    {"session offer",
     [](SessionScene& s) {
       s.offered();
       s.client(plain());
       s.server(success());
     },
     Turn::SessionOffer},
    {"bind", [](SessionScene& s) { s.logged_in(); }, Turn::Bind},
    {"bound",
     [](SessionScene& s) {
       s.logged_in();
       s.client(airlock::Bind{"phone"});
     },
     Turn::Bound},
    {"open", [](SessionScene& s) { s.stands(); }, Turn::Open},
};

TEST(Session, EndsALegWhoseEdgeSaysAnythingOutOfTurn) {
  for (const Place& place : kPlaces) {
    for (const Side side : {Side::Accepted, Side::Dialled}) {
      for (const airlock::Body& body : every_frame()) {
        const bool about_its_end = std::holds_alternative<airlock::Close>(body) ||
                                   std::holds_alternative<airlock::Closed>(body) ||
                                   std::holds_alternative<airlock::Event>(body);
        if (about_its_end || has_turn(place.turn, side, body)) continue;
        SessionScene scene;
        place.reach(scene);
        const EdgeIndex edge = side == Side::Accepted ? kNorth : kSouth;
        scene.frame(edge, side == Side::Accepted ? kClient : scene.far, body);
        EXPECT_THAT(scene.events("airlock.out-of-turn"), SizeIs(1))
            << place.name << ", " << airlock::name(body) << " from " << name(side);
        EXPECT_EQ(scene.last<airlock::Close>(edge).kind, airlock::CloseKind::Abort);
        EXPECT_TRUE(scene.delivered(kNorth).empty() && scene.delivered(kSouth).empty());
        EXPECT_TRUE(scene.ended.empty());
      }
    }
  }
}

TEST(Session, ComesToAnEndFromEveryStateWhicheverLegBreaks) {
  for (const Place& place : kPlaces) {
    for (const bool client_first : {true, false}) {
      SessionScene scene;
      place.reach(scene);
      const bool dialling = place.turn == Turn::Dialling;
      if (client_first) {
        scene.client(Scene::closed(false));
        scene.server(dialling ? airlock::Body(Scene::failed()) : airlock::Body(Scene::closed(true)));
      } else {
        scene.server(dialling ? airlock::Body(Scene::failed()) : airlock::Body(Scene::closed(false)));
        scene.client(Scene::closed(true));
      }
      EXPECT_EQ(scene.lane.census().sessions, 0U) << place.name;
      EXPECT_EQ(scene.lane.census().accepted + scene.lane.census().dialled, 0U) << place.name;
      EXPECT_TRUE(scene.ended.empty()) << place.name;
      scene.pass(120s);
      EXPECT_TRUE(scene.ended.empty()) << place.name;
    }
  }
}

TEST(Session, IsOnTheLaneThatItsLegNames) {
  auto settings = Scene::default_settings();
  settings.lanes = 4;
  settings.lane = 1;
  SessionScene scene(login(), settings);
  scene.client(SessionScene::client_opened(), 2);
  EXPECT_EQ(scene.last<airlock::Terms>(kNorth).guard_lane, 0);
  EXPECT_EQ(scene.count<airlock::Dial>(kSouth), 0U);
  scene.client(SessionScene::client_opened(), 4);
  EXPECT_EQ(scene.last<airlock::Terms>(kNorth).guard_lane, 1);
  EXPECT_EQ(scene.count<airlock::Dial>(kSouth), 1U);
}

TEST(Session, LosesOnlyTheSessionsOfAnEdgeThatIsLost) {
  SessionScene scene;
  scene.stands();
  scene.connect(40);
  scene.lose(kSouth);
  EXPECT_EQ(scene.last<airlock::Close>(kNorth).condition, StreamCondition::RemoteConnectionFailed);
  scene.client(Scene::closed(true));
  EXPECT_EQ(scene.lane.census().sessions, 0U);
  EXPECT_EQ(scene.lane.census().accepted, 1U) << "the server's leg stays";
}

TEST(Session, ShowsAndThenEndsWhatANewPolicyNoLongerGrants) {
  SessionScene scene;
  scene.stands();
  auto other = login();
  other.domain = 2;
  const auto next = bundle(tables_with(other));
  const auto endings = scene.lane.endings(*next);
  ASSERT_THAT(endings, SizeIs(1));
  EXPECT_EQ(endings[0].pair.from, kBobsJid);
  EXPECT_EQ(endings[0].pair.to, "bravo.test");
  EXPECT_THAT(scene.lane.endings(*bundle(tables_with(login()))), IsEmpty());
  scene.lane.swap(next, scene.now);
  scene.settle();
  EXPECT_EQ(scene.last<airlock::Close>(kNorth).condition, StreamCondition::Reset);
  EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Clean);
}

TEST(Session, GoesOnUnderAPolicyThatStillGrantsIt) {
  SessionScene scene;
  scene.stands();
  auto fewer = login();
  fewer.mechanisms = bits({Mechanism::ScramSha1});
  scene.lane.swap(bundle(tables_with(fewer)), scene.now);
  scene.stanza(kClient, 1, {.from = kBobsJid, .to = "ann@alpha.test"});
  EXPECT_THAT(scene.delivered(kSouth), SizeIs(1));
  EXPECT_EQ(scene.count<airlock::Close>(kNorth), 0U);
}

TEST(Session, EndsWithTheGuard) {
  SessionScene scene;
  scene.stands();
  scene.lane.drain(scene.now, 5s);
  scene.settle();
  EXPECT_EQ(scene.last<airlock::Close>(kNorth).condition, StreamCondition::SystemShutdown);
  EXPECT_EQ(scene.last<airlock::Close>(kSouth).kind, airlock::CloseKind::Clean);
  scene.client(SessionScene::client_opened(), kClient + 2);
  EXPECT_EQ(scene.last<airlock::Refuse>(kNorth).condition, StreamCondition::SystemShutdown);
}

}  // namespace
}  // namespace sallyport::guard
