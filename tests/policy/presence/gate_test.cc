// What crosses and what does not: protocol.md 6.2 to 6.4, each entry of the leak catalogue that the stage is for.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/places.h"
#include "tests/policy/presence/scene.h"

namespace sallyport::policy {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::PresenceScene;
using ::testing::UnorderedElementsAre;

const std::string kAnn = "ann@north.test", kBob = "bob@south.test", kRoom = "coven@rooms.south.test";
const std::string kError =
    "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";

presence::Settings with_rooms() {
  presence::Settings settings;
  settings.room_services = {"rooms.north.test", "rooms.south.test"};
  return settings;
}

presence::Settings in_phase(presence::Phase phase) {
  presence::Settings settings;
  settings.phase = phase;
  return settings;
}

// --- P-00: the finding of the certified gateway. After a subscription has ended, by whatever means and in either
// direction, nothing follows but one unavailable for each resource that had been shown; also after a restart.

enum class End { Unsubscribed, Unsubscribe, RosterRemoval, Error, Revoke };

class Finding : public ::testing::TestWithParam<std::tuple<End, bool, bool>> {
 protected:
  End end() const { return std::get<0>(GetParam()); }
  bool restarts() const { return std::get<2>(GetParam()); }
  /// Who is watched, and who watches.
  std::string shown_ = std::get<1>(GetParam()) ? kAnn : kBob;
  std::string sees_ = std::get<1>(GetParam()) ? kBob : kAnn;
  PresenceScene scene_;

