#include "policy/bounce.h"

#include <gtest/gtest.h>

#include "inspect/names.h"
#include "inspect/serializer.h"
#include "policy/pipeline.h"

namespace sallyport::policy {
namespace {

StanzaFacts facts(Kind kind, std::string_view type, std::string_view to = "bob@south.test/r") {
  StanzaFacts facts;
  facts.kind = kind;
  facts.type = type;
  facts.id = "7";
  facts.from = Address::of_prepared("ann@north.test/r");
  facts.to = Address::of_prepared(to);
  facts.to_service = facts.to.local.empty();
  return facts;
}

std::string bounced(const StanzaFacts& facts, Reason reason) {
  const auto what = fault(facts, reason, nullptr);
  if (!what) return "";
  inspect::Arena arena;
  std::string out;
  inspect::serialize(*make_bounce(facts, *what, arena), inspect::ns::kServer, out);
  return out;
}

TEST(Bounce, S_16_SaysWhyAStanzaCouldNotBeDelivered) {
  const struct {
    Reason reason;
    const char* error;
  } all[] = {
      {Reason::RouteNotFound, "<error type='cancel'><remote-server-not-found "},
      {Reason::RouteTimeout, "<error type='wait'><remote-server-timeout "},
      {Reason::RouteRefused, "<error type='cancel'><remote-server-timeout "},
      {Reason::RouteLost, "<error type='wait'><remote-server-timeout "},
      {Reason::RouteOverload, "<error type='wait'><resource-constraint "},
      {Reason::RouteStalled, "<error type='wait'><resource-constraint "},
  };
  for (const auto& each : all) {
    EXPECT_EQ(bounced(facts(Kind::Message, "chat"), each.reason),
              std::string("<message from='bob@south.test/r' id='7' to='ann@north.test/r' type='error'>") + each.error +
                  "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
  }
}

TEST(Bounce, ERR_01_HasTheKindOfTheStanzaThatItAnswers) {
  EXPECT_TRUE(bounced(facts(Kind::Iq, "set"), Reason::RouteTimeout).starts_with("<iq from="));
  EXPECT_TRUE(bounced(facts(Kind::Presence, "subscribe"), Reason::RouteTimeout).starts_with("<presence from="));
}

TEST(Bounce, S_18_NeverAnswersWhatMustNotBeAnswered) {
  const StanzaFacts all[] = {
      facts(Kind::Message, "error"),       facts(Kind::Message, "headline"), facts(Kind::Message, "groupchat"),
      facts(Kind::Presence, ""),           facts(Kind::Presence, "error"),   facts(Kind::Presence, "unavailable"),
      facts(Kind::Presence, "subscribed"), facts(Kind::Presence, "probe"),   facts(Kind::Presence, "unsubscribe"),
      facts(Kind::Iq, "result"),           facts(Kind::Iq, "error"),
  };
  for (const StanzaFacts& each : all)
    for (const ReasonRow& row : reasons())
      if (stage_name(row.reason) == "route" || stage_name(row.reason) == "addressing") {
        EXPECT_EQ(fault(each, row.reason, nullptr), std::nullopt)
            << name(*each.kind) << " " << each.type << " " << row.code;
      }
}

TEST(Bounce, NeedsSomebodyToAnswerAndToAnswerFrom) {
  StanzaFacts nobody = facts(Kind::Iq, "get");
  nobody.from = {};
  EXPECT_EQ(fault(nobody, Reason::RouteTimeout, nullptr), std::nullopt);
  inspect::Arena arena;
  EXPECT_EQ(make_bounce(nobody, {}, arena), nullptr);
  nobody = facts(Kind::Iq, "get");
  nobody.kind.reset();
  EXPECT_EQ(make_bounce(nobody, {}, arena), nullptr);
}

TEST(Bounce, ERR_06_IsTheSameForBareAndFullAddressesButForTheAddress) {
  const auto at = [](std::string_view to) {
    std::string bounce = bounced(facts(Kind::Iq, "get", to), Reason::AddressingKindNotGranted);
    return bounce.replace(bounce.find(to), to.size(), "X");
  };
  EXPECT_EQ(at("bob@south.test"), at("bob@south.test/live"));
  EXPECT_EQ(at("bob@south.test"), at("nobody@south.test/made-up"));
}

TEST(Bounce, ERR_09_TellsARefusedMessageWhatThePeeringSays) {
  Peering peering;
  const StanzaFacts message = facts(Kind::Message, "chat");
  using enum inspect::StanzaCondition;
  peering.refusal = MessageRefusal::PolicyViolation;
  EXPECT_EQ(fault(message, Reason::AddressingKindNotGranted, &peering)->condition, PolicyViolation);
  peering.refusal = MessageRefusal::ServiceUnavailable;
  EXPECT_EQ(fault(message, Reason::AddressingKindNotGranted, &peering)->condition, ServiceUnavailable);
  peering.refusal = MessageRefusal::Silence;
  EXPECT_EQ(fault(message, Reason::AddressingKindNotGranted, &peering), std::nullopt);
  // Requests are always answered (IQ-03).
  EXPECT_EQ(fault(facts(Kind::Iq, "get"), Reason::AddressingKindNotGranted, &peering)->condition, ServiceUnavailable);
}

TEST(Bounce, ERR_04_OfABounceIsNeverMade) {
  // What make_bounce() gives is of type error, and of those there is no bounce: two guards in a row never loop.
  StanzaFacts bounce = facts(Kind::Message, "error");
  for (const ReasonRow& row : reasons()) EXPECT_EQ(fault(bounce, row.reason, nullptr), std::nullopt) << row.code;
}

struct Output {
  const char* what;
  std::string_view ns, name, from, to;
  std::size_t octets;
  std::optional<Reason> expected;
};

TEST(OutputCheck, STZ_12_STZ_15_LetsNothingLeaveThatTheLegIsNotFor) {
  const Output all[] = {
      {"right", "", "message", "ann@north.test/r", "bob@south.test", 100, std::nullopt},
      {"domains", "", "presence", "north.test", "south.test", 100, std::nullopt},
      {"slash first", "", "iq", "north.test/x@y", "south.test/a@b/c", 100, std::nullopt},
      {"no stanza", "", "message2", "ann@north.test/r", "bob@south.test", 100, Reason::OutputNotAStanza},
      {"another namespace", "urn:example", "message", "ann@north.test/r", "bob@south.test", 100,
       Reason::OutputNotAStanza},
      {"no from", "", "message", "", "bob@south.test", 100, Reason::OutputAddress},
      {"no to", "", "message", "ann@north.test/r", "", 100, Reason::OutputAddress},
      {"other from", "", "message", "ann@other.test/r", "bob@south.test", 100, Reason::OutputPair},
      {"other to", "", "message", "ann@north.test/r", "bob@other.test", 100, Reason::OutputPair},
      {"swapped", "", "message", "bob@south.test", "ann@north.test/r", 100, Reason::OutputPair},
      {"not prepared", "", "message", "ann@North.test/r", "bob@south.test", 100, Reason::OutputPair},
      {"just fits", "", "message", "ann@north.test/r", "bob@south.test", 1000, std::nullopt},
      {"does not fit", "", "message", "ann@north.test/r", "bob@south.test", 1001, Reason::OutputTooBig},
  };
  const Pair granted{"north.test", "south.test"};
  for (const Output& each : all) {
    std::vector<inspect::Attribute> attributes;
    if (!each.from.empty()) attributes.push_back({"", "from", each.from});
    if (!each.to.empty()) attributes.push_back({"", "to", each.to});
    inspect::Node stanza;
    stanza.ns = each.ns;
    stanza.name = each.name;
    stanza.attributes = attributes;
    EXPECT_EQ(check_output(stanza, granted, each.octets, 1000), each.expected) << each.what;
  }
}

TEST(OutputCheck, STZ_12_RefusesAnEmptyAddress) {
  inspect::Attribute attributes[] = {{"", "from", ""}, {"", "to", "bob@south.test"}};
  inspect::Node stanza;
  stanza.name = "message";
  stanza.attributes = attributes;
  EXPECT_EQ(check_output(stanza, {"", "south.test"}, 10, 0), Reason::OutputAddress);
}

TEST(Address, SplitsAtTheFirstSlashAndTheFirstAtBeforeIt) {
  const Address address = Address::of_prepared("ann@north.test/a@b/c");
  EXPECT_EQ(address.local, "ann");
  EXPECT_EQ(address.domain, "north.test");
  EXPECT_EQ(address.resource, "a@b/c");
  EXPECT_EQ(address.bare(), "ann@north.test");
  EXPECT_EQ(Address::of_prepared("north.test/x@y").domain, "north.test");
  EXPECT_EQ(Address::of_prepared("north.test").bare(), "north.test");
}

}  // namespace
}  // namespace sallyport::policy
