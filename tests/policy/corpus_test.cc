// The seeds of the fuzzers, and whatever they once found, as an ordinary test.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/places.h"
#include "tests/policy/fuzz/properties.h"

namespace sallyport::policy {
namespace {

std::size_t replay(const std::string& corpus, std::string (*fault_of)(std::string_view)) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SALLYPORT_TESTS_DIR "/fuzz/corpus/" + corpus)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string input{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(fault_of(input), "") << entry.path();
    ++files;
  }
  return files;
}

TEST(Corpus, EveryInputOfTheBundleHoldsItsProperties) {
  EXPECT_GE(replay("bundle", testing::bundle_fault), 2U);
}

TEST(Corpus, EveryInputOfTheSignaturesHoldsItsProperties) {
  EXPECT_GE(replay("signatures", testing::signatures_fault), 4U);
}

TEST(Corpus, EveryInputOfTheJudgeHoldsItsProperties) {
  EXPECT_GE(replay("judge", testing::judge_fault), 20U);
}

}  // namespace
}  // namespace sallyport::policy
