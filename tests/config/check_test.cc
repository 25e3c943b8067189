#include "proxy/main/check/check.h"

#include <fstream>
#include <iterator>
#include <string>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "policy/source/source.h"
#include "proxy/config/load.h"
#include "proxy/main/run/child.h"
#include "tests/certs/pki.h"
#include "tests/places.h"

namespace sallyport::check {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using tests::kDay;
using tests::kNow;
using tests::Wish;

constexpr std::string_view kPolicy = R"([policy]
name = "test"
[stages]
off = ["payload", "label", "presence", "content", "rate"]
[enclave.north]
revocation = "soft"
[[enclave.north.domain]]
name = "north.test"
[enclave.south]
revocation = "soft"
[[enclave.south.domain]]
name = "south.test"
[[peering]]
id = "people"
from = ["north.test"]
to = ["south.test"]
direction = "both"
stanzas = ["message"]
)";

constexpr std::string_view kConfig = R"([guard]
bundle = "policy.bundle"
policy = "policy.toml"
airlock = "."
[audit]
directory = "."
[edge.north]
listen = ["127.0.0.1:29269"]
anchors = ["ca.pem"]
[[edge.north.face]]
domain = "south.test"
certificate = "south.pem"
key = "south.key"
[[edge.north.next_hop]]
domain = "north.test"
targets = ["127.0.0.1:5269"]
[edge.south]
listen = ["[::1]:29269"]
anchors = ["ca.pem"]
[[edge.south.face]]
domain = "north.test"
certificate = "north.pem"
key = "north.key"
[[edge.south.next_hop]]
domain = "south.test"
targets = ["[::1]:5269"]
)";

/// A folder with everything that the configuration names, right as long as no test makes it wrong.
class Check : public testing::Test {
 protected:
  Check() : authority_("authority") {
    folder_.write("ca.pem", {authority_.certificate()});
    issue("north");
    issue("south");
    policy(kPolicy);
    bundle(kPolicy);
  }

