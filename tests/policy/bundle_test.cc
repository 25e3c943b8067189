#include "policy/bundle.h"

#include <array>
#include <functional>

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

/// north: north.test with rooms.north.test; south: south.test; north.test <-> south.test, rooms.north.test ->
/// south.test.
Tables sample() {
  Tables tables;
  tables.name = "sample";
  tables.enclaves = {{.name = "north", .revocation = RevocationRule::Required, .withdrawn = {"old.north.test"}},
                     {.name = "south", .revocation = RevocationRule::Soft, .withdrawn = {}}};
  tables.domains = {{"north.test", 0, 0}, {"rooms.north.test", 0, 0}, {"south.test", 1, 2}};
  Peering all;
  all.id = "all";
  all.message = all.presence = all.iq = true;
  Peering messages;
  messages.id = "messages";
  messages.message = true;
  tables.peerings = {all, messages};
  tables.routes = {{0, 2, 0}, {1, 2, 1}, {2, 0, 0}};
  tables.settings.stages_off = 0b1111100;
  return tables;
}

TEST(Bundle, FindsWhoOwnsADomain) {
  const auto bundle = Bundle::make(sample());
  ASSERT_TRUE(bundle) << bundle.error().what;
  const Domain* rooms = bundle->domain("rooms.north.test");
  ASSERT_NE(rooms, nullptr);
  EXPECT_EQ(bundle->enclave_of(*rooms).name, "north");
  EXPECT_EQ(bundle->home_of(*rooms).name, "north.test");
  EXPECT_FALSE(bundle->is_home(*rooms));
  EXPECT_TRUE(bundle->is_home(*bundle->domain("south.test")));
  EXPECT_EQ(bundle->domain("East.test"), nullptr);
  EXPECT_EQ(bundle->domain(""), nullptr);
  EXPECT_EQ(bundle->enclave("south")->revocation, RevocationRule::Soft);
  EXPECT_EQ(bundle->enclave("east"), nullptr);
  EXPECT_TRUE(bundle->is_withdrawn("old.north.test"));
  EXPECT_FALSE(bundle->is_withdrawn("north.test"));
}

TEST(Bundle, GrantsOrderedPairsAndNothingElse) {
  const auto bundle = Bundle::make(sample());
  ASSERT_TRUE(bundle);
  ASSERT_NE(bundle->peering("north.test", "south.test"), nullptr);
  EXPECT_EQ(bundle->peering("north.test", "south.test")->id, "all");
  EXPECT_EQ(bundle->peering("rooms.north.test", "south.test")->id, "messages");
  EXPECT_EQ(bundle->peering("south.test", "rooms.north.test"), nullptr);
  EXPECT_EQ(bundle->peering("north.test", "rooms.north.test"), nullptr);
  EXPECT_EQ(bundle->peering("north.test", "east.test"), nullptr);
  EXPECT_TRUE(bundle->peering("rooms.north.test", "south.test")->grants(Kind::Message));
  EXPECT_FALSE(bundle->peering("rooms.north.test", "south.test")->grants(Kind::Presence));
  EXPECT_FALSE(bundle->peering("rooms.north.test", "south.test")->grants(Kind::Iq));
}

TEST(Bundle, GivesOneLaneKeyToAPairItsReverseAndItsComponents) {
  const auto bundle = Bundle::make(sample());
  ASSERT_TRUE(bundle);
  const std::uint64_t key = bundle->lane_key("north.test", "south.test");
  EXPECT_EQ(bundle->lane_key("south.test", "north.test"), key);
  EXPECT_EQ(bundle->lane_key("rooms.north.test", "south.test"), key);
  EXPECT_NE(bundle->lane_key("north.test", "east.test"), key);
  // Edges of another build must come to the same lane.
  EXPECT_EQ(lane_key("a.test", "b.test"), lane_key("b.test", "a.test"));
  EXPECT_NE(lane_key("a.test", "b.test"), lane_key("a.tes", "tb.test"));
}

TEST(Bundle, SpreadsPairsOverLanes) {
  std::array<int, 4> lanes{};
  for (int i = 0; i < 400; ++i) ++lanes[lane_key("hub.test", "d" + std::to_string(i) + ".test") % 4];
  for (const int count : lanes) EXPECT_GT(count, 60);
}

