// iq requests through a lane: their ids, their answers, and what the guard answers itself (protocol.md 9, 6.5).
#include <cstdlib>
#include <set>

#include <gmock/gmock.h>

#include "guard_scene.h"
#include "same_distribution.h"

namespace sallyport::guard {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

/// The stage presence is on; cards of accounts and anything of bravo.test's own may be asked for.
policy::Tables tables_with_requests(policy::RefusalTiming timing = policy::RefusalTiming::AtOnce) {
  policy::Tables with = tables();
  with.settings.stages_off &= static_cast<std::uint8_t>(~(1U << static_cast<unsigned>(policy::Stage::Presence)));
  for (policy::Peering& peering : with.peerings) {
    peering.requests = {{policy::Target::Account, true, true, "vcard-temp"},
                        {policy::Target::Service, true, true, "*"}};
    peering.timing = timing;
    peering.presence_rules.gate = policy::presence::Gate::Open;
  }
  return with;
}

struct Iq {
  std::string from = "ann@alpha.test/p", to = "bob@bravo.test", id = "7", type = "get";
  std::string ns = "vcard-temp", name = "vCard";
  std::string condition = {};  ///< of an error
};

std::string normal_form(const Iq& iq) {
  std::string out;
  inspect::NormalFormWriter writer(out);
  std::vector<inspect::Attribute> attributes{
      {"", "from", iq.from}, {"", "id", iq.id}, {"", "to", iq.to}, {"", "type", iq.type}};
  writer.open(inspect::ns::kContent, "iq", attributes);
  if (iq.type == "error") {
    std::vector<inspect::Attribute> type{{"", "type", "cancel"}};
    writer.open(inspect::ns::kContent, "error", type);
    writer.open(inspect::ns::kStanzaErrors, iq.condition, {});
    writer.close();
    writer.close();
  } else if (!iq.ns.empty()) {
    writer.open(iq.ns, iq.name, {});
    writer.close();
  }
  writer.close();
  return out;
}

Iq answer(std::string id, std::string type = "result") {
  return {.from = "bob@bravo.test",
          .to = "ann@alpha.test/p",
          .id = std::move(id),
          .type = std::move(type),
          .condition = "item-not-found"};
}

/// A route that stands in both directions.
class Answers : public ::testing::Test {
 protected:
  explicit Answers(policy::Tables tables = tables_with_requests())
      : scene(Scene::default_settings(), 1 << 30, bundle(std::move(tables))) {
    far = scene.connect();
    back = scene.connect(kPeer, "bravo.test", "alpha.test", kSouth);
  }
  void ask(const Iq& iq = {}) {
    settle_far();
    scene.stanza_octets(kPeer, ++asked, normal_form(iq));
  }
  void reply(const Iq& iq) { scene.stanza_octets(kPeer, ++replied, normal_form(iq), kSouth); }
  /// The far server takes over what was delivered, and room for more is given.
  void settle_far() {
    for (const auto& [edge, leg] : {std::pair(kSouth, far), std::pair(kNorth, back)}) {
      const Out* last = scene.last_out<airlock::Deliver>(edge);
      if (last != nullptr && last->leg == leg)
        scene.frame(edge, leg, Scene::settled(std::get<airlock::Deliver>(last->body).number));
    }
  }
  /// The id under which the last request left.
  std::string token() const {
    const Out* last = scene.last_out<airlock::Deliver>(kSouth);
    if (last == nullptr) return "";
    const std::size_t at = last->xml.find(" id='") + 5;
    return last->xml.substr(at, last->xml.find('\'', at) - at);
  }
  static std::string error(std::string_view type, std::string_view condition, std::string_view id = "7",
                           std::string_view to = "bob@bravo.test") {
    return "<iq from='" + std::string(to) + "' id='" + std::string(id) +
           "' to='ann@alpha.test/p' type='error'><error type='" + std::string(type) + "'><" + std::string(condition) +
           " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>";
  }
  std::vector<std::string> reasons() const {
    std::vector<std::string> all;
    for (const auto& record : scene.stanza_records()) all.push_back(record.verdict + " " + record.reason);
    return all;
  }

