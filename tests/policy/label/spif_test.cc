#include "policy/source/spif/spif.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "tests/policy/label/sample_policies.h"

namespace sallyport::policy::source::spif {
namespace {

using label::Policy;
using label::testing::loaded;
using label::testing::text_of;

/// The first mistake, "LINE: what"; "" if there is none.
std::string mistake_in(const std::string& xml, Reading how = {}) {
  const auto found = load(xml, "p.xml", how);
  if (found) return "";
  const Mistake& first = found.error().front();
  EXPECT_EQ(first.file, "p.xml");
  return std::to_string(first.line) + ": " + first.what;
}
std::string warning_in(const std::string& xml) {
  const auto found = load(xml, "p.xml");
  if (!found) return "refused: " + found.error().front().what;
  return found->warnings.empty() ? ""
                                 : std::to_string(found->warnings.front().line) + ": " + found->warnings.front().what;
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("not there: " + from);
  return text.replace(at, from.size(), to);
}
std::string tiny(const std::string& from, const std::string& to) {
  return with(text_of("policies/tiny-spif.xml"), from, to);
}
std::string acme_with(const std::string& from, const std::string& to) {
  return with(text_of("policies/acme-spif.xml"), from, to);
}

TEST(Spif, LoadsThePoliciesOfTheSamples) {
  const label::Spif acme = loaded("acme-spif.xml").spif;
  EXPECT_EQ(acme.name, "ACME");
  EXPECT_EQ(acme.id.text(), "2.999.258.1");
  EXPECT_EQ(acme.version, 7U);
  EXPECT_EQ(acme.classes.size(), 6U);
  EXPECT_EQ(acme.tag_sets.size(), 6U);
  EXPECT_EQ(acme.tags.size(), 7U);
  EXPECT_EQ(acme.equivalent_policies.size(), 1U);
  EXPECT_EQ(acme.privacy_marks_max, 1U);
  EXPECT_EQ(loaded("nordia-spif.xml").spif.tags.size(), 5U);
  EXPECT_TRUE(loaded("tiny-spif.xml").warnings.empty());
}

TEST(Spif, APolicyComesBackFromItsOctets) {
  for (const std::string name : {"acme-spif.xml", "nordia-spif.xml", "tiny-spif.xml"}) {
    const label::Spif spif = loaded(name).spif;
    std::string octets;
    inspect::OctetWriter(octets).field(spif);
    label::Spif again;
    inspect::OctetReader reader(octets);
    reader.field(again);
    EXPECT_TRUE(reader.complete()) << name;
    EXPECT_EQ(again, spif) << name;
    EXPECT_TRUE(Policy::make(again)) << name;
  }
}

/// What is said of each file in policies/bad; a file with an empty text loads with a warning.
const std::map<std::string, std::string> kBad = {
    {"bitmap-huge-lacv.xml", "13: 'lacv' of 'tagCategory' BLUE is not a whole number from 0 to 65535"},
    {"dup-category-lacv.xml", "13: this lacv of a category of one tag set and kind stands already in line 12"},
    {"dup-class-lacv.xml", "7: this lacv of a classification stands already in line 6"},
    {"dup-hierarchy.xml", "7: this hierarchy of a classification stands already in line 6"},
    {"dup-tagset-id.xml", "16: this id of a tag set stands already in line 10"},
    {"entity.xml", "3: a document type declaration stands here"},
    {"enumerated-no-enumtype.xml",
     "11: an enumerated tag does not say whether it restricts or permits: 'securityCategoryTag' Team"},
    {"min-over-max.xml", "11: minSelection is more than maxSelection in the tag 'Team'"},
    {"no-namespace.xml", "3: the root element is not a SPIF: its namespace is 'http://www.xmslpif.org/spif'"},
    {"notafter-before-notbefore.xml", "3: notBefore is later than notAfter in 'SPIF'"},
    {"requires-itself-out.xml", ""},
    {"schema-version-3.xml", "3: schemaVersion '3.0' is not supported"},
    {"unknown-category-ref.xml", "7: the tag set 'Team' has no restrictive bits category 9"},
    {"unknown-excluded-class.xml", "12: there is no classification 'MIDDLE'"},
    {"unknown-policy-ref.xml", "7: equivalentPolicies has no policy 'ELSE'"},
    {"unknown-tagset-ref.xml", "7: there is no tag set 'Nowhere'"},
    {"wrong-order.xml", "10: 'securityCategoryTagSets' stands too late in 'SPIF', after 'equivalentPolicies'"},
};

TEST(Spif, RefusesEachFaultyFileOfTheSamplesInItsLine) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(label::testing::data("policies/bad"))) {
    ++files;
    const std::string name = entry.path().filename();
    ASSERT_TRUE(kBad.contains(name)) << name;
    EXPECT_EQ(mistake_in(text_of("policies/bad/" + name)), kBad.at(name)) << name;
  }
  EXPECT_EQ(files, kBad.size());
  EXPECT_EQ(warning_in(text_of("policies/bad/requires-itself-out.xml")),
            "12: the category 'RED' excludes what it requires");
}

