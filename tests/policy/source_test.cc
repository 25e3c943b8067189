#include "policy/source/source.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/places.h"
#include "tests/policy/vectors.h"

namespace sallyport::policy::source {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kGood = R"([policy]
name = "demo"

[stages]
off = ["payload", "label", "presence", "content", "rate"]

[enclave.north]
revocation = "soft"
[[enclave.north.domain]]
name = "North.test"
components = ["rooms.north.test"]

[enclave.south]
withdrawn = ["old.south.test"]
[[enclave.south.domain]]
name = "south.test"

[[peering]]
id = "all"
from = ["north.test"]
to = ["south.test"]
direction = "both"
stanzas = ["message", "presence", "iq"]

[[peering]]
id = "rooms"
from = ["rooms.north.test"]
to = ["south.test"]
direction = "forward"
stanzas = ["message"]
proof = "dialback"
addresses = "unicode"
refused_messages = "silence"
)";

std::string with(std::string_view what, std::string_view instead) {
  std::string text(kGood);
  const std::size_t at = text.find(what);
  if (at == std::string::npos) throw std::runtime_error("not in the sample: " + std::string(what));
  return text.replace(at, what.size(), instead);
}

std::string with_id(std::string text, const std::string& old_id, const std::string& new_id) {
  return text.replace(text.find(old_id), old_id.size(), new_id);
}

std::string mistakes_of(const std::string& text) {
  const auto compiled = compile(text, "p.toml");
  if (compiled) return "";
  std::string all;
  for (const Mistake& each : compiled.error()) all += inspect::describe(each);
  return all;
}

constexpr std::string_view kLogin = R"(
[[login]]
id = "roaming"
from = ["north"]
to = ["south.test"]
mechanisms = ["SCRAM-SHA-256", "PLAIN"]
stanzas = ["message", "iq"]
off = ["presence"]
)";

TEST(PolicySource, CompilesLogins) {
  const auto compiled = compile(std::string(kGood) + std::string(kLogin), "p.toml");
  ASSERT_TRUE(compiled) << mistakes_of(std::string(kGood) + std::string(kLogin));
  const Bundle& bundle = compiled->bundle;
  const Login* login = bundle.login("north", *bundle.domain("south.test"));
  ASSERT_NE(login, nullptr);
  EXPECT_EQ(login->rule.id, "roaming");
  EXPECT_TRUE(login->rule.message && login->rule.iq && !login->rule.presence);
  const auto mechanisms = inspect::Mechanisms::of_bits(login->mechanisms);
  EXPECT_TRUE(mechanisms->has(inspect::Mechanism::Plain) && mechanisms->has(inspect::Mechanism::ScramSha256));
  EXPECT_FALSE(mechanisms->has(inspect::Mechanism::ScramSha1));
  EXPECT_TRUE(login->accounts_hidden);
  EXPECT_EQ(bundle.login("south", *bundle.domain("north.test")), nullptr);
  const auto again = Bundle::decode(bundle.octets());
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(again->tables(), bundle.tables());
}

TEST(PolicySource, P_43_LoginsSayLikePeeringsWhenNegativeAnswersLeave) {
  const std::string padded = std::string(kGood) + std::string(kLogin) + "negative_answers = \"padded\"\n";
  const auto compiled = compile(padded, "p.toml");
  ASSERT_TRUE(compiled) << mistakes_of(padded);
  const Bundle& bundle = compiled->bundle;
  EXPECT_EQ(bundle.login("north", *bundle.domain("south.test"))->rule.timing, RefusalTiming::Padded);
}