  Scene scene;
  LegId far, back;
  std::uint64_t asked = 0, replied = 0;
};

TEST_F(Answers, Q_01_GoOutUnderAnIdOfTheGuardsAndComeBackUnderTheirs) {
  ask();
  ASSERT_THAT(scene.delivered(kSouth), SizeIs(1));
  const std::string id = token();
  EXPECT_EQ(id.size(), 22U);
  EXPECT_EQ(scene.delivered(kSouth)[0], "<iq from='ann@alpha.test/p' id='" + id +
                                            "' to='bob@bravo.test' type='get'><vCard xmlns='vcard-temp'/></iq>");
  reply(answer(id));
  EXPECT_THAT(
      scene.delivered(kNorth),
      ElementsAre(
          "<iq from='bob@bravo.test' id='7' to='ann@alpha.test/p' type='result'><vCard xmlns='vcard-temp'/></iq>"));
  const auto records = scene.stanza_records();
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_EQ(records[0].id, "7");
  EXPECT_EQ(records[0].id_out, id);
  EXPECT_EQ(records[1].id, id);
  EXPECT_EQ(records[1].id_out, "7");
}

TEST_F(Answers, Q_03_CrossOnce) {
  ask();
  const std::string id = token();
  reply(answer(id));
  reply(answer(id));
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1));
  EXPECT_EQ(reasons().back(), "drop iq.unsolicited");
  scene.pass(10min);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1)) << "an answered request does not time out";
}

TEST_F(Answers, Q_02_ComeFromTheRightPartyOnlyAndAForgedOneDoesNotSpoilTheRequest) {
  ask();
  const std::string id = token();
  Iq forged = answer(id);
  forged.from = "eve@bravo.test";
  reply(forged);
  EXPECT_THAT(scene.delivered(kNorth), IsEmpty());
  EXPECT_EQ(reasons().back(), "drop iq.wrong-party");
  reply(answer(id));
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1));
}

TEST_F(Answers, Q_13_AreGivenByTheGuardForAServerWithoutAskingIt) {
  ask({.from = "alpha.test", .to = "bravo.test", .id = "p", .ns = "urn:xmpp:ping", .name = "ping"});
  EXPECT_THAT(scene.delivered(kSouth), IsEmpty());
  EXPECT_THAT(scene.delivered(kNorth), ElementsAre("<iq from='bravo.test' id='p' to='alpha.test' type='result'/>"));
  const auto records = scene.stanza_records();
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_EQ(records[0].verdict, "answer");
  EXPECT_EQ(records[0].reason, "iq.answered");
  EXPECT_EQ(records[1].verdict, "release");
  EXPECT_EQ(records[1].reason, "iq.answered");
  EXPECT_NE(records[1].cause, "");
  EXPECT_NE(records[1].cause, "0");
}

TEST_F(Answers, Q_07_OfARefusedRequestAreTheGuardsAndAllAlike) {
  int number = 0;
  std::set<std::string> seen;
  for (const auto& [ns, name] : {std::pair("jabber:iq:last", "query"), std::pair("jabber:iq:version", "query"),
                                 std::pair("urn:xmpp:time", "time"), std::pair("urn:xmpp:ping", "ping"),
                                 std::pair("http://jabber.org/protocol/disco#info", "query"),
                                 std::pair("http://jabber.org/protocol/pubsub", "pubsub")}) {
    ask({.to = "bob@bravo.test/home", .ns = ns, .name = name});
    seen.insert(scene.delivered(kNorth).back());
    ++number;
  }
  EXPECT_THAT(scene.delivered(kSouth), IsEmpty());
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(static_cast<std::size_t>(number)));
  EXPECT_THAT(seen, ElementsAre(error("cancel", "service-unavailable", "7", "bob@bravo.test/home")));
}

TEST_F(Answers, IQ_03_Q_06_AreTheGuardsWhenTimeIsOverAndALateOneIsDropped) {
  ask();
  const std::string id = token();
  scene.pass(120s - 1ms);
  EXPECT_THAT(scene.delivered(kNorth), IsEmpty());
  scene.pass(1ms);
  EXPECT_THAT(scene.delivered(kNorth), ElementsAre(error("wait", "remote-server-timeout")));
  EXPECT_EQ(reasons().back(), "release iq.timeout");
  const auto request = std::get<airlock::Deliver>(scene.all<airlock::Deliver>(kSouth)[0].body);
  EXPECT_EQ(scene.stanza_records().back().cause, std::to_string(request.record));
  reply(answer(id));
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1));
  EXPECT_EQ(reasons().back(), "drop iq.unsolicited");
}

