// A log that was changed in any way is found out, and the place is named.
#include "audit/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scratch.h"

namespace sallyport::audit {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

std::string first_fault(const Verification& verification) {
  return verification.ok() ? "" : to_string(verification.faults.front());
}

TEST(AuditVerify, FindsNothingWrongWithALogAsItWasWritten) {
  ScratchDirectory directory;
  write_log(directory.path(), 40, 4'000);
  const auto result = verify(directory.path());
  EXPECT_EQ(first_fault(result), "");
  EXPECT_THAT(result.notes, IsEmpty());
  EXPECT_EQ(result.records, 40U);
  EXPECT_GT(result.segments, 3U);
  EXPECT_EQ(result.head, result.last);
}

/// What somebody does to the lines of a log of ten, and what verify says then.
struct Tampering {
  std::string name;
  void (*change)(std::vector<std::string>& lines);
  std::string place, what;
};

class AuditVerifyTampered : public testing::TestWithParam<Tampering> {};

TEST_P(AuditVerifyTampered, NamesThePlace) {
  ScratchDirectory directory;
  write_log(directory.path(), 10);
  const auto file = segment(directory.path(), 1);
  auto text = lines(file);
  ASSERT_EQ(text.size(), 10U);
  GetParam().change(text);
  overwrite(file, joined(text));
  EXPECT_THAT(first_fault(verify(directory.path())), AllOf(HasSubstr(GetParam().place), HasSubstr(GetParam().what)));
  EXPECT_FALSE(Log::open(settings(directory.path()), kNow)) << "a log that is broken must not be written on";
}

void replace(std::string& line, std::string_view piece, std::string_view by) {
  line.replace(line.find(piece), piece.size(), by);
}

INSTANTIATE_TEST_SUITE_P(
    Tamperings, AuditVerifyTampered,
    testing::Values(
        Tampering{"Changed", [](auto& l) { replace(l[4], "romeo", "paris"); }, "audit-000001.jsonl:6", "was changed"},
        Tampering{"LastChanged", [](auto& l) { replace(l[9], "romeo", "paris"); }, "audit-000001.jsonl:10",
                  "was changed"},
        Tampering{"NotARecord", [](auto& l) { replace(l[4], "\"from\"", "\"form\""); }, "audit-000001.jsonl:5",
                  "not a record"},
        Tampering{"Removed", [](auto& l) { l.erase(l.begin() + 4); }, "audit-000001.jsonl:5", "record 5 is missing"},
        Tampering{"FirstRemoved", [](auto& l) { l.erase(l.begin()); }, "audit-000001.jsonl:1", "record 1 is missing"},
        Tampering{"TwoRemoved", [](auto& l) { l.erase(l.begin() + 4, l.begin() + 6); }, "audit-000001.jsonl:5",
                  "records 5 to 6 are missing"},
        Tampering{"Reordered", [](auto& l) { std::swap(l[4], l[5]); }, "audit-000001.jsonl:5", "missing"},
        Tampering{"Inserted", [](auto& l) { l.insert(l.begin() + 4, l[2]); }, "audit-000001.jsonl:5",
                  "out of order, or inserted"},
        Tampering{"InsertedAndRenumbered",
                  [](auto& l) {
                    l.insert(l.begin() + 4, l[4]);
                    for (std::size_t i = 5; i < l.size(); ++i) {
                      replace(l[i], "\"n\":" + std::to_string(i), "\"n\":" + std::to_string(i + 1));
                    }
                  },
                  "audit-000001.jsonl:6", "does not follow"},
        Tampering{"RemovedAndRenumbered",
                  [](auto& l) {
                    l.erase(l.begin() + 4);
                    for (std::size_t i = 4; i < l.size(); ++i) {
                      replace(l[i], "\"n\":" + std::to_string(i + 2), "\"n\":" + std::to_string(i + 1));
                    }
                  },
                  "audit-000001.jsonl:5", "does not follow"},
        Tampering{"Truncated", [](auto& l) { l.resize(7); }, "head",
                  "the log ends at record 7, but the head file names record 10"},
        Tampering{"Emptied", [](auto& l) { l.clear(); }, "head", "the log ends at record 0"},
        Tampering{"NewBeginning", [](auto& l) { replace(l[0], std::string(64, '0'), std::string(64, '1')); },
                  "audit-000001.jsonl:1", "does not begin a log"}),
    [](const auto& each) { return each.param.name; });

TEST(AuditVerify, FindsASegmentThatIsMissing) {
  for (const int missing : {1, 2, 3}) {
    ScratchDirectory directory;
    write_log(directory.path(), 20, 4'000);
    std::filesystem::remove(segment(directory.path(), missing));
    const auto result = verify(directory.path());
    EXPECT_FALSE(result.ok()) << missing;
    // The oldest may have been taken to an archive; a gap is never right.
    EXPECT_EQ(Log::open(settings(directory.path()), kNow).has_value(), missing == 1) << missing;
  }
}

TEST(AuditVerify, FindsThatTheLastSegmentIsMissing) {
  ScratchDirectory directory;
  write_log(directory.path(), 20, 4'000);
  const auto last = segments(directory.path())->back();
  std::filesystem::remove(last.path);
  EXPECT_THAT(first_fault(verify(directory.path())), HasSubstr("truncated"));
  EXPECT_FALSE(Log::open(settings(directory.path()), kNow));
}

TEST(AuditVerify, FindsALineCutWithinASegmentThatIsNotTheLast) {
  ScratchDirectory directory;
  write_log(directory.path(), 20, 4'000);
  const auto file = segment(directory.path(), 1);
  const auto text = contents(file);
  overwrite(file, text.substr(0, text.size() - 10));
  EXPECT_THAT(first_fault(verify(directory.path())), HasSubstr("octets of a line without its end"));
}

TEST(AuditVerify, FindsThatTheHeadIsMissingOrNotOne) {
  ScratchDirectory directory;
  write_log(directory.path(), 5);
  overwrite(directory.path() / "head", "sallyport audit head 1\n5\nABC\n");
  EXPECT_THAT(first_fault(verify(directory.path())), HasSubstr("not a head file"));
  EXPECT_FALSE(Log::open(settings(directory.path()), kNow));
  std::filesystem::remove(directory.path() / "head");
  EXPECT_THAT(first_fault(verify(directory.path())), HasSubstr("no head file"));
  EXPECT_FALSE(Log::open(settings(directory.path()), kNow));
}

TEST(AuditVerify, HoldsALogAgainstAnExpectationKeptElsewhere) {
  ScratchDirectory directory;
  write_log(directory.path(), 5);
  const auto kept = verify(directory.path()).last;
  EXPECT_EQ(parse_head(std::to_string(kept.number) + ":" + to_hex(kept.hash)), kept);
  EXPECT_EQ(parse_head("5:" + std::string(64, 'A')), std::nullopt);
  EXPECT_TRUE(verify(directory.path(), kept).ok());

  // The whole log is made anew, with a head that fits.
  std::filesystem::remove_all(directory.path());
  std::filesystem::create_directory(directory.path());
  write_log(directory.path(), 4);
  EXPECT_TRUE(verify(directory.path()).ok());
  EXPECT_THAT(first_fault(verify(directory.path(), kept)), HasSubstr("the expectation names record 5"));
  EXPECT_THAT(first_fault(verify(directory.path(), Head{4, kept.hash})), HasSubstr("the expectation names"));
}

TEST(AuditVerify, NotesATornLineThatWasNeverSynced) {
  ScratchDirectory directory;
  write_log(directory.path(), 5);
  const auto file = segment(directory.path(), 1);
  overwrite(file, contents(file) + "{\"n\":6,\"pr");
  const auto result = verify(directory.path());
  EXPECT_TRUE(result.ok());
  ASSERT_EQ(result.notes.size(), 1U);
  EXPECT_THAT(result.notes[0], HasSubstr("audit-000001.jsonl:6: 10 octets"));
}

}  // namespace
}  // namespace sallyport::audit
