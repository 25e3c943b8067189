// Negative answers in clients' sessions: they take as long whoever gives them (protocol.md P-43), and are neither lost
// nor doubled, nor acknowledged before they are handed out, whatever becomes of the session meanwhile.
#include <cstdlib>
#include <random>

#include <gmock/gmock.h>

#include "guard_session_scene.h"
#include "same_distribution.h"

namespace sallyport::guard {
namespace {

using airlock::SmStep;
using policy::RefusalTiming;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// The stage presence is on, everybody's presence crosses, and of an account only its card may be asked for.
policy::Tables asking_tables(RefusalTiming timing) {
  policy::Login asks = login();
  asks.rule.timing = timing;
  asks.rule.presence_rules.gate = policy::presence::Gate::Open;
  asks.rule.requests = {{policy::Target::Account, true, true, "vcard-temp"}};
  policy::Tables all = tables_with(asks);
  all.settings.stages_off &= static_cast<std::uint8_t>(~(1U << static_cast<unsigned>(policy::Stage::Presence)));
  all.limits.errors_per_second = 1000;
  return all;
}

std::string iq(const std::string& type, const std::string& id, const std::string& ns,
               std::vector<inspect::Attribute> addresses) {
  std::string out;
  inspect::NormalFormWriter writer(out);
  addresses.push_back({"", "id", id});
  addresses.push_back({"", "type", type});
  std::ranges::sort(addresses, {}, &inspect::Attribute::name);
  writer.open(inspect::ns::kContent, "iq", addresses);
  if (type == "error") {
    std::vector<inspect::Attribute> cancels{{"", "type", "cancel"}};
    writer.open(inspect::ns::kContent, "error", cancels);
    writer.open(inspect::ns::kStanzaErrors, "item-not-found", {});
    writer.close();
  } else {
    writer.open(ns, "vCard", {});
  }
  writer.close();
  writer.close();
  return out;
}

std::string id_in(const std::string& xml) {
  const std::size_t at = xml.find(" id='") + 5;
  return xml.substr(at, xml.find('\'', at) - at);
}

constexpr const char* kCard = "vcard-temp";
constexpr const char* kRefused = "jabber:iq:last";

class SessionAnswers : public SessionScene {
 public:
  explicit SessionAnswers(RefusalTiming timing = RefusalTiming::Padded) : SessionScene(asking_tables(timing)) {}

  void asks(const std::string& id, const char* ns = kCard) {
    stanza_octets(near, ++said_by_client, iq("get", id, ns, {{"", "to", "cy@bravo.test"}}));
  }
  /// The server's answer to the last request that it has heard.
  void answers(const std::string& type = "error") {
    last_answer =
        iq(type, id_in(delivered(kSouth).back()), kCard, {{"", "from", "cy@bravo.test"}, {"", "to", kBobsJid}});
    says(last_answer);
  }
  void says(const std::string& octets) { stanza_octets(far, ++said_by_server, octets, kSouth); }
  void settle_all() {
    server(Scene::settled(last<airlock::Deliver>(kSouth).number));
    client(Scene::settled(last<airlock::Deliver>(kNorth).number), near);
  }
  /// Both legs break. Nobody has settled anything on them.
  void break_legs() {
    client(Scene::closed(false), near);
    server(Scene::closed(false));
    said_by_client = said_by_server = 0;
  }
  /// `got`: stanzas that the client says it has.
  void resumes(const std::string& id, std::uint32_t client_got, std::uint32_t server_got) {
    logged_in(near + 2);
    client(sm(SmStep::Resume, id, client_got), near);
    server(sm(SmStep::Resumed, "server-id", server_got));
    server(Scene::credit(1 << 30, 1 << 20));
    client(Scene::credit(1 << 30, 1 << 20), near);
  }

