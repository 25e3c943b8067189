#include "policy/label/marking.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/policy/label/sample_policies.h"

namespace sallyport::policy::label {
namespace {

using testing::acme;
using testing::labels;
using testing::nordia;
using testing::rows;
using testing::summer;

std::string marked(const Policy& policy, const Label& label, const Options& options = {}, Place at = Place::PageBottom,
                   std::string_view lang = "") {
  const auto resolved = validate(policy, label, summer(), options);
  if (!resolved) return "ERROR " + resolved.error().text();
  return marking(policy, *resolved, at, lang, options, label.privacy_marks).value_or("ERROR too long");
}

TEST(Marking, LBL_03_ShowsEveryVectorAsItsRowSays) {
  for (const auto& row : rows("vectors-marking.tsv")) {
    const Label& label = labels().at(row[1]);
    const Policy& policy = row[1].starts_with('L') ? acme() : nordia();
    const std::string lang = row[3] == "-" ? "" : row[3];
    EXPECT_EQ(marked(policy, label, {}, place(row[2]).value(), lang), row[4]) << row[0];
    const auto shown = colours(policy.class_at(*policy.class_number(*label.classification)));
    EXPECT_EQ(shown ? shown->background : "-", row[5]) << row[0];
    EXPECT_EQ(shown ? shown->foreground : "-", row[6]) << row[0];
  }
}

TEST(Marking, TheOtherReadingsShowOtherwise) {
  Options options;
  options.name_beside_phrase = true;  // I9
  EXPECT_EQ(marked(acme(), labels().at("L05"), options), "ACME SECRET REL TO UK, FR FRANCE");
  options = {};
  options.mark_privacy = true;  // I14
  EXPECT_EQ(marked(acme(), labels().at("L34"), options), "ACME INTERNAL CLEAR");
  options = {};
  options.codeless_at_bottom_only = true;  // I13: noNameDisplay without place hides at the bottom only
  EXPECT_EQ(marked(acme(), labels().at("L40")), "ACME SECRET");
  EXPECT_EQ(marked(acme(), labels().at("L40"), {}, Place::PageTop), "ACME SECRET");
  EXPECT_EQ(marked(acme(), labels().at("L40"), options), "ACME SECRET");
  EXPECT_EQ(marked(acme(), labels().at("L40"), options, Place::PageTop), "ACME SECRET REL TO ACME-FAMILY");
}

TEST(Marking, LBL_03_IsNeverCut) {
  Spif spif = acme().spif();
  spif.markings.qualifiers = {
      {.code = QualifierCode::Prefix, .text = std::string(1013, 'x'), .lang = {}, .places = {}}};
  const auto fits = Policy::make(spif);
  spif.markings.qualifiers.front().text += 'x';
  const auto too_long = Policy::make(spif);
  ASSERT_TRUE(fits && too_long);
  EXPECT_EQ(marked(*fits, labels().at("L01")).size(), 1024U);
  EXPECT_EQ(marked(*too_long, labels().at("L01")), "ERROR too long");
}

TEST(Marking, ClassAndPolicyTextsGiveWayToTheirCodes) {
  Spif spif = acme().spif();
  Category& alpha = spif.tags.front().categories.front();
  alpha.markings.data = {{.phrase = {}, .lang = {}, .codes = kSuppressClassName}};
  alpha.markings.qualifiers = {{.code = QualifierCode::Suffix, .text = "!", .lang = {}, .places = {}}};
  spif.class_markings.qualifiers = {{.code = QualifierCode::Prefix, .text = "CLASS ", .lang = {}, .places = {}}};
  const auto policy = Policy::make(spif);
  ASSERT_TRUE(policy);
  EXPECT_EQ(marked(*policy, labels().at("L07")), "ACME PROJECT ALPHA! REL TO UK");
  EXPECT_EQ(marked(*policy, labels().at("L03")), "ACME CLASS CONFIDENTIAL");
  EXPECT_EQ(marked(*policy, labels().at("L31")), "ACME STRATEGIC CLASS TOP SECRET HANDLE AS EYES-A");
}

TEST(Marking, KnowsTheColoursOfTheSchema) {
  for (const std::string colour : {"aqua", "fuschia", "fuchsia", "yellow", "#4169E1", "#4169e1"})
    EXPECT_TRUE(is_colour(colour)) << colour;
  for (const std::string colour : {"", "orange", "#4169E", "#4169E1F", "#4169G1", "#+169E1", "Red"})
    EXPECT_FALSE(is_colour(colour)) << colour;
  Class plain;
  EXPECT_FALSE(colours(plain));
}

}  // namespace
}  // namespace sallyport::policy::label
