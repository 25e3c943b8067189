// The seeds of the fuzzers, and whatever they once found, as an ordinary test.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/places.h"
#include "tests/policy/label/properties.h"

namespace sallyport::policy::label {
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

TEST(LabelCorpus, EveryInputOfTheEssDecoderHoldsItsProperties) {
  EXPECT_GE(replay("ess", testing::ess_fault), 30U);
}

TEST(LabelCorpus, EveryInputOfTheSpifReaderHoldsItsProperties) {
  EXPECT_GE(replay("spif", testing::spif_fault), 20U);
}

TEST(LabelCorpus, EveryInputOfTheSecurityLabelHoldsItsProperties) {
  EXPECT_GE(replay("security_label", testing::security_label_fault), 15U);
}

}  // namespace
}  // namespace sallyport::policy::label
