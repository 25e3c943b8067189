// `sallyport audit verify` and `show`, run as the operator runs them.
#include <algorithm>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/verify.h"
#include "proxy/main/commands/commands.h"
#include "scratch.h"

namespace sallyport::audit {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  int code = 0;
  std::string out, err;
};

Outcome run(std::vector<std::string> arguments) {
  CLI::App app;
  commands::add_audit(app);
  Outcome outcome;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(arguments);
  } catch (const CLI::Error& error) {
    outcome.code = error.get_exit_code();
  }
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

class AuditCommand : public testing::Test {
 protected:
  void SetUp() override { write_log(directory_.path(), 6); }
  std::string directory() const { return directory_.path(); }
  ScratchDirectory directory_;
};

TEST_F(AuditCommand, VerifySaysThatALogIsWholeAndGivesItsLastRecord) {
  const auto outcome = run({"audit", "verify", directory()});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, StartsWith("The log is whole: 6 records in 1 segment. Last record:\n6:"));
  const auto last = outcome.out.substr(outcome.out.rfind('\n', outcome.out.size() - 2) + 1, 66);
  EXPECT_EQ(run({"audit", "verify", directory(), "--expect", last}).code, 0);
  EXPECT_EQ(run({"audit", "verify", directory(), "--expect", "7" + last.substr(1)}).code, 1);
  EXPECT_EQ(run({"audit", "verify", directory(), "--expect", "six"}).code, 2);
}

TEST_F(AuditCommand, VerifyNamesWhatIsWrongAndFails) {
  auto text = lines(segment(directory_.path(), 1));
  text.erase(text.begin() + 2);
  overwrite(segment(directory_.path(), 1), joined(text));
  const auto outcome = run({"audit", "verify", directory()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("audit-000001.jsonl:3: record 3 is missing"), HasSubstr("NOT")));
  const auto json = run({"audit", "verify", directory(), "--json"});
  EXPECT_EQ(json.code, 1);
  EXPECT_THAT(json.out, AllOf(StartsWith("{\"ok\":false,\"records\":5,\"segments\":1,\"last\":\"6:"),
                              HasSubstr("\"line\":3,\"what\":\"record 3 is missing before this line\"}]")));
}

TEST_F(AuditCommand, VerifyOfNoDirectoryFails) {
  EXPECT_EQ(run({"audit", "verify", directory() + "/none"}).code, 1);
}

TEST_F(AuditCommand, ShowPrintsRecordsUnderAHeading) {
  const auto outcome = run({"audit", "show", directory()});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, AllOf(StartsWith("  record  time (UTC)"), HasSubstr("audit.opened"), HasSubstr("id=m6")));
}

TEST_F(AuditCommand, ShowFindsOneRecordAndPrintsItAsItStands) {
  const auto outcome = run({"audit", "show", directory(), "--record", "4", "--json"});
  EXPECT_EQ(outcome.out, lines(segment(directory_.path(), 1))[3] + "\n");
  EXPECT_THAT(run({"audit", "show", directory(), "--record", "4"}).out, HasSubstr("\nid            m4\n"));
  EXPECT_EQ(run({"audit", "show", directory(), "--verdict", "drop", "--json"}).out, "");
}

TEST_F(AuditCommand, ShowSaysWhichLineIsNoRecordAndGoesOn) {
  auto text = lines(segment(directory_.path(), 1));
  text[2] = "\x1b[2J";
  overwrite(segment(directory_.path(), 1), joined(text));
  const auto outcome = run({"audit", "show", directory()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("audit-000001.jsonl:3: not a record"));
  EXPECT_THAT(outcome.out, HasSubstr("id=m6"));
}

}  // namespace
}  // namespace sallyport::audit
