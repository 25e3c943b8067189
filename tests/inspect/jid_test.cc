#include "inspect/jid.h"

#include <gtest/gtest.h>

namespace sallyport::inspect {
namespace {

// What parse gives: the address, or the fault in parentheses.
std::string read(std::string_view text, JidProfile profile) {
  const auto jid = Jid::parse(text, profile);
  return jid ? std::string(jid->full()) : "(" + std::string(name(jid.error())) + ")";
}
std::string ascii(std::string_view text) {
  return read(text, JidProfile::Ascii);
}
std::string unicode(std::string_view text) {
  return read(text, JidProfile::Unicode);
}
std::string domain(std::string_view text) {
  const auto prepared = Jid::prepare_domain(text);
  return prepared ? *prepared : "(" + std::string(name(prepared.error())) + ")";
}

TEST(Jid, GivesItsParts) {
  const auto full = Jid::parse("Ann@Alpha.test./Phone 1");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->full(), "ann@alpha.test/Phone 1");
  EXPECT_EQ(full->bare(), "ann@alpha.test");
  EXPECT_EQ(full->local(), "ann");
  EXPECT_EQ(full->domain(), "alpha.test");
  EXPECT_EQ(full->resource(), "Phone 1");
  EXPECT_FALSE(full->is_bare());
  const auto service = Jid::parse("alpha.test");
  ASSERT_TRUE(service);
  EXPECT_EQ(service->local(), "");
  EXPECT_EQ(service->domain(), "alpha.test");
  EXPECT_EQ(service->bare(), "alpha.test");
  EXPECT_TRUE(service->is_bare());
  const auto at_service = Jid::parse("alpha.test/x");
  ASSERT_TRUE(at_service);
  EXPECT_EQ(at_service->local(), "");
  EXPECT_EQ(at_service->domain(), "alpha.test");
  EXPECT_EQ(at_service->resource(), "x");
}

TEST(Jid, SplitsBeforeAnyMapping) {
  const auto jid = Jid::parse("a.example/b@example.net/c");
  ASSERT_TRUE(jid);
  EXPECT_EQ(jid->domain(), "a.example");
  EXPECT_EQ(jid->resource(), "b@example.net/c");
  EXPECT_EQ(ascii("x@y/z@w"), "x@y/z@w");
}

struct Row {
  const char* text;
  const char* ascii;
  const char* unicode;
};

TEST(Jid, AsciiRows) {
  const std::string long_local(64, 'a'), longer_local(65, 'a'), longest_local(256, 'a');
  const std::string resource(512, 'r');
  const std::string label(63, 'l');
  const std::string long_domain = label + "." + label + "." + label + "." + std::string(61, 'l');
  EXPECT_EQ(ascii(long_local + "@b"), long_local + "@b");
  EXPECT_EQ(ascii(longer_local + "@b"), "(too-long)");
  EXPECT_EQ(unicode(longest_local + "@b"), longest_local + "@b");
  EXPECT_EQ(unicode(longest_local + "a@b"), "(too-long)");
  EXPECT_EQ(ascii("b/" + resource), "b/" + resource);
  EXPECT_EQ(ascii("b/" + resource + "r"), "(too-long)");
  EXPECT_EQ(long_domain.size(), 253u);
  EXPECT_EQ(ascii(long_domain), long_domain);
  EXPECT_EQ(ascii("l" + long_domain), "(domain-invalid)");
  EXPECT_EQ(ascii(label + "l.test"), "(domain-invalid)");
  EXPECT_EQ(ascii(std::string(3072, 'x')), "(too-long)");
  const std::pair<const char*, const char*> rows[] = {
      {"", "(empty)"},
      {"@b", "(empty-part)"},
      {"a@", "(empty-part)"},
      {"b/", "(empty-part)"},
      {"/r", "(empty-part)"},
      {"@", "(empty-part)"},
      {"a@b@c", "(domain-invalid)"},
      {"a b@c", "(localpart-forbidden)"},
      {"a\"b@c", "(localpart-forbidden)"},
      {"a&b@c", "(localpart-forbidden)"},
      {"a'b@c", "(localpart-forbidden)"},
      {"a:b@c", "(localpart-forbidden)"},
      {"a<b@c", "(localpart-forbidden)"},
      {"a>b@c", "(localpart-forbidden)"},
      {"a\nb@c", "(localpart-forbidden)"},
      {"a\\20b@c", "a\\20b@c"},
      {"!#$%()*+,-.;=?[\\]^_`{|}~@c", "!#$%()*+,-.;=?[\\]^_`{|}~@c"},
      {"a@b/ r", "(resource-forbidden)"},
      {"a@b/r ", "(resource-forbidden)"},
      {"a@b/r\nx", "(resource-forbidden)"},
      {"a@b/R", "a@b/R"},
      {"a@b.", "a@b"},
      {"a@b..", "(domain-invalid)"},
      {"a@.b", "(domain-invalid)"},
      {"a@b..c", "(domain-invalid)"},
      {"a@-b", "(domain-invalid)"},
      {"a@b-.c", "(domain-invalid)"},
      {"a@b_c", "(domain-invalid)"},
      {"a@b c", "(domain-invalid)"},
      {"a@192.0.2.1", "(domain-invalid)"},
      {"a@[2001:db8::1]", "(domain-invalid)"},
      {"a@2001:db8::1", "(domain-invalid)"},
      {"a@ab--c", "(domain-invalid)"},
      {"a@3com.test", "a@3com.test"},
      {"a\xFF@b", "(bad-utf8)"},
      {"\xEF\xBB\xBF"
       "a@b",
       "(bad-utf8)"},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(ascii(text), expected) << text;
}

// The table of protocol.md 5.8.
TEST(Jid, Z_52_LocalpartsOnWhichTheTwoPreparationsDisagreeAreRefused) {
  const Row rows[] = {
      {"ad\xC2\xAD"
       "min@b",
       "(localpart-forbidden)", "(localpart-forbidden)"},  // soft hyphen
      {"ad\xE2\x80\x8B"
       "min@b",
       "(localpart-forbidden)", "(localpart-forbidden)"},  // zero width space
      {"ad\xE2\x80\x8D"
       "min@b",
       "(localpart-forbidden)", "(localpart-forbidden)"},  // zero width joiner
      {"ad\xEF\xB8\x8F"
       "min@b",
       "(localpart-forbidden)", "(localpart-forbidden)"},  // variation selector
      {"fu\xC3\x9F"
       "ball@b",
       "(localpart-forbidden)", "(localpart-disagree)"},                    // sharp s
      {"\xE1\xBA\x9E@b", "(localpart-forbidden)", "(localpart-disagree)"},  // capital sharp s
      {"\xCF\x82@b", "(localpart-forbidden)", "(localpart-disagree)"},      // final sigma
      {"\xC5\xBF"
       "ecurity@b",
       "(localpart-forbidden)", "(localpart-forbidden)"},                    // long s
      {"\xE2\x85\xA3@b", "(localpart-forbidden)", "(localpart-forbidden)"},  // Roman numeral four
      {"\xEF\xAC\x81@b", "(localpart-forbidden)", "(localpart-forbidden)"},  // ligature fi
      {"\xE2\x84\xAA@b", "(localpart-forbidden)", "(localpart-forbidden)"},  // Kelvin sign
      {"a\xEF\xBC\x8F"
       "b@c",
       "(localpart-forbidden)", "(localpart-disagree)"},  // fullwidth solidus
      {"a\xEF\xBC\xA0"
       "b@c",
       "(localpart-forbidden)", "(localpart-disagree)"},  // fullwidth @
      {"a\xEF\xB9\xAB"
       "b@c",
       "(localpart-forbidden)", "(localpart-forbidden)"},                        // small @
      {"\xE2\x84\x80@b", "(localpart-forbidden)", "(localpart-forbidden)"},      // account of
      {"\xF0\x9F\x98\x80@b", "(localpart-forbidden)", "(localpart-forbidden)"},  // emoji
      {"a\xCC\x80\xE2\x80\x8F@b", "(localpart-forbidden)", "(localpart-forbidden)"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(ascii(row.text), row.ascii) << row.text;
    EXPECT_EQ(unicode(row.text), row.unicode) << row.text;
  }
}

TEST(Jid, UnicodeLocalpartsOnWhichBothAgreeAreTaken) {
  const std::pair<const char*, const char*> rows[] = {
      {"M\xC3\x9CLLER@b", "m\xC3\xBCller@b"},
      {"mu\xCC\x88ller@b", "m\xC3\xBCller@b"},  // decomposed
      {"\xEF\xBC\xA1nn@b", "ann@b"},            // fullwidth A: both map it
      {"\xD0\xB8\xD0\xB2\xD0\xB0\xD0\xBD@b", "\xD0\xB8\xD0\xB2\xD0\xB0\xD0\xBD@b"},
      {"\xE5\xB1\xB1\xE3\x81\xAE@b", "\xE5\xB1\xB1\xE3\x81\xAE@b"},  // Han with Hiragana is Japanese
      {"\xD7\xA9\xD7\x9C@b", "\xD7\xA9\xD7\x9C@b"},
      {"\xD0\xB0"
       "dmin@b",
       "(localpart-forbidden)"},  // Cyrillic a among Latin letters
      {"\xD7\xA9"
       "a@b",
       "(localpart-forbidden)"},  // a letter that runs the other way
      {"\xD9\xA1\xDB\xB1\xD8\xA8@b", "(localpart-forbidden)"},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(unicode(text), expected) << text;
}

TEST(Jid, Z_52_Domains) {
  const std::pair<const char*, const char*> rows[] = {
      {"Alpha.TEST", "alpha.test"},
      {"m\xC3\xBCller.test", "m\xC3\xBCller.test"},
      {"M\xC3\x9CLLER.test.", "m\xC3\xBCller.test"},
      {"xn--mller-kva.test", "m\xC3\xBCller.test"},
      {"XN--MLLER-KVA.TEST", "m\xC3\xBCller.test"},
      {"xn--a.test", "(domain-invalid)"},
      {"xn--test-.test", "(domain-invalid)"},
      {"xn--alpha-.test", "(domain-invalid)"},
      {"b\xE2\x80\xA4"
       "example",
       "(domain-invalid)"},  // one dot leader
      {"b\xE2\x80\xA5"
       "example",
       "(domain-invalid)"},  // two dot leader
      {"b\xEF\xBC\x8E"
       "example",
       "(domain-invalid)"},  // fullwidth full stop
      {"b\xE3\x80\x82"
       "example",
       "(domain-invalid)"},  // ideographic full stop
      {"b\xEF\xBD\xA1"
       "example",
       "(domain-invalid)"},  // halfwidth ideographic full stop
      {"ad\xC2\xAD"
       "min.test",
       "(domain-invalid)"},
      {"fa\xC3\x9F.test", "(domain-disagree)"},
      {"\xCF\x82.test", "(domain-disagree)"},
      {"\xEF\xBC\xA1.test", "(domain-invalid)"},
      {"\xE2\x98\x95.test", "(domain-invalid)"},
      {"\xE2\x84\xAA.test", "(domain-invalid)"},
      {"xn--fa-hia.test", "(domain-disagree)"},
      {"", "(empty)"},
      {".", "(domain-invalid)"},
      {"m\xC3\xBC..test", "(domain-invalid)"},
      {"m\xC3\xBC-.test", "(domain-invalid)"},
      {"\xD7\xA9"
       "a.test",
       "(domain-invalid)"},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(domain(text), expected) << text;
}

TEST(Jid, GivesTheALabelFormOfADomain) {
  EXPECT_EQ(Jid::to_ascii("alpha.test"), "alpha.test");
  EXPECT_EQ(Jid::to_ascii("m\xC3\xBCller.test"), "xn--mller-kva.test");
  EXPECT_EQ(Jid::to_ascii("a b"), "");
}

TEST(Jid, ResourcesAreNormalisedTextAndStayAsTheyAre) {
  const std::pair<const char*, const char*> rows[] = {
      {"b/\xF0\x9F\x98\x80\xEF\xB8\x8F", "b/\xF0\x9F\x98\x80\xEF\xB8\x8F"},  // emoji with a variation selector
      {"b/M\xC3\xBC", "b/M\xC3\xBC"},
      {"b/Mu\xCC\x88", "(resource-forbidden)"},  // not NFC
      {"b/a\xE2\x80\xAE"
       "b",
       "(resource-forbidden)"},  // right-to-left override
      {"b/a\xE2\x81\xA6"
       "b",
       "(resource-forbidden)"},
      {"b/a\xE2\x80\x8F"
       "b",
       "(resource-forbidden)"},
      {"b/\xC2\xA0"
       "a",
       "(resource-forbidden)"},
      {"b/\xC3\xA4\t", "(resource-forbidden)"},
      {"b/a\xC2\x85", "(bad-utf8)"},
      {"b/a\xE2\x80\xA8", "(bad-utf8)"},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(ascii(text), expected) << text;
}

TEST(Jid, PreparingTwiceChangesNothing) {
  for (const char* text : {"M\xC3\x9CLLER@xn--mller-kva.test/\xC3\xA4", "Ann@Alpha.Test./R", "\xEF\xBC\xA1nn@b"}) {
    const std::string once = unicode(text);
    EXPECT_EQ(unicode(once), once);
  }
}

TEST(JidCache, GivesWhatParseGivesAlsoWhenItIsFull) {
  JidCache cache(16);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 200; ++i) {
      const std::string text = "User" + std::to_string(i) + "@b";
      const auto& jid = cache.parse(text, JidProfile::Ascii);
      ASSERT_TRUE(jid);
      EXPECT_EQ(jid->full(), "user" + std::to_string(i) + "@b");
    }
  }
  EXPECT_EQ(cache.parse("@b", JidProfile::Ascii).error(), JidFault::EmptyPart);
  EXPECT_EQ(cache.parse("@b", JidProfile::Ascii).error(), JidFault::EmptyPart);
  EXPECT_FALSE(cache.parse("\xC3\xBC@b", JidProfile::Ascii));
  EXPECT_TRUE(cache.parse("\xC3\xBC@b", JidProfile::Unicode));
  EXPECT_EQ(cache.parse(std::string(4000, 'x'), JidProfile::Ascii).error(), JidFault::TooLong);
}

}  // namespace
}  // namespace sallyport::inspect
