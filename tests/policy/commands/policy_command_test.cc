// The policy commands as a person uses them: arguments in; status, standard output and standard error out.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include "policy/bundle.h"
#include "tests/places.h"
#include "tests/policy/commands/command_run.h"

namespace sallyport::commands {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class PolicyCommand : public testing::CommandTest {
 protected:
  PolicyCommand() : policy_(std::filesystem::path(SALLYPORT_TESTS_DIR) / "policy" / "vectors" / "policy.toml") {}

  int run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "policy");
    return CommandTest::run(add_policy, std::move(arguments));
  }

  const std::filesystem::path policy_;
};

TEST_F(PolicyCommand, ChecksAGoodFileAndWarnsOfWhatIsNotChecked) {
  EXPECT_EQ(run({"check", policy_}), 0);
  EXPECT_THAT(out_, HasSubstr("vectors: 2 enclaves, 10 domains, 5 peerings, 12 ordered pairs of domains, 0 rules"));
  EXPECT_THAT(error_, HasSubstr("warning: "));
  EXPECT_THAT(error_, HasSubstr("the stage 'label' is switched off"));
}

TEST_F(PolicyCommand, TellsMistakesOnStandardErrorWithStatusOne) {
  const std::string bad = file("bad.toml", "[policy]\nnam = \"x\"\n");
  EXPECT_EQ(run({"check", bad}), 1);
  EXPECT_THAT(error_, HasSubstr(bad + ":2:1: unknown key 'nam' in [policy]\n    did you mean 'name'?\n"));
  EXPECT_EQ(out_, "");
}

TEST_F(PolicyCommand, TellsMistakesAsJson) {
  EXPECT_EQ(run({"check", "--json", file("b\"d.toml", "x = 1\n")}), 1);
  EXPECT_THAT(out_, HasSubstr("{\"ok\":false,\"mistakes\":[{\"file\":\""));
  EXPECT_THAT(out_, HasSubstr("b\\\"d.toml\",\"line\":1,\"column\":1,\"what\":\"unknown key 'x' in the file\""));
  EXPECT_EQ(run({"check", "--json", policy_}), 0);
  EXPECT_THAT(out_, HasSubstr("{\"ok\":true,\"mistakes\":[],\"warnings\":[{"));
}

TEST_F(PolicyCommand, ShowsWhatCrossesInASessionAndExplainsIt) {
  const std::filesystem::path policy = policy_.parent_path() / "session.toml", found = folder_ / "found.xml";
  EXPECT_EQ(run({"prove", "--bundle", policy, "--example", found, "no message crosses to rooms.south.test"}), 3);
  EXPECT_THAT(out_, HasSubstr("  session  of the login 'clients', from the client\n"));
  EXPECT_EQ(run({"explain", "--bundle", policy, "--session", "somebody@south.test/desk", "--from-client", found}), 0)
      << error_;
  EXPECT_THAT(out_, HasSubstr("reason    policy.granted\n"));
}

TEST_F(PolicyCommand, TellsThatAFileCannotBeReadWithStatusTwo) {
  EXPECT_EQ(run({"check", folder_ / "nothing.toml"}), 2);
  EXPECT_THAT(error_, HasSubstr("can't be read"));
  EXPECT_EQ(run({"check", folder_}), 2);
  EXPECT_EQ(run({"compile", policy_, "-o", folder_ / "no" / "such" / "place"}), 2);
}

TEST_F(PolicyCommand, CompilesABundleThatLoadsAndNamesItsHash) {
  const std::filesystem::path bundle = folder_ / "bundle";
  EXPECT_EQ(run({"compile", policy_, "-o", bundle}), 0);
  std::ifstream in(bundle, std::ios::binary);
  const std::string octets{std::istreambuf_iterator<char>(in), {}};
  const auto loaded = policy::Bundle::decode(octets);
  ASSERT_TRUE(loaded) << loaded.error().what;
  EXPECT_THAT(out_, HasSubstr("hash " + loaded->hash()));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "bundle.new"));
}

