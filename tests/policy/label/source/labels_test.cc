// What the policy file says about labels, as the bundle carries it.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "policy/label/decide.h"
#include "policy/source/files.h"
#include "policy/source/source.h"
#include "tests/policy/label/meaning.h"
#include "tests/policy/label/samples.h"

namespace sallyport::policy::source {
namespace {

const std::string kHead = R"([policy]
name = "labels"
[stages]
off = ["payload", "label", "presence", "content", "rate"]
[enclave.north.labels]
policy = "acme"
clearances = ["secret"]
label = "internal"
[[enclave.north.domain]]
name = "north.test"
[enclave.south.labels]
policy = "nordia"
carrier = "first-line"
first_lines = ["open"]
[[enclave.south.domain]]
name = "south.test"
[[peering]]
id = "people"
from = ["north.test"]
to = ["south.test"]
direction = "both"
stanzas = ["message", "presence", "iq"]
)";

const std::string kPolicies = R"([label_policy.acme]
file = "acme-spif.xml"
class_test = "rank"
absent_class = "PUBLIC"
marking_lang = "fr"
[label_policy.nordia]
file = "nordia-spif.xml"
)";

const std::string kLabels = R"([label.internal]
policy = "acme"
classification = "INTERNAL"
[label.open]
policy = "nordia"
classification = "OPEN"
categories = ["Release:UK", "Release:NO"]
)";

const std::string kRest = R"([clearance.secret]
policy = "acme"
classes = ["PUBLIC", "INTERNAL", "SECRET"]
categories = ["Releasable To:UK", "Projects:*", "Communities:OPS"]
[clearance.of-nils]
policy = "nordia"
classes = ["OPEN"]
[[label_holder]]
address = "nils@south.test"
clearances = ["of-nils"]
[[label_holder]]
address = "Alice@North.test"
clearances = ["secret"]
label = "internal"
[[label_translation]]
from = "acme"
to = "nordia"
table = "from"
[[label_translation]]
from = "nordia"
to = "acme"
table = "to"
)";

std::expected<SourceFile, std::string> sample(const std::string& path) {
  const auto file = label::testing::data("policies/" + path);
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::unexpected(std::string("no such file"));
  return SourceFile{.name = "dir/" + path, .text = {std::istreambuf_iterator<char>(in), {}}};
}

std::string all() {
  return kHead + kPolicies + kLabels + kRest;
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("not there: " + from);
  return text.replace(at, from.size(), to);
}

/// Everything that is wrong, a line each.
std::string mistakes_in(const std::string& text, const ReadFile& read = sample) {
  const auto compiled = compile(text, "p.toml", read);
  std::string told;
  if (!compiled)
    for (const Mistake& each : compiled.error()) told += inspect::describe(each);
  return told;
}

bool tells(const std::string& told, const std::string& words) {
  if (told.find(words) != std::string::npos) return true;
  ADD_FAILURE() << "told: " << told << "\nwanted: " << words;
  return false;
}