  std::uint64_t said_by_client = 0, said_by_server = 0;
  std::string last_answer;
};

/// In milliseconds, until the client has the error, when its server takes so long, or is not asked at all.
double latency(SessionAnswers& scene, const std::string& id, std::optional<std::chrono::milliseconds> server_takes) {
  const std::size_t before = scene.count<airlock::Deliver>(kNorth);
  const Steady start = scene.now.steady;
  scene.asks(id, server_takes ? kCard : kRefused);
  if (server_takes) {
    scene.pass(*server_takes);
    scene.answers();
  }
  while (scene.count<airlock::Deliver>(kNorth) == before && scene.now.steady - start < 5s) {
    const auto wait = scene.lane.next_deadline() - scene.now.steady;
    scene.pass(std::chrono::duration_cast<std::chrono::milliseconds>(wait) + 1ms);
  }
  EXPECT_EQ(scene.count<airlock::Deliver>(kNorth), before + 1);
  const double took = std::chrono::duration<double, std::milli>(scene.now.steady - start).count();
  if (server_takes) scene.server(Scene::settled(scene.last<airlock::Deliver>(kSouth).number));
  scene.client(Scene::settled(scene.last<airlock::Deliver>(kNorth).number));
  scene.sent.erase(scene.sent.begin(), scene.sent.end() - 4);
  return took;
}

TEST(SessionAnswers, P_43_TakeAsLongWhetherTheGuardOrTheServerRefuses) {
  const char* longer = std::getenv("SALLYPORT_LONG");
  const int tries = longer != nullptr && *longer == '1' ? 10'000 : 1'000;
  std::mt19937_64 random(43);
  for (const bool padded : {true, false}) {
    SessionAnswers scene(padded ? RefusalTiming::Padded : RefusalTiming::AtOnce);
    scene.stands();
    std::vector<double> refused, relayed;
    for (int i = 0; i < tries; ++i) {
      refused.push_back(latency(scene, "r" + std::to_string(i), std::nullopt));
      relayed.push_back(latency(scene, "a" + std::to_string(i), std::chrono::milliseconds(random() % 200)));
    }
    if (!padded) {
      EXPECT_LT(same_distribution(refused, relayed), 0.001) << "so the test sees what there is to see";
      continue;
    }
    EXPECT_GT(same_distribution(refused, relayed), 0.05);
    EXPECT_GE(*std::ranges::min_element(refused), 250);
    EXPECT_LE(*std::ranges::max_element(refused), 502);
  }
}

TEST(SessionAnswers, P_43_AreNotDelayedWhenTheySayYes) {
  SessionAnswers scene;
  scene.stands();
  scene.asks("q1");
  scene.answers("result");
  EXPECT_THAT(scene.delivered(kNorth), ElementsAre(HasSubstr("id='q1'")));
}

TEST(SessionAnswers, P_43_OfTheClientAreAsLateForWhoAskedIt) {
  SessionAnswers scene;
  scene.stands();
  const auto question = [](const std::string& id, const char* ns) {
    return iq("get", id, ns, {{"", "from", "bravo.test"}, {"", "to", kAccount}});
  };
  scene.says(question("s1", kCard));
  ASSERT_THAT(scene.delivered(kNorth), SizeIs(1));
  scene.stanza_octets(kClient, 1, iq("error", id_in(scene.delivered(kNorth)[0]), kCard, {{"", "to", "bravo.test"}}));
  scene.pass(249ms);
  EXPECT_THAT(scene.delivered(kSouth), IsEmpty());
  EXPECT_EQ(scene.count<airlock::Handled>(kNorth), 0U);
  scene.pass(252ms);
  EXPECT_THAT(scene.delivered(kSouth), ElementsAre(AllOf(HasSubstr("id='s1'"), HasSubstr("error"))));
  EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, 1U);
}

TEST(SessionAnswers, SM_06_P_43_AreAcknowledgedWhenTheyAreHandedOut) {
  SessionAnswers scene;
  scene.managed();
  scene.asks("q1");
  scene.asks("q2", kRefused);
  scene.server(Scene::settled(1));
  scene.answers();
  scene.stanza(scene.far, ++scene.said_by_server, {.from = "ann@alpha.test/a", .to = kBobsJid, .id = "later"}, kSouth);
  ASSERT_THAT(scene.delivered(kNorth), ElementsAre(HasSubstr("later"))) << "what comes after it need not wait";
  scene.client(Scene::settled(1));
  EXPECT_EQ(scene.count<airlock::Handled>(kSouth), 0U) << "the answer before it is not the client's yet";
  scene.pass(501ms);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(3));
  EXPECT_EQ(scene.last<airlock::Handled>(kSouth).number, 2U);
  EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, 2U);
}

