#include "policy/label/xep0258.h"

#include <string>

#include <gtest/gtest.h>

#include "policy/label/catalog.h"
#include "policy/label/decide.h"
#include "tests/policy/label/meaning.h"
#include "tests/policy/label/sample_policies.h"
#include "tests/policy/label/samples.h"
#include "tests/policy/label/trees.h"

namespace sallyport::policy::label {
namespace {

using inspect::Node;
using testing::sample_lexicon;
using testing::text_of;
using testing::Tree;

const std::string kEss = "<esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'>MQoCAQEGBYg3ggIB</esssecuritylabel>";

std::string security_label(const std::string& inside) {
  return "<securitylabel xmlns='urn:xmpp:sec-label:0'>" + inside + "</securitylabel>";
}

TEST(SecurityLabel, IsReadInAnyOrderAndWrittenInTheOrderOfTheSchema) {
  const std::string marking = "<displaymarking bgcolor='red' fgcolor='white'>ACME PUBLIC</displaymarking>";
  const std::string label = "<label>" + kEss + "</label>";
  const std::string equivalent = "<equivalentlabel>" + kEss + "</equivalentlabel>";
  for (const std::string& inside : {marking + label + equivalent, equivalent + " " + label + "\n" + marking}) {
    Tree tree(security_label(inside));
    const auto read = read_security_label(tree.root());
    ASSERT_TRUE(read) << inside;
    ASSERT_TRUE(read->marking);
    EXPECT_EQ(read->marking->text, "ACME PUBLIC");
    ASSERT_EQ(read->equivalents.size(), 1U);
    inspect::TreeEditor editor(tree.arena());
    const Node* written = write_security_label(read->marking, editor.copy(*read->label),
                                               {editor.copy(*read->equivalents[0])}, tree.arena());
    EXPECT_EQ(testing::written(*written), security_label(marking + label + equivalent));
  }
}

TEST(SecurityLabel, AnEmptyLabelAsksForTheDefault) {
  const Tree tree(security_label("<label/>"));
  const auto read = read_security_label(tree.root());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->label, nullptr);
  EXPECT_FALSE(read->marking);
}

TEST(SecurityLabel, IsAgainstTheProtocolWhenItsPartsAreNotWhatTheyHaveToBe) {
  const std::string label = "<label>" + kEss + "</label>";
  std::string many = label;
  for (std::size_t i = 0; i <= kMostEquivalents; ++i) many += "<equivalentlabel>" + kEss + "</equivalentlabel>";
  for (const std::string& inside :
       {std::string(), std::string("<displaymarking>A</displaymarking>"), label + label,
        "<label>" + kEss + kEss + "</label>",
        label + "<displaymarking>A</displaymarking><displaymarking>A</displaymarking>", label + "text",
        label + "<x xmlns='urn:test'/>", "<label>text" + kEss + "</label>", label + "<equivalentlabel/>",
        label + "<equivalentlabel>" + kEss + kEss + "</equivalentlabel>", many,
        "<label>" + security_label(label) + "</label>", label + "<displaymarking><b/></displaymarking>"}) {
    const Tree tree(security_label(inside));
    EXPECT_FALSE(read_security_label(tree.root())) << inside;
  }
}

TEST(SecurityLabel, LBL_02_TheLabelOfEveryFormatIsRead) {
  const Label wanted = testing::label_of("ACME SECRET + Releasable To:FR + Releasable To:UK");
  const std::string in_4774 = text_of("labels-4774/L05.xml");
  const std::string xml = in_4774.substr(in_4774.find("?>") + 2);
  const std::string bound =
      "<b:BindingInformation xmlns:b='urn:nato:stanag:4778:bindinginformation:1:0'><b:MetadataBindingContainer>"
      "<b:MetadataBinding><b:Metadata>" +
      xml +
      "</b:Metadata></b:MetadataBinding></b:MetadataBindingContainer>"
      "</b:BindingInformation>";
  const std::string ess =
      "<esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'>\n MTACAQQGBYg3ggIBMSQwIoAK\n  "
      "YIZIAWUCAQgDAaEUMBIGBog3ggIBAjEIAgIA+gICAzo=\n</esssecuritylabel>";
  for (const std::string& each : {ess, xml, bound}) {
    const Tree tree(each);
    const auto read = decode_label(tree.root(), sample_lexicon(), ber::Rules::Ber);
    ASSERT_TRUE(read) << each;
    EXPECT_TRUE(same_meaning(read->label, wanted)) << each;
  }
  const auto fault = [](const std::string& text) {
    return decode_label(Tree(text).root(), sample_lexicon(), ber::Rules::Ber).error();
  };
  EXPECT_EQ(fault("<x xmlns='urn:example:other-label' level='U'/>"), Misreading::UnknownFormat);
  EXPECT_EQ(fault(text_of("labels-4774/metadata-L02.xml")), Misreading::UnknownFormat);
  EXPECT_EQ(fault("<esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'/>"), Misreading::Malformed);
  EXPECT_EQ(fault("<m:mb xmlns:m='http://www.nato.int/2014/06/nl/mb'/>"), Misreading::UnknownFormat);
}

TEST(SecurityLabel, EveryFormatIsWrittenAndReadBack) {
  const Label label = testing::label_of("ACME SECRET + Projects:ALPHA + Releasable To:UK");
  for (const Format format : {Format::Ess, Format::Missi, Format::Stanag4774}) {
    inspect::Arena arena;
    const Node* element =
        encode_label(label, format, LabelRole::Originator, Seconds{}, testing::acme(), sample_lexicon(), arena);
    ASSERT_TRUE(element);
    const auto read = decode_label(*element, sample_lexicon(), ber::Rules::Der);
    ASSERT_TRUE(read);
    EXPECT_TRUE(same_meaning(read->label, label));
    EXPECT_EQ(read->label.format, format);
  }
}

TEST(SecurityLabel, KnowsTheColoursOfTheXep) {
  for (const char* good : {"#0F3a9c", "orange", "fuschia", "black"}) EXPECT_TRUE(is_display_colour(good)) << good;
  for (const char* bad : {"", "#12345", "#1234567", "#GGGGGG", "Red", "url(x)"})
    EXPECT_FALSE(is_display_colour(bad)) << bad;
}

/// Keeps what the clearance covers and writes it with the marking of its policy.
JudgeItem judge_by(const Clearance& clearance, inspect::Arena& arena) {
  return [&clearance, &arena](const Node& element) -> std::optional<CatalogItem> {
    const auto parts = read_security_label(element);
    if (!parts || !parts->label) return std::nullopt;
    const auto read = decode_label(*parts->label, sample_lexicon(), ber::Rules::Ber);
    if (!read || !decide(testing::acme(), read->label, &clearance, testing::summer(), {}).granted) return std::nullopt;
    return CatalogItem{read->label, inspect::TreeEditor(arena).copy(element)};
  };
}

/// The catalog inside one of the sample answers.
Node& catalog_in(Tree& tree) {
  Node* child = tree.root().first_child;
  while (child->is_text()) child = child->next;
  return *child;
}

std::string catalog_file(const std::string& name) {
  return text_of("xep0258/" + name + ".xml");
}

const Clearance& clearance(const std::string& id) {
  return testing::clearances().at(id);
}

TEST(Catalog, LBL_05_IsCutToWhatMayCross) {
  Tree full(catalog_file("X39-catalog-full")), wanted(catalog_file("X41-catalog-filtered-C9-nodefault"));
  const Clearance& c9 = clearance("C9");
  EXPECT_EQ(filter_catalog(catalog_in(full), {}, judge_by(c9, full.arena()), full.arena()), CatalogOutcome::Changed);
  EXPECT_EQ(testing::written_densely(catalog_in(full)), testing::written_densely(catalog_in(wanted)));
  // A second look finds nothing to change.
  EXPECT_EQ(filter_catalog(catalog_in(full), {}, judge_by(c9, full.arena()), full.arena()), CatalogOutcome::Unchanged);
}

TEST(Catalog, I26_KeepsTheDefaultThatMayCrossAndInventsNone) {
  Tree full(catalog_file("X39-catalog-full")), wanted(catalog_file("X42-catalog-filtered-partner-C7"));
  const Clearance& c4 = clearance("C4");  // of ACME: up to SECRET, no releases, no projects
  filter_catalog(catalog_in(full), {}, judge_by(c4, full.arena()), full.arena());
  EXPECT_EQ(testing::written_densely(catalog_in(full)), testing::written_densely(catalog_in(wanted)));
}

TEST(Catalog, I25_OfSeveralDefaultsNoneCounts) {
  Tree tree(catalog_file("X43-catalog-two-defaults"));
  const Clearance& c4 = clearance("C4");
  const CatalogRules as_it_is{.unlabelled = true, .restrict = false};
  EXPECT_EQ(filter_catalog(catalog_in(tree), as_it_is, judge_by(c4, tree.arena()), tree.arena()),
            CatalogOutcome::Changed);
  EXPECT_EQ(testing::written(catalog_in(tree)).find("default="), std::string::npos);
  EXPECT_NE(testing::written(catalog_in(tree)).find("restrict='false'"), std::string::npos);
}

std::string item(const std::string& attributes, const std::string& ess) {
  return "<item" + attributes + ">" +
         security_label("<label><esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'>" + ess +
                        "</esssecuritylabel></label>") +
         "</item>";
}
std::string catalog(const std::string& items, const std::string& attributes = "") {
  return "<catalog xmlns='urn:xmpp:sec-label:catalog:2'" + attributes + ">" + items + "</catalog>";
}
const std::string kPublic = "MQoCAQEGBYg3ggIB", kInternal = "MQoCAQIGBYg3ggIB";

std::string filtered(const std::string& xml, const CatalogRules& rules,
                     CatalogOutcome outcome = CatalogOutcome::Changed) {
  Tree tree(xml);
  const Clearance& c4 = clearance("C4");
  EXPECT_EQ(filter_catalog(tree.root(), rules, judge_by(c4, tree.arena()), tree.arena()), outcome) << xml;
  return testing::written_densely(tree.root());
}

TEST(Catalog, OffersTheSameMeaningOnceAndMendsSelectorsThatAreNotOnAllItems) {
  EXPECT_EQ(filtered(catalog(item("", kPublic) + item("", "MYEKAgEBBgWIN4ICAQ==")), {}), [] {
    std::string one = catalog(item("", kPublic), " restrict='true'");
    return testing::written_densely(Tree(one).root());
  }());
  const std::string partly = filtered(catalog(item(" selector='A'", kPublic) + item("", kInternal)), {});
  EXPECT_EQ(partly.find("selector"), std::string::npos);
}

TEST(Catalog, KeepsTheItemWithoutLabelWhereUnlabelledStanzasMayCross) {
  const CatalogRules rules{.unlabelled = true, .restrict = false};
  EXPECT_NE(filtered(catalog("<item/>" + item("", kPublic)), rules, CatalogOutcome::Unchanged).find("<item/>"),
            std::string::npos);
  EXPECT_EQ(filtered(catalog("<item/>" + item("", kPublic)), {}).find("<item/>"), std::string::npos);
}

TEST(Catalog, AnEmptyResultIsAnEmptyCatalog) {
  EXPECT_EQ(filtered(catalog(item("", "bm8gbGFiZWw="), " id='x' size='1' to='a.test'"), {}),
            "<catalog xmlns='urn:xmpp:sec-label:catalog:2' restrict='true' size='0' to='a.test'/>");
}

TEST(Catalog, IsMalformedWhenItIsTooLong) {
  const auto outcome = [](std::size_t items) {
    inspect::Arena arena;
    inspect::TreeEditor editor(arena);
    Node* made = editor.element(kCatalogNs, "catalog");
    for (std::size_t i = 0; i < items; ++i) editor.append(*made, kCatalogNs, "item");
    return filter_catalog(*made, {}, [](const Node&) { return std::nullopt; }, arena);
  };
  EXPECT_EQ(outcome(kMostCatalogItems), CatalogOutcome::Changed);
  EXPECT_EQ(outcome(kMostCatalogItems + 1), CatalogOutcome::Malformed);
}

TEST(Catalog, IsMalformedWhenThereIsAnythingInItThatIsNoItem) {
  for (const std::string& xml :
       {catalog("text"), catalog("<x xmlns='urn:test'/>"), catalog("<item>text</item>"),
        catalog("<item>" + security_label("<label/>") + security_label("<label/>") + "</item>"),
        std::string("<catalog xmlns='urn:xmpp:sec-label:catalog:0'/>")}) {
    Tree tree(xml);
    EXPECT_EQ(filter_catalog(
                  tree.root(), {}, [](const Node&) { return std::nullopt; }, tree.arena()),
              CatalogOutcome::Malformed)
        << xml.substr(0, 100);
  }
}

}  // namespace
}  // namespace sallyport::policy::label
