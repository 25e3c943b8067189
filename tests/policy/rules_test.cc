// Rules as they are written: mistakes, warnings, and the tables that they come to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/source/source.h"
#include "tests/policy/vectors.h"

namespace sallyport::policy::source {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kHead = R"([policy]
name = "demo"
[stages]
off = ["payload", "label", "presence", "content", "rate"]
[enclave.north]
[[enclave.north.domain]]
name = "north.test"
[enclave.south]
[[enclave.south.domain]]
name = "south.test"
components = ["rooms.south.test", "a.rooms.south.test"]
[[enclave.south.domain]]
name = "far.test"
[[peering]]
id = "all"
from = ["north.test"]
to = ["south.test", "rooms.south.test", "a.rooms.south.test"]
direction = "both"
stanzas = ["message", "iq"]
)";

struct Told {
  std::string mistakes, warnings;
};

Told told(const std::string& rules, const std::string& head = std::string(kHead)) {
  const auto compiled = compile(head + rules, "p.toml");
  Told told;
  if (!compiled) {
    for (const Mistake& each : compiled.error()) told.mistakes += inspect::describe(each);
    return told;
  }
  for (const Mistake& each : compiled->warnings) told.warnings += inspect::describe(each);
  return told;
}

/// A rule whose required keys stand there, unless `more` gives them.
std::string rule(const std::string& id, const std::string& more) {
  std::string text = "[[rule]]\nid = \"" + id + "\"\ntext = \"x\"\n";
  for (const std::string& line : {std::string("from = \"any\""), std::string("to = \"any\""),
                                  std::string("stanzas = [\"message\"]"), std::string("action = \"release\"")}) {
    const std::string key = "\n" + line.substr(0, line.find('=') + 1);
    if (("\n" + more).find(key) == std::string::npos) text += line + "\n";
  }
  return text + more + "\n";
}

/// Clients in the north log in to far.test, to which no peering leads.
const std::string kRoaming =
    "[[login]]\nid = \"clients\"\nfrom = [\"north\"]\nto = [\"far.test\"]\nmechanisms = [\"PLAIN\"]\n"
    "stanzas = [\"message\", \"iq\"]\n";

struct Row {
  const char* name;
  std::string rules, what;
};