TEST_F(Answers, IQ_03_AreTheGuardsWhenTheFarOneIsRefused) {
  ask();
  Iq wrong = answer(token());
  wrong.ns = "jabber:iq:roster";
  wrong.name = "query";
  reply(wrong);
  EXPECT_THAT(scene.delivered(kNorth), ElementsAre(error("cancel", "service-unavailable")));
  EXPECT_THAT(reasons(),
              ElementsAre("release policy.granted", "drop iq.answer-payload", "release iq.answered-instead"));
  scene.pass(10min);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1));
}

TEST_F(Answers, P_41_P_42_ThatAreErrorsOfAUserAreTheSameOctetsAsTheGuardsOwn) {
  std::set<std::string> seen;
  for (const char* condition : {"item-not-found", "recipient-unavailable", "gone", "redirect", "forbidden",
                                "not-authorized", "registration-required", "subscription-required", "not-acceptable",
                                "service-unavailable", "feature-not-implemented"}) {
    ask();
    Iq refusal = answer(token(), "error");
    refusal.condition = condition;
    reply(refusal);
    seen.insert(scene.delivered(kNorth).back());
  }
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(11));
  EXPECT_THAT(seen, ElementsAre(error("cancel", "service-unavailable")));
}

TEST_F(Answers, Q_16_AreTheGuardsAtOnceWhenTheLegBreaksThatTheRequestsWentOutOn) {
  for (int i = 0; i < 100; ++i) ask({.id = "n" + std::to_string(i)});
  settle_far();
  scene.frame(kSouth, far, Scene::closed(false, 100, 100));
  const auto errors = scene.delivered(kNorth);
  // The reserve for injections is 64 without credit from the far side; the rest waits for it.
  std::set<std::string> ids(errors.begin(), errors.end());
  EXPECT_EQ(ids.size(), errors.size());
  EXPECT_GE(errors.size(), 64U);
  for (const std::string& each : errors) EXPECT_THAT(each, HasSubstr("<remote-server-timeout"));
  EXPECT_EQ(reasons().back(), "release iq.leg-lost");
}

TEST_F(Answers, IQ_03_OfARequestThatWasNotTakenOverIsOneErrorUnderItsOwnId) {
  ask();
  scene.frame(kSouth, far, Scene::closed(false, 1, 0));
  EXPECT_THAT(scene.delivered(kNorth), ElementsAre(error("wait", "remote-server-timeout")));
  scene.pass(10min);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1));
}

TEST_F(Answers, SurviveACleanEndOfTheLeg) {
  ask();
  const std::string id = token();
  settle_far();
  scene.frame(kSouth, far, Scene::closed(true, 1, 1));
  EXPECT_THAT(scene.delivered(kNorth), IsEmpty());
  reply(answer(id));
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1));
}

TEST_F(Answers, IQ_03_OfARequestThatFindsNoFarLegIsOneErrorUnderItsOwnId) {
  settle_far();
  scene.frame(kSouth, far, Scene::closed(true));
  ask();
  scene.frame(kSouth, scene.last_dial(), Scene::failed(airlock::DialFault::NoName));
  EXPECT_THAT(scene.delivered(kNorth), ElementsAre(error("cancel", "remote-server-not-found")));
  scene.pass(10min);
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1)) << "the request was answered, and is not open any more";
}

TEST_F(Answers, D_23_OfMoreThanFiveHundredAndTwelveAtOnceIsAnErrorToWait) {
  for (int i = 0; i < 513; ++i) {
    ask({.id = "n" + std::to_string(i)});
    scene.frame(kSouth, far, Scene::credit(1000, 1));
  }
  EXPECT_THAT(scene.delivered(kNorth), ElementsAre(error("wait", "resource-constraint", "n512")));
}

class PaddedAnswers : public Answers {
 protected:
  PaddedAnswers() : Answers(tables_with_requests(policy::RefusalTiming::Padded)) {}

