#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/certs/fuzz/properties.h"
#include "tests/places.h"

namespace sallyport::tests {
namespace {

TEST(Corpus, EveryCertificateHoldsTheProperties) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SALLYPORT_TESTS_DIR "/fuzz/corpus/certificate")) {
    std::ifstream file(entry.path(), std::ios::binary);
    EXPECT_EQ(certificate_fault(std::string{std::istreambuf_iterator<char>(file), {}}), "") << entry.path();
    ++files;
  }
  EXPECT_GE(files, 5);
}

}  // namespace
}  // namespace sallyport::tests