TEST(Rules, TellEveryMistakeWithItsRemedy) {
  const Row rows[] = {
      {"an unknown set", rule("a", "from = [\"users:lisaion\"]\n") + "[users]\nliaison = [\"ann@north.test\"]\n",
       "there is no 'lisaion' in [users]\n    did you mean 'users:liaison'?"},
      {"an unknown enclave", rule("a", "from = [\"enclave:nort\"]"), "did you mean 'enclave:north'?"},
      {"an unknown domain", rule("a", "from = [\"nort.test\"]"), "did you mean 'north.test'?"},
      {"an address of an unknown domain", rule("a", "to = [\"bob@sout.test\"]"), "did you mean 'south.test'?"},
      {"an address with a resource", rule("a", "to = [\"bob@south.test/x\"]"), "'bob@south.test/x' is not a bare JID"},
      {"nothing below a domain", rule("a", "to = [\"*.north.test\"]"), "no enclave owns a domain under 'north.test'"},
      {"an empty list", rule("a", "to = []"), "the list is empty"},
      {"any in a list", rule("a", "to = [\"any\"]"), "\"any\" stands in a list\n    write to = \"any\""},
      {"another word", rule("a", "to = \"all\""), "a list is needed here"},
      {"a domain among users", "[users]\nx = [\"north.test\"]\n", "is not the address of a user"},
      {"a home domain among rooms", "[rooms]\nx = [\"south.test\"]\n", "is a home domain and not a room service"},
      {"a kind that is none", rule("a", "stanzas = [\"message:chatt\"]"), "did you mean \"message:chat\"?"},
      {"two rules of one id", rule("a", "") + rule("a", ""), "'a' is the id of another rule or peering, line 20"},
      {"the id of a peering", rule("all", ""), "'all' is the id of another rule or peering, line 14"},
      {"altering nothing", rule("a", "action = \"alter\""), "the rule 'a' alters nothing"},
      {"both lists", rule("a", "action = \"alter\"\nremove = [\"body\"]\nkeep = [\"body\"]"), "not both"},
      {"a list without altering", rule("a", "remove = [\"body\"]"), "but does not alter"},
      {"removing a label", rule("a", "action = \"alter\"\nremove = [\"{urn:xmpp:sec-label:0}securitylabel\"]"),
       "no rule takes a label out"},
      {"removing an error", rule("a", "action = \"alter\"\nremove = [\"error\"]"), "an error can't be taken out"},
      {"the stanza's own namespace", rule("a", "payload = [\"{jabber:server}body\"]"), "own vocabulary"},
      {"half a name", rule("a", "payload = [\"{urn:x}\"]"), "'{urn:x}' is not a payload"},
      {"an answer for messages", rule("a", "action = \"answer\"\nanswer = \"result\""), "only iq requests can be"},
      {"no answer", rule("a", "action = \"answer\"\nstanzas = [\"iq:get\"]"), "'answer' is missing"},
      {"an answer unasked", rule("a", "answer = \"result\""), "a rule that answers nothing"},
      {"a condition of an iq", rule("a", "action = \"bounce\"\nstanzas = \"any\"\ncondition = \"policy-violation\""),
       "'condition' is for refused messages only"},
      {"a condition that is none", rule("a", "action = \"bounce\"\ncondition = \"gone\""), "use action = \"drop\""},
      {"an empty window", rule("a", "when = {}"), "'when' names no time"},
      {"no such day", rule("a", "when = { days = [\"monday\"] }"), "there is no day \"monday\""},
      {"no hours", rule("a", "when = { hours = \"8-17\" }"), "'8-17' is no span of hours"},
      {"no time at all", rule("a", "when = { hours = \"08:00-08:00\" }"), "are no time at all"},
      {"a time of no place", rule("a", "when = { not_before = 2026-03-01T08:00:00 }"), "with its offset from UTC"},
      {"dates the wrong way",
       rule("a", "when = { not_before = 2026-03-02T00:00:00Z, not_after = 2026-03-01T00:00:00Z }"),
       "this window never opens"},
      {"a day that is not within",
       rule("a", "when = { days = [\"sat\"], not_before = 2026-03-02T00:00:00Z, not_after = 2026-03-06T00:00:00Z }"),
       "this window never opens"},
      {"an unknown login", rule("a", "login = [\"cleints\"]") + kRoaming,
       "there is no login 'cleints'\n    did you mean 'clients'?"},
      {"a peering for a login", rule("a", "login = [\"all\"]"),
       "there is no login 'all'\n    write the id of a [[login]]"},
      {"no login at all", rule("a", "login = []") + kRoaming, "the list is empty"},
      {"a way of no session", rule("a", "towards = \"client\"") + kRoaming,
       "'towards' stands in a rule that names no login"},
      {"a way that is none", rule("a", "login = [\"clients\"]\ntowards = \"both\"") + kRoaming, "\"server\""},
      {"no text", "[[rule]]\nid = \"a\"\nfrom = \"any\"\nto = \"any\"\nstanzas = \"any\"\naction = \"drop\"\n",
       "'text' is missing in [[rule]]"},
  };
  for (const Row& row : rows) {
    const Told what = told(row.rules);
    EXPECT_THAT(what.mistakes, HasSubstr(row.what)) << row.name << "\n" << what.warnings;
    EXPECT_THAT(what.mistakes, HasSubstr("p.toml:")) << row.name;
  }
}