  void expect_updates_held_back();
  void bring_about_the_end() {
    switch (end()) {
      case End::Unsubscribed:
        EXPECT_TRUE(scene_.presence(shown_, sees_, "unsubscribed").crosses());
        break;
      case End::Unsubscribe:
        EXPECT_TRUE(scene_.presence(sees_, shown_, "unsubscribe").crosses());
        break;
      case End::RosterRemoval:
        // RFC 6121 2.5.2: a server says both, for a contact of both directions.
        EXPECT_TRUE(scene_.presence(shown_, sees_, "unsubscribed").crosses());
        EXPECT_TRUE(scene_.presence(shown_, sees_, "unsubscribe").crosses());
        break;
      case End::Error:
        EXPECT_TRUE(scene_
                        .send("<presence from='" + sees_ + "' to='" + shown_ +
                              "/a' type='error'><error type='cancel'><gone "
                              "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>")
                        .crosses());
        break;
      case End::Revoke:
        EXPECT_TRUE(scene_.ledger().revoke({sees_, shown_}, scene_.now()));
        break;
    }
  }
};

/// The subscription stands: updates are held back, and the one unavailable of each resource passes (PRE-14).
void Finding::expect_updates_held_back() {
  scene_.wait(11s);
  EXPECT_EQ(scene_.presence(shown_ + "/a", sees_, "", "<show>away</show>").reason, Reason::PresenceHeld);
  EXPECT_TRUE(scene_.presence(shown_ + "/a", sees_, "unavailable").crosses());
  EXPECT_EQ(scene_.presence(shown_ + "/a", sees_).reason, Reason::PresenceHeld);
  EXPECT_EQ(scene_.presence(shown_ + "/a", sees_, "unavailable").reason, Reason::PresenceNotShown);
  scene_.wait(1min);
  // After a restart the guard asks for what it had shown, hears only what it must not pass on, and takes it back.
  if (restarts()) {
    EXPECT_THAT(scene_.injections(), ElementsAre("unavailable " + shown_ + "/b " + sees_));
  } else {
    EXPECT_TRUE(scene_.presence(shown_ + "/b", sees_, "unavailable").crosses());
  }
  EXPECT_EQ(scene_.presence(shown_ + "/b", sees_).reason, Reason::PresenceHeld);
  EXPECT_THAT(scene_.injections(), IsEmpty());
  // Until the watcher is there again.
  EXPECT_TRUE(scene_.presence(sees_ + "/w", shown_).crosses());
  EXPECT_TRUE(scene_.presence(shown_ + "/b", sees_).crosses());
}

TEST_P(Finding, P_00_NothingFollowsTheEndButOneUnavailableForEachResourceShown) {
  scene_.subscribe(sees_, shown_);
  scene_.subscribe(shown_, sees_);
  EXPECT_TRUE(scene_.presence(shown_ + "/a", sees_).crosses());
  EXPECT_TRUE(scene_.presence(shown_ + "/b", sees_).crosses());
  bring_about_the_end();
  if (restarts()) scene_.restart();

  // The leaking server sends on, at once and for days.
  if (end() == End::Error) return expect_updates_held_back();
  std::size_t unavailable = 0;
  EXPECT_EQ(scene_.presence(shown_ + "/a", sees_).reason, Reason::PresenceAfterCancellation);
  EXPECT_EQ(scene_.presence(shown_ + "/new", sees_).reason, Reason::PresenceAfterCancellation);
  // Its own unavailable may come for one of them; the guard sends the other.
  const auto own = scene_.presence(shown_ + "/a", sees_, "unavailable", "<status>going to the airport</status>");
  EXPECT_TRUE(own.crosses());
  EXPECT_THAT(own.xml, Not(HasSubstr("airport")));
  ++unavailable;
  EXPECT_EQ(scene_.presence(shown_ + "/a", sees_, "unavailable").reason, Reason::PresenceNotShown);
  scene_.wait(2s);
  const auto injected = scene_.injections();
  EXPECT_THAT(injected, ElementsAre("unavailable " + shown_ + "/b " + sees_));
  unavailable += injected.size();
  EXPECT_EQ(unavailable, 2U);
  for (int day = 0; day < 3; ++day) {
    EXPECT_EQ(scene_.presence(shown_ + "/a", sees_).reason, Reason::PresenceAfterCancellation);
    EXPECT_EQ(scene_.presence(shown_ + "/b", sees_, "unavailable").reason, Reason::PresenceNotShown);
    EXPECT_EQ(scene_.presence(shown_, sees_, "unavailable").reason, Reason::PresenceNotShown);
    EXPECT_EQ(scene_.presence(sees_, shown_, "probe").reason, Reason::PresenceProbeRefused);
    scene_.wait(24h);
    EXPECT_THAT(scene_.injections(), IsEmpty());
    scene_.restart();
    scene_.wait(2min);
    EXPECT_THAT(scene_.injections(), IsEmpty());
  }
  // Only a request that is granted anew opens it.
  scene_.subscribe(sees_, shown_);
  EXPECT_TRUE(scene_.presence(shown_ + "/a", sees_).crosses());
}

std::string finding_name(const ::testing::TestParamInfo<std::tuple<End, bool, bool>>& info) {
  static const char* const kEnds[] = {"Unsubscribed", "Unsubscribe", "RosterRemoval", "PresenceError",
                                      "OperatorsRevoke"};
  return std::string(kEnds[static_cast<int>(std::get<0>(info.param))]) +
         (std::get<1>(info.param) ? "_NorthToSouth" : "_SouthToNorth") +
         (std::get<2>(info.param) ? "_AfterARestart" : "");
}

INSTANTIATE_TEST_SUITE_P(P_00_GatewayFinding, Finding,
                         ::testing::Combine(::testing::Values(End::Unsubscribed, End::Unsubscribe, End::RosterRemoval,
                                                              End::Error, End::Revoke),
                                            ::testing::Bool(), ::testing::Bool()),
                         finding_name);

// --- the gate

TEST(Gate, PRE_12_PresenceToAStrangerDoesNotCross) {
  PresenceScene scene;
  EXPECT_EQ(scene.presence(kAnn + "/r", kBob).reason, Reason::PresenceNotSubscribed);
  EXPECT_TRUE(scene.presence(kBob, kAnn, "subscribe").crosses());
  EXPECT_EQ(scene.presence(kAnn + "/r", kBob).reason, Reason::PresenceNotSubscribed) << "a request opens nothing";
}

TEST(Gate, SUB_09_PresenceThatFollowsTheGrantCrosses) {
  PresenceScene scene;
  EXPECT_TRUE(scene.presence(kBob, kAnn, "subscribe").crosses());
  EXPECT_TRUE(scene.presence(kAnn, kBob, "subscribed").crosses());
  for (const char* resource : {"/a", "/b", "/c"}) EXPECT_TRUE(scene.presence(kAnn + resource, kBob).crosses());
}

TEST(Gate, SUB_10_AnUnaskedGrantOpensNothing) {
  PresenceScene scene;
  EXPECT_EQ(scene.presence(kAnn, kBob, "subscribed").reason, Reason::PresenceNotAsked);
  EXPECT_EQ(scene.presence(kAnn + "/r", kBob).reason, Reason::PresenceNotSubscribed);
}

TEST(Gate, P_04_AnAcknowledgementOfARequestDoesNotCross) {
  PresenceScene scene;
  EXPECT_TRUE(scene.presence(kBob, kAnn, "subscribe").crosses());
  EXPECT_EQ(scene.presence(kAnn, kBob, "unavailable").reason, Reason::PresenceNotShown);
  EXPECT_EQ(scene.presence(kAnn + "/r", kBob, "unavailable").reason, Reason::PresenceNotShown);
  EXPECT_TRUE(scene.presence(kAnn, kBob, "subscribed").crosses());
  EXPECT_TRUE(scene.presence(kAnn, kBob, "unavailable").crosses()) << "the answer to a probe of somebody entitled";
}

TEST(Gate, PRE_06_P_05_OnlyWhoIsSubscribedProbes) {
  PresenceScene scene;
  EXPECT_EQ(scene.presence(kBob, kAnn, "probe").reason, Reason::PresenceProbeRefused);
  scene.subscribe(kBob, kAnn);
  const auto probe = scene.presence(kBob + "/r", kAnn, "probe");
  EXPECT_TRUE(probe.crosses());
  EXPECT_EQ(probe.xml, "<presence from='bob@south.test' to='ann@north.test' type='probe'/>");
  EXPECT_EQ(scene.presence(kAnn, kBob, "probe").reason, Reason::PresenceProbeRefused) << "the other direction";
}

TEST(Gate, P_06_DirectedPresenceToAStrangerDoesNotCross) {
  PresenceScene scene(with_rooms());
  EXPECT_EQ(scene.presence(kAnn + "/r", kBob + "/desk").reason, Reason::PresenceNotSubscribed);
}

TEST(Gate, PRE_13_RevokedLetsAllCrossButWhatWasCancelled) {
  presence::Settings settings;
  settings.gate = presence::Gate::Revoked;
  PresenceScene scene(settings);
  EXPECT_TRUE(scene.presence(kAnn + "/r", kBob).crosses());
  scene.subscribe(kBob, kAnn);
  EXPECT_TRUE(scene.presence(kAnn, kBob, "unsubscribed").crosses());
  EXPECT_EQ(scene.presence(kAnn + "/r", kBob).reason, Reason::PresenceAfterCancellation);
}

TEST(Gate, PRE_13_RevokedHeedsTheOperatorToo) {
  presence::Settings settings;
  settings.gate = presence::Gate::Revoked;
  PresenceScene scene(settings);
  scene.ledger().revoke({kBob, kAnn}, scene.now());
  EXPECT_EQ(scene.presence(kAnn + "/r", kBob).reason, Reason::PresenceAfterCancellation);
}

TEST(Gate, PRE_13_OpenLetsAllCross) {
  presence::Settings settings;
  settings.gate = presence::Gate::Open;
  PresenceScene scene(settings);
  EXPECT_TRUE(scene.presence(kAnn + "/r", kBob).crosses());
  EXPECT_TRUE(scene.presence(kBob, kAnn, "probe").crosses());
}

/// What crosses without being known has to end when it is said to end, or nobody could ever close it.
TEST(Gate, P_00_PRE_13_TheEndOfWhatTheLedgerDoesNotKnowIsAnEndWhereItsPresenceCrosses) {
  presence::Settings revoked;
  revoked.gate = presence::Gate::Revoked;
  for (const auto& settings : {revoked, in_phase(presence::Phase::Warn), in_phase(presence::Phase::Learn)}) {
    for (const bool watched_ends : {false, true}) {
      for (const bool shown : {false, true}) {
        PresenceScene scene(settings);
        if (shown) EXPECT_TRUE(scene.presence(kBob + "/r", kAnn).crosses());
        const auto end =
            watched_ends ? scene.presence(kBob, kAnn, "unsubscribed") : scene.presence(kAnn, kBob, "unsubscribe");
        EXPECT_TRUE(end.crosses());
        EXPECT_EQ(scene.presence(kBob + "/r", kAnn).reason, Reason::PresenceAfterCancellation);
        scene.wait(2s);
        EXPECT_EQ(scene.injections().size(), shown ? 1U : 0U);
        scene.restart();
        EXPECT_EQ(scene.presence(kBob + "/r", kAnn).reason, Reason::PresenceAfterCancellation);
        EXPECT_EQ(scene.presence(kAnn, kBob, "probe").reason, Reason::PresenceProbeRefused);
      }
    }
  }
}

TEST(Gate, PRE_14_AnErrorHoldsUpdatesBackUntilNewPresence) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  scene.subscribe(kAnn, kBob);
  const std::string error =
      "<presence from='bob@south.test' to='ann@north.test/r' type='error'><error type='cancel'><service-unavailable "
      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>";
  EXPECT_EQ(scene.send(error).reason, Reason::PresenceErrorUnasked) << "nothing has crossed that it could answer";
  EXPECT_TRUE(scene.presence(kAnn + "/r", kBob).crosses());
  EXPECT_TRUE(scene.send(error).crosses());
  scene.wait(1min);
  EXPECT_EQ(scene.presence(kAnn + "/r", kBob, "", "<show>dnd</show>").reason, Reason::PresenceHeld);
  EXPECT_TRUE(scene.presence(kAnn + "/r", kBob, "unavailable").crosses());
  EXPECT_TRUE(scene.presence(kBob + "/x", kAnn).crosses());
  EXPECT_TRUE(scene.presence(kAnn + "/r", kBob).crosses()) << "he has shown himself again";
}

