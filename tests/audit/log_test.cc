// The log as its users see it: tickets, numbers, rings, rotation, what a start repairs.
#include "audit/log.h"

#include <map>
#include <semaphore>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/format.h"
#include "audit/line_reader.h"
#include "audit/verify.h"
#include "policy/reason.h"
#include "scratch.h"

namespace sallyport::audit {
namespace {

using testing::HasSubstr;

TEST(AuditLog, GivesTicketsByLaneAndNumbersByLog) {
  ScratchDirectory directory;
  OpenLog log(settings(directory.path()));
  ASSERT_EQ(log.error, "");
  EXPECT_EQ(log.put(release(1, 1)), 2U) << "number 1 is audit.opened";
  EXPECT_EQ(log.put(event("leg.opened")), 3U);
  EXPECT_EQ(log.recorded[1].ticket, 2U);
}

TEST(AuditLog, TakesNoMoreThanTheRingHoldsUntilTheRecordedOnesAreTaken) {
  ScratchDirectory directory;
  OpenLog log(settings(directory.path()), system_disk(), 3);
  for (std::uint64_t ticket = 1; ticket <= 3; ++ticket) EXPECT_EQ(log.lane->submit(event("x.y")), ticket);
  EXPECT_EQ(log.lane->submit(event("x.y")), 0U);
  ASSERT_TRUE(log.signal.wait([&] {
    log.lane->take_recorded(log.recorded);
    return log.recorded.size() == 3;
  }));
  EXPECT_EQ(log.lane->submit(event("x.y")), 4U);
}

TEST(AuditLog, KeepsTheOrderOfEachOfManyLanes) {
  constexpr std::uint64_t kEach = 3'000;
  ScratchDirectory directory;
  auto with = settings(directory.path());
  with.segment_octets = 100'000;
  {
    OpenLog log(with);
    std::vector<Log::Lane*> lanes;
    lanes.reserve(4);
    for (int i = 0; i < 4; ++i) lanes.push_back(&log.log->add_lane([&] { log.signal.raise(); }, 64));
    std::vector<std::jthread> threads;
    threads.reserve(lanes.size());
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      threads.emplace_back([&, i] {
        std::vector<Recorded> recorded;
        std::uint64_t submitted = 0;
        auto record = event("lane.count");
        record.leg = i + 1;
        while (recorded.size() < kEach) {
          record.details = {{"count", std::to_string(submitted + 1)}};
          if (submitted < kEach && lanes[i]->submit(record) > 0) {
            ++submitted;
          } else {
            std::this_thread::yield();
          }
          lanes[i]->take_recorded(recorded);
        }
        for (std::uint64_t ticket = 1; ticket <= kEach; ++ticket) {
          ASSERT_EQ(recorded[ticket - 1].ticket, ticket);
          if (ticket > 1) ASSERT_GT(recorded[ticket - 1].number, recorded[ticket - 2].number);
        }
      });
    }
  }
  const auto result = verify(directory.path());
  ASSERT_TRUE(result.ok()) << to_string(result.faults[0]);
  EXPECT_EQ(result.records, 1 + 4 * kEach);
  std::map<std::uint64_t, std::uint64_t> counts;
  for (const auto& each : *segments(directory.path())) {
    for (const auto& text : lines(each.path)) {
      const auto line = Line::read(text);
      ASSERT_TRUE(line);
      if (line->written("code") != "lane.count") continue;
      EXPECT_EQ(line->pairs("details")[0].second, std::to_string(++counts[line->value("leg")]));
    }
  }
}

TEST(AuditLog, IsWokenByEveryRecordThatComesWhileItFallsAsleep) {
  ScratchDirectory directory;
  auto with = settings(directory.path());
  with.gather = 0us;
  OpenLog log(with);
  std::vector<Log::Lane*> lanes;
  std::vector<std::unique_ptr<std::binary_semaphore>> news;
  for (std::size_t i = 0; i < 3; ++i) {
    news.push_back(std::make_unique<std::binary_semaphore>(0));
    lanes.push_back(&log.log->add_lane([semaphore = news.back().get()] { semaphore->release(); }, 4));
  }
  std::vector<std::jthread> threads;
  threads.reserve(lanes.size());
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    threads.emplace_back([&, i] {
      // One at a time, so that the log falls asleep and is woken as often as can be.
      std::vector<Recorded> recorded;
      for (std::uint64_t ticket = 1; ticket <= 20'000; ++ticket) {
        ASSERT_EQ(lanes[i]->submit(event("x.y")), ticket);
        ASSERT_TRUE(news[i]->try_acquire_for(20s)) << "nobody woke the log for record " << ticket;
        recorded.clear();
        lanes[i]->take_recorded(recorded);
        ASSERT_EQ(recorded.size(), 1U);
      }
    });
  }
}

