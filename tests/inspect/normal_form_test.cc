#include "inspect/normal_form.h"

#include <gtest/gtest.h>

#include "inspect/names.h"
#include "inspect/serializer.h"

namespace sallyport::inspect {
namespace {

using namespace std::string_view_literals;

std::string fault_of(std::string_view octets, const ParserLimits& limits = ParserLimits()) {
  Arena arena;
  const auto tree = decode(octets, arena, limits);
  return tree ? "none" : tree.error().what;
}

// An element `a` of the content namespace with this inside.
std::string around(std::string_view inside) {
  return std::string("\1\0\0\0\1a\0"sv) + std::string(inside) + std::string("\0"sv);
}

Node* example(TreeEditor& editor) {
  Node* message = editor.element(ns::kContent, "message");
  editor.set_attribute(*message, "to", "bob@bravo.test");
  editor.set_attribute(*message, "lang", "de", ns::kXml);
  editor.set_attribute(*message, "mark", "1", "urn:foreign");
  editor.append_text(*editor.append(*message, ns::kContent, "body"),
                     "Gr\xC3\xBC\xC3\x9F"
                     "e <&>\r\n");
  Node* forwarded = editor.append(*message, "urn:xmpp:forward:0", "forwarded");
  Node* inner = editor.append(*forwarded, ns::kClient, "message");
  editor.append(*inner, "urn:xmpp:forward:0", "again");
  return message;
}

TEST(NormalForm, DecodesWhatItEncodes) {
  Arena arena;
  TreeEditor editor(arena);
  std::string octets, again, xml;
  encode(*example(editor), octets);
  const auto tree = decode(octets, arena, ParserLimits());
  ASSERT_TRUE(tree) << tree.error().what;
  encode(**tree, again);
  EXPECT_EQ(again, octets);
  serialize(**tree, ns::kServer, xml);
  EXPECT_EQ(xml,
            "<message to='bob@bravo.test' xml:lang='de' xmlns:n0='urn:foreign' n0:mark='1'>"
            "<body>Gr\xC3\xBC\xC3\x9F"
            "e &lt;&amp;&gt;&#13;\n</body><forwarded xmlns='urn:xmpp:forward:0'>"
            "<message xmlns='jabber:client'><again xmlns='urn:xmpp:forward:0'/></message></forwarded></message>");
}

TEST(NormalForm, NumbersNamespacesByFirstUse) {
  Arena arena;
  TreeEditor editor(arena);
  Node* a = editor.element("urn:a", "a");
  editor.append(*a, "urn:b", "b");
  editor.append(*a, "urn:a", "c");
  std::string octets;
  encode(*a, octets);
  EXPECT_EQ(octets,
            "\1\0\2\0\0\0\5urn:a\0\1a\0"
            "\1\0\3\0\0\0\5urn:b\0\1b\0\0"
            "\1\0\2\0\1c\0\0\0"sv);
}

TEST(NormalForm, MergesPiecesOfText) {
  std::string pieces;
  NormalFormWriter writer(pieces);
  writer.open(ns::kContent, "a", {});
  writer.text("x");
  writer.text("");
  writer.text("yz");
  writer.close();
  EXPECT_EQ(pieces, around("\2\0\0\0\3xyz"sv));
}

TEST(NormalForm, SortsAttributesByNamespaceThenName) {
  Attribute attributes[] = {{"urn:a", "a", "5"}, {"", "b", "2"}, {ns::kXml, "lang", "3"}, {"", "a", "1"}};
  std::string octets;
  NormalFormWriter writer(octets);
  writer.open(ns::kContent, "x", attributes);
  writer.close();
  EXPECT_EQ(fault_of(octets), "none");
  EXPECT_EQ(attributes[0].value, "1");
  EXPECT_EQ(attributes[1].value, "2");
  EXPECT_EQ(attributes[2].value, "3");
  EXPECT_EQ(attributes[3].value, "5");
}

struct Row {
  const char* fault;
  std::string octets;
};

TEST(NormalForm, RefusesEveryOtherEncoding) {
  const Row rows[] = {
      {"none", around("")},
      {"none", around("\2\0\0\0\1x"sv)},
      {"does not begin with an element", ""},
      {"does not begin with an element", std::string("\2\0\0\0\1x"sv)},
      {"octets after the element", around("") + std::string(1, '\0')},
      {"octets after the element", around("") + around("")},
      {"an unknown mark", around("\3"sv)},
      {"an empty text", around("\2\0\0\0\0"sv)},
      {"two texts in a row", around("\2\0\0\0\1x\2\0\0\0\1y"sv)},
      {"a forbidden character", around("\2\0\0\0\1\0"sv)},
      {"a forbidden character", around("\2\0\0\0\1\xFF"sv)},
      {"a forbidden character", around("\2\0\0\0\1\xC3"sv)},
      {"a forbidden character", around("\2\0\0\0\3\xEF\xBB\xBF"sv)},
      {"ends too soon", around("\2\0\0\1\0x"sv)},
      {"ends too soon", std::string("\1\0\0\0\1a\0"sv)},
      {"ends too soon", std::string("\1\0\0\0"sv)},
      {"an illegal name", std::string("\1\0\0\0\0\0\0"sv)},
      {"an illegal name", std::string("\1\0\0\0\1:\0\0"sv)},
      {"an illegal name", std::string("\1\0\0\0\3xml\0\0"sv)},
      {"an illegal name", std::string("\1\0\0\0\0021a\0\0"sv)},
      {"an element in the xml namespace", std::string("\1\0\1\0\1a\0\0"sv)},
      {"a namespace number out of turn", std::string("\1\0\3\0\0\0\1u\0\1a\0\0"sv)},
      {"a namespace with two numbers", std::string("\1\0\2\0\0\0\1u\0\1a\0\1\0\3\0\0\0\1u\0\1a\0\0\0"sv)},
      {"an illegal namespace name", std::string("\1\0\2\0\0\0\0\0\1a\0\0"sv)},
      {"an illegal namespace name", std::string("\1\0\2\0\0\0\1 \0\1a\0\0"sv)},
      {"a content element inside a foreign one", std::string("\1\0\2\0\0\0\1u\0\1a\0\1\0\0\0\1b\0\0\0"sv)},
      {"none", std::string("\1\0\0\0\1a\1\0\0\0\1b\0\0\0\1v\0"sv)},
      {"attributes out of order", std::string("\1\0\0\0\1a\2\0\0\0\1b\0\0\0\1v\0\0\0\1b\0\0\0\1v\0"sv)},
      {"attributes out of order", std::string("\1\0\0\0\1a\2\0\0\0\1b\0\0\0\1v\0\0\0\1a\0\0\0\1v\0"sv)},
      {"none", std::string("\1\0\0\0\1a\1\0\1\0\4lang\0\0\0\2de\0"sv)},
      {"an xml attribute other than xml:lang", std::string("\1\0\0\0\1a\1\0\1\0\4base\0\0\0\2de\0"sv)},
      {"a forbidden character", std::string("\1\0\0\0\1a\1\0\0\0\1b\0\0\0\1\x1B\0"sv)},
  };
  for (const Row& row : rows) EXPECT_EQ(fault_of(row.octets), row.fault) << testing::PrintToString(row.octets);
}

TEST(NormalForm, RefusesTheXmlNamespaceUnderANumberOfItsOwn) {
  std::string octets("\1\0\0\0\1a\1\0\2\0\0\0"sv);
  octets += static_cast<char>(ns::kXml.size());
  octets += ns::kXml;
  octets += "\0\4lang\0\0\0\2de\0"sv;
  EXPECT_EQ(fault_of(octets), "an illegal namespace name");
}

TEST(NormalForm, RefusesAStreamsElementInsideAnother) {
  Arena arena;
  TreeEditor editor(arena);
  Node* message = editor.element(ns::kContent, "message");
  editor.append(*message, ns::kStream, "error");
  std::string octets;
  encode(*message, octets);
  EXPECT_EQ(fault_of(octets), "a streams element inside another");
}

TEST(NormalForm, EveryTruncationIsRefused) {
  Arena arena;
  TreeEditor editor(arena);
  std::string octets;
  encode(*example(editor), octets);
  for (std::size_t size = 0; size < octets.size(); ++size)
    EXPECT_NE(fault_of(std::string_view(octets).substr(0, size)), "none") << size;
}

TEST(NormalForm, D_10_HoldsTheLimits) {
  const auto nested = [](std::size_t depth) {
    std::string octets;
    for (std::size_t i = 0; i < depth; ++i) octets += "\1\0\0\0\1a\0"sv;
    return octets + std::string(depth, '\0');
  };
  EXPECT_EQ(fault_of(nested(32)), "none");
  EXPECT_EQ(fault_of(nested(33)), "too deep");
  EXPECT_EQ(fault_of(nested(100'000)), "too deep");
  const auto wide = [](std::size_t children) {
    std::string inside;
    for (std::size_t i = 0; i < children; ++i) inside += "\1\0\0\0\1b\0\0"sv;
    return around(inside);
  };
  EXPECT_EQ(fault_of(wide(999)), "none");
  EXPECT_EQ(fault_of(wide(1000)), "too many elements");
  ParserLimits few;
  few.namespaces = 0;
  few.attributes_per_element = 0;
  EXPECT_EQ(fault_of("\1\0\2\0\0\0\1u\0\1a\0\0"sv, few), "too many namespaces");
  EXPECT_EQ(fault_of("\1\0\0\0\1a\1\0\0\0\1b\0\0\0\1v\0"sv, few), "too many attributes");
  few = {};
  few.value_bytes = 0;
  EXPECT_EQ(fault_of("\1\0\0\0\1a\1\0\0\0\1b\0\0\0\1v\0"sv, few), "too long a value");
}

}  // namespace
}  // namespace sallyport::inspect
