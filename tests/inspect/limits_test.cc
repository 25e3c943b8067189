// What a stream may cost (protocol.md section 8): each limit at its value and one beyond.
#include <gtest/gtest.h>

#include "tests/inspect/reading.h"

namespace sallyport::inspect {
namespace {

// "passes", or the condition with the condition of XEP-0205 if it comes with one.
std::string outcome(const std::string& bytes, std::size_t chunk, const ParserLimits& limits) {
  Reading reading(ns::kServer, limits);
  reading.feed(bytes, chunk);
  if (!reading.fault) return "passes";
  const std::string_view limit = name(reading.fault->limit);
  return std::string(name(reading.fault->condition)) + (limit.empty() ? "" : "+") + std::string(limit);
}

void expect(const std::string& bytes, const std::string& expected, const ParserLimits& limits = ParserLimits()) {
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, bytes.size()})
    EXPECT_EQ(outcome(bytes, chunk, limits), expected)
        << bytes.substr(0, 60) << "... " << bytes.size() << " octets in pieces of " << chunk;
}

const std::string kTooBig = "policy-violation+stanza-too-big";

std::string repeated(const std::string& what, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += what;
  return all;
}
std::string numbered(const std::string& before, const std::string& after, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += before + std::to_string(i) + after;
  return all;
}
std::string stanza_of(std::size_t octets) {
  const std::string open = "<message><body>", close = "</body></message>";
  return open + std::string(octets - open.size() - close.size(), 'x') + close;
}

TEST(StreamParser, D_07_AnUnauthenticatedPeerGetsLess) {
  const ParserLimits limits = ParserLimits::before_authentication();
  expect(kServerHeader + stanza_of(8192), "passes", limits);
  expect(kServerHeader + stanza_of(8193), kTooBig, limits);
  expect(kServerHeader + repeated("<a>", 8) + repeated("</a>", 8), "passes", limits);
  expect(kServerHeader + repeated("<a>", 9), kTooBig, limits);
  expect(kServerHeader + "<a>" + repeated("<b/>", 31) + "</a>", "passes", limits);
  expect(kServerHeader + "<a>" + repeated("<b/>", 32) + "</a>", kTooBig, limits);
}

TEST(StreamParser, D_08_HoldsTheLimitsOfTheHeader) {
  const auto header = [](std::size_t octets) {
    const std::string rest = kServerHeader.substr(14);
    return "<stream:stream id='" + std::string(octets - 14 - rest.size() - 6, 'x') + "'" + rest;
  };
  ASSERT_EQ(header(4096).size(), 4096u);
  expect(header(4096), "passes");
  expect(header(4097), "policy-violation");
  expect(" " + header(4096), "policy-violation");
  expect(std::string(5000, ' '), "policy-violation");
  const auto attributes = [](std::size_t count) {
    return kServerHeader.substr(0, kServerHeader.size() - 1) + numbered(" a", "='1'", count - 3) + ">";
  };
  expect(attributes(16), "passes");
  expect(attributes(17), "policy-violation");
}

TEST(StreamParser, D_09_Z_56_AStanzaOfExactlyTheLimitPasses) {
  ParserLimits limits;
  limits.bytes_per_element = 10'000;
  expect(kServerHeader + stanza_of(10'000), "passes", limits);
  expect(kServerHeader + stanza_of(10'000) + stanza_of(10'000) + " <a/>", "passes", limits);
  expect(kServerHeader + stanza_of(10'001), kTooBig, limits);
  expect(kServerHeader + stanza_of(10'000) + stanza_of(10'001), kTooBig, limits);
  expect(kServerHeader + "<message><body><![CDATA[" + std::string(20'000, 'x'), kTooBig, limits);
  expect(kServerHeader + "<message" + std::string(20'000, ' '), kTooBig, limits);
  expect(kServerHeader + "</stream:stream" + std::string(20'000, ' '), kTooBig, limits);
  expect(kServerHeader + stanza_of(100'000), "passes");
}

TEST(StreamParser, D_09_ReportsTheOctetsOfTheWire) {
  Reading reading;
  reading.feed(kServerHeader + " <message>&#38;</message> <iq  />", 3);
  EXPECT_EQ(reading.wire_octets, (std::vector<std::size_t>{24, 7}));
}

TEST(StreamParser, D_10_XML_12_HoldsDepthAndCounts) {
  expect(kServerHeader + repeated("<a>", 32) + repeated("</a>", 32), "passes");
  expect(kServerHeader + repeated("<a>", 33), kTooBig);
  expect(kServerHeader + repeated("<a>", 10'000), kTooBig);
  expect(kServerHeader + "<a>" + repeated("<b/>", 999) + "</a>", "passes");
  expect(kServerHeader + "<a>" + repeated("<b/>", 1000) + "</a>", kTooBig);
  expect(kServerHeader + repeated("<a><b/></a>", 2000), "passes");
  expect(kServerHeader + "<a" + numbered(" a", "=''", 32) + "/>", "passes");
  expect(kServerHeader + "<a" + numbered(" a", "=''", 33) + "/>", kTooBig);
  expect(kServerHeader + "<a" + numbered(" xmlns:a", "='u:'", 16) + "/>", "passes");
  expect(kServerHeader + "<a" + numbered(" xmlns:a", "='u:'", 17) + "/>", kTooBig);
  expect(kServerHeader + "<a>" + numbered("<x xmlns='u:", "'/>", 64) + "</a>", "passes");
  expect(kServerHeader + "<a>" + numbered("<x xmlns='u:", "'/>", 65) + "</a>", kTooBig);
  expect(kServerHeader + repeated("<a>" + numbered("<x xmlns='u:", "'/>", 64) + "</a>", 3), "passes");
}

TEST(StreamParser, D_11_HoldsTheLengths) {
  const std::string name(256, 'n'), value(16'384, 'v');
  expect(kServerHeader + "<" + name + "></" + name + ">", "passes");
  expect(kServerHeader + "<" + name + "n/>", kTooBig);
  expect(kServerHeader + "<a></" + name + "n>", kTooBig);
  expect(kServerHeader + "<a " + name + "=''/>", "passes");
  expect(kServerHeader + "<a " + name + "n=''/>", kTooBig);
  expect(kServerHeader + "<a b='" + value + "'/>", "passes");
  expect(kServerHeader + "<a b='" + value + "v'/>", kTooBig);
  expect(kServerHeader + "<a b='" + repeated("&#38;", 4000), kTooBig);
  expect(kServerHeader + "<a xmlns='urn:" + std::string(252, 'n') + "'/>", "passes");
  expect(kServerHeader + "<a xmlns='urn:" + std::string(253, 'n') + "'/>", kTooBig);
  expect(kServerHeader + "<a>&" + std::string(300, 'x'), "not-well-formed");
}

TEST(StreamParser, NewLimitsHoldFromTheNextElementOn) {
  Reading reading(ns::kServer, ParserLimits::before_authentication());
  reading.feed(kServerHeader + "<a>");
  reading.parser().set_limits(ParserLimits());
  reading.feed(std::string(8000, 'x') + "</a>" + stanza_of(100'000));
  EXPECT_FALSE(reading.fault);
  reading.parser().set_limits(ParserLimits::before_authentication());
  reading.feed(stanza_of(8193));
  EXPECT_TRUE(reading.fault);
}

}  // namespace
}  // namespace sallyport::inspect
