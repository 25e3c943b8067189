#include "inspect/element.h"

#include <gtest/gtest.h>

#include "inspect/serializer.h"

namespace sallyport::inspect {
namespace {

std::string written(const Node& node) {
  std::string xml;
  serialize(node, ns::kServer, xml);
  return xml;
}

TEST(TreeEditor, BuildsAStanza) {
  Arena arena;
  TreeEditor editor(arena);
  Node* message = editor.element(ns::kContent, "message");
  editor.set_attribute(*message, "to", "bob@bravo.test");
  editor.set_attribute(*message, "from", "ann@alpha.test");
  editor.append_text(*editor.append(*message, ns::kContent, "body"), "hello");
  editor.append(*message, "urn:xmpp:receipts", "request");
  EXPECT_EQ(written(*message),
            "<message from='ann@alpha.test' to='bob@bravo.test'><body>hello</body>"
            "<request xmlns='urn:xmpp:receipts'/></message>");
}

TEST(TreeEditor, KeepsAttributesSortedAndUnique) {
  Arena arena;
  TreeEditor editor(arena);
  Node* iq = editor.element(ns::kContent, "iq");
  editor.set_attribute(*iq, "type", "get");
  editor.set_attribute(*iq, "lang", "de", ns::kXml);
  editor.set_attribute(*iq, "id", "1");
  editor.set_attribute(*iq, "type", "result");
  EXPECT_EQ(written(*iq), "<iq id='1' type='result' xml:lang='de'/>");
  editor.remove_attribute(*iq, "id");
  editor.remove_attribute(*iq, "absent");
  EXPECT_EQ(written(*iq), "<iq type='result' xml:lang='de'/>");
  EXPECT_EQ(iq->attribute("id"), nullptr);
  ASSERT_NE(iq->attribute("lang", ns::kXml), nullptr);
  EXPECT_EQ(*iq->attribute("lang", ns::kXml), "de");
}

TEST(TreeEditor, MergesTheTextsAroundARemovedChild) {
  Arena arena;
  TreeEditor editor(arena);
  Node* body = editor.element(ns::kContent, "body");
  editor.append_text(*body, "a");
  editor.append_text(*body, "");
  Node* gone = editor.append(*body, "urn:x", "gone");
  editor.append_text(*body, "b");
  editor.append_text(*body, "c");
  editor.remove_child(*body, *gone);
  EXPECT_EQ(body->text_content(), "abc");
  EXPECT_EQ(body->first_child->next, nullptr);
  EXPECT_FALSE(body->has_child_elements());
  editor.remove_child(*body, *body->first_child);
  EXPECT_EQ(written(*body), "<body/>");
}

TEST(TreeEditor, ACopyIsATreeOfItsOwn) {
  Arena arena;
  TreeEditor editor(arena);
  Node* message = editor.element(ns::kContent, "message");
  editor.set_attribute(*message, "id", "1");
  editor.append_text(*editor.append(*message, ns::kContent, "body"), "x");
  Node* copy = editor.copy(*message);
  editor.set_attribute(*copy, "id", "2");
  editor.remove_child(*copy, *copy->child(ns::kContent, "body"));
  EXPECT_EQ(written(*message), "<message id='1'><body>x</body></message>");
  EXPECT_EQ(written(*copy), "<message id='2'/>");
}

TEST(Arena, ServesMoreThanItsFirstBlockAndStartsAgainAfterClear) {
  Arena arena(256);
  for (int round = 0; round < 3; ++round) {
    std::string_view last;
    for (int i = 0; i < 100; ++i) last = arena.copy("some text that needs room");
    EXPECT_EQ(last, "some text that needs room");
    arena.clear();
  }
}

}  // namespace
}  // namespace sallyport::inspect