TEST_F(PolicyCommand, LeavesTheOldBundleWhenTheFileIsWrong) {
  const std::string bundle = file("bundle", "old");
  EXPECT_EQ(run({"compile", file("bad.toml", "x = 1\n"), "-o", bundle}), 1);
  EXPECT_EQ(std::filesystem::file_size(bundle), 3U);
}

TEST_F(PolicyCommand, ExplainsWhatBecomesOfAStanza) {
  const std::string stanza =
      file("s.xml", "<message from='Ann@north.test/r' to='bob@south.test'><body>hi</body></message>\n");
  EXPECT_EQ(run({"explain", "--bundle", policy_, "--lang", "fr", stanza}), 0);
  EXPECT_THAT(out_, HasSubstr("verdict   alter\nreason    policy.granted\n"));
  EXPECT_THAT(out_, HasSubstr("finding   addressing.canonical\n"));
  EXPECT_THAT(out_, HasSubstr("rule      north-south\n"));
  EXPECT_THAT(out_, HasSubstr("<message from='ann@north.test/r' to='bob@south.test' xml:lang='fr'><body>hi</body>"));
}

TEST_F(PolicyCommand, ExplainsABounceFromACompiledBundle) {
  const std::filesystem::path bundle = folder_ / "bundle";
  ASSERT_EQ(run({"compile", policy_, "-o", bundle}), 0);
  const std::string stanza =
      file("s.xml", "<iq type='get' from='ann@north.test/r' to='bob@south.test/x'><ping xmlns='urn:xmpp:ping'/></iq>");
  EXPECT_EQ(run({"explain", "--json", "--bundle", bundle, stanza}), 0);
  EXPECT_THAT(out_, HasSubstr("{\"verdict\":\"bounce\",\"reason\":\"shape.id-missing\",\"findings\":[],"));
  EXPECT_THAT(out_, HasSubstr("<bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"));
}

TEST_F(PolicyCommand, ExplainsWithThePairsAndEnclavesThatItIsTold) {
  const std::string stanza = file("s.xml", "<message from='ann@north.test/r' to='bob@south.test'/>");
  EXPECT_EQ(run({"explain", "--bundle", policy_, "--pair", "north.test", "rooms.south.test", "--", stanza}), 0);
  EXPECT_THAT(out_, HasSubstr("verdict   sever\nreason    addressing.to-not-served"));
  EXPECT_EQ(run({"explain", "--bundle", policy_, "--from-enclave", "south", stanza}), 0);
  EXPECT_THAT(out_, HasSubstr("reason    addressing.from-enclave"));
}