TEST(Rules, WarnOfWhatCannotDecide) {
  const std::string chat = "stanzas = [\"message:chat\"]\n";
  const Row rows[] = {
      {"after one that is wider", rule("a", "") + rule("b", chat + "from = [\"ann@north.test\"]"),
       "the rule 'b' is never reached: all that it matches is matched before by 'a'"},
      {"after two that leave nothing",
       rule("a", chat) + rule("b", "stanzas = [\"message\"]\npayload = [\"urn:x\"]") +
           rule("c", "stanzas = [\"message:chat\", \"iq:get\"]\npayload = [\"urn:y\"]") + rule("d", chat),
       "the rule 'd' is never reached: all that it matches is matched before by 'a'"},
      {"after two that take a half each",
       rule("a", "stanzas = [\"message:chat\"]") + rule("b", "stanzas = [\"message:normal\"]") +
           rule("c", "stanzas = [\"message:chat\", \"message:normal\"]"),
       "the rule 'c' is never reached: all that it matches is matched before by 'a', 'b'"},
      {"an element of a namespace before", rule("a", "payload = [\"urn:x\"]") + rule("b", "payload = [\"{urn:x}y\"]"),
       "the rule 'b' is never reached"},
      {"hours within hours",
       rule("a", "when = { hours = \"08:00-18:00\" }") +
           rule("b", "when = { hours = \"09:00-17:00\", days = [\"mon\"] }"),
       "the rule 'b' is never reached"},
      {"members of a list",
       "[users]\nall = [\"ann@north.test\", \"ben@north.test\"]\nsome = [\"ben@north.test\"]\n" +
           rule("a", "from = [\"users:all\"]") + rule("b", "from = [\"users:some\"]"),
       "the rule 'b' is never reached"},
      {"where no peering is", rule("a", "from = [\"far.test\"]"), "the rule 'a' has no peering or login under it"},
      {"a kind that no peering grants", rule("a", "stanzas = [\"presence\"]"),
       "the rule 'a' has no peering or login under it"},
      {"a rule for sessions that lead elsewhere",
       rule("a", "login = [\"clients\"]\nto = [\"rooms.south.test\"]\nfrom = [\"north.test\"]") + kRoaming,
       "the rule 'a' has no peering or login under it"},
      {"a way that such stanzas do not go",
       rule("a", "login = [\"clients\"]\ntowards = \"client\"\nfrom = [\"far.test\"]\nto = [\"south.test\"]") +
           kRoaming,
       "the rule 'a' has no peering or login under it"},
      {"a rule for sessions after one for all", rule("a", "") + rule("b", "login = [\"clients\"]") + kRoaming,
       "the rule 'b' is never reached: all that it matches is matched before by 'a'"},
      {"a rule for one way after one for both",
       rule("a", "login = [\"clients\"]") + rule("b", "login = [\"clients\"]\ntowards = \"server\"") + kRoaming,
       "the rule 'b' is never reached: all that it matches is matched before by 'a'"},
      {"one of far.test between servers, where only sessions are",
       rule("a", "login = [\"clients\"]") + rule("b", "from = [\"far.test\"]\nto = [\"far.test\"]") + kRoaming,
       "the rule 'b' is never reached: all that it matches is matched before by 'a'"},
      {"requests in sessions without answers",
       rule("a", "stanzas = [\"iq:get\"]\nlogin = [\"clients\"]\ntowards = \"server\"") +
           rule("b", "stanzas = [\"iq:result\"]\nlogin = [\"clients\"]\ntowards = \"server\"") + kRoaming,
       "the rule 'a' lets iq requests cross, but no rule lets the answers back"},
      {"a refusal that nobody hears", rule("a", "stanzas = [\"iq:result\"]\naction = \"bounce\""),
       "nobody hears the refusal of the rule 'a'"},
      {"requests without answers", rule("a", "stanzas = [\"iq:get\"]"), "no rule lets the answers back"},
      {"a set that no rule uses", "[domains]\nmine = [\"north.test\"]\n" + rule("a", ""),
       "no rule uses 'mine' of [domains]"},
  };
  for (const Row& row : rows) {
    const Told what = told(row.rules);
    EXPECT_THAT(what.warnings, HasSubstr(row.what)) << row.name << "\n" << what.mistakes;
  }
}