TEST(LabelSource, PutsPoliciesLabelsAndClearancesIntoTheBundle) {
  const auto compiled = compile(all(), "p.toml", sample);
  ASSERT_TRUE(compiled) << mistakes_in(all());
  const auto again = Bundle::decode(compiled->bundle.octets());
  ASSERT_TRUE(again) << again.error().what;
  const LabelTables& tables = again->tables().labels;
  ASSERT_EQ(tables.policies.size(), 2U);
  EXPECT_EQ(tables.policies[0].name, "acme");
  EXPECT_EQ(tables.policies[0].spif.id.text(), "2.999.258.1");
  EXPECT_EQ(tables.policies[0].options.class_test, label::ClassTest::Rank);
  EXPECT_EQ(tables.policies[0].options.absent_class, 1U);
  EXPECT_EQ(tables.policies[0].lang, "fr");
  EXPECT_EQ(tables.policies[1].options, label::Options{});

  ASSERT_EQ(tables.labels.size(), 2U);
  EXPECT_TRUE(same_meaning(tables.labels[0].label, label::testing::label_of("ACME INTERNAL")));
  EXPECT_TRUE(same_meaning(tables.labels[1].label, label::testing::label_of("NORDIA OPEN + Release:UK + Release:NO")));
  ASSERT_EQ(tables.clearances.size(), 2U);
  const auto secret = std::ranges::find(tables.clearances, "secret", &NamedClearance::name);
  EXPECT_EQ(secret->clearance,
            label::testing::clearance_of("ACME {PUBLIC,INTERNAL,SECRET} + Releasable To:UK + Projects:ALPHA + "
                                         "Projects:BRAVO + Projects:OLDTIMER + Projects:CHARLIE + Function:OPS"));

  ASSERT_EQ(tables.enclaves.size(), 2U);  // by name: north, south
  EXPECT_EQ(tables.enclaves[0].policy, 0U);
  EXPECT_EQ(tables.enclaves[0].clearances.size(), 1U);
  EXPECT_EQ(tables.enclaves[0].label, 0U);
  EXPECT_EQ(tables.enclaves[1].policy, 1U);
  EXPECT_EQ(tables.enclaves[1].carrier, LabelCarrier::FirstLine);
  EXPECT_EQ(tables.enclaves[1].first_lines, std::vector<std::uint16_t>{1});
  ASSERT_EQ(tables.holders.size(), 2U);
  EXPECT_EQ(tables.holders[0].address, "alice@north.test");
  EXPECT_EQ(tables.holders[0].label, 0U);
  ASSERT_EQ(tables.translations.size(), 2U);
  EXPECT_FALSE(tables.translations[0].reverse);
  EXPECT_TRUE(tables.translations[1].reverse);
}

TEST(LabelSource, ReadsWhatPeeringsSayOfLabels) {
  const std::string text = with(all(), kPolicies, R"([peering.labels]
message = "stamp"
signals_pass = true
format = "stanag-4774"
only = ["internal"]
)" + kPolicies);
  const auto compiled = compile(text, "p.toml", sample);
  ASSERT_TRUE(compiled) << mistakes_in(text);
  const PeeringLabels& labels = compiled->bundle.tables().peerings.front().labels;
  EXPECT_EQ(labels.message, Unlabelled::Stamp);
  EXPECT_TRUE(labels.signals_pass);
  EXPECT_EQ(labels.format, LabelFormat::Stanag4774);
  EXPECT_EQ(labels.only, std::vector<std::uint16_t>{0});
}

TEST(LabelSource, ATextWithoutLabelsHasNone) {
  const auto compiled = compile(with(with(with(kHead,
                                               "[enclave.north.labels]\npolicy = \"acme\"\nclearances = "
                                               "[\"secret\"]\nlabel = \"internal\"\n",
                                               "[enclave.north]\n"),
                                          "[enclave.south.labels]\npolicy = \"nordia\"\ncarrier = \"first-line\"\n"
                                          "first_lines = [\"open\"]\n",
                                          "[enclave.south]\n"),
                                     "name = \"labels\"", "name = \"none\""),
                                "p.toml");
  ASSERT_TRUE(compiled);
  EXPECT_EQ(compiled->bundle.tables().labels, LabelTables{});
}

TEST(LabelSource, TellsMistakesInASpifWithItsFileAndLine) {
  const std::string told = mistakes_in(with(all(), "nordia-spif.xml", "bad/dup-category-lacv.xml"));
  tells(told, "dir/bad/dup-category-lacv.xml:13:1: this lacv of a category");
  // What depends on that policy is not told of.
  EXPECT_EQ(told.find("has no class"), std::string::npos) << told;
}

