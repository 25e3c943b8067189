// The label commands as a person uses them, over the vectors of the label samples.
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/policy/commands/command_run.h"
#include "tests/policy/label/sample_policies.h"
#include "tests/policy/label/samples.h"

namespace sallyport::commands {
namespace {

using policy::label::testing::acme;
using policy::label::testing::data;
using policy::label::testing::described;
using policy::label::testing::labels;
using policy::label::testing::nordia;
using policy::label::testing::octets_of_hex;
using policy::label::testing::rows;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kSummer = "2026-06-01";

/// What the samples' clearances and translations need of an officer's file.
const std::string kPolicy = R"([policy]
name = "labels"
[stages]
off = ["payload", "presence", "content", "rate"]
[label_policy.acme]
file = "acme-spif.xml"
[label_policy.nordia]
file = "nordia-spif.xml"
[[label_translation]]
from = "acme"
to = "nordia"
table = "from"
[label.public]
policy = "acme"
classification = "PUBLIC"
[label.internal]
policy = "acme"
classification = "INTERNAL"
[label.secret-uk]
policy = "acme"
classification = "SECRET"
categories = ["Releasable To:UK"]
[label.top]
policy = "acme"
classification = "TOP SECRET"
categories = ["Handling:EYES-A"]
[clearance.all]
policy = "acme"
classes = ["PUBLIC", "INTERNAL", "CONFIDENTIAL", "SECRET", "TOP SECRET"]
categories = ["Releasable To:*", "Handling:*"]
[clearance.partner]
policy = "nordia"
classes = ["OPEN", "LIMITED", "GUARDED"]
categories = ["Release:NO"]
[enclave.north.labels]
policy = "acme"
clearances = ["all"]
[[enclave.north.domain]]
name = "north.test"
[enclave.south.labels]
policy = "nordia"
clearances = ["partner"]
[[enclave.south.domain]]
name = "south.test"
[[peering]]
id = "people"
from = ["north.test"]
to = ["south.test"]
direction = "forward"
stanzas = ["message", "iq"]
)";

class LabelCommand : public testing::CommandTest {
 protected:
  LabelCommand() : acme_(data("policies/acme-spif.xml")), nordia_(data("policies/nordia-spif.xml")) {}

  int run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "label");
    return CommandTest::run(add_label, std::move(arguments));
  }
  /// With both policies, in the summer for which the vectors are written.
  int both(std::vector<std::string> arguments) {
    for (const std::string& each : {std::string("--policy"), acme_, std::string("--policy"), nordia_,
                                    std::string("--time"), std::string(kSummer)})
      arguments.push_back(each);
    return run(std::move(arguments));
  }
  /// Everything but what is printed on a line of its own.
  std::string line(const std::string& key) const {
    const std::size_t at = ("\n" + out_).find("\n" + key + " ");
    if (at == std::string::npos) return "";
    const std::string rest = out_.substr(at + key.size());
    return rest.substr(rest.find_first_not_of(' '), rest.find('\n') - rest.find_first_not_of(' '));
  }
  std::string officers_folder() {
    for (const char* name : {"acme-spif.xml", "nordia-spif.xml"})
      file(std::string("officer/") + name, content(data(std::string("policies/") + name)));
    file("officer/policy.toml", kPolicy);
    return folder_ / "officer";
  }

  const std::string acme_, nordia_;
};

TEST_F(LabelCommand, ShowsEveryLabelOfTheSamplesByItsNames) {
  for (const auto& row : rows("labels-ess/labels.tsv")) {
    const auto& label = labels().at(row[0]);
    const bool is_acme = label.policy == acme().id(), is_nordia = label.policy == nordia().id();
    both({"show", file("label", row[1])});
    EXPECT_THAT(out_, HasSubstr("ESS, DER in base 64")) << row[0];
    EXPECT_EQ(line("policy").starts_with(is_acme     ? "ACME ("
                                         : is_nordia ? "NORDIA ("
                                                     : label.policy.text()),
              true)
        << row[0] << out_;
  }
}

