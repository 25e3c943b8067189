// The label stage on the sample stanzas (tests/policy/label/data/xep0258), from the text that comes to the text that
// leaves.
#include <functional>
#include <map>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspect/base64.h"
#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "inspect/serializer.h"
#include "inspect/stream_parser.h"
#include "policy/label/xep0258.h"
#include "policy/label_judge.h"
#include "policy/pipeline.h"
#include "tests/policy/label/sample_policies.h"

namespace sallyport::policy {
namespace {

using label::testing::text_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr std::uint16_t kAcme = 0, kNordia = 1;

/// Two enclaves whose policy is ACME; both cleared for all of it. Everything but shape, addressing and label is off.
class Boundary {
 public:
  Boundary() {
    tables_.name = "labels";
    tables_.enclaves = {{.name = "acme", .revocation = {}, .withdrawn = {}},
                        {.name = "nordia", .revocation = {}, .withdrawn = {}}};
    tables_.domains = {{"acme.example", 0, 0},
                       {"muc.acme.example", 0, 0},
                       {"muc.nordia.example", 1, 3},
                       {"nordia.example", 1, 3},
                       {"pubsub.acme.example", 0, 0}};
    tables_.domains[2].home = 3;
    Peering peering;
    peering.id = "all";
    peering.message = peering.presence = peering.iq = true;
    tables_.peerings = {peering};
    for (const std::uint16_t a : std::initializer_list<std::uint16_t>{0, 1, 4})
      for (const std::uint16_t b : std::initializer_list<std::uint16_t>{2, 3}) {
        tables_.routes.push_back({a, b, 0});
        tables_.routes.push_back({b, a, 0});
      }
    std::ranges::sort(tables_.routes, {}, [](const Route& r) { return std::pair(r.from, r.to); });
    tables_.settings.stages_off = 0b1110100;

    LabelTables& labels = tables_.labels;
    labels.policies = {{.name = "acme", .spif = label::testing::acme().spif(), .options = {}, .lang = ""},
                       {.name = "nordia", .spif = label::testing::nordia().spif(), .options = {}, .lang = ""}};
    labels.clearances = {{"all-acme", kAcme, everything(label::testing::acme())},
                         {"all-nordia", kNordia, everything(label::testing::nordia())}};
    labels.translations = {{kNordia, kAcme, true}, {kAcme, kNordia, false}};
    labels.enclaves.resize(2);
    for (EnclaveLabels& enclave : labels.enclaves) {
      enclave.policy = kAcme;
      enclave.clearances = {0, 1};
    }
  }

  static label::Clearance everything(const label::Policy& policy) {
    label::Clearance all;
    all.policy = policy.id();
    for (const label::Class& each : policy.spif().classes) all.classes.push_back(each.lacv);
    for (label::CatNumber i = 0; i < policy.category_count(); ++i) all.categories.push_back(policy.key(i));
    all.settle();
    return all;
  }

  PeeringLabels& labels() { return tables_.peerings[0].labels; }
  EnclaveLabels& enclave(std::size_t number) { return tables_.labels.enclaves[number]; }
  /// A sample clearance, as a row; its number.
  std::uint16_t clearance(const std::string& id) {
    auto& rows = tables_.labels.clearances;
    const auto& found = label::testing::clearances().at(id);
    rows.push_back({id, found.policy == label::testing::acme().id() ? kAcme : kNordia, found});
    return static_cast<std::uint16_t>(rows.size() - 1);
  }
  /// A sample label, as a row; its number.
  std::uint16_t label_row(const std::string& id) {
    auto& rows = tables_.labels.labels;
    rows.push_back({id, id[0] == 'M' ? kNordia : kAcme, label::testing::labels().at(id)});
    return static_cast<std::uint16_t>(rows.size() - 1);
  }
  void hold(const std::string& who, std::vector<std::uint16_t> clearances, std::optional<std::uint16_t> own = {}) {
    auto& holders = tables_.labels.holders;
    holders.push_back({.address = who, .clearances = std::move(clearances), .label = own, .carrier = {}});
    std::ranges::sort(holders, {}, &LabelHolder::address);
  }

  struct Outcome {
    std::string verdict, reason, detail, written;
    std::vector<std::string> findings;
    std::string label;  ///< its marking, as the destination sees it
    // For the record.
    std::string label_in, marking_in, label_out;
  };

  Outcome judge_text(const std::string& xml) {
    if (!bundle_) {
      auto made = Bundle::make(tables_);
      if (!made) throw std::runtime_error(made.error().what);
      bundle_.emplace(std::move(*made));
    }
    const std::string octets = normal_form(xml);
    scratch_.arena.clear();
    const auto stanza = inspect::decode(octets, scratch_.arena, inspect::ParserLimits{});
    if (!stanza) throw std::runtime_error(stanza.error().what);
    const bool from_nordia = (*stanza)->attribute("from")->find("nordia") != std::string_view::npos;
    std::vector<Pair> granted;
    for (const Route& route : tables_.routes)
      granted.push_back({tables_.domains[route.from].name, tables_.domains[route.to].name});
    const Crossing crossing{.from_enclave = from_nordia ? "nordia" : "acme",
                            .to_enclave = from_nordia ? "acme" : "nordia",
                            .lang = "en",
                            .granted = granted};
    const Moment now{.wall = now_, .steady = {}};
    const Judgement judgement = judge(**stanza, octets.size(), crossing, now, *bundle_, scratch_);
    Outcome outcome{.verdict = std::string(name(judgement.verdict)),
                    .reason = std::string(code(judgement.reason)),
                    .detail = judgement.label_detail,
                    .written = {},
                    .findings = {},
                    .label = judgement.label ? judgement.label->marking : "",
                    .label_in = judgement.label ? judgement.label->text_in : "",
                    .marking_in = judgement.label ? judgement.label->marking_in : "",
                    .label_out = judgement.label ? judgement.label->text_out : ""};
    for (const Reason finding : judgement.findings) outcome.findings.emplace_back(code(finding));
    if (judgement.verdict == Verdict::Release || judgement.verdict == Verdict::Alter)
      inspect::serialize(**stanza, inspect::ns::kServer, outcome.written);
    return outcome;
  }