TEST(Rules, ThatAskForLabelsAreWarnedOfWhereNobodyLooksAtThem) {
  const std::string off = kRoaming + "off = [\"label\"]\n";
  const std::string others =
      "[[login]]\nid = \"others\"\nfrom = [\"south\"]\nto = [\"north.test\"]\nmechanisms = [\"PLAIN\"]\n"
      "stanzas = [\"message\"]\n";
  const std::string asks = "label = [\"none\"]\n";
  std::string head(kHead);
  head.erase(head.find("\"label\", "), 9);
  EXPECT_THAT(told(rule("a", asks) + off + others, head).warnings, HasSubstr("see none in the sessions of 'clients'"));
  EXPECT_THAT(told(rule("a", asks + "login = [\"clients\"]") + off + others, head).warnings,
              HasSubstr("see none in the sessions of 'clients'"));
  EXPECT_THAT(told(rule("a", asks + "login = [\"others\"]") + off + others, head).warnings, Not(HasSubstr("see none")));
}

TEST(Rules, AreNotWarnedOfWhereTheyDoDecide) {
  const Row rows[] = {
      {"narrower first", rule("b", "from = [\"ann@north.test\"]") + rule("a", ""), ""},
      {"another type", rule("a", "stanzas = [\"message:chat\"]") + rule("b", "stanzas = [\"message:normal\"]"), ""},
      {"a domain of several",
       rule("a", "to = [\"south.test\"]") + rule("b", "to = [\"south.test\", \"rooms.south.test\"]"), ""},
      {"one direction of two",
       rule("a", "from = [\"north.test\"]") + rule("b", "from = [\"north.test\"]\ndirection = \"both\""), ""},
      {"a wider payload", rule("a", "payload = [\"{urn:x}y\"]") + rule("b", "payload = [\"urn:x\"]"), ""},
      {"other hours", rule("a", "when = { hours = \"08:00-12:00\" }") + rule("b", "when = { hours = \"11:00-13:00\" }"),
       ""},
      {"an only that asks more",
       rule("a", "only_payload = [\"body\"]") + rule("b", "only_payload = [\"body\", \"subject\"]"), ""},
      {"one for all after one for sessions", rule("a", "login = [\"clients\"]") + rule("b", "") + kRoaming, ""},
      {"one way each",
       rule("a", "login = [\"clients\"]\ntowards = \"server\"") +
           rule("b", "login = [\"clients\"]\ntowards = \"client\"") + kRoaming,
       ""},
      {"sessions where no peering is", rule("a", "from = [\"far.test\"]\nto = [\"far.test\"]") + kRoaming, ""},
      {"answers in sessions", rule("a", "stanzas = [\"iq\"]\nlogin = [\"clients\"]") + kRoaming, ""},
      {"one more member",
       "[users]\nall = [\"ann@north.test\", \"ben@north.test\"]\nsome = [\"ben@north.test\"]\n" +
           rule("a", "from = [\"users:some\"]") + rule("b", "from = [\"users:all\"]"),
       ""},
  };
  for (const Row& row : rows) {
    const Told what = told(row.rules);
    EXPECT_EQ(what.mistakes, "") << row.name;
    EXPECT_THAT(what.warnings, Not(HasSubstr("never reached"))) << row.name;
    EXPECT_THAT(what.warnings, Not(HasSubstr("under it"))) << row.name;
    EXPECT_THAT(what.warnings, Not(HasSubstr("answers back"))) << row.name;
  }
}

