// A lane whose peering hides the resources of alpha.test: what leaves, the guard's own stanzas among it, and what comes
// back to a hidden resource (protocol.md P-02, Q-15).
#include <gmock/gmock.h>

#include "guard_program.h"
#include "policy/presence/resources.h"

namespace sallyport::guard {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kAnn = "ann@alpha.test", kBob = "bob@bravo.test";
const std::string kKey = "0123456789abcdef0123456789ABCDEF";

std::shared_ptr<const policy::Bundle> hiding() {
  policy::Tables made = tables();
  made.settings.stages_off &= static_cast<std::uint8_t>(~(1U << static_cast<unsigned>(policy::Stage::Presence)));
  made.peerings[0].presence_rules.hidden_resources = {"alpha.test"};
  return bundle(std::move(made));
}

LaneSettings with_key() {
  LaneSettings settings = Scene::default_settings();
  settings.resource_key = inspect::Secret(std::string_view(kKey));
  return settings;
}

/// As bravo.test knows it.
std::string hidden(const std::string& resource) {
  return kAnn + "/" + policy::presence::ResourceNames(kKey).hide(resource, kAnn, "bravo.test").value_or("");
}

struct HiddenScene : Scene {
  HiddenScene() : Scene(with_key(), 1 << 30, hiding()) {
    to_alpha = connect(4, "bravo.test", "alpha.test", kSouth);
    to_bravo = connect(kPeer, "alpha.test", "bravo.test", kNorth);
    say("presence", kBob, kAnn, "subscribe");
    say("presence", kAnn, kBob, "subscribed");
    pass(11s);
    say("presence", kAnn + "/laptop", kBob);
  }
  void say(const std::string& kind, const std::string& from, const std::string& to, const std::string& type = "",
           const std::string& id = "") {
    const bool north = from.contains("@alpha.test");
    Message message;
    message.name = kind;
    message.from = from;
    message.to = to;
    message.type = type;
    message.id = id;
    stanza(north ? kPeer : 4, north ? ++from_alpha : ++from_bravo, message, north ? kNorth : kSouth);
  }
  /// What left last for that edge: "type from to".
  std::string last_to(EdgeIndex edge) const {
    const Out* out = last_out<airlock::Deliver>(edge);
    if (out == nullptr) return "";
    const auto value = [&](const std::string& name) {
      const std::string mark = " " + name + "='";
      const std::size_t at = out->xml.find(mark);
      if (at == std::string::npos) return std::string();
      return out->xml.substr(at + mark.size(), out->xml.find('\'', at + mark.size()) - at - mark.size());
    };
    return value("type") + " " + value("from") + " " + value("to");
  }
  audit::StanzaRecord last_record() const { return stanza_records().back(); }

