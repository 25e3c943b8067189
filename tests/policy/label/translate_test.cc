#include "policy/label/translate.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/policy/label/sample_policies.h"

namespace sallyport::policy::label {
namespace {

using testing::acme;
using testing::clearances;
using testing::described;
using testing::labels;
using testing::nordia;
using testing::rows;
using testing::summer;

/// By the words of the vectors: "ACME to NORDIA, NORDIA SPIF reversed".
std::expected<Translation, Refusal> translated(const std::string& way, const Label& label, const Options& options) {
  const bool outwards = way.starts_with("ACME to");
  const Policy& from = outwards ? acme() : nordia();
  const Policy& to = outwards ? nordia() : acme();
  if (way.ends_with("forward"))
    return translate_forward(from, options, {.id = to.id(), .policy = &to, .options = options}, label, summer());
  return translate_reverse({.id = from.id(), .policy = &from, .options = options}, to, options, label, summer());
}

const Policy& target(const std::string& way) {
  return way.starts_with("ACME to") ? nordia() : acme();
}

TEST(Translate, LBL_06_TranslatesEveryVectorAsItsRowSays) {
  for (const auto& row : rows("vectors-translate.tsv")) {
    Options options;
    options.drop_informative = row[3] == "informative=drop";
    options.narrow_permissive = row[3] == "permissive=narrow";
    const auto result = translated(row[1], labels().at(row[2]), options);
    EXPECT_EQ(result ? described(target(row[1]), result->label) : "ERROR " + result.error().text(), row[4]) << row[0];
  }
}

TEST(Translate, LBL_06_JudgesAcrossPoliciesAsTheRowsSay) {
  for (const auto& row : rows("vectors-cross-policy.tsv")) {
    const auto result = translated(row[1], labels().at(row[2]), {});
    std::string answer = "GRANT";
    if (!result) {
      answer = "DENY translation:" + result.error().text();
    } else {
      const Decision decision = decide(target(row[1]), result->label, &clearances().at(row[3]), summer(), {});
      if (!decision.granted) answer = "DENY " + decision.refusal.text();
    }
    EXPECT_EQ(answer, row[4] == "GRANT" ? row[4] : "DENY " + row[5]) << row[0];
  }
}

TEST(Aggregate, LBL_06_PutsPartsTogetherAsTheRowsSay) {
  for (const auto& row : rows("vectors-dominant.tsv")) {
    std::vector<Label> parts;
    const std::size_t plus = row[1].find('+');
    parts.push_back(labels().at(row[1].substr(0, plus)));
    parts.push_back(labels().at(row[1].substr(plus + 1)));
    Options options;
    options.aggregation = row[2] == "adatp" ? Aggregation::Adatp : Aggregation::Safe;
    const auto whole = aggregate(acme(), parts, summer(), options);
    EXPECT_EQ(whole ? described(acme(), *whole) : "ERROR " + whole.error().text(), row[3]) << row[0];
  }
}

TEST(Translate, RefusesALabelThatIsNotValidUnderItsOwnPolicy) {
  const auto out = translated("ACME to NORDIA, ACME SPIF forward", labels().at("L11"), {});
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().text(), "source-invalid:required-category");
  const auto in = translated("NORDIA to ACME, ACME SPIF reversed", labels().at("L01"), {});
  ASSERT_FALSE(in);
  EXPECT_EQ(in.error().text(), "source-invalid:policy");
}

TEST(Translate, WithoutTheOtherSpifOnlyATableWithoutForeignRequirementsServes) {
  const Oid partner = nordia().id();
  const Options options;
  const auto out = translate_forward(acme(), {}, {.id = partner, .policy = nullptr, .options = options},
                                     labels().at("L02"), summer());
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().text(), "ambiguous-required");
  const auto in = translate_reverse({.id = partner, .policy = nullptr, .options = options}, acme(), {},
                                    labels().at("M05"), summer());
  ASSERT_TRUE(in);
  EXPECT_EQ(described(acme(), in->label), "CONFIDENTIAL | Projects:ALPHA | Administrative:PERSONAL");
  const auto unknown = translate_reverse({.id = partner, .policy = nullptr, .options = options}, acme(), {},
                                         labels().at("M06"), summer());
  EXPECT_EQ(unknown.error().text(), "category:2.999.258.2.1 enumerated permissive 752");
}

TEST(Translate, TellsWhenARequirementWidensAnAudience) {
  // CONFIDENTIAL brings Release:NO along; beside UK that lets Norway in as well.
  Label label = labels().at("L03");
  const auto alone = translated("ACME to NORDIA, ACME SPIF forward", label, {});
  ASSERT_TRUE(alone);
  EXPECT_FALSE(alone->widened);
  label.categories = labels().at("L04").categories;
  const auto beside = translated("ACME to NORDIA, ACME SPIF forward", label, {});
  ASSERT_TRUE(beside);
  EXPECT_TRUE(beside->widened);
  EXPECT_EQ(described(nordia(), beside->label), "GUARDED | Release:UK | Release:NO | Origin:ACME");
}

