// What a stream header may be (RFC 6120 4.7, 4.8; protocol.md 7.2 Z-b).
#include <gtest/gtest.h>

#include "tests/inspect/reading.h"

namespace sallyport::inspect {
namespace {

struct Row {
  std::string bytes;
  std::string expected;
};

void expect_last_event(const std::vector<Row>& rows, std::string_view content = ns::kServer) {
  for (const Row& row : rows) {
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, row.bytes.size()}) {
      Reading reading(content);
      reading.feed(row.bytes, chunk);
      const auto events = reading.events();
      EXPECT_EQ(events.empty() ? "nothing" : events.back(), row.expected) << row.bytes << " in pieces of " << chunk;
    }
  }
}

constexpr const char* kStreams = "'http://etherx.jabber.org/streams'";
std::string root(const std::string& prefixed_name, const std::string& rest) {
  return "<" + prefixed_name + " " + rest + " version='1.0'>";
}

TEST(StreamParser, STR_21_RefusesARootOutsideTheStreamsNamespace) {
  expect_last_event({
      {root("stream:stream", "xmlns:stream='http://example.org/streams' xmlns='jabber:server'"),
       "fault: invalid-namespace"},
      {root("stream", "xmlns='jabber:server'"), "fault: invalid-namespace"},
      {root("stream", ""), "fault: invalid-namespace"},
      {root("stream:stream", "xmlns='jabber:server'"), "fault: not-well-formed"},
      {std::string("<stream:flow xmlns:stream=") + kStreams + " xmlns='jabber:server'>", "fault: bad-format"},
      {"<message xmlns='jabber:server'/>", "fault: invalid-namespace"},
  });
}

TEST(StreamParser, STR_22_TakesAnyPrefixOrNoneForTheStreamsNamespace) {
  const std::string declared = std::string("=") + kStreams;
  const std::string features = "element: <stream:features/>";
  expect_last_event({
      {root("stream:stream", "xmlns:stream" + declared + " xmlns='jabber:server'") + "<stream:features/>", features},
      {root("s:stream", "xmlns:s" + declared + " xmlns='jabber:server'") + "<s:features/>", features},
      {root("stream", "xmlns" + declared) + "<features/>", features},
      {root("stream", "xmlns" + declared) + "<message xmlns='jabber:server'><body>x</body></message>",
       "<message><body>x</body></message>"},
      {root("stream", "xmlns" + declared) + "<message/>", "fault: bad-format"},
      {root("stream", "xmlns" + declared) + "</stream>", "end"},
      {root("s:stream", "xmlns:s" + declared + " xmlns='jabber:server'") + "<message/></s:stream>", "end"},
      {root("s:stream", "xmlns:s" + declared + " xmlns='jabber:server'") + "<message/></stream>",
       "fault: not-well-formed"},
      {root("s:stream", "xmlns:s" + declared + " xmlns='jabber:server'") + "<stream:features/>",
       "fault: not-well-formed"},
      {std::string("<stream:stream xmlns='jabber:server' xmlns:stream") + declared + "/>", "end"},
  });
}

TEST(StreamParser, STR_23_RefusesTheOtherContentNamespace) {
  expect_last_event({{kClientHeader, "fault: invalid-namespace"}, {kServerHeader, "header"}});
  expect_last_event({{kServerHeader, "fault: invalid-namespace"}, {kClientHeader, "header"}}, ns::kClient);
  expect_last_event({{root("stream:stream", std::string("xmlns:stream=") + kStreams), "fault: invalid-namespace"}});
}

TEST(StreamParser, XML_06_TakesOneDeclarationOfVersion1_0AtTheVeryBeginning) {
  const auto with = [](const std::string& declaration) { return declaration + kServerHeader; };
  expect_last_event({
      {with("<?xml version='1.0'?>"), "header"},
      {with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "header"},
      {with("<?xml version='1.0' encoding='utf-8' ?>\r\n"), "header"},
      {with("<?xml version='1.0'\t?>"), "header"},
      {with("\n "), "header"},
      {with("<?xml version='1.1'?>"), "fault: restricted-xml"},
      {with("<?xml version='1.0\"?>"), "fault: restricted-xml"},
      {with("<?xml version='1.0' standalone='no'?>"), "fault: restricted-xml"},
      {with("<?xml version='1.0' standalone='yes'?>"), "fault: restricted-xml"},
      {with("<?xml encoding='UTF-8'?>"), "fault: restricted-xml"},
      {with("<?xml?>"), "fault: restricted-xml"},
      {with("<?xml version='1.0'>"), "fault: restricted-xml"},
      {with("<?xml version='1.0'" + std::string(200, ' ') + "?>"), "fault: restricted-xml"},
  });
}