  LegId to_bravo = 0, to_alpha = 0;
  std::uint64_t from_alpha = 0, from_bravo = 0;
};

TEST(LaneHiddenResources, P_02_ShowNoneAndRecordBoth) {
  HiddenScene scene;
  EXPECT_EQ(scene.last_to(kSouth), " " + hidden("laptop") + " " + kBob);
  for (const std::string& each : scene.delivered(kSouth)) EXPECT_THAT(each, Not(HasSubstr("laptop")));
  EXPECT_EQ(scene.last_record().from, kAnn + "/laptop");
  EXPECT_EQ(scene.last_record().from_out, hidden("laptop"));
  EXPECT_EQ(scene.last_record().to_in, "");
}

TEST(LaneHiddenResources, P_02_LeadBackToTheResource) {
  HiddenScene scene;
  scene.say("message", kBob + "/desk", hidden("laptop"), "chat", "m1");
  EXPECT_EQ(scene.last_to(kNorth), "chat " + kBob + "/desk " + kAnn + "/laptop");
  EXPECT_EQ(scene.last_record().to, kAnn + "/laptop");
  EXPECT_EQ(scene.last_record().to_in, hidden("laptop"));
  scene.say("iq", kBob + "/desk", hidden("laptop"), "get", "7");
  EXPECT_EQ(scene.last_to(kNorth), "get " + kBob + "/desk " + kAnn + "/laptop");
}

TEST(LaneHiddenResources, P_00_AreTakenBackByTheirOtherName) {
  HiddenScene scene;
  scene.say("presence", kAnn, kBob, "unsubscribed");
  scene.pass(2s);
  EXPECT_EQ(scene.last_to(kSouth), "unavailable " + hidden("laptop") + " " + kBob);
  EXPECT_EQ(scene.last_record().reason, "presence.taken-back");
  EXPECT_EQ(scene.last_record().from, kAnn + "/laptop");
  EXPECT_EQ(scene.last_record().from_out, hidden("laptop"));
}

TEST(LaneHiddenResources, P_03_AreSentLaterByTheirOtherName) {
  HiddenScene scene;
  scene.say("presence", kAnn + "/laptop", kBob);
  scene.sent.clear();
  scene.pass(10s);
  EXPECT_EQ(scene.last_to(kSouth), " " + hidden("laptop") + " " + kBob);
  EXPECT_EQ(scene.last_record().reason, "presence.sent-later");
  EXPECT_EQ(scene.last_record().from_out, hidden("laptop"));
}

TEST(LaneHiddenResources, P_03_KeptUnderTheRealNameAreNotSentWhenAPolicyHidesThem) {
  policy::Tables open = hiding()->tables();
  open.peerings[0].presence_rules.hidden_resources.clear();
  HiddenScene scene;
  scene.lane.swap(bundle(std::move(open)), scene.now);
  scene.pass(11s);
  scene.say("presence", kAnn + "/laptop", kBob);
  EXPECT_EQ(scene.last_to(kSouth), " " + kAnn + "/laptop " + kBob);
  scene.say("presence", kAnn + "/laptop", kBob);
  scene.lane.swap(hiding(), scene.now);
  scene.sent.clear();
  scene.pass(1min);
  EXPECT_TRUE(scene.delivered(kSouth).empty());
}

// P-42: an error of the guard's own has the address that was used.
TEST(LaneHiddenResources, P_42_AreNamedInErrorsAsTheyWereAsked) {
  HiddenScene scene;
  for (const std::string& asked : {kAnn + "/laptop", kAnn + "/made up", kAnn + "/" + std::string(400, 'x')}) {
    scene.say("iq", kBob + "/desk", asked, "get", "7");
    EXPECT_EQ(scene.last_to(kSouth), "error " + asked + " " + kBob + "/desk");
  }
}

TEST(LaneHiddenResources, Q_06_AreNamedByTheirOtherNameWhenNoAnswerComes) {
  HiddenScene scene;
  scene.say("iq", kBob + "/desk", hidden("laptop"), "get", "7");
  scene.pass(121s);
  EXPECT_EQ(scene.last_to(kSouth), "error " + hidden("laptop") + " " + kBob + "/desk");
  EXPECT_EQ(scene.last_record().reason, "iq.timeout");
}

TEST(LaneHiddenResources, S_16_AreNamedByTheirOtherNameWhenAStanzaIsLost) {
  HiddenScene scene;
  scene.say("message", kBob + "/desk", hidden("laptop"), "chat", "m1");
  scene.frame(kNorth, scene.to_alpha, Scene::closed(false, scene.count<airlock::Deliver>(kNorth), 0));
  EXPECT_EQ(scene.last_to(kSouth), "error " + hidden("laptop") + " " + kBob + "/desk");
}

TEST(LaneHiddenResources, P_02_TheProgramKeepsTheirKeyInItsFolder) {
  Program program(1, "state = \".\"\n");
  ASSERT_TRUE(program.recorded("guard.started")) << program.log();
  const auto file = program.folder.path() / "resource.key";
  ASSERT_TRUE(std::filesystem::exists(file));
  std::ifstream in(file, std::ios::binary);
  std::string key(33, '\0');
  in.read(key.data(), 33);
  key.resize(static_cast<std::size_t>(in.gcount()));
  EXPECT_EQ(key.size(), 32U);
  EXPECT_THAT(program.log() + program.audit(), Not(HasSubstr(key)));
}

}  // namespace
}  // namespace sallyport::guard