TEST(SessionAnswers, SM_P_43_AcknowledgementsDoNotTellSoonerWhoRefuses) {
  for (const char* asked : {kCard, kRefused}) {
    SessionAnswers scene;
    scene.managed();
    scene.stanza(kClient, ++scene.said_by_client, {.from = kBobsJid, .to = "ann@alpha.test", .id = "before"});
    scene.asks("q1", asked);
    scene.stanza(kClient, ++scene.said_by_client, {.from = kBobsJid, .to = "ann@alpha.test", .id = "after"});
    scene.server(Scene::settled(scene.count<airlock::Deliver>(kSouth)));
    EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, 1U);
    scene.pass(499ms);
    EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, 1U);
    scene.pass(1ms);
    EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, 3U) << "to the millisecond, whichever it was";
  }
}

TEST(SessionAnswers, P_43_StandInTheRecordWhenTheyComeAndWhenTheyLeave) {
  SessionAnswers scene;
  scene.stands();
  scene.asks("q1");
  scene.answers();
  const audit::StanzaRecord came = scene.stanza_records().back();
  EXPECT_EQ(came.reason, "policy.granted");
  EXPECT_THAT(came.findings, Contains("iq.answer-held"));
  EXPECT_EQ(came.id_out, "q1");
  EXPECT_EQ(came.leg_out, 0U);
  const std::string cause = std::to_string(scene.log.records.size() + 1000);
  scene.pass(501ms);
  const audit::StanzaRecord left = scene.stanza_records().back();
  EXPECT_EQ(left.verdict, "release");
  EXPECT_EQ(left.reason, "iq.answer-held");
  EXPECT_EQ(left.cause, cause);
  EXPECT_EQ(left.leg_out, kClient);
  EXPECT_EQ(left.number_out, 1U);
  EXPECT_EQ(left.from, "cy@bravo.test");
  EXPECT_EQ(left.to, kBobsJid);
}

// --- sessions that break and go on

TEST(SessionAnswers, SM_P_43_WaitOnWhileTheSessionRestsAndComeOnce) {
  for (const bool relayed : {true, false}) {
    SCOPED_TRACE(relayed);
    SessionAnswers scene;
    const std::string id = scene.managed();
    scene.stanza(kClient, ++scene.said_by_client, {.from = kBobsJid, .to = "ann@alpha.test", .id = "first"});
    scene.stanza(scene.far, ++scene.said_by_server, {.from = "ann@alpha.test/a", .to = kBobsJid, .id = "s1"}, kSouth);
    scene.asks("q2", relayed ? kCard : kRefused);
    const std::string question = iq("get", "q2", kRefused, {{"", "to", "cy@bravo.test"}});
    if (relayed) scene.answers();
    scene.break_legs();
    ASSERT_EQ(scene.lane.census().hibernating, 1U);
    // Neither side has got anything: all comes again, and what was held is known again.
    scene.resumes(id, 0, 0);
    scene.stanza(scene.near, ++scene.said_by_client, {.from = kBobsJid, .to = "ann@alpha.test", .id = "first"});
    scene.stanza(scene.far, ++scene.said_by_server, {.from = "ann@alpha.test/a", .to = kBobsJid, .id = "s1"}, kSouth);
    if (relayed) {
      scene.says(scene.last_answer);
    } else {
      scene.stanza_octets(scene.near, ++scene.said_by_client, question);
    }
    EXPECT_THAT(scene.events("session.replayed"), SizeIs(1));
    EXPECT_THAT(scene.delivered(kNorth), SizeIs(2)) << "it is no sooner there for all that";
    scene.pass(2s);
    ASSERT_THAT(scene.delivered(kNorth), SizeIs(3));
    EXPECT_THAT(scene.delivered(kNorth)[2], AllOf(HasSubstr("id='q2'"), HasSubstr("service-unavailable")));
    scene.settle_all();
    EXPECT_EQ(scene.last<airlock::Handled>(kSouth).number, scene.said_by_server);
    EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, scene.said_by_client);
  }
}