  /// How long the error takes, in milliseconds, when the far server takes so long, or is not asked at all.
  double latency(std::optional<std::chrono::milliseconds> far_takes) {
    const std::size_t before = scene.count<airlock::Deliver>(kNorth);
    const Steady start = scene.now.steady;
    Iq iq{.id = "n" + std::to_string(asked)};
    if (!far_takes) iq.ns = "jabber:iq:last";
    ask(iq);
    if (far_takes) {
      scene.pass(*far_takes);
      reply(answer(token(), "error"));
    }
    while (scene.count<airlock::Deliver>(kNorth) == before && scene.now.steady - start < 5s)
      scene.pass(std::chrono::duration_cast<std::chrono::milliseconds>(scene.lane.next_deadline() - scene.now.steady) +
                 1ms);
    EXPECT_EQ(scene.count<airlock::Deliver>(kNorth), before + 1);
    const double took = std::chrono::duration<double, std::milli>(scene.now.steady - start).count();
    settle_far();
    scene.frame(kNorth, back, Scene::credit(1000, 1));
    scene.frame(kSouth, far, Scene::credit(1000, 1));
    scene.pass(1s);
    return took;
  }
};

TEST_F(PaddedAnswers, P_43_TakeAsLongWhetherTheGuardOrTheFarServerRefuses) {
  const char* longer = std::getenv("SALLYPORT_LONG");
  const int tries = longer != nullptr && *longer == '1' ? 10'000 : 1'000;
  std::mt19937_64 random(11);
  std::vector<double> refused, relayed;
  for (int i = 0; i < tries; ++i) {
    refused.push_back(latency(std::nullopt));
    relayed.push_back(latency(std::chrono::milliseconds(random() % 200)));
  }
  EXPECT_GT(same_distribution(refused, relayed), 0.05);
  EXPECT_GE(*std::ranges::min_element(refused), 250);
  EXPECT_LE(*std::ranges::max_element(refused), 502);
}

TEST_F(PaddedAnswers, P_43_AreAsLateWhereARuleSaysNo) {
  policy::Tables with = tables_with_requests(policy::RefusalTiming::Padded);
  policy::Rule no;
  no.id = "no";
  no.text = "Nothing may be asked.";
  no.from.any = no.to.any = true;
  no.stanzas = policy::bit(policy::StanzaType::IqGet);
  no.action = policy::Action::Answer;
  no.answer = policy::AnswerWith::ServiceUnavailable;
  with.rules = {no};
  scene.lane.swap(bundle(std::move(with)), scene.now);
  ask();
  scene.pass(249ms);
  EXPECT_THAT(scene.delivered(kNorth), IsEmpty());
  scene.pass(252ms);
  EXPECT_THAT(scene.delivered(kNorth), ElementsAre(error("cancel", "service-unavailable")));
}

TEST_F(PaddedAnswers, P_43_AreNotDelayedWhenTheySayYes) {
  ask();
  reply(answer(token()));
  EXPECT_THAT(scene.delivered(kNorth), SizeIs(1));
}

TEST_F(PaddedAnswers, P_43_ThatWaitForTheirTimeAreCountedAndRecordedWhenTheGuardStops) {
  ask();
  reply(answer(token(), "error"));
  ASSERT_THAT(scene.delivered(kNorth), IsEmpty()) << "it waits";
  const std::size_t before = scene.stanza_records().size();
  EXPECT_EQ(scene.lane.census().queued, 1U) << "so the guard does not stop over it";
  scene.lane.drain(scene.now, 5s);
  scene.lane.give_up(scene.now);
  scene.settle();
  EXPECT_EQ(scene.lane.census().queued, 0U);
  EXPECT_THAT(scene.stanza_records(), SizeIs(before + 1));
}

TEST_F(Answers, P_43_WouldBeToldApartByTheirTimesIfNothingWerePadded) {
  // Without padding the same test sees the difference, so it could fail above.
  std::vector<double> refused(1000, 0.0), relayed;
  for (int i = 0; i < 1000; ++i) relayed.push_back(i % 200);
  EXPECT_LT(same_distribution(refused, relayed), 0.001);
}

}  // namespace
}  // namespace sallyport::guard
