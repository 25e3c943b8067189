#include "policy/label/decide.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/policy/label/sample_policies.h"

namespace sallyport::policy::label {
namespace {

using testing::acme;
using testing::clearances;
using testing::labels;
using testing::rows;
using testing::summer;

/// The result of a row: "GRANT" or "DENY reason".
std::string answer(const Decision& decision) {
  return decision.granted ? "GRANT" : "DENY " + decision.refusal.text();
}

std::string decided(const std::string& label, const std::string& clearance, const Options& options = {},
                    Time now = summer()) {
  const auto held = clearances().find(clearance);
  return answer(decide(acme(), labels().at(label), held == clearances().end() ? nullptr : &held->second, now, options));
}

TEST(Decide, LBL_06_AnswersEveryVectorAsItsRowSays) {
  std::size_t granted = 0, denied = 0;
  for (const auto& row : rows("vectors-acdf.tsv")) {
    Options options;
    Time now = summer();
    if (row[3] == "mode=rank")
      options.class_test = ClassTest::Rank;
    else if (row[3] == "obsolete_ok=False")
      options.accept_obsolete = false;
    else if (row[3] == "absent_class=1")
      options.absent_class = 1;
    else if (row[3] == "now=2031-01-01T00:00:00")
      now = std::chrono::sys_days(std::chrono::year(2031) / 1 / 1);
    else
      ASSERT_EQ(row[3], "-") << row[0];
    const std::string wanted = row[4] == "GRANT" ? "GRANT" : "DENY " + row[5];
    EXPECT_EQ(decided(row[1], row[2], options, now), wanted) << row[0] << ": " << row[7];
    ++(row[4] == "GRANT" ? granted : denied);
  }
  EXPECT_GT(granted, 15U);
  EXPECT_GT(denied, 25U);
}

TEST(Decide, TheOtherReadingsAnswerOtherwise) {
  Options options;
  options.no_class_means_default = true;
  EXPECT_EQ(decided("L01", "C6"), "DENY classification");
  EXPECT_EQ(decided("L01", "C6", options), "GRANT");  // I2

  options = {};
  options.empty_category = Lenience::Ignore;
  EXPECT_EQ(decided("L32", "C4"), "DENY empty-category");
  EXPECT_EQ(decided("L32", "C4", options), "GRANT");  // I5

  options = {};
  options.unknown_in_clearance = Lenience::Refuse;
  EXPECT_EQ(decided("L02", "C8"), "GRANT");
  EXPECT_EQ(decided("L02", "C8", options), "DENY unknown-in-clearance");  // I6

  const Time late = std::chrono::sys_days(std::chrono::year(2037) / 1 / 1);
  options = {};
  options.outside_validity = Lenience::Ignore;
  EXPECT_EQ(decided("L01", "C1", {}, late), "DENY spif-validity");
  EXPECT_EQ(decided("L01", "C1", options, late), "GRANT");  // I7

  options = {};
  options.unit = Unit::TagSetAndKind;
  EXPECT_EQ(decided("L19", "C13"), "DENY permissive:Region");
  EXPECT_EQ(decided("L19", "C13", options), "GRANT");  // I8

  options = {};
  options.strict_privacy_mark = true;
  EXPECT_EQ(decided("L34", "C4", options), "GRANT");
  Label marked = labels().at("L34");
  marked.privacy_marks = {"OUR OWN WORDS"};
  EXPECT_TRUE(decide(acme(), marked, &clearances().at("C4"), summer(), {}).granted);
  EXPECT_EQ(answer(decide(acme(), marked, &clearances().at("C4"), summer(), options)), "DENY privacy-mark");
  marked.privacy_marks = {"CLEAR", "CLEAR"};
  EXPECT_EQ(answer(decide(acme(), marked, &clearances().at("C4"), summer(), {})), "DENY privacy-mark-count");
}

TEST(Decide, MinSelectionMayCountForTagsThatAreNotUsed) {
  Spif spif = acme().spif();
  spif.tags.front().min = 1;
  const auto policy = Policy::make(spif);
  ASSERT_TRUE(policy);
  Options options;
  EXPECT_TRUE(validate(*policy, labels().at("L01"), summer(), options));
  options.min_always = true;  // I12
  EXPECT_EQ(validate(*policy, labels().at("L01"), summer(), options).error().text(), "min-selection");
}

TEST(Decide, AnExclusionOfAllInTheOwnTagSetSparesTheValueItself) {
  Spif spif = acme().spif();
  Category& alpha = spif.tags.front().categories.front();
  alpha.excluded = {{.tag_set = spif.tag_sets.front().id, .kind = TagKind::RestrictiveBits, .lacv = {}}};
  const auto policy = Policy::make(spif);
  ASSERT_TRUE(policy);
  Options options;
  EXPECT_TRUE(validate(*policy, labels().at("L07"), summer(), options));
  EXPECT_EQ(validate(*policy, labels().at("L08"), summer(), options).error().text(), "excluded-category");
  options.all_excludes_itself = true;  // I19
  EXPECT_EQ(validate(*policy, labels().at("L07"), summer(), options).error().text(), "excluded-category");
}

TEST(Decide, AllStandsForEachCategoryOrForAnyOfThem) {
  Spif spif = acme().spif();
  Require& require = spif.classes[4].required.front();  // SECRET: Releasable To
  require.operation = Operation::OnlyOne;
  const auto policy = Policy::make(spif);
  ASSERT_TRUE(policy);
  Options options;
  EXPECT_TRUE(validate(*policy, labels().at("L04"), summer(), options));
  EXPECT_EQ(validate(*policy, labels().at("L05"), summer(), options).error().text(), "class-required-category");
  options.all_means = AllMeans::AnyPresent;  // I10
  EXPECT_TRUE(validate(*policy, labels().at("L05"), summer(), options));
}

TEST(Decide, ADecisionIsAGrantOnlyWhenItWasMadeOne) {
  EXPECT_FALSE(Decision{}.granted);
  EXPECT_EQ(answer(decide(acme(), labels().at("L01"), &clearances().at("C7"), summer(), {})), "DENY clearance-policy");
}

TEST(Decide, TellsWhatAClearanceHoldsInVain) {
  const UnknownInClearance unknown = unknown_in(acme(), clearances().at("C8"));
  EXPECT_EQ(unknown.classes, std::vector<Lacv>{12});
  EXPECT_EQ(unknown.categories.size(), 2U);
  EXPECT_TRUE(unknown_in(acme(), clearances().at("C1")).empty());
}

TEST(Policy, SaysHowLongAnAnswerHolds) {
  const SteadySpan span = acme().steady(summer());
  EXPECT_EQ(span.since, Time(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)));
  // KEEP-1Y ends; the last millisecond still belongs to it.
  EXPECT_EQ(span.until, Time(std::chrono::sys_days(std::chrono::year(2030) / 1 / 1)) + std::chrono::milliseconds(1));
  EXPECT_TRUE(validate(acme(), labels().at("L47"), span.until - std::chrono::milliseconds(1), {}));
  EXPECT_FALSE(validate(acme(), labels().at("L47"), span.until, {}));
  EXPECT_TRUE(span.holds(summer()));
  EXPECT_FALSE(span.holds(span.until));
}

}  // namespace
}  // namespace sallyport::policy::label
