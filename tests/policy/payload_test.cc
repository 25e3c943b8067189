// The parts of the payload stage: values, tables, switches, what is found inside. The stage as a whole is tested by the
// vectors payload.vec and smuggling.vec.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspect/element.h"
#include "policy/payload/inventory.h"
#include "policy/payload/shapes.h"
#include "policy/payload/switches.h"
#include "policy/payload/value.h"

namespace sallyport::policy {
namespace {

using shapes::Value;
using shapes::ValueType;
using ::testing::ElementsAre;

struct ValueRow {
  ValueType type;
  std::int64_t least, most;
  std::string_view text;
  bool fits;
};

TEST(PayloadValues, AreOfTheTypeThatTheirShapeAsksFor) {
  const ValueRow rows[] = {
      {ValueType::None, 0, 0, "", true},
      {ValueType::None, 0, 0, " \n\t", true},
      {ValueType::None, 0, 0, "a", false},
      {ValueType::Text, 0, 3, "abc", true},
      {ValueType::Text, 0, 3, "abcd", false},
      {ValueType::Token, 0, 9, "", true},
      {ValueType::Token, 0, 9, "a b", false},
      {ValueType::Token, 0, 9, "a\tb", false},
      {ValueType::Id, 0, 256, "", false},
      {ValueType::Id, 0, 256, "a b", true},
      {ValueType::Id, 0, 256, "a\nb", false},
      {ValueType::Integer, -128, 127, "-128", true},
      {ValueType::Integer, -128, 127, "128", false},
      {ValueType::Integer, -128, 127, "+5", true},
      {ValueType::Integer, -128, 127, "+-5", false},
      {ValueType::Integer, -128, 127, "", false},
      {ValueType::Integer, -128, 127, " 5", false},
      {ValueType::Integer, -128, 127, "5a", false},
      {ValueType::Integer, 0, 9, "99999999999999999999", false},
      {ValueType::Boolean, 0, 5, "true", true},
      {ValueType::Boolean, 0, 5, "True", false},
      {ValueType::Base64, 0, 99, "QUJD\n QQ==", true},
      {ValueType::Base64, 0, 99, "Q=Q", false},
      {ValueType::Base64, 0, 99, "Q===", false},
      {ValueType::Base64, 0, 99, "Q&", false},
      {ValueType::Hex, 0, 9, "09afAF", true},
      {ValueType::Hex, 0, 9, "0g", false},
      {ValueType::Uri, 0, 99, "https://example.org/a?b#c", true},
      {ValueType::Uri, 0, 99, "https://b\xC3\xBC.example/", true},
      {ValueType::Uri, 0, 99, "http://a b", false},
      {ValueType::Uri, 0, 99, "http://<a>", false},
      {ValueType::Language, 0, 35, "de-CH", true},
      {ValueType::Language, 0, 35, "d_", false},
      {ValueType::Date, 0, 40, "2026-01-31", true},
      {ValueType::Date, 0, 40, "2026-02-29", false},
      {ValueType::Date, 0, 40, "2026-01-31T12:00:00.123456Z", true},
      {ValueType::Date, 0, 40, "2026-01-31T12:00:00-05:30", true},
      {ValueType::Date, 0, 40, "2026-01-31T12:00:00", false},
      {ValueType::Date, 0, 40, "2026-01-31T25:00:00Z", false},
      {ValueType::Date, 0, 40, "2026-01-31T12:00:00.Z", false},
      {ValueType::Date, 0, 40, "2026-01-31T12:00:00Zx", false},
      {ValueType::Jid, 0, 99, "ann@north.test", false},  // addresses have to be prepared, which is not done here
  };
  for (const ValueRow& row : rows)
    EXPECT_EQ(shapes::fits({row.type, row.least, row.most, {}}, row.text), row.fits)
        << static_cast<int>(row.type) << ": " << row.text;
}

TEST(PayloadValues, WordsAreThoseOfTheList) {
  const std::array<std::string_view, 2> words = {"form", "submit"};
  EXPECT_TRUE(shapes::fits({ValueType::Word, 0, 0, words}, "submit"));
  EXPECT_FALSE(shapes::fits({ValueType::Word, 0, 0, words}, "Submit"));
  EXPECT_FALSE(shapes::fits({ValueType::Word, 0, 0, words}, ""));
}

TEST(PayloadValues, ATimeIsReadInItsZone) {
  const auto time = shapes::date("2026-01-01T01:30:00+01:30");
  ASSERT_TRUE(time);
  EXPECT_EQ(*time, std::chrono::sys_days(std::chrono::year(2026) / 1 / 1));
}

TEST(PayloadShapes, EveryPayloadIsFoundByItsName) {
  std::size_t payloads = 0;
  for (const shapes::ElementShape& element : shapes::elements()) {
    if (element.places == shapes::kNowhere) continue;
    ++payloads;
    EXPECT_EQ(shapes::payload_shape(element.ns, element.name), &element) << element.ns << " " << element.name;
  }
  EXPECT_GT(payloads, 100u);
  EXPECT_EQ(shapes::payload_shape("http://jabber.org/protocol/chatstates", "Active"), nullptr);
  EXPECT_EQ(shapes::payload_shape("", ""), nullptr);
}

TEST(PayloadShapes, EachIsOfADocumentAndOfNoNamespaceOfTheStreams) {
  for (const shapes::ElementShape& element : shapes::elements()) {
    EXPECT_FALSE(element.source.empty()) << element.name;
    EXPECT_FALSE(element.ns.empty() || element.ns == "jabber:client" || element.ns == "jabber:server") << element.name;
  }
}

TEST(PayloadShapes, EverySwitchHasSomethingThatItLetsCross) {
  // Those that a rule asks for, not a table.
  std::set<Switch> used = {Switch::RealJids};
  for (const shapes::ElementShape& element : shapes::elements())
    if (element.places != shapes::kNowhere) used.insert(element.which);
  for (const SwitchRow& row : switch_rows()) EXPECT_TRUE(used.contains(row.which)) << row.name;
}

TEST(Switches, HaveNamesThatAreTheirOwn) {
  for (const SwitchRow& row : switch_rows()) {
    EXPECT_EQ(switch_named(row.name), row.which);
    EXPECT_EQ(name(row.which), row.name);
  }
  EXPECT_EQ(switch_named("everything"), std::nullopt);
}

TEST(Switches, EachProfileHasAllThatTheSmallerOneHas) {
  EXPECT_EQ(switches(Profile::TextOnly).bits(), 0u);
  for (const auto& [smaller, larger] :
       {std::pair(Profile::TextOnly, Profile::Chat), std::pair(Profile::Chat, Profile::CoalitionMuc),
        std::pair(Profile::CoalitionMuc, Profile::Full)}) {
    EXPECT_EQ(switches(smaller).bits() & ~switches(larger).bits(), 0u);
    EXPECT_NE(switches(smaller).bits(), switches(larger).bits());
  }
  EXPECT_FALSE(switches(Profile::CoalitionMuc).has(Switch::Encrypted));
  EXPECT_FALSE(switches(Profile::CoalitionMuc).has(Switch::Jingle));
}

TEST(Nested, FindsEveryStanzaAndItemHoweverDeep) {
  inspect::Arena arena;
  inspect::TreeEditor editor(arena);
  inspect::Node* stanza = editor.element("", "message");
  inspect::Node* carbon = editor.append(*stanza, "urn:xmpp:carbons:2", "sent");
  inspect::Node* inner =
      editor.append(*editor.append(*carbon, "urn:xmpp:forward:0", "forwarded"), "jabber:client", "message");
  editor.append(*editor.append(*inner, "urn:xmpp:forward:0", "forwarded"), "jabber:server", "iq");
  inspect::Node* event = editor.append(*stanza, "http://jabber.org/protocol/pubsub#event", "event");
  inspect::Node* items = editor.append(*event, "http://jabber.org/protocol/pubsub#event", "items");
  editor.append(*items, "http://jabber.org/protocol/pubsub#event", "item");
  editor.append(*editor.append(*stanza, "urn:example", "x"), "jabber:client", "presence");

  std::vector<std::pair<Nested::Wrapper, int>> found;
  for (const Nested& each : nested(*stanza, arena)) found.emplace_back(each.wrapper, each.depth);
  EXPECT_THAT(found, ElementsAre(std::pair(Nested::Wrapper::Carbon, 1), std::pair(Nested::Wrapper::Forwarded, 2),
                                 std::pair(Nested::Wrapper::Item, 1), std::pair(Nested::Wrapper::Other, 1)));
}

TEST(Inventory, TakesAsManyAsItMayAndNoMore) {
  inspect::Arena arena;
  Inventory inventory;
  for (std::size_t i = 0; i < Inventory::kMost; ++i)
    ASSERT_TRUE(inventory.add({"urn:example", "x", static_cast<std::uint8_t>(i % 2), true}, arena));
  EXPECT_FALSE(inventory.add({"urn:example", "y", 0, true}, arena));
  ASSERT_EQ(inventory.all().size(), Inventory::kMost);
  EXPECT_EQ(inventory.all()[1].depth, 1);
}

}  // namespace
}  // namespace sallyport::policy
