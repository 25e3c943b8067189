#include "policy/label/ess.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "inspect/base64.h"
#include "tests/policy/label/meaning.h"
#include "tests/policy/label/samples.h"

namespace sallyport::policy::label {
namespace {

using ber::Rules;
using testing::octets_of_hex;
using testing::rows;
using testing::sample_facts;

Label as(Label label, Format format) {
  label.format = format;
  return label;
}

TEST(Ess, LBL_02_EveryLabelOfTheSamplesMeansWhatItsRowSays) {
  for (const auto& row : rows("labels-ess/labels.tsv")) {
    const auto label = decode_ess_text(row[1], Rules::Der, sample_facts());
    ASSERT_TRUE(label) << row[0];
    const Label wanted = testing::label_of(row[3]);
    EXPECT_EQ(*label, as(wanted, Format::Ess)) << row[0];
    EXPECT_EQ(decode_ess(octets_of_hex(row[2]), Rules::Ber, {}), label) << row[0];
    // The rows were made by other encoders; ours gives the same octets.
    EXPECT_EQ(encode_ess(wanted, CategorySyntax::Acp145, sample_facts()), octets_of_hex(row[2])) << row[0];
  }
}

TEST(Ess, LBL_02_MissiLabelsMeanTheSameAsTheirTwins) {
  std::map<std::string, std::string> meanings;
  for (const auto& row : rows("labels-ess/labels.tsv")) meanings[row[0]] = row[3];
  for (const auto& row : rows("labels-ess/missi.tsv")) {
    const auto label = decode_ess_text(row[1], Rules::Der, sample_facts());
    if (row[0].ends_with("-level3")) {
      EXPECT_EQ(label.has_value(), false) << row[0];
      continue;
    }
    ASSERT_TRUE(label) << row[0];
    const Label wanted = testing::label_of(meanings.at(row[0].substr(0, row[0].find('-'))));
    EXPECT_EQ(*label, as(wanted, Format::Missi)) << row[0];
    // Levels are not written.
    if (row[0].ends_with("-missi"))
      EXPECT_EQ(encode_ess(*label, CategorySyntax::Missi, sample_facts()), octets_of_hex(row[2])) << row[0];
  }
}

/// What the column `expected` of irregular.tsv comes to.
struct Irregular {
  std::string meaning;  ///< "": refused
  bool refused_by_der = false;
  Misreading misreading = Misreading::Malformed;
};
const std::map<std::string, Irregular> kIrregular = {
    {"B05", {"L05", true}},
    {"B06", {"L05", true}},
    {"B07", {"", true, Misreading::UnknownCategorySyntax}},
    {"B09", {"L05", false}},
    {"B14", {"ACME CONFIDENTIAL + Projects:ALPHA", false}},
    {"B18", {"L03", true}},
    {"B25b", {"ACME INTERNAL + Administrative:STAFF + privacy mark CLEAR", false}},
    {"B26b", {"L04", false}},
    {"B29", {"ACME INTERNAL + Administrative:STAFF", false}},
};

TEST(Ess, LBL_02_IrregularInputIsReadOrRefusedAsItsRowSays) {
  std::map<std::string, std::string> meanings;
  for (const auto& row : rows("labels-ess/labels.tsv")) meanings[row[0]] = row[3];
  std::size_t read = 0;
  for (const auto& row : rows("labels-ess/irregular.tsv")) {
    const std::string& id = row[0];
    if (id == "B03" || id == "B33b") continue;  // they mean something that the words do not say; below
    const bool known = kIrregular.contains(id);
    EXPECT_EQ(known && !kIrregular.at(id).meaning.empty(), row[3].starts_with("decode")) << id;
    const Irregular wanted = known ? kIrregular.at(id) : Irregular{};
    const auto label = decode_ess_text(row[1], Rules::Ber, sample_facts());
    if (wanted.meaning.empty()) {
      ASSERT_FALSE(label) << id;
      EXPECT_EQ(label.error(), wanted.misreading) << id;
      EXPECT_FALSE(decode_ess_text(row[1], Rules::Der, sample_facts())) << id;
      continue;
    }
    ASSERT_TRUE(label) << id;
    const auto twin = meanings.find(wanted.meaning);
    EXPECT_EQ(*label, as(testing::label_of(twin == meanings.end() ? wanted.meaning : twin->second), Format::Ess)) << id;
    EXPECT_EQ(decode_ess_text(row[1], Rules::Der, sample_facts()).has_value(), !wanted.refused_by_der) << id;
    ++read;
  }
  EXPECT_EQ(read, 8U);
}

TEST(Ess, AnAbsentPolicyAndALongPrivacyMarkAreReadAsTheyAre) {
  for (const auto& row : rows("labels-ess/irregular.tsv")) {
    const auto label = decode_ess_text(row[1], Rules::Der, sample_facts());
    if (row[0] == "B03") {
      ASSERT_TRUE(label);
      EXPECT_TRUE(label->policy.empty());
      EXPECT_EQ(label->classification, 253U);
      EXPECT_EQ(label->privacy_marks, std::vector<std::string>{"Aqua (obsolete)"});
    } else if (row[0] == "B33b") {
      ASSERT_TRUE(label);
      EXPECT_EQ(label->privacy_marks, std::vector<std::string>{std::string(129, 'x')});
    }
  }
}

/// More that has two readings or hides something; octets in hex.
TEST(Ess, RefusesWhatHasTwoReadings) {
  const std::map<std::string, std::string> inputs = {
      {"nothing", ""},
      {"a length without octets", "3181"},
      {"a length of 2^64", "318900000000000000000a020101"},
      {"an end of contents as a member", "310c020101060588378202010000"},
      {"an indefinite length that never ends", "3180020101"},
      {"a primitive of indefinite length", "310c020106800588378202010000"},
      {"a high tag number",
       "310b02010106058837820201"
       "1f"},
      {"a BIT STRING of 9 unused bits",
       "312a02010306058837820201311e301c800a60864801650201080300a10e300c060688378202010103020900"},
      {"a constructed BIT STRING",
       "312c020103060588378202013120301e800a60864801650201080300a110300e06068837820201012304030206"
       "40"},
      {"a category without value", "311a02010306058837820201310e300c800a60864801650201080300"},
      {"an empty set of categories", "310c020103060588378202013100"},
      {"a privacy mark of two lines", "310f020103060588378202010c03410a42"},
      {"a privacy mark that is no UTF-8", "310e020103060588378202010c02c328"},
      {"a PrintableString with an at sign", "310d02010306058837820201130140"},
      {"the same category twice",
       "314802010306058837820201313c301c800a60864801650201080300a10e300c060688378202010103020640301c800a608648016502010"
       "80300"
       "a10e300c060688378202010103020640"},
  };
  for (const auto& [what, hex] : inputs) {
    const auto label = decode_ess(octets_of_hex(hex), Rules::Ber, sample_facts());
    ASSERT_FALSE(label) << what;
    EXPECT_EQ(label.error(), Misreading::Malformed) << what;
  }
}

TEST(Ess, MissiEnumeratedValuesNeedThePolicyToSayWhichKindTheyAre) {
  for (const auto& row : rows("labels-ess/missi.tsv")) {
    if (row[0] != "L05-missi") continue;
    EXPECT_EQ(decode_ess_text(row[1], Rules::Ber, {}).error(), Misreading::UnknownTagSet);
  }
}

TEST(Ess, MissiLevelMustRepeatTheClassification) {
  // L07's restrictive tag with a level in front: [1] { INTEGER, BIT STRING }.
  const auto with_level = [](Lacv level) {
    const std::string tag_set = ber::write(ber::kOid, Oid::of_text("2.999.258.1.1")->content());
    const std::string tag = ber::write(0xA1, ber::write_integer(level) + ber::write_bits(ber::kBitString, {1}));
    const std::string named = ber::write(ber::kSequence, tag_set + ber::write(ber::kSequence, tag));
    const std::string type = ber::write(0x80, Oid::of_text("2.16.840.1.101.2.1.8.1")->content());
    const std::string category = ber::write(ber::kSequence, type + ber::write(0xA1, ber::write(ber::kSet, named)));
    const std::string policy = ber::write(ber::kOid, Oid::of_text("2.999.258.1")->content());
    return ber::write(ber::kSet, ber::write_integer(3) + policy + ber::write(ber::kSet, category));
  };
  EXPECT_TRUE(decode_ess(with_level(3), Rules::Der, {}));
  EXPECT_FALSE(decode_ess(with_level(4), Rules::Der, {}));
}

TEST(Ess, RefusesToEncodeWhatTheFormatHasNoPlaceFor) {
  const Label good = testing::label_of("ACME SECRET + Projects:ALPHA");
  ASSERT_TRUE(encode_ess(good, CategorySyntax::Acp145, {}));
  Label label = good;
  label.classification = kLargestEssClass + 1;
  EXPECT_FALSE(encode_ess(label, CategorySyntax::Acp145, {}));
  label = good;
  label.categories[0].lacv = kLargestBit + 1;
  EXPECT_FALSE(encode_ess(label, CategorySyntax::Acp145, {}));
  label = good;
  label.privacy_marks = {"ONE", "TWO"};
  EXPECT_FALSE(encode_ess(label, CategorySyntax::Acp145, {}));
  label.privacy_marks = {"two\nlines"};
  EXPECT_FALSE(encode_ess(label, CategorySyntax::Acp145, {}));
  label = testing::label_of("ACME SECRET + Releasable To:UK");
  EXPECT_TRUE(encode_ess(label, CategorySyntax::Missi, sample_facts()));
  EXPECT_FALSE(encode_ess(label, CategorySyntax::Missi, {}));
  label = good;
  label.categories.clear();
  for (Lacv arc = 0; arc < 65; ++arc)
    label.categories.push_back({*Oid::of_text("2.999." + std::to_string(arc)), TagKind::RestrictiveBits, 1});
  label.settle();
  EXPECT_FALSE(encode_ess(label, CategorySyntax::Acp145, {}));
}

TEST(Ess, TextBeyondTheLimitIsRefusedUnread) {
  std::string text = rows("labels-ess/labels.tsv").front()[1];
  EXPECT_TRUE(decode_ess_text(text + std::string(kLargestLabelText - text.size(), ' '), Rules::Ber, {}));
  EXPECT_FALSE(decode_ess_text(text + std::string(kLargestLabelText - text.size() + 1, ' '), Rules::Ber, {}));
}

TEST(Clearance, LBL_06_EveryFormOfTheSamplesMeansWhatItsRowSays) {
  for (const auto& row : rows("clearances/clearances.tsv")) {
    const Clearance wanted = testing::clearance_of(row[4]);
    const std::string octets = octets_of_hex(row[3]);
    const auto clearance = decode_clearance(octets, Rules::Der, sample_facts());
    ASSERT_TRUE(clearance) << row[0] << ' ' << row[1];
    EXPECT_EQ(*clearance, wanted) << row[0] << ' ' << row[1];
    EXPECT_EQ(octets_of_text(row[2]), octets) << row[0];
    if (row[1] == "rfc5755") EXPECT_EQ(encode_clearance(wanted, sample_facts()), octets) << row[0];
  }
}

TEST(Clearance, RefusesWhatIsNoClearance) {
  const std::map<std::string, std::string> inputs = {
      {"nothing", ""},
      {"a label", "310a02010106058837820201"},
      {"no policy",
       "30040302"
       "0602"},
      {"tagged policy, untagged classes", "300b8005883782020103020640"},
      {"classes twice",
       "300f"
       "0605883782020103020640"
       "03020640"},
      {"an unused bit that is set", "300b0605883782020103020641"},
      {"an empty set of categories",
       "300906058837820201"
       "3100"},
      {"a label's MISSI category",
       "303e06058837820201030206403130302e8009608648016502010801a121311f301d06068837820201013013a104030206"
       "40"},
  };
  for (const auto& [what, hex] : inputs) EXPECT_FALSE(decode_clearance(octets_of_hex(hex), Rules::Ber, {})) << what;
}

TEST(Clearance, DerHasNoTrailingZerosAndNoDefaultInTheClassList) {
  // 2.999.258.1 with {1} spelt out, and with {2} followed by a zero bit.
  for (const std::string_view hex : {"300b0605883782020103020640", "300b0605883782020103020420"}) {
    EXPECT_TRUE(decode_clearance(octets_of_hex(hex), Rules::Ber, {})) << hex;
    EXPECT_FALSE(decode_clearance(octets_of_hex(hex), Rules::Der, {})) << hex;
  }
}

}  // namespace
}  // namespace sallyport::policy::label