TEST(LabelSource, TellsWhatLeadsNowhere) {
  const std::pair<std::pair<std::string, std::string>, std::string> rows[] = {
      {{"file = \"acme-spif.xml\"", "file = \"no.xml\""}, "'no.xml' can't be read: no such file"},
      {{"file = \"acme-spif.xml\"", "file = \"nordia-spif.xml\""},
       "[label_policy.acme] has the policy 2.999.258.2 already"},
      {{"absent_class = \"PUBLIC\"", "absent_class = \"PUBLICK\""},
       "ACME has no class 'PUBLICK'\n    did you mean 'PUBLIC'?"},
      {{"classification = \"INTERNAL\"", "classification = \"SECRET\""},
       "the label 'internal' is not valid: class-required-category"},
      {{"classification = \"INTERNAL\"", "classification = \"LEGACY\""},
       "the label 'internal' is not valid: obsolete-classification"},
      {{"Release:UK", "Release:XX"}, "NORDIA has no value 'Release:XX'\n    did you mean 'Release:"},
      {{"Release:UK", "Release:*"}, "NORDIA has no value 'Release:*'"},
      {{"policy = \"nordia\"\nclassification", "policy = \"nordja\"\nclassification"},
       "there is no label policy 'nordja'\n    did you mean 'nordia'?"},
      {{"clearances = [\"of-nils\"]", "clearances = [\"of-nil\"]"},
       "there is no clearance 'of-nil'\n    did you mean 'of-nils'?"},
      {{"clearances = [\"of-nils\"]", "clearances = [\"of-nils\", \"of-nils\"]"},
       "'of-nils' is a second clearance under one policy"},
      {{"first_lines = [\"open\"]", "first_lines = [\"opne\"]"}, "there is no label 'opne'"},
      {{"address = \"nils@south.test\"", "address = \"nils@south.test/desk\""}, "is no address without resource"},
      {{"address = \"nils@south.test\"", "address = \"alice@north.test\""}, "'alice@north.test' stands here twice"},
      {{"from = \"nordia\"\nto = \"acme\"", "from = \"acme\"\nto = \"acme\""}, "a translation from 'acme' to itself"},
      {{"from = \"nordia\"\nto = \"acme\"", "from = \"acme\"\nto = \"nordia\""},
       "there is a translation from 'acme' to 'nordia' already"},
      {{"class_test = \"rank\"", "class_test = \"order\""}, "'class_test' can't be \"order\""},
      {{"classes = [\"OPEN\"]", "clases = [\"OPEN\"]"},
       "unknown key 'clases' in [clearance.NAME]\n    did you mean 'classes'?"},
  };
  for (const auto& [change, told] : rows) tells(mistakes_in(with(all(), change.first, change.second)), told);
}

TEST(LabelSource, ATranslationNeedsATable) {
  const std::string told = mistakes_in(with(all(), "file = \"nordia-spif.xml\"", "file = \"tiny-spif.xml\""));
  tells(told, "the SPIF of ACME has no table for TINY");
}

TEST(LabelSource, EquivalencesAreHeldAgainstTheOtherSpif) {
  const auto changed = [](const std::string& path) {
    auto file = sample(path);
    if (file && path == "nordia-spif.xml")
      file->text = with(file->text, "name=\"SEALED\" lacv=\"40\"", "name=\"SEALED\" lacv=\"41\"");
    return file;
  };
  tells(mistakes_in(all(), changed), "dir/acme-spif.xml:34:1: the policy 'NORDIA' has no classification 40");
}

/// The clearance "secret" as a file with this content.
std::expected<Compiled, std::vector<Mistake>> compiled_with_file(const std::string& content,
                                                                 const std::string& options = "") {
  const std::string text = with(with(all(),
                                     "classes = [\"PUBLIC\", \"INTERNAL\", \"SECRET\"]\ncategories = [\"Releasable "
                                     "To:UK\", \"Projects:*\", \"Communities:OPS\"]",
                                     "file = \"secret.clearance\""),
                                "class_test = \"rank\"", options);
  return compile(text, "p.toml", [&](const std::string& path) -> std::expected<SourceFile, std::string> {
    if (path == "secret.clearance") return SourceFile{.name = path, .text = content};
    return sample(path);
  });
}