TEST(Gate, PRE_14_AnErrorOfAClientHoldsUpdatesBackAndCrossesAsTheAccounts) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  scene.subscribe(kAnn, kBob);
  EXPECT_TRUE(scene.presence(kAnn + "/r", kBob).crosses());
  const auto outcome =
      scene.send("<presence from='bob@south.test/desk' to='ann@north.test/r' type='error'>" + kError + "</presence>");
  EXPECT_EQ(outcome.xml,
            "<presence from='bob@south.test' to='ann@north.test/r' type='error'>" + kError + "</presence>");
  scene.wait(11s);
  EXPECT_EQ(scene.presence(kAnn + "/r", kBob, "", "<show>dnd</show>").reason, Reason::PresenceHeld);
}

TEST(Gate, PRE_14_AnErrorThatMustNotBeHeardHoldsUpdatesBackToo) {
  for (const char* resource : {"", "/desk"}) {
    PresenceScene scene;
    scene.subscribe(kBob, kAnn);
    EXPECT_TRUE(scene.presence(kAnn + "/r", kBob).crosses());
    const auto outcome = scene.send("<presence from='" + kBob + resource + "' to='ann@north.test/r' type='error'>" +
                                    kError + "</presence>");
    EXPECT_EQ(outcome.reason, Reason::ErrorToStranger);
    scene.wait(11s);
    EXPECT_EQ(scene.presence(kAnn + "/r", kBob, "", "<show>dnd</show>").reason, Reason::PresenceHeld);
    EXPECT_TRUE(scene.presence(kAnn + "/r", kBob, "unavailable").crosses());
  }
}

