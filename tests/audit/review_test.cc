// What a person sees of the record, and what `sallyport audit` answers.
#include "audit/review.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/line_writer.h"
#include "scratch.h"

namespace sallyport::audit {
namespace {

using testing::HasSubstr;
using testing::Not;

class AuditReview : public testing::Test {
 protected:
  Line read(const Record& record) {
    std::string fields;
    text_.clear();
    FieldWriter().write(record, fields);
    Chain(11, {}).append(fields, text_);
    text_.pop_back();
    const auto line = Line::read(text_);
    EXPECT_TRUE(line);
    return *line;
  }
  bool finds(const Filter& filter, const Record& record) { return filter.permits(read(record)); }

  std::string text_;
};

TEST_F(AuditReview, PrintsAStanzaInOneLine) {
  auto record = release(5, 9);
  record.rule = "chat";
  record.findings = {"label.missing"};
  EXPECT_EQ(Printer(false).print(read(record)),
            "      12  2026-03-04 05:06:07.000  release   message chat            policy.granted                "
            "romeo@a.test/orchard > juliet@b.test  id=m9  rule=chat  also=label.missing\n");
}

TEST_F(AuditReview, PrintsTheLabelBeforeAndAfterAndWhyItDecided) {
  auto record = release(5, 9);
  record.label_in = record.label_out = "ACME (version 3): SECRET";
  EXPECT_THAT(Printer(false).print(read(record)), HasSubstr("  id=m9  label=ACME (version 3): SECRET\n"));
  record.label_out = "NORDIA (version 1): SEALED";
  record.label_detail = "classification of b.test";
  record.shadow = "release policy.granted";
  EXPECT_THAT(Printer(false).print(read(record)),
              HasSubstr("label=ACME (version 3): SECRET  label-out=NORDIA (version 1): SEALED  "
                        "why=classification of b.test  shadow=release policy.granted\n"));
  EXPECT_THAT(Printer(false).print_whole(read(record)), HasSubstr("label_detail  classification of b.test\n"));
}

TEST_F(AuditReview, FindsByLabelMarkingAndShadow) {
  auto record = release(1, 1);
  record.label_in = "ACME (version 3): SECRET";
  record.marking_out = "[NRD/SEALED]";
  Filter filter;
  filter.label = "SECRET";
  EXPECT_TRUE(finds(filter, record));
  EXPECT_FALSE(finds(filter, release(1, 1)));
  filter.label = "NRD/SEALED";
  EXPECT_TRUE(finds(filter, record));
  EXPECT_FALSE(finds(filter, event("x.y")));
  filter.label = "";
  filter.shadow = true;
  EXPECT_FALSE(finds(filter, record));
  record.shadow = "drop policy.no-rule";
  EXPECT_TRUE(finds(filter, record));
}

TEST_F(AuditReview, P_02_ShowsAndFindsAHiddenResourceByEitherName) {
  auto record = release(5, 9);
  record.from_out = "romeo@a.test/8sQ";
  record.to_in = "juliet@b.test/x2f";
  EXPECT_THAT(Printer(false).print(read(record)),
              HasSubstr("  id=m9  from-out=romeo@a.test/8sQ  to-in=juliet@b.test/x2f\n"));
  for (const char* name : {"romeo@a.test/orchard", "romeo@a.test/8sQ"}) {
    Filter filter;
    filter.from = name;
    EXPECT_TRUE(finds(filter, record)) << name;
    filter.from.clear();
    filter.jid = name;
    EXPECT_TRUE(finds(filter, record)) << name;
  }
  Filter filter;
  filter.to = "juliet@b.test/x2f";
  EXPECT_TRUE(finds(filter, record));
  EXPECT_FALSE(finds(filter, release(5, 9)));
}

TEST_F(AuditReview, PrintsAnEventInOneLine) {
  auto record = event("leg.closed");
  record.enclave = "north";
  record.leg = 4;
  record.details = {{"cause", "reset by peer"}};
  EXPECT_EQ(Printer(false).print(read(record)),
            "      12  2026-03-04 05:06:07.000  event     leg.closed              enclave=north  leg=4  "
            "cause=reset by peer\n");
}

TEST_F(AuditReview, PrintsARecordWithAllItsFields) {
  auto record = event("leg.closed");
  record.leg = 4;
  record.details = {{"cause", "reset by peer"}};
  EXPECT_EQ(Printer(false).print_whole(read(record)), "n             12\nprev          " + std::string(64, '0') +
                                                          "\ntime          2026-03-04T05:06:07.000089Z\n"
                                                          "record        event\ncode          leg.closed\n"
                                                          "leg           4\ncause         reset by peer\n");
}

TEST_F(AuditReview, NeverLetsAPeerSteerTheTerminal) {
  auto record = release(5, 9);
  record.id = "\x1b[2J\n12 release";
  const auto printed = Printer(false).print(read(record));
  EXPECT_THAT(printed, HasSubstr(R"(id=\u001b[2J\u000a12 release)"));
  EXPECT_THAT(printed, Not(HasSubstr("\x1b")));
}

TEST_F(AuditReview, ColoursOnlyWhenAsked) {
  EXPECT_THAT(Printer(true).print(read(release(1, 1))), HasSubstr("\x1b[32mrelease"));
  EXPECT_THAT(Printer(false).print(read(release(1, 1))), Not(HasSubstr("\x1b")));
}

TEST_F(AuditReview, FindsByJidBareJidAndDomain) {
  const auto record = release(1, 1);
  const auto from = [](std::string jid) {
    Filter filter;
    filter.from = std::move(jid);
    return filter;
  };
  EXPECT_TRUE(finds(from("romeo@a.test/orchard"), record));
  EXPECT_TRUE(finds(from("romeo@a.test"), record));
  EXPECT_TRUE(finds(from("a.test"), record));
  EXPECT_FALSE(finds(from("test"), record));
  EXPECT_FALSE(finds(from("romeo@a.test/balcony"), record));
  EXPECT_FALSE(finds(from("b.test"), record));
  EXPECT_FALSE(finds(from("a.test"), event("x.y"))) << "an event is from nobody";
}

TEST_F(AuditReview, FindsByReasonFindingCodeAndStage) {
  auto record = release(1, 1);
  record.findings = {"label.missing"};
  const auto reason = [](std::string code) {
    Filter filter;
    filter.reason = std::move(code);
    return filter;
  };
  EXPECT_TRUE(finds(reason("policy.granted"), record));
  EXPECT_TRUE(finds(reason("label.missing"), record));
  EXPECT_TRUE(finds(reason("label"), record));
  EXPECT_FALSE(finds(reason("lab"), record));
  EXPECT_FALSE(finds(reason("label.miss"), record));
  EXPECT_TRUE(finds(reason("leg"), event("leg.opened")));
}

TEST_F(AuditReview, FindsByKindAndType) {
  const auto kind = [](std::string name) {
    Filter filter;
    filter.kind = std::move(name);
    return filter;
  };
  auto record = release(1, 1);
  EXPECT_TRUE(finds(kind("message"), record));
  EXPECT_TRUE(finds(kind("message:chat"), record));
  EXPECT_FALSE(finds(kind("message:normal"), record));
  EXPECT_FALSE(finds(kind("presence"), record));
  record.type = "";
  EXPECT_TRUE(finds(kind("message:normal"), record));
  record.kind = "presence";
  EXPECT_TRUE(finds(kind("presence:available"), record));
  EXPECT_FALSE(finds(kind("presence:normal"), record));
  record.type = "probe";
  EXPECT_TRUE(finds(kind("presence:probe"), record));
  EXPECT_TRUE(finds(kind("presence"), event("presence.revoked"))) << "it is about presence";
  EXPECT_FALSE(finds(kind("presence"), event("leg.opened")));
  EXPECT_FALSE(finds(kind("presence:probe"), event("presence.revoked")));
}

TEST_F(AuditReview, FindsWhatConcernsAJidAtEitherEndAndInEvents) {
  const auto jid = [](std::string name) {
    Filter filter;
    filter.jid = std::move(name);
    return filter;
  };
  for (const char* name : {"romeo@a.test", "romeo@a.test/orchard", "juliet@b.test", "b.test"})
    EXPECT_TRUE(finds(jid(name), release(1, 1))) << name;
  EXPECT_FALSE(finds(jid("nurse@b.test"), release(1, 1)));
  auto revoked = event("presence.revoked");
  revoked.details = {{"watcher", "romeo@a.test"}, {"watched", "juliet@b.test"}};
  EXPECT_TRUE(finds(jid("juliet@b.test"), revoked));
  EXPECT_TRUE(finds(jid("romeo@a.test/orchard"), revoked)) << "what is said of an account is said of its resources";
  EXPECT_TRUE(finds(jid("a.test"), revoked));
  EXPECT_FALSE(finds(jid("nurse@b.test"), revoked));
  auto lost = event("presence.lost");
  lost.details = {{"from", "b.test"}, {"to", "a.test"}};
  EXPECT_TRUE(finds(jid("juliet@b.test"), lost)) << "her server is lost";
  EXPECT_FALSE(finds(jid("juliet@c.test"), lost));
}

TEST_F(AuditReview, FindsByTimeVerdictAndNumber) {
  Filter filter;
  filter.since = "2026-03-04";
  EXPECT_TRUE(finds(filter, release(1, 1)));
  filter.since = "2026-03-04T05:06:07Z";
  EXPECT_TRUE(finds(filter, release(1, 1)));
  filter.since = "2026-03-04T05:06:08Z";
  EXPECT_FALSE(finds(filter, release(1, 1)));
  filter.since = "";
  filter.until = "2026-03-04T05:06";
  EXPECT_TRUE(finds(filter, release(1, 1)));
  filter.until = "2026-03-04T05:05";
  EXPECT_FALSE(finds(filter, release(1, 1)));
  filter.until = "2026-03-03";
  EXPECT_FALSE(finds(filter, release(1, 1)));
  filter.until = "";
  filter.verdict = "drop";
  EXPECT_FALSE(finds(filter, release(1, 1)));
  filter.verdict = "release";
  EXPECT_TRUE(finds(filter, release(1, 1)));
  filter.record = 12;
  EXPECT_TRUE(finds(filter, release(1, 1)));
  filter.record = 13;
  EXPECT_FALSE(finds(filter, release(1, 1)));
}

}  // namespace
}  // namespace sallyport::audit
