// The registry of reason codes, against itself, its page and the vectors.
#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/reason.h"
#include "policy/verdict.h"
#include "tests/places.h"
#include "tests/policy/vectors.h"

namespace sallyport::policy {
namespace {

constexpr std::array<std::string_view, kReasonCount> kEnumerators = {
#define SALLYPORT_REASON(enumerator, ...) std::string_view(#enumerator),
#include "policy/reasons.def"
#undef SALLYPORT_REASON
};

std::string pascal_case(std::string_view code) {
  std::string out;
  bool word_starts = true;
  for (const char c : code) {
    if (c == '.' || c == '-') {
      word_starts = true;
      continue;
    }
    out += word_starts ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    word_starts = false;
  }
  return out;
}

TEST(Reasons, HaveTheirCodeAsTheirName) {
  for (const ReasonRow& each : reasons())
    EXPECT_EQ(kEnumerators[static_cast<std::size_t>(each.reason)], pascal_case(each.code));
}

TEST(Reasons, HaveCodesOfAStageAndAReason) {
  for (const ReasonRow& each : reasons()) {
    EXPECT_EQ(std::ranges::count(each.code, '.'), 1) << each.code;
    EXPECT_EQ(each.code.find_first_not_of("abcdefghijklmnopqrstuvwxyz-."), std::string_view::npos) << each.code;
    EXPECT_EQ(reason(each.code), each.reason);
    EXPECT_TRUE(each.text.ends_with(".")) << each.code;
  }
  EXPECT_EQ(reason("shape.nothing"), std::nullopt);
}

TEST(Reasons, StandTogetherByStage) {
  std::set<std::string_view> seen;
  std::string_view last;
  for (const ReasonRow& each : reasons()) {
    if (stage_name(each.reason) == last) continue;
    last = stage_name(each.reason);
    EXPECT_TRUE(seen.insert(last).second) << "the rows of " << last << " stand in two places";
  }
}

TEST(Reasons, TellThePeerWhatTheirVerdictSays) {
  for (const ReasonRow& each : reasons()) {
    if (each.verdict == Verdict::Sever) {
      EXPECT_EQ(each.wire.kind, Wire::Kind::Stream) << each.code;
    }
    if (each.verdict == Verdict::Bounce) {
      EXPECT_TRUE(each.wire.kind == Wire::Kind::Stanza || each.wire.kind == Wire::Kind::Refusal) << each.code;
    }
    if (each.verdict == Verdict::Drop || each.verdict == Verdict::Alter || each.verdict == Verdict::Release) {
      EXPECT_EQ(each.wire.kind, Wire::Kind::Silence) << each.code;
    }
  }
}

/// What the pipeline gives for a stanza. Of the rest, `route`, `session` and `output` have their own tests, and
/// `policy.undecided` is what a Judgement starts as: that no stanza comes to it is the point. What `presence` says
/// depends on what came before: tests/policy/presence sees to those, and LabelReasons to those of `label`, which need
/// security policies.
bool is_for_vectors(const ReasonRow& each) {
  const std::string_view stage_of = stage_name(each.reason);
  return each.verdict && stage_of != "route" && stage_of != "session" && stage_of != "output" &&
         stage_of != "presence" && stage_of != "label" && each.reason != Reason::PolicyUndecided;
}

TEST(Reasons, OfStanzasHaveEachAVectorThatComesToThem) {
  std::set<std::string> seen;
  for (const testing::Vector& vector : testing::read_vectors()) {
    seen.insert(vector.reason);
    seen.insert(vector.findings.begin(), vector.findings.end());
  }
  for (const ReasonRow& each : reasons())
    if (is_for_vectors(each)) {
      EXPECT_TRUE(seen.contains(std::string(each.code))) << each.code;
    }
}

TEST(Reasons, ThatRefuseDecideAVector) {
  std::set<std::string> deciding;
  for (const testing::Vector& vector : testing::read_vectors()) deciding.insert(vector.reason);
  for (const ReasonRow& each : reasons())
    if (is_for_vectors(each) && each.verdict != Verdict::Alter && each.verdict != Verdict::Release) {
      EXPECT_TRUE(deciding.contains(std::string(each.code))) << each.code;
    }
}

std::string checked_in(const std::string& page) {
  std::ifstream in(std::filesystem::path(SALLYPORT_DOCS_DIR) / "reference" / page);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Reasons, KnowEveryCodeThatAnEdgeReports) {
  const std::regex code_literal("\"((?:edge|tls|sasl|stream)\\.[a-z-]+)\"");
  std::size_t found = 0;
  const auto edge = std::filesystem::path(SALLYPORT_TESTS_DIR).parent_path() / "proxy" / "edge";
  for (const auto& entry : std::filesystem::directory_iterator(edge)) {
    std::ifstream in(entry.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    for (std::sregex_iterator at(text.begin(), text.end(), code_literal), end; at != end; ++at, ++found)
      EXPECT_NE(reason((*at)[1].str()), std::nullopt) << entry.path() << ": " << (*at)[1];
  }
  EXPECT_GE(found, 10U);
}

TEST(Reasons, AreThoseOfTheReferencePage) {
  EXPECT_EQ(checked_in("reason-codes.md"), reason_reference())
      << "write it anew: cmake --build build/release --target reference";
}

TEST(Findings, AreASetInTheOrderOfTheRegistry) {
  Findings findings;
  EXPECT_TRUE(findings.empty());
  findings.add(Reason::AuditStalled);
  findings.add(Reason::ShapeLang);
  findings.add(Reason::PolicyGranted);
  findings.add(Reason::ShapeLang);
  std::vector<Reason> all;
  for (const Reason each : findings) all.push_back(each);
  EXPECT_THAT(all, ::testing::ElementsAre(Reason::PolicyGranted, Reason::ShapeLang, Reason::AuditStalled));
  EXPECT_TRUE(findings.has(Reason::ShapeLang));
  EXPECT_FALSE(findings.has(Reason::ShapeText));
}

TEST(Judgement, StartsAsDropAndUndecided) {
  const Judgement judgement;
  EXPECT_EQ(judgement.verdict, Verdict::Drop);
  EXPECT_EQ(judgement.reason, Reason::PolicyUndecided);
}

TEST(Stage, IsFoundByItsName) {
  for (unsigned i = 0; i <= static_cast<unsigned>(kLastStage); ++i)
    EXPECT_EQ(stage(name(static_cast<Stage>(i))), static_cast<Stage>(i));
  EXPECT_EQ(stage("colour"), std::nullopt);
}

}  // namespace
}  // namespace sallyport::policy
