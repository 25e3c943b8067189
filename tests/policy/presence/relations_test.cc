// The table of pairs: whatever is added and dropped, what it knows of two accounts is found, both ways, and no more.
#include "policy/presence/relations.h"

#include <map>
#include <random>
#include <utility>

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

using presence::PairView;
using presence::Relations;
using presence::State;
using presence::Watch;

std::string numbered(std::size_t i, const char* domain) {
  return "user" + std::to_string(i) + "@" + domain;
}

TEST(Relations, KnowNothingUntilSomethingIsAdded) {
  const Relations relations;
  EXPECT_EQ(relations.find({"ann@north.test", "bob@south.test"}), nullptr);
}

TEST(Relations, KeepBothWaysInOnePlaceAndApart) {
  Relations relations;
  relations.add({"ann@north.test", "bob@south.test"}).entry.state = State::Active;
  const Watch* back = relations.find({"bob@south.test", "ann@north.test"});
  ASSERT_NE(back, nullptr);
  EXPECT_TRUE(back->is_empty());
  // The same octets, parted elsewhere.
  EXPECT_EQ(relations.find({"ann@north.testb", "ob@south.test"}), nullptr);
  EXPECT_EQ(relations.find({"ann@north.test", "bob@south.tes"}), nullptr);
}

TEST(Relations, ForgetWhatIsEmptyAndNothingElse) {
  Relations relations;
  const PairView one{"ann@north.test", "bob@south.test"}, back{"bob@south.test", "ann@north.test"};
  relations.add(one).entry.state = State::Active;
  relations.drop_if_empty(back);
  ASSERT_NE(relations.find(one), nullptr);
  relations.find(one)->entry = {};
  relations.add(back).shown.emplace_front().resource = "desk";
  relations.drop_if_empty(one);
  ASSERT_NE(relations.find(back), nullptr);
  relations.find(back)->shown.clear();
  relations.drop_if_empty(one);
  EXPECT_EQ(relations.find(one), nullptr) << "found last, and dropped";
  EXPECT_EQ(relations.find(back), nullptr);
}

TEST(Relations, KnowNothingOnceTheyHaveMovedAway) {
  Relations from;
  from.add({"ann@north.test", "bob@south.test"}).entry.asked = 1;
  Relations to = std::move(from);
  EXPECT_NE(to.find({"ann@north.test", "bob@south.test"}), nullptr);
  EXPECT_EQ(from.find({"ann@north.test", "bob@south.test"}), nullptr);  // NOLINT(bugprone-use-after-move): as promised
  from = std::move(to);
  EXPECT_NE(from.find({"ann@north.test", "bob@south.test"}), nullptr);
  EXPECT_EQ(to.find({"ann@north.test", "bob@south.test"}), nullptr);  // NOLINT(bugprone-use-after-move): as promised
}

TEST(Relations, D_34_AreTheSameAsAMapUnderAnySecret) {
  for (std::uint8_t octet = 0; octet < 3; ++octet) {
    Relations relations(Secret{octet});
    std::map<std::pair<std::string, std::string>, std::uint32_t> expected;
    std::mt19937_64 random(20261129);
    for (std::uint32_t step = 1; step <= 60'000; ++step) {
      const std::size_t accounts = step % 20'000 < 10'000 ? 60 : 12;  // it fills up, and empties
      std::string watcher = numbered(random() % accounts, "north.test"),
                  watched = numbered(random() % 60, "south.test");
      if (random() % 2) std::swap(watcher, watched);
      const PairView pair{watcher, watched};
      const auto known = expected.find({watcher, watched});
      const Watch* found = relations.find(pair);
      ASSERT_EQ(found != nullptr && !found->is_empty(), known != expected.end());
      if (known == expected.end()) {
        relations.add(pair).entry.asked = step;
        expected[{watcher, watched}] = step;
        continue;
      }
      ASSERT_EQ(found->entry.asked, known->second);
      if (random() % 4 == 0) continue;
      relations.find(pair)->entry = {};
      relations.drop_if_empty(pair);
      expected.erase(known);
    }
    std::map<std::pair<std::string, std::string>, std::uint32_t> told;
    relations.each([&](const PairView& pair, const Watch& watch) {
      EXPECT_TRUE(told.try_emplace({std::string(pair.watcher), std::string(pair.watched)}, watch.entry.asked).second);
    });
    EXPECT_EQ(told, expected);
    EXPECT_GT(told.size(), 1'000U);
    // Those that are empty have gone: else one way of some two would still be there.
    for (std::size_t i = 0; i < 60; ++i) {
      for (std::size_t j = 0; j < 60; ++j) {
        const std::string one = numbered(i, "north.test"), other = numbered(j, "south.test");
        const bool known = expected.contains({one, other}) || expected.contains({other, one});
        EXPECT_EQ(relations.find({one, other}) != nullptr, known);
      }
    }
  }
}

}  // namespace
}  // namespace sallyport::policy
