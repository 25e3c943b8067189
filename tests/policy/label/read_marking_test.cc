#include "policy/label/read_marking.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "policy/label/marking.h"
#include "tests/policy/label/random_policy.h"
#include "tests/policy/label/sample_policies.h"

namespace sallyport::policy::label {
namespace {

using testing::acme;
using testing::Chance;
using testing::labels;
using testing::nordia;
using testing::random_label;
using testing::random_spif;
using testing::rows;
using testing::summer;

constexpr std::uint32_t kRuns = 2'000;

MarkedLabels read(const Policy& policy, std::string_view text, Place at = Place::PageBottom,
                  std::string_view lang = "") {
  return read_marking(policy, text, at, lang, summer(), {});
}

/// What the marking says of it.
Label without_marks(Label label) {
  label.privacy_marks.clear();
  label.format = Format::Made;
  return label;
}

TEST(ReadMarking, LBL_03_FindsTheLabelOfEveryVector) {
  std::size_t single = 0;
  for (const auto& row : rows("vectors-marking.tsv")) {
    const Policy& policy = row[1].starts_with('L') ? acme() : nordia();
    const std::string lang = row[3] == "-" ? "" : row[3];
    const Label label = without_marks(labels().at(row[1]));
    const MarkedLabels found = read(policy, row[4], place(row[2]).value(), lang);
    EXPECT_TRUE(found.is_complete) << row[0];
    EXPECT_NE(std::ranges::find(found.labels, label), found.labels.end()) << row[0];
    single += found.labels.size() == 1 ? 1 : 0;
  }
  EXPECT_GE(single, 3U);  // NORDIA shows all its values
}

TEST(ReadMarking, TellsOfValuesThatNeedNotBeShown) {
  // KEEP-1Y is never shown, so the marking of INTERNAL stands for both labels.
  const MarkedLabels found = read(acme(), "ACME INTERNAL");
  EXPECT_GT(found.labels.size(), 1U);
  EXPECT_NE(std::ranges::find(found.labels, labels().at("L02"), without_marks), found.labels.end());
  EXPECT_NE(std::ranges::find(found.labels, labels().at("L47"), without_marks), found.labels.end());
}

TEST(ReadMarking, FindsNothingInWhatIsNoMarking) {
  for (const char* text :
       {"", "ACME", "ACME ", "SECRET", "ACME  PUBLIC", "acme public", "ACME PUBLIC ", "ACME SECRET REL TO",
        "ACME SECRET REL TO UK,", "ACME SECRET REL TO FRANCE, UK", "ACME PUBLIC PUBLIC", "ACME SECRET"}) {
    const MarkedLabels found = read(acme(), text);
    EXPECT_TRUE(found.is_complete) << text;
    // "ACME SECRET" is that of a label whose only releases are not shown.
    if (std::string(text) != "ACME SECRET") EXPECT_TRUE(found.labels.empty()) << text;
  }
}

TEST(ReadMarking, WhatIsFoundIsValidAndHasThatMarking) {
  std::size_t read_back = 0, unique = 0;
  for (std::uint32_t seed = 0; seed < kRuns; ++seed) {
    Chance chance(seed);
    const auto policy = Policy::make(random_spif(chance, 1));
    ASSERT_TRUE(policy) << seed;
    const Label label = without_marks(random_label(chance, *policy));
    const auto resolved = validate(*policy, label, summer(), {});
    if (!resolved) continue;
    const auto text = marking(*policy, *resolved, Place::PageBottom, "", {});
    ASSERT_TRUE(text) << seed;
    const MarkedLabels found = read(*policy, *text);
    EXPECT_TRUE(!found.is_complete || std::ranges::find(found.labels, label) != found.labels.end()) << seed << *text;
    ++read_back;
    unique += found.is_complete && found.labels.size() == 1 ? 1 : 0;
    for (const Label& each : found.labels) {
      const auto again = validate(*policy, each, summer(), {});
      ASSERT_TRUE(again) << seed;
      EXPECT_EQ(marking(*policy, *again, Place::PageBottom, "", {}), *text) << seed;
    }
  }
  EXPECT_GT(read_back, kRuns / 20);
  EXPECT_GT(unique, kRuns / 40);
}

TEST(ReadMarking, GivesUpWhereThereAreTooManyWays) {
  // Forty values that are all shown alike: a marking of twenty could be any twenty of them.
  Spif spif = acme().spif();
  Tag& tag = spif.tags.back();
  const Category one = tag.categories.back();
  tag.categories.clear();
  for (Lacv n = 0; n < 40; ++n) {
    tag.categories.push_back(one);
    tag.categories.back().name = "value " + std::to_string(n);
    tag.categories.back().lacv = 1000 + n;
    tag.categories.back().obsolete = false;
    tag.categories.back().markings = {};
    tag.categories.back().markings.data.push_back({.phrase = "X", .lang = {}, .codes = 0});
  }
  tag.single = false;
  tag.max.reset();
  tag.qualifiers.clear();
  const auto policy = Policy::make(std::move(spif));
  ASSERT_TRUE(policy) << policy.error();
  std::string text = "ACME INTERNAL ";
  for (int i = 0; i < 20; ++i) text += i == 0 ? "X" : "/X";
  const MarkedLabels found = read(*policy, text);
  EXPECT_FALSE(found.is_complete);
  EXPECT_LE(found.labels.size(), kMostMarkedLabels);
}

}  // namespace
}  // namespace sallyport::policy::label
