#include "proxy/edge/srv_order.h"

#include <map>
#include <random>

#include <gmock/gmock.h>

namespace sallyport::edge {
namespace {

using State = SrvAnswer::State;
using testing::ElementsAre;

Random always(std::uint32_t lot) {
  return [lot](std::uint32_t most) { return std::min(lot, most); };
}

Random fair(std::uint32_t seed) {
  return [engine = std::mt19937(seed)](std::uint32_t most) mutable {
    return std::uniform_int_distribution<std::uint32_t>(0, most)(engine);
  };
}

std::vector<std::string> names(const std::vector<SrvRecord>& records) {
  std::vector<std::string> all;
  for (const auto& record : records) all.push_back(record.target);
  return all;
}

SrvAnswer records(std::vector<SrvRecord> list) {
  return {State::Records, std::move(list)};
}

std::string wire(std::uint16_t priority, std::uint16_t weight, std::uint16_t port, const std::string& name) {
  std::string rdata;
  for (const std::uint16_t number : {priority, weight, port})
    rdata += {static_cast<char>(number >> 8), static_cast<char>(number & 255)};
  return rdata + name;
}

TEST(SrvOrder, DNS_02_TakesLowerPrioritiesFirst) {
  const auto order = in_order({{30, 0, 1, "c"}, {10, 0, 1, "a"}, {20, 0, 1, "b"}}, always(0));
  EXPECT_THAT(names(order), ElementsAre("a", "b", "c"));
}

TEST(SrvOrder, DNS_02_DrawsLotsWithinAPriority) {
  const std::vector<SrvRecord> all = {{10, 60, 1, "big"}, {10, 30, 1, "small"}, {10, 0, 1, "none"}, {5, 1, 1, "first"}};
  EXPECT_THAT(names(in_order(all, always(0))), ElementsAre("first", "none", "big", "small"));
  EXPECT_THAT(names(in_order(all, always(60))), ElementsAre("first", "big", "small", "none"));
  EXPECT_THAT(names(in_order(all, always(90))), ElementsAre("first", "small", "big", "none"));
}

TEST(SrvOrder, DNS_02_DistributesByWeight) {
  auto random = fair(1);
  std::map<std::string, int> first;
  for (int round = 0; round < 10'000; ++round)
    ++first[in_order({{0, 60, 1, "a"}, {0, 30, 1, "b"}, {0, 10, 1, "c"}}, random).front().target];
  EXPECT_NEAR(first["a"], 6000, 300);
  EXPECT_NEAR(first["b"], 3000, 300);
  EXPECT_NEAR(first["c"], 1000, 300);
}

TEST(SrvOrder, DNS_02_KeepsEveryRecordOnce) {
  auto random = fair(2);
  std::vector<SrvRecord> all;
  for (std::uint16_t at = 0; at < 40; ++at)
    all.push_back(
        {static_cast<std::uint16_t>(at % 3), static_cast<std::uint16_t>(at * 1637), 5269, std::to_string(at)});
  auto order = in_order(all, random);
  EXPECT_TRUE(std::ranges::is_sorted(order, {}, &SrvRecord::priority));
  EXPECT_THAT(order, testing::UnorderedElementsAreArray(all));
}

TEST(SrvOrder, DNS_02_MergesBothKindsByPriority) {
  const auto merged = targets("a.test", records({{10, 0, 5269, "plain"}, {30, 0, 5269, "last"}}),
                              records({{20, 0, 5270, "direct"}}), always(0));
  ASSERT_TRUE(merged);
  EXPECT_THAT(names(merged->records), ElementsAre("plain", "direct", "last"));
  EXPECT_FALSE(merged->records[0].direct_tls);
  EXPECT_TRUE(merged->records[1].direct_tls);
  EXPECT_FALSE(merged->is_fallback);
}

TEST(SrvOrder, BoundsTheNumberOfTargets) {
  std::vector<SrvRecord> many(100, SrvRecord{1, 1, 5269, "a"});
  EXPECT_EQ(targets("a.test", records(many), {}, always(0))->records.size(), kMostTargets);
}

struct Case {
  const char* what;
  SrvAnswer starttls, direct;
  std::vector<std::string> expected;  // empty: the fault
  NameFault fault = NameFault::NoName;
};

TEST(SrvOrder, DNS_03_FallsBackOnlyWhenThereAreNoRecords) {
  const SrvAnswer none, failed{State::Failed}, bogus{State::Bogus};
  const auto dot = records({{0, 0, 0, ""}}), one = records({{0, 0, 5269, "x.test"}});
  const Case cases[] = {
      {"no records", none, none, {"a.test"}},
      {"no records, direct TLS declined", none, dot, {"a.test"}},
      {"no records, direct TLS unknown", none, failed, {}, NameFault::NoAnswer},
      {"direct TLS alone", none, one, {"x.test"}},
      {"declined", dot, none, {}, NameFault::NoService},
      {"declined, direct TLS unknown", dot, failed, {}, NameFault::NoService},
      {"both declined", dot, dot, {}, NameFault::NoService},
      {"declined, direct TLS there", dot, one, {"x.test"}},
      {"unknown", failed, none, {}, NameFault::NoAnswer},
      {"unknown, direct TLS declined", failed, dot, {}, NameFault::NoAnswer},
      {"unknown, direct TLS there", failed, one, {"x.test"}},
      {"there, direct TLS unknown", one, failed, {"x.test"}},
      {"forged", bogus, none, {}, NameFault::Bogus},
      {"there, direct TLS forged", one, bogus, {}, NameFault::Bogus},
      {"one of several declines", records({{0, 0, 0, ""}, {1, 0, 5269, "x.test"}}), none, {"x.test"}},
  };
  for (const Case& row : cases) {
    const auto found = targets("a.test", row.starttls, row.direct, always(0));
    if (row.expected.empty()) {
      ASSERT_FALSE(found) << row.what;
      EXPECT_EQ(found.error(), row.fault) << row.what;
    } else {
      ASSERT_TRUE(found) << row.what;
      EXPECT_EQ(names(found->records), row.expected) << row.what;
      EXPECT_EQ(found->is_fallback, row.expected.front() == "a.test") << row.what;
    }
  }
}

TEST(SrvOrder, DNS_08_FallsBackToTheRegisteredPort) {
  const auto found = targets("a.test", {State::None, {}, true}, {}, always(0));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->records.front(), (SrvRecord{0, 0, 5269, "a.test", false, true}));
}

TEST(SrvOrder, ReadsARecordFromItsOctets) {
  using namespace std::string_literals;
  const auto record = parse_srv(wire(10, 20, 5269, "\4XMPP\1a\4test\0"s));
  ASSERT_TRUE(record);
  EXPECT_EQ(*record, (SrvRecord{10, 20, 5269, "xmpp.a.test"}));
  EXPECT_EQ(parse_srv(wire(0, 0, 0, "\0"s))->target, "");
}

TEST(SrvOrder, RefusesARecordThatIsMalformed) {
  using namespace std::string_literals;
  std::string long_name;
  for (int at = 0; at < 5; ++at) long_name += "\x3F"s + std::string(63, 'a');
  const std::string bad[] = {
      ""s,
      "\0\1"s,
      wire(0, 0, 1, ""),
      wire(0, 0, 1, "\1a"s),
      wire(0, 0, 1, "\5a\0"s),
      wire(0, 0, 1, "\1a\0x"s),
      wire(0, 0, 1, "\xC0\x0C"s),
      wire(0, 0, 1, "\3a.b\0"s),
      wire(0, 0, 1, "\3a b\0"s),
      wire(0, 0, 1, "\2a\0\0"s),
      wire(0, 0, 1, "\2a/\1b\0"s),
      wire(0, 0, 1, long_name + "\0"s),
  };
  for (const auto& rdata : bad) EXPECT_FALSE(parse_srv(rdata)) << testing::PrintToString(rdata);
}

}  // namespace
}  // namespace sallyport::edge
