// The proof against the brute force, on policies by chance.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "inspect/stream_parser.h"
#include "policy/pipeline.h"
#include "policy/proof/prove.h"
#include "tests/policy/proof/brute_force.h"
#include "tests/policy/proof/random_boundary.h"

namespace sallyport::policy::proof {
namespace {

using testing::Chance;

constexpr label::Time kStart{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};

/// 40, and those on which the two have disagreed once; in the long form one for a hundred of the seeded inputs: 10 000.
std::vector<std::size_t> seeds() {
  const char* seeded = std::getenv("SALLYPORT_SEEDED_INPUTS");
  const char* is_long = std::getenv("SALLYPORT_LONG");
  const bool many = seeded && is_long && std::string(is_long) == "1";
  std::vector<std::size_t> all(many ? std::strtoul(seeded, nullptr, 10) / 100 : 40);
  std::iota(all.begin(), all.end(), 0);
  if (!many) all.insert(all.end(), {3524, 4422});
  return all;
}

std::string normal_form(const std::string& xml) {
  inspect::StreamParser parser(inspect::ns::kServer, inspect::ParserLimits{});
  parser.feed("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>" +
              xml);
  for (auto event = parser.next(); event && *event; event = parser.next())
    if (const auto* stanza = std::get_if<inspect::StanzaRead>(&**event)) return std::string(stanza->normal_form);
  throw std::runtime_error("not a stanza: " + xml);
}

/// From its text on, as the guard takes it: whether it crosses, and what the claim says of its labels.
void expect_to_cross(const Example& example, const Claim& claim, const Bundle& bundle) {
  const Memory memory;
  Scratch scratch(memory);
  const std::string octets = normal_form(example.stanza);
  const auto stanza = inspect::decode(octets, scratch.arena, inspect::ParserLimits{});
  ASSERT_TRUE(stanza) << stanza.error().what;
  const auto address = [&](const char* name) { return std::string(*(*stanza)->attribute(name)); };
  const auto domain_of = [&](const char* name) {
    const std::string bare = address(name).substr(0, address(name).find('/'));
    return bundle.domain(bare.substr(bare.find('@') + 1));
  };
  const Domain *from = domain_of("from"), *to = domain_of("to");
  ASSERT_TRUE(from && to);
  const Login* login = example.login.empty() ? nullptr : &bundle.tables().logins.front();
  std::string own = address(example.from_client ? "from" : "to");
  if (!own.contains('/')) own += "/r";
  const ClientSession session{.full = own, .from_client = example.from_client};
  const auto enclave = [&](const Domain& domain, bool is_client) {
    return login ? (is_client ? login->enclave : bundle.tables().domains[login->domain].enclave) : domain.enclave;
  };
  const std::uint16_t from_enclave = enclave(*from, example.from_client);
  const std::uint16_t to_enclave = enclave(*to, !example.from_client);
  const auto is_in = [&](const Place& place, const Domain& domain, std::uint16_t place_of) {
    return place.enclave ? place.enclave == place_of : place.has(bundle.number_of(domain));
  };
  EXPECT_TRUE(is_in(claim.from, *from, from_enclave) && is_in(claim.to, *to, to_enclave)) << example.stanza;
  const std::vector<Pair> granted = {{from->name, to->name}};
  const Crossing crossing{.from_enclave = bundle.enclave_name(from_enclave),
                          .to_enclave = bundle.enclave_name(to_enclave),
                          .lang = {},
                          .granted = granted,
                          .client = login ? &session : nullptr,
                          .login = login};
  const Judgement judgement =
      judge(**stanza, octets.size(), crossing, {.wall = example.time, .steady = {}}, bundle, scratch);
  EXPECT_EQ(code(judgement.reason), "policy.granted") << example.stanza;
  EXPECT_TRUE(judgement.verdict == Verdict::Release || judgement.verdict == Verdict::Alter) << example.stanza;
  bool met = false;
  for (const auto& label : scratch.labels_found) met = met || claim.is_met(label.get(), *bundle.label_rules());
  EXPECT_TRUE(met) << claim.text << ": " << example.stanza;
}

TEST(Proof, AgreesWithTheBruteForceOnPoliciesByChance) {
  std::map<std::string, std::size_t> outcomes;
  std::size_t most_rules = 0, labels = 0, sorts = 0;
  for (const std::size_t seed : seeds()) {
    Chance chance(static_cast<std::uint32_t>(seed));
    auto bundle = Bundle::make(testing::random_boundary(chance));
    ASSERT_TRUE(bundle) << "seed " << seed << ": " << bundle.error().what;
    const Tables& tables = bundle->tables();
    ASSERT_GE(tables.rules.size(), testing::kFewestRules);
    most_rules = std::max(most_rules, tables.rules.size());
    const auto claim = read_claim(testing::random_claim(chance, tables), *bundle);
    ASSERT_TRUE(claim) << "seed " << seed << ": " << claim.error();

    const Proof proof = prove(*claim, *bundle, {.time = kStart});
    const bool crosses = testing::something_crosses(tables, *claim);
    const Outcome expected = crosses == claim->some ? Outcome::Holds : Outcome::Fails;
    ASSERT_EQ(name(proof.outcome), name(expected))
        << "seed " << seed << ": " << claim->text << ": " << proof.why
        << (proof.example ? " " + proof.example->stanza + " " + std::string(code(proof.example->reason)) : "");
    ASSERT_EQ(proof.example.has_value(), crosses) << "seed " << seed;
    if (proof.example) expect_to_cross(*proof.example, *claim, *bundle);
    if (HasFailure()) FAIL() << "seed " << seed;
    ++outcomes[(claim->some ? "something " : "nothing ") + std::string(name(proof.outcome))];
    labels += proof.labels;
    sorts += proof.cases;
  }
  std::printf("%zu policies, up to %zu rules; %zu labels and %zu sorts of stanzas in the proofs\n", seeds().size(),
              most_rules, labels, sorts);
  for (const auto& [outcome, count] : outcomes) std::printf("  %s: %zu\n", outcome.c_str(), count);
  // Neither answer is the only one.
  EXPECT_GT(outcomes["nothing holds"], seeds().size() / 40);
  EXPECT_GT(outcomes["nothing fails"], seeds().size() / 40);
}

}  // namespace
}  // namespace sallyport::policy::proof
