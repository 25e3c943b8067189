#include "inspect/stream_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/inspect/reading.h"

namespace sallyport::inspect {
namespace {

using testing::ElementsAre;

TEST(StreamParser, GivesTheHeaderAsItCame) {
  Reading reading;
  reading.feed(
      "<?xml version='1.0'?>\n<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "
      "xmlns='jabber:server' from='A.test' to='' xml:lang='de' version='1.0'>");
  ASSERT_TRUE(reading.header);
  EXPECT_EQ(reading.header->from, "A.test");
  EXPECT_EQ(reading.header->to, "");
  EXPECT_EQ(reading.header->id, std::nullopt);
  EXPECT_EQ(reading.header->lang, "de");
  EXPECT_EQ(reading.header->version, "1.0");
  EXPECT_EQ(reading.header->content_namespace, "jabber:server");
  EXPECT_TRUE(reading.header->declares_dialback);
  EXPECT_TRUE(reading.parser().at_boundary());
}

TEST(StreamParser, GivesTheSameEventsForEveryChunking) {
  const std::string stream = "<?xml version='1.0'?> " + kServerHeader +
                             "<message to='b'><body>h\xC3\xA4 &amp; <![CDATA[<x>]]></body></message>\n"
                             "<stream:features><a xmlns='urn:a' b='&lt;'/></stream:features>"
                             "<presence/><iq/></stream:stream> ";
  for (std::size_t chunk = 1; chunk <= stream.size(); ++chunk) {
    Reading reading;
    reading.feed(stream, chunk);
    EXPECT_THAT(reading.events(),
                ElementsAre("header", "<message to='b'><body>h\xC3\xA4 &amp; &lt;x&gt;</body></message>",
                            "element: <stream:features><a xmlns='urn:a' b='&lt;'/></stream:features>", "<presence/>",
                            "<iq/>", "end"));
    EXPECT_THAT(reading.wire_octets, ElementsAre(64u, 11u, 5u));
    EXPECT_EQ(reading.parser().keepalive_octets(), 1u);
  }
}

TEST(StreamParser, TheEventsBeforeAFaultComeFirst) {
  Reading reading;
  reading.feed(kServerHeader + "<message/><iq/></oops><presence/>");
  EXPECT_THAT(reading.events(), ElementsAre("header", "<message/>", "<iq/>", "fault: not-well-formed"));
  reading.feed("<message/>");
  EXPECT_THAT(reading.events(), ElementsAre("header", "<message/>", "<iq/>", "fault: not-well-formed"));
}

TEST(StreamParser, KnowsWhetherAnythingCameAfterTheLastElement) {
  Reading reading;
  reading.feed(kServerHeader);
  reading.feed("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  EXPECT_TRUE(reading.parser().at_boundary());
  reading.feed(" ");
  EXPECT_FALSE(reading.parser().at_boundary());
  reading.feed("<presence/>");
  EXPECT_TRUE(reading.parser().at_boundary());
  reading.feed("<");
  EXPECT_FALSE(reading.parser().at_boundary());
}

TEST(StreamParser, HibernatesBetweenElementsAndWakesWithTheNextByte) {
  const std::string header =
      "<s:stream xmlns='jabber:server' xmlns:s='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "
      "xmlns:e='urn:e' xmlns:p='jabber:server' version='1.0'>";
  const std::pair<const char*, const char*> rows[] = {
      {"<message><body>b</body></message>", "<message><body>b</body></message>"},
      {"<s:features/>", "element: <stream:features/>"},
      {"<db:verify/>", "element: <db:verify/>"},
      {"</s:stream>", "end"},
      {"</stream:stream>", "fault: not-well-formed"},
      {"<p:message/>", "fault: bad-namespace-prefix"},
      {"<e:x/>", "fault: invalid-namespace"},
      {"x", "fault: bad-format"},
  };
  for (const auto& [bytes, expected] : rows) {
    Reading reading;
    reading.feed(header + "<message/>");
    reading.parser().hibernate();
    EXPECT_TRUE(reading.parser().hibernates());
    EXPECT_TRUE(reading.parser().at_boundary());
    reading.feed(" \n");
    EXPECT_TRUE(reading.parser().hibernates()) << "whitespace woke it";
    EXPECT_EQ(reading.parser().keepalive_octets(), 2u);
    reading.feed(bytes, 3);
    EXPECT_EQ(reading.events().back(), expected);
  }
}

TEST(StreamParser, DoesNotHibernateInsideAnElement) {
  Reading reading;
  reading.feed(kServerHeader + "<message><body>h");
  reading.parser().hibernate();
  EXPECT_FALSE(reading.parser().hibernates());
  reading.feed("i</body></message><");
  reading.parser().hibernate();
  EXPECT_FALSE(reading.parser().hibernates());
  reading.feed("iq/>");
  reading.parser().hibernate();
  EXPECT_TRUE(reading.parser().hibernates());
  EXPECT_THAT(reading.events(), ElementsAre("header", "<message><body>hi</body></message>", "<iq/>"));
}

TEST(StreamParser, HibernatingLosesNoEventThatWaitsToBeTaken) {
  StreamParser parser(ns::kServer, ParserLimits());
  parser.feed(kServerHeader + "<iq id='1'/><iq id='2'/>");
  ASSERT_TRUE(parser.next());
  parser.hibernate();
  for (const char* expected : {"<iq id='1'/>", "<iq id='2'/>"}) {
    const auto event = parser.next();
    ASSERT_TRUE(event && *event);
    EXPECT_EQ(canonical(std::get<StanzaRead>(**event).normal_form), expected);
  }
}

// libxml2 never forgets a name, and keeps the buffers of its largest element.
TEST(StreamParser, P_11_ThrowsAWornParserAwayAndReadsOn) {
  Reading reading;
  reading.feed(kServerHeader);
  std::size_t names = 0;
  for (int i = 0; i < 200; ++i) {
    std::string bytes = "<message>";
    for (int j = 0; j < 20; ++j) bytes += "<x" + std::to_string(names++) + "/>";
    bytes += "<big>" + std::string(i % 50 == 0 ? 100'000 : 0, 'x') + "</big></message>";
    reading.feed(bytes, 999);
  }
  EXPECT_FALSE(reading.fault);
  EXPECT_EQ(reading.events().size(), 201u);
}

TEST(StreamParser, AMovedParserGoesOn) {
  StreamParser parser(ns::kServer, ParserLimits());
  parser.feed(kServerHeader + "<message><body>a");
  StreamParser moved(std::move(parser));
  moved.feed("b</body></message>");
  ASSERT_TRUE(moved.next());
  const auto event = moved.next();
  ASSERT_TRUE(event && *event);
  EXPECT_EQ(canonical(std::get<StanzaRead>(**event).normal_form), "<message><body>ab</body></message>");
}

TEST(StreamParser, TextOfAnyLengthIsReadAlikeHoweverItIsCut) {
  std::string text;
  for (int i = 0; i < 3000; ++i)
    text += i % 7 == 0 ? "\xE2\x82\xAC" : i % 5 == 0 ? "\r\n" : i % 3 == 0 ? "]]" : "&amp;x";
  const std::string stream = kServerHeader + "<message><body>" + text + "</body></message>";
  Reading whole;
  whole.feed(stream);
  ASSERT_FALSE(whole.fault);
  for (const std::size_t chunk : {1u, 2u, 3u, 5u, 299u, 300u, 301u, 4095u, 4096u, 4097u, 8191u}) {
    Reading pieces;
    pieces.feed(stream, chunk);
    EXPECT_EQ(pieces.events(), whole.events()) << chunk;
  }
}

}  // namespace
}  // namespace sallyport::inspect
