#include "proxy/config/reference.h"

#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "tests/places.h"

namespace sallyport::config {
namespace {

std::string page(const std::string& name) {
  std::ifstream stream(SALLYPORT_DOCS_DIR "/" + name);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

TEST(Reference, IsWhatTheTableOfKeysGives) {
  EXPECT_EQ(page("reference/configuration.md"), reference_page())
      << "write it anew: cmake --build build/release --target reference";
}

TEST(Manual, ListsWhatTheTableOfKeysGives) {
  const std::string manual = page("man/sallyport.toml.5.scd");
  const auto anew = with_manual_list(manual);
  ASSERT_TRUE(anew) << "the page has lost its markers";
  EXPECT_EQ(manual, *anew) << "write it anew: cmake --build build/release --target reference";
}

TEST(Manual, WithoutMarkersIsNotTouched) {
  EXPECT_FALSE(with_manual_list("no markers"));
  EXPECT_FALSE(with_manual_list("a\n; end of keys\n; keys\nb"));
}

}  // namespace
}  // namespace sallyport::config