/// ACME with its table to NORDIA changed.
Policy changed(void (*change)(Spif& spif)) {
  Spif spif = acme().spif();
  change(spif);
  auto policy = Policy::make(std::move(spif));
  EXPECT_TRUE(policy);
  return std::move(*policy);
}

std::string out_by(const Policy& table, const std::string& label, const Options& options) {
  const auto out = translate_forward(table, options, {.id = nordia().id(), .policy = &nordia(), .options = options},
                                     labels().at(label), summer());
  return out ? described(nordia(), out->label) : "ERROR " + out.error().text();
}
std::string in_by(const Policy& table, const std::string& label, const Options& options) {
  const auto in = translate_reverse({.id = nordia().id(), .policy = &nordia(), .options = options}, table, options,
                                    labels().at(label), summer());
  return in ? described(table, in->label) : "ERROR " + in.error().text();
}

TEST(Translate, ARequirementWithAChoiceIsMetOrFails) {
  const Policy table = changed([](Spif& spif) {
    spif.classes[3].equivalents.front().required = {
        {.operation = Operation::OneOrMore,
         .items = {{.tag_set = "Release", .kind = TagKind::PermissiveEnum, .lacv = {}}}}};
  });
  Options options;
  EXPECT_EQ(out_by(table, "L03", options), "ERROR ambiguous-required");
  options.pick_first_required = true;  // I16
  EXPECT_EQ(out_by(table, "L03", options), "GUARDED | Release:UK | Origin:ACME");
}

TEST(Translate, SeveralClassesBackwardsAreAmbiguous) {
  const Policy table = changed([](Spif& spif) { spif.classes[2].equivalents = {spif.classes[3].equivalents.front()}; });
  Options options;
  EXPECT_EQ(in_by(table, "M01", options), "ERROR ambiguous");
  options.pick_highest_class = true;  // I17
  EXPECT_EQ(in_by(table, "M01", options), "CONFIDENTIAL | Releasable To:UK | Releasable To:NO");
}

TEST(Translate, OneToManyBackwardsNeedsAllTargets) {
  const Policy table = changed([](Spif& spif) { spif.tags.front().categories[3].required.clear(); });
  Options options;
  EXPECT_EQ(in_by(table, "M03", options), "ERROR category:C5");
  EXPECT_EQ(in_by(table, "M04", options), "CONFIDENTIAL | Projects:CHARLIE");
  options.any_target_suffices = true;  // I18
  EXPECT_EQ(in_by(table, "M03", options), "CONFIDENTIAL | Projects:CHARLIE");
}

TEST(Translate, AnEmptiedPermissiveTagOpensDataAndFails) {
  Options options;
  EXPECT_EQ(out_by(acme(), "L43", options), "ERROR permissive-emptied:Function");
  options.may_empty_permissive = true;  // I15
  EXPECT_EQ(out_by(acme(), "L43", options), "GUARDED | Release:NO | Origin:ACME");

  // To turn the last permissive value into an informative one empties the tag as well.
  const Policy informative = changed([](Spif& spif) {
    spif.tags[3].categories.front().equivalents.front().target =
        CatKey{*Oid::of_text("2.999.258.2.4"), TagKind::Informative, 3};
  });
  EXPECT_EQ(out_by(informative, "L17", {}), "ERROR permissive-emptied:Function");
}

TEST(Translate, NarrowingBackwardsLeavesSomethingOfTheTag) {
  Options options;
  options.narrow_permissive = true;  // I30
  EXPECT_EQ(in_by(acme(), "M10", options), "CONFIDENTIAL | Releasable To:UK");
  EXPECT_EQ(in_by(acme(), "M06", options), "ERROR permissive-emptied:Release");
}

TEST(Translate, MakesNothingObsolete) {
  const Policy table = changed([](Spif& spif) { spif.classes.front().obsolete = true; });
  EXPECT_EQ(in_by(table, "M07", {}), "ERROR result-invalid:obsolete-classification");
}

TEST(Aggregate, RefusesPartsThatAreNotValid) {
  const std::vector<Label> parts = {labels().at("L01"), labels().at("L11")};
  EXPECT_EQ(aggregate(acme(), parts, summer(), {}).error().text(), "source-invalid:required-category");
  EXPECT_FALSE(aggregate(acme(), {}, summer(), {}));
}

}  // namespace
}  // namespace sallyport::policy::label