TEST_F(LabelCommand, TellsWhatALabelIsAndHowItIsShown) {
  EXPECT_EQ(both({"show", data("xep0258/X01-message-ess.xml")}), 0);
  EXPECT_THAT(line("label"), HasSubstr("X01-message-ess.xml:"));
  EXPECT_EQ(line("policy"), "ACME (2.999.258.1)");
  EXPECT_EQ(line("classification"), "SECRET (4)");
  EXPECT_EQ(line("value"), "Releasable To: UK (826)");
  EXPECT_THAT(out_, HasSubstr("Releasable To: FR (250)"));
  EXPECT_EQ(line("valid"), "yes");
  EXPECT_EQ(line("marking"), "ACME SECRET REL TO UK, FRANCE");
  EXPECT_EQ(line("colours"), "white on red");
  EXPECT_EQ(line("displayed"), "");
  EXPECT_EQ(both({"show", data("xep0258/X19-lying-marking.xml")}), 0);
  EXPECT_NE(line("displayed"), "");
}

TEST_F(LabelCommand, ShowsWhyALabelIsNotValidWithStatusOne) {
  EXPECT_EQ(both({"show", file("L06", "MQoCAQQGBYg3ggIB")}), 1);
  EXPECT_EQ(line("valid"), "no: class-required-category");
  EXPECT_EQ(both({"show", "--json", folder_ / "L06"}), 1);
  EXPECT_THAT(out_, HasSubstr("\"valid\":false,\"fault\":\"class-required-category\""));
  EXPECT_THAT(out_, Not(HasSubstr("\"marking\"")));
}

TEST_F(LabelCommand, ShowsTheNumbersOfALabelWithoutItsPolicy) {
  EXPECT_EQ(run({"show", data("xep0258/X01-message-ess.xml")}), 0);
  EXPECT_EQ(line("policy"), "2.999.258.1 (not at hand)");
  EXPECT_EQ(line("value"), "2.999.258.1.2 enumerated permissive: 250");
  EXPECT_EQ(run({"show", data("xep0258/X03-message-4774.xml")}), 1);
  EXPECT_THAT(error_, HasSubstr("name its SPIF, policy file or bundle with --policy"));
}

TEST_F(LabelCommand, ShowsEquivalentsAndAlternatives) {
  EXPECT_EQ(both({"show", data("xep0258/X05-foreign-with-equivalent.xml")}), 0);
  EXPECT_EQ(line("policy"), "NORDIA (2.999.258.2)");
  EXPECT_THAT(line("equivalent"), HasSubstr("X05-foreign-with-equivalent.xml:"));
  EXPECT_EQ(both({"show", "--json", data("xep0258/X05-foreign-with-equivalent.xml")}), 0);
  EXPECT_THAT(out_, HasSubstr("\"role\":\"equivalent\""));
}

TEST_F(LabelCommand, TellsWhereALabelIsWrong) {
  const std::string bad =
      file("bad.xml",
           "<?xml version='1.0'?>\n<message>\n <securitylabel xmlns='urn:xmpp:sec-label:0'>\n  <label>\n"
           "   <esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'>MQoCAQEGBYg3ggI=</esssecuritylabel>\n"
           "  </label>\n </securitylabel>\n</message>\n");
  EXPECT_EQ(both({"show", bad}), 1);
  EXPECT_EQ(error_, bad + ":5: it is malformed\n");
  EXPECT_EQ(both({"show", file("none.xml", "<message>\n<body/></message>")}), 1);
  EXPECT_THAT(error_, HasSubstr("there is no label in it"));
  const std::string torn = file("torn.xml", "<message>\n<body>");
  EXPECT_EQ(both({"show", torn}), 1);
  EXPECT_THAT(error_, StartsWith(torn + ":2:1: "));
  EXPECT_EQ(both({"show", file("text", "ACME SECRET")}), 1);
  EXPECT_THAT(error_, HasSubstr("neither XML nor base 64 nor BER"));
  EXPECT_EQ(both({"show", folder_ / "nothing"}), 2);
  EXPECT_EQ(both({"show", data("labels-4774/odd-unknown-value.xml")}), 1);
  EXPECT_THAT(error_, HasSubstr("odd-unknown-value.xml:3: it has a category that the SPIF does not know"));
}