TEST(Bundle, ReadsBackWhatItWrote) {
  const auto bundle = Bundle::make(sample());
  ASSERT_TRUE(bundle);
  const auto again = Bundle::decode(bundle->octets());
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(again->tables(), sample());
  EXPECT_EQ(again->hash(), bundle->hash());
  EXPECT_EQ(bundle->hash().size(), 64U);
  EXPECT_TRUE(again->is_off(Stage::Label));
  EXPECT_FALSE(again->is_off(Stage::Shape));

  Tables other = sample();
  other.settings.record_content = true;
  EXPECT_NE(Bundle::make(other)->hash(), bundle->hash());
}

TEST(Bundle, RefusesEveryTruncationAndAnythingBehindIt) {
  const auto bundle = Bundle::make(sample());
  ASSERT_TRUE(bundle);
  for (std::size_t size = 0; size < bundle->octets().size(); ++size)
    EXPECT_FALSE(Bundle::decode(std::string_view(bundle->octets()).substr(0, size))) << size;
  EXPECT_FALSE(Bundle::decode(bundle->octets() + '\0'));
}

TEST(Bundle, NamesAnOtherVersion) {
  std::string octets = Bundle::make(sample())->octets();
  ++octets[17];
  const auto bundle = Bundle::decode(octets);
  ASSERT_FALSE(bundle);
  EXPECT_NE(bundle.error().what.find("another version"), std::string::npos);
}

struct Broken {
  const char* what;
  std::function<void(Tables&)> breaking;
};

TEST(Bundle, RefusesTablesThatDoNotHoldTogether) {
  const Broken all[] = {
      {"no name", [](Tables& t) { t.name.clear(); }},
      {"a name of two lines", [](Tables& t) { t.name = "a\nb"; }},
      {"a peering with an odd id", [](Tables& t) { t.peerings[1].id = "a b"; }},
      {"enclaves out of order", [](Tables& t) { std::swap(t.enclaves[0], t.enclaves[1]); }},
      {"an enclave twice", [](Tables& t) { t.enclaves[1].name = "north"; }},
      {"a domain twice", [](Tables& t) { t.domains[1].name = "north.test"; }},
      {"domains out of order", [](Tables& t) { std::swap(t.domains[0].name, t.domains[2].name); }},
      {"a domain that is not prepared", [](Tables& t) { t.domains[2].name = "South.test"; }},
      {"a domain without enclave", [](Tables& t) { t.domains[2].enclave = 2; }},
      {"a domain without home", [](Tables& t) { t.domains[2].home = 3; }},
      {"a home that is a component", [](Tables& t) { t.domains[0].home = 1; }},
      {"a component in another enclave", [](Tables& t) { t.domains[1].home = 2; }},
      {"a domain owned and withdrawn", [](Tables& t) { t.enclaves[1].withdrawn = {"north.test"}; }},
      {"a withdrawn domain that is not prepared", [](Tables& t) { t.enclaves[0].withdrawn = {"Old.test"}; }},
      {"two peerings of one id", [](Tables& t) { t.peerings[1].id = "all"; }},
      {"a peering without id", [](Tables& t) { t.peerings[1].id.clear(); }},
      {"a peering that grants nothing", [](Tables& t) { t.peerings[1].message = false; }},
      {"a route to nowhere", [](Tables& t) { t.routes[2].from = 3; }},
      {"a route without peering", [](Tables& t) { t.routes[0].peering = 2; }},
      {"a pair twice", [](Tables& t) { t.routes[1] = t.routes[0]; }},
      {"a route within one enclave", [](Tables& t) { t.routes[0] = {0, 1, 0}; }},
      {"shape switched off", [](Tables& t) { t.settings.stages_off |= 1; }},
      {"addressing switched off", [](Tables& t) { t.settings.stages_off |= 2; }},
      {"a stage that is not there", [](Tables& t) { t.settings.stages_off |= 0x80; }},
      {"legs too small for RFC 6120", [](Tables& t) { t.limits.leg_octets = 9'999; }},
  };
  for (const Broken& each : all) {
    Tables tables = sample();
    each.breaking(tables);
    EXPECT_FALSE(Bundle::make(tables)) << each.what;
  }
}

}  // namespace
}  // namespace sallyport::policy
