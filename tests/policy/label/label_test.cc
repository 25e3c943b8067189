#include "policy/label/label.h"

#include <array>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace sallyport::policy::label {
namespace {

using namespace std::string_literals;

TEST(Oid, IsReadFromTextAndFromOctetsAlike) {
  const std::array<std::pair<std::string, std::string>, 7> rows = {{
      {"2.999.258.1", "\x88\x37\x82\x02\x01"s},
      {"2.16.840.1.101.2.1.8.3.1", "\x60\x86\x48\x01\x65\x02\x01\x08\x03\x01"s},
      {"0.0", "\x00"s},
      {"0.39", "\x27"s},
      {"1.39", "\x4f"s},
      {"2.0", "\x50"s},
      {"2.0.9223372036854775807", "\x50\xff\xff\xff\xff\xff\xff\xff\xff\x7f"s},
  }};
  for (const auto& [text, octets] : rows) {
    const auto oid = Oid::of_text(text);
    ASSERT_TRUE(oid) << text;
    EXPECT_EQ(oid->content(), octets) << text;
    EXPECT_EQ(oid->text(), text);
    EXPECT_EQ(Oid::of_content(octets), oid) << text;
  }
}

TEST(Oid, RefusesTextThatIsNone) {
  for (const std::string text : {"", "2", "2.", ".2", "3.1", "0.40", "1.40", "2.01", "2..1", "2.1.", "2.1 ", "2.-1",
                                 "2.+1", "2.1a", "2.0.9223372036854775808", "2.9223372036854775807"})
    EXPECT_FALSE(Oid::of_text(text)) << text;
  std::string long_one = "2.1";
  for (int i = 0; i < 30; ++i) long_one += ".1";
  EXPECT_TRUE(Oid::of_text(long_one));
  EXPECT_FALSE(Oid::of_text(long_one + ".1"));
}

TEST(Oid, RefusesOctetsThatAreNone) {
  for (const std::string& octets :
       {""s, "\x80\x01"s, "\x50\x80\x01"s, "\x88"s, "\x50\xff"s, "\x50\x81\x80\x80\x80\x80\x80\x80\x80\x80\x00"s})
    EXPECT_FALSE(Oid::of_content(octets));
  EXPECT_TRUE(Oid::of_content(std::string(31, '\x01')));
  EXPECT_FALSE(Oid::of_content(std::string(32, '\x01')));
}

TEST(Oid, KnowsWhatLiesBelowIt) {
  const Oid family = *Oid::of_text("2.16.840.1.101.2.1.8.3");
  EXPECT_TRUE(Oid::of_text("2.16.840.1.101.2.1.8.3.4")->is_below(family));
  EXPECT_TRUE(family.is_below(family));
  EXPECT_FALSE(Oid::of_text("2.16.840.1.101.2.1.8.1")->is_below(family));
}

TEST(Label, MeansTheSameWhateverTheOrderTheFormatAndTheMark) {
  const Oid set = *Oid::of_text("2.999.258.1.1");
  Label one;
  one.policy = *Oid::of_text("2.999.258.1");
  one.classification = 4;
  Label other = one;
  one.categories = {{set, TagKind::RestrictiveBits, 2}, {set, TagKind::RestrictiveBits, 1}};
  other.categories = {
      {set, TagKind::RestrictiveBits, 1}, {set, TagKind::RestrictiveBits, 2}, {set, TagKind::RestrictiveBits, 1}};
  other.format = Format::Ess;
  other.privacy_marks = {"CLEAR"};
  one.settle();
  other.settle();
  EXPECT_TRUE(same_meaning(one, other));
  EXPECT_TRUE(one.has({set, TagKind::RestrictiveBits, 2}));
  EXPECT_FALSE(one.has({set, TagKind::PermissiveBits, 2}));

  Label lower = one;
  lower.classification = 3;
  EXPECT_FALSE(same_meaning(one, lower));
  Label classless = one;
  classless.classification.reset();
  EXPECT_FALSE(same_meaning(one, classless));
  Label hollow = one;
  hollow.empty = {{set, TagKind::PermissiveBits}};
  EXPECT_FALSE(same_meaning(one, hollow));
}

TEST(Label, TravelsFieldByField) {
  const Oid set = *Oid::of_text("2.999.258.1.1");
  Label label;
  label.policy = *Oid::of_text("2.999.258.1");
  label.classification = 4;
  label.categories = {{set, TagKind::PermissiveEnum, 826}};
  label.empty = {{set, TagKind::Informative}};
  label.privacy_marks = {"CLEAR"};
  label.format = Format::Stanag4774;
  std::string octets;
  inspect::OctetWriter(octets).field(label);
  Label again;
  inspect::OctetReader reader(octets);
  reader.field(again);
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(again, label);
}

TEST(Clearance, IsASetOfClassesAndValues) {
  const Oid set = *Oid::of_text("2.999.258.1.1");
  Clearance clearance;
  clearance.policy = *Oid::of_text("2.999.258.1");
  clearance.classes = {4, 1, 4};
  clearance.categories = {{set, TagKind::RestrictiveBits, 9}, {set, TagKind::RestrictiveBits, 1}};
  clearance.settle();
  EXPECT_EQ(clearance.classes, (std::vector<Lacv>{1, 4}));
  EXPECT_TRUE(clearance.has_class(4));
  EXPECT_FALSE(clearance.has_class(2));
  EXPECT_TRUE(clearance.has({set, TagKind::RestrictiveBits, 9}));
  EXPECT_FALSE(clearance.has({set, TagKind::RestrictiveBits, 2}));
}

}  // namespace
}  // namespace sallyport::policy::label