TEST_F(LabelCommand, RefusesEveryIrregularLabelAsItsRowSays) {
  for (const auto& row : rows("labels-ess/irregular.tsv")) {
    const std::string input = file("label", octets_of_hex(row[2]));
    const int status = both({"show", input});
    if (row[3].starts_with("reject")) {
      EXPECT_EQ(status, 1) << row[0];
      EXPECT_THAT(error_, StartsWith(input)) << row[0];
    } else {
      EXPECT_THAT(out_, HasSubstr("ESS, ")) << row[0];
    }
  }
}

/// Labels that are valid in the summer, as all formats can say them.
const std::vector<std::string> kCarried = {"L01", "L02", "L03", "L04", "L05", "L07", "L08", "L12", "L14",
                                           "L18", "L19", "L23", "L31", "L34", "L38", "M01", "M05", "M08"};

TEST_F(LabelCommand, LBL_02_WritesEveryLabelInEveryFormatAndReadsItBack) {
  const std::map<std::string, std::string> formats = {
      {"ess", ""}, {"ess-binary", ""}, {"stanag4774", ""}, {"xep0258", "ess"}, {"xep0258", "stanag4774"}};
  std::map<std::string, std::string> ess;
  for (const auto& row : rows("labels-ess/labels.tsv")) ess[row[0]] = row[1];
  for (const std::string& id : kCarried)
    for (const auto& [format, inner] : formats) {
      std::vector<std::string> arguments = {"make", file("in", ess.at(id)), "--format", format, "-o", folder_ / "out"};
      if (!inner.empty()) arguments.insert(arguments.end(), {"--inner", inner});
      ASSERT_EQ(both(arguments), 0) << id << format << error_;
      ASSERT_EQ(both({"make", folder_ / "out", "--format", "ess"}), 0) << id << format << error_;
      EXPECT_EQ(out_, ess.at(id) + "\n") << format;
    }
}

TEST_F(LabelCommand, LBL_03_WritesTheMarkingOfEveryVector) {
  std::map<std::string, std::string> ess;
  for (const auto& row : rows("labels-ess/labels.tsv")) ess[row[0]] = row[1];
  for (const auto& row : rows("vectors-marking.tsv")) {
    std::vector<std::string> arguments = {"make", file("in", ess.at(row[1])), "--format", "marking", "--place", row[2]};
    if (row[3] != "-") arguments.insert(arguments.end(), {"--lang", row[3]});
    EXPECT_EQ(both(arguments), 0) << row[0] << error_;
    EXPECT_EQ(out_, row[4] + "\n") << row[0];
  }
}

TEST_F(LabelCommand, ReadsMissiOnlyWhereTheSpifAdmitsIt) {
  for (const auto& row : rows("labels-ess/missi.tsv")) {
    const int status = both({"show", "--json", file("in", row[1])});
    if (row[3].find("reject") != std::string::npos) {
      EXPECT_EQ(status, 1) << row[0];
      EXPECT_THAT(error_, HasSubstr("it is malformed")) << row[0];
    } else {
      EXPECT_THAT(out_, HasSubstr("ESS with MISSI categories")) << row[0];
    }
  }
  EXPECT_EQ(both({"make", file("in", rows("labels-ess/missi.tsv").front()[1]), "--format", "missi"}), 1);
  EXPECT_THAT(error_, HasSubstr("the SPIF of ACME does not admit it"));
}

