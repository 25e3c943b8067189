#include "proxy/config/values.h"

#include <gtest/gtest.h>

namespace sallyport::config {
namespace {

using namespace std::chrono_literals;

TEST(Duration, IsANumberAndItsUnit) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("20s"), 20s);
  EXPECT_EQ(parse_duration("15min"), 15min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  for (const char* text :
       {"", "20", "s", "20 s", "-1s", "1.5s", "20sec", "99999999999999999999s", "9000000000000000000h"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Size, IsOctetsOrAPowerOf1024) {
  EXPECT_EQ(parse_octets("4096"), 4096U);
  EXPECT_EQ(parse_octets("64KiB"), 65536U);
  EXPECT_EQ(parse_octets("2MiB"), 2097152U);
  EXPECT_EQ(parse_octets("1GiB"), 1073741824U);
  for (const char* text : {"", "KiB", "64kb", "64 KiB", "-1", "99999999999GiB"})
    EXPECT_FALSE(parse_octets(text)) << text;
}

TEST(Values, AreWrittenInTheirShortestForm) {
  EXPECT_EQ(duration_text(900s), "15min");
  EXPECT_EQ(duration_text(1500ms), "1500ms");
  EXPECT_EQ(octets_text(512 * 1024), "512KiB");
  EXPECT_EQ(octets_text(10'000), "10000");
}

TEST(Endpoint, NET_05_IsIPv4WithPortOrIPv6InBrackets) {
  EXPECT_EQ(parse_endpoint("192.0.2.1:5269"), (Endpoint{"192.0.2.1", 5269}));
  EXPECT_EQ(parse_endpoint("[2001:DB8:0::1]:5270"), (Endpoint{"2001:db8::1", 5270}));
  EXPECT_EQ(parse_endpoint("[::]:1"), (Endpoint{"::", 1}));
  for (const char* text :
       {"192.0.2.1", "2001:db8::1", "2001:db8::1:5269", "[192.0.2.1]:5269", "[::1]", "[::1]:0", "[::1]:65536",
        "example.org:5269", "192.0.2.1:52 69", "192.0.2.256:1", "[::1]5269", ":5269", "[]:5269"}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
}

TEST(Endpoint, NET_05_IsPrintedAsItIsRead) {
  for (const char* text : {"192.0.2.1:5269", "[2001:db8::1]:5270"})
    EXPECT_EQ(endpoint_text(*parse_endpoint(text)), text);
}

}  // namespace
}  // namespace sallyport::config