TEST(Spif, ReadsAnotherOrderWhereThatIsAskedFor) {
  EXPECT_EQ(mistake_in(text_of("policies/bad/wrong-order.xml"), {.lenient_order = true}), "");
  EXPECT_EQ(mistake_in(tiny("<s:tagCategory name=\"RED\"", "<tagCategory name=\"RED\""), {.lenient_order = true}),
            "12: 'tagCategory' in 'securityCategoryTag' is in no namespace");
}

TEST(Spif, RefusesWhatTheSchemaDoesNotKnow) {
  EXPECT_EQ(mistake_in(tiny("<s:tagCategory name=\"RED\" lacv=\"1\"/>", "<s:tagCategori name=\"RED\" lacv=\"1\"/>")),
            "12: unknown element 'tagCategori' in 'securityCategoryTag'");
  EXPECT_EQ(mistake_in(tiny("name=\"RED\" lacv", "name=\"RED\" obsolet=\"true\" lacv")),
            "12: unknown attribute 'obsolet' of 'tagCategory' RED");
  EXPECT_EQ(mistake_in(tiny("<s:tagCategory name=\"RED\" lacv=\"1\"/>",
                            "<x:tagCategory xmlns:x=\"urn:x\" name=\"RED\" lacv=\"1\"/>")),
            "12: 'tagCategory' in 'securityCategoryTag' is in another namespace: 'urn:x'");
  EXPECT_EQ(mistake_in(tiny("<s:securityClassifications>", "<s:securityClassifications>stray")),
            "5: there is text in 'securityClassifications'");
  EXPECT_EQ(mistake_in(tiny("name=\"TINY\" id=\"2.999.258.7\"/>",
                            "name=\"TINY\" id=\"2.999.258.7\"/>" +
                                std::string("<s:securityPolicyId name=\"TINY\" id=\"2.999.258.7\"/>"))),
            "4: 'securityPolicyId' stands here too often");
}

