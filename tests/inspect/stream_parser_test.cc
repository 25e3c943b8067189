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

}  // namespace
}  // namespace sallyport::inspect