TEST(StreamParser, XML_07_RefusesADeclaredEncodingOtherThanUtf8) {
  const auto with = [](const std::string& encoding) {
    return "<?xml version='1.0' encoding=" + encoding + "?>" + kServerHeader;
  };
  expect_last_event({
      {with("'ISO-8859-1'"), "fault: unsupported-encoding"},
      {with("'UTF-16'"), "fault: unsupported-encoding"},
      {with("\"us-ascii\""), "fault: unsupported-encoding"},
      {with("''"), "fault: unsupported-encoding"},
      {with("UTF-8"), "fault: restricted-xml"},
      {"<?xml version='1.0' encoding = 'UTF-7'?>" + kServerHeader, "fault: unsupported-encoding"},
  });
}

TEST(StreamParser, STR_26_TellsAnAbsentAttributeFromAnEmptyOne) {
  Reading reading(ns::kClient);
  reading.feed(std::string("<stream:stream xmlns='jabber:client' xmlns:stream=") + kStreams +
               " from='' n:to='x' xmlns:n='urn:n' to='a&amp;b&#10;'>");
  ASSERT_TRUE(reading.header);
  EXPECT_EQ(reading.header->from, "");
  EXPECT_EQ(reading.header->to, "a&b\n");
  EXPECT_EQ(reading.header->version, std::nullopt);
  EXPECT_EQ(reading.header->lang, std::nullopt);
  EXPECT_FALSE(reading.header->declares_dialback);
}

// RFC 6120 4.8.5; protocol.md 5.5.
TEST(StreamParser, XML_09_StanzasCannotUseWhatOnlyTheHeaderDeclares) {
  const std::string header = std::string("<stream:stream xmlns='jabber:server' xmlns:stream=") + kStreams +
                             " xmlns:db='jabber:server:dialback' xmlns:e='urn:e' xmlns:p='jabber:server'>";
  expect_last_event({
      {header, "header"},
      {header + "<message/>", "<message/>"},
      {header + "<message><e:x/></message>", "fault: invalid-namespace"},
      {header + "<message e:x='1'/>", "fault: invalid-namespace"},
      {header + "<e:x/>", "fault: invalid-namespace"},
      {header + "<message><e:x xmlns:e='urn:other'/></message>", "<message><x xmlns='urn:other'/></message>"},
      {header + "<message><f:x/></message>", "fault: not-well-formed"},
      {header + "<p:message/>", "fault: bad-namespace-prefix"},
      {header + "<db:result from='a' to='b'>key</db:result>", "element: <db:result from='a' to='b'>key</db:result>"},
  });
}

TEST(StreamParser, GivesDialbackAndItsErrors) {
  const std::string header = std::string("<stream:stream xmlns='jabber:server' xmlns:stream=") + kStreams +
                             " xmlns:db='jabber:server:dialback'>";
  expect_last_event({{header + "<db:result type='error'><error type='cancel'><item-not-found "
                               "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>",
                      "element: <db:result type='error'><error type='cancel'><item-not-found "
                      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>"}});
}

// protocol.md X-05.
TEST(StreamParser, KeepsTheLiteralNamespaceInsideForeignElements) {
  expect_last_event({
      {kServerHeader + "<message><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body>x</body>"
                       "</message></forwarded><body/></message>",
       "<message><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body>x</body></message>"
       "</forwarded><body/></message>"},
      {kServerHeader + "<message><body xmlns='jabber:client'/></message>",
       "<message><body xmlns='jabber:client'/></message>"},
      {kServerHeader + "<message><f xmlns='urn:f'><s:message xmlns:s='jabber:server'/></f></message>",
       "<message><f xmlns='urn:f'><message xmlns='jabber:server'/></f></message>"},
  });
}

TEST(StreamParser, DropsXmlAttributesOtherThanLang) {
  expect_last_event({{kServerHeader + "<message xml:lang='de' xml:space='preserve' xml:base='x' xml:id='y' id='1'/>",
                      "<message id='1' xml:lang='de'/>"}});
}

}  // namespace
}  // namespace sallyport::inspect
