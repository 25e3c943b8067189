// Folding and matching of text. What the stage does with it is tested by the vectors content.vec.
#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/content/fold.h"
#include "policy/content/matcher.h"

namespace sallyport::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string skeleton(std::string_view text) {
  Folder folder;
  folder.plain(text);
  return folder.skeleton().text;
}

TEST(Fold, MakesAlikeWhatLooksAlike) {
  const std::string wanted = skeleton("secret");
  for (const std::string_view text : {
           "SECRET",
           "s\xD0\xB5\x63ret",                         // Cyrillic ie
           "\xEF\xBC\xB3\xEF\xBC\xA5\xEF\xBC\xA3ret",  // fullwidth
           "se\xE2\x80\x8B\x63r\xE2\x81\xA0\x65t",     // zero-width space, word joiner
           "se\xC2\xAD\x63ret",                        // soft hyphen
           "\xF0\x9D\x90\xAC\x65\x63\x72\x65\x74",     // mathematical bold s
           "se\xCC\x81\x63ret",                        // combining acute
           "s\xC3\xA9\x63ret",                         // e with acute
       })
    EXPECT_EQ(skeleton(text), wanted) << text;
  EXPECT_EQ(skeleton("0ption1"), skeleton("Optionl"));
  EXPECT_NE(skeleton("secrets"), wanted);
}

TEST(Fold, MakesRunsOfWhiteSpaceOneSpace) {
  Folder folder;
  EXPECT_EQ(folder.plain("Top \n\t SECRET").text, "top secret");
  EXPECT_EQ(folder.plain("top\xC2\xA0\xE3\x80\x80secret").text, "top secret");
}

TEST(Fold, KnowsWhereEachOctetComesFrom) {
  Folder folder;
  const std::string_view text = "a\xEF\xAC\x81\x62";  // the ligature fi becomes two letters
  const Folded& folded = folder.plain(text);
  EXPECT_EQ(folded.text, "afib");
  EXPECT_THAT(folded.from, ElementsAre(0, 1, 1, 4, 5));
}

std::shared_ptr<const ContentMatcher> matcher(const ContentRule& rule) {
  auto made = ContentMatcher::make({&rule, 1}, 1);
  if (!made) throw std::runtime_error(made.error());
  return *made;
}
ContentRule rule_of(std::vector<std::string> words, std::vector<std::string> patterns = {}) {
  ContentRule rule;
  rule.id = "r";
  rule.places = bit(TextPlace::Body);
  rule.words = std::move(words);
  rule.patterns = std::move(patterns);
  rule.peerings = {0};
  return rule;
}
std::vector<std::string> found(const ContentMatcher& in, const std::string& text) {
  Folder folder;
  std::vector<ContentMatcher::Hit> hits;
  in.match(0, TextPlace::Body, text, folder, hits);
  std::vector<std::string> all;
  for (const auto& hit : hits)
    for (const Range& range : hit.ranges) all.push_back(text.substr(range.begin, range.end - range.begin));
  return all;
}

TEST(Content, FindsWordsWholeAndEveryOneOfThem) {
  const auto words = matcher(rule_of({"Falcon", "top secret"}));
  EXPECT_THAT(found(*words, "FALCON falcon, (falcon)"), ElementsAre("FALCON", "falcon", "falcon"));
  EXPECT_THAT(found(*words, "falconry a_falcon1"), IsEmpty());
  EXPECT_THAT(found(*words, "Top\n  Secret!"), ElementsAre("Top\n  Secret"));
  EXPECT_THAT(found(*words, "F\xD0\xB0lc0n"), ElementsAre("F\xD0\xB0lc0n"));
  EXPECT_THAT(found(*words, ""), IsEmpty());
}

TEST(Content, AWordIsNoPattern) {
  const auto words = matcher(rule_of({"a.c", "c++"}));
  EXPECT_THAT(found(*words, "abc"), IsEmpty());
  EXPECT_THAT(found(*words, "a.c and c++"), ElementsAre("a.c", "c++"));
}

TEST(Content, PatternsSeeFoldedTextWithItsDigits) {
  const auto patterns = matcher(rule_of({}, {R"(\bcase [0-9]{4}\b)", R"(\b1l1\b)"}));
  EXPECT_THAT(found(*patterns, "CASE  0815, \xEF\xBC\xA3\x61se 1234"),
              ElementsAre("CASE  0815", "\xEF\xBC\xA3\x61se 1234"));
  EXPECT_THAT(found(*patterns, "case 81"), IsEmpty());
}

TEST(Content, LinksLeadWhereTheyMayOrAreFound) {
  ContentRule rule = rule_of({});
  rule.links = true;
  rule.link_hosts = {"example.org"};
  const auto links = matcher(rule);
  EXPECT_THAT(found(*links, "see https://example.org/a and http://www.example.org:8080/b"), IsEmpty());
  EXPECT_THAT(found(*links, "see https://example.org.evil.test/a"), ElementsAre("https://example.org.evil.test/a"));
  EXPECT_THAT(found(*links, "see HTTPS://example.org@evil.test/"), ElementsAre("HTTPS://example.org@evil.test/"));
  EXPECT_THAT(found(*links, "notexample.org www.evil.test"), ElementsAre("www.evil.test"));
  EXPECT_THAT(found(*links, "mailto:a@example.org"), ElementsAre("mailto:a@example.org"));
}

TEST(Content, CountsOctetsAndLinksOfOneText) {
  ContentRule rule = rule_of({});
  rule.most_octets = 10;
  rule.most_links = 1;
  const auto limits = matcher(rule);
  Folder folder;
  const auto hits = [&](std::string_view text) {
    std::vector<ContentMatcher::Hit> all;
    limits->match(0, TextPlace::Body, text, folder, all);
    return all.size();
  };
  EXPECT_EQ(hits("0123456789"), 0u);
  EXPECT_EQ(hits("0123456789a"), 1u);
  EXPECT_EQ(hits("x://a x://"), 0u);
  EXPECT_EQ(hits("x:a"), 0u);
}

TEST(Content, TellsAPatternThatIsNone) {
  const ContentRule bad = rule_of({}, {"("});
  EXPECT_FALSE(ContentMatcher::make({&bad, 1}, 1));
  const ContentRule empty = rule_of({}, {"a*"});
  EXPECT_FALSE(ContentMatcher::make({&empty, 1}, 1));
}

TEST(Content, P13_TenThousandWordsAreFoundInOneRun) {
  std::vector<std::string> words;
  for (unsigned i = 0; i < 10'000; ++i) {
    std::string word;
    for (unsigned rest = i * 2654435761U; word.size() < 8; rest = rest * 1664525U + 1013904223U)
      word += static_cast<char>('a' + rest % 26);
    words.push_back(word);
  }
  const std::string last = words.back();
  const auto many = matcher(rule_of(std::move(words)));
  EXPECT_THAT(found(*many, "one of them is " + last + "."), ElementsAre(last));
  EXPECT_THAT(found(*many, "none of them is here"), IsEmpty());
}

}  // namespace
}  // namespace sallyport::policy