TEST(Rules, ComeToTablesThatSurviveTheirEncoding) {
  const std::string text = testing::read_vector_file("rules.toml");
  const auto compiled = compile(text, "rules.toml");
  ASSERT_TRUE(compiled);
  const auto decoded = Bundle::decode(compiled->bundle.octets());
  ASSERT_TRUE(decoded) << decoded.error().what;
  EXPECT_EQ(decoded->tables(), compiled->bundle.tables());
  const Tables& tables = decoded->tables();
  ASSERT_EQ(tables.rules.size(), 15U);
  EXPECT_EQ(tables.rules[2].id, "liaison-text");
  EXPECT_TRUE(tables.rules[2].both);
  EXPECT_THAT(tables.lists.at(tables.rules[2].from.lists.at(0)).bare, ElementsAre("ann@north.test", "ben@north.test"));
  EXPECT_EQ(tables.rules[4].window->days, 0b0011111);
  EXPECT_EQ(tables.rules[4].window->from_minute, 8 * 60);
}

/// A bundle is refused for a table that no compiler writes.
TEST(Rules, AreCheckedWhenABundleIsLoaded) {
  const auto compiled = compile(testing::read_vector_file("rules.toml"), "rules.toml");
  ASSERT_TRUE(compiled);
  using Change = void (*)(Tables&);
  const std::pair<const char*, Change> rows[] = {
      {"two rules have one id", [](Tables& t) { t.rules[1].id = t.rules[0].id; }},
      {"two rules have one id", [](Tables& t) { t.rules[1].id = t.peerings[0].id; }},
      {"a side of a rule is not consistent", [](Tables& t) { t.rules[0].from.domains = {0}; }},
      {"a side of a rule is not consistent", [](Tables& t) { t.rules[2].from.lists = {999}; }},
      {"a side of a rule is not consistent", [](Tables& t) { t.rules[2].from = {}; }},
      {"a rule is about no kind of stanza", [](Tables& t) { t.rules[0].stanzas = 0; }},
      {"a rule is about no kind of stanza", [](Tables& t) { t.rules[0].stanzas = 1U << 20; }},
      {"a rule names payloads that do not exist", [](Tables& t) { t.rules[0].payload = {{999}}; }},
      {"a rule names payloads that do not exist", [](Tables& t) { t.rules[0].payload.emplace().clear(); }},
      {"a rule names logins that do not exist", [](Tables& t) { t.rules[0].logins = {{999}}; }},
      {"a rule names logins that do not exist", [](Tables& t) { t.rules[0].logins.emplace().clear(); }},
      {"a rule has a way of sessions, and names no login", [](Tables& t) { t.rules[0].towards = Towards::Client; }},
      {"a window never opens", [](Tables& t) { t.rules[4].window->days = 0; }},
      {"a rule alters nothing, or takes something out unasked", [](Tables& t) { t.rules[0].remove = {{0}}; }},
      {"a rule answers what is no request", [](Tables& t) { t.rules[9].stanzas = 1; }},
      {"a rule has an answer that it does not give", [](Tables& t) { t.rules[0].answer = AnswerWith::EmptyResult; }},
      {"a rule has a condition for what is no bounced message",
       [](Tables& t) { t.rules[0].condition = MessageRefusal::Silence; }},
      {"a list of addresses is empty", [](Tables& t) { t.lists[0].bare.clear(); }},
      {"a list has what is not a bare address", [](Tables& t) { t.lists[0].bare = {"ann@north.test/x"}; }},
      {"a list of addresses is not sorted and unique",
       [](Tables& t) { t.lists[0].bare = {"b@north.test", "a@north.test"}; }},
      {"payload names are not sorted and unique", [](Tables& t) { std::swap(t.payloads[0], t.payloads[1]); }},
  };
  for (const auto& [what, change] : rows) {
    Tables tables = compiled->bundle.tables();
    change(tables);
    const auto made = Bundle::make(std::move(tables));
    ASSERT_FALSE(made) << what;
    EXPECT_EQ(made.error().what, what);
  }
}

}  // namespace
}  // namespace sallyport::policy::source