TEST(AuditLog, RotatesSegmentsThatStayChained) {
  ScratchDirectory directory;
  write_log(directory.path(), 60, 4'000);
  const auto found = *segments(directory.path());
  ASSERT_GT(found.size(), 5U);
  for (const auto& each : found) EXPECT_LT(std::filesystem::file_size(each.path), 5'000U);
  EXPECT_TRUE(verify(directory.path()).ok());
}

TEST(AuditLog, GoesOnWhereItEnded) {
  ScratchDirectory directory;
  for (const std::uint64_t number : {2U, 4U, 6U, 8U}) {
    OpenLog log(settings(directory.path()));
    ASSERT_EQ(log.error, "");
    EXPECT_EQ(log.put(event("x.y")), number);
  }
  const auto result = verify(directory.path());
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.last.number, 8U);
  EXPECT_EQ(result.head, result.last);
}

TEST(AuditLog, InStrictModeHasSyncedWhatIsRecorded) {
  ScratchDirectory directory;
  auto with = settings(directory.path());
  with.mode = Mode::Strict;
  OpenLog log(with);
  for (std::uint64_t number = 2; number < 10; ++number) EXPECT_EQ(log.put(release(1, number)), number);
  log.log->close();
  EXPECT_EQ(log.lane->submit(event("x.y")), 0U) << "a closed log takes nothing";
  EXPECT_EQ(verify(directory.path()).head.value_or(Head{}).number, 9U);
}

TEST(AuditLog, IsWrittenByOneAtATime) {
  ScratchDirectory directory;
  OpenLog log(settings(directory.path()));
  const auto second = Log::open(settings(directory.path()), kNow);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error(), HasSubstr("another process is writing this log"));
}

TEST(AuditLog, SaysWhyItCannotBeOpened) {
  const auto opened = Log::open(settings("/proc/no-such-place/audit"), kNow);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error(), HasSubstr("/proc/no-such-place/audit"));
}

TEST(AuditLog, CutsALineTornAtAnyPlaceAndRecordsThat) {
  ScratchDirectory whole;
  write_log(whole.path(), 4);
  const auto file = contents(segment(whole.path(), 1));
  const auto head = contents(whole.path() / "head");
  auto next = lines(segment(whole.path(), 1)).back();
  next.replace(next.find("\"n\":4"), 5, "\"n\":5");
  for (std::size_t kept = 1; kept <= next.size(); kept += kept < 90 ? 1 : 37) {
    ScratchDirectory directory;
    overwrite(segment(directory.path(), 1), file + next.substr(0, kept));
    overwrite(directory.path() / "head", head);
    {
      OpenLog log(settings(directory.path()));
      ASSERT_EQ(log.error, "") << kept;
    }
    const auto result = verify(directory.path());
    ASSERT_TRUE(result.ok()) << kept << " " << to_string(result.faults[0]);
    const auto text = lines(segment(directory.path(), 1))[4];
    EXPECT_THAT(text, HasSubstr("audit.torn-line-cut"));
    EXPECT_THAT(text, HasSubstr(R"(["line","5"],["octets",")" + std::to_string(kept) + "\"]"));
  }
}

TEST(AuditLog, RefusesATornLineThatHadBeenSynced) {
  ScratchDirectory directory;
  write_log(directory.path(), 4);
  const auto file = segment(directory.path(), 1);
  const auto text = contents(file);
  overwrite(file, text.substr(0, text.size() - 5));
  const auto opened = Log::open(settings(directory.path()), kNow);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error(), HasSubstr("truncated"));
  EXPECT_THAT(opened.error(), HasSubstr("mv "));
  EXPECT_EQ(contents(file), text.substr(0, text.size() - 5)) << "evidence stays as it is";
}

std::vector<std::string> fates(const std::filesystem::path& directory) {
  std::vector<std::string> found;
  for (const auto& text : lines(segment(directory, 1))) {
    const auto line = Line::read(text);
    if (!line || line->written("code") != "audit.fate-unknown") continue;
    std::string fate = line->text("enclave") + " " + std::to_string(line->value("leg"));
    for (const auto& [name, value] : line->pairs("details")) fate += " " + std::string(name) + "=" + std::string(value);
    found.push_back(fate);
  }
  return found;
}