TEST(Spif, RefusesValuesThatAreNone) {
  const std::pair<std::pair<std::string, std::string>, std::string> rows[] = {
      {{"id=\"2.999.258.7\"", "id=\"2.999.258.x\""}, "4: 'id' of 'securityPolicyId' TINY is no object identifier"},
      {{"version=\"1\"", "version=\"-1\""}, "3: 'version' of 'SPIF' is not a whole number from 0 to 4294967294"},
      {{"lacv=\"2\" hierarchy", "hierarchy"}, "7: 'lacv' is missing in 'securityClassification' HIGH"},
      {{"name=\"HIGH\"", "name=\" \""}, "7: 'name' is missing in 'securityClassification'"},
      {{"name=\"HIGH\"", "name=\"HI&#10;GH\""},
       "7: 'name' of 'securityClassification' is too long or no text on one line"},
      {{"hierarchy=\"2\"", "hierarchy=\"2\" color=\"rose\""}, "7: unknown color 'rose'"},
      {{"name=\"RED\" lacv=\"1\"", "name=\"RED\" lacv=\"-1\""},
       "12: 'lacv' of 'tagCategory' RED is not a whole number from 0 to 65535"},
      {{"name=\"RED\" lacv=\"1\"", "name=\"RED\" lacv=\"1\" notAfter=\"2026-02-30T00:00:00Z\""},
       "12: 'notAfter' of 'tagCategory' RED is no date and time"},
      {{"name=\"RED\" lacv=\"1\"", "name=\"RED\" lacv=\"1\" requiredClass=\"HIHG\""},
       "12: there is no classification 'HIHG'"},
      {{"tagType=\"restrictive\"", "tagType=\"strict\""}, "11: tagType can't be 'strict'"},
      {{"name=\"BLUE\"", "name=\"RED\""}, "13: this name of a category stands already in line 12"},
      {{"name=\"HIGH\"", "name=\"LOW\""}, "7: this name of a classification stands already in line 6"},
      {{"id=\"2.999.258.8\"", "id=\"2.999.258.7\""}, "18: the policy is said to be equivalent to itself"},
      {{"schemaVersion=\"2.1\"", ""}, "3: 'schemaVersion' is missing in 'SPIF'"},
      {{" rbacId=\"2.16.840.1.101.2.1.8.3\"", ""}, "3: 'rbacId' is missing in 'SPIF'"},
  };
  for (const auto& [change, told] : rows) EXPECT_EQ(mistake_in(tiny(change.first, change.second)), told);
}

TEST(Spif, RefusesRulesThatSayTooMuchOrTooLittle) {
  const auto rule = [](const std::string& text) {
    return tiny("<s:tagCategory name=\"RED\" lacv=\"1\"/>",
                "<s:tagCategory name=\"RED\" lacv=\"1\">" + text + "</s:tagCategory>");
  };
  const std::string group = "tagSetRef=\"Team\" tagType=\"restrictive\"";
  EXPECT_EQ(mistake_in(rule("<s:requiredCategory><s:categoryGroup " + group + " lacv=\"2\"/></s:requiredCategory>")),
            "12: 'operation' is missing in 'requiredCategory'");
  EXPECT_EQ(mistake_in(rule("<s:requiredCategory operation=\"any\"><s:categoryGroup " + group +
                            " lacv=\"2\"/></s:requiredCategory>")),
            "12: operation can't be 'any'");
  EXPECT_EQ(mistake_in(rule("<s:excludedCategory " + group + "/>")), "12: 'excludedCategory' has neither lacv nor all");
  EXPECT_EQ(mistake_in(rule("<s:excludedCategory " + group + " lacv=\"2\" all=\"true\"/>")),
            "12: 'excludedCategory' has both lacv and all");
  EXPECT_EQ(mistake_in(rule("<s:excludedCategory " + group + " lacv=\"2\" all=\"false\"/>")), "");
  EXPECT_EQ(mistake_in(rule("<s:requiredCategory operation=\"all\"/>")),
            "12: 'categoryGroup' is missing in 'requiredCategory'");
  EXPECT_EQ(mistake_in(rule("<s:requiredCategory operation=\"all\"><s:categoryGroup " + group +
                            " lacv=\"2\"/><other/></s:requiredCategory>")),
            "12: 'other' in 'requiredCategory' is in no namespace");
  EXPECT_EQ(
      mistake_in(rule("<s:equivalentSecCategoryTag policyRef=\"OTHER\" tagSetId=\"2.999.1\" tagType=\"restrictive\" "
                      "lacv=\"1\" applied=\"both\" action=\"keep\"/>")),
      "12: action can't be 'keep'");
}

