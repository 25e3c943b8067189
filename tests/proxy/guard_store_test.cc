// The ledger on the disk: what was committed is there after the next start, and one guard at a time has it.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "proxy/guard/ledger_store.h"

namespace sallyport::guard {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

const std::string kAnn = "ann@alpha.test", kBob = "bob@bravo.test";

class Store : public ::testing::Test {
 protected:
  Store() { std::filesystem::create_directories(folder_); }
  ~Store() override { std::filesystem::remove_all(folder_); }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("sallyport-ledger-" + std::to_string(::getpid()));
};

/// Waits until that number is committed.
void await(const LedgerOutlet& outlet, std::uint64_t number) {
  const auto limit = std::chrono::steady_clock::now() + 10s;
  while (outlet.committed() < number && !outlet.has_failed() && std::chrono::steady_clock::now() < limit)
    std::this_thread::yield();
}

TEST_F(Store, SUB_14_HoldsWhatWasCommitted) {
  const std::string key = policy::presence::key({kBob, kAnn}), other = policy::presence::key({kAnn, kBob});
  policy::presence::Entry open;
  open.state = policy::presence::State::Active;
  open.origin = policy::presence::Origin::Import;
  open.since = 1'700'000'000;
  {
    auto store = LedgerStore::open(folder_);
    ASSERT_TRUE(store) << store.error();
    LedgerOutlet& lane = (*store)->add_lane([] {});
    (*store)->start();
    lane.submit({{key, open}, {other, open}}, {{key, {{"a", false}, {"b", true}}}});
    await(lane, lane.submit({{other, {}}}, {}));
    EXPECT_FALSE(LedgerStore::open(folder_)) << "one guard at a time";
  }
  auto again = LedgerStore::open(folder_);
  ASSERT_TRUE(again) << again.error();
  std::vector<std::string> pairs, shown;
  ASSERT_TRUE((*again)->read(
      [&](const StoredPair& row) {
        pairs.push_back(row.key);
        EXPECT_EQ(row.entry.state, open.state);
        EXPECT_EQ(row.entry.origin, open.origin);
        EXPECT_EQ(row.entry.since, open.since);
      },
      [&](const StoredShown& row) {
        shown.push_back(row.key + " " + row.resources[0].first + (row.resources[0].second ? " room" : ""));
      }));
  EXPECT_THAT(pairs, ElementsAre(key));
  EXPECT_THAT(shown, ElementsAre(key + " a", key + " b room"));
  const auto mode = std::filesystem::status(folder_ / "ledger.sqlite3").permissions();
  EXPECT_EQ(mode & std::filesystem::perms::mask,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(Store, IsNotOpenedWhenItIsNone) {
  {
    std::ofstream out(folder_ / "ledger.sqlite3");
    out << std::string(4096, 'x');
  }
  EXPECT_FALSE(LedgerStore::open(folder_));
  EXPECT_FALSE(LedgerStore::open(folder_ / "missing"));
}

}  // namespace
}  // namespace sallyport::guard
