#include "policy/label/stanag4774.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "tests/policy/label/meaning.h"
#include "tests/policy/label/sample_policies.h"
#include "tests/policy/label/samples.h"
#include "tests/policy/label/trees.h"

namespace sallyport::policy::label {
namespace {

using testing::acme;
using testing::sample_lexicon;
using testing::text_of;
using testing::Tree;

std::map<std::string, std::string> meanings() {
  std::map<std::string, std::string> found;
  for (const auto& row : testing::rows("labels-ess/labels.tsv")) found[row[0]] = row[3];
  return found;
}

Label meant(const std::string& id) {
  Label label = testing::label_of(meanings().at(id));
  label.format = Format::Stanag4774;
  return label;
}

const std::map<std::string, std::pair<std::string, LabelRole>> kGood = {
    {"L01", {"L01", LabelRole::Originator}},
    {"L05", {"L05", LabelRole::Originator}},
    {"L05-noprefix-nouri", {"L05", LabelRole::Originator}},
    {"L07", {"L07", LabelRole::Originator}},
    {"L12", {"L12", LabelRole::Originator}},
    {"L19", {"L19", LabelRole::Originator}},
    {"L23", {"L23", LabelRole::Originator}},
    {"L34", {"L34", LabelRole::Originator}},
    {"M01", {"M01", LabelRole::Originator}},
    {"M05", {"M05", LabelRole::Originator}},
    {"alternative-M01", {"M01", LabelRole::Alternative}},
    {"legacy-root-L01", {"L01", LabelRole::Legacy}},
    {"metadata-L02", {"L02", LabelRole::Metadata}},
    {"odd-split-category", {"L05", LabelRole::Originator}},
    {"odd-url-attr", {"L05", LabelRole::Originator}},
    {"succession-L03-to-L02", {"L03", LabelRole::Originator}},
};

TEST(Stanag4774, LBL_02_EveryGoodLabelOfTheSamplesMeansTheSameAsInEss) {
  for (const auto& [file, wanted] : kGood) {
    const Tree tree(text_of("labels-4774/" + file + ".xml"));
    const auto label = decode_4774(tree.root(), sample_lexicon());
    ASSERT_TRUE(label) << file << ' ' << static_cast<int>(label.error());
    EXPECT_EQ(label->label, meant(wanted.first)) << file;
    EXPECT_EQ(label->role, wanted.second) << file;
    EXPECT_EQ(write_date_time(label->created), "2026-02-03T04:05:06Z") << file;
  }
}

TEST(Stanag4774, LBL_02_WhatNeedsADecisionIsRefusedForTheReasonThatItsFileGives) {
  const std::map<std::string, Misreading> rows = {
      {"bad-lowercase-type", Misreading::Malformed},
      {"bad-nocreation", Misreading::Malformed},
      {"bad-two-info", Misreading::Malformed},
      {"odd-foreign-child", Misreading::Malformed},
      {"odd-integer-value", Misreading::Malformed},
      {"odd-phrase-as-name", Misreading::UnknownCategory},
      {"odd-policy-conflict", Misreading::PolicyConflict},
      {"odd-unknown-value", Misreading::UnknownCategory},
      {"odd-wrong-kind", Misreading::UnknownCategory},
  };
  for (const auto& [file, misreading] : rows) {
    const Tree tree(text_of("labels-4774/" + file + ".xml"));
    const auto label = decode_4774(tree.root(), sample_lexicon());
    ASSERT_FALSE(label) << file;
    EXPECT_EQ(label.error(), misreading) << file;
  }
}

TEST(Stanag4774, ACategoryWithoutValueIsKeptInMind) {
  const Tree tree(text_of("labels-4774/odd-empty-category.xml"));
  const auto label = decode_4774(tree.root(), sample_lexicon());
  ASSERT_TRUE(label);
  EXPECT_EQ(label->label, [] {
    Label wanted = testing::label_of("ACME CONFIDENTIAL + empty restrictive element for 2.999.258.1.1");
    wanted.format = Format::Stanag4774;
    return wanted;
  }());
}

TEST(Stanag4774, NamesAreComparedExactlyWhereThatIsAskedFor) {
  const Tree odd(text_of("labels-4774/L05-noprefix-nouri.xml"));
  EXPECT_EQ(decode_4774(odd.root(), sample_lexicon(NameCase::Exact)).error(), Misreading::UnknownPolicy);
  const Tree plain(text_of("labels-4774/L05.xml"));
  EXPECT_TRUE(decode_4774(plain.root(), sample_lexicon(NameCase::Exact)));
}

TEST(Stanag4774, LBL_02_WhatIsWrittenIsReadBackAndWrittenAlike) {
  for (const auto& [id, meaning] : meanings()) {
    const Label label = testing::label_of(meaning);
    const Policy& policy = id[0] == 'M' ? testing::nordia() : acme();
    inspect::Arena arena;
    const auto created = *read_date_time("2026-06-01T12:00:00Z");
    const inspect::Node* root = encode_4774(label, policy, LabelRole::Originator, created, arena);
    const bool has_names = meaning.find("(n") == std::string::npos && label.empty.empty();
    EXPECT_EQ(root != nullptr, has_names) << id;
    if (!root) continue;
    const std::string xml = testing::written(*root);
    const Tree tree(xml);
    const auto again = decode_4774(tree.root(), sample_lexicon(NameCase::Exact));
    ASSERT_TRUE(again) << id;
    EXPECT_EQ(again->label, meant(id)) << id;
    EXPECT_EQ(again->created, created) << id;
    EXPECT_EQ(testing::written(*encode_4774(again->label, policy, again->role, again->created, arena)), xml) << id;
  }
}

TEST(Stanag4774, WritesOneCategoryForEachTagInTheOrderOfTheSpif) {
  inspect::Arena arena;
  const Label label = meant("L19");
  const auto* root = encode_4774(label, acme(), LabelRole::Alternative, Seconds{}, arena);
  ASSERT_TRUE(root);
  EXPECT_EQ(testing::written(*root),
            "<alternativeConfidentialityLabel xmlns='urn:nato:stanag:4774:confidentialitymetadatalabel:1:0'>"
            "<ConfidentialityInformation>"
            "<PolicyIdentifier URI='urn:oid:2.999.258.1'>ACME</PolicyIdentifier>"
            "<Classification>CONFIDENTIAL</Classification>"
            "<Category TagName='Communities' Type='PERMISSIVE' URI='urn:oid:2.999.258.1.4'>"
            "<GenericValue>OPS</GenericValue></Category>"
            "<Category TagName='Communities' Type='PERMISSIVE' URI='urn:oid:2.999.258.1.4'>"
            "<GenericValue>NORTH</GenericValue></Category>"
            "</ConfidentialityInformation>"
            "<CreationDateTime>1970-01-01T00:00:00Z</CreationDateTime>"
            "</alternativeConfidentialityLabel>");
}

TEST(Stanag4774Clearance, LBL_06_EveryXmlClearanceMeansTheSameAsItsTwin) {
  std::map<std::string, Clearance> twins;
  for (const auto& row : testing::rows("clearances/clearances.tsv")) twins[row[0]] = testing::clearance_of(row[4]);
  for (const std::string id : {"C1", "C2", "C4", "C7", "C10", "C11"}) {
    const Tree tree(text_of("clearances/" + id + ".xml"));
    const auto clearance = decode_4774_clearance(tree.root(), sample_lexicon());
    ASSERT_TRUE(clearance) << id;
    EXPECT_EQ(*clearance, twins.at(id)) << id;
    const Policy& policy = id == "C7" ? testing::nordia() : acme();
    inspect::Arena arena;
    const auto* root = encode_4774_clearance(*clearance, policy, arena);
    ASSERT_TRUE(root) << id;
    const Tree again(testing::written(*root));
    EXPECT_EQ(decode_4774_clearance(again.root(), sample_lexicon()), clearance) << id;
  }
}

TEST(Stanag4774Clearance, RefusesWhatIsNone) {
  const std::string good = text_of("clearances/C2.xml");
  ASSERT_TRUE(decode_4774_clearance(Tree(good).root(), sample_lexicon()));
  const auto with = [&](const std::string& old, const std::string& other) {
    std::string text = good;
    for (std::size_t at = text.find(old); at != std::string::npos; at = text.find(old, at + other.size()))
      text.replace(at, old.size(), other);
    const auto clearance = decode_4774_clearance(Tree(text).root(), sample_lexicon());
    return clearance ? std::optional<Misreading>() : clearance.error();
  };
  EXPECT_EQ(with("ConfidentialityClearance", "ConfidentialityLabel"), Misreading::UnknownFormat);
  EXPECT_EQ(with(">SECRET<", ">SECRETS<"), Misreading::UnknownClassification);
  EXPECT_EQ(with(">UK<", ">U.K.<"), Misreading::UnknownCategory);
  EXPECT_EQ(with("2.999.258.1\"", "2.999.258.2\""), Misreading::PolicyConflict);
  EXPECT_EQ(with("slab:Classification>", "slab:GenericValue>"), Misreading::Malformed);
  EXPECT_EQ(with("ClassificationList>", "ClassList>"), Misreading::Malformed);
}

std::string bound(const std::string& inside, const std::string& beside = "") {
  return "<b:BindingInformation xmlns:b='urn:nato:stanag:4778:bindinginformation:1:0'>" + beside +
         "<b:MetadataBindingContainer><b:MetadataBinding>" + inside +
         "</b:MetadataBinding></b:MetadataBindingContainer></b:BindingInformation>";
}

std::string metadata(const std::string& files) {
  std::string xml = "<b:Metadata>";
  std::istringstream in(files);
  for (std::string file; in >> file;) xml += text_of("labels-4774/" + file + ".xml");
  return xml + "</b:Metadata>";
}

TEST(Stanag4778, I23_UnwrapsOneOriginatorLabelAndNothingThatHasTwoReadings) {
  const std::string data = "<b:DataReference URI='#body'/>";
  const Tree one(bound(metadata("L05") + data));
  const auto labels = unbind_4778(one.root());
  ASSERT_TRUE(labels);
  EXPECT_EQ(decode_4774(*labels->originator, sample_lexicon())->label, meant("L05"));
  EXPECT_TRUE(labels->alternatives.empty());

  for (const std::string& both : {metadata("L05 alternative-M01"), metadata("L05") + metadata("alternative-M01")}) {
    const Tree two(bound(both + data, "<s:Signature xmlns:s='http://www.w3.org/2000/09/xmldsig#'/>"));
    const auto read = unbind_4778(two.root());
    ASSERT_TRUE(read);
    ASSERT_EQ(read->alternatives.size(), 1U);
    EXPECT_EQ(decode_4774(*read->alternatives[0], sample_lexicon())->label, meant("M01"));
  }

  const std::string second = "<b:MetadataBindingContainer/>";
  for (const std::string& refused : {bound(metadata("L05") + metadata("L01")), bound(metadata("alternative-M01")),
                                     bound(metadata("metadata-L02")), bound(metadata("L05"), second),
                                     bound("<b:MetadataReference URI='#x'/>"), bound(""), bound(metadata("L05") + "x")})
    EXPECT_FALSE(unbind_4778(Tree(refused).root())) << refused;
}

TEST(DateTime, IsReadStrictlyAndWrittenInUtc) {
  const std::map<std::string, std::string> good = {
      {"2026-02-03T04:05:06Z", "2026-02-03T04:05:06Z"},      {" 2026-02-03T04:05:06 ", "2026-02-03T04:05:06Z"},
      {"2026-02-03T04:05:06.789Z", "2026-02-03T04:05:06Z"},  {"2026-01-01T00:30:00+02:00", "2025-12-31T22:30:00Z"},
      {"2024-02-29T23:59:59-05:30", "2024-03-01T05:29:59Z"},
  };
  for (const auto& [text, wanted] : good) {
    const auto time = read_date_time(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(write_date_time(*time), wanted) << text;
  }
  for (const char* text :
       {"", "2026-02-03", "2026-02-30T00:00:00Z", "2026-02-03T24:00:00Z", "2026-02-03T04:60:00Z",
        "2026-02-03T04:05:06.Z", "2026-02-03T04:05:06z", "2026-02-03 04:05:06Z", "0000-01-01T00:00:00Z",
        "+2026-02-03T04:05:06Z", "2026-02-03T04:05:06Z0", "2026-02-03T04:05:06+15:00", "2026-2-3T04:05:06Z"})
    EXPECT_FALSE(read_date_time(text)) << text;
}

}  // namespace
}  // namespace sallyport::policy::label