TEST(Gate, P_09_AnErrorLosesItsAddress) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  scene.subscribe(kAnn, kBob);
  EXPECT_TRUE(scene.presence(kAnn + "/r", kBob).crosses());
  const auto outcome = scene.send(
      "<presence from='bob@south.test' to='ann@north.test/r' type='error'><error type='cancel'><gone "
      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:bob@new.test</gone></error></presence>");
  EXPECT_TRUE(outcome.crosses());
  EXPECT_THAT(outcome.xml, Not(HasSubstr("new.test")));
  scene.wait(1min);
  EXPECT_EQ(scene
                .send("<presence from='bob@south.test' to='ann@north.test/r' type='error'><error type='cancel'><gone "
                      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>")
                .reason,
            Reason::PresenceErrorUnasked);
}

TEST(Gate, P_03_FlapsAreHeldBackAndTheNewestIsKept) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  EXPECT_TRUE(scene.presence(kAnn + "/r", kBob).crosses());
  for (int i = 0; i < 100; ++i) {
    scene.wait(90ms);
    const auto flap = scene.presence(kAnn + "/r", kBob, "", "<show>away</show>");
    EXPECT_EQ(flap.reason, Reason::PresenceCoalesced);
    EXPECT_TRUE(flap.kept);
  }
  scene.wait(1s);
  EXPECT_TRUE(scene.presence(kAnn + "/r", kBob).crosses());
  EXPECT_TRUE(scene.presence(kAnn + "/r", kBob, "unavailable").crosses()) << "an end is told at once";
}

TEST(Gate, P_05_AnAnswerToAProbeIsNotHeldBack) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  EXPECT_TRUE(scene.presence(kAnn + "/r", kBob).crosses());
  EXPECT_TRUE(scene.presence(kBob, kAnn, "probe").crosses());
  EXPECT_TRUE(scene.presence(kAnn + "/r", kBob).crosses());
}

TEST(Gate, D_28_OneAccountShowsABoundedNumberOfResources) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  for (std::size_t i = 0; i < presence::kMostShownToOne; ++i)
    EXPECT_TRUE(scene.presence(kAnn + "/r" + std::to_string(i), kBob).crosses());
  EXPECT_EQ(scene.presence(kAnn + "/more", kBob).reason, Reason::PresenceTooMany);
}

TEST(Gate, D_28_RequestsThatNobodyAnswersFillNothing) {
  PresenceScene scene;
  for (std::size_t i = 0; i < presence::kMostOfLane.pending; ++i)
    scene.ledger().commit({presence::Change::Act::Ask, {"x" + std::to_string(i) + "@north.test", kBob}, {}},
                          scene.now());
  EXPECT_EQ(scene.presence(kAnn, kBob, "subscribe").reason, Reason::PresenceLedgerFull);
}

TEST(Gate, PRE_16_AfterAFailureOfTheStorePresenceStopsAndMessagesGoOn) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  scene.ledger().fail();
  EXPECT_EQ(scene.presence(kAnn + "/r", kBob).reason, Reason::PresenceStoreFailed);
  EXPECT_EQ(scene.presence(kAnn, kBob, "subscribe").reason, Reason::PresenceStoreFailed);
  EXPECT_TRUE(scene.send("<message from='ann@north.test/r' to='bob@south.test'><body>hi</body></message>").crosses());
}

// --- the reasons

/// What the lane gives, which has tests of its own.
bool is_of_the_lane(Reason reason) {
  return reason == Reason::PresenceClosedMeanwhile || reason == Reason::PresenceTakenBack ||
         reason == Reason::PresenceProbed || reason == Reason::PresenceSentLater;
}