TEST_F(LabelCommand, MakesALabelOfNames) {
  EXPECT_EQ(both({"make", "--of", "ACME", "--class", "SECRET", "--value", "Releasable To:UK", "--format", "ess"}), 0);
  EXPECT_EQ(out_, "MSwCAQQGBYg3ggIBMSAwHoAKYIZIAWUCAQgDAaEQMA4GBog3ggIBAjEEAgIDOg==\n");
  EXPECT_EQ(both({"make", "--of", "ACME", "--class", "SECRET", "--value", "Releasable To:UK"}), 0);
  EXPECT_THAT(out_, HasSubstr("<displaymarking bgcolor='red' fgcolor='white'>ACME SECRET REL TO UK</displaymarking>"));
  EXPECT_EQ(both({"make", "--of", "ACME", "--class", "SECRET"}), 1);
  EXPECT_THAT(error_, HasSubstr("is not valid: class-required-category"));
  EXPECT_EQ(both({"make", "--of", "ACME", "--class", "LEGACY"}), 1);
  EXPECT_THAT(error_, HasSubstr("not valid for new data: obsolete-classification"));
  EXPECT_EQ(both({"make", "--of", "ACME", "--class", "SECRT"}), 2);
  EXPECT_THAT(error_, HasSubstr("ACME has no class 'SECRT'; it has PUBLIC, "));
  EXPECT_EQ(both({"make", "--of", "ACME", "--class", "SECRET", "--value", "Releasable To:UX"}), 2);
  EXPECT_THAT(error_, HasSubstr("did you mean 'Releasable To:UK'?"));
  EXPECT_EQ(both({"make", "--class", "SECRET"}), 2);
  EXPECT_THAT(error_, HasSubstr("say which with --of"));
  EXPECT_EQ(both({"make", "--of", "ACME"}), 2);
  EXPECT_THAT(error_, HasSubstr("name one of --class, --label, --marking and a file"));
}

TEST_F(LabelCommand, MakesTheLabelOfAMarkingIfThereIsOnlyOne) {
  EXPECT_EQ(both({"make", "--of", "NORDIA", "--marking", "[NRD/GUARDED/RELEASE UK+NO]", "--format", "stanag4774"}), 0)
      << error_;
  EXPECT_THAT(out_, HasSubstr("<GenericValue>NO</GenericValue>"));
  EXPECT_EQ(both({"make", "--of", "ACME", "--marking", "ACME INTERNAL"}), 1);
  EXPECT_THAT(error_, HasSubstr("the marking does not say which label it is; it may be\n"));
  EXPECT_EQ(both({"make", "--of", "ACME", "--marking", "ACME INTERNEL"}), 1);
  EXPECT_THAT(error_, HasSubstr("no valid label of ACME is shown so"));
}

TEST_F(LabelCommand, LBL_06_TranslatesEveryVectorAsItsRowSays) {
  std::map<std::string, std::string> ess;
  for (const auto& row : rows("labels-ess/labels.tsv")) ess[row[0]] = row[1];
  for (const auto& row : rows("vectors-translate.tsv")) {
    if (row[3] != "-") continue;  // options of a policy file
    const bool outwards = row[1].starts_with("ACME to");
    const std::string table = row[1].find(", ACME SPIF") != std::string::npos ? "ACME" : "NORDIA";
    const int status = both({"translate", file("in", ess.at(row[2])), "--to", outwards ? "NORDIA" : "ACME", "--table",
                             table, "--format", "ess", "-o", folder_ / "out"});
    if (row[4].starts_with("ERROR ")) {
      EXPECT_EQ(status, 1) << row[0];
      EXPECT_THAT(error_, HasSubstr("has no translation: " + row[4].substr(6))) << row[0];
      continue;
    }
    ASSERT_EQ(status, 0) << row[0] << error_;
    const std::string octets = content(folder_ / "out");
    const auto read =
        policy::label::decode_ess_text(octets, policy::label::ber::Rules::Der, policy::label::testing::sample_facts());
    ASSERT_TRUE(read) << row[0];
    EXPECT_EQ(described(outwards ? nordia() : acme(), *read), row[4]) << row[0];
  }
}

