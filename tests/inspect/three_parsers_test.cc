// protocol.md 5.7, property (b): what goes out is read alike by parsers that share no code.
//
// SALLYPORT_SEEDED_INPUTS sets the number of generated inputs (20 000 by default), SALLYPORT_SEED the first seed.
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/fuzz/stream_parser_properties.h"
#include "tests/inspect/generated_stream.h"
#include "tests/inspect/infoset.h"

namespace sallyport::inspect {
namespace {

std::uint64_t number_from_environment(const char* variable, std::uint64_t otherwise) {
  const char* value = std::getenv(variable);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

void describe(const Node& node, Infoset& infoset) {
  if (node.is_text()) return infoset.text(node.text);
  std::vector<Infoset::Attribute> attributes;
  for (const Attribute& each : node.attributes)
    attributes.push_back({std::string(each.ns), std::string(each.name), std::string(each.value)});
  infoset.start(node.ns == ns::kContent ? ns::kServer : node.ns, node.name, attributes);
  for (const Node& child : node.children()) describe(child, infoset);
  infoset.end();
}

// What the canonical XML of this normal form should be in a stream.
struct Document {
  std::string xml, infoset;
};
Document document_of(std::string_view normal_form) {
  Arena arena;
  const Node* tree = decode(normal_form, arena, ParserLimits()).value();
  Document document;
  document.xml = kServerHeader;
  serialize(*tree, ns::kServer, document.xml);
  document.xml += "</stream:stream>";
  Infoset infoset;
  infoset.start(ns::kStream, "stream", {{"", "version", "1.0"}});
  describe(*tree, infoset);
  infoset.end();
  document.infoset = infoset.written();
  return document;
}

TEST(CanonicalXml, ThreeParsersSeeTheTreeThatWasJudged) {
  const std::uint64_t count = number_from_environment("SALLYPORT_SEEDED_INPUTS", 20'000);
  const std::uint64_t seed = number_from_environment("SALLYPORT_SEED", 1);
  std::uint64_t accepted = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string stanza = GeneratedStanza(seed + i).next();
    Reading reading;
    reading.feed(kServerHeader + stanza);
    for (const std::string& normal_form : reading.normal_forms) {
      const Document document = document_of(normal_form);
      ASSERT_EQ(expat_reads(document.xml), document.infoset) << "seed " << seed + i;
      ASSERT_EQ(libxml2_reads(document.xml), document.infoset) << "seed " << seed + i;
      ASSERT_EQ(xerces_reads(document.xml), document.infoset) << "seed " << seed + i;
      ++accepted;
    }
  }
  // Else the generator proves nothing.
  EXPECT_GT(accepted, count / 2);
  EXPECT_LT(accepted, count);
}

TEST(CanonicalXml, XML_01_IsReadAsItselfAndFitsItsGrammar) {
  const std::uint64_t count = number_from_environment("SALLYPORT_SEEDED_INPUTS", 20'000) / 4;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string stanza = GeneratedStanza(i).next();
    EXPECT_EQ(stream_fault(static_cast<char>(i % 64) + kServerHeader + stanza), "") << "seed " << i;
  }
}

// Of the xml namespace only xml:lang crosses; the others see all.
bool has_other_xml_attribute(const std::string& infoset) {
  const std::string xml = "{" + std::string(ns::kXml) + "}";
  for (std::size_t at = infoset.find(xml); at != std::string::npos; at = infoset.find(xml, at + 1))
    if (infoset.compare(at + xml.size(), 5, "lang=") != 0) return true;
  return false;
}

TEST(StreamParser, ReadsAPeersBytesAsThreeOtherParsersDo) {
  std::uint64_t compared = 0;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const std::string document = kServerHeader + GeneratedStanza(i).next() + "</stream:stream>";
    Reading reading;
    reading.feed(document);
    if (reading.fault || reading.normal_forms.size() != 1) continue;
    const auto expected = expat_reads(document);
    ASSERT_TRUE(expected) << "seed " << i;
    if (has_other_xml_attribute(*expected)) continue;
    ASSERT_EQ(document_of(reading.normal_forms[0]).infoset, *expected) << "seed " << i;
    ASSERT_EQ(libxml2_reads(document), *expected) << "seed " << i;
    ASSERT_EQ(xerces_reads(document), *expected) << "seed " << i;
    ++compared;
  }
  EXPECT_GT(compared, 1000u);
}

TEST(ThreeParsers, CanDisagreeWithUs) {
  EXPECT_EQ(expat_reads("<a><b></a></b>"), std::nullopt);
  EXPECT_EQ(libxml2_reads("<a><b></a></b>"), std::nullopt);
  EXPECT_EQ(xerces_reads("<a><b></a></b>"), std::nullopt);
  for (auto* reads : {expat_reads, libxml2_reads, xerces_reads}) {
    EXPECT_EQ(reads("<a x='1'>t</a>"), "<{}a {}x=1:1>[1:t]</>");
    EXPECT_NE(reads("<a x='2'>t</a>"), reads("<a x='1'>t</a>"));
    EXPECT_NE(reads("<a xmlns='u:'/>"), reads("<a/>"));
  }
}

}  // namespace
}  // namespace sallyport::inspect