TEST(PolicySource, SaysWhatIsWrongWithALogin) {
  const std::vector<std::tuple<std::string, std::string, std::string>> rows = {
      {R"(from = ["north"])", R"(from = ["nort"])", "did you mean 'north'?"},
      {R"(from = ["north"])", R"(from = ["south"])", "is in the enclave 'south' itself"},
      {R"(to = ["south.test"])", R"(to = ["elsewhere.test"])", "no enclave owns the domain"},
      {R"(from = ["north"]
to = ["south.test"])",
       R"(from = ["south"]
to = ["rooms.north.test"])",
       "is a component"},
      {R"("SCRAM-SHA-256", "PLAIN")", R"("SCRAM-SHA-256-PLUS")", "binds the login to one TLS session"},
      {R"("SCRAM-SHA-256", "PLAIN")", R"("DIGEST-MD5")", "there is no mechanism"},
      {R"(off = ["presence"])", R"(off = ["addressing"])", "can't be switched off"},
      {R"(off = ["presence"])", R"(subscriptions = "learn")", R"(write one of "enforce", "warn")"},
      {R"(off = ["presence"])", "presence_interval = 5", "presence_interval"},
      {R"(off = ["presence"])", R"(hidden_resources = ["south.test"])", "hidden_resources"},
      {R"(id = "roaming")", R"(id = "all")", "there is a rule 'all' already"},
  };
  for (const auto& [what, instead, told] : rows) {
    std::string login(kLogin);
    login.replace(login.find(what), what.size(), instead);
    EXPECT_THAT(mistakes_of(std::string(kGood) + login), HasSubstr(told)) << login;
  }
  EXPECT_THAT(mistakes_of(std::string(kGood) + std::string(kLogin) + with_id(std::string(kLogin), "roaming", "second")),
              HasSubstr("has 'north' and 'south.test' already"));
}

TEST(PolicySource, CompilesToTheTablesThatItDescribes) {
  const auto compiled = compile(kGood, "p.toml");
  ASSERT_TRUE(compiled) << mistakes_of(std::string(kGood));
  const Bundle& bundle = compiled->bundle;
  EXPECT_EQ(bundle.tables().name, "demo");
  EXPECT_EQ(bundle.enclave("north")->revocation, RevocationRule::Soft);
  EXPECT_EQ(bundle.enclave("south")->revocation, RevocationRule::Required);
  EXPECT_TRUE(bundle.is_withdrawn("old.south.test"));
  EXPECT_EQ(bundle.home_of(*bundle.domain("rooms.north.test")).name, "north.test");
  EXPECT_EQ(bundle.peering("north.test", "south.test")->id, "all");
  EXPECT_EQ(bundle.peering("south.test", "north.test")->id, "all");
  const Peering* rooms = bundle.peering("rooms.north.test", "south.test");
  ASSERT_NE(rooms, nullptr);
  EXPECT_EQ(rooms->proof, Proof::ExternalOrDialback);
  EXPECT_EQ(rooms->jids, inspect::JidProfile::Unicode);
  EXPECT_EQ(rooms->refusal, MessageRefusal::Silence);
  EXPECT_TRUE(rooms->message);
  EXPECT_FALSE(rooms->presence);
  EXPECT_EQ(bundle.peering("south.test", "rooms.north.test"), nullptr);
  for (unsigned i = 2; i <= static_cast<unsigned>(kLastStage); ++i) EXPECT_TRUE(bundle.is_off(static_cast<Stage>(i)));
}

TEST(PolicySource, GivesTheSameBundleForTheSameText) {
  EXPECT_EQ(compile(kGood, "a")->bundle.hash(), compile(kGood, "b")->bundle.hash());
}

TEST(PolicySource, TakesTheDefaultsOfTheBundle) {
  const auto compiled = compile(kGood, "p.toml");
  ASSERT_TRUE(compiled);
  EXPECT_EQ(compiled->bundle.limits(), Limits{});
  EXPECT_EQ(compiled->bundle.peering("north.test", "south.test")->proof, Proof::External);
}

