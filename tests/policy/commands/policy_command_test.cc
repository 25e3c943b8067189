// The policy commands as a person uses them: arguments in; status, standard output and standard error out.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "policy/bundle.h"
#include "proxy/main/commands/commands.h"

namespace sallyport::commands {
namespace {

using ::testing::HasSubstr;

class PolicyCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("policy_command_test." + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    policy_ = std::filesystem::path(SALLYPORT_TESTS_DIR) / "policy" / "vectors" / "policy.toml";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// The exit status; what was printed stands in out_ and error_.
  int run(std::vector<std::string> arguments) {
    CLI::App app{"", "sallyport"};
    add_policy(app);
    arguments.insert(arguments.begin(), "policy");
    std::ranges::reverse(arguments);
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    int status = 0;
    try {
      app.parse(arguments);
    } catch (const CLI::ParseError& end) {
      status = end.get_exit_code();
    }
    out_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return status;
  }

  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }

  std::filesystem::path folder_, policy_;
  std::string out_, error_;
};

TEST_F(PolicyCommand, ChecksAGoodFileAndWarnsOfWhatIsNotChecked) {
  EXPECT_EQ(run({"check", policy_}), 0);
  EXPECT_THAT(out_, HasSubstr("vectors: 2 enclaves, 9 domains, 4 peerings, 10 ordered pairs"));
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

TEST_F(PolicyCommand, SaysWhatAnEdgeWouldNotLetThrough) {
  EXPECT_EQ(run({"explain", "--bundle", policy_, file("s.xml", "<message><!-- --></message>")}), 1);
  EXPECT_THAT(error_, HasSubstr("an edge would end the stream with <restricted-xml/>"));
  EXPECT_EQ(run({"explain", "--bundle", policy_, file("s.xml", "<message>")}), 1);
  EXPECT_EQ(run({"explain", "--bundle", policy_, file("s.xml", "<message/><message/>")}), 1);
  EXPECT_EQ(run({"explain", "--bundle", policy_, file("s.xml", "<starttls xmlns='urn:x'/>")}), 1);
}

}  // namespace
}  // namespace sallyport::commands
