#include <set>

#include <gtest/gtest.h>

#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "inspect/stream_parser.h"
#include "proxy/edge/stream_id.h"
#include "proxy/edge/stream_text.h"

namespace sallyport::edge {
namespace {

namespace ns = inspect::ns;

/// The tree of one first-level element.
class Parsed {
 public:
  explicit Parsed(const std::string& element) {
    inspect::StreamParser parser(ns::kServer, {});
    parser.feed("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>");
    EXPECT_TRUE(parser.next().value());
    EXPECT_FALSE(parser.next().value());
    parser.feed(element);
    const auto event = parser.next();
    if (!event || !*event) throw std::runtime_error("no element in " + element);
    octets_ = std::get<inspect::StreamElement>(**event).normal_form;
    node_ = inspect::decode(octets_, arena_, {}).value();
  }
  const inspect::Node& operator*() const { return *node_; }

 private:
  inspect::Arena arena_;
  std::string octets_;
  inspect::Node* node_ = nullptr;
};

TEST(StreamText, STR_29_STR_30_KnowsEveryStreamErrorOnInput) {
  for (std::size_t i = 0; i <= static_cast<std::size_t>(inspect::kLastStreamCondition); ++i) {
    const auto condition = static_cast<inspect::StreamCondition>(i);
    const Parsed error("<stream:error><" + std::string(inspect::name(condition)) +
                       " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text "
                       "xmlns='urn:ietf:params:xml:ns:xmpp-streams'>no</text></stream:error>");
    EXPECT_EQ(condition_of(*error), condition);
  }
  const Parsed old("<stream:error><xml-not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>");
  EXPECT_EQ(condition_of(*old), inspect::StreamCondition::NotWellFormed);
  const Parsed unknown("<stream:error><weather xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>");
  EXPECT_EQ(condition_of(*unknown), inspect::StreamCondition::UndefinedCondition);
}

TEST(StreamText, STR_04_NoticesAnUnknownFeatureThatInsists) {
  EXPECT_FALSE(read_features(*Parsed("<stream:features><x xmlns='urn:x'/></stream:features>")).unknown_required);
  EXPECT_TRUE(
      read_features(*Parsed("<stream:features><x xmlns='urn:x'><required xmlns='urn:x'/></x></stream:features>"))
          .unknown_required);
}

TEST(StreamText, ReadsTheFeaturesThatMatter) {
  const Parsed element(
      "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>"
      "<mechanism>EXTERNAL</mechanism></mechanisms><limits xmlns='urn:xmpp:stream-limits:0'>"
      "<max-bytes>262144</max-bytes><idle-seconds>60</idle-seconds></limits></stream:features>");
  const Features features = read_features(*element);
  EXPECT_TRUE(features.external);
  EXPECT_FALSE(features.starttls);
  EXPECT_EQ(features.stanza_octets, 262'144U);
}

TEST(StreamText, TakesAnElementByItsNamespaceAndNeverByItsNameAlone) {
  EXPECT_EQ(classify(*Parsed("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")), ElementKind::Auth);
  EXPECT_EQ(classify(*Parsed("<auth xmlns='urn:x'/>")), ElementKind::Unknown);
  EXPECT_EQ(classify(*Parsed("<success xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")), ElementKind::Unknown);
  EXPECT_EQ(classify(*Parsed("<handshake xmlns='jabber:component:accept'/>")), ElementKind::OtherVocabulary);
}

TEST(StreamText, DialbackRefusalAnswersOnlyARequest) {
  const auto refusal = dialback_refusal(
      *Parsed("<db:verify xmlns:db='jabber:server:dialback' from='a.test' to='b.test' id='x&apos;y'>key</db:verify>"));
  EXPECT_EQ(refusal,
            "<db:verify xmlns:db='jabber:server:dialback' from='b.test' to='a.test' id='x&apos;y' type='error'>"
            "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:verify>");
  const char* const ignored[] = {
      "<db:verify xmlns:db='jabber:server:dialback' from='a.test' to='b.test' id='1' type='valid'/>",
      "<db:result xmlns:db='jabber:server:dialback' from='a.test' to='b.test' type='valid'/>",
      "<db:verify xmlns:db='jabber:server:dialback' from='a.test' to='b.test'>key</db:verify>",
      "<db:result xmlns:db='jabber:server:dialback' to='b.test'>key</db:result>",
      "<db:result xmlns:db='jabber:server:dialback' from='a@x@y' to='b.test'>key</db:result>"};
  for (const char* text : ignored) EXPECT_EQ(dialback_refusal(*Parsed(text)), std::nullopt) << text;
}

TEST(StreamText, STR_18_ReadsVersions) {
  EXPECT_EQ(major_version("1.0"), 1U);
  EXPECT_EQ(major_version("1.1"), 1U);
  EXPECT_EQ(major_version("0.9"), 0U);
  for (const char* text : {"", "1", "1.", ".0", "1.0x", "x", "-1.0"})
    EXPECT_EQ(major_version(text), std::nullopt) << text;
  EXPECT_EQ(major_version(std::nullopt), std::nullopt);
}

TEST(StreamId, STR_08_IsLongAndNeverTheSame) {
  std::set<std::string> ids;
  for (int i = 0; i < 10'000; ++i) ids.insert(new_stream_id());
  EXPECT_EQ(ids.size(), 10'000U);
  for (const auto& id : ids) ASSERT_EQ(id.size(), 22U);
}

}  // namespace
}  // namespace sallyport::edge