TEST(PolicySource, ReadsSettingsAndLimits) {
  const std::string text = std::string(kGood) + R"(
[settings]
unknown_message_type = "strict"
unknown_attributes = "strict"
transparency = "full"
record_content = true
[limits]
leg_octets = 20000
presence_octets = 2000
)";
  const auto compiled = compile(text, "p.toml");
  ASSERT_TRUE(compiled) << mistakes_of(text);
  EXPECT_EQ(compiled->bundle.settings().message_type, Unknown::Strict);
  EXPECT_EQ(compiled->bundle.settings().attributes, Unknown::Strict);
  EXPECT_EQ(compiled->bundle.settings().transparency, Transparency::Full);
  EXPECT_TRUE(compiled->bundle.settings().record_content);
  EXPECT_EQ(compiled->bundle.limits().leg_octets, 20'000U);
  EXPECT_EQ(compiled->bundle.limits().presence_octets, 2'000U);
}

struct Wrong {
  const char* what;
  const char* instead;
  const char* told;    ///< part of the mistake, with its place
  const char* remedy;  ///< part of the remedy
};

TEST(PolicySource, TellsEachMistakeWithItsPlaceAndRemedy) {
  const Wrong all[] = {
      {"name = \"demo\"", "nam = \"demo\"", "p.toml:2:1: unknown key 'nam' in [policy]", "did you mean 'name'?"},
      {"name = \"demo\"", "", "'name' is missing in [policy]", ""},
      {"name = \"demo\"", "name = \"\"", "p.toml:2:8: this cannot be a name", "one line"},
      {"id = \"rooms\"", "id = \"a b\"", "p.toml:26:6: 'a b' cannot be a name", "letters"},
      {"[policy]", "[pollicy]", "unknown key 'pollicy' in the file", "did you mean 'policy'?"},
      {"\"label\"", "\"labels\"", "p.toml:5:19: there is no stage \"labels\"", "payload, label"},
      {"\"label\"", "\"shape\"", "the stage 'shape' can't be switched off", "take it away"},
      {"off = [", "off = 3 # [", "p.toml:5:7: a list is needed here", "names of stages"},
      {"\"soft\"", "\"hard\"", "p.toml:8:14: 'revocation' can't be \"hard\"", "\"required\", \"soft\", \"off\""},
      {"\"North.test\"", "\"north..test\"", "p.toml:10:8: 'north..test' is not a domain", "example.org"},
      {"\"North.test\"", "7", "p.toml:10:8: a string is needed here", "a domain in quotes"},
      {"[\"rooms.north.test\"]\n\n", "[]\n\n", "p.toml:11:14: the list is empty", "a list of domains"},
      {"components = [\"rooms.north.test\"]", "components = [\"south.test\"]",
       "'south.test' stands also in the enclave 'north', line 11", "belongs to one enclave"},
      {"components = [\"rooms.north.test\"]", "components = [\"north.test\"]", "'north.test' stands already, line 10",
       "take one of the two away"},
      {"components = [\"rooms.north.test\"]", "components = [\"a.test\", \"A.test\"]", "'a.test' stands here twice",
       "take one"},
      {"[\"old.south.test\"]", "[\"south.test\"]", "'south.test' is withdrawn and owned", "take one"},
      {"[enclave.south]", "[enclave.\"so uth\"]", "'so uth' is not an enclave", "letters"},
      {"from = [\"north.test\"]", "from = [\"norht.test\"]", "p.toml:20:9: no enclave owns the domain 'norht.test'",
       "did you mean 'north.test'?"},
      {"from = [\"north.test\"]", "from = [\"unheard-of.example\"]", "no enclave owns", "add it to its enclave"},
      {"from = [\"north.test\"]", "from = []", "p.toml:20:8: the list is empty", ""},
      {"from = [\"north.test\"]", "from = [\"rooms.north.test\"]",
       "the peering 'all' has the pair rooms.north.test to south.test already", "one peering"},
      {"to = [\"south.test\"]", "to = [\"rooms.north.test\"]", "'north.test' and 'rooms.north.test' are in one enclave",
       "different enclaves"},
      {"direction = \"both\"", "", "'direction' is missing in [[peering]]", "`both`: also back"},
      {"direction = \"both\"", "direction = \"back\"", "'direction' can't be \"back\"", "\"forward\", \"both\""},
      {"stanzas = [\"message\", \"presence\", \"iq\"]", "stanzas = []", "the list is empty", "kinds of stanzas"},
      {"stanzas = [\"message\", \"presence\", \"iq\"]", "stanzas = [\"messages\"]",
       "there is no kind of stanza \"messages\"", "\"message\""},
      {"id = \"rooms\"", "id = \"all\"", "there is a peering 'all' already", "an id of its own"},
      {"id = \"rooms\"", "", "'id' is missing in [[peering]]", ""},
      {"[[peering]]\nid = \"all\"", "[peering]\nid = \"all\"", "", ""},
      {"[[enclave.north.domain]]", "[enclave.north.domain]", "'domain' is not a list of tables",
       "[[enclave.NAME.domain]]"},
      {"[policy]", "[policy", "p.toml:1:", ""},
  };
  for (const Wrong& each : all) {
    const std::string told = mistakes_of(with(each.what, each.instead));
    EXPECT_NE(told, "") << each.what << " -> " << each.instead;
    EXPECT_THAT(told, HasSubstr(each.told)) << each.what;
    EXPECT_THAT(told, HasSubstr(each.remedy)) << each.what;
  }
}

TEST(PolicySource, TellsAllMistakesAtOnceInTheOrderOfTheFile) {
  std::string text = with("\"soft\"", "\"hard\"");
  text.replace(text.find("\"both\""), 6, "\"back\"");
  text.replace(text.find("name = \"demo\""), 13, "nam = \"demo\" ");
  const auto compiled = compile(text, "p.toml");
  ASSERT_FALSE(compiled);
  std::vector<std::uint32_t> lines;
  for (const Mistake& each : compiled.error()) lines.push_back(each.line);
  EXPECT_GE(lines.size(), 3U);
  EXPECT_TRUE(std::ranges::is_sorted(lines));
  EXPECT_THAT(lines, ::testing::IsSupersetOf({2U, 8U, 22U}));
}

TEST(PolicySource, AsksForTwoEnclaves) {
  EXPECT_THAT(mistakes_of("[policy]\nname = \"x\"\n[enclave.a]\n[[enclave.a.domain]]\nname = \"a.test\"\n"),
              HasSubstr("there is only one enclave"));
  EXPECT_THAT(mistakes_of("[policy]\nname = \"x\"\n"), HasSubstr("'enclave' is missing"));
}

TEST(PolicySource, AsksThatAnEnclaveOwnsSomething) {
  EXPECT_THAT(
      mistakes_of("[policy]\nname = \"x\"\n[enclave.a]\n[enclave.b]\n[[enclave.b.domain]]\nname = \"b.test\"\n"),
      HasSubstr("'domain' is missing in [enclave.NAME]"));
}

TEST(PolicySource, WithoutPeeringsGrantsNothingAndWarns) {
  std::string text(kGood);
  text.erase(text.find("[[peering]]"));
  const auto compiled = compile(text, "p.toml");
  ASSERT_TRUE(compiled);
  EXPECT_THAT(compiled->bundle.tables().routes, IsEmpty());
  EXPECT_EQ(compiled->bundle.peering("north.test", "south.test"), nullptr);
  std::string told;
  for (const Mistake& each : compiled->warnings) told += inspect::describe(each);
  EXPECT_THAT(told, HasSubstr("there is no peering, so nothing crosses"));
  EXPECT_THAT(told, HasSubstr("no peering names the domain 'south.test'"));
  // A login lets its clients reach the server and its components.
  const auto with_login = compile(text + std::string(kLogin), "p.toml");
  ASSERT_TRUE(with_login);
  told.clear();
  for (const Mistake& each : with_login->warnings) told += inspect::describe(each);
  EXPECT_THAT(told, ::testing::Not(HasSubstr("nothing crosses")));
  EXPECT_THAT(told, ::testing::Not(HasSubstr("south.test', so nothing")));
  EXPECT_THAT(told, HasSubstr("no peering names the domain 'north.test'"));
}

TEST(PolicySource, WarnsOfEveryStageThatChecksNothing) {
  std::string told;
  for (const Mistake& each : compile(kGood, "p.toml")->warnings) told += inspect::describe(each);
  for (const char* stage : {"payload", "label", "presence", "content", "rate"})
    EXPECT_THAT(told, HasSubstr("the stage '" + std::string(stage) + "' is switched off"));
}

TEST(PolicySource, WarnsOfNoStageThatIsOn) {
  const auto compiled = compile(with(", \"rate\"", ""), "p.toml");
  ASSERT_TRUE(compiled);
  EXPECT_FALSE(compiled->bundle.is_off(Stage::Rate));
  std::string told;
  for (const Mistake& each : compiled->warnings) told += inspect::describe(each);
  EXPECT_THAT(told, HasSubstr("the stage 'content' is switched off"));
  EXPECT_THAT(told, ::testing::Not(HasSubstr("'rate'")));
}

TEST(PolicySource, WarnsOfRequestsThatCannotBeAnswered) {
  std::string text = with("stanzas = [\"message\"]", "stanzas = [\"message\", \"iq\"]");
  std::string told;
  for (const Mistake& each : compile(text, "p.toml")->warnings) told += inspect::describe(each);
  EXPECT_THAT(told, HasSubstr("the peering 'rooms' lets iq requests cross, but no answers"));
  EXPECT_THAT(told, ::testing::Not(HasSubstr("the peering 'all' lets iq")));
}

TEST(PolicySource, WarnsOfDialbackWhichThisVersionDoesNotHave) {
  std::string told;
  for (const Mistake& each : compile(kGood, "p.toml")->warnings) told += inspect::describe(each);
  EXPECT_THAT(told, HasSubstr("the peering 'rooms' allows dialback"));
  EXPECT_THAT(told, ::testing::Not(HasSubstr("the peering 'all' allows dialback")));
}

TEST(PolicySource, HasItsReferencePage) {
  std::ifstream in(std::filesystem::path(SALLYPORT_DOCS_DIR) / "reference" / "policy.md");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(page, policy_reference()) << "write it anew: cmake --build build/release --target reference";
}

TEST(PolicySource, CompilesTheSampleOfItsReferencePage) {
  const std::string page = policy_reference();
  const std::size_t start = page.find("```toml\n") + 8;
  const auto compiled = compile(page.substr(start, page.find("```", start) - start), "sample");
  ASSERT_TRUE(compiled) << inspect::describe(compiled.error().front());
  EXPECT_NE(compiled->bundle.peering("rooms.north.test", "south.test"), nullptr);
}

TEST(PolicySource, CompilesTheSamplesOfTheGuides) {
  const std::filesystem::path docs(SALLYPORT_DOCS_DIR);
  const auto read = [&](const char* page) {
    std::ifstream in(docs / page);
    return std::string{std::istreambuf_iterator<char>(in), {}};
  };
  const auto block = [&](const char* page, std::string_view fence) {
    const std::string text = read(page);
    const std::size_t start = text.find(fence) + fence.size();
    return text.substr(start, text.find("```", start) - start);
  };
  const std::pair<const char*, std::string> samples[] = {
      {"officers-guide.md", block("officers-guide.md", "```toml\n")},
      {"man/sallyport-policy.5.scd", block("man/sallyport-policy.5.scd", "```\n")},
      {"examples/policy.toml", read("examples/policy.toml")},
  };
  for (const auto& [page, text] : samples) {
    EXPECT_EQ(mistakes_of(text), "") << page;
    EXPECT_THAT(text, HasSubstr("[[peering]]")) << page;
  }
}

}  // namespace
}  // namespace sallyport::policy::source
