#include <gtest/gtest.h>

#include "proxy/edge/base64.h"

namespace sallyport::edge {
namespace {

TEST(Base64, GivesTheVectorsOfRfc4648) {
  const std::pair<std::string, std::string> rows[] = {{"", ""},
                                                      {"f", "Zg=="},
                                                      {"fo", "Zm8="},
                                                      {"foo", "Zm9v"},
                                                      {"foob", "Zm9vYg=="},
                                                      {"fooba", "Zm9vYmE="},
                                                      {"foobar", "Zm9vYmFy"}};
  for (const auto& [octets, text] : rows) {
    EXPECT_EQ(base64(octets), text);
    EXPECT_EQ(from_base64(text), octets);
  }
}

TEST(Base64, SASL_16_Z_51_RefusesWhatIsNotTheOneEncoding) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "Zm9=", "Zm9v\n", " Zm9v", "Zm 9",
                           "Zg==Zg==", "ab$=", "Zm8_", "Zm-v"})
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
}

}  // namespace
}  // namespace sallyport::edge