  /// A sample, with the addresses that cross here.
  Outcome judge_file(const std::string& name) {
    std::string xml = text_of("xep0258/" + name + ".xml");
    for (const auto& [old, made] : std::map<std::string, std::string>{
             {"'bob@acme.example", "'bob@nordia.example"},
             {"to='alice@acme.example/desk'>\n  <catalog", "to='nils@nordia.example/desk'>\n  <catalog"}})
      for (std::size_t at = xml.find(old); at != std::string::npos; at = xml.find(old))
        xml.replace(at, old.size(), made);
    return judge_text(xml);
  }

  static std::string normal_form(const std::string& xml) {
    const bool client = xml.find("xmlns='jabber:client'") < xml.find('>');
    const std::string content(client ? inspect::ns::kClient : inspect::ns::kServer);
    inspect::StreamParser parser(content, inspect::ParserLimits{});
    parser.feed("<stream:stream xmlns='" + content +
                "' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>" + xml);
    while (true) {
      const auto event = parser.next();
      if (!event) throw std::runtime_error(event.error().why);
      if (!*event) throw std::runtime_error("not a whole stanza");
      if (const auto* stanza = std::get_if<inspect::StanzaRead>(&**event)) return std::string(stanza->normal_form);
    }
  }

  Tables tables_;
  label::Time now_ = label::testing::summer();

