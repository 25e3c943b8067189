// Token buckets and the stage that asks them.
#include "policy/rate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspect/element.h"
#include "policy/memory.h"
#include "policy/pipeline.h"

namespace sallyport::policy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Moment at(milliseconds steady) {
  return {.wall = {}, .steady = steady};
}

TEST(RateBuckets, HoldTheBurstAndFillAgain) {
  RateBuckets buckets;
  const std::uint64_t bucket = buckets.bucket({"user", "ann@north.test"});
  RateChange one;
  one.add(bucket, milliseconds(100));
  int passed = 0;
  for (; passed < 100 && buckets.wait(bucket, seconds(1), at(milliseconds(0))).count() == 0; ++passed)
    buckets.commit(one, at(milliseconds(0)));
  EXPECT_EQ(passed, 11);  // ten for the burst, and the one that is due
  EXPECT_EQ(buckets.wait(bucket, seconds(1), at(milliseconds(0))), milliseconds(100));
  EXPECT_EQ(buckets.wait(bucket, seconds(1), at(milliseconds(100))).count(), 0);
  EXPECT_EQ(buckets.wait(buckets.bucket({"user", "bob@north.test"}), seconds(1), at(milliseconds(0))).count(), 0);
}

TEST(RateBuckets, NamesDoNotRunTogether) {
  const RateBuckets buckets;
  EXPECT_NE(buckets.bucket({"ab", "c"}), buckets.bucket({"a", "bc"}));
}

TEST(RateBuckets, D_34_ForgetTheLeastSpokenForWhenManyComeAndStayBounded) {
  RateBuckets buckets;
  const std::uint64_t heavy = buckets.bucket({"heavy"});
  RateChange much;
  much.add(heavy, seconds(60));
  buckets.commit(much, at(milliseconds(0)));
  for (int i = 0; i < 100'000; ++i) {
    RateChange little;
    little.add(buckets.bucket({std::to_string(i)}), milliseconds(1));
    buckets.commit(little, at(milliseconds(0)));
  }
  EXPECT_GT(buckets.wait(heavy, seconds(0), at(milliseconds(0))).count(), 0);
}

class RateStage : public ::testing::Test {
 protected:
  RateStage() {
    Tables tables;
    tables.name = "rates";
    tables.enclaves = {{.name = "north", .revocation = {}, .withdrawn = {}},
                       {.name = "south", .revocation = {}, .withdrawn = {}}};
    tables.domains = {{"north.test", 0, 0}, {"rooms.north.test", 0, 0}, {"south.test", 1, 2}};
    Peering all;
    all.id = "all";
    all.message = all.presence = all.iq = true;
    all.rates = {.pair_stanzas = 10,
                 .pair_octets = 0,
                 .user_messages = 2,
                 .user_presence = 1,
                 .user_iqs = 0,
                 .burst = 1,
                 .over = OverRate::Wait};
    tables.peerings = {all};
    tables.routes = {{0, 2, 0}, {1, 2, 0}};
    tables.settings.stages_off = 0b0111100;
    tables_ = std::move(tables);
  }

  Judgement send(const char* kind, const char* from, milliseconds when) {
    const Bundle bundle = *Bundle::make(tables_);
    const Pair granted[] = {{"north.test", "south.test"}, {"rooms.north.test", "south.test"}};
    const Crossing crossing{.from_enclave = "north", .to_enclave = "south", .lang = "en", .granted = granted};
    scratch_.arena.clear();
    inspect::TreeEditor editor(scratch_.arena);
    inspect::Node* stanza = editor.element("", kind);
    editor.set_attribute(*stanza, "from", from);
    editor.set_attribute(*stanza, "to", "bob@south.test");
    const Judgement judgement = judge(*stanza, 100, crossing, at(when), bundle, scratch_);
    const bool released = judgement.verdict == Verdict::Release || judgement.verdict == Verdict::Alter;
    memory_.commit(released ? judgement.intents.release : judgement.intents.refusal, at(when));
    return judgement;
  }
  /// How many of so many cross at that moment.
  int crossing(int count, const char* kind, const char* from, milliseconds when) {
    int released = 0;
    for (int i = 0; i < count; ++i) released += send(kind, from, when).verdict == Verdict::Release ? 1 : 0;
    return released;
  }

  Tables tables_;
  Memory memory_;
  Scratch scratch_{memory_};
};

TEST_F(RateStage, D_18_LetsAnAccountSendItsRateOfEachKind) {
  EXPECT_EQ(crossing(9, "message", "ann@north.test/a", milliseconds(0)), 3);
  EXPECT_EQ(crossing(9, "message", "ann@north.test/b", milliseconds(0)), 0);  // another client of the same account
  EXPECT_EQ(crossing(9, "presence", "ann@north.test/a", milliseconds(0)), 2);
  EXPECT_EQ(crossing(9, "message", "eve@north.test/a", milliseconds(0)), 3);
  EXPECT_EQ(crossing(9, "message", "ann@north.test/a", milliseconds(1000)), 2);
}

TEST_F(RateStage, D_18_AServiceHasTheRateOfItsPair) {
  EXPECT_EQ(crossing(50, "message", "hall@rooms.north.test/ann", milliseconds(0)), 11);
  EXPECT_EQ(crossing(50, "message", "hall@rooms.north.test/ann", milliseconds(1000)), 10);
}

TEST_F(RateStage, D_30_RefusesWithWaitAndFindsExcessOnceAMinute) {
  crossing(3, "message", "ann@north.test/a", milliseconds(0));
  const Judgement first = send("message", "ann@north.test/a", milliseconds(1));
  EXPECT_EQ(first.verdict, Verdict::Bounce);
  EXPECT_EQ(first.reason, Reason::RateUser);
  EXPECT_EQ(first.fault.type, inspect::ErrorType::Wait);
  EXPECT_EQ(first.fault.condition, inspect::StanzaCondition::ResourceConstraint);
  EXPECT_TRUE(first.findings.has(Reason::RateExceeded));
  EXPECT_FALSE(send("message", "ann@north.test/a", milliseconds(2)).findings.has(Reason::RateExceeded));
  crossing(3, "message", "ann@north.test/a", seconds(61));
  EXPECT_TRUE(send("message", "ann@north.test/a", seconds(61)).findings.has(Reason::RateExceeded));
}

TEST_F(RateStage, BySettingItIsSilent) {
  tables_.peerings[0].rates.over = OverRate::Drop;
  crossing(3, "message", "ann@north.test/a", milliseconds(0));
  const Judgement judgement = send("message", "ann@north.test/a", milliseconds(1));
  EXPECT_EQ(judgement.verdict, Verdict::Drop);
  EXPECT_EQ(judgement.reason, Reason::RateUserDropped);
}

TEST_F(RateStage, D_17_CountsOctets) {
  tables_.peerings[0].rates.pair_octets = 100;
  EXPECT_EQ(crossing(9, "message", "hall@rooms.north.test/ann", milliseconds(0)), 2);
  EXPECT_EQ(send("message", "hall@rooms.north.test/ann", milliseconds(0)).reason, Reason::RatePair);
}

}  // namespace
}  // namespace sallyport::policy
