// What `sallyport policy check` says of labels that nothing lets cross.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/source/files.h"
#include "policy/source/source.h"
#include "tests/places.h"

namespace sallyport::policy::source {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Edits = std::vector<std::pair<std::string, std::string>>;

/// What is told about labels that do not cross, of the policy of the vectors with pieces of its text replaced.
std::vector<std::string> told(const Edits& edits) {
  const std::string name = "label_rules.toml";
  const auto read = files_beside(std::string(SALLYPORT_TESTS_DIR) + "/policy/vectors/" + name);
  std::string text = read(name).value().text;
  for (const auto& [from, to] : edits) {
    const std::size_t at = text.find(from);
    if (at == std::string::npos) throw std::runtime_error("'" + from + "' is not in the policy");
    text.replace(at, from.size(), to);
  }
  const auto compiled = compile(text, name, read);
  if (!compiled) throw std::runtime_error(inspect::describe(compiled.error().front()));
  std::vector<std::string> told;
  for (const Mistake& each : compiled->warnings)
    if (each.what.find("cross") != std::string::npos && each.what.find("label") != std::string::npos)
      told.push_back(inspect::describe(each));
  return told;
}

const std::string kLow = "label = [{ policy = \"acme\", at_most = \"INTERNAL\" }, \"none\"]";
const std::string kFirstRule = "[[rule]]\nid = \"no-alpha\"";

/// A rule before all others that refuses messages of a class.
std::string refusal(const std::string& from, const std::string& classification) {
  return "[[rule]]\nid = \"refusal\"\ntext = \"x\"\nfrom = " + from +
         "\nto = \"any\"\nstanzas = [\"message\"]\naction = \"drop\"\nlabel = [{ policy = \"acme\", classes = [\"" +
         classification + "\"] }]\n" + kFirstRule;
}

TEST(LabelChecks, TellOfAClassThatClearancesGrantAndNoRuleReleases) {
  const std::string what = "by the peering 'people' no rule lets a message labelled LEGACY of 'acme' cross from ";
  EXPECT_THAT(told({}), ElementsAre(HasSubstr("label_rules.toml:51:1: " + what + "'north' to 'south'"),
                                    HasSubstr("label_rules.toml:51:1: " + what + "'south' to 'north'")));
}

TEST(LabelChecks, TellOfSeveralClassesAtOnce) {
  EXPECT_THAT(told({{kLow, "label = [\"none\"]"}}),
              Contains(HasSubstr("labelled PUBLIC, INTERNAL, LEGACY of 'acme' cross from 'north' to 'south'")));
}

TEST(LabelChecks, AreSilentWhereEveryClassIsReleasedOrHeldBackOnPurpose) {
  EXPECT_THAT(told({{kLow, "label = [{ policy = \"acme\", at_most = \"LEGACY\" }, \"none\"]"}}), IsEmpty());
  EXPECT_THAT(told({{kFirstRule, refusal("\"any\"", "LEGACY")}}), IsEmpty());
  EXPECT_THAT(told({{"\"INTERNAL\", \"LEGACY\", ", "\"INTERNAL\", "}}), IsEmpty());  // a clearance does
}

TEST(LabelChecks, TellOfALabelThatCanCrossNowhere) {
  const std::string top = "[label.top]\npolicy = \"acme\"\nclassification = \"TOP SECRET\"\n[label.internal]";
  EXPECT_THAT(told({{"[label.internal]", top}}),
              Contains(HasSubstr("label_rules.toml:33:8: the label 'top' can cross nowhere: no rule releases it")));
  EXPECT_THAT(told({{"classes = [\"PUBLIC\", \"INTERNAL\", ", "classes = [\"PUBLIC\", "}}),
              Contains(HasSubstr("the label 'internal' can cross nowhere: the clearances deny it")));
}

TEST(LabelChecks, TellOfADefaultThatDoesNotCrossFromThere) {
  const Edits assumed = {{"[enclave.south.labels]", "[enclave.south.labels]\nlabel = \"internal\""},
                         {"message = \"pass\"", "message = \"assume\""}};
  EXPECT_THAT(told(assumed), ::testing::Not(Contains(HasSubstr("without label"))));
  Edits refused = assumed;
  refused.emplace_back(kFirstRule, refusal("[\"south.test\"]", "INTERNAL"));
  EXPECT_THAT(told(refused), Contains(HasSubstr("what comes from 'south' without label has this one, but nothing "
                                                "labelled 'internal' crosses there: a rule refuses it")));
}

TEST(LabelChecks, TellOfAListedLabelThatDoesNotCrossThere) {
  const std::string back =
      "\n[[peering]]\nid = \"back\"\nfrom = [\"south.test\"]\nto = [\"north.test\"]\n"
      "direction = \"forward\"\nstanzas = [\"message\"]\n"
      "[peering.labels]\nmessage = \"pass\"\nonly = [\"internal\"]\n";
  const Edits listed = {{"direction = \"both\"", "direction = \"forward\""}, {kFirstRule, back + kFirstRule}};
  EXPECT_THAT(told(listed), ::testing::Not(Contains(HasSubstr("lists a label"))));
  const Edits refused = {{"direction = \"both\"", "direction = \"forward\""},
                         {kFirstRule, back + refusal("[\"south.test\"]", "INTERNAL")}};
  EXPECT_THAT(told(refused), Contains(HasSubstr("the peering 'back' lists a label, but nothing labelled 'internal' "
                                                "crosses there: a rule refuses it")));
}

}  // namespace
}  // namespace sallyport::policy::source
