// Subscriptions: protocol.md 6.2 row by row, and random walks against RFC 6121 Appendix A.
#include "policy/presence/transitions.h"

#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/policy/presence/model.h"
#include "tests/policy/presence/scene.h"

namespace sallyport::policy {
namespace {

using namespace std::chrono_literals;
using presence::Forward;
using presence::State;
using presence::Transition;
using presence::Word;
using testing::PresenceScene;
using testing::RosterState;

const std::string kAnn = "ann@north.test", kBob = "bob@south.test";

TEST(Transitions, SUB_08_SUB_13_WhatASessionHasEndedIsToldOnceByTheServer) {
  for (const std::string word : {"unsubscribed", "unsubscribe"}) {
    for (const bool restarts : {false, true}) {
      PresenceScene scene;
      scene.subscribe(kBob, kAnn);
      scene.ledger().commit({presence::Change::Act::Precede, {kBob, kAnn}, {}}, scene.now());
      if (restarts) scene.restart();
      const bool of_watcher = word == "unsubscribe";
      const std::string &from = of_watcher ? kBob : kAnn, &to = of_watcher ? kAnn : kBob;
      EXPECT_FALSE(scene.presence(kAnn + "/x", kBob).crosses());
      EXPECT_FALSE(scene.presence(kAnn, kBob, "subscribed").crosses()) << "it opens nothing";
      EXPECT_TRUE(scene.presence(from, to, word).crosses()) << word;
      EXPECT_FALSE(scene.presence(from, to, word).crosses()) << word;
      EXPECT_FALSE(scene.ledger().is_open({kBob, kAnn}));
    }
  }
}

TEST(Transitions, SUB_08_AreThoseOfTheTable) {
  const struct {
    Word word;
    State state;
    Transition expected;
  } rows[] = {
      {Word::Subscribe, State::None, {State::Pending, Forward::Yes}},
      {Word::Subscribe, State::Pending, {State::Pending, Forward::OnceADay}},
      {Word::Subscribe, State::Active, {State::Active, Forward::Yes}},
      {Word::Unsubscribe, State::None, {State::None, Forward::No}},
      {Word::Unsubscribe, State::Pending, {State::None, Forward::Yes}},
      {Word::Unsubscribe, State::Active, {State::None, Forward::Yes}},
      {Word::Subscribed, State::None, {State::None, Forward::No}},
      {Word::Subscribed, State::Pending, {State::Active, Forward::Yes}},
      {Word::Subscribed, State::Active, {State::Active, Forward::IfJustAsked}},
      {Word::Unsubscribed, State::None, {State::None, Forward::No}},
      {Word::Unsubscribed, State::Pending, {State::None, Forward::Yes}},
      {Word::Unsubscribed, State::Active, {State::None, Forward::Yes}},
  };
  for (const auto& row : rows) EXPECT_EQ(presence::transition(row.word, row.state), row.expected);
}

/// "ann watches bob" comes into that state.
void bring(PresenceScene& scene, State state) {
  if (state != State::None) EXPECT_TRUE(scene.presence(kAnn, kBob, "subscribe").crosses());
  scene.wait(1h);
  if (state == State::Active) EXPECT_TRUE(scene.presence(kBob, kAnn, "subscribed").crosses());
  scene.wait(1h);
}

TEST(Transitions, SUB_02_OfStanzasAreThoseOfTheTable) {
  const struct {
    std::string type;
    bool ann;  ///< sends it
    State before, after;
    bool crosses;
    Reason reason;
  } rows[] = {
      {"subscribe", true, State::None, State::Pending, true, Reason::PolicyGranted},
      {"subscribe", true, State::Pending, State::Pending, false, Reason::PresenceAskedLately},
      {"subscribe", true, State::Active, State::Active, true, Reason::PolicyGranted},
      {"unsubscribe", true, State::None, State::None, false, Reason::PresenceNotSubscribed},
      {"unsubscribe", true, State::Pending, State::None, true, Reason::PolicyGranted},
      {"unsubscribe", true, State::Active, State::None, true, Reason::PolicyGranted},
      {"subscribed", false, State::None, State::None, false, Reason::PresenceNotAsked},
      {"subscribed", false, State::Pending, State::Active, true, Reason::PolicyGranted},
      {"subscribed", false, State::Active, State::Active, false, Reason::PresenceNotAsked},
      {"unsubscribed", false, State::None, State::None, false, Reason::PresenceNotAsked},
      {"unsubscribed", false, State::Pending, State::None, true, Reason::PolicyGranted},
      {"unsubscribed", false, State::Active, State::None, true, Reason::PolicyGranted},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.type + " in " + std::string(name(row.before)));
    PresenceScene scene;
    bring(scene, row.before);
    const auto outcome = scene.presence(row.ann ? kAnn : kBob, row.ann ? kBob : kAnn, row.type);
    EXPECT_EQ(outcome.crosses(), row.crosses);
    EXPECT_EQ(outcome.reason, row.reason);
    EXPECT_EQ(scene.ledger().entry({kAnn, kBob}).state, row.after);
    EXPECT_EQ(scene.ledger().entry({kBob, kAnn}).state, State::None) << "the other direction is touched";
  }
}

TEST(Transitions, SUB_07_ARequestCrossesAgainAfterADay) {
  PresenceScene scene;
  EXPECT_TRUE(scene.presence(kAnn, kBob, "subscribe").crosses());
  scene.wait(24h - 1s);
  EXPECT_EQ(scene.presence(kAnn, kBob, "subscribe").reason, Reason::PresenceAskedLately);
  scene.wait(1s);
  EXPECT_TRUE(scene.presence(kAnn, kBob, "subscribe").crosses());
  EXPECT_EQ(scene.presence(kAnn, kBob, "subscribe").reason, Reason::PresenceAskedLately);
}

TEST(Transitions, SUB_06_AServerThatLostItsRosterAsksAndIsAnsweredAgain) {
  PresenceScene scene;
  scene.subscribe(kAnn, kBob);
  EXPECT_TRUE(scene.presence(kAnn, kBob, "subscribe").crosses());
  EXPECT_TRUE(scene.presence(kBob, kAnn, "subscribed").crosses());
  scene.wait(60s);
  EXPECT_EQ(scene.presence(kBob, kAnn, "subscribed").reason, Reason::PresenceNotAsked);
}

TEST(Transitions, SUB_06_ARefusalWithinTenSecondsSaysNothing) {
  PresenceScene scene;
  EXPECT_TRUE(scene.presence(kAnn, "nobody@south.test", "subscribe").crosses());
  scene.wait(9s);
  EXPECT_EQ(scene.presence("nobody@south.test", kAnn, "unsubscribed").reason, Reason::PresenceDeniedAtOnce);
  EXPECT_TRUE(scene.presence(kAnn, kBob, "subscribe").crosses());
  scene.wait(10s);
  EXPECT_TRUE(scene.presence(kBob, kAnn, "unsubscribed").crosses()) << "that is how fast a person answers";
}

/// What it said holds: no later answer opens anything, or says anything (protocol.md 6.2, column "none").
TEST(Transitions, SUB_08_ARefusalThatSaysNothingIsOneAllTheSame) {
  for (const bool restarts : {false, true}) {
    PresenceScene scene;
    EXPECT_TRUE(scene.presence(kAnn, kBob, "subscribe").crosses());
    EXPECT_FALSE(scene.presence(kBob, kAnn, "unsubscribed").crosses());
    if (restarts) scene.restart();
    EXPECT_EQ(scene.ledger().entry({kAnn, kBob}).state, State::None);
    scene.wait(1h);
    EXPECT_EQ(scene.presence(kBob, kAnn, "subscribed").reason, Reason::PresenceNotAsked);
    EXPECT_EQ(scene.presence(kBob, kAnn, "unsubscribed").reason, Reason::PresenceNotAsked);
    EXPECT_EQ(scene.presence(kBob + "/r", kAnn).reason, Reason::PresenceNotSubscribed);
    EXPECT_EQ(scene.ledger().entry({kAnn, kBob}).state, State::None);
  }
}

/// Ann sees no difference between who is not there, who was refused for her, and who does not answer.
TEST(Transitions, SUB_07_ERR_07_AskingAgainIsTheSameWhetherItWasRefusedAtOnceOrNeverAnswered) {
  PresenceScene refused, unanswered;
  const auto both = [&](const std::string& type) {
    const auto one = refused.presence(kAnn, kBob, type), other = unanswered.presence(kAnn, kBob, type);
    EXPECT_EQ(one.crosses() ? "" : one.xml, other.crosses() ? "" : other.xml) << "she hears something";
    return std::pair(one.reason, other.reason);
  };
  const auto wait = [&](std::chrono::milliseconds span) {
    refused.wait(span);
    unanswered.wait(span);
  };
  const auto crossed = std::pair(Reason::PolicyGranted, Reason::PolicyGranted);
  const auto too_soon = std::pair(Reason::PresenceAskedLately, Reason::PresenceAskedLately);
  EXPECT_EQ(both("subscribe"), crossed);
  EXPECT_FALSE(refused.presence(kBob, kAnn, "unsubscribed").crosses());
  wait(24h - 1s);
  EXPECT_EQ(both("subscribe"), too_soon);
  wait(1s);
  EXPECT_EQ(both("subscribe"), crossed);
  EXPECT_FALSE(refused.presence(kBob, kAnn, "unsubscribed").crosses());
  EXPECT_EQ(both("subscribe"), too_soon);
  // The request is hers to take back; that it was refused already, nobody tells her.
  EXPECT_EQ(both("unsubscribe"), std::pair(Reason::PresenceNotSubscribed, Reason::PolicyGranted));
  EXPECT_EQ(both("subscribe"), crossed);
  // And what is granted then is granted.
  wait(11s);
  for (PresenceScene* scene : {&refused, &unanswered}) {
    EXPECT_TRUE(scene->presence(kBob, kAnn, "subscribed").crosses());
    EXPECT_TRUE(scene->presence(kBob + "/r", kAnn).crosses());
  }
}

TEST(Transitions, SUB_15_ARequestThatTheOperatorRevokesIsAnEndWhetherItWaitsOrWasRefused) {
  for (const bool refused : {false, true}) {
    PresenceScene scene;
    EXPECT_TRUE(scene.presence(kAnn, kBob, "subscribe").crosses());
    if (refused) EXPECT_FALSE(scene.presence(kBob, kAnn, "unsubscribed").crosses());
    scene.ledger().revoke({kAnn, kBob}, scene.now());
    EXPECT_TRUE(scene.ledger().entry({kAnn, kBob}).cancelled);
    EXPECT_EQ(scene.presence(kBob, kAnn, "subscribed").reason, Reason::PresenceNotAsked);
    EXPECT_EQ(scene.presence(kBob + "/r", kAnn).reason, Reason::PresenceAfterCancellation);
  }
}

/// One who was cancelled and asks anew stays cancelled when he is refused in no time, for every kind of gate.
TEST(Transitions, P_00_ARefusalInNoTimeForgetsNoCancellation) {
  presence::Settings settings;
  settings.gate = presence::Gate::Revoked;
  PresenceScene scene(settings);
  scene.subscribe(kAnn, kBob);
  EXPECT_TRUE(scene.presence(kBob, kAnn, "unsubscribed").crosses());
  scene.wait(1h);
  EXPECT_TRUE(scene.presence(kAnn, kBob, "subscribe").crosses());
  EXPECT_EQ(scene.presence(kBob, kAnn, "unsubscribed").reason, Reason::PresenceDeniedAtOnce);
  EXPECT_EQ(scene.presence(kBob + "/r", kAnn).reason, Reason::PresenceAfterCancellation);
  EXPECT_EQ(scene.presence(kAnn, kBob, "unsubscribe").reason, Reason::PresenceNotSubscribed);
  EXPECT_EQ(scene.presence(kBob + "/r", kAnn).reason, Reason::PresenceAfterCancellation);
}

TEST(Transitions, SUB_08_ARefusalOfSomebodyWhoShowsHimselfCrossesAtOnce) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  EXPECT_TRUE(scene.presence(kAnn, kBob, "subscribe").crosses());
  EXPECT_TRUE(scene.presence(kBob, kAnn, "unsubscribed").crosses());
}

