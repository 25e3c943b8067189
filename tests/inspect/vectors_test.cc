// Every row of protocol.md 7.4 that concerns reading a stream, each cut in three ways.
#include <gtest/gtest.h>

#include "tests/inspect/reading.h"

namespace sallyport::inspect {
namespace {

using namespace std::string_literals;

struct Vector {
  int row;
  std::string what;
  std::string bytes;
  std::string expected;  ///< the last event; "" if the header is all
};

void PrintTo(const Vector& vector, std::ostream* out) {
  *out << "row " << vector.row << ", " << vector.what;
}

std::string body(const std::string& inside) {
  return kServerHeader + "<message><body>" + inside + "</body></message>";
}
std::string stanza(const std::string& bytes) {
  return kServerHeader + bytes;
}
std::string taken(const std::string& inside) {
  return "<message><body>" + inside + "</body></message>";
}
std::string utf16(const std::string& ascii, bool little, const std::string& mark) {
  std::string out = mark;
  for (const char c : ascii) {
    if (little) out += c;
    out += '\0';
    if (!little) out += c;
  }
  return out;
}

const std::string kEncoding = "fault: unsupported-encoding";
const std::string kNotWellFormed = "fault: not-well-formed";
const std::string kBadFormat = "fault: bad-format";
const std::string kRestricted = "fault: restricted-xml";
const std::string kInvalidNamespace = "fault: invalid-namespace";
const std::string kPolicy = "fault: policy-violation";

std::vector<Vector> bytes_vectors() {
  return {
      {1, "overlong <", body("\xC0\xBC"), kEncoding},
      {2, "overlong /", body("\xE0\x80\xAF"), kEncoding},
      {3, "a three octet lead swallows </", body("\xEB</body>"), kEncoding},
      {4, "a two octet lead before <", body("\xCF<x/>"), kEncoding},
      {5, "four octets cut short", body("\xF0\x9F\x98<x/>"), kEncoding},
      {6, "a surrogate", body("\xED\xA0\x80"), kEncoding},
      {6, "CESU-8", body("\xED\xA0\xBD\xED\xB8\x80"), kEncoding},
      {7, "beyond Unicode", body("\xF4\x90\x80\x80"), kEncoding},
      {7, "five octets", body("\xF8\x88\x80\x80\x80"), kEncoding},
      {8, "a lone continuation", body("\x80"), kEncoding},
      {8, "FE", body("\xFE"), kEncoding},
      {8, "FF", body("\xFF"), kEncoding},
      {9, "a character of three octets", body("\xE2\x82\xAC"), taken("\xE2\x82\xAC")},
      {10, "UTF-16 with a byte order mark", utf16(kServerHeader, true, "\xFF\xFE"), kEncoding},
      {10, "UTF-16, the other order", utf16(kServerHeader, false, "\xFE\xFF"), kEncoding},
      {11, "UTF-16 without a mark", utf16(kServerHeader, true, ""), kEncoding},
      {11, "UTF-16 without a mark, the other order", utf16(kServerHeader, false, ""), kEncoding},
      {12, "an unpaired surrogate in UTF-16", utf16("<", true, "\xFF\xFE") + "\x00\xD8<\0"s, kEncoding},
      {13, "ISO-8859-1", "<?xml version='1.0' encoding='ISO-8859-1'?>" + body("\xE9"), kEncoding},
      {14, "UTF-7", "<?xml version='1.0' encoding='UTF-7'?>" + body("+ADw-message/+AD4-"), kEncoding},
      {15, "a byte order mark first", "\xEF\xBB\xBF" + kServerHeader, kEncoding},
      {16, "a byte order mark in text",
       body("a\xEF\xBB\xBF"
            "b"),
       kEncoding},
      {16, "a byte order mark in an address", stanza("<message to='a\xEF\xBB\xBF@b'/>"), kEncoding},
      {17, "XML 1.1", "<?xml version='1.1'?>" + body("a\xC2\x85"), kRestricted},
      {17, "NEL alone", body("a\xC2\x85"), kBadFormat},
      {18, "NUL", body("\0"s), kNotWellFormed},
      {18, "ESC", body("\x1B"), kNotWellFormed},
      {18, "&#0;", body("&#0;"), kNotWellFormed},
      {18, "&#1;", body("&#1;"), kNotWellFormed},
      {18, "&#x1B;", body("&#x1B;"), kNotWellFormed},
      {19, "DEL", body("\x7F"), kBadFormat},
      {19, "a C1 control", body("\xC2\x9B"), kBadFormat},
      {19, "a reference to DEL", body("&#x7F;"), kBadFormat},
      {20, "U+FFFE", body("\xEF\xBF\xBE"), kNotWellFormed},
      {20, "U+FFFF", body("\xEF\xBF\xBF"), kNotWellFormed},
      {20, "a reference to U+FFFE", body("&#xFFFE;"), kNotWellFormed},
      {20, "another noncharacter", body("\xEF\xB7\x90"), kBadFormat},
      {21, "a reference to a surrogate", body("&#xD800;"), kNotWellFormed},
      {21, "a reference beyond Unicode", body("&#x110000;"), kNotWellFormed},
      {21, "a reference of 2^32 + 60", body("&#4294967356;"), kNotWellFormed},
      {21, "a reference with eight digits", body("&#x0000003C;"), kNotWellFormed},
  };
}

std::vector<Vector> markup_vectors() {
  return {
      {22, "markup in references", body("&#60;message from='x'/&#62;"), taken("&lt;message from='x'/&gt;")},
      {23, "markup in CDATA", body("<![CDATA[</body></message><message from='admin@b'/>]]>"),
       taken("&lt;/body&gt;&lt;/message&gt;&lt;message from='admin@b'/&gt;")},
      {24, "]]> made of two sections", body("<![CDATA[a]]]]><![CDATA[>]]>"), taken("a]]&gt;")},
      {24, "]]> in text", body("a]]>b"), kNotWellFormed},
      {24, "]]&gt; in text", body("a]]&gt;b"), taken("a]]&gt;b")},
      {24, "brackets around a section", body("]]<![CDATA[>]]>"), taken("]]&gt;")},
      {24, "more brackets than two", body("<![CDATA[]]]]]]>"), taken("]]]]")},
      {24, "an empty section", body("<![CDATA[]]>"), "<message><body/></message>"},
      {25, "a comment between stanzas", stanza("<!-- <message/> -->"), kRestricted},
      {25, "a comment in a word", body("saf<!---->e"), kRestricted},
      {26, "a declaration inside the stream", stanza("<?xml version='1.0'?>"), kRestricted},
      {26, "a declaration inside a stanza", body("<?xml version='1.0'?>"), kRestricted},
      {26, "a declaration after whitespace", " <?xml version='1.0'?>" + kServerHeader, kRestricted},
      {26, "two declarations", "<?xml version='1.0'?><?xml version='1.0'?>" + kServerHeader, kRestricted},
      {26, "a processing instruction", body("<?foo bar?>"), kRestricted},
      {26, "one before the root", "<?xml-stylesheet href='x'?>" + kServerHeader, kRestricted},
      {27, "a document type", "<!DOCTYPE s [<!ENTITY x 'y'>]>" + body("&x;"), kRestricted},
      {27, "one after the declaration", "<?xml version='1.0'?><!DOCTYPE s SYSTEM 'file:///etc/passwd'>", kRestricted},
      {27, "one inside a stanza", body("<!ENTITY x 'y'>"), kRestricted},
      {27, "an entity nobody declared", body("&xxe;"), kRestricted},
      {28, "&nbsp;", body("&nbsp;"), kRestricted},
      {28, "the five that all know", body("&amp;&lt;&gt;&apos;&quot;"), taken("&amp;&lt;&gt;'\"")},
      {28, "an unfinished reference", body("a & b"), kNotWellFormed},
      {28, "a reference without a name", body("&;"), kNotWellFormed},
      {28, "an entity in a value", stanza("<message id='&nbsp;'/>"), kRestricted},
      {29, "a second header", stanza(kServerHeader), kBadFormat},
      {29, "a header inside a stanza", stanza("<message>" + kServerHeader + "</stream:stream></message>"), kBadFormat},
      {29, "a header in no element's prefix",
       stanza("<message><stream xmlns='http://etherx.jabber.org/streams'/></message>"), kBadFormat},
      {30, "features inside a stanza", stanza("<message><stream:features/></message>"), kBadFormat},
      {30, "an error inside a stanza", stanza("<message><x xmlns='urn:x'><stream:error/></x></message>"), kBadFormat},
      {30, "another streams element", stanza("<stream:other/>"), kBadFormat},
      {31, "the end of the stream inside a stanza", stanza("<message></stream:stream>"), kNotWellFormed},
      {32, "a stream after the end", stanza("</stream:stream>" + kServerHeader + "<message/>"), kNotWellFormed},
      {32, "text after the end", stanza("</stream:stream>x"), kNotWellFormed},
      {33, "a stanza of the other content namespace", stanza("<message xmlns='jabber:client'/>"), kInvalidNamespace},
      {33, "an iq of the other content namespace", stanza("<c:iq xmlns:c='jabber:client'/>"), kInvalidNamespace},
      {33, "a prefixed stanza", stanza("<p:message xmlns:p='jabber:server'/>"), "fault: bad-namespace-prefix"},
      {33, "a prefixed child", stanza("<message><p:body xmlns:p='jabber:server'/></message>"),
       "fault: bad-namespace-prefix"},
      {34, "a foreign message with a prefix", stanza("<x:message xmlns:x='urn:evil'/>"),
       "element: <message xmlns='urn:evil'/>"},
      {34, "a foreign message", stanza("<message xmlns='urn:evil'/>"), "element: <message xmlns='urn:evil'/>"},
      {34, "an unknown name", stanza("<pubsub/>"), "element: <pubsub/>"},
      {35, "the stream prefix for something else", stanza("<message xmlns:stream='urn:x'><stream:error/></message>"),
       "<message><error xmlns='urn:x'/></message>"},
      {36, "an unbound prefix", stanza("<message><foo:body/></message>"), kNotWellFormed},
      {36, "an unbound prefix of an attribute", stanza("<message foo:to='x'/>"), kNotWellFormed},
      {37, "two prefixes, one namespace", stanza("<message xmlns:p='u:' xmlns:q='u:' p:a='1' q:a='2'/>"),
       kNotWellFormed},
      {38, "an attribute twice", stanza("<message to='y@b' to='z@b'/>"), kNotWellFormed},
      {38, "attributes that differ in case", stanza("<message to='y@b' TO='z@b'/>"), "<message TO='z@b' to='y@b'/>"},
      {38, "attributes that differ in namespace", stanza("<message to='y@b' xmlns:n='urn:n' n:to='z@b'/>"),
       "<message to='y@b' xmlns:n0='urn:n' n0:to='z@b'/>"},
      {39, "a prefix for nothing", stanza("<message xmlns:p=''/>"), kNotWellFormed},
      {39, "xml bound to another name", stanza("<message xmlns:xml='u'/>"), kNotWellFormed},
      {39, "xmlns bound", stanza("<message xmlns:xmlns='u'/>"), kNotWellFormed},
      {39, "another prefix for xml", stanza("<message xmlns:p='http://www.w3.org/XML/1998/namespace'/>"),
       kNotWellFormed},
      {39, "the xml namespace as default",
       stanza("<message><x xmlns='http://www.w3.org/XML/1998/namespace'/></message>"), kNotWellFormed},
      {39, "the xmlns namespace as default", stanza("<x xmlns='http://www.w3.org/2000/xmlns/'/>"), kNotWellFormed},
      {40, "a line feed in a namespace", stanza("<message xmlns='jabber:server&#10;message'/>"), kNotWellFormed},
      {40, "a control in a namespace", stanza("<message xmlns='a&#1;b'/>"), kNotWellFormed},
      {40, "a quote in a namespace", stanza("<x xmlns=\"urn:a'b\"/>"), kBadFormat},
      {40, "a letter beyond ASCII in a namespace", stanza("<x xmlns='urn:\xC3\xA4'/>"), kNotWellFormed},
      {41, "no namespace", stanza("<message><body xmlns=''/></message>"), kBadFormat},
      {41, "a stanza in no namespace", stanza("<message xmlns=''/>"), kBadFormat},
      {42, "two colons", stanza("<message><a:b:c xmlns:a='urn:a'/></message>"), kNotWellFormed},
      {42, "an empty prefix", stanza("<message><:x/></message>"), kNotWellFormed},
      {42, "an empty local part", stanza("<message><x: xmlns:x='urn:x'/></message>"), kNotWellFormed},
      {42, "a local part that begins with a digit", stanza("<message><x:1 xmlns:x='urn:x'/></message>"),
       kNotWellFormed},
      {42, "a reserved name", stanza("<message><xmlfoo/></message>"), kBadFormat},
      {42, "a reserved attribute", stanza("<message XMLa='1'/>"), kBadFormat},
      {42, "a reserved prefix", stanza("<message xmlns:xmla='urn:a'/>"), kBadFormat},
      {42, "an element with the prefix xmlns", stanza("<xmlns:message/>"), kNotWellFormed},
      {42, "an element of the xml namespace", stanza("<message><xml:x/></message>"), kBadFormat},
      {42, "a name with U+2160", stanza("<a\xE2\x85\xA0/>"), kBadFormat},
      {42, "a name that begins with a combining mark",
       stanza("<\xCC\x80"
              "a/>"),
       kBadFormat},
      {42, "an attribute beyond ASCII", stanza("<message \xC3\xA4='1'/>"), kBadFormat},
      {42, "an end tag beyond ASCII", stanza("<message></\xC3\xA4>"), kBadFormat},
      {42, "the old name of not-well-formed",
       stanza("<stream:error><xml-not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"),
       "element: <stream:error><xml-not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"},
      {43, "a line feed by reference in a value", stanza("<message id='y&#10;x&#13;&#9;'/>"),
       "<message id='y&#10;x&#13;&#9;'/>"},
      {43, "raw whitespace in a value", stanza("<message id='y\nx\tz\r\nw'/>"), "<message id='y x z w'/>"},
      {44, "line ends in text", body("a\rb\r\nc&#13;d\n"), taken("a\nb\nc&#13;d\n")},
      {44, "line ends in CDATA", body("<![CDATA[a\rb\r\nc\r]]>\nd<![CDATA[\r\r\n]]>"), taken("a\nb\nc\n\nd\n\n")},
      {45, "text between stanzas", stanza("hello<message/>"), kBadFormat},
      {45, "a no-break space between stanzas", stanza("\xC2\xA0<message/>"), kBadFormat},
      {45, "a reference between stanzas", stanza("&#32;<message/>"), kBadFormat},
      {45, "CDATA between stanzas", stanza("<![CDATA[ ]]><message/>"), kBadFormat},
      {45, "text before the root", "x" + kServerHeader, kNotWellFormed},
      {46, "no space between attributes", stanza("<message id='1'to='2'/>"), kNotWellFormed},
      {46, "a value without quotes", stanza("<message id=1/>"), kNotWellFormed},
      {46, "an attribute without a value", stanza("<message id/>"), kNotWellFormed},
      {46, "a space before the name", stanza("< message/>"), kNotWellFormed},
      {46, "an attribute of an end tag", stanza("<message></message id='1'>"), kNotWellFormed},
      {46, "tags that do not match", stanza("<message><body></message></body>"), kNotWellFormed},
      {46, "tags that differ in case", stanza("<message></Message>"), kNotWellFormed},
      {46, "< in a value", stanza("<message id='<'/>"), kNotWellFormed},
      {46, "a slash inside a tag", stanza("<message / id='1'>"), kNotWellFormed},
      {46, "an end tag without a start", "</stream:stream>", kNotWellFormed},
      {46, "neither CDATA nor anything else", body("<![CDATX[x]]>"), kNotWellFormed},
      {46, "CDATA before the root", "<![CDATA[x]]>" + kServerHeader, kNotWellFormed},
      {47, "an attribute name of 64 KiB", stanza("<message " + std::string(65536, 'a') + "='1'/>"), kPolicy},
      {47, "an element name of 64 KiB", stanza("<" + std::string(65536, 'a') + "/>"), kPolicy},
      {48, "a stanza that is cut off", stanza("<message><body>x</body></messa"), ""},
      {57, "whitespace only", stanza(std::string(100'000, ' ')), ""},
      {58, "two stanzas", stanza("<message/><presence/>"), "<presence/>"},
  };
}

class VectorTest : public testing::TestWithParam<Vector> {};

TEST_P(VectorTest, IsReadAlikeHoweverItIsCut) {
  const Vector& vector = GetParam();
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, vector.bytes.size()}) {
    Reading reading;
    reading.feed(vector.bytes, chunk);
    const auto events = reading.events();
    if (vector.expected.empty())
      EXPECT_EQ(events, std::vector<std::string>{"header"}) << "in pieces of " << chunk;
    else
      EXPECT_EQ(events.empty() ? "nothing" : events.back(), vector.expected) << "in pieces of " << chunk;
  }
}

std::string test_name(const testing::TestParamInfo<Vector>& parameter) {
  std::string name =
      "Z_" + std::string(parameter.param.row < 10 ? "0" : "") + std::to_string(parameter.param.row) + "_";
  for (const char c : parameter.param.what) name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name + "_" + std::to_string(parameter.index);
}

INSTANTIATE_TEST_SUITE_P(Bytes, VectorTest, testing::ValuesIn(bytes_vectors()), test_name);
INSTANTIATE_TEST_SUITE_P(Markup, VectorTest, testing::ValuesIn(markup_vectors()), test_name);

TEST(StreamParser, Z_58_ReadsTenThousandStanzasOfOneReadInTheirOrder) {
  std::string bytes = kServerHeader;
  for (int i = 0; i < 10'000; ++i) bytes += "<iq id='" + std::to_string(i) + "'/>";
  Reading reading;
  reading.feed(bytes);
  const auto events = reading.events();
  ASSERT_EQ(events.size(), 10'001u);
  for (int i = 0; i < 10'000; ++i)
    ASSERT_EQ(events[static_cast<std::size_t>(i) + 1], "<iq id='" + std::to_string(i) + "'/>");
}

TEST(StreamParser, Z_57_D_20_CountsTheWhitespaceBetweenStanzas) {
  Reading reading;
  reading.feed(kServerHeader + " \n<message> </message>\t" + std::string(1000, ' '), 7);
  EXPECT_EQ(reading.parser().keepalive_octets(), 1003u);
}

TEST(StreamParser, Z_49_T_19_TellsThatSomethingFollowedInTheSameRead) {
  Reading reading;
  reading.feed(kServerHeader + "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><");
  EXPECT_FALSE(reading.parser().at_boundary());
}

}  // namespace
}  // namespace sallyport::inspect