TEST(LabelSource, ReadsClearancesFromFiles) {
  for (const auto& row : label::testing::rows("clearances/clearances.tsv")) {
    if (row[0] == "C7" || row[0] == "C12") continue;  // under the other policy
    const auto compiled = compiled_with_file(row[0] == "C2" ? label::testing::octets_of_hex(row[3]) : row[2]);
    ASSERT_TRUE(compiled) << row[0] << inspect::describe(compiled.error().front());
    const auto& clearances = compiled->bundle.tables().labels.clearances;
    const auto secret = std::ranges::find(clearances, "secret", &NamedClearance::name);
    if (row[0] == "C8") {  // holds what the SPIF does not know
      EXPECT_EQ(secret->clearance,
                label::testing::clearance_of("ACME {PUBLIC,INTERNAL,CONFIDENTIAL} + Projects:ALPHA"));
      EXPECT_TRUE(std::ranges::any_of(compiled->warnings, [](const Mistake& m) {
        return m.what == "'secret.clearance' holds 3 classes or values that ACME does not know";
      }));
    } else {
      EXPECT_EQ(secret->clearance, label::testing::clearance_of(row[4])) << row[0] << row[1];
    }
  }
}

TEST(LabelSource, ReadsClearancesOfStanag4774) {
  std::map<std::string, std::string> meanings;
  for (const auto& row : label::testing::rows("clearances/clearances.tsv")) meanings[row[0]] = row[4];
  for (const std::string id : {"C1", "C2", "C4", "C10", "C11"}) {
    std::ifstream in(label::testing::data("clearances/" + id + ".xml"), std::ios::binary);
    const auto compiled = compiled_with_file({std::istreambuf_iterator<char>(in), {}});
    ASSERT_TRUE(compiled) << id << inspect::describe(compiled.error().front());
    const auto& clearances = compiled->bundle.tables().labels.clearances;
    EXPECT_EQ(std::ranges::find(clearances, "secret", &NamedClearance::name)->clearance,
              label::testing::clearance_of(meanings.at(id)))
        << id;
  }
}

TEST(LabelSource, TellsOfClearanceFilesThatAreNone) {
  const auto first = [](const std::string& content, const std::string& options = "") {
    const auto compiled = compiled_with_file(content, options);
    return compiled ? std::string() : compiled.error().front().what;
  };
  EXPECT_EQ(first("?"), "'secret.clearance' is no clearance: it is neither XML nor BER nor base 64");
  EXPECT_EQ(first("<x/>"), "'secret.clearance' is no clearance: its root is no clearance of STANAG 4774");
  EXPECT_EQ(first("<x>\n</y>").substr(0, 46), "'secret.clearance' is no clearance: line 2: Op");
  EXPECT_EQ(first("MAA="), "'secret.clearance' is no clearance: it is malformed");
  for (const auto& row : label::testing::rows("clearances/clearances.tsv")) {
    if (row[0] == "C7" && row[1] == "rfc5755")
      EXPECT_EQ(first(row[2]), "'secret.clearance' is a clearance under another policy: 2.999.258.2");
    if (row[0] == "C8")
      EXPECT_EQ(first(row[2], "unknown_in_clearance = \"refuse\""),
                "'secret.clearance' holds 3 classes or values that ACME does not know");
  }
}

TEST(LabelSource, FilesStandBesideThePolicyFile) {
  const auto read = files_beside(label::testing::data("policies/p.toml"));
  const auto file = read("bad/entity.xml");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->name, label::testing::data("policies/bad/entity.xml"));
  EXPECT_FALSE(read("bad"));
  EXPECT_FALSE(read("nothing.xml"));
  tells(mistakes_in(all(), {}), "'acme-spif.xml' can't be read: no files are read here");
}

