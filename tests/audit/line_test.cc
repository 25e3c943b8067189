// One line: what the writer writes is what the reader takes, and the reader takes nothing else.
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/line_reader.h"
#include "audit/line_writer.h"
#include "scratch.h"

namespace sallyport::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

const std::string kZeros(64, '0');

std::string line_of(const Record& record) {
  std::string fields, line;
  FieldWriter().write(record, fields);
  Chain(0, {}).append(fields, line);
  line.pop_back();
  return line;
}

StanzaRecord with_id(std::string id) {
  auto record = release(1, 1);
  record.id = std::move(id);
  return record;
}

TEST(AuditLine, OfAnEventIsThisText) {
  auto record = event("leg.closed");
  record.enclave = "north";
  record.crossing = 3;
  record.leg = 12;
  record.details = {{"cause", "connection lost"}, {"settled", "7"}};
  EXPECT_EQ(line_of(record), R"({"n":1,"prev":")" + kZeros +
                                 R"(","time":"2026-03-04T05:06:07.000089Z","record":"event","code":"leg.closed",)" +
                                 R"("enclave":"north","crossing":3,"leg":12,)" +
                                 R"("details":[["cause","connection lost"],["settled","7"]]})");
}

TEST(AuditLine, OfAStanzaIsThisText) {
  auto record = release(5, 9);
  record.findings = {"label.missing", "content.too-long"};
  record.rule = "peering-1";
  record.bundle = "b1";
  record.label_in = "ACME (version 3): SECRET";
  record.marking_in = "UNCLASSIFIED";
  record.label_out = "NORDIA (version 1): SEALED";
  record.marking_out = "[NRD/SEALED]";
  record.label_detail = "restrictive:Projects of b.test";
  record.shadow = "drop policy.no-rule";
  record.cause = "4";
  record.content = "hi";
  std::string ab, cd;
  for (int i = 0; i < 32; ++i) ab += "ab", cd += "cd";
  EXPECT_EQ(line_of(record),
            R"({"n":1,"prev":")" + kZeros +
                R"(","time":"2026-03-04T05:06:07.000089Z","record":"stanza","crossing":3,"from_enclave":"north",)" +
                R"("to_enclave":"south","from":"romeo@a.test/orchard","to":"juliet@b.test","kind":"message",)" +
                R"("type":"chat","id":"m9","verdict":"release","reason":"policy.granted",)" +
                R"("findings":["label.missing","content.too-long"],"rule":"peering-1","bundle":"b1",)" +
                R"("label_in":"ACME (version 3): SECRET","marking_in":"UNCLASSIFIED",)" +
                R"("label_out":"NORDIA (version 1): SEALED","marking_out":"[NRD/SEALED]",)" +
                R"("label_detail":"restrictive:Projects of b.test","shadow":"drop policy.no-rule","leg_in":2,)" +
                R"("number_in":9,"leg_out":5,"number_out":9,"octets_in":300,"octets_out":280,"sha256_in":")" + ab +
                R"(","sha256_out":")" + cd + R"(","cause":"4","content":"hi"})");
}

struct Spelling {
  std::string text, written;
};

class AuditText : public testing::TestWithParam<Spelling> {};

