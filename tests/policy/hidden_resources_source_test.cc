// `hidden_resources` in the policy file, and in a bundle.
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/source/source.h"

namespace sallyport::policy::source {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A policy with a peering each way between north.test and south.test, and these lines in them.
std::string policy(const std::string& there, const std::string& back) {
  return R"([policy]
name = "demo"

[stages]
off = ["payload", "label", "content", "rate"]

[[enclave.north.domain]]
name = "north.test"
components = ["rooms.north.test"]

[[enclave.south.domain]]
name = "south.test"

[[enclave.south.domain]]
name = "east.test"

[[peering]]
id = "there"
from = ["north.test", "rooms.north.test"]
to = ["south.test"]
direction = "forward"
stanzas = ["message", "presence", "iq"]
)" + there +
         R"(

[[peering]]
id = "back"
from = ["south.test"]
to = ["north.test"]
direction = "forward"
stanzas = ["message", "presence", "iq"]
)" + back +
         "\n";
}

std::string mistakes_of(const std::string& text) {
  const auto compiled = compile(text, "p.toml");
  if (compiled) return "";
  std::string all;
  for (const Mistake& each : compiled.error()) all += inspect::describe(each);
  return all;
}

const std::string kNorth = "hidden_resources = [\"north.test\"]";

TEST(HiddenResourcesSource, AreNoneByDefault) {
  const auto compiled = compile(policy("", ""), "p.toml");
  ASSERT_TRUE(compiled) << mistakes_of(policy("", ""));
  for (const Peering& peering : compiled->bundle.tables().peerings)
    EXPECT_THAT(peering.presence_rules.hidden_resources, IsEmpty());
}

TEST(HiddenResourcesSource, NameTheDomainsWhoseResourcesAreHidden) {
  const std::string both = "hidden_resources = [\"south.test\", \"North.test\"]";
  const auto compiled = compile(policy(both, both), "p.toml");
  ASSERT_TRUE(compiled) << mistakes_of(policy(both, both));
  for (const Peering& peering : compiled->bundle.tables().peerings)
    EXPECT_THAT(peering.presence_rules.hidden_resources, ElementsAre("north.test", "south.test"));
  const auto again = Bundle::decode(compiled->bundle.octets());
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(again->tables(), compiled->bundle.tables());
}

TEST(HiddenResourcesSource, TellWhatContradictsItselfAndTheRemedy) {
  using Row = std::tuple<std::string, std::string, std::string, std::string>;
  const std::vector<Row> rows = {
      {kNorth, "", "'there' hides the resources of 'north.test', and 'back', which has the way back, does not",
       "of both"},
      {"", kNorth, "'back' hides the resources of 'north.test', and 'there'", "of both, or of neither"},
      {"hidden_resources = [\"rooms.north.test\"]", "", "is a component; nobody has an account there", "'north.test'"},
      {"hidden_resources = [\"east.test\"]", "", "the peering 'there' has no domain of 'east.test'", "take it away"},
      {"hidden_resources = [\"nort.test\"]", "", "no enclave owns", "did you mean 'north.test'?"},
      {kNorth + "\nroom_services = [\"north.test\"]", kNorth, "'north.test' is a room service", "'room_services'"},
      {"hidden_resources = true", "", "a list is needed here", "a list of domains"},
  };
  for (const auto& [there, back, told, remedy] : rows) {
    const std::string mistakes = mistakes_of(policy(there, back));
    EXPECT_THAT(mistakes, HasSubstr(told)) << there;
    EXPECT_THAT(mistakes, HasSubstr(remedy)) << there;
  }
}

TEST(HiddenResourcesSource, ABundleThatContradictsItselfIsNone) {
  const auto compiled = compile(policy(kNorth, kNorth), "p.toml");
  ASSERT_TRUE(compiled) << mistakes_of(policy(kNorth, kNorth));
  const Tables good = compiled->bundle.tables();
  ASSERT_TRUE(Bundle::make(good));
  const auto rules = [](Tables& tables, std::size_t which) -> presence::Settings& {
    return tables.peerings[which].presence_rules;
  };
  const std::vector<std::pair<std::string, std::function<void(Tables&)>>> breakings = {
      {"one way only", [&](Tables& t) { rules(t, 1).hidden_resources.clear(); }},
      {"twice", [&](Tables& t) { rules(t, 0).hidden_resources = {"north.test", "north.test"}; }},
      {"a component", [&](Tables& t) { rules(t, 0).hidden_resources = {"north.test", "rooms.north.test"}; }},
      {"nobody's", [&](Tables& t) { rules(t, 0).hidden_resources = {"north.test", "west.test"}; }},
      {"a room service", [&](Tables& t) { rules(t, 0).room_services = {"north.test"}; }},
  };
  for (const auto& [what, breaking] : breakings) {
    Tables tables = good;
    breaking(tables);
    EXPECT_FALSE(Bundle::make(std::move(tables))) << what;
  }
}

}  // namespace
}  // namespace sallyport::policy::source
