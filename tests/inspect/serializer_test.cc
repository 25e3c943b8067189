#include "inspect/serializer.h"

#include <gtest/gtest.h>

#include "inspect/names.h"

namespace sallyport::inspect {
namespace {

TEST(Serializer, XML_03_EscapesWhatCouldBeTakenForMarkup) {
  std::string text, value;
  escape_text("a<b>&'\"\r\n\tz", text);
  EXPECT_EQ(text, "a&lt;b&gt;&amp;'\"&#13;\n\tz");
  escape_value("a<b>&'\"\r\n\tz", value);
  EXPECT_EQ(value, "a&lt;b&gt;&amp;&apos;&quot;&#13;&#10;&#9;z");
}

TEST(Serializer, EscapesWhereverInALongTextItStands) {
  for (const std::size_t size : {1U, 15U, 16U, 31U, 32U, 33U, 64U, 100U}) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string plain(size, 'a'), text, value;
      plain[at] = '<';
      escape_text(plain, text);
      EXPECT_EQ(text, std::string(at, 'a') + "&lt;" + std::string(size - at - 1, 'a'));
      plain[at] = '\'';
      escape_value(plain, value);
      EXPECT_EQ(value, std::string(at, 'a') + "&apos;" + std::string(size - at - 1, 'a'));
    }
  }
}

TEST(Serializer, WritesTheContentNamespaceOfTheLegOnlyWhereItChanges) {
  Arena arena;
  TreeEditor editor(arena);
  Node* message = editor.element(ns::kContent, "message");
  Node* forwarded = editor.append(*message, "urn:xmpp:forward:0", "forwarded");
  editor.append(*editor.append(*forwarded, ns::kServer, "message"), ns::kServer, "body");
  std::string server, client;
  serialize(*message, ns::kServer, server);
  serialize(*message, ns::kClient, client);
  const std::string expected =
      "<message><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:server'><body/></message></forwarded>"
      "</message>";
  EXPECT_EQ(server, expected);
  EXPECT_EQ(client, expected);
}

TEST(Serializer, STR_22_PrefixesStreamsAndDialbackElements) {
  Arena arena;
  TreeEditor editor(arena);
  Node* features = editor.element(ns::kStream, "features");
  editor.append(*editor.append(*features, ns::kTls, "starttls"), ns::kTls, "required");
  Node* result = editor.element(ns::kDialback, "result");
  editor.append(*result, ns::kServer, "error");
  std::string xml;
  serialize(*features, ns::kServer, xml);
  serialize(*result, ns::kServer, xml);
  EXPECT_EQ(xml,
            "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
            "</stream:features><db:result><error/></db:result>");
}

TEST(Serializer, WritesAHeader) {
  std::string out;
  write_header({.content_namespace = ns::kServer, .to = "b", .from = "", .id = "x'y", .dialback = true}, out);
  EXPECT_EQ(out,
            "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
            "xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' from='' to='b' "
            "id='x&apos;y' version='1.0' xml:lang='en'>");
}

TEST(Serializer, STR_25_WritesAStreamErrorWithOneConditionAndTheClosingTag) {
  std::string out;
  write_stream_error({StreamCondition::PolicyViolation, "secret", LimitCondition::StanzaTooBig}, out);
  EXPECT_EQ(out,
            "<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
            "<stanza-too-big xmlns='urn:xmpp:errors'/></stream:error></stream:stream>");
}

}  // namespace
}  // namespace sallyport::inspect