TEST(Reasons, OfPresenceHaveEachATest) {
  std::string text;
  for (const char* file : {"gate_test.cc", "hidden_resources_test.cc", "session_test.cc", "transitions_test.cc"}) {
    std::ifstream in(std::filesystem::path(SALLYPORT_TESTS_DIR) / "policy" / "presence" / file);
    text.append(std::istreambuf_iterator<char>(in), {});
  }
  std::size_t seen = 0;
  for (const ReasonRow& each : reasons()) {
    if (stage_name(each.reason) != "presence" || !each.verdict || is_of_the_lane(each.reason)) continue;
    ++seen;
    std::string enumerator = "Reason::";
    bool capital = true;
    for (const char c : each.code) {
      if (c == '.' || c == '-') {
        capital = true;
        continue;
      }
      enumerator += capital ? static_cast<char>(c - 'a' + 'A') : c;
      capital = false;
    }
    const bool named = text.contains(enumerator + ")") || text.contains(enumerator + ",") ||
                       text.contains("\"" + std::string(each.code) + "\"");
    EXPECT_TRUE(named) << each.code;
  }
  EXPECT_GT(seen, 20U);
}

// --- folding

const std::string kRich =
    "<show>away</show><status>lunch</status><priority>5</priority><c xmlns='http://jabber.org/protocol/caps' ver='x'/>"
    "<idle xmlns='urn:xmpp:idle:1' since='2026-03-04T00:00:00Z'/><x xmlns='vcard-temp:x:update'/>"
    "<nick xmlns='http://jabber.org/protocol/nick'>A</nick><delay xmlns='urn:xmpp:delay' stamp='2026-03-04T00:00:00Z'/>"
    "<x xmlns='jabber:x:signed'>s</x>";

TEST(Folding, P_03_P_14_ShowAndStatusCrossAndNothingElse) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  const auto outcome = scene.presence(kAnn + "/r", kBob, "", kRich);
  EXPECT_EQ(outcome.xml,
            "<presence from='ann@north.test/r' to='bob@south.test'><show>away</show><status>lunch</status></presence>");
  EXPECT_THAT(outcome.findings, ElementsAre("presence.folded"));
}

TEST(Folding, P_14_EachPartCrossesIfThePeeringSaysSo) {
  const std::pair<presence::Part, std::string> parts[] = {
      {presence::Part::Show, "<show>"},         {presence::Part::Status, "<status>"},
      {presence::Part::Priority, "<priority>"}, {presence::Part::Caps, "protocol/caps"},
      {presence::Part::Idle, "urn:xmpp:idle"},  {presence::Part::Avatar, "vcard-temp"},
      {presence::Part::Nick, "<nick"},          {presence::Part::Delay, "<delay"},
      {presence::Part::Other, "x:signed"}};
  for (const auto& [part, mark] : parts) {
    presence::Settings settings;
    settings.parts = presence::bit(part);
    PresenceScene scene(settings);
    scene.subscribe(kBob, kAnn);
    const std::string xml = scene.presence(kAnn + "/r", kBob, "", kRich).xml;
    for (const auto& [other, text] : parts) EXPECT_EQ(xml.find(text) != std::string::npos, other == part) << xml;
  }
}

TEST(Folding, P_15_UnavailableCarriesNothing) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  scene.presence(kAnn + "/r", kBob);
  EXPECT_EQ(scene.presence(kAnn + "/r", kBob, "unavailable", "<status>going to airport</status>").xml,
            "<presence from='ann@north.test/r' to='bob@south.test' type='unavailable'/>");
}

TEST(Folding, PRE_03_PRE_11_WithFullTransparencyAllOfItCrosses) {
  PresenceScene scene({}, Transparency::Full);
  scene.subscribe(kBob, kAnn);
  EXPECT_THAT(scene.presence(kAnn + "/r", kBob, "", kRich).xml, HasSubstr("x:signed"));
  EXPECT_THAT(scene.presence(kAnn + "/r", kBob, "unavailable", "<status>home</status>").xml, HasSubstr("home"));
}

// --- rooms

const std::string kSelf =
    "<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='member' jid='ann@north.test/r' "
    "role='participant'/><status code='110'/></x>";

