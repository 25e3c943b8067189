// The presence stage in a client's session: what its server sends is shown only as far as the account's subscriptions
// go, and the client's presence goes to nobody else (protocol.md 6; design.md section 6).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/policy/presence/session_scene.h"

namespace sallyport::policy {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SessionScene;
using ::testing::UnorderedElementsAre;

std::string item(const std::string& jid, const std::string& subscription, const std::string& more = "") {
  return "<item jid='" + jid + "' subscription='" + subscription + "' " + more + "/>";
}
std::string presence(const std::string& from, const std::string& type = "", const std::string& inside = "") {
  return "<presence from='" + from + "' to='ann@south.test/desk'" + (type.empty() ? "" : " type='" + type + "'") + ">" +
         inside + "</presence>";
}

TEST(SessionPresence, ROS_10_PRE_01_WhatTheRosterCoversIsShownAndNothingElse) {
  SessionScene scene;
  EXPECT_EQ(scene.server(presence("bob@south.test/x")).reason, Reason::PresenceRosterAwaited);
  ASSERT_TRUE(scene
                  .roster(item("bob@south.test", "both") + item("cy@elsewhere.test", "to") +
                          item("dee@south.test", "from") + item("eve@south.test", "none"))
                  .crosses());
  EXPECT_TRUE(scene.server(presence("bob@south.test/x")).crosses());
  EXPECT_TRUE(scene.server(presence("cy@elsewhere.test/x")).crosses());
  EXPECT_EQ(scene.server(presence("dee@south.test/x")).reason, Reason::PresenceNotSubscribed);
  EXPECT_EQ(scene.server(presence("eve@south.test/x")).reason, Reason::PresenceNotSubscribed);
  // The other direction: directed presence goes to those who watch.
  EXPECT_TRUE(scene.client("<presence to='dee@south.test'/>").crosses());
  EXPECT_EQ(scene.client("<presence to='cy@elsewhere.test'/>").reason, Reason::PresenceNotSubscribed);
}

TEST(SessionPresence, ROS_04_WhatComesBeforeTheRosterIsKept) {
  SessionScene scene;
  const auto early = scene.server(presence("bob@south.test/x"));
  EXPECT_EQ(early.reason, Reason::PresenceRosterAwaited);
  EXPECT_TRUE(early.kept);
  scene.roster("");
  const auto late = scene.server(presence("bob@south.test/x"));
  EXPECT_EQ(late.reason, Reason::PresenceNotSubscribed);
  EXPECT_FALSE(late.kept);
}

TEST(SessionPresence, ROS_08_ARemovalByTheClientEndsBothDirectionsAtOnce) {
  SessionScene scene;
  scene.roster(item("bob@south.test", "both"));
  ASSERT_TRUE(scene.server(presence("bob@south.test/x")).crosses());
  const auto set = [&](const std::string& items) {
    return scene.client("<iq id='s' type='set'><query xmlns='jabber:iq:roster'>" + items + "</query></iq>");
  };
  // Naming a contact says nothing of the subscription.
  ASSERT_TRUE(set("<item jid='bob@south.test' name='Bob'/>").crosses());
  EXPECT_TRUE(scene.server(presence("bob@south.test/x")).crosses());
  scene.take_ended();
  ASSERT_TRUE(set(item("bob@south.test", "remove")).crosses());
  EXPECT_EQ(scene.server(presence("bob@south.test/x")).reason, Reason::PresenceAfterCancellation);
  EXPECT_EQ(scene.client("<presence to='bob@south.test'/>").reason, Reason::PresenceAfterCancellation);
  EXPECT_THAT(scene.take_ended(),
              UnorderedElementsAre("bob@south.test ann@south.test", "ann@south.test bob@south.test"));
  // Said to another client of the account it takes nobody away.
  scene.client("<iq id='t' to='ann@south.test/phone' type='set'><query xmlns='jabber:iq:roster'>" +
               item("cy@south.test", "remove") + "</query></iq>");
  EXPECT_THAT(scene.take_ended(), IsEmpty());
}

TEST(SessionPresence, SUB_15_ABlockIsARevocation) {
  SessionScene scene;
  scene.roster(item("bob@north.test", "both"));
  scene.take_ended();
  ASSERT_TRUE(scene.client("<presence to='bob@north.test'/>").crosses());
  ASSERT_TRUE(
      scene.client("<iq id='b' type='set'><block xmlns='urn:xmpp:blocking'><item jid='bob@north.test'/></block></iq>")
          .crosses());
  EXPECT_THAT(scene.take_ended(), ElementsAre("bob@north.test ann@south.test"));
  EXPECT_EQ(scene.client("<presence to='bob@north.test'/>").reason, Reason::PresenceAfterCancellation);
  scene.wait(std::chrono::seconds(3));
  EXPECT_THAT(scene.injections(), ElementsAre("unavailable ann@south.test/desk bob@north.test"));
}

TEST(SessionPresence, ROS_08_APushEndsASubscriptionAtOnceAndWhatWasShownIsTakenBack) {
  for (const std::string now : {"none", "from", "remove"}) {
    SessionScene scene;
    scene.roster(item("bob@south.test", "both"));
    ASSERT_TRUE(scene.server(presence("bob@south.test/x")).crosses());
    EXPECT_TRUE(scene.push(item("bob@south.test", now)).crosses());
    EXPECT_EQ(scene.server(presence("bob@south.test/x")).reason, Reason::PresenceAfterCancellation) << now;
    scene.wait(std::chrono::seconds(3));
    EXPECT_THAT(scene.injections(), ElementsAre("unavailable bob@south.test/x ann@south.test")) << now;
    EXPECT_EQ(scene.server(presence("bob@south.test/x", "unavailable")).reason, Reason::PresenceNotShown) << now;
  }
}

TEST(SessionPresence, ROS_08_AServerThatTakesItBackItselfIsNotRepeated) {
  SessionScene scene;
  scene.roster(item("bob@south.test", "both"));
  scene.server(presence("bob@south.test/x"));
  scene.push(item("bob@south.test", "none"));
  EXPECT_TRUE(scene.server(presence("bob@south.test/x", "unavailable")).crosses());
  scene.wait(std::chrono::seconds(3));
  EXPECT_THAT(scene.injections(), IsEmpty());
}

TEST(SessionPresence, ROS_10_ARosterSaysWhichPairsBetweenServersDoNotStand) {
  SessionScene scene;
  scene.roster(item("bob@north.test", "to") + item("cy@north.test", "none", "ask='subscribe'"));
  EXPECT_THAT(scene.take_ended(),
              UnorderedElementsAre("bob@north.test ann@south.test", "cy@north.test ann@south.test"));
  scene.push(item("bob@north.test", "remove"));
  EXPECT_THAT(scene.take_ended(),
              UnorderedElementsAre("bob@north.test ann@south.test", "ann@south.test bob@north.test"));
}

TEST(SessionPresence, ROS_10_AWholeRosterEndsWhatItDoesNotList) {
  SessionScene scene;
  scene.roster(item("bob@south.test", "both") + item("cy@south.test", "both"));
  ASSERT_TRUE(scene.server(presence("cy@south.test/x")).crosses());
  scene.roster(item("bob@south.test", "both"));
  EXPECT_EQ(scene.server(presence("cy@south.test/x")).reason, Reason::PresenceAfterCancellation);
  EXPECT_TRUE(scene.server(presence("bob@south.test/x")).crosses());
}

TEST(SessionPresence, ROS_10_AServerThatNamesEverMoreContactsFillsNoMoreThanItsSession) {
  SessionScene scene;
  constexpr std::size_t kMost = presence::kMostOfSession.pairs;
  std::string items;
  for (std::size_t i = 0; i <= kMost / 2; ++i) {
    items += item("c" + std::to_string(i) + "@south.test", "both");
    if (i % 200 != 0 && i != kMost / 2) continue;
    scene.push(items);
    items.clear();
  }
  EXPECT_EQ(scene.ledger().size(), kMost);
  EXPECT_TRUE(scene.ledger().is_open({"ann@south.test", "c0@south.test"}));
  EXPECT_FALSE(scene.ledger().is_open({"ann@south.test", "c" + std::to_string(kMost / 2) + "@south.test"}));
}

TEST(SessionPresence, ROS_10_NobodyButTheAccountSaysWhatItsRosterIs) {
  SessionScene scene;
  // The payload stage refuses them; here it is off.
  scene.server("<iq from='eve@south.test' id='p' type='set'><query xmlns='jabber:iq:roster'>" +
               item("eve@south.test", "both") + "</query></iq>");
  EXPECT_EQ(scene.server(presence("eve@south.test/x")).reason, Reason::PresenceRosterAwaited);
  // Nor does a result that nobody asked for.
  EXPECT_EQ(scene
                .server("<iq id='none' type='result'><query xmlns='jabber:iq:roster'>" +
                        item("eve@south.test", "both") + "</query></iq>")
                .reason,
            Reason::IqUnsolicited);
  EXPECT_EQ(scene.server(presence("eve@south.test/x")).reason, Reason::PresenceRosterAwaited);
  // Nor another client of the account, in an answer to what the account was asked.
  const std::string asked = scene.client("<iq id='r' type='get'><query xmlns='jabber:iq:roster'/></iq>").xml;
  const std::size_t at = asked.find("id='") + 4;
  scene.server("<iq from='ann@south.test/phone' id='" + asked.substr(at, asked.find('\'', at) - at) +
               "' type='result'><query xmlns='jabber:iq:roster'>" + item("eve@south.test", "both") + "</query></iq>");
  EXPECT_EQ(scene.server(presence("eve@south.test/x")).reason, Reason::PresenceRosterAwaited);
  // Nor the client.
  scene.client("<iq id='s' type='set'><query xmlns='jabber:iq:roster'>" + item("eve@south.test", "both") +
               "</query></iq>");
  EXPECT_EQ(scene.server(presence("eve@south.test/x")).reason, Reason::PresenceRosterAwaited);
}

TEST(SessionPresence, ROS_10_ARosterThatTheGuardHasNotSeenIsAskedForWhole) {
  SessionScene scene;
  const std::string versioned = "<iq id='r' type='get'><query xmlns='jabber:iq:roster' ver='v7'/></iq>";
  const auto first = scene.client(versioned);
  EXPECT_THAT(first.xml, HasSubstr("ver=''"));
  EXPECT_THAT(first.findings, Contains(code(Reason::PresenceRosterWhole)));
  scene.roster(item("bob@south.test", "both"));
  EXPECT_THAT(scene.client(versioned).xml, HasSubstr("ver='v7'"));
}

TEST(SessionPresence, SUB_01_WordsOfSubscriptionsPassAndCount) {
  SessionScene scene;
  ASSERT_TRUE(scene.client("<presence to='bob@south.test' type='subscribe'/>").crosses());
  ASSERT_TRUE(scene.server(presence("bob@south.test", "subscribed")).crosses());
  EXPECT_TRUE(scene.server(presence("bob@south.test/x")).crosses());
  ASSERT_TRUE(scene.server(presence("bob@south.test", "unsubscribed")).crosses());
  EXPECT_EQ(scene.server(presence("bob@south.test/x")).reason, Reason::PresenceAfterCancellation);

  ASSERT_TRUE(scene.server(presence("cy@south.test", "subscribe")).crosses());
  ASSERT_TRUE(scene.client("<presence to='cy@south.test' type='subscribed'/>").crosses());
  EXPECT_TRUE(scene.client("<presence to='cy@south.test'/>").crosses());
  ASSERT_TRUE(scene.client("<presence to='cy@south.test' type='unsubscribed'/>").crosses());
  EXPECT_EQ(scene.client("<presence to='cy@south.test'/>").reason, Reason::PresenceAfterCancellation);
}

TEST(SessionPresence, SUB_01_AnApprovalThatNobodyAskedForOpensNothing) {
  SessionScene scene;
  scene.roster("");
  EXPECT_TRUE(scene.server(presence("eve@south.test", "subscribed")).crosses());
  EXPECT_EQ(scene.server(presence("eve@south.test/x")).reason, Reason::PresenceNotSubscribed);
}

TEST(SessionPresence, P_13_TheAccountSeesItselfAndItsServer) {
  SessionScene scene;
  EXPECT_TRUE(scene.client("<presence><show>away</show><priority>-1</priority></presence>").crosses());
  EXPECT_THAT(scene.client("<presence><priority>-1</priority><x xmlns='other'/></presence>").xml,
              HasSubstr("<priority>-1</priority></presence>"));
  EXPECT_TRUE(scene.client("<presence type='unavailable'/>").crosses());
  EXPECT_TRUE(scene.server(presence("ann@south.test/phone")).crosses());
  EXPECT_TRUE(scene.server(presence("ann@south.test/desk")).crosses());
  EXPECT_TRUE(scene.server(presence("ann@south.test/phone", "unavailable")).crosses());
}

TEST(SessionPresence, PRE_06_ClientsAreNotProbed) {
  SessionScene scene;
  scene.roster(item("bob@south.test", "both"));
  EXPECT_EQ(scene.server(presence("bob@south.test", "probe")).reason, Reason::PresenceProbeRefused);
  EXPECT_EQ(scene.client("<presence to='bob@south.test' type='probe'/>").reason, Reason::PresenceProbeRefused);
}

TEST(SessionPresence, PRE_14_AnErrorOfAWatcherAnswersWhatItsServerSentHim) {
  SessionScene scene;
  const std::string error = "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
  EXPECT_EQ(scene.server(presence("eve@south.test/x", "error", error)).reason, Reason::PresenceErrorUnasked);
  scene.roster(item("bob@south.test", "both") + item("dee@south.test", "from") + item("flo@south.test", "to"));
  const auto heard = scene.server(presence("bob@south.test/x", "error", error));
  EXPECT_TRUE(heard.crosses());
  EXPECT_THAT(heard.xml, ::testing::AllOf(HasSubstr("from='bob@south.test'"), HasSubstr("<service-unavailable")));
  // It would tell that somebody is there whom she does not watch.
  EXPECT_EQ(scene.server(presence("dee@south.test/x", "error", error)).reason, Reason::ErrorToStranger);
  EXPECT_EQ(scene.server(presence("flo@south.test/x", "error", error)).reason, Reason::PresenceErrorUnasked);
}

TEST(SessionPresence, PRE_14_WhatAClientDoesNotTakeIsLeftToItsServer) {
  SessionScene scene;
  scene.roster(item("bob@south.test", "both"));
  ASSERT_TRUE(scene.server(presence("bob@south.test/x")).crosses());
  ASSERT_TRUE(scene
                  .client("<presence to='bob@south.test/x' type='error'><error type='cancel'>"
                          "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>")
                  .crosses());
  EXPECT_TRUE(scene.server(presence("bob@south.test/x")).crosses());
}

TEST(SessionPresence, P_10_ARoomOfAListedServiceIsHeardUntilItIsLeft) {
  presence::Settings settings;
  settings.room_services = {"rooms.south.test"};
  SessionScene scene(settings);
  const std::string muc = "<x xmlns='http://jabber.org/protocol/muc'/>";
  const std::string self =
      "<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='none'/>"
      "<status code='110'/></x>";
  EXPECT_EQ(scene.server(presence("hall@rooms.south.test/bob")).reason, Reason::PresenceRoomNotJoined);
  ASSERT_TRUE(scene.client("<presence to='hall@rooms.south.test/ann'>" + muc + "</presence>").crosses());
  EXPECT_TRUE(scene.server(presence("hall@rooms.south.test/bob")).crosses());
  EXPECT_TRUE(scene
                  .server("<message from='hall@rooms.south.test/bob' to='ann@south.test/desk' type='groupchat'>"
                          "<body>hi</body></message>")
                  .crosses());
  ASSERT_TRUE(scene.client("<presence to='hall@rooms.south.test/ann' type='unavailable'/>").crosses());
  EXPECT_TRUE(scene.server(presence("hall@rooms.south.test/ann", "unavailable", self)).crosses());
  EXPECT_EQ(scene.server(presence("hall@rooms.south.test/bob")).reason, Reason::PresenceRoomNotJoined);
}

TEST(SessionPresence, P_07_AnAccountThatIsNoContactCannotBeAsked) {
  SessionScene scene;
  scene.roster(item("bob@south.test", "to") + item("cy@south.test", "from"));
  const auto ask = [](const std::string& to) {
    return "<iq id='v' to='" + to + "' type='get'><query xmlns='jabber:iq:version'/></iq>";
  };
  EXPECT_EQ(scene.client(ask("eve@south.test")).reason, Reason::PresenceStranger);
  EXPECT_EQ(scene.client(ask("cy@south.test")).reason, Reason::PresenceStranger);
  EXPECT_TRUE(scene.client(ask("bob@south.test")).crosses());
  EXPECT_EQ(scene.client(ask("bob@south.test/x")).reason, Reason::PresenceResourceNotShown);
  scene.server(presence("bob@south.test/x"));
  EXPECT_TRUE(scene.client(ask("bob@south.test/x")).crosses());
  // Those who watch may ask the session, which its server shows them.
  const auto asked_by = [](const std::string& from) {
    return "<iq from='" + from + "' id='w' to='ann@south.test/desk' type='get'><query xmlns='jabber:iq:version'/></iq>";
  };
  EXPECT_TRUE(scene.server(asked_by("cy@south.test/x")).crosses());
  EXPECT_EQ(scene.server(asked_by("eve@south.test/x")).reason, Reason::PresenceResourceNotShown);
}

TEST(SessionPresence, P_07_StrangersAreRefusedInTheSameOctets) {
  SessionScene scene;
  scene.roster(item("bob@south.test", "to"));
  const std::string ask = "<query xmlns='jabber:iq:last'/></iq>";
  std::string one = scene.client("<iq id='v' to='eve@south.test' type='get'>" + ask).xml;
  std::string other = scene.client("<iq id='v' to='bob@south.test/gone' type='get'>" + ask).xml;
  one.replace(one.find("eve@south.test"), 14, "X");
  other.replace(other.find("bob@south.test/gone"), 19, "X");
  EXPECT_EQ(one, other);
}

TEST(SessionPresence, IQ_03_TheAccountAnswersInAnyOfItsNames) {
  for (const std::string from : {"", "from='ann@south.test'", "from='south.test'", "from='ann@south.test/desk'"}) {
    SessionScene scene;
    const auto asked = scene.client("<iq id='r' type='get'><query xmlns='jabber:iq:private'/></iq>");
    ASSERT_TRUE(asked.crosses());
    const std::size_t at = asked.xml.find("id='") + 4;
    const std::string id = asked.xml.substr(at, asked.xml.find('\'', at) - at);
    EXPECT_EQ(scene.server("<iq from='eve@south.test' id='" + id + "' type='result'/>").reason, Reason::IqWrongParty);
    const auto answered = scene.server("<iq " + from + " id='" + id + "' to='ann@south.test/desk' type='result'/>");
    EXPECT_TRUE(answered.crosses()) << from;
    EXPECT_THAT(answered.xml, HasSubstr("id='r'"));
    EXPECT_EQ(scene.server("<iq " + from + " id='" + id + "' type='result'/>").reason, Reason::IqUnsolicited);
  }
}

TEST(SessionPresence, IQ_03_AnAnswerOfTheServersOwnIsNotLevelled) {
  SessionScene scene;
  const auto asked = scene.client("<iq id='r' type='set'><query xmlns='jabber:iq:private'/></iq>");
  const std::size_t at = asked.xml.find("id='") + 4;
  const std::string id = asked.xml.substr(at, asked.xml.find('\'', at) - at);
  EXPECT_THAT(scene
                  .server("<iq from='ann@south.test' id='" + id +
                          "' type='error'><error type='modify'>"
                          "<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
                  .xml,
              HasSubstr("not-acceptable"));
}

TEST(SessionPresence, ROS_08_ThePushIsAnsweredByTheClient) {
  SessionScene scene;
  const auto pushed = scene.push(item("bob@south.test", "both"));
  ASSERT_TRUE(pushed.crosses());
  const std::size_t at = pushed.xml.find("id='") + 4;
  const std::string id = pushed.xml.substr(at, pushed.xml.find('\'', at) - at);
  EXPECT_THAT(scene.client("<iq id='" + id + "' type='result'/>").xml, HasSubstr("id='p'"));
}

TEST(SessionPresence, P_20_ReceiptsAndStatesOfStrangersDoNotPass) {
  SessionScene scene;
  scene.roster(item("bob@south.test", "both"));
  const std::string both = "<body>hi</body><request xmlns='urn:xmpp:receipts'/>";
  EXPECT_THAT(scene.server("<message from='eve@south.test/x' to='ann@south.test/desk'>" + both + "</message>").xml,
              ::testing::Not(HasSubstr("receipts")));
  EXPECT_THAT(scene.server("<message from='bob@south.test/x' to='ann@south.test/desk'>" + both + "</message>").xml,
              HasSubstr("receipts"));
  EXPECT_THAT(scene.client("<message to='eve@south.test'>" + both + "</message>").xml,
              ::testing::Not(HasSubstr("receipts")));
  // It says nothing of resources that were not shown.
  EXPECT_THAT(scene.client("<message to='eve@south.test/x'><body>hi</body></message>").xml,
              HasSubstr("to='eve@south.test'"));
  // A session is not readdressed, and its own account may be told everything.
  EXPECT_THAT(scene.server("<message from='eve@south.test/x' to='ann@south.test/desk'><body>hi</body></message>").xml,
              HasSubstr("to='ann@south.test/desk'"));
  EXPECT_THAT(scene.client("<message to='ann@south.test'>" + both + "</message>").xml, HasSubstr("receipts"));
}

TEST(SessionPresence, ERR_07_AnErrorTellsAStrangerNothing) {
  SessionScene scene;
  scene.roster(item("bob@south.test", "both"));
  const auto error = [](const std::string& from) {
    return "<message from='" + from +
           "' id='m' to='ann@south.test/desk' type='error'><error type='cancel'>"
           "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>";
  };
  scene.client("<message id='m' to='eve@south.test'><body>hi</body></message>");
  scene.client("<message id='m' to='bob@south.test'><body>hi</body></message>");
  EXPECT_EQ(scene.server(error("eve@south.test")).reason, Reason::ErrorToStranger);
  EXPECT_TRUE(scene.server(error("bob@south.test")).crosses());
}

TEST(SessionPresence, ERR_07_AClientAnswersWhatItsServerGaveItForTheAccount) {
  SessionScene scene;
  scene.roster(item("bob@south.test", "both"));
  const auto error = [&](const std::string& id) {
    return scene.client("<message id='" + id +
                        "' to='bob@south.test/x' type='error'><error type='cancel'>"
                        "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
  };
  scene.server("<message id='m' from='bob@south.test/x' to='ann@south.test'><body>hi</body></message>");
  EXPECT_TRUE(error("m").crosses());
  EXPECT_EQ(error("n").reason, Reason::ErrorUnsolicited);
}

}  // namespace
}  // namespace sallyport::policy