  void issue(const std::string& name, Wish wish = {}) {
    if (wish.alt_names.empty()) wish.alt_names = "DNS:" + name + ".test";
    const auto leaf = authority_.issue(wish);
    folder_.write(name + ".pem", {leaf.certificate.get()});
    const auto key = folder_.write(name + ".key", leaf.key.get());
    std::filesystem::permissions(key, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }

  void policy(std::string_view text) { folder_.write_text("policy.toml", std::string(text)); }
  void bundle(std::string_view text) {
    const auto compiled = policy::source::compile(text, "policy.toml");
    ASSERT_TRUE(compiled);
    folder_.write_text("policy.bundle", compiled->bundle.octets());
  }

  static std::string with(std::string_view text, std::string_view line, std::string_view instead) {
    std::string out(text);
    const std::size_t at = out.find(line);
    EXPECT_NE(at, std::string::npos) << line;
    return out.replace(at, line.size(), instead);
  }

  Findings find(std::string_view config = kConfig) {
    Findings findings;
    const auto located = config::read(config, folder_ / "sallyport.toml");
    if (!located) {
      ADD_FAILURE() << inspect::describe(located.error().front());
      return findings;
    }
    check_policy(*located, findings);
    check_certificates(*located, kNow, findings);
    check_system(*located, findings);
    return findings;
  }

  tests::Authority authority_;
  tests::Directory folder_;
};

auto what(const std::string& text) {
  return Field(&inspect::Mistake::what, HasSubstr(text));
}
auto what_at(std::uint32_t line, const std::string& text) {
  return AllOf(what(text), Field(&inspect::Mistake::line, line), Field(&inspect::Mistake::remedy, Not(IsEmpty())));
}

TEST_F(Check, FindsNothingWrongWithASoundConfigurationButTheStagesThatAreOff) {
  const Findings findings = find();
  EXPECT_THAT(findings.mistakes, IsEmpty()) << inspect::describe(findings.mistakes.front());
  for (const char* stage : {"payload", "label", "presence", "content", "rate"}) {
    EXPECT_THAT(findings.warnings, Contains(what("the stage '" + std::string(stage) + "' is switched off")));
  }
  for (const auto& warning : findings.warnings) EXPECT_THAT(warning.what, HasSubstr("off")) << warning.what;
}

TEST_F(Check, NamesTheStagesThatABundleSwitchesOff) {
  const Findings findings = find(with(kConfig, "policy = \"policy.toml\"\n", ""));
  EXPECT_THAT(findings.warnings, ElementsAre(what_at(2, "off: payload, label, presence, content, rate")));
}

TEST_F(Check, TellsThatTheBundleIsMissingOrDamaged) {
  folder_.write_text("policy.bundle", "rubbish");
  EXPECT_THAT(find().mistakes, ElementsAre(what_at(2, "not a bundle")));
  std::filesystem::remove(folder_ / "policy.bundle");
  EXPECT_THAT(find().mistakes, ElementsAre(what_at(2, "can't be read")));
}

constexpr std::string_view kOfficer =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAk7DFi0i//EH8U26bG9oXkGgMAQ8sNRPxQHvzLzQaA0E=\n"
    "-----END PUBLIC KEY-----\n";

TEST_F(Check, TellsThatTheOfficersHaveNotSignedTheBundle) {
  const std::string config = with(kConfig, "airlock", "officers = [\"ann.pub\"]\nairlock");
  EXPECT_THAT(find(config).mistakes, ElementsAre(what_at(4, "ann.pub' can't be read")));
  folder_.write_text("ann.pub", "rubbish");
  EXPECT_THAT(find(config).mistakes, ElementsAre(what_at(4, "ann.pub' holds no public key")));
  folder_.write_text("ann.pub", std::string(kOfficer));
  EXPECT_THAT(find(config).mistakes, ElementsAre(what_at(2, "not signed: there is no '")));
  folder_.write_text("policy.bundle.sig", "sallyport bundle signatures 1\nbundle " + std::string(64, 'a') + "\n");
  EXPECT_THAT(find(config).mistakes, ElementsAre(what_at(2, "the signatures are of the bundle aaaa")));
}

TEST_F(Check, TellsThatTheShadowIsNoBundle) {
  const std::string config = with(kConfig, "airlock", "shadow = \"next.bundle\"\nairlock");
  EXPECT_THAT(find(config).mistakes, ElementsAre(what_at(4, "next.bundle' can't be read")));
  folder_.write_text("next.bundle", "rubbish");
  EXPECT_THAT(find(config).mistakes, ElementsAre(what_at(4, "not a bundle")));
}

TEST_F(Check, TellsThatTheBundleIsNotThePolicyAnyMore) {
  policy(with(kPolicy, "\"message\"", "\"iq\""));
  EXPECT_THAT(find().warnings, Contains(what_at(2, "the bundle was not made from")));
}

TEST_F(Check, TellsTheMistakesOfThePolicyAtTheirPlace) {
  policy(with(kPolicy, "stanzas = [\"message\"]", "stanzas = [\"mesage\"]"));
  EXPECT_THAT(find().mistakes, Contains(AllOf(what("mesage"), Field(&inspect::Mistake::line, 18U))));
}

TEST_F(Check, ComparesTheEnclavesOfPolicyAndEdges) {
  const Findings findings = find(with(kConfig, "[edge.north]", "[edge.nord]\nanchors = [\"ca.pem\"]\n[edge.north]"));
  EXPECT_THAT(findings.mistakes, ElementsAre(what_at(8, "the policy knows no enclave 'nord'")));
  const std::string north_only(kConfig.substr(0, kConfig.find("[edge.south]")));
  EXPECT_THAT(find(north_only).warnings, Contains(what("'south' has no edge")));
  EXPECT_THAT(find(north_only).warnings, Contains(what("one edge only")));
}

TEST_F(Check, TellsWhatIsMissingForClientsToLogIn) {
  const std::string login = std::string(kPolicy) +
                            "[[login]]\nid = \"roaming\"\nfrom = [\"north\"]\nto = [\"south.test\"]\n"
                            "mechanisms = [\"SCRAM-SHA-256\"]\nstanzas = [\"message\"]\n";
  policy(login);
  bundle(login);
  EXPECT_THAT(find().warnings, Contains(what("nothing listens for them")));
  const std::string listening = with(kConfig, "anchors = [\"ca.pem\"]\n[[edge.north.face]]",
                                     "listen_clients = [\"127.0.0.1:29222\"]\nanchors = [\"ca.pem\"]\n"
                                     "[[edge.north.login]]\ndomain = \"elsewhere.test\"\n[[edge.north.face]]");
  const Findings findings = find(listening);
  EXPECT_THAT(findings.warnings, Not(Contains(what("nothing listens for them"))));
  EXPECT_THAT(findings.warnings, Contains(what_at(12U, "'elsewhere.test' is not a domain of the enclave 'north'")));
  policy(kPolicy);
  bundle(kPolicy);
  EXPECT_THAT(find(listening).warnings, Contains(what("the policy lets none log in")));
}

TEST_F(Check, LooksAtTheCertificateThatServersAreShownForClients) {
  issue("login");
  const auto config = [](const std::string& key) {
    return with(kConfig, "[edge.south]\n",
                "[[edge.north.login]]\ndomain = \"north.test\"\ncertificate = \"login.pem\"\nkey = \"" + key +
                    "\"\n[edge.south]\n");
  };
  EXPECT_THAT(find(config("login.key")).mistakes, IsEmpty());
  EXPECT_THAT(find(config("north.key")).mistakes, ElementsAre(what("not the key of this certificate")));
  EXPECT_THAT(find(config("nowhere.key")).mistakes, ElementsAre(what("can't be read")));
  issue("login", {.not_after = kNow + 10 * kDay});
  EXPECT_THAT(find(config("login.key")).warnings, Contains(what("expires in")));
}

TEST_F(Check, TellsFacesAndNextHopsThatThePolicyDoesNotKnow) {
  const Findings findings = find(with(with(kConfig, "domain = \"south.test\"", "domain = \"sud.test\""),
                                      "domain = \"north.test\"", "domain = \"nord.test\""));
  EXPECT_THAT(findings.warnings, Contains(what("'south.test' has no certificate in the enclave 'north'")));
  EXPECT_THAT(findings.warnings, Contains(what_at(11, "'sud.test' is not a domain of another enclave")));
  EXPECT_THAT(findings.warnings, Contains(what_at(15, "'nord.test' is not a domain of the enclave 'north'")));
}

TEST_F(Check, TellsThatThePolicyWantsRevocationKnownAndThatThereIsNoList) {
  bundle(with(kPolicy, "soft", "required"));
  const auto lacks = what("there is no list and no responder");
  EXPECT_THAT(find().warnings, Contains(lacks));
  const auto asking = with(kConfig, "anchors = [\"ca.pem\"]\n[[edge.north.face]]",
                           "anchors = [\"ca.pem\"]\nocsp_responders = [\"127.0.0.1:80\"]\n[[edge.north.face]]");
  EXPECT_THAT(find(asking).warnings, Not(Contains(lacks)));
}

TEST_F(Check, PKI_04_TellsThatACertificateDoesNotNameItsDomain) {
  issue("south", {.alt_names = "DNS:other.test"});
  EXPECT_THAT(find().mistakes, ElementsAre(what_at(12, "does not name south.test")));
}

TEST_F(Check, TellsThatACertificateHasExpiredOrWillSoon) {
  issue("south", {.not_after = kNow - 1});
  EXPECT_THAT(find().mistakes, ElementsAre(what_at(12, "has expired")));
  issue("south", {.not_after = kNow + 7 * kDay + 1});
  EXPECT_THAT(find().warnings, Contains(what_at(12, "expires in 7 days")));
}

TEST_F(Check, TellsThatAKeyDoesNotBelongToItsCertificate) {
  std::filesystem::copy_file(folder_ / "north.key", folder_ / "south.key",
                             std::filesystem::copy_options::overwrite_existing);
  const Findings findings = find();
  ASSERT_EQ(findings.mistakes.size(), 1U);
  EXPECT_THAT(findings.mistakes.front().line, testing::AnyOf(12U, 13U));
}

TEST_F(Check, TellsThatOthersMayReadAKey) {
  std::filesystem::permissions(folder_ / "south.key", std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  EXPECT_THAT(find().mistakes, ElementsAre(what_at(13, "others than its owner may read")));
}

TEST_F(Check, TellsThatAnotherAuthorityHasIssuedTheCertificate) {
  tests::Authority other("other");
  folder_.write("ca.pem", {other.certificate()});
  EXPECT_THAT(find().warnings, Contains(what_at(12, "does not lead to an anchor")));
}

TEST_F(Check, TellsThatACertificateIsRevoked) {
  const auto leaf = authority_.issue({.alt_names = "DNS:south.test"});
  folder_.write("south.pem", {leaf.certificate.get()});
  const auto key = folder_.write("south.key", leaf.key.get());
  std::filesystem::permissions(key, std::filesystem::perms::owner_read);
  folder_.write("ca.crl", authority_.list({leaf.certificate.get()}, kNow - kDay, kNow + kDay).get());
  EXPECT_THAT(find(with(kConfig, "anchors", "crls = [\"ca.crl\"]\nanchors")).mistakes, ElementsAre(what("is revoked")));
}

TEST_F(Check, TellsEveryFileOfAnchorsAndListsThatCannotBeUsed) {
  folder_.write_text("bad.pem", "rubbish");
  const Findings findings =
      find(with(kConfig, "anchors = [\"ca.pem\"]", "anchors = [\"bad.pem\", \"ca.pem\", \"none.pem\"]"));
  EXPECT_THAT(findings.mistakes, ElementsAre(what_at(9, "bad.pem"), what_at(9, "none.pem")));
  EXPECT_THAT(find(with(kConfig, "anchors", "crls = [\"bad.pem\"]\nanchors")).mistakes,
              ElementsAre(what_at(9, "bad.pem")));
}

TEST_F(Check, TellsThatAnAddressIsNotOfThisMachine) {
  EXPECT_THAT(find(with(kConfig, "[\"127.0.0.1:29269\"]", "[\"127.0.0.1:29269\", \"192.0.2.1:5269\"]")).mistakes,
              ElementsAre(what_at(8, "192.0.2.1:5269 can't be listened on")));
}

TEST_F(Check, WarnsOfAnAddressThatIsInUse) {
  const run::Descriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(bind(socket.number(), reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(listen(socket.number(), 1), 0);
  ASSERT_EQ(getsockname(socket.number(), reinterpret_cast<sockaddr*>(&at), &size), 0);
  const std::string text = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  EXPECT_THAT(find(with(kConfig, "127.0.0.1:29269", text)).warnings,
              Contains(what_at(8, "something listens on " + text)));
}

TEST_F(Check, TellsUsersThatAreNotThereAndWarnsOfSharedOnes) {
  EXPECT_THAT(find(with(kConfig, "[audit]", "user = \"no-such-user\"\n[audit]")).mistakes,
              ElementsAre(what_at(5, "there is no user 'no-such-user'")));
  const std::string shared =
      with(with(kConfig, "[audit]", "user = \"nobody\"\n[audit]"), "listen =", "user = \"nobody\"\nlisten =");
  EXPECT_THAT(find(shared).warnings, Contains(what("as the same user")));
}

TEST_F(Check, TellsAPathOfSocketsThatIsTooLong) {
  EXPECT_THAT(find(with(kConfig, "airlock = \".\"", "airlock = \"" + std::string(100, 'a') + "\"")).mistakes,
              ElementsAre(what_at(4, "longer than 107 octets")));
}

TEST_F(Check, WarnsOfAnEdgeThatCanNotBeReachedOrReachNobody) {
  const Findings findings =
      find(with(with(kConfig, "listen = [\"127.0.0.1:29269\"]\n", ""),
                "[[edge.north.next_hop]]\ndomain = \"north.test\"\ntargets = [\"127.0.0.1:5269\"]\n", ""));
  EXPECT_THAT(findings.warnings, Contains(what("'north' listens nowhere")));
  EXPECT_THAT(findings.warnings, Contains(what("'north' can't find any server")));
}

std::string content(const std::string& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

TEST_F(Check, FindsConfigurationAndPolicyOfTheExamplesInAgreement) {
  const std::string text = content(SALLYPORT_DOCS_DIR "/examples/sallyport.toml");
  const std::string policy_text = content(SALLYPORT_DOCS_DIR "/examples/policy.toml");
  policy(policy_text);
  bundle(policy_text);
  const auto located = config::read(text, folder_ / "sallyport.toml");
  ASSERT_TRUE(located) << inspect::describe(located.error().front());
  Findings findings;
  check_policy(*located, findings);
  EXPECT_THAT(findings.mistakes, IsEmpty()) << inspect::describe(findings.mistakes.front());
  for (const auto& warning : findings.warnings) EXPECT_THAT(warning.what, HasSubstr("off")) << warning.what;
}

}  // namespace
}  // namespace sallyport::check