TEST(Rooms, PRE_13_WhoJoinsHearsTheRoomUntilHeLeaves) {
  PresenceScene scene(with_rooms());
  const std::string message =
      "<message from='" + kRoom + "/nick' to='ann@north.test/r' type='groupchat'><body>x</body></message>";
  EXPECT_EQ(scene.presence(kRoom + "/other", kAnn + "/r").reason, Reason::PresenceRoomNotJoined);
  EXPECT_EQ(scene.send(message).reason, Reason::PresenceRoomNotJoined);
  const auto join = scene.presence(kAnn + "/r", kRoom + "/nick", "", "<x xmlns='http://jabber.org/protocol/muc'/>");
  EXPECT_TRUE(join.crosses());
  EXPECT_THAT(join.xml, HasSubstr("protocol/muc"));
  EXPECT_TRUE(scene.presence(kRoom + "/other", kAnn + "/r").crosses());
  EXPECT_TRUE(scene.presence(kRoom + "/nick", kAnn + "/r", "", kSelf).crosses());
  EXPECT_TRUE(scene.send(message).crosses());
  EXPECT_EQ(scene.presence(kRoom + "/other", "ben@north.test/r").reason, Reason::PresenceRoomNotJoined);
  EXPECT_EQ(scene.presence(kRoom + "/other", kAnn + "/second").reason, Reason::PresenceRoomNotJoined);
  EXPECT_TRUE(scene.presence(kAnn + "/r", kRoom + "/nick", "unavailable").crosses());
  EXPECT_TRUE(scene.presence(kRoom + "/nick", kAnn + "/r", "unavailable", kSelf).crosses());
  EXPECT_EQ(scene.presence(kRoom + "/other", kAnn + "/r").reason, Reason::PresenceRoomNotJoined);
  EXPECT_EQ(scene.send(message).reason, Reason::PresenceRoomNotJoined);
}

TEST(Rooms, P_10_TheRealAddressIsTakenOut) {
  PresenceScene scene(with_rooms());
  scene.presence(kAnn + "/r", kRoom + "/nick");
  const auto outcome = scene.presence(kRoom + "/nick", kAnn + "/r", "", kSelf);
  EXPECT_THAT(outcome.xml, HasSubstr("affiliation='member'"));
  EXPECT_THAT(outcome.xml, Not(HasSubstr("jid=")));
}

TEST(Rooms, WhoIsKickedHearsNothingMoreAndANewNickIsNoEnd) {
  PresenceScene scene(with_rooms());
  scene.presence(kAnn + "/r", kRoom + "/nick");
  scene.presence(kRoom + "/nick", kAnn + "/r", "", kSelf);
  const std::string renamed =
      "<x xmlns='http://jabber.org/protocol/muc#user'><item nick='new'/><status code='110'/><status code='303'/></x>";
  EXPECT_TRUE(scene.presence(kRoom + "/nick", kAnn + "/r", "unavailable", renamed).crosses());
  EXPECT_TRUE(scene.presence(kRoom + "/new", kAnn + "/r", "", kSelf).crosses());
  const std::string kicked =
      "<x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/><status code='307'/></x>";
  EXPECT_TRUE(scene.presence(kRoom + "/new", kAnn + "/r", "unavailable", kicked).crosses());
  EXPECT_EQ(scene.presence(kRoom + "/other", kAnn + "/r").reason, Reason::PresenceRoomNotJoined);
}

TEST(Rooms, WhoIsTurnedAwayIsNotIn) {
  PresenceScene scene(with_rooms());
  scene.presence(kAnn + "/r", kRoom + "/nick");
  EXPECT_TRUE(scene
                  .send("<presence from='" + kRoom +
                        "/nick' to='ann@north.test/r' type='error'><error type='cancel'>"
                        "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>")
                  .crosses());
  EXPECT_EQ(scene.presence(kRoom + "/other", kAnn + "/r").reason, Reason::PresenceRoomNotJoined);
}

TEST(Rooms, P_10_ARoomThatIsNotListedIsNotJoined) {
  PresenceScene scene;
  EXPECT_EQ(scene.presence(kAnn + "/r", kRoom + "/nick").reason, Reason::PresenceNotSubscribed);
}

// --- what tells as much as presence

std::string chat(const std::string& from, const std::string& to, const std::string& inside) {
  return "<message from='" + from + "' to='" + to + "' type='chat'>" + inside + "</message>";
}

TEST(SideChannels, P_24_ReceiptsAndMarkersGoToThoseWhoMayKnow) {
  PresenceScene scene;
  const std::string received = chat(kAnn + "/r", kBob, "<received xmlns='urn:xmpp:receipts' id='1'/>");
  const std::string displayed = chat(kAnn + "/r", kBob, "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>");
  EXPECT_EQ(scene.send(received).reason, Reason::PresenceActivityOnly);
  EXPECT_EQ(scene.send(displayed).reason, Reason::PresenceActivityOnly);
  scene.subscribe(kBob, kAnn);
  EXPECT_TRUE(scene.send(received).crosses());
  EXPECT_TRUE(scene.send(displayed).crosses());
}

TEST(SideChannels, P_24_AStrangerDoesNotAskForAReceipt) {
  PresenceScene scene;
  const std::string message = chat(kAnn + "/r", kBob, "<body>x</body><request xmlns='urn:xmpp:receipts'/>");
  const auto stripped = scene.send(message);
  EXPECT_THAT(stripped.xml, Not(HasSubstr("receipts")));
  EXPECT_THAT(stripped.findings, Contains("presence.activity-stripped"));
  scene.subscribe(kAnn, kBob);
  EXPECT_THAT(scene.send(message).xml, HasSubstr("receipts"));
}

