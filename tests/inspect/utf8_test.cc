#include "inspect/utf8.h"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::inspect {
namespace {

using enum CharacterFault;

std::string encoded(char32_t c) {
  std::string out;
  const auto push = [&](char32_t octet) { out.push_back(static_cast<char>(static_cast<unsigned char>(octet))); };
  if (c < 0x80) {
    push(c);
  } else if (c < 0x800) {
    push(0xC0 | c >> 6);
    push(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    push(0xE0 | c >> 12);
    push(0x80 | (c >> 6 & 0x3F));
    push(0x80 | (c & 0x3F));
  } else {
    push(0xF0 | c >> 18);
    push(0x80 | (c >> 12 & 0x3F));
    push(0x80 | (c >> 6 & 0x3F));
    push(0x80 | (c & 0x3F));
  }
  return out;
}

struct Row {
  const char* octets;
  std::size_t clean;
  CharacterFault fault;
};

TEST(ScanUtf8, TellsWhereTheFirstFaultIsAndWhich) {
  const Row rows[] = {
      {"", 0, None},
      {"plain", 5, None},
      {"tab\tlf\ncr\r", 10, None},
      {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9, None},
      {"a\xC3", 1, None},
      {"a\xF0\x9F\x98", 1, None},
      {"\xC0\xBC", 0, BadUtf8},
      {"\xC1", 0, BadUtf8},
      {"\xE0\x80", 0, BadUtf8},
      {"x\xE0\x9F\xBF", 1, BadUtf8},
      {"\xED\xA0\x80", 0, BadUtf8},
      {"\xF0\x8F", 0, BadUtf8},
      {"\xF4\x90\x80\x80", 0, BadUtf8},
      {"\xF5", 0, BadUtf8},
      {"\xF8\x88\x80\x80\x80", 0, BadUtf8},
      {"\x80", 0, BadUtf8},
      {"\xFE", 0, BadUtf8},
      {"\xFF", 0, BadUtf8},
      {"\xC3<", 0, BadUtf8},
      {"\xE2\x82<", 0, BadUtf8},
      {"\xEF\xBB\xBF", 0, ByteOrderMark},
      {"\x1B", 0, NotXml},
      {"\x08", 0, NotXml},
      {"\x7F", 0, Forbidden},
      {"\xC2\x85", 0, Forbidden},
      {"\xC2\x9B", 0, Forbidden},
      {"\xEF\xBF\xBE", 0, NotXml},
      {"\xEF\xBF\xBF", 0, NotXml},
      {"\xEF\xB7\x90", 0, Forbidden},
      {"\xF0\x9F\xBF\xBE", 0, Forbidden},
      {"\xE2\x80\xA8", 0, Forbidden},
  };
  for (const Row& row : rows) {
    const Utf8Scan scan = scan_utf8(row.octets);
    EXPECT_EQ(scan.clean, row.clean) << testing::PrintToString(row.octets);
    EXPECT_EQ(scan.fault, row.fault) << testing::PrintToString(row.octets);
  }
}

TEST(ScanUtf8, FindsAFaultAtAnyPlaceOfALongText) {
  for (std::size_t at = 0; at < 100; ++at) {
    std::string text(100, 'x');
    text[at] = '\x7F';
    EXPECT_EQ(scan_utf8(text).clean, at);
    EXPECT_EQ(scan_utf8(text).fault, Forbidden);
    text[at] = '\n';
    EXPECT_TRUE(is_clean_text(text));
  }
}

TEST(ScanUtf8, JudgesEveryCodePointAsTheJudgeDoes) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    const std::string octets = encoded(c);
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    ASSERT_EQ(scan_utf8(octets).fault, surrogate ? BadUtf8 : judge(c)) << static_cast<unsigned>(c);
    ASSERT_EQ(scan_utf8(octets).clean, judge(c) == None ? octets.size() : 0u);
    ASSERT_FALSE(octets.size() > 1 && is_clean_text(octets.substr(0, octets.size() - 1)));
  }
}

TEST(Judge, RefusesExactlyTheForbiddenCodePoints) {
  std::size_t legal = 0;
  for (char32_t c = 0; c <= 0x110000; ++c) legal += judge(c) == None ? 1 : 0;
  // All of Unicode but: 29 C0 controls, DEL, 32 C1 controls, 2048 surrogates, 66 noncharacters, U+FEFF, U+2028, U+2029.
  EXPECT_EQ(legal, 0x110000u - 29 - 1 - 32 - 2048 - 66 - 3);
}

}  // namespace
}  // namespace sallyport::inspect