TEST(SessionAnswers, SM_P_43_ThatBecameDueWhileNobodyWasThereComeAtOnce) {
  SessionAnswers scene;
  const std::string id = scene.managed();
  scene.asks("q1");
  scene.answers();
  scene.break_legs();
  scene.pass(5s);
  scene.resumes(id, 0, 1);
  EXPECT_THAT(scene.delivered(kNorth), ElementsAre(HasSubstr("id='q1'")));
  EXPECT_EQ(scene.stanza_records().back().leg_out, scene.near);
}

TEST(SessionAnswers, SM_P_43_DoNotCountForWhatComesLaterUnderTheirNumber) {
  SessionAnswers scene;
  const std::string id = scene.managed();
  scene.stanza(scene.far, ++scene.said_by_server, {.from = "ann@alpha.test/a", .to = kBobsJid, .id = "s1"}, kSouth);
  scene.asks("q1");
  scene.answers();
  scene.break_legs();
  scene.pass(249ms);
  scene.resumes(id, 0, 1);
  scene.stanza(scene.far, ++scene.said_by_server, {.from = "ann@alpha.test/a", .to = kBobsJid, .id = "s1"}, kSouth);
  // A server that forgot the answer asks something in its place, which is refused, a quarter of a second later.
  scene.says(iq("get", "s2", kRefused, {{"", "from", "cy@bravo.test"}, {"", "to", kBobsJid}}));
  scene.client(Scene::settled(1), scene.near);
  while (scene.delivered(kNorth).size() < 3) scene.pass(1ms);
  EXPECT_THAT(scene.delivered(kNorth)[2], HasSubstr("id='q1'"));
  ASSERT_THAT(scene.delivered(kSouth), SizeIs(1)) << "the server has no answer yet";
  EXPECT_EQ(scene.last<airlock::Handled>(kSouth).number, 1U);
  scene.pass(1s);
  EXPECT_EQ(scene.last<airlock::Handled>(kSouth).number, 2U);
}

TEST(SessionAnswers, SM_P_43_GoWithTheSessionToAnotherLane) {
  LaneSettings settings = Scene::default_settings();
  settings.lanes = 2;
  SessionScene first(asking_tables(RefusalTiming::Padded), settings);
  settings.lane = 1;
  SessionScene second(asking_tables(RefusalTiming::Padded), settings);
  const std::string id = first.managed(2);
  first.stanza_octets(2, 1, iq("get", "q1", kRefused, {{"", "to", "cy@bravo.test"}}));
  first.server(Scene::closed(false));
  first.client(Scene::closed(true), first.near);
  second.logged_in(4);
  second.client(sm(SmStep::Resume, id, 0), 4);
  for (int rounds = 0; rounds < 4; ++rounds) {
    for (auto& [to, message] : std::exchange(first.messages, {}))
      second.lane.on_message(std::move(message), second.now);
    second.settle();
    for (auto& [to, message] : std::exchange(second.messages, {})) first.lane.on_message(std::move(message), first.now);
    first.settle();
  }
  second.server(sm(SmStep::Resumed, "server-id", 0));
  second.client(Scene::credit(1 << 30, 1 << 20), 4);
  EXPECT_THAT(second.delivered(kNorth), IsEmpty());
  second.pass(501ms);
  EXPECT_THAT(second.delivered(kNorth), ElementsAre(HasSubstr("id='q1'")));
}

// --- sessions that end

TEST(SessionAnswers, P_43_ComeBeforeTheServersFarewell) {
  SessionAnswers scene;
  scene.stands();
  scene.asks("q1");
  scene.answers();
  scene.server(Scene::close());
  EXPECT_EQ(scene.count<airlock::Close>(kNorth), 0U);
  scene.pass(501ms);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1));
  EXPECT_EQ(scene.last<airlock::Close>(kNorth).kind, airlock::CloseKind::Clean);
}