TEST(SideChannels, P_25_P_35_ChatStatesAndStampsOfAStrangerAreTakenOut) {
  PresenceScene scene;
  const std::string typing = chat(kAnn + "/r", kBob,
                                  "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
                                  "<no-store xmlns='urn:xmpp:hints'/>");
  EXPECT_EQ(scene.send(typing).reason, Reason::PresenceActivityOnly);
  const auto message = scene.send(chat(kAnn + "/r", kBob,
                                       "<body>x</body><active xmlns='http://jabber.org/protocol/chatstates'/>"
                                       "<delay xmlns='urn:xmpp:delay' stamp='2026-03-04T00:00:00Z'/>"));
  EXPECT_THAT(message.xml, HasSubstr("<body>x</body>"));
  EXPECT_THAT(message.xml, Not(HasSubstr("chatstates")));
  EXPECT_THAT(message.xml, Not(HasSubstr("delay")));
  scene.subscribe(kBob, kAnn);
  EXPECT_TRUE(scene.send(typing).crosses());
}

TEST(SideChannels, P_26_PersonalEventsGoToThoseWhoMayKnow) {
  PresenceScene scene;
  const std::string event =
      "<message from='ann@north.test' to='bob@south.test' type='headline'><event "
      "xmlns='http://jabber.org/protocol/pubsub#event'><items node='n'/></event></message>";
  EXPECT_EQ(scene.send(event).reason, Reason::PresencePep);
  scene.subscribe(kBob, kAnn);
  EXPECT_TRUE(scene.send(event).crosses());
}

TEST(SideChannels, P_00_EndWithTheSubscription) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  scene.presence(kAnn, kBob, "unsubscribed");
  EXPECT_EQ(scene.send(chat(kAnn + "/r", kBob, "<received xmlns='urn:xmpp:receipts' id='1'/>")).reason,
            Reason::PresenceActivityOnly);
}

TEST(SideChannels, P_20_P_22_P_27_AStrangersRequestHasOneAnswer) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  const auto ask = [&](const std::string& to, const std::string& payload) {
    return scene.send("<iq from='bob@south.test/x' id='1' to='" + to + "' type='get'><query xmlns='" + payload +
                      "'/></iq>");
  };
  for (const char* payload :
       {"jabber:iq:last", "jabber:iq:version", "http://jabber.org/protocol/disco#info", "vcard-temp"}) {
    const auto existing = ask("ben@north.test", payload);
    const auto missing = ask("nobody@north.test", payload);
    EXPECT_EQ(existing.reason, Reason::PresenceStranger);
    std::string same = missing.xml;
    same.replace(same.find("nobody"), 6, "ben");
    EXPECT_EQ(existing.xml, same);
    EXPECT_TRUE(ask(kAnn, payload).crosses()) << "his subscription entitles him, as far as this stage goes";
  }
}

TEST(SideChannels, P_07_Q_10_ARequestGoesToAResourceThatWasShown) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  const auto ask = [&](const std::string& to) {
    return scene.send("<iq from='bob@south.test/x' id='1' to='" + to +
                      "' type='get'><ping xmlns='urn:xmpp:ping'/></iq>");
  };
  EXPECT_EQ(ask(kAnn + "/r").reason, Reason::PresenceResourceNotShown);
  scene.presence(kAnn + "/r", kBob);
  EXPECT_TRUE(ask(kAnn + "/r").crosses());
  const auto guess = ask(kAnn + "/guess");
  EXPECT_EQ(guess.reason, Reason::PresenceResourceNotShown);
  EXPECT_THAT(guess.xml, HasSubstr("service-unavailable"));
}

TEST(SideChannels, P_07_AMessageToAResourceThatWasNotShownGoesToTheAccount) {
  PresenceScene scene;
  const auto outcome = scene.send(chat(kBob + "/x", kAnn + "/guess", "<body>x</body>"));
  EXPECT_THAT(outcome.xml, HasSubstr("to='ann@north.test' "));
  EXPECT_THAT(outcome.findings, Contains("presence.readdressed"));
}

TEST(SideChannels, P_44_WhoWritesToTooManyStrangersIsRefusedAndReported) {
  presence::Settings settings;
  settings.strangers = 5;
  PresenceScene scene(settings);
  scene.subscribe(kBob, kAnn);
  const auto write = [&](const std::string& to) { return scene.send(chat(kBob + "/x", to, "<body>x</body>")); };
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(write("s" + std::to_string(i) + "@north.test").crosses());
  EXPECT_TRUE(write("s0@north.test").crosses()) << "no stranger anew";
  EXPECT_THAT(scene.harvest().take_alarms(), IsEmpty());
  EXPECT_EQ(write("s5@north.test").reason, Reason::PresenceHarvest);
  EXPECT_EQ(write("s6@north.test").reason, Reason::PresenceHarvest);
  EXPECT_THAT(scene.harvest().take_alarms(), ElementsAre(kBob)) << "once";
  EXPECT_TRUE(write(kAnn).crosses()) << "a contact";
  scene.wait(1h);
  EXPECT_TRUE(write("s7@north.test").crosses());
}