TEST_F(LabelCommand, TakesTheTableThatThePolicyFileNames) {
  const std::string officer = officers_folder();
  EXPECT_EQ(run({"translate", "--policy", officer, "--time", kSummer, file("in", "MQoCAQMGBYg3ggIB"), "--to", "nordia",
                 "--format", "marking"}),
            0)
      << error_;
  EXPECT_THAT(out_, HasSubstr("NRD/GUARDED/RELEASE NO"));
  EXPECT_EQ(run({"translate", "--policy", officer, folder_ / "in", "--to", "acme"}), 2);
  EXPECT_THAT(error_, HasSubstr("under that policy already"));
  EXPECT_EQ(run({"make", "--policy", officer, "--time", kSummer, "--label", "secret-uk", "--format", "marking"}), 0);
  EXPECT_EQ(out_, "ACME SECRET REL TO UK\n");
  EXPECT_EQ(run({"make", "--policy", officer, "--label", "secret"}), 2);
  EXPECT_THAT(error_, HasSubstr("there are internal, public, secret-uk, top"));
}

TEST_F(LabelCommand, PrintsTheCatalogAsItMayCross) {
  const std::string officer = officers_folder();
  ASSERT_EQ(run({"catalog", "--policy", officer, "--time", kSummer, "--from", "north.test", "--to", "ann@south.test"}),
            0)
      << error_;
  EXPECT_THAT(out_, HasSubstr("<catalog xmlns='urn:xmpp:sec-label:catalog:2' restrict='true' to='ann@south.test'>"));
  EXPECT_THAT(out_, HasSubstr("<item selector='public'>"));
  EXPECT_THAT(out_, HasSubstr("[NRD/OPEN/FROM ACME]"));
  EXPECT_THAT(out_, Not(HasSubstr("<item selector='secret-uk'>")));
  EXPECT_THAT(error_, HasSubstr("left out: secret-uk: label.classification (classification of south)"));
  EXPECT_THAT(error_, HasSubstr("left out: top: label.translation (translation:classification)"));
}

TEST_F(LabelCommand, CutsACatalogThatAServerOffers) {
  const std::string officer = officers_folder();
  const std::string offered = data("xep0258/X39-catalog-full.xml");
  ASSERT_EQ(run({"catalog", "--policy", officer, "--time", kSummer, "--from", "north.test", "--to", "south.test",
                 "--json", offered}),
            0)
      << error_;
  EXPECT_THAT(out_, HasSubstr("{\"offered\":[{\"selector\":\"PUBLIC\",\"marking\":\"[NRD/OPEN/FROM ACME]\"}"));
  EXPECT_THAT(out_, HasSubstr("{\"selector\":\"Secret|UK\",\"reason\":\"label.classification\""));
  EXPECT_THAT(out_, Not(HasSubstr("No label")));
  EXPECT_EQ(run({"catalog", "--policy", officer, "--from", "south.test", "--to", "north.test", offered}), 1);
  EXPECT_THAT(error_, HasSubstr("no peering lets anything cross from south.test to north.test"));
  EXPECT_EQ(both({"catalog", "--from", "north.test", "--to", "south.test"}), 2);
  EXPECT_THAT(error_, HasSubstr("a catalog needs a policy file or bundle"));
  EXPECT_EQ(run({"catalog", "--policy", officer, "--from", "north.test", "--to", "south.test",
                 data("xep0258/X01-message-ess.xml")}),
            1);
  EXPECT_THAT(error_, HasSubstr("there is no <catalog"));
}

TEST_F(LabelCommand, TellsMistakesOfASpifWithTheirPlace) {
  EXPECT_EQ(run({"show", "--policy", data("policies/bad/dup-class-lacv.xml"), file("in", "MQoCAQMGBYg3ggIB")}), 1);
  EXPECT_THAT(error_, HasSubstr("dup-class-lacv.xml:"));
  EXPECT_EQ(run({"show", "--policy", acme_, "--policy", acme_, folder_ / "in"}), 1);
}

}  // namespace
}  // namespace sallyport::commands
