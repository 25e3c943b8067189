// Pseudonymous resources through the pipeline (protocol.md P-02, Q-15): north hides, south sees other names.
#include "policy/hidden_resources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/policy/presence/scene.h"

namespace sallyport::policy {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::PresenceScene;

const std::string kAnn = "ann@north.test", kBob = "bob@south.test";
const std::string kRoom = "coven@rooms.south.test";

presence::Settings hiding(std::vector<std::string> domains = {"north.test"}) {
  presence::Settings settings;
  settings.room_services = {"rooms.north.test", "rooms.south.test"};
  settings.hidden_resources = std::move(domains);
  return settings;
}

/// The full JID by which the far side knows it.
std::string hidden(const std::string& bare, const std::string& resource, const std::string& far) {
  return bare + "/" + presence::ResourceNames().hide(resource, bare, far).value_or("");
}
const std::string kLaptop = hidden(kAnn, "laptop", "south.test");

std::string message(const std::string& from, const std::string& to, const std::string& inside = "<body>x</body>",
                    const std::string& type = "chat") {
  return "<message from='" + from + "' to='" + to + "' type='" + type + "'>" + inside + "</message>";
}
std::string ping(const std::string& from, const std::string& to, const std::string& id = "1") {
  return "<iq from='" + from + "' id='" + id + "' to='" + to + "' type='get'><ping xmlns='urn:xmpp:ping'/></iq>";
}
std::string attribute(const std::string& xml, const std::string& name) {
  const std::string mark = " " + name + "='";
  const std::size_t at = xml.find(mark);
  if (at == std::string::npos) return "";
  return xml.substr(at + mark.size(), xml.find('\'', at + mark.size()) - at - mark.size());
}

/// bob sees ann's laptop.
class HiddenResources : public ::testing::Test {
 protected:
  HiddenResources() {
    scene_.subscribe(kBob, kAnn);
    shown_ = scene_.presence(kAnn + "/laptop", kBob);
  }
  PresenceScene scene_{hiding()};
  PresenceScene::Outcome shown_;
};

TEST_F(HiddenResources, P_02_ShowNoResource) {
  EXPECT_EQ(attribute(shown_.xml, "from"), kLaptop);
  EXPECT_EQ(attribute(shown_.xml, "to"), kBob);
  EXPECT_THAT(shown_.xml, Not(HasSubstr("laptop")));
  EXPECT_EQ(shown_.verdict, Verdict::Alter);
  EXPECT_THAT(shown_.findings, Contains("presence.resource-hidden"));
  const auto said = scene_.send(message(kAnn + "/laptop", kBob + "/desk"));
  EXPECT_EQ(attribute(said.xml, "from"), kLaptop);
  const auto gone = scene_.presence(kAnn + "/laptop", kBob, "unavailable");
  EXPECT_EQ(attribute(gone.xml, "from"), kLaptop);
  EXPECT_TRUE(gone.crosses());
}

TEST_F(HiddenResources, P_02_LeadWhatIsSentToThemToTheResource) {
  const auto said = scene_.send(message(kBob + "/desk", kLaptop));
  EXPECT_EQ(attribute(said.xml, "to"), kAnn + "/laptop");
  EXPECT_EQ(attribute(said.xml, "from"), kBob + "/desk") << "south hides nothing";
  EXPECT_THAT(said.findings, Contains("presence.resource-restored"));
}

TEST_F(HiddenResources, P_42_AreNotNamedInAnErrorForWhatWentToTheAccount) {
  ASSERT_TRUE(scene_.send(message(kBob + "/desk", kAnn)).crosses());
  const auto error = scene_.send(message(kAnn + "/laptop", kBob + "/desk",
                                         "<error type='cancel'><service-unavailable "
                                         "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
                                         "error"));
  ASSERT_TRUE(error.crosses());
  EXPECT_EQ(attribute(error.xml, "from"), kAnn);
}

TEST_F(HiddenResources, Q_15_PairAnIqRequestWithItsAnswer) {
  const auto asked = scene_.send(ping(kBob + "/desk", kLaptop));
  ASSERT_TRUE(asked.crosses());
  EXPECT_EQ(attribute(asked.xml, "to"), kAnn + "/laptop");
  const std::string id = attribute(asked.xml, "id");
  const auto answer =
      scene_.send("<iq from='" + kAnn + "/laptop' id='" + id + "' to='" + kBob + "/desk' type='result'/>");
  ASSERT_TRUE(answer.crosses());
  EXPECT_EQ(attribute(answer.xml, "from"), kLaptop);
  EXPECT_EQ(attribute(answer.xml, "id"), "1");
}

TEST_F(HiddenResources, Q_15_BringTheAnswerToWhoAsked) {
  scene_.subscribe(kAnn, kBob);
  ASSERT_TRUE(scene_.presence(kBob + "/desk", kAnn).crosses());
  const auto asked = scene_.send(ping(kAnn + "/laptop", kBob + "/desk", "7"));
  ASSERT_TRUE(asked.crosses());
  EXPECT_EQ(attribute(asked.xml, "from"), kLaptop);
  const std::string id = attribute(asked.xml, "id");
  const std::string answer = "<iq from='" + kBob + "/desk' id='" + id + "' to='";
  EXPECT_FALSE(scene_.send(answer + kAnn + "/laptop' type='result'/>").crosses())
      << "that is not what south was asked by";
  const auto right = scene_.send(answer + kLaptop + "' type='result'/>");
  ASSERT_TRUE(right.crosses());
  EXPECT_EQ(attribute(right.xml, "to"), kAnn + "/laptop");
  EXPECT_EQ(attribute(right.xml, "id"), "7");
}

// P-07: a resource that is not known by its hidden name is one that nobody has, whether it exists or not.
TEST_F(HiddenResources, P_07_AnswerAlikeWhateverIsGuessed) {
  const std::string foreign = hidden("bea@north.test", "laptop", "south.test");
  const std::string guesses[] = {"laptop", "phone", std::string(43, 'A'), foreign.substr(foreign.find('/') + 1)};
  for (const std::string& guess : guesses) {
    const auto asked = scene_.send(ping(kBob + "/desk", kAnn + "/" + guess));
    EXPECT_EQ(asked.verdict, Verdict::Bounce);
    EXPECT_EQ(asked.reason, Reason::PresenceResourceNotShown);
    EXPECT_THAT(asked.findings, Contains("presence.resource-unknown"));
    const auto said = scene_.send(message(kBob + "/desk", kAnn + "/" + guess));
    EXPECT_EQ(attribute(said.xml, "to"), kAnn) << "as for every resource that is not there";
  }
}

TEST_F(HiddenResources, P_42_NameInAnErrorWhatWasAskedFor) {
  PresenceScene open([] {
    presence::Settings settings = hiding();
    settings.gate = presence::Gate::Open;
    return settings;
  }());
  const auto asked = open.send(ping(kBob + "/desk", kAnn + "/laptop"));
  ASSERT_TRUE(asked.crosses());
  const std::string inside = attribute(asked.xml, "to");
  EXPECT_NE(inside, kAnn + "/laptop") << "a guess at a resource must not reach it";
  const auto refused = open.send("<iq from='" + inside + "' id='" + attribute(asked.xml, "id") + "' to='" + kBob +
                                 "/desk' type='error'><error type='cancel'><service-unavailable "
                                 "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
  ASSERT_TRUE(refused.crosses());
  EXPECT_EQ(attribute(refused.xml, "from"), kAnn + "/laptop");
}

TEST_F(HiddenResources, P_03_StandInWhatIsKeptForLater) {
  scene_.wait(std::chrono::seconds(1));
  const auto again = scene_.presence(kAnn + "/laptop", kBob, "", "<show>away</show>");
  EXPECT_TRUE(again.kept);
  EXPECT_EQ(again.reason, Reason::PresenceCoalesced);
  EXPECT_THAT(again.findings, Contains("presence.resource-hidden"));
}

TEST_F(HiddenResources, KeepTheLedgerAtTheRealNames) {
  EXPECT_NE(scene_.ledger().shown({kBob, kAnn}, "laptop"), nullptr);
  ASSERT_TRUE(scene_.presence(kAnn, kBob, "unsubscribed").crosses());
  scene_.wait(presence::kFarewell);
  EXPECT_THAT(scene_.injections(), Contains("unavailable ann@north.test/laptop bob@south.test"));
}

TEST_F(HiddenResources, LeaveSubscriptionsAndProbesAlone) {
  for (const std::string type : {"subscribe", "probe"}) {
    const auto said = scene_.presence(kBob + "/desk", kLaptop, type);
    EXPECT_THAT(said.findings, Not(Contains("presence.resource-restored"))) << type;
    if (said.crosses()) EXPECT_EQ(attribute(said.xml, "to"), kAnn);
  }
}

TEST_F(HiddenResources, AreNotThoseOfADomainAsSuch) {
  const auto said = scene_.send(message("north.test/announce", kBob));
  EXPECT_EQ(attribute(said.xml, "from"), "north.test/announce");
}

TEST_F(HiddenResources, LengthHasALimit) {
  const std::string too_long(presence::ResourceNames::kLongest + 1, 'x');
  const auto out = scene_.presence(kAnn + "/" + too_long, kBob);
  EXPECT_EQ(out.reason, Reason::PresenceResourceLength);
  EXPECT_EQ(scene_.ledger().shown({kBob, kAnn}, too_long), nullptr);
  const auto said = scene_.send(message(kAnn + "/" + too_long, kBob));
  EXPECT_EQ(said.verdict, Verdict::Bounce);
  EXPECT_EQ(said.reason, Reason::PresenceResourceLength);
  const auto in = scene_.send(ping(kBob + "/desk", kAnn + "/" + too_long));
  EXPECT_EQ(in.verdict, Verdict::Bounce);
  EXPECT_EQ(in.reason, Reason::PresenceResourceLength);
}

// --- rooms: whoever is in one is known there by a nickname

TEST_F(HiddenResources, PRE_13_WorkInARoomOfTheFarSide) {
  const std::string muc = "<x xmlns='http://jabber.org/protocol/muc'/>";
  const auto joins = scene_.presence(kAnn + "/laptop", kRoom + "/annie", "", muc);
  ASSERT_TRUE(joins.crosses());
  EXPECT_EQ(attribute(joins.xml, "from"), kLaptop) << "one name for the far domain and its rooms";
  EXPECT_EQ(attribute(joins.xml, "to"), kRoom + "/annie");

  const auto other = scene_.presence(kRoom + "/bert", kLaptop);
  ASSERT_TRUE(other.crosses());
  EXPECT_EQ(attribute(other.xml, "from"), kRoom + "/bert");
  EXPECT_EQ(attribute(other.xml, "to"), kAnn + "/laptop");
  const auto own = scene_.presence(kRoom + "/annie", kLaptop, "",
                                   "<x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/></x>");
  EXPECT_EQ(attribute(own.xml, "to"), kAnn + "/laptop");

  const auto aside = scene_.send(message(kAnn + "/laptop", kRoom + "/bert"));
  EXPECT_EQ(attribute(aside.xml, "from"), kLaptop);
  EXPECT_EQ(attribute(aside.xml, "to"), kRoom + "/bert");
  const auto reply = scene_.send(message(kRoom + "/bert", kLaptop));
  EXPECT_EQ(attribute(reply.xml, "from"), kRoom + "/bert");
  EXPECT_EQ(attribute(reply.xml, "to"), kAnn + "/laptop");
  const auto all = scene_.send(message(kRoom + "/bert", kLaptop, "<body>all</body>", "groupchat"));
  EXPECT_EQ(attribute(all.xml, "to"), kAnn + "/laptop");

  const auto self_ping = scene_.send(ping(kAnn + "/laptop", kRoom + "/annie", "9"));
  ASSERT_TRUE(self_ping.crosses());
  const auto pong = scene_.send("<iq from='" + kRoom + "/annie' id='" + attribute(self_ping.xml, "id") + "' to='" +
                                kLaptop + "' type='result'/>");
  ASSERT_TRUE(pong.crosses());
  EXPECT_EQ(attribute(pong.xml, "to"), kAnn + "/laptop");

  const auto leaves = scene_.presence(kAnn + "/laptop", kRoom + "/annie", "unavailable");
  EXPECT_EQ(attribute(leaves.xml, "from"), kLaptop);
  const auto left = scene_.presence(kRoom + "/annie", kLaptop, "unavailable",
                                    "<x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/></x>");
  EXPECT_EQ(attribute(left.xml, "to"), kAnn + "/laptop");
}

TEST_F(HiddenResources, PRE_13_LeaveTheOccupantsOfTheOwnRoomsTheirNicknames) {
  const std::string room = "hall@rooms.north.test";
  ASSERT_TRUE(scene_.presence(kBob + "/desk", room + "/bert").crosses());
  const auto seen = scene_.presence(room + "/annie", kBob + "/desk");
  EXPECT_EQ(attribute(seen.xml, "from"), room + "/annie");
  const auto said = scene_.send(message(kBob + "/desk", room + "/annie"));
  EXPECT_EQ(attribute(said.xml, "to"), room + "/annie");
}

// --- what stands inside

TEST(HiddenInside, StandInCopiesAndPayloadsByTheSameName) {
  PresenceScene scene(hiding(), Transparency::Full);
  const std::string insides[] = {
      "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='ann@north.test/laptop' "
      "to='bob@south.test/desk'><body>y</body></message></forwarded>",
      "<addresses xmlns='http://jabber.org/protocol/address'><address jid='ann@north.test/laptop' "
      "type='replyto'/></addresses>",
      "<jingle xmlns='urn:xmpp:jingle:1' initiator='ann@north.test/laptop'/>",
      "<query xmlns='http://jabber.org/protocol/bytestreams'><activate>ann@north.test/laptop</activate></query>",
  };
  for (const std::string& inside : insides) {
    const auto out = scene.send(message("ann@north.test/laptop", "bob@south.test", "<body>x</body>" + inside));
    ASSERT_TRUE(out.crosses()) << code(out.reason);
    EXPECT_THAT(out.xml, Not(HasSubstr("laptop")));
    EXPECT_NE(out.xml.find(kLaptop), out.xml.rfind(kLaptop)) << "its sender, and what stands inside: " << out.xml;

    std::string back = inside;
    back.replace(back.find("ann@north.test/laptop"), std::string_view("ann@north.test/laptop").size(), kLaptop);
    const auto in = scene.send(message("bob@south.test/desk", "ann@north.test", "<body>x</body>" + back));
    ASSERT_TRUE(in.crosses()) << code(in.reason);
    EXPECT_THAT(in.xml, HasSubstr("ann@north.test/laptop"));
    EXPECT_THAT(in.xml, Not(HasSubstr(kLaptop)));
  }
}

TEST(HiddenInside, P_10_StandInWhatARoomTellsOfItsOccupants) {
  PresenceScene scene(hiding(), Transparency::Full);
  const std::string room = "hall@rooms.north.test";
  const auto item = [](const std::string& jid) {
    return "<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' jid='" + jid +
           "' role='participant'/></x>";
  };
  ASSERT_TRUE(scene.presence(kBob + "/desk", room + "/bert").crosses());
  const auto out = scene.presence(room + "/annie", kBob + "/desk", "", item(kAnn + "/laptop"));
  EXPECT_EQ(attribute(out.xml, "jid"), kLaptop);
  EXPECT_EQ(attribute(out.xml, "from"), room + "/annie");

  ASSERT_TRUE(scene.presence(kAnn + "/laptop", kRoom + "/annie").crosses());
  const auto in = scene.presence(kRoom + "/annie", kLaptop, "", item(kLaptop));
  EXPECT_EQ(attribute(in.xml, "jid"), kAnn + "/laptop");
}

// --- which side

TEST(HiddenSides, MayBeBoth) {
  PresenceScene scene(hiding({"north.test", "south.test"}));
  const std::string desk = hidden(kBob, "desk", "north.test");
  scene.subscribe(kBob, kAnn);
  scene.subscribe(kAnn, kBob);
  EXPECT_EQ(attribute(scene.presence(kAnn + "/laptop", kBob).xml, "from"), kLaptop);
  EXPECT_EQ(attribute(scene.presence(kBob + "/desk", kAnn).xml, "from"), desk);
  const auto said = scene.send(message(kAnn + "/laptop", desk));
  EXPECT_EQ(attribute(said.xml, "from"), kLaptop);
  EXPECT_EQ(attribute(said.xml, "to"), kBob + "/desk");
  const auto reply = scene.send(message(kBob + "/desk", kLaptop));
  EXPECT_EQ(attribute(reply.xml, "from"), desk);
  EXPECT_EQ(attribute(reply.xml, "to"), kAnn + "/laptop");
}

TEST(HiddenSides, AreNoneUnlessThePeeringSaysSo) {
  PresenceScene scene(hiding({}));
  scene.subscribe(kBob, kAnn);
  const auto shown = scene.presence(kAnn + "/laptop", kBob);
  EXPECT_EQ(attribute(shown.xml, "from"), kAnn + "/laptop");
  EXPECT_EQ(attribute(scene.send(message(kBob, kAnn + "/laptop")).xml, "to"), kAnn + "/laptop");
}

}  // namespace
}  // namespace sallyport::policy