TEST(Spif, KeepsOneEncodingOfInformativeTagsInATagSet) {
  EXPECT_EQ(mistake_in(tiny("<s:securityCategoryTag name=\"Team\" tagType=\"restrictive\">",
                            "<s:securityCategoryTag name=\"A\" tagType=\"tagType7\" tag7Encoding=\"bitSetAttributes\">"
                            "<s:tagCategory name=\"X\" lacv=\"7\"/></s:securityCategoryTag>"
                            "<s:securityCategoryTag name=\"Team\" tagType=\"tagType7\" "
                            "tag7Encoding=\"securityAttributes\">")),
            "10: the informative tags of this tag set have two encodings");
  EXPECT_EQ(warning_in(tiny("tagType=\"restrictive\"", "tagType=\"tagType7\"")),
            "11: the informative tag 'Team' has no tag7Encoding; it is read as bitSetAttributes");
}

TEST(Spif, WarnsOfWhatIsHardlyMeant) {
  EXPECT_EQ(warning_in(acme_with("tagSetId=\"2.999.258.2.2\" tagType=\"restrictive\" lacv=\"4\"",
                                 "tagSetId=\"2.999.258.2.2\" tagType=\"permissive\" lacv=\"4\"")),
            "22: 'LEGACY' has no equivalent in NORDIA");
  const auto odd = load(acme_with("tagSetId=\"2.999.258.2.2\" tagType=\"restrictive\" lacv=\"4\"",
                                  "tagSetId=\"2.999.258.2.2\" tagType=\"permissive\" lacv=\"4\""),
                        "p.xml");
  ASSERT_TRUE(odd);
  EXPECT_TRUE(std::ranges::any_of(odd->warnings, [](const Mistake& m) {
    return m.what == "the restrictive bits category becomes permissive bits in NORDIA";
  }));
  const std::string shut = with(tiny("hierarchy=\"2\"/>",
                                     "hierarchy=\"2\"><s:requiredCategory operation=\"oneOrMore\"><s:categoryGroup "
                                     "tagSetRef=\"Team\" tagType=\"restrictive\" lacv=\"1\"/></s:requiredCategory>"
                                     "</s:securityClassification>"),
                                "<s:tagCategory name=\"RED\" lacv=\"1\"/>",
                                "<s:tagCategory name=\"RED\" lacv=\"1\"><s:excludedClass>HIGH</s:excludedClass>"
                                "</s:tagCategory>");
  EXPECT_EQ(warning_in(shut), "7: the classification 'HIGH' requires only categories that exclude it");
}

TEST(Spif, WarnsOfATableThatLowersALabelOnItsRoundTrip) {
  const auto found = load(acme_with("policyRef=\"NORDIA\" lacv=\"40\" applied=\"decrypt\"",
                                    "policyRef=\"NORDIA\" lacv=\"30\" applied=\"encrypt\""),
                          "p.xml");
  ASSERT_TRUE(found);
  EXPECT_TRUE(std::ranges::any_of(found->warnings, [](const Mistake& m) {
    return m.what == "'TOP SECRET' comes back from NORDIA as 'CONFIDENTIAL'";
  }));
}

TEST(Spif, ValuesThatUsersTypeAndTagsThatDoNotApplyOccurInNoLabel) {
  const auto typed = load(tiny("name=\"RED\" lacv=\"1\"", "name=\"RED\" lacv=\"text\" userInput=\"string\""), "p.xml");
  ASSERT_TRUE(typed);
  EXPECT_EQ(typed->spif.tags.front().categories.size(), 1U);
  EXPECT_EQ(typed->warnings.size(), 1U);
  const auto inert = load(tiny("tagType=\"restrictive\"", "tagType=\"notApplicable\""), "p.xml");
  ASSERT_TRUE(inert);
  EXPECT_TRUE(inert->spif.tags.empty());
}