TEST(Transitions, P_06_NobodySubscribesToARoom) {
  presence::Settings settings;
  settings.room_services = {"rooms.south.test"};
  PresenceScene scene(settings);
  EXPECT_EQ(scene.presence(kAnn, "coven@rooms.south.test", "subscribe").reason, Reason::PresenceRoomSubscription);
}

TEST(Transitions, SUB_01_AreWithBareAddressesAndEmpty) {
  PresenceScene scene;
  const auto outcome = scene.presence(kAnn + "/r", kBob + "/desk", "subscribe", "<status>buy now</status>");
  EXPECT_EQ(outcome.xml, "<presence from='ann@north.test' to='bob@south.test' type='subscribe'/>");
}

/// Two servers that follow the RFC, a wire through the guard, and users who do anything at any time. Besides, either
/// server leaks: it sends presence whether or not its roster says so.
class Walk {
 public:
  explicit Walk(std::uint64_t seed) : random_(seed) {}

  void run(std::size_t steps) {
    for (std::size_t i = 0; i < steps; ++i) step();
  }
  std::size_t crossed() const { return crossed_; }
  std::size_t blocked() const { return blocked_; }
  std::size_t restarts() const { return restarts_; }

 private:
  struct Side {
    std::string jid;
    RosterState roster;
    std::set<std::string> shown;  ///< its full JIDs that are available in the eyes of the other side
  };

  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }

  void step() {
    Side& from = pick(2) ? ann_ : bob_;
    Side& to = &from == &ann_ ? bob_ : ann_;
    static const std::string kTypes[] = {"subscribe", "subscribed", "unsubscribe", "unsubscribed"};
    const unsigned what = pick(100);
    if (what < 38) {
      const std::string& type = kTypes[pick(4)];
      if (from.roster.send(type)) carry(from, to, type);
    } else if (what < 40) {
      remove(from, to);
    } else if (what < 85) {
      show(from, to);
    } else if (what < 96) {
      const bool closed[] = {!ann_.roster.contact_sees_user(), !bob_.roster.contact_sees_user()};
      const std::chrono::milliseconds span(pick(100) < 5 ? pick(90'000'000) : pick(20'000));
      scene_.wait(span);
      look_at_injections();
      // P-00: whoever may see nothing any more has been told so for all that he saw.
      if (span > 2s && closed[0]) EXPECT_TRUE(ann_.shown.empty());
      if (span > 2s && closed[1]) EXPECT_TRUE(bob_.shown.empty());
    } else if (what < 98) {
      scene_.restart();
      ++restarts_;
      look_at_injections();
    } else {
      // The other side's server is lost and comes back.
      const std::string a = &from == &ann_ ? "north.test" : "south.test";
      const std::string b = &from == &ann_ ? "south.test" : "north.test";
      scene_.ledger().lose(a, b, scene_.now());
      look_at_injections();
      for (const presence::Due& due : scene_.ledger().regain(a, b, scene_.now()))
        EXPECT_TRUE(scene_.ledger().is_open({due.from, due.to}));
    }
  }

  /// RFC 6121 2.5.2: the server ends what there is, both ways. Some say nothing to the other server: then the operator
  /// revokes the pair.
  void remove(Side& from, Side& to) {
    const bool watches = from.roster.user_sees_contact() || from.roster.has_asked();
    const bool is_watched = from.roster.contact_sees_user() || from.roster.is_asked();
    const bool in_silence = pick(4) == 0;
    from.roster = {};
    if (in_silence) {
      scene_.ledger().revoke({from.jid, to.jid}, scene_.now());
      scene_.ledger().revoke({to.jid, from.jid}, scene_.now());
      return;
    }
    if (watches) carry(from, to, "unsubscribe");
    if (is_watched) carry(from, to, "unsubscribed");
  }

  void carry(Side& from, Side& to, const std::string& type) {
    const bool crosses = scene_.presence(from.jid, to.jid, type).crosses();
    if (!crosses) return;
    const std::string answer = to.roster.receive(type);
    if (!answer.empty() && scene_.presence(to.jid, from.jid, answer).crosses()) from.roster.receive(answer);
  }

  void show(Side& from, Side& to) {
    const bool available = pick(3) != 0;
    const std::string jid = from.jid + "/r" + std::to_string(pick(3));
    const auto outcome = scene_.presence(jid, to.jid, available ? "" : "unavailable");
    if (available && outcome.crosses()) {
      ++crossed_;
      from.shown.insert(jid);
      EXPECT_TRUE(from.roster.contact_sees_user()) << "presence has crossed a closed pair";
    } else if (available) {
      ++blocked_;
      const bool told = outcome.reason == Reason::PresenceCoalesced || outcome.reason == Reason::PresenceHeld;
      EXPECT_TRUE(told || !from.roster.contact_sees_user() || !to.roster.user_sees_contact())
          << "both servers have the subscription, and presence does not cross: " << code(outcome.reason);
    } else if (outcome.crosses()) {
      EXPECT_EQ(from.shown.erase(jid), 1U) << "an unavailable has crossed for what is not shown";
    }
  }

  void look_at_injections() {
    for (const std::string& each : scene_.injections()) {
      EXPECT_TRUE(each.starts_with("unavailable ")) << each;
      const std::string jid = each.substr(12, each.find(' ', 12) - 12);
      EXPECT_EQ((jid.starts_with(kAnn) ? ann_ : bob_).shown.erase(jid), 1U) << "it says twice: " << each;
    }
  }

  std::mt19937_64 random_;
  PresenceScene scene_{[] {
    presence::Settings settings;
    settings.interval = 0;
    return settings;
  }()};
  Side ann_{kAnn, {}, {}}, bob_{kBob, {}, {}};
  std::size_t crossed_ = 0, blocked_ = 0, restarts_ = 0;
};

TEST(Ledger, SUB_14_ROS_08_NoPresenceCrossesAClosedPairInARandomWalk) {
  Walk walk(20261121);
  walk.run(150'000);
  EXPECT_GT(walk.crossed(), 1'000U);
  EXPECT_GT(walk.blocked(), 1'000U);
  EXPECT_GT(walk.restarts(), 1'000U);
}

}  // namespace
}  // namespace sallyport::policy
