// Claims: what is understood, and what is said where it is not; and proofs that a person can follow.
#include "policy/proof/claim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/proof/matrix.h"
#include "policy/source/files.h"
#include "policy/source/source.h"
#include "tests/places.h"

namespace sallyport::policy::proof {
namespace {

using ::testing::HasSubstr;

constexpr label::Time kSummer{std::chrono::sys_days(std::chrono::year(2026) / 6 / 1)};

Bundle bundle_of(const std::string& name, const std::string& from = "", const std::string& to = "") {
  const std::string path = std::string(SALLYPORT_TESTS_DIR) + "/policy/vectors/" + name;
  const auto read = source::files_beside(path);
  std::string text = read(name).value().text;
  if (!from.empty()) text.replace(text.find(from), from.size(), to);
  auto compiled = source::compile(text, path, read);
  if (!compiled) throw std::runtime_error(inspect::describe(compiled.error().front()));
  return std::move(compiled->bundle);
}

std::string fault_of(const std::string& text) {
  const auto claim = read_claim(text, bundle_of("label_rules.toml"));
  return claim ? "none" : claim.error();
}

Proof proof_of(const std::string& text, const Bundle& bundle) {
  const auto claim = read_claim(text, bundle);
  if (!claim) throw std::runtime_error(claim.error());
  return prove(*claim, bundle, {.time = kSummer});
}

TEST(Claim, SaysWhatItDoesNotUnderstand) {
  const std::pair<const char*, const char*> rows[] = {
      {"nothing above TOP SECRET crosses", "none"},
      {"no message  of acme/SECRET and with Projects:ALPHA crosses from north.test to enclave:east", "none"},
      {"some presence without label crosses to dora@east.test", "none"},
      {"nothing with Releasable To:UK without acme/Function:OPS crosses", "none"},
      {"", "a claim begins with nothing, no, something or some"},
      {"all crosses", "a claim begins with nothing, no, something or some, not with 'all'"},
      {"no mail crosses", "'no' is followed by message, presence or iq, not by 'mail'"},
      {"nothing", "the claim ends where 'crosses' is expected"},
      {"nothing over SECRET crosses", "'over' stands where above, below, of, with, without or crosses is expected"},
      {"nothing above crosses", "'above' is followed by no name"},
      {"nothing above SECRT crosses", "has the class 'SECRT'; did you mean 'SECRET'?"},
      {"nothing with Projects:ALPHO crosses", "has the value 'Projects:ALPHO'; did you mean 'Projects:ALPHA'?"},
      {"nothing crosses towards north.test", "'towards' stands where from or to is expected"},
      {"nothing crosses to", "'to' is followed by no place"},
      {"nothing crosses to west.test", "no enclave owns the domain 'west.test'"},
      {"nothing crosses to enclave:west", "there is no enclave 'west'"},
      {"nothing crosses to ann@north.test/r", "is neither a domain, an enclave nor a bare JID"},
      {"nothing crosses to north.test to east.test", "'to' stands there twice"},
  };
  for (const auto& [text, fault] : rows) EXPECT_THAT(fault_of(text), HasSubstr(fault)) << text;
}

TEST(Claim, EveryWordOfTheGrammarIsInItsText) {
  for (const char* word : {"nothing", "something", "message", "presence", "iq", "above", "below", "of CLASS", "with ",
                           "without", "without label", "crosses", "from", "to", "enclave:NAME"})
    EXPECT_THAT(claim_grammar(), HasSubstr(word));
}

TEST(Proof, HoldsOrShowsAStanza) {
  const Bundle bundle = bundle_of("label_rules.toml");
  const std::pair<const char*, const char*> rows[] = {
      {"nothing above CONFIDENTIAL crosses to south.test", "fails"},  // by the two functions
      {"nothing of SECRET without Function:OPS crosses to south.test", "holds"},
      {"nothing above CONFIDENTIAL crosses to dora@east.test", "fails"},  // sealed
      {"nothing with Projects:ALPHA crosses", "holds"},
      {"something of TOP SECRET crosses to south.test", "holds"},
      {"no iq crosses", "holds"},
      {"no message without label crosses to south.test", "fails"},
      {"some presence crosses from east.test", "holds"},
      {"nothing crosses from south.test to south.test", "holds"},
  };
  for (const auto& [text, outcome] : rows) {
    const Proof proof = proof_of(text, bundle);
    EXPECT_EQ(name(proof.outcome), outcome) << text << " " << proof.why;
    const bool shows = std::string(text).starts_with("some") == (std::string(outcome) == "holds");
    EXPECT_EQ(proof.example.has_value(), shows) << text;
  }
}

TEST(Proof, NamesWhatTheClaimDoesNotSpeakAbout) {
  const Bundle bundle = bundle_of("label_rules.toml");
  EXPECT_THAT(proof_of("nothing with Projects:ALPHA crosses to south.test", bundle).notes,
              ::testing::UnorderedElementsAre(
                  "message without label crosses there", "message:error without label crosses there",
                  "presence without label crosses there", "presence:error without label crosses there"));
}

TEST(Proof, DecidesNothingWhereNobodyLooksAtLabels) {
  const Bundle bundle = bundle_of("rules.toml");
  const Proof proof = proof_of("nothing without label crosses", bundle);
  EXPECT_EQ(proof.outcome, Outcome::Undecided);
  EXPECT_THAT(proof.why, HasSubstr("switched off"));
  EXPECT_EQ(proof_of("no message crosses from pubsub.south.test", bundle).outcome, Outcome::Holds);
}

TEST(Proof, LooksAtOneTimeOrAtAllThatCome) {
  const Bundle bundle = bundle_of("rules.toml");
  const auto claim = read_claim("some message crosses from cid@north.test to bea@south.test", bundle);
  ASSERT_TRUE(claim);
  const auto at = [&](int hour, bool only) {
    return prove(*claim, bundle, {.time = kSummer + std::chrono::hours(hour), .only = only});
  };
  EXPECT_EQ(at(9, true).outcome, Outcome::Holds);
  EXPECT_EQ(at(19, true).outcome, Outcome::Fails);
  const Proof later = at(19, false);
  ASSERT_TRUE(later.example.has_value());
  EXPECT_EQ(later.example->time, kSummer + std::chrono::days(1) + std::chrono::hours(8));
}

TEST(Matrix, TellsForEachLabelAndWayWhetherItCrosses) {
  const Matrix made = matrix(bundle_of("label_rules.toml"), {.time = kSummer});
  std::vector<std::string> labels;
  for (const MatrixLabel& label : made.labels) labels.push_back(label.name);
  EXPECT_THAT(labels, ::testing::ElementsAre("PUBLIC", "INTERNAL", "LEGACY", "CONFIDENTIAL", "SECRET", "TOP SECRET",
                                             "OPEN", "LIMITED", "GUARDED", "SEALED", "internal", "no label"));
  EXPECT_EQ(made.labels[4].background, "red");
  EXPECT_EQ(made.labels[4].foreground, "white");
  for (const MatrixRow& row : made.rows) {
    if (row.from != "north.test" || row.to != "south.test") continue;
    EXPECT_EQ(row.cells[0].answer, MatrixAnswer::Yes);
    EXPECT_EQ(row.cells[0].rule, "low");
    EXPECT_EQ(row.cells[2].answer, MatrixAnswer::No);  // LEGACY: no rule
    EXPECT_EQ(row.cells[2].reason, Reason::PolicyNoRule);
    EXPECT_EQ(row.cells[4].answer, MatrixAnswer::InPart);  // SECRET with both functions
    EXPECT_THAT(row.cells[4].example, HasSubstr("ACME SECRET"));
    EXPECT_EQ(row.cells[6].answer, MatrixAnswer::No);  // OPEN is no label of north's, and is not translated
    EXPECT_EQ(row.cells[11].answer, MatrixAnswer::Yes);
    return;
  }
  FAIL() << "the way from north to south is missing";
}

}  // namespace
}  // namespace sallyport::policy::proof