TEST(Spif, PassesOverExtensionsOnly) {
  const std::string extension = "<s:extensions><x xmlns=\"urn:x\"><s:SPIF/>text</x></s:extensions></s:SPIF>";
  EXPECT_EQ(mistake_in(tiny("</s:SPIF>", extension)), "");
  EXPECT_EQ(mistake_in(tiny("</s:SPIF>", "<x xmlns=\"urn:x\"/></s:SPIF>")),
            "20: 'x' in 'SPIF' is in another namespace: 'urn:x'");
}

TEST(Spif, HoldsItsLimits) {
  EXPECT_EQ(mistake_in(""), "0: it is empty");
  EXPECT_EQ(mistake_in("<a><b></a>").substr(0, 3), "1: ");
  EXPECT_EQ(mistake_in(std::string(label::kLargestSpif + 1, ' ')), "0: it is larger than 16 MiB");
  std::string deep = "<s:extensions>";
  for (std::size_t i = 0; i < 40; ++i) deep += "<x>";
  EXPECT_EQ(mistake_in(tiny("</s:SPIF>", deep)), "20: the elements are nested too deeply");
  EXPECT_EQ(mistake_in(tiny("version=\"1\" creationDate", "version=\"&#38;\" creationDate")),
            "3: 'version' of 'SPIF' is not a whole number from 0 to 4294967294");
}

TEST(Spif, EquivalencesLeadSomewhereInTheOtherPolicy) {
  const Loaded acme = loaded("acme-spif.xml"), nordia = loaded("nordia-spif.xml");
  EXPECT_TRUE(check_leads(acme, *Policy::make(nordia.spif)).empty());
  EXPECT_TRUE(check_leads(nordia, *Policy::make(acme.spif)).empty());

  label::Spif changed = nordia.spif;
  changed.classes.pop_back();                                                          // SEALED
  changed.tags.front().categories.erase(changed.tags.front().categories.begin() + 2);  // Release: NO
  changed.tag_sets.back().name = "Source";                                             // Origin
  const auto policy = Policy::make(changed);
  ASSERT_TRUE(policy);
  std::string all;
  for (const Mistake& each : check_leads(acme, *policy)) all += std::to_string(each.line) + ": " + each.what + "\n";
  EXPECT_EQ(all,
            "26: the policy 'NORDIA' has no enumerated permissive category 578 in the tag set 'Release'\n"
            "34: the policy 'NORDIA' has no classification 40\n"
            "40: the policy 'NORDIA' has no classification 40\n"
            "93: the policy 'NORDIA' has no enumerated permissive category 578 in the tag set 2.999.258.2.1\n"
            "181: the policy 'NORDIA' has no informative category 1 in the tag set 'Origin'\n");
}

TEST(Policy, SaysInWhichFormatsLabelsMayCome) {
  using label::Format;
  EXPECT_TRUE(label::testing::acme().admits(Format::Ess));
  EXPECT_FALSE(label::testing::acme().admits(Format::Missi));
  EXPECT_TRUE(label::testing::acme().admits(Format::Stanag4774));
  label::Spif spif = label::testing::acme().spif();
  spif.rbac_id = *label::Oid::of_text("2.16.840.1.101.2.1.8.1");
  EXPECT_TRUE(Policy::make(spif)->admits(Format::Missi));
  EXPECT_FALSE(Policy::make(spif)->admits(Format::Ess));
  spif.tags[1].kind = label::TagKind::RestrictiveEnum;
  spif.tags[1].tag_set = spif.tags[2].tag_set;
  spif.tags[2].kind = label::TagKind::PermissiveEnum;
  spif.classes[4].required.clear();
  for (label::Tag& tag : spif.tags)
    for (label::Category& category : tag.categories) {
      category.required.clear();
      category.excluded.clear();
    }
  const auto both = Policy::make(spif);
  ASSERT_TRUE(both) << both.error();
  EXPECT_FALSE(both->admits(Format::Missi));
  spif = label::testing::acme().spif();
  spif.classes.front().name = "Secret";
  EXPECT_FALSE(Policy::make(spif)->admits(Format::Stanag4774));
}