// --- phases

TEST(Phase, WarnLetsCrossAndSaysWhatItWouldHaveRefused) {
  PresenceScene scene(in_phase(presence::Phase::Warn));
  const auto outcome = scene.presence(kAnn + "/r", kBob);
  EXPECT_TRUE(outcome.crosses());
  EXPECT_THAT(outcome.findings, Contains("presence.not-subscribed"));
  EXPECT_FALSE(scene.ledger().is_open({kBob, kAnn}));
  EXPECT_TRUE(scene.presence(kAnn + "/r", kBob, "unavailable").crosses());
}

TEST(Phase, LearnTakesDownWhatAProbeAndItsAnswerShow) {
  PresenceScene scene(in_phase(presence::Phase::Learn));
  EXPECT_TRUE(scene.presence(kAnn + "/r", kBob).crosses());
  EXPECT_FALSE(scene.ledger().is_open({kBob, kAnn})) << "presence alone shows nothing";
  EXPECT_TRUE(scene.presence(kBob, kAnn, "probe").crosses());
  scene.wait(29s);
  const auto outcome = scene.presence(kAnn + "/r", kBob);
  EXPECT_THAT(outcome.findings, Contains("presence.learned"));
  EXPECT_TRUE(scene.ledger().is_open({kBob, kAnn}));
  EXPECT_EQ(scene.ledger().entry({kBob, kAnn}).origin, presence::Origin::Learned);
}

TEST(Phase, LearnHeedsNoAnswerThatComesLate) {
  PresenceScene scene(in_phase(presence::Phase::Learn));
  scene.presence(kBob, kAnn, "probe");
  scene.wait(30s);
  scene.presence(kAnn + "/r", kBob);
  EXPECT_FALSE(scene.ledger().is_open({kBob, kAnn}));
}

TEST(Phase, P_00_WhatWasCancelledStaysClosedInEveryPhase) {
  for (const auto phase : {presence::Phase::Warn, presence::Phase::Learn}) {
    PresenceScene scene(in_phase(phase));
    scene.subscribe(kBob, kAnn);
    scene.presence(kAnn, kBob, "unsubscribed");
    EXPECT_EQ(scene.presence(kAnn + "/r", kBob).reason, Reason::PresenceAfterCancellation);
    EXPECT_EQ(scene.presence(kBob, kAnn, "probe").reason, Reason::PresenceProbeRefused);
    EXPECT_EQ(scene.presence(kAnn + "/r", kBob).reason, Reason::PresenceAfterCancellation);
  }
}

// --- loss and restart

TEST(Loss, PRE_15_WhoSawAnAccountOfALostServerHearsItOnce) {
  PresenceScene scene(with_rooms());
  scene.subscribe(kBob, kAnn);
  scene.presence(kAnn + "/a", kBob);
  scene.presence(kAnn + "/b", kBob);
  scene.ledger().lose("south.test", "north.test", scene.now());
  EXPECT_THAT(scene.injections(), IsEmpty()) << "the other direction";
  scene.ledger().lose("north.test", "south.test", scene.now());
  EXPECT_THAT(scene.injections(), UnorderedElementsAre("unavailable ann@north.test/a bob@south.test",
                                                       "unavailable ann@north.test/b bob@south.test"));
  scene.ledger().lose("north.test", "south.test", scene.now());
  EXPECT_THAT(scene.injections(), IsEmpty()) << "once";
  // PRE-16: back again.
  const auto probes = scene.ledger().regain("north.test", "south.test", scene.now());
  ASSERT_EQ(probes.size(), 1U);
  EXPECT_EQ(testing::to_string(probes[0]), "probe bob@south.test ann@north.test");
  EXPECT_TRUE(scene.presence(kAnn + "/a", kBob).crosses());
}

TEST(Restart, PRE_16_WhatStaysSilentIsTakenBack) {
  PresenceScene scene;
  scene.subscribe(kBob, kAnn);
  scene.presence(kAnn + "/a", kBob);
  scene.presence(kAnn + "/b", kBob);
  EXPECT_THAT(scene.restart(), ElementsAre("probe bob@south.test ann@north.test"));
  scene.wait(5s);
  EXPECT_TRUE(scene.presence(kAnn + "/a", kBob).crosses());
  scene.wait(55s);
  EXPECT_THAT(scene.injections(), ElementsAre("unavailable ann@north.test/b bob@south.test"));
  EXPECT_TRUE(scene.presence(kAnn + "/a", kBob, "unavailable").crosses());
}

}  // namespace
}  // namespace sallyport::policy
