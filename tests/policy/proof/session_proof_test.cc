// Proofs and the matrix where clients log in across the boundary: what crosses in their sessions counts.
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

/// Clients in the north have accounts in the south, and servers say nothing to each other.
constexpr std::string_view kPolicy = R"([policy]
name = "sessions"
[stages]
off = ["payload", "presence", "content", "rate"]

[enclave.north]
[enclave.north.labels]
policy = "acme"
clearances = ["low"]
[[enclave.north.domain]]
name = "north.test"

[enclave.south]
[enclave.south.labels]
policy = "acme"
clearances = ["all"]
[[enclave.south.domain]]
name = "south.test"
components = ["rooms.south.test"]

[label_policy.acme]
file = "../label/data/policies/acme-spif.xml"
[clearance.low]
policy = "acme"
classes = ["PUBLIC", "INTERNAL", "CONFIDENTIAL"]
[clearance.all]
policy = "acme"
classes = ["PUBLIC", "INTERNAL", "LEGACY", "CONFIDENTIAL", "SECRET", "TOP SECRET"]
categories = ["Projects:*", "Releasable To:*"]

[[login]]
id = "clients"
from = ["north"]
to = ["south.test"]
mechanisms = ["SCRAM-SHA-256"]
stanzas = ["message"]
OFF
[login.labels]
message = "refuse"

[[rule]]
id = "all"
text = "All that has a label."
from = "any"
to = "any"
stanzas = ["message"]
ASKED
action = "release"
)";

Bundle bundle_of(const std::string& off, const std::string& asked) {
  const std::string path = std::string(SALLYPORT_TESTS_DIR) + "/policy/vectors/sessions.toml";
  std::string text(kPolicy);
  text.replace(text.find("OFF"), 3, off);
  text.replace(text.find("ASKED"), 5, asked);
  auto compiled = source::compile(text, path, source::files_beside(path));
  if (!compiled) throw std::runtime_error(inspect::describe(compiled.error().front()));
  return std::move(compiled->bundle);
}

Proof proof_of(const std::string& text, const Bundle& bundle) {
  const auto claim = read_claim(text, bundle);
  if (!claim) throw std::runtime_error(claim.error());
  return prove(*claim, bundle, {.time = kSummer});
}

TEST(SessionProof, NothingHoldsThatALoginLetsCross) {
  const Bundle bundle = bundle_of("", R"(label = [{ policy = "acme", at_least = "PUBLIC" }])");
  struct Row {
    const char* claim;
    const char* outcome;
    bool from_client;
  };
  const Row rows[] = {
      {"nothing above CONFIDENTIAL crosses to enclave:north", "holds", false},  // its clearance
      {"nothing above INTERNAL crosses to enclave:north", "fails", false},
      {"nothing above INTERNAL crosses from enclave:north", "fails", true},
      {"nothing above CONFIDENTIAL crosses from enclave:north", "holds", false},
      {"nothing crosses from enclave:south to enclave:north", "fails", false},
      {"nothing crosses from rooms.south.test", "fails", false},
      {"nothing crosses to rooms.south.test", "fails", true},
      {"nothing crosses to ann@south.test", "fails", true},
      {"nothing crosses to ann@north.test", "fails", true},     // by the server in the south
      {"nothing crosses from ann@north.test", "holds", false},  // no peering lets it come to the account
      {"no presence crosses", "holds", false},
      {"some message of CONFIDENTIAL crosses to enclave:north", "holds", false},
  };
  for (const Row& row : rows) {
    const Proof proof = proof_of(row.claim, bundle);
    EXPECT_EQ(name(proof.outcome), row.outcome) << row.claim << " " << proof.why;
    if (!proof.example) continue;
    EXPECT_EQ(proof.example->login, "clients") << row.claim;
    EXPECT_EQ(proof.example->from_client, row.from_client) << row.claim << " " << proof.example->stanza;
    EXPECT_EQ(code(proof.example->reason), "policy.granted") << row.claim << " " << proof.example->stanza;
  }
}

TEST(SessionProof, IsSilentWhereNobodyLooksAtTheLabelsOfSessions) {
  const Bundle bundle = bundle_of("off = [\"label\"]", "");
  const Proof proof = proof_of("nothing above SECRET crosses to enclave:north", bundle);
  EXPECT_EQ(name(proof.outcome), "undecided");
  EXPECT_THAT(proof.why, HasSubstr("in the sessions of 'clients' the stage 'label' is switched off"));
  EXPECT_EQ(name(proof_of("no presence above SECRET crosses to enclave:north", bundle).outcome), "holds");
  // Rules that let labels cross never match there.
  const Bundle silent = bundle_of("off = [\"label\"]", R"(label = [{ policy = "acme", at_least = "PUBLIC" }])");
  EXPECT_EQ(name(proof_of("nothing above SECRET crosses to enclave:north", silent).outcome), "holds");
}

TEST(SessionMatrix, HasARowForEachEndOfASession) {
  const Matrix made = matrix(bundle_of("", R"(label = [{ policy = "acme", at_least = "PUBLIC" }])"), {.time = kSummer});
  std::vector<std::string> rows;
  for (const MatrixRow& row : made.rows) {
    rows.push_back(row.from + " -> " + row.to);
    ASSERT_EQ(row.cells.size(), 7U);  // the classes, lowest first, and no label
    EXPECT_EQ(row.peering, "clients");
    if (row.to != "clients of south.test in north") continue;
    const bool elsewhere = row.from == "elsewhere";
    EXPECT_EQ(row.cells[1].answer, elsewhere ? MatrixAnswer::No : MatrixAnswer::Yes) << row.from;  // INTERNAL
    EXPECT_EQ(row.cells[4].answer, MatrixAnswer::No) << row.from;                                  // SECRET
  }
  const std::string clients = "clients of south.test in north";
  EXPECT_THAT(rows, ::testing::UnorderedElementsAre(clients + " -> elsewhere", clients + " -> rooms.south.test",
                                                    clients + " -> south.test", "elsewhere -> " + clients,
                                                    "rooms.south.test -> " + clients, "south.test -> " + clients));
}

}  // namespace
}  // namespace sallyport::policy::proof