TEST(Policy, FindsNamesWithoutRegardToCaseAndSpacing) {
  using label::CatType;
  using label::NameCase;
  const Policy& acme = label::testing::acme();
  EXPECT_EQ(acme.class_named(" top\n secret ", NameCase::Ignore), 5U);
  EXPECT_FALSE(acme.class_named("top secret", NameCase::Exact));
  EXPECT_EQ(acme.class_named("TOP  SECRET", NameCase::Exact), 5U);
  const auto set = acme.tag_set_named("releasable to", NameCase::Ignore);
  ASSERT_EQ(set, 1U);
  const auto uk = acme.category_named(*set, CatType::Permissive, "uk", NameCase::Ignore);
  ASSERT_TRUE(uk);
  EXPECT_EQ(acme.key(*uk).lacv, 826U);
  EXPECT_FALSE(acme.category_named(*set, CatType::Restrictive, "uk", NameCase::Ignore));
  EXPECT_FALSE(acme.category_named(*set, CatType::Permissive, "FRANCE", NameCase::Ignore));
  EXPECT_EQ(acme.kind_of(*set, CatType::Permissive), label::TagKind::PermissiveEnum);
  EXPECT_FALSE(acme.kind_of(*set, CatType::Informative));
  EXPECT_EQ(label::folded(" \xC3\x84rger\t2 "), label::folded("\xC3\xA4RGER 2"));
}

TEST(Policy, RefusesTablesThatDoNotHangTogether) {
  using label::Spif;
  const Spif good = label::testing::acme().spif();
  const auto why = [&](void (*change)(Spif& spif)) {
    Spif spif = good;
    change(spif);
    const auto policy = Policy::make(std::move(spif));
    return policy ? std::string() : policy.error();
  };
  EXPECT_EQ(why([](Spif&) {}), "");
  EXPECT_NE(why([](Spif& s) { s.name.clear(); }), "");
  EXPECT_NE(why([](Spif& s) { s.id = {}; }), "");
  EXPECT_NE(why([](Spif& s) { s.classes.clear(); }), "");
  EXPECT_NE(why([](Spif& s) { s.classes[1].lacv = s.classes[0].lacv; }), "");
  EXPECT_NE(why([](Spif& s) { s.classes[1].rank = s.classes[0].rank; }), "");
  EXPECT_NE(why([](Spif& s) { s.tags[0].tag_set = 99; }), "");
  EXPECT_NE(why([](Spif& s) { s.tags[0].categories[1].lacv = s.tags[0].categories[0].lacv; }), "");
  EXPECT_NE(why([](Spif& s) { s.tags[0].categories[1].lacv = 65536; }), "");
  EXPECT_NE(why([](Spif& s) {
              s.tags[0].max = 1;
              s.tags[0].min = 2;
            }),
            "");
  EXPECT_NE(why([](Spif& s) { s.tag_sets[0].id = s.tag_sets[1].id; }), "");
  EXPECT_NE(why([](Spif& s) { s.tags[0].categories[0].excluded_classes = {77}; }), "");
  EXPECT_NE(why([](Spif& s) { s.classes[4].required[0].items[0].kind = label::TagKind::PermissiveBits; }), "");
  EXPECT_NE(why([](Spif& s) { s.classes[0].equivalents[0].policy = 1; }), "");
  EXPECT_NE(why([](Spif& s) { s.markings.data = {{.phrase = "\xFF", .lang = {}, .codes = 0}}; }), "");
  EXPECT_NE(why([](Spif& s) { s.period = {.not_before = 2, .not_after = 1}; }), "");
}

}  // namespace
}  // namespace sallyport::policy::source::spif