const std::string kOneRule = R"([[rule]]
id = "one"
text = "One."
from = "any"
to = "any"
stanzas = ["message"]
action = "release"
label = )";

std::string with_rule(const std::string& label, bool judged = true) {
  std::string text = all() + kOneRule + label + "\n";
  return judged ? with(std::move(text), "\"label\", ", "") : text;
}

TEST(LabelSource, RulesAskForLabelsByTheNamesOfTheSpif) {
  const auto compiled = compile(
      with_rule(
          R"([{ policy = "acme", at_least = "INTERNAL", at_most = "SECRET", any_of = ["Projects:*"], none_of = ["Releasable To:UK"] }, "none"])"),
      "p.toml", sample);
  ASSERT_TRUE(compiled) << inspect::describe(compiled.error().front());
  const auto& asked = compiled->bundle.tables().rules.front().label;
  ASSERT_TRUE(asked.has_value());
  ASSERT_EQ(asked->size(), 2U);
  const LabelMatch& match = asked->front();
  EXPECT_EQ(match.classes, (std::vector<label::Lacv>{2, 3, 4, 6}));  // lacv is no rank: LEGACY has 6
  ASSERT_TRUE(match.any_of.has_value());
  EXPECT_EQ(match.any_of->size(), 4U);
  EXPECT_EQ(match.none_of.size(), 1U);
  EXPECT_TRUE(asked->back().none);
  EXPECT_TRUE(Bundle::decode(compiled->bundle.octets()));
}

TEST(LabelSource, TellsWhatRulesAskForInVain) {
  const std::pair<const char*, const char*> rows[] = {
      {R"([])", "the list is empty"},
      {R"(["any"])", "this asks for no label"},
      {R"([{ classes = ["SECRET"] }])", "'policy' is missing"},
      {R"([{ policy = "acm" }])", "there is no label policy 'acm'"},
      {R"([{ policy = "acme", classes = ["SECRT"] }])", "has no class 'SECRT'"},
      {R"([{ policy = "acme", any_of = ["Projects:OMEGA"] }])", "has no value 'Projects:OMEGA'"},
      {R"([{ policy = "acme", at_least = "SECRET", at_most = "INTERNAL" }])", "no class is all that is asked here"},
      {R"([{ policy = "acme", above = "SECRET" }])", "unknown key 'above' in label"},
  };
  for (const auto& [label, told] : rows) tells(mistakes_in(with_rule(label)), told);
  tells(mistakes_in(with_rule(R"(["none"])", false)), "the stage 'label' is switched off");
}

TEST(LabelSource, WarnsOfARuleWhoseLabelsAreTakenBefore) {
  const auto warnings = [](const std::string& second) {
    std::string text = with_rule(R"([{ policy = "acme", at_most = "SECRET", none_of = ["Projects:ALPHA"] }])");
    text +=
        "[[rule]]\nid = \"two\"\ntext = \"Two.\"\nfrom = \"any\"\nto = \"any\"\nstanzas = [\"message\"]\n"
        "action = \"drop\"\nlabel = " +
        second + "\n";
    const auto compiled = compile(text, "p.toml", sample);
    std::string told;
    for (const Mistake& each : compiled ? compiled->warnings : compiled.error()) told += inspect::describe(each);
    return told;
  };
  const std::string never = "the rule 'two' is never reached: all that it matches is matched before by 'one'";
  tells(warnings(R"([{ policy = "acme", classes = ["SECRET"], none_of = ["Projects:*"] }])"), never);
  for (const char* other : {R"([{ policy = "acme", classes = ["SECRET"] }])", R"(["none"])",
                            R"([{ policy = "acme", classes = ["TOP SECRET"], none_of = ["Projects:ALPHA"] }])",
                            R"([{ policy = "nordia", none_of = ["Release:UK"] }])"})
    EXPECT_EQ(warnings(other).find(never), std::string::npos) << other;
}

}  // namespace
}  // namespace sallyport::policy::source
