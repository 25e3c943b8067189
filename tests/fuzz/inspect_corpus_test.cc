// The seeds of the fuzzers, and whatever they once found, as an ordinary test.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/fuzz/jid_properties.h"
#include "tests/fuzz/stream_parser_properties.h"
#include "tests/places.h"

namespace sallyport::inspect {
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

TEST(Corpus, EveryInputOfTheStreamParserHoldsItsProperties) {
  EXPECT_GE(replay("stream_parser", stream_fault), 20u);
}

TEST(Corpus, EveryInputOfTheNormalFormHoldsItsProperties) {
  EXPECT_GE(replay("normal_form", normal_form_fault), 8u);
}

TEST(Corpus, EveryInputOfTheAddressesHoldsItsProperties) {
  EXPECT_GE(replay("jid", jid_fault), 15u);
}

}  // namespace
}  // namespace sallyport::inspect