/// The last record says that an answer was lost.
void expect_lost(const SessionAnswers& scene) {
  const audit::StanzaRecord last = scene.stanza_records().back();
  EXPECT_EQ(last.verdict, "drop");
  EXPECT_EQ(last.reason, "session.injection-lost");
  EXPECT_NE(last.cause, "");
  EXPECT_EQ(last.octets_out, 0U);
}

TEST(SessionAnswers, P_43_AreOnRecordAsLostWhereNobodyIsThereToHearThem) {
  for (const bool client_leaves : {true, false}) {
    SessionAnswers scene;
    scene.stands();
    scene.asks("q1");
    scene.answers();
    const std::size_t before = scene.stanza_records().size();
    if (client_leaves) scene.client(Scene::close());
    scene.client(Scene::closed(client_leaves));
    scene.server(Scene::closed(true));
    scene.pass(1s);
    EXPECT_EQ(scene.lane.census().sessions, 0U);
    EXPECT_THAT(scene.stanza_records(), SizeIs(before + 1));
    expect_lost(scene);
  }
}

TEST(SessionAnswers, P_43_AreOnRecordAsLostWhenNobodyComesBack) {
  SessionAnswers scene;
  scene.managed();
  scene.asks("q1");
  scene.answers();
  scene.break_legs();
  scene.pass(400s);
  EXPECT_EQ(scene.lane.census().hibernating, 0U);
  expect_lost(scene);
}

TEST(SessionAnswers, P_43_AreOnRecordWhenTheGuardStops) {
  for (const bool rests : {true, false}) {
    SessionAnswers scene;
    scene.managed();
    scene.asks("q1");
    scene.answers();
    EXPECT_EQ(scene.lane.census().queued, 1U);
    if (rests) scene.break_legs();
    scene.lane.drain(scene.now, 5s);
    scene.lane.give_up(scene.now);
    scene.settle();
    EXPECT_EQ(scene.lane.census().queued, 0U);
    expect_lost(scene);
  }
}

// --- bounds

TEST(SessionAnswers, P_43_AreBoundedByCreditAndNoneOfThemLeavesEarly) {
  SessionAnswers scene;
  scene.stands();
  const Steady start = scene.now.steady;
  // The edge says as much as it may.
  std::uint64_t credit = scene.last<airlock::Grant>(kNorth).stanzas;
  std::size_t seen = scene.sent.size(), asked = 0;
  const std::string question = iq("get", "q", kRefused, {{"", "to", "cy@bravo.test"}});
  while (credit > 0 && asked < 2'000) {
    scene.stanza_octets(kClient, ++asked, question);
    --credit;
    for (; seen < scene.sent.size(); ++seen)
      if (const auto* more = std::get_if<airlock::Credit>(&scene.sent[seen].body);
          more && scene.sent[seen].edge == kNorth)
        credit += more->stanzas;
  }
  EXPECT_THAT(scene.delivered(kNorth), IsEmpty());
  EXPECT_GT(asked, 200U);
  EXPECT_LT(asked, 600U);
  scene.pass(501ms);
  EXPECT_EQ(scene.now.steady - start, 501ms);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(asked)) << "none is lost";
  EXPECT_GT(scene.sent.size(), seen);
  EXPECT_EQ(scene.last<airlock::Handled>(kNorth).number, asked);
  credit = 0;
  for (; seen < scene.sent.size(); ++seen)
    if (const auto* more = std::get_if<airlock::Credit>(&scene.sent[seen].body);
        more && scene.sent[seen].edge == kNorth)
      credit += more->stanzas;
  EXPECT_GT(credit, 0U) << "and more may be said";
}

TEST(SessionAnswers, P_43_WaitForTheRoomThatTheClientMakes) {
  SessionAnswers scene;
  scene.logged_in();
  scene.client(airlock::Bind{"phone"}, kClient);
  scene.server(airlock::Bound{kBobsJid, {}});
  for (int i = 0; i < 200; ++i) scene.asks("q" + std::to_string(i), kRefused);
  scene.pass(2s);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(2 * kWindowStanzas));
  scene.client(Scene::credit(1 << 30, 1 << 20));
  scene.pass(1ms);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(200));
  EXPECT_THAT(scene.events("session.injection-lost"), IsEmpty());
}

}  // namespace
}  // namespace sallyport::guard