TEST_F(PolicyCommand, MakesAnOfficersKeyThatOnlyItsOwnerCanOpen) {
  const std::filesystem::path key = folder_ / "alice.key";
  EXPECT_EQ(run({"key", key}), 0) << error_;
  EXPECT_EQ(std::filesystem::status(key).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_THAT(content(key), StartsWith("-----BEGIN PRIVATE KEY-----"));
  EXPECT_THAT(content(folder_ / "alice.key.pub"), StartsWith("-----BEGIN PUBLIC KEY-----"));
  const std::string made = out_;
  EXPECT_EQ(run({"key", "--show", folder_ / "alice.key.pub"}), 0);
  EXPECT_THAT(made, StartsWith(out_)) << "the same fingerprint";
  EXPECT_EQ(run({"key", "--show", "--json", folder_ / "alice.key.pub"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"fingerprint\":\""));
  EXPECT_EQ(run({"key", key}), 1) << "a key that is there is never replaced";
  EXPECT_THAT(error_, HasSubstr("exists already"));
}

TEST_F(PolicyCommand, SignsABundleByOneOfficerAfterTheOther) {
  const std::filesystem::path bundle = folder_ / "bundle";
  ASSERT_EQ(run({"compile", policy_, "-o", bundle}), 0);
  for (const char* name : {"alice", "bob"}) ASSERT_EQ(run({"key", folder_ / name}), 0) << error_;
  const auto both = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"signatures",          bundle,      "--officer",
                                      folder_ / "alice.pub", "--officer", folder_ / "bob.pub"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  };
  EXPECT_EQ(both({}), 1);
  EXPECT_THAT(error_, HasSubstr("it is not signed"));
  EXPECT_EQ(run({"sign", bundle, "--key", folder_ / "alice"}), 0) << error_;
  EXPECT_EQ(both({}), 0) << error_;
  EXPECT_EQ(both({"--needed", "2"}), 1);
  EXPECT_THAT(error_, HasSubstr("1 of the officers have signed it, and 2 have to\n  not signed by "));
  EXPECT_EQ(run({"sign", bundle, "--key", folder_ / "bob", "--json"}), 0) << error_;
  EXPECT_THAT(out_, HasSubstr("\"good\":true},{\"fingerprint\":"));
  EXPECT_EQ(both({"--needed", "2", "--json"}), 0);
  EXPECT_THAT(out_, StartsWith("{\"ok\":true,\"bundle\":\""));
}

TEST_F(PolicyCommand, SignaturesOfAnEarlierBundleDoNotOutliveIt) {
  const std::filesystem::path bundle = folder_ / "bundle";
  ASSERT_EQ(run({"compile", policy_, "-o", bundle}), 0);
  for (const char* name : {"alice", "bob"}) ASSERT_EQ(run({"key", folder_ / name}), 0) << error_;
  ASSERT_EQ(run({"sign", bundle, "--key", folder_ / "alice"}), 0) << error_;
  std::string text = content(policy_);
  text.replace(text.find("name = \"vectors\""), 16, "name = \"changed\"");
  ASSERT_EQ(run({"compile", file("p/policy.toml", text), "-o", bundle}), 0) << error_;
  EXPECT_EQ(run({"signatures", bundle}), 1);
  EXPECT_THAT(error_, HasSubstr("the signatures are of the bundle "));
  EXPECT_EQ(run({"sign", bundle, "--key", folder_ / "bob"}), 0) << error_;
  EXPECT_EQ(run({"signatures", bundle, "--officer", folder_ / "alice.pub"}), 1);
  EXPECT_EQ(run({"signatures", bundle, "--officer", folder_ / "bob.pub"}), 0) << error_;
}

TEST_F(PolicyCommand, DoesNotSignWithAKeyThatOthersCanRead) {
  const std::filesystem::path bundle = folder_ / "bundle";
  ASSERT_EQ(run({"compile", policy_, "-o", bundle}), 0);
  ASSERT_EQ(run({"key", folder_ / "alice"}), 0);
  std::filesystem::permissions(folder_ / "alice", std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  EXPECT_EQ(run({"sign", bundle, "--key", folder_ / "alice"}), 1);
  EXPECT_THAT(error_, HasSubstr("others than its owner may open this key"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "bundle.sig"));
  EXPECT_EQ(run({"sign", file("no-bundle", "x"), "--key", folder_ / "alice"}), 1);
  EXPECT_THAT(error_, HasSubstr("is no bundle"));
}

TEST_F(PolicyCommand, SaysWhatAnEdgeWouldNotLetThrough) {
  EXPECT_EQ(run({"explain", "--bundle", policy_, file("s.xml", "<message><!-- --></message>")}), 1);
  EXPECT_THAT(error_, HasSubstr("an edge would end the stream with <restricted-xml/>"));
  EXPECT_EQ(run({"explain", "--bundle", policy_, file("s.xml", "<message>")}), 1);
  EXPECT_EQ(run({"explain", "--bundle", policy_, file("s.xml", "<message/><message/>")}), 1);
  EXPECT_EQ(run({"explain", "--bundle", policy_, file("s.xml", "<starttls xmlns='urn:x'/>")}), 1);
}

TEST_F(PolicyCommand, ExplainsWithAnotherAddressTimeAndLabel) {
  const std::string rules = std::filesystem::path(SALLYPORT_TESTS_DIR) / "policy" / "vectors" / "rules.toml";
  const std::string stanza =
      file("s.xml", "<message type='chat' from='x@north.test/r' to='y@south.test'><body>hi</body></message>");
  const std::vector<std::string> to_bea = {"explain", "--bundle", rules, "--to", "bea@south.test", "--time"};
  const auto at = [&](const std::string& time) {
    std::vector<std::string> arguments = to_bea;
    arguments.insert(arguments.end(), {time, stanza});
    return arguments;
  };
  EXPECT_EQ(run(at("2026-03-02T09:00")), 0);
  EXPECT_THAT(out_, HasSubstr("rule      day-shift\n          On working days everybody may write to bea.\n"));
  EXPECT_EQ(run(at("2026-03-02T19:00Z")), 0);
  EXPECT_THAT(out_, HasSubstr("reason    policy.no-rule\n"));
  EXPECT_EQ(run(at("noon")), 2);
  const std::string label = file("l.xml", "<securitylabel xmlns='urn:xmpp:sec-label:0'><label/></securitylabel>");
  EXPECT_EQ(run({"explain", "--bundle", policy_, "--label", label, stanza}), 0);
  EXPECT_THAT(out_, HasSubstr("</body><securitylabel xmlns='urn:xmpp:sec-label:0'>"));
  EXPECT_EQ(run({"explain", "--bundle", policy_, "--label", stanza, stanza}), 1);
}

TEST_F(PolicyCommand, ExplainsEveryStageAndWhatChanges) {
  const std::string rules = std::filesystem::path(SALLYPORT_TESTS_DIR) / "policy" / "vectors" / "rules.toml";
  const std::string stanza = file("s.xml",
                                  "<message type='chat' from='ann@north.test/r' to='bob@south.test'><body>hi</body>"
                                  "<x xmlns='urn:x'><y/></x></message>");
  EXPECT_EQ(run({"explain", "--bundle", rules, stanza}), 0);
  EXPECT_THAT(out_, HasSubstr("stage     shape: nothing to object\nstage     addressing: nothing to object\n"
                              "stage     payload: switched off\n"));
  EXPECT_THAT(out_, HasSubstr("changes\n  <message from='ann@north.test/r' to='bob@south.test' type='chat'>\n"
                              "    <body>hi</body>\n-   <x xmlns='urn:x'>\n-     <y xmlns='urn:x'/>\n-   </x>\n"
                              "  </message>\n"));
  EXPECT_EQ(run({"explain", "--json", "--bundle", rules, stanza}), 0);
  EXPECT_THAT(out_, HasSubstr("\"rule\":\"liaison-rest\",\"text\":\"What else they send is cut down to text.\""));
  EXPECT_THAT(out_, HasSubstr("{\"stage\":\"payload\",\"state\":\"switched off\",\"reasons\":[]}"));
  EXPECT_EQ(run({"explain", "--bundle", rules, "--enclave", "south", stanza}), 0);
  EXPECT_THAT(out_, HasSubstr("stage     addressing: decides addressing.from-enclave\n"));
}

TEST_F(PolicyCommand, ReplaysStanzasAndTellsWhatNewlyCrosses) {
  const std::string rules = std::filesystem::path(SALLYPORT_TESTS_DIR) / "policy" / "vectors" / "rules.toml";
  const std::filesystem::path samples = folder_ / "samples";
  std::filesystem::create_directories(samples / "more");
  std::ofstream(samples / "a.xml") << "<message type='chat' from='ann@north.test/r' to='bob@south.test'>"
                                      "<body>hi</body></message>\n"
                                      "<message type='chat' from='eve@north.test/r' to='bob@south.test'/>"
                                      "<message type='chat' from='ann@north.test/r' to='bob@south.test'>"
                                      "<body>hi</body><subject>s</subject></message>";
  std::ofstream(samples / "more" / "b.xml")
      << "<iq type='result' id='1' from='pubsub.south.test' to='ann@north.test/r'/>";
  EXPECT_EQ(run({"replay", "--old", policy_, "--new", rules, samples}), 3);
  EXPECT_THAT(out_, HasSubstr("4 stanzas: 2 cross under both, 0 under neither\n"));
  EXPECT_THAT(out_, HasSubstr("newly crosses: 1\n  " + (samples / "more" / "b.xml").string() +
                              ":1  iq from pubsub.south.test to ann@north.test/r: addressing.from-not-proved -> "
                              "policy.granted (results)\n"));
  EXPECT_THAT(out_, HasSubstr("newly refused: 1\n  " + (samples / "a.xml").string() + ":2  message"));
  EXPECT_THAT(out_, HasSubstr("crosses with other content: 1\n"));
  EXPECT_EQ(run({"replay", "--old", rules, "--new", policy_, samples / "more" / "b.xml"}), 0);
  EXPECT_EQ(run({"replay", "--json", "--old", rules, "--new", rules, samples}), 0);
  EXPECT_THAT(out_, HasSubstr("\"stanzas\":4,\"both\":3,\"neither\":1,\"crosses\":0,\"refused\":0"));
  EXPECT_EQ(run({"replay", "--old", rules, "--new", rules, folder_ / "none"}), 2);
  EXPECT_EQ(run({"replay", "--old", rules, "--new", rules, file("broken.xml", "<message>")}), 2);
}

TEST_F(PolicyCommand, ShowsAProgressBarOnATerminalAndNowhereElse) {
  const std::string sample =
      file("a.xml", "<message type='chat' from='ann@north.test/r' to='bob@south.test'><body>hi</body></message>");
  ASSERT_EQ(run({"replay", "--old", policy_, "--new", policy_, sample}), 0);
  EXPECT_EQ(error_, "");
  int terminal = -1, end = -1;
  ASSERT_EQ(::openpty(&terminal, &end, nullptr, nullptr, nullptr), 0);
  const int before = ::dup(STDERR_FILENO);
  ::testing::internal::CaptureStdout();
  ::dup2(end, STDERR_FILENO);
  CLI::App app{"", "sallyport"};
  add_policy(app);
  std::vector<std::string> words = {sample, policy_, "--new", policy_, "--old", "replay", "policy"};
  app.parse(words);
  std::fflush(stderr);
  ::dup2(before, STDERR_FILENO);
  for (const int each : {before, end}) ::close(each);
  EXPECT_THAT(::testing::internal::GetCapturedStdout(), HasSubstr("1 stanzas: 1 cross under both"));
  char shown[4096];
  const ssize_t count = ::read(terminal, shown, sizeof shown);
  ::close(terminal);
  ASSERT_GT(count, 0);
  EXPECT_THAT(std::string(shown, static_cast<std::size_t>(count)),
              HasSubstr("........................................]   0 %"));
}

TEST_F(PolicyCommand, ExplainsTheLabelBeforeAndAfter) {
  const std::filesystem::path data = std::filesystem::path(SALLYPORT_TESTS_DIR) / "policy" / "label" / "data";
  for (const char* name : {"acme-spif.xml", "nordia-spif.xml"})
    file(std::string("labels/") + name, content(data / "policies" / name));
  const std::string labels = file(
      "labels/policy.toml", content(std::filesystem::path(SALLYPORT_TESTS_DIR) / "lab" / "policies" / "labels.toml"));
  const std::string message =
      file("m.xml", "<message type='chat' from='romeo@north.test/r' to='juliet@south.test'><body>hi</body></message>");
  const std::string secret = content(data / "xep0258" / "X19-lying-marking.xml");
  const std::size_t begin = secret.find("<securitylabel"), end = secret.find("</message>");
  ASSERT_NE(begin, std::string::npos);
  const std::string label = file("label.xml", secret.substr(begin, end - begin));
  EXPECT_EQ(run({"explain", "--bundle", labels, "--label", label, message}), 0) << error_;
  EXPECT_THAT(out_, HasSubstr("label     ACME (version 7): SECRET + Releasable To:UK + Releasable To:FR\n"
                              "marking   ACME PUBLIC\n"
                              "becomes   ACME (version 7): SECRET + Releasable To:UK + Releasable To:FR\n"
                              "marked    ACME SECRET REL TO UK, FRANCE\n"));
  EXPECT_EQ(run({"explain", "--bundle", labels, "--label", label, "--to", "nurse@south.test", message}), 0) << error_;
  EXPECT_THAT(out_, HasSubstr("because   classification of nurse@south.test\n"));
  EXPECT_EQ(run({"explain", "--json", "--bundle", labels, "--label", label, message}), 0) << error_;
  EXPECT_THAT(out_, HasSubstr("\"label\":{\"in\":\"ACME (version 7): SECRET"));
  EXPECT_THAT(out_, HasSubstr("\"marking_out\":\"ACME SECRET REL TO UK, FRANCE\""));
}

/// The officer's guide goes through these.
TEST_F(PolicyCommand, MakesOfTheExampleWhatTheGuideSays) {
  const std::filesystem::path example =
      std::filesystem::path(SALLYPORT_TESTS_DIR).parent_path() / "docs" / "examples" / "two-partners";
  EXPECT_EQ(run({"check", example}), 0);
  EXPECT_THAT(out_, HasSubstr("2 peerings, 4 ordered pairs of domains, 6 rules"));
  EXPECT_THAT(error_, ::testing::Not(HasSubstr("the rule '")));
  const std::pair<const char*, const char*> rows[] = {
      {"text.xml", "verdict   release\nreason    policy.granted"},
      {"text.xml", "rule      liaison-text\n"},
      {"subject.xml", "finding   rule.altered\n"},
      {"subject.xml", "rule      liaison-cut\n"},
      {"stranger.xml", "reason    rule.refused\n"},
      {"stranger.xml", "rule      closed\n"},
      {"ping.xml", "verdict   answer\n"},
      {"ping.xml", "rule      ping\n"},
      {"evening.xml", "rule      closed\n"},
  };
  for (const auto& [stanza, expected] : rows) {
    EXPECT_EQ(run({"explain", "--bundle", example, "--time", "2026-03-02T19:00", example / "stanzas" / stanza}), 0);
    EXPECT_THAT(out_, HasSubstr(expected)) << stanza;
  }
  std::ifstream in(example / "policy.toml");
  std::string later{std::istreambuf_iterator<char>(in), {}};
  const std::string hours = "07:00-18:00";
  ASSERT_NE(later.find(hours), std::string::npos);
  later.replace(later.find(hours), hours.size(), "07:00-20:00");
  EXPECT_EQ(run({"replay", "--old", example, "--new", file("later.toml", later), "--time", "2026-03-02T19:00",
                 example / "stanzas"}),
            3);
  EXPECT_THAT(out_, HasSubstr("newly crosses: 1\n"));
  EXPECT_THAT(out_, ::testing::Not(HasSubstr("newly refused")));
}

class LabelledPartners : public PolicyCommand {
 protected:
  const std::filesystem::path example_ =
      std::filesystem::path(SALLYPORT_TESTS_DIR).parent_path() / "docs" / "examples" / "labelled-partners";
};

TEST_F(LabelledPartners, HoldWhatTheirClaimsSay) {
  EXPECT_EQ(run({"check", example_}), 0);
  EXPECT_EQ(run({"prove", "--bundle", example_, "--claims", example_ / "claims.txt"}), 0) << out_ << error_;
  EXPECT_THAT(out_, HasSubstr("holds: nothing above INTERNAL crosses to bravo.test\n"));
  EXPECT_THAT(out_, HasSubstr("holds: some message of SECRET crosses from ann@base.test to alpha.test\n"));
}

TEST_F(LabelledPartners, AreShownAStanzaAgainstAClaimThatExplainLetsCross) {
  const std::filesystem::path found = folder_ / "found.xml";
  EXPECT_EQ(run({"prove", "--bundle", example_, "--example", found,
                 "nothing above CONFIDENTIAL crosses from enclave:base to alpha.test"}),
            3);
  EXPECT_THAT(out_, HasSubstr("fails: nothing above CONFIDENTIAL"));
  EXPECT_THAT(out_, HasSubstr("  rule     alpha-secret\n"));
  EXPECT_THAT(out_, HasSubstr("  label    ACME SECRET REL TO"));
  EXPECT_EQ(run({"explain", "--bundle", example_, found}), 0);
  EXPECT_THAT(out_, HasSubstr("reason    policy.granted\n"));
  EXPECT_THAT(out_, HasSubstr("rule      alpha-secret\n"));
  EXPECT_THAT(out_, HasSubstr("leaves    to the addressee\n"));
  EXPECT_EQ(run({"prove", "--json", "--time", "2026-06-01", "--bundle", example_,
                 "nothing above CONFIDENTIAL crosses to alpha.test", "no iq crosses"}),
            3);
  EXPECT_THAT(out_, HasSubstr("\"time\":\"2026-06-01T00:00:00Z\",\"only\":true,\"claims\":[{\"claim\":"));
  EXPECT_THAT(out_, HasSubstr("\"outcome\":\"fails\""));
  EXPECT_THAT(out_, HasSubstr("\"claim\":\"no iq crosses\",\"outcome\":\"holds\",\"why\":\"\",\"example\":null"));
}

TEST_F(LabelledPartners, AreToldWhatAClaimIsWhereOneIsNone) {
  EXPECT_EQ(run({"prove", "--bundle", example_, "everything crosses"}), 2);
  EXPECT_THAT(error_, HasSubstr("SUBJECT [QUALITY [and QUALITY ...]] crosses"));
  EXPECT_EQ(run({"prove", "--bundle", example_}), 2);
  EXPECT_EQ(run({"prove", "--bundle", example_, "--time", "noon", "no iq crosses"}), 2);
  EXPECT_EQ(run({"prove", "--bundle", policy_, "nothing without label crosses"}), 4);
  EXPECT_THAT(out_,
              HasSubstr("undecided: nothing without label crosses\n  why      the stage 'label' is switched off"));
}

TEST_F(LabelledPartners, HaveAMatrixInThreeForms) {
  EXPECT_EQ(run({"matrix", "--bundle", example_}), 0);
  EXPECT_THAT(out_, HasSubstr("base.test -> alpha.test\n  PUBLIC        yes\n"));
  EXPECT_THAT(out_, HasSubstr("  SECRET        in part (ACME SECRET REL TO"));
  EXPECT_THAT(out_, HasSubstr("  no label      no (label.missing)\n"));
  EXPECT_EQ(run({"matrix", "--json", "--time", "2026-06-01", "--bundle", example_}), 0);
  EXPECT_THAT(out_,
              HasSubstr("{\"name\":\"SECRET\",\"policy\":\"acme\",\"background\":\"red\",\"foreground\":\"white\"}"));
  EXPECT_THAT(out_, HasSubstr("{\"crosses\":\"yes\",\"rule\":\"up-to-confidential\"}"));
  EXPECT_EQ(run({"matrix", "--html", folder_ / "m.html", "--bundle", example_}), 0);
  EXPECT_EQ(out_, "");
  EXPECT_THAT(content(folder_ / "m.html"), HasSubstr("style=\"background: red; color: white\">SECRET"));
  EXPECT_EQ(run({"matrix", "--html", folder_ / "no" / "such", "--bundle", example_}), 2);
}

TEST_F(PolicyCommand, TakesAFolderForItsPolicy) {
  std::filesystem::create_directories(folder_ / "mine");
  std::filesystem::copy_file(policy_, folder_ / "mine" / "policy.toml");
  EXPECT_EQ(run({"check", folder_ / "mine"}), 0);
  EXPECT_EQ(run({"compile", folder_ / "mine", "-o", folder_ / "bundle"}), 0);
  EXPECT_EQ(run({"check", folder_}), 2);
}

}  // namespace
}  // namespace sallyport::commands