TEST_P(AuditText, HasOneSpellingThatIsSafeToPrint) {
  const auto text = line_of(with_id(GetParam().text));
  EXPECT_THAT(text, HasSubstr("\"id\":\"" + GetParam().written + "\",\"verdict\""));
  const auto line = Line::read(text);
  ASSERT_TRUE(line) << line.error();
  EXPECT_EQ(line->written("id"), GetParam().written);
  if (GetParam().written.find("\uFFFD") == std::string::npos) EXPECT_EQ(line->text("id"), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    Spellings, AuditText,
    testing::Values(Spelling{"plain ~ text", "plain ~ text"}, Spelling{"a\"b\\c", R"(a\"b\\c)"},
                    Spelling{"two\nlines\r\t", R"(two\u000alines\u000d\u0009)"},
                    Spelling{std::string("nul\0!", 5), R"(nul\u0000!)"},
                    Spelling{"\x1b]0;title\x07", R"(\u001b]0;title\u0007)"}, Spelling{"\x7f", R"(\u007f)"},
                    Spelling{"\u0085\u009b", R"(\u0085\u009b)"}, Spelling{"\u202Egnp.exe", R"(\u202egnp.exe)"},
                    Spelling{"\u2066x\u2069", R"(\u2066x\u2069)"}, Spelling{"\u200B\uFEFF", R"(\u200b\ufeff)"},
                    Spelling{"\u2028\u2029", R"(\u2028\u2029)"}, Spelling{"\U000E0041", R"(\udb40\udc41)"},
                    Spelling{"grüße 日本 🙂", "grüße 日本 🙂"}, Spelling{"\xff", "\uFFFD"},
                    Spelling{"a\xc0\xaf", "a\uFFFD\uFFFD"},                    // overlong
                    Spelling{"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},            // a surrogate
                    Spelling{"\xf4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},  // beyond U+10FFFF
                    Spelling{"cut\xe2\x82", "cut\uFFFD\uFFFD"}));

TEST(AuditLine, OfAnyOctetsIsOneLineThatTheReaderTakes) {
  std::mt19937 random(20260304);
  for (int round = 0; round < 2'000; ++round) {
    std::string octets(random() % 60, '\0');
    for (auto& octet : octets) octet = static_cast<char>(random());
    auto record = event("edge.event");
    record.details = {{octets, octets}};
    const auto text = line_of(record);
    EXPECT_EQ(text.find('\n'), std::string::npos);
    const auto line = Line::read(text);
    ASSERT_TRUE(line) << line.error() << "\n" << text;
    EXPECT_EQ(line->pairs("details").size(), 1U);
  }
}

TEST(AuditLine, CutsALongTextBetweenCharactersAndSaysSo) {
  std::string id(format::kLargestText - 1, 'x');
  id += "\u20AC and more";
  const auto text = line_of(with_id(id));
  const auto line = Line::read(text);
  ASSERT_TRUE(line) << line.error();
  EXPECT_EQ(line->text("id"),
            std::string(format::kLargestText - 1, 'x') + "\u2026(cut, of " + std::to_string(id.size()) + " octets)");
}

TEST(AuditLine, LeavesOutItemsBeyondTheLimit) {
  auto record = event("x.y");
  record.details.resize(format::kMostItems + 9, {"a", "b"});
  const auto text = line_of(record);
  const auto line = Line::read(text);
  ASSERT_TRUE(line) << line.error();
  EXPECT_EQ(line->pairs("details").size(), format::kMostItems);
}

TEST(AuditLine, OfTheLargestRecordIsWithinTheLimit) {
  auto record = release(1, 1);
  record.content.assign(2 * format::kLargestContent, '\x01');
  record.findings.assign(format::kMostItems, std::string(2 * format::kLargestText, '\x02'));
  for (auto* text :
       {&record.from_enclave, &record.to_enclave, &record.from, &record.to, &record.kind, &record.type, &record.id,
        &record.verdict, &record.reason, &record.rule, &record.bundle, &record.label_in, &record.marking_in,
        &record.label_out, &record.marking_out, &record.label_detail, &record.shadow, &record.cause}) {
    text->assign(2 * format::kLargestText, '\x03');
  }
  EXPECT_TRUE(Line::read(line_of(record)));
}

TEST(AuditLine, GivesItsFields) {
  auto record = release(5, 9);
  record.findings = {"a.b", "c.d"};
  const auto text = line_of(record);
  const auto line = Line::read(text);
  ASSERT_TRUE(line);
  EXPECT_FALSE(line->is_event());
  EXPECT_EQ(line->number(), 1U);
  EXPECT_EQ(line->prev(), Digest{});
  EXPECT_EQ(line->value("leg_out"), 5U);
  EXPECT_EQ(line->text("from"), "romeo@a.test/orchard");
  EXPECT_EQ(line->text("content"), "");
  EXPECT_THAT(line->items("findings"), ElementsAre("a.b", "c.d"));

  auto other = event("leg.settled");
  other.details = {{"through", "4"}, {"x", "\x01"}};
  const auto other_text = line_of(other);
  const auto other_line = Line::read(other_text);
  ASSERT_TRUE(other_line);
  EXPECT_TRUE(other_line->is_event());
  EXPECT_THAT(other_line->pairs("details"), ElementsAre(Pair("through", "4"), Pair("x", "\\u0001")));
}

/// A legal line in which one piece is replaced by another.
struct Forgery {
  std::string piece, by;
};

class AuditLineForged : public testing::TestWithParam<Forgery> {};

TEST_P(AuditLineForged, IsRefused) {
  auto record = release(5, 9);
  record.findings = {"a.b"};
  auto text = line_of(record);
  ASSERT_TRUE(Line::read(text));
  const auto at = text.find(GetParam().piece);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, GetParam().piece.size(), GetParam().by);
  EXPECT_FALSE(Line::read(text)) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Forgeries, AuditLineForged,
    testing::Values(Forgery{"{", " {"}, Forgery{"{", "["}, Forgery{"\"n\":1", "\"n\":01"},
                    Forgery{"\"n\":1", "\"n\":0"}, Forgery{"\"n\":1", "\"n\":-1"}, Forgery{"\"n\":1", "\"n\":1.0"},
                    Forgery{"\"n\":1", "\"n\":18446744073709551616"}, Forgery{"\"n\":1,", ""},
                    Forgery{"\"prev\":\"0", "\"prev\":\"A"}, Forgery{"\"prev\":\"0", "\"prev\":\""},
                    Forgery{"T05", " 05"}, Forgery{"89Z", "89+"}, Forgery{"\"stanza\"", "\"other\""},
                    Forgery{"\"record\":\"stanza\"", "\"record\":\"event\""}, Forgery{"\"kind\"", "\"kinds\""},
                    Forgery{"\"kind\":\"message\",\"type\":\"chat\"", "\"type\":\"chat\",\"kind\":\"message\""},
                    Forgery{"\"kind\":\"message\"", "\"kind\":\"message\",\"kind\":\"message\""},
                    Forgery{"\"kind\":\"message\"", "\"kind\":\"\""}, Forgery{"\"kind\":\"message\"", "\"kind\":7"},
                    Forgery{"\"leg_out\":5", "\"leg_out\":\"5\""}, Forgery{"\"leg_out\":5", "\"leg_out\":0"},
                    Forgery{"message", "mess\\u0061ge"}, Forgery{"message", "mess\\nage"},
                    Forgery{"message", "mess\\u000Aage"},
                    Forgery{"message",
                            "mess\x01"
                            "age"},
                    Forgery{"message",
                            "mess\xff"
                            "age"},
                    Forgery{"message",
                            "mess\u202e"
                            "age"},
                    Forgery{"message", "mess\\ud800age"}, Forgery{"message", "mess\\/age"}, Forgery{"[\"a.b\"]", "[]"},
                    Forgery{"[\"a.b\"]", "[\"a.b\",]"}, Forgery{"[\"a.b\"]", "\"a.b\""}, Forgery{"}", "},"},
                    Forgery{"}", "} "}, Forgery{"}", ""}, Forgery{"}", ",}"}));

TEST(AuditLine, CutAnywhereIsRefused) {
  const auto text = line_of(release(5, 9));
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(Line::read(text.substr(0, size))) << size;
}

TEST(AuditLine, TimesBeforeAndAfterTheEpochAreWritten) {
  auto record = event("x.y");
  record.time = Time(-1us);
  EXPECT_THAT(line_of(record), HasSubstr("1969-12-31T23:59:59.999999Z"));
  record.time = Time(951'782'400s);
  EXPECT_THAT(line_of(record), HasSubstr("2000-02-29T00:00:00.000000Z"));
}

}  // namespace
}  // namespace sallyport::audit