EventRecord settled(std::uint64_t leg, std::uint64_t through) {
  auto record = event("leg.settled");
  record.enclave = "south";
  record.leg = leg;
  record.details = {{"through", std::to_string(through)}};
  return record;
}

TEST(AuditLog, RecordsTheFateOfReleasesThatNothingSettled) {
  ScratchDirectory directory;
  {
    OpenLog log(settings(directory.path()));
    for (std::uint64_t number = 1; number <= 5; ++number) log.put(release(7, number));  // records 2 to 6
    log.put(settled(7, 2));
    log.put(release(9, 1));  // record 8
    log.put(settled(9, 1));
    log.put(release(11, 1));  // record 10
    auto bounce = release(0, 0);
    bounce.cause = "5";
    log.put(bounce);
    auto refused = release(0, 0);
    refused.verdict = "drop";
    log.put(refused);
  }
  {
    OpenLog log(settings(directory.path()));
  }
  const std::vector<std::string> expected = {"south 7 releases=2 through=5 records=4,6",
                                             "south 11 releases=1 through=1 records=10"};
  EXPECT_EQ(fates(directory.path()), expected);
  // They are recorded once.
  {
    OpenLog log(settings(directory.path()));
  }
  EXPECT_EQ(fates(directory.path()), expected);
  EXPECT_TRUE(verify(directory.path()).ok());
}

TEST(AuditLog, FollowsAReleaseThatWasSentAgainToItsNextLeg) {
  const auto about = [](std::string_view code, std::uint64_t record, std::uint64_t leg, std::uint64_t number) {
    auto said = event(std::string(code));
    said.enclave = "south";
    said.leg = leg;
    said.details = {{"record", std::to_string(record)}, {"number", std::to_string(number)}};
    return said;
  };
  ScratchDirectory directory;
  {
    OpenLog log(settings(directory.path()));
    for (std::uint64_t number = 1; number <= 4; ++number) log.put(release(7, number));  // records 2 to 5
    log.put(about("route.repeated", 2, 9, 1));
    log.put(about("route.repeated", 3, 9, 2));
    log.put(about("route.bounce-lost", 4, 0, 0));
    log.put(about("airlock.reported", 5, 0, 0));  // an edge's own words settle nothing
    log.put(settled(9, 1));
  }
  {
    OpenLog log(settings(directory.path()));
  }
  const std::vector<std::string> expected = {"south 7 releases=1 through=4 records=5",
                                             "south 9 releases=1 through=2 records=3"};
  EXPECT_EQ(fates(directory.path()), expected);
}

TEST(AuditLog, NamesEveryReleaseWhoseFateIsUnknownHoweverManyThereAre) {
  constexpr std::uint64_t kReleases = 300;
  ScratchDirectory directory;
  {
    OpenLog log(settings(directory.path()));
    // Every second record, so that none can be named as part of a range; with numbers as long as they come.
    for (std::uint64_t number = 1; number <= kReleases; ++number) {
      log.put(release(7, number));
      log.put(event("leg.opened"));
    }
  }
  {
    OpenLog log(settings(directory.path()));
  }
  const auto found = fates(directory.path());
  ASSERT_EQ(found.size(), 2U);
  EXPECT_TRUE(found[0].starts_with("south 7 releases=256 through=256 records=2,4,6,")) << found[0];
  EXPECT_TRUE(found[0].ends_with(",512")) << found[0];
  EXPECT_TRUE(found[1].starts_with("south 7 releases=44 through=300 records=514,516,")) << found[1];
  EXPECT_TRUE(found[1].ends_with(",600")) << found[1];
}

TEST(AuditLog, DoesNotTakeASettlementOfTheOtherEnclaveForOne) {
  ScratchDirectory directory;
  {
    OpenLog log(settings(directory.path()));
    log.put(release(7, 1));
    auto other = settled(7, 1);
    other.enclave = "north";
    log.put(other);
  }
  {
    OpenLog log(settings(directory.path()));
  }
  EXPECT_EQ(fates(directory.path()).size(), 1U);
}

TEST(AuditLog, WritesOnlyCodesThatAreRegistered) {
  for (const auto code :
       {format::kOpened, format::kTornLineCut, format::kFateUnknown, format::kSettled, format::kRepeated}) {
    EXPECT_TRUE(policy::reason(code)) << code;
  }
}

}  // namespace
}  // namespace sallyport::audit