 private:
  std::optional<Bundle> bundle_;
  Memory memory_;
  Scratch scratch_{memory_};
};

class LabelStage : public Boundary, public ::testing::Test {};

const std::string kL05 = "ACME SECRET REL TO UK, FRANCE";

std::string message(const std::string& inside, const std::string& attributes = "") {
  return "<message xmlns='jabber:server' from='alice@acme.example/desk' to='nils@nordia.example' " + attributes + ">" +
         inside + "</message>";
}
std::string labelled(const std::string& id) {
  for (const auto& row : label::testing::rows("labels-ess/labels.tsv"))
    if (row[0] == id)
      return "<securitylabel xmlns='urn:xmpp:sec-label:0'><label><esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'>" +
             row[1] + "</esssecuritylabel></label></securitylabel>";
  throw std::runtime_error("no label " + id);
}

TEST_F(LabelStage, LBL_01_ACanonicalLabelCrossesUnchanged) {
  const Outcome outcome = judge_file("X01-message-ess");
  EXPECT_EQ(outcome.reason, "policy.granted");
  EXPECT_EQ(outcome.label, kL05);
  // White space between the elements is not written again.
  EXPECT_THAT(outcome.findings, UnorderedElementsAre("label.rewritten"));
  const Outcome again = judge_text(outcome.written);
  EXPECT_EQ(again.verdict, "release");
  EXPECT_THAT(again.findings, IsEmpty());
}

TEST_F(LabelStage, TheRecordNamesTheLabelAndItsMarkingBeforeAndAfter) {
  const Outcome same = judge_file("X19-lying-marking");
  EXPECT_EQ(same.label_in, "ACME (version 7): SECRET + Releasable To:UK + Releasable To:FR");
  EXPECT_NE(same.marking_in, kL05);
  EXPECT_FALSE(same.marking_in.empty());
  EXPECT_EQ(same.label_out, same.label_in);
  EXPECT_EQ(same.label, kL05);
}

TEST_F(LabelStage, TheRecordNamesATranslatedLabelByBothPolicies) {
  enclave(1).policy = kNordia;
  const Outcome outcome = judge_text(message("<body>x</body>" + labelled("L05")));
  EXPECT_EQ(outcome.reason, "policy.granted");
  EXPECT_EQ(outcome.label_in, "ACME (version 7): SECRET + Releasable To:UK + Releasable To:FR");
  EXPECT_EQ(outcome.label_out, "NORDIA (version 3): SEALED + Release:UK + Release:FR + Origin:ACME");
}

TEST_F(LabelStage, TheRecordNamesALabelThatIsRefusedToo) {
  enclave(1).clearances = {clearance("C9")};
  const Outcome denied = judge_text(message("<body>x</body>" + labelled("L05")));
  EXPECT_EQ(denied.reason, "label.classification");
  EXPECT_EQ(denied.label_in, "ACME (version 7): SECRET + Releasable To:UK + Releasable To:FR");
  EXPECT_EQ(denied.detail, "classification of nordia");
}

TEST_F(LabelStage, TheRecordNamesALabelWithoutTranslationAsItCame) {
  enclave(1).policy = kNordia;
  const Outcome outcome = judge_text(message("<body>x</body>" + labelled("L31")));
  EXPECT_EQ(outcome.reason, "label.translation");
  EXPECT_EQ(outcome.label_in, "ACME (version 7): TOP SECRET + Handling:EYES-A");
  EXPECT_EQ(outcome.label_out, "");
}

TEST_F(LabelStage, LBL_02_EveryFormatComesToTheSameLabel) {
  for (const char* file : {"X01-message-ess", "X02-message-ess-whitespace", "X03-message-4774", "X26-order"}) {
    const Outcome outcome = judge_file(file);
    EXPECT_EQ(outcome.verdict, "alter") << file;
    EXPECT_EQ(outcome.label, std::string(file) == "X26-order" ? "ACME PUBLIC" : kL05) << file;
  }
  EXPECT_THAT(judge_file("X03-message-4774").written,
              HasSubstr("<CreationDateTime>2026-02-03T04:05:06Z</CreationDateTime>"));
}

TEST_F(LabelStage, LBL_09_ViolationsAreRefused) {
  labels().message = Unlabelled::Pass;
  for (const char* file : {"X13-two-securitylabels", "X14-two-labels", "X15-no-label-element", "X21-label-in-iq",
                           "X27-nested-in-body", "X34-pubsub-items", "X35-pubsub-items-dangling"}) {
    const std::string expected = std::string(file) == "X21-label-in-iq" ? "shape.payload-count" : "label.violation";
    EXPECT_EQ(judge_file(file).reason, expected) << file;
  }
  const Outcome presence = judge_file("X09-presence");
  EXPECT_EQ(presence.reason, "label.violation");
  EXPECT_EQ(presence.verdict, "drop");
}

TEST_F(LabelStage, LBL_08_AnErrorIsNotJudgedByLabelAndCarriesNone) {
  // Shape takes out what an error echoes.
  const Outcome echoed = judge_file("X10-error-with-label");
  EXPECT_EQ(echoed.verdict, "alter");
  EXPECT_THAT(echoed.written, Not(HasSubstr("securitylabel")));
  EXPECT_THAT(judge_file("X11-error-plain").reason, "policy.granted");
}

TEST_F(LabelStage, LBL_08_WhereEchoesCrossAnErrorWithALabelIsDroppedSilently) {
  tables_.settings.transparency = Transparency::Full;
  const Outcome outcome = judge_file("X10-error-with-label");
  EXPECT_EQ(outcome.reason, "label.violation");
  EXPECT_EQ(outcome.verdict, "drop");
}

TEST_F(LabelStage, I31_WhatIsThereAndCannotBeUsedIsNeverTakenForTheDefault) {
  enclave(0).label = label_row("L01");
  labels().message = Unlabelled::Assume;
  EXPECT_EQ(judge_file("X17-unknown-format").reason, "label.unusable");
  EXPECT_EQ(judge_file("X18-unknown-with-equivalent").reason, "label.unusable");
  EXPECT_EQ(judge_file("X25-empty-ess").reason, "label.malformed");
  EXPECT_EQ(judge_text(message("<body>a</body>" + labelled("L28"))).reason, "label.policy");
  EXPECT_EQ(judge_text(message("<body>a</body>" + labelled("L25"))).reason, "label.unknown-tagset");
  EXPECT_EQ(judge_text(message("<body>a</body>" + labelled("L06"))).reason, "label.class-required-category");
}

TEST_F(LabelStage, TwoLabelsOfOnePolicyThatDifferAreAConflict) {
  for (const char* file : {"X22-conflicting-equivalents", "X23-equivalent-same-policy"})
    EXPECT_EQ(judge_file(file).reason, "label.conflict") << file;
}

TEST_F(LabelStage, AForeignLabelIsTranslatedAndItsEquivalentsAreNotBelieved) {
  const Outcome outcome = judge_file("X05-foreign-with-equivalent");
  EXPECT_EQ(outcome.label, "ACME CONFIDENTIAL REL TO UK, NO");
  EXPECT_THAT(outcome.findings,
              UnorderedElementsAre("label.rewritten", "label.translated", "label.equivalents-dropped"));
  EXPECT_THAT(outcome.written, Not(HasSubstr("equivalentlabel")));
  EXPECT_EQ(judge_file("X06-foreign-good-equivalent").label, "ACME PUBLIC");
  EXPECT_EQ(judge_file("X46-alternative-4774").label, "ACME CONFIDENTIAL REL TO UK, NO");
}

TEST_F(LabelStage, ATrustedEquivalentHasToBeWhatTheTranslationGives) {
  labels().trust_equivalents = true;
  EXPECT_EQ(judge_file("X05-foreign-with-equivalent").reason, "label.conflict");
  EXPECT_EQ(judge_file("X46-alternative-4774").reason, "label.conflict");
  EXPECT_EQ(judge_file("X06-foreign-good-equivalent").label, "ACME PUBLIC");
  EXPECT_EQ(judge_file("X18-unknown-with-equivalent").label, "ACME PUBLIC");
}

TEST_F(LabelStage, ADisagreementMayBeNotedInPlaceOfRefused) {
  labels().trust_equivalents = true;
  labels().disagreement = Disagreement::Note;
  const Outcome outcome = judge_file("X05-foreign-with-equivalent");
  EXPECT_EQ(outcome.label, "ACME SECRET REL TO UK");
  EXPECT_THAT(outcome.findings, ::testing::Contains("label.equivalent-disagrees"));
}

TEST_F(LabelStage, TheTranslationMayBeAddedInPlaceOfReplacing) {
  labels().translated = TranslatedLabel::Add;
  const Outcome outcome = judge_file("X05-foreign-with-equivalent");
  EXPECT_EQ(outcome.label, "ACME CONFIDENTIAL REL TO UK, NO");
  EXPECT_THAT(outcome.written, HasSubstr("ACME CONFIDENTIAL REL TO UK, NO</displaymarking>"
                                         "<label><esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'>"
                                         "MTACAR4GBYg3ggICMSQwIoAKYIZIAWUCAQgDAaEUMBIGBog3ggICATEIAgICQgICAzo="
                                         "</esssecuritylabel></label><equivalentlabel>"));
}

TEST_F(LabelStage, LBL_06_BetweenPoliciesBothSidesDecideEachUnderItsOwn) {
  enclave(1).policy = kNordia;
  const Outcome secret = judge_text(message("<body>a</body>" + labelled("L05")));
  EXPECT_EQ(secret.reason, "policy.granted");
  EXPECT_EQ(secret.label, "[NRD/SEALED/RELEASE UK+FR/FROM ACME]");
  EXPECT_THAT(secret.findings, UnorderedElementsAre("label.rewritten", "label.translated"));
  // TOP SECRET may only be translated inwards.
  const Outcome top = judge_text(message("<body>a</body>" + labelled("L31")));
  EXPECT_EQ(top.reason, "label.translation");
  EXPECT_EQ(top.detail, "translation:classification");
}

TEST_F(LabelStage, LBL_06_TheDestinationsClearanceIsThatOfItsPolicy) {
  enclave(1).policy = kNordia;
  enclave(1).clearances = {clearance("C7")};  // up to GUARDED
  const Outcome outcome = judge_text(message("<body>a</body>" + labelled("L05")));
  EXPECT_EQ(outcome.reason, "label.classification");
  EXPECT_EQ(outcome.detail, "classification of nordia");
  EXPECT_EQ(outcome.verdict, "bounce");
  EXPECT_EQ(judge_text(message("<body>a</body>" + labelled("L03"))).reason, "policy.granted");
}

TEST_F(LabelStage, LBL_06_EveryoneOnTheWayHasToBeClearedOnHisOwn) {
  const std::uint16_t c2 = clearance("C2"), c4 = clearance("C4");  // SECRET with UK; SECRET without any release
  hold("acme.example", {c2});
  hold("nils@nordia.example", {c4});
  EXPECT_EQ(judge_text(message("<body>a</body>" + labelled("L03"))).reason, "policy.granted");
  const Outcome denied = judge_text(message("<body>a</body>" + labelled("L04")));
  EXPECT_EQ(denied.reason, "label.permissive");
  EXPECT_EQ(denied.detail, "permissive:Releasable To of nils@nordia.example");
  const Outcome at_source = judge_text(message("<body>a</body>" + labelled("L31")));
  EXPECT_EQ(at_source.detail, "classification of acme.example");
}

TEST_F(LabelStage, NobodyClearedMeansRefused) {
  enclave(1).clearances.clear();
  const Outcome outcome = judge_text(message("<body>a</body>" + labelled("L01")));
  EXPECT_EQ(outcome.reason, "label.nil-clearance");
  EXPECT_EQ(outcome.detail, "nil-clearance of nordia.example");
}

TEST_F(LabelStage, WhoeverIsClearedUnderAnotherPolicyOnlyIsNotCleared) {
  hold("nils@nordia.example", {clearance("C7")});
  EXPECT_EQ(judge_text(message("<body>a</body>" + labelled("L01"))).detail, "clearance-policy of nils@nordia.example");
}

TEST_F(LabelStage, LBL_07_AStanzaWithoutLabelIsRefusedUnlessThePolicySaysOtherwise) {
  EXPECT_EQ(judge_text(message("<body>a</body>")).reason, "label.missing");
  EXPECT_EQ(judge_file("X07-empty-label").reason, "label.missing");
}

TEST_F(LabelStage, LBL_07_TheDefaultLabelIsAssumed) {
  labels().message = Unlabelled::Assume;
  enclave(0).label = label_row("L02");
  const Outcome outcome = judge_text(message("<body>a</body>"));
  EXPECT_THAT(outcome.findings, ElementsAre("label.assumed"));
  EXPECT_EQ(outcome.label, "ACME INTERNAL");
  EXPECT_THAT(outcome.written, Not(HasSubstr("securitylabel")));
  // What asks for the default by an empty label gets it in writing.
  EXPECT_THAT(judge_file("X07-empty-label").written, HasSubstr("ACME INTERNAL</displaymarking>"));
}

TEST_F(LabelStage, LBL_07_TheDefaultLabelIsWrittenAndDecides) {
  labels().message = Unlabelled::Stamp;
  enclave(0).label = label_row("L02");
  hold("alice@acme.example", {}, label_row("L05"));
  hold("nils@nordia.example", {clearance("C4")});
  EXPECT_EQ(judge_text(message("<body>a</body>")).reason, "label.permissive");
  const std::string from_bob =
      "<message xmlns='jabber:server' from='bob@acme.example' to='nils@nordia.example'><body>a</body></message>";
  const Outcome outcome = judge_text(from_bob);
  EXPECT_THAT(outcome.findings, ElementsAre("label.stamped"));
  EXPECT_THAT(outcome.written,
              HasSubstr("<displaymarking bgcolor='#4169E1' fgcolor='white'>ACME INTERNAL</displaymarking>"
                        "<label><esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'>MQoCAQIGBYg3ggIB<"));
}

TEST_F(LabelStage, LBL_07_SignalsMayPassWithoutLabel) {
  const std::string signal = message("<thread>t</thread><active xmlns='http://jabber.org/protocol/chatstates'/>");
  EXPECT_EQ(judge_text(signal).reason, "label.missing");
  EXPECT_EQ(judge_text(message("<received xmlns='urn:xmpp:receipts' id='1'/>")).reason, "label.missing");
}

TEST_F(LabelStage, LBL_07_SignalsPassWithoutLabelWhereThePeeringSaysSo) {
  labels().signals_pass = true;
  EXPECT_EQ(judge_text(message("<active xmlns='http://jabber.org/protocol/chatstates'/>")).verdict, "release");
  EXPECT_EQ(judge_text(message("<received xmlns='urn:xmpp:receipts' id='1'/>")).verdict, "release");
  EXPECT_EQ(judge_text(message("<body>a</body><active xmlns='http://jabber.org/protocol/chatstates'/>")).reason,
            "label.missing");
  EXPECT_EQ(judge_text(message("<x xmlns='urn:test'/>")).reason, "label.missing");
  EXPECT_EQ(judge_text(message("")).reason, "label.missing");
}

TEST_F(LabelStage, LBL_07_PresenceAndRequestsHaveRulesOfTheirOwn) {
  const std::string presence =
      "<presence xmlns='jabber:server' from='alice@acme.example/desk' to='nils@nordia.example'/>";
  const std::string request =
      "<iq xmlns='jabber:server' type='get' id='1' from='alice@acme.example/desk' to='nils@nordia.example/ops'><ping "
      "xmlns='urn:xmpp:ping'/></iq>";
  EXPECT_EQ(judge_text(presence).verdict, "release");
  EXPECT_EQ(judge_text(request).verdict, "release");
}

TEST_F(LabelStage, LBL_07_PresenceAndRequestsMayBeRefusedOrJudgedByTheDefault) {
  labels().presence = Unlabelled::Refuse;
  labels().iq = Unlabelled::Assume;
  enclave(0).label = label_row("L05");
  hold("nils@nordia.example", {clearance("C4")});
  EXPECT_EQ(
      judge_text("<presence xmlns='jabber:server' from='alice@acme.example/desk' to='nils@nordia.example'/>").reason,
      "label.missing");
  EXPECT_EQ(
      judge_text(
          "<iq xmlns='jabber:server' type='get' id='1' from='alice@acme.example/desk' to='nils@nordia.example/ops'>"
          "<ping xmlns='urn:xmpp:ping'/></iq>")
          .reason,
      "label.permissive");
}

TEST_F(LabelStage, LBL_04_AMarkingThatContradictsDecidesNothingAndIsCorrected) {
  const Outcome outcome = judge_file("X19-lying-marking");
  EXPECT_EQ(outcome.label, kL05);
  EXPECT_THAT(outcome.findings, UnorderedElementsAre("label.marking-contradicts", "label.rewritten"));
  EXPECT_THAT(outcome.written, HasSubstr(">" + kL05 + "</displaymarking>"));
}

TEST_F(LabelStage, LBL_04_AtABoundaryForTheLowestOnlyTheLabelCounts) {
  enclave(1).clearances = {clearance("C5")};  // PUBLIC
  EXPECT_EQ(judge_file("X19-lying-marking").reason, "label.classification");
}

TEST_F(LabelStage, LBL_09_TheLabelOfAStanzaInsideDecidesToo) {
  labels().message = Unlabelled::Assume;
  enclave(0).label = label_row("L01");
  EXPECT_EQ(judge_file("X45-label-in-forwarded-only").reason, "policy.granted");
  EXPECT_EQ(judge_file("X45-label-in-forwarded-only").label, "ACME PUBLIC");
  EXPECT_EQ(judge_file("X29-mam").reason, "policy.granted");
}

TEST_F(LabelStage, LBL_09_AStanzaInsideThatMayNotCrossStopsTheWhole) {
  labels().message = Unlabelled::Assume;
  enclave(0).label = label_row("L01");
  enclave(1).clearances = {clearance("C9")};
  EXPECT_EQ(judge_file("X45-label-in-forwarded-only").reason, "label.classification");
  EXPECT_EQ(judge_file("X29-mam").reason, "label.classification");
}

TEST_F(LabelStage, LBL_09_ACopyFromAnArchiveIsJudgedByWhatIsInIt) {
  EXPECT_EQ(judge_file("X29-mam").reason, "policy.granted");
  EXPECT_EQ(judge_file("X45-label-in-forwarded-only").reason, "label.missing");
  EXPECT_EQ(judge_file("X33-pubsub-event").label, kL05);
}

TEST_F(LabelStage, ARoomHasAClearanceAndItsSubjectItsLabel) {
  labels().message = Unlabelled::Assume;
  enclave(0).label = label_row("L01");
  hold("room@muc.nordia.example", {clearance("C2")}, label_row("L04"));
  EXPECT_EQ(judge_file("X30-muc-subject").label, kL05);
  const std::string subject =
      "<message xmlns='jabber:server' from='alice@acme.example/desk' to='room@muc.nordia.example' type='groupchat'>";
  EXPECT_EQ(judge_text(subject + "<subject>Convoy</subject></message>").label, "ACME SECRET REL TO UK");
  EXPECT_EQ(judge_text(subject + "<body>a</body></message>").label, "ACME PUBLIC");
  EXPECT_EQ(judge_text(subject + "<body>a</body>" + labelled("L31") + "</message>").detail,
            "classification of room@muc.nordia.example");
}

TEST_F(LabelStage, LBL_05_ACatalogIsCutToWhatMayCross) {
  enclave(1).clearances = {clearance("C9")};
  const Outcome cut = judge_file("X39-catalog-full");
  EXPECT_THAT(cut.findings, ElementsAre("label.catalog-cut"));
  EXPECT_THAT(cut.written, HasSubstr("restrict='true' size='2'"));
  EXPECT_THAT(cut.written, HasSubstr("ACME INTERNAL"));
  EXPECT_THAT(cut.written, Not(HasSubstr("SECRET")));
  EXPECT_EQ(judge_file("X41-catalog-filtered-C9-nodefault").reason, "policy.granted");
}

TEST_F(LabelStage, LBL_05_TheRequestForACatalogCrosses) {
  const std::string request =
      "<iq xmlns='jabber:server' type='get' id='c1' from='alice@acme.example/desk' to='nordia.example'>"
      "<catalog xmlns='urn:xmpp:sec-label:catalog:2' to='nils@nordia.example'/></iq>";
  EXPECT_EQ(judge_text(request).verdict, "release");
  const std::string with_label =
      "<iq xmlns='jabber:server' type='get' id='c1' from='alice@acme.example/desk' to='nordia.example'>"
      "<catalog xmlns='urn:xmpp:sec-label:catalog:2'><item>" +
      labelled("L01") + "</item></catalog></iq>";
  EXPECT_EQ(judge_text(with_label).reason, "label.violation");
}

TEST_F(LabelStage, OnlyListedLabelsCrossWhereTheyAreListed) {
  labels().only = {label_row("L01"), label_row("L02")};
  EXPECT_EQ(judge_text(message("<body>a</body>" + labelled("L01"))).reason, "policy.granted");
  EXPECT_EQ(judge_text(message("<body>a</body>" + labelled("L03"))).reason, "label.not-listed");
}

TEST_F(LabelStage, LBL_02_LabelsLeaveInTheFormatThatThePeeringNames) {
  labels().format = LabelFormat::Stanag4774;
  const Outcome outcome = judge_text(message("<body>a</body>" + labelled("L05")));
  EXPECT_THAT(outcome.written, HasSubstr("<Classification>SECRET</Classification>"));
  EXPECT_THAT(outcome.written, HasSubstr("<CreationDateTime>2026-06-01T00:00:00Z</CreationDateTime>"));
}

TEST_F(LabelStage, LBL_03_TheMarkingBecomesTheFirstLineForWhoeverCarriesNoLabels) {
  enclave(1).carrier = LabelCarrier::FirstLine;
  const Outcome outcome = judge_text(message("<body>a</body><body xml:lang='fr'>b</body>" + labelled("L03")));
  EXPECT_THAT(outcome.written,
              HasSubstr("<body>ACME CONFIDENTIAL\na</body><body xml:lang='fr'>ACME CONFIDENTIAL\nb</body></message>"));
  EXPECT_THAT(outcome.findings, UnorderedElementsAre("label.first-line-added", "label.stripped"));
}

TEST_F(LabelStage, LBL_03_AKnownFirstLineIsALabel) {
  enclave(0).carrier = LabelCarrier::FirstLine;
  enclave(0).first_lines = {label_row("L03"), label_row("L01")};
  const Outcome outcome = judge_text(message("<body>ACME CONFIDENTIAL\na\nb</body>"));
  EXPECT_THAT(outcome.written, HasSubstr("<body>a\nb</body><securitylabel"));
  EXPECT_EQ(outcome.label, "ACME CONFIDENTIAL");
  EXPECT_THAT(outcome.findings, UnorderedElementsAre("label.first-line-read"));
  EXPECT_EQ(judge_text(message("<body>acme confidential\na</body>")).reason, "label.missing");
  EXPECT_EQ(judge_text(message("<body>ACME SECRET\na</body>")).reason, "label.missing");
  EXPECT_EQ(judge_text(message("<body>ACME PUBLIC\na</body><body xml:lang='fr'>ACME CONFIDENTIAL\na</body>")).reason,
            "label.missing");
}

TEST_F(LabelStage, LabelsAreTakenOutForWhoeverMayNotSeeThem) {
  enclave(1).carrier = LabelCarrier::Nothing;
  const Outcome outcome = judge_text(message("<body>a</body>" + labelled("L03")));
  EXPECT_THAT(outcome.written, HasSubstr("<body>a</body></message>"));
  EXPECT_EQ(outcome.label, "ACME CONFIDENTIAL");
}

TEST_F(LabelStage, WithoutAnyPolicyALabelIsRefused) {
  tables_.labels = {};
  labels().message = Unlabelled::Pass;
  EXPECT_EQ(judge_text(message("<body>a</body>" + labelled("L01"))).reason, "label.policy");
  EXPECT_EQ(judge_text(message("<body>a</body>")).verdict, "release");
}

TEST_F(LabelStage, TheClockDecidesAnewWhatWasJudgedBefore) {
  const std::string kept_a_year = message("<body>a</body>" + labelled("L47"));  // KEEP-1Y, until 2030
  EXPECT_EQ(judge_text(kept_a_year).reason, "policy.granted");
  now_ += std::chrono::years(5);
  EXPECT_EQ(judge_text(kept_a_year).reason, "label.category-validity");
}

TEST_F(LabelStage, PrivacyMarksCrossOnlyIfThePolicyListsThem) {
  const auto with_mark = [](const std::string& mark) {
    label::Label label = label::testing::labels().at("L02");
    label.privacy_marks = {mark};
    inspect::Arena arena;
    const auto* made = label::encode_label(label, label::Format::Stanag4774, label::LabelRole::Originator, {},
                                           label::testing::acme(), label::testing::sample_lexicon(), arena);
    std::string xml;
    inspect::serialize(*made, inspect::ns::kServer, xml);
    return message("<body>a</body><securitylabel xmlns='urn:xmpp:sec-label:0'><label>" + xml +
                   "</label></securitylabel>");
  };
  EXPECT_THAT(judge_text(with_mark("CLEAR")).written, HasSubstr("<PrivacyMark>CLEAR</PrivacyMark>"));
  EXPECT_THAT(judge_text(with_mark("meet me at nine")).written, Not(HasSubstr("PrivacyMark")));
}

/// What is set up, and a stanza that then comes to the reason.
struct ReasonRowOf {
  std::string code;
  std::function<void(Tables&, label::Time&)> set;
  std::string stanza;
};

std::string ess(const std::string& base64) {
  return message(
      "<body>a</body><securitylabel xmlns='urn:xmpp:sec-label:0'><label><esssecuritylabel "
      "xmlns='urn:xmpp:sec-label:ess:0'>" +
      base64 + "</esssecuritylabel></label></securitylabel>");
}
std::string sample(const std::string& id) {
  return message("<body>a</body>" + labelled(id));
}
std::string irregular(const std::string& id) {
  for (const auto& row : label::testing::rows("labels-ess/irregular.tsv"))
    if (row[0] == id) return ess(row[1]);
  throw std::runtime_error("no input " + id);
}
std::string meaning(const std::string& words) {
  const auto octets = label::encode_ess(label::testing::label_of(words), label::CategorySyntax::Acp145, {});
  return ess(inspect::encode_base64(octets.value()));
}
std::string stanza_file(const std::string& name) {
  return text_of("xep0258/" + name + ".xml");
}
std::string stanag_file(const std::string& name) {
  std::string xml = text_of("labels-4774/" + name + ".xml");
  xml.erase(0, xml.find("<slab:originator"));
  return message("<securitylabel xmlns='urn:xmpp:sec-label:0'><label>" + xml + "</label></securitylabel>");
}

const label::Options& refuse_obsolete(Tables& tables) {
  tables.labels.policies[0].options.accept_obsolete = false;
  return tables.labels.policies[0].options;
}
label::Spif& acme_spif(Tables& tables) {
  return tables.labels.policies[0].spif;
}
void default_label(Tables& tables, Unlabelled rule) {
  tables.labels.labels = {{"default", kAcme, label::testing::labels().at("L01")}};
  tables.labels.enclaves[0].label = 0;
  tables.peerings[0].labels.message = rule;
}
void cleared_as(Tables& tables, const std::string& id) {
  const auto& found = label::testing::clearances().at(id);
  const std::uint16_t policy = found.policy == label::testing::acme().id() ? kAcme : kNordia;
  tables.labels.clearances.push_back({id, policy, found});
  tables.labels.enclaves[1].clearances = {static_cast<std::uint16_t>(tables.labels.clearances.size() - 1)};
}

std::vector<ReasonRowOf> reason_rows() {
  const auto nothing = [](Tables&, label::Time&) {};
  const auto year = [](int number) {
    return [number](Tables&, label::Time& now) { now = std::chrono::sys_days(std::chrono::year(number) / 6 / 1); };
  };
  return {
      {"violation", nothing, stanza_file("X14-two-labels")},
      {"missing", nothing, message("<body>a</body>")},
      {"malformed", nothing, irregular("B02")},
      {"unknown-category-syntax", nothing, irregular("B07")},
      {"policy-conflict", nothing, stanag_file("odd-policy-conflict")},
      {"unusable", nothing, stanza_file("X17-unknown-format")},
      {"conflict", nothing, stanza_file("X23-equivalent-same-policy")},
      {"policy", nothing, sample("L28")},
      {"spif-validity", year(2050), sample("L01")},
      {"no-classification", nothing, sample("L29")},
      {"unknown-classification", nothing, sample("L27")},
      {"obsolete-classification", [](Tables& t, label::Time&) { refuse_obsolete(t); }, sample("L22")},
      {"empty-category", nothing, sample("L32")},
      {"unknown-tagset", nothing, sample("L25")},
      {"unknown-category", nothing, sample("L26")},
      {"class-required-category", nothing, sample("L06")},
      {"obsolete-category", [](Tables& t, label::Time&) { refuse_obsolete(t); }, sample("L21")},
      {"category-validity", year(2031), sample("L47")},
      {"required-class", nothing, sample("L16")},
      {"excluded-class", nothing, sample("L10")},
      {"required-category", nothing, sample("L11")},
      {"excluded-category", nothing, sample("L09")},
      {"single-selection", nothing, sample("L20")},
      {"max-selection", nothing, sample("L24")},
      {"min-selection", [](Tables& t, label::Time&) { acme_spif(t).tags[0].min = 2; },
       meaning("ACME CONFIDENTIAL + Projects:ALPHA")},
      {"privacy-mark-count", [](Tables& t, label::Time&) { acme_spif(t).privacy_marks_max = 0; }, sample("L34")},
      {"privacy-mark",
       [](Tables& t, label::Time&) {
         t.labels.policies[0].options.strict_privacy_mark = true;
         acme_spif(t).privacy_marks.erase(acme_spif(t).privacy_marks.begin());
       },
       sample("L34")},
      {"unknown-in-clearance",
       [](Tables& t, label::Time&) {
         t.labels.policies[0].options.unknown_in_clearance = label::Lenience::Refuse;
         cleared_as(t, "C8");
       },
       sample("L01")},
      {"nil-clearance", [](Tables& t, label::Time&) { t.labels.enclaves[1].clearances.clear(); }, sample("L01")},
      {"clearance-policy", [](Tables& t, label::Time&) { cleared_as(t, "C7"); }, sample("L01")},
      {"classification", [](Tables& t, label::Time&) { cleared_as(t, "C5"); }, sample("L02")},
      {"restrictive", [](Tables& t, label::Time&) { cleared_as(t, "C11"); }, sample("L08")},
      {"permissive", [](Tables& t, label::Time&) { cleared_as(t, "C2"); }, sample("L48")},
      {"translation", [](Tables& t, label::Time&) { t.labels.enclaves[1].policy = kNordia; }, sample("L31")},
      {"not-listed",
       [](Tables& t, label::Time&) {
         default_label(t, Unlabelled::Refuse);
         t.peerings[0].labels.only = {0};
       },
       sample("L02")},
      {"format",
       [](Tables& t, label::Time&) {
         acme_spif(t).classes[0].markings.data = {
             {.phrase = std::string(1024, 'x'), .lang = "", .codes = label::kAllPlaces}};
       },
       sample("L01")},
      {"assumed", [](Tables& t, label::Time&) { default_label(t, Unlabelled::Assume); }, message("<body>a</body>")},
      {"stamped", [](Tables& t, label::Time&) { default_label(t, Unlabelled::Stamp); }, message("<body>a</body>")},
      {"rewritten", nothing, sample("L01")},
      {"translated", [](Tables& t, label::Time&) { t.labels.enclaves[1].policy = kNordia; }, sample("L01")},
      {"widened", [](Tables& t, label::Time&) { t.labels.enclaves[1].policy = kNordia; },
       meaning("ACME CONFIDENTIAL + Releasable To:UK")},
      {"marking-contradicts", nothing, stanza_file("X19-lying-marking")},
      {"equivalent-disagrees",
       [](Tables& t, label::Time&) {
         t.peerings[0].labels.trust_equivalents = true;
         t.peerings[0].labels.disagreement = Disagreement::Note;
       },
       stanza_file("X05-foreign-with-equivalent")},
      {"equivalents-dropped", nothing, stanza_file("X06-foreign-good-equivalent")},
      {"stripped", [](Tables& t, label::Time&) { t.labels.enclaves[1].carrier = LabelCarrier::Nothing; },
       sample("L01")},
      {"first-line-added", [](Tables& t, label::Time&) { t.labels.enclaves[1].carrier = LabelCarrier::FirstLine; },
       sample("L01")},
      {"first-line-read",
       [](Tables& t, label::Time&) {
         default_label(t, Unlabelled::Refuse);
         t.labels.enclaves[0].carrier = LabelCarrier::FirstLine;
         t.labels.enclaves[0].first_lines = {0};
       },
       message("<body>ACME PUBLIC\na</body>")},
      {"catalog-cut", nothing,
       "<iq xmlns='jabber:server' type='result' id='1' from='alice@acme.example' to='nils@nordia.example/ops'><catalog "
       "xmlns='urn:xmpp:sec-label:catalog:2'><item/></catalog></iq>"},
  };
}

TEST(LabelReasons, HaveEachAStanzaThatComesToThem) {
  std::vector<std::string> seen;
  for (const ReasonRowOf& row : reason_rows()) {
    seen.push_back("label." + row.code);
    Boundary stage;
    row.set(stage.tables_, stage.now_);
    const auto outcome = stage.judge_text(row.stanza);
    const auto& known = reason("label." + row.code);
    ASSERT_TRUE(known) << row.code;
    if (policy::row(*known).verdict == Verdict::Alter) {
      EXPECT_THAT(outcome.findings, ::testing::Contains("label." + row.code)) << outcome.reason;
    } else {
      EXPECT_EQ(outcome.reason, "label." + row.code);
      EXPECT_EQ(outcome.written, "");
    }
  }
  std::vector<std::string> all;
  for (const ReasonRow& each : reasons())
    if (stage_name(each.reason) == "label") all.emplace_back(each.code);
  EXPECT_THAT(seen, ::testing::UnorderedElementsAreArray(all));
}

}  // namespace
}  // namespace sallyport::policy
