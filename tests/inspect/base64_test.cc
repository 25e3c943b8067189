#include "inspect/base64.h"

#include <gtest/gtest.h>

namespace sallyport::inspect {
namespace {

TEST(Base64, KnowsTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> rows[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [octets, text] : rows) {
    EXPECT_EQ(encode_base64(octets), text);
    EXPECT_EQ(decode_base64(text), octets);
  }
}

TEST(Base64, DecodesWhatItEncodes) {
  std::string octets;
  for (int i = 0; i < 256; ++i) {
    octets += static_cast<char>(static_cast<unsigned char>(i * 7));
    EXPECT_EQ(decode_base64(encode_base64(octets)), octets);
  }
}

TEST(Base64, Z_51_RefusesEveryOtherForm) {
  for (const char* text :
       {"Zg",    "Zg=",   "Zg===", "Z===", "=",    "==",   "====", "Zg==Zg==", "Z=g=",        "Zm9v\n",
        " Zm9v", "Zm9 v", "Zm9v ", "Zh==", "Zm9=", "Zm-v", "Zm_v", "Zm9vZ",    "Zm9\xC3\xBC", "Zg==\n"})
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
}

TEST(Base64, Z_51_SaslWritesZeroOctetsAsOneEqualsSign) {
  EXPECT_EQ(decode_sasl("="), "");
  EXPECT_EQ(decode_sasl(""), std::nullopt);
  EXPECT_EQ(decode_sasl("Zm9v"), "foo");
  EXPECT_EQ(decode_sasl("=Zm9v"), std::nullopt);
  EXPECT_EQ(encode_sasl(""), "=");
  EXPECT_EQ(encode_sasl("foo"), "Zm9v");
}

TEST(Base64, SASL_16_Z_51_RefusesWhatIsNotTheOneEncoding) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "Zm9=", "Zm9v\n", " Zm9v", "Zm 9",
                           "Zg==Zg==", "ab$=", "Zm8_", "Zm-v"})
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
}

}  // namespace
}  // namespace sallyport::inspect
