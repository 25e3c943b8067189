#include "proxy/config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sallyport::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::string_view kWhole = R"(log_level = "debug"
[guard]
bundle = "policy.bundle"
airlock = "/run/sallyport"
lanes = 4
hold = "10s"
[audit]
directory = "log"
mode = "strict"
[edge.north]
listen = ["127.0.0.1:5269", "[::1]:5269"]
listen_tls = ["127.0.0.1:5270"]
anchors = ["north/ca.pem"]
resolvers = ["[::1]:53"]
bind = ["127.0.0.1", "::1"]
dscp = 46
[[edge.north.face]]
domain = "South.Test"
certificate = "north/south.test.pem"
key = "north/south.test.key"
[[edge.north.next_hop]]
domain = "north.test"
targets = ["127.0.0.2:5269"]
tls = "direct"
[[edge.north.pin]]
domain = "rooms.north.test"
keys = ["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="]
[edge.north.limits]
stanza = "256KiB"
idle = "1min"
)";

std::vector<Mistake> mistakes_of(std::string_view text) {
  auto result = read(text, "/etc/sallyport/s.toml");
  return result ? std::vector<Mistake>{} : result.error();
}

/// The whole file with one line exchanged, and the mistakes that this gives.
std::vector<Mistake> mistakes_with(std::string_view line, std::string_view instead) {
  std::string text(kWhole);
  const std::size_t at = text.find(line);
  EXPECT_NE(at, std::string::npos) << line;
  return mistakes_of(text.replace(at, line.size(), instead));
}

TEST(Load, FillsEveryPartOfTheConfiguration) {
  const auto result = read(kWhole, "/etc/sallyport/s.toml");
  ASSERT_TRUE(result) << describe(result.error().front());
  const Config& config = result->config;
  EXPECT_EQ(config.log_level, "debug");
  EXPECT_EQ(config.guard.lanes, 4);
  EXPECT_EQ(config.guard.hold, 10s);
  EXPECT_EQ(config.audit.mode, AuditMode::Strict);
  ASSERT_EQ(config.edges.size(), 1U);
  const Edge& edge = config.edges.front();
  EXPECT_EQ(edge.enclave, "north");
  EXPECT_EQ(edge.listeners, (std::vector<Listener>{{{"127.0.0.1", 5269}, Listener::Tls::StartTls},
                                                   {{"::1", 5269}, Listener::Tls::StartTls},
                                                   {{"127.0.0.1", 5270}, Listener::Tls::Direct}}));
  ASSERT_EQ(edge.pins.size(), 1U);
  EXPECT_EQ(edge.pins.front().domain, "rooms.north.test");
  EXPECT_THAT(edge.pins.front().keys, testing::ElementsAre(testing::SizeIs(32)));
  EXPECT_EQ(edge.dscp, 46);
  EXPECT_EQ(edge.faces.front().domain, "south.test");
  EXPECT_EQ(edge.next_hops.front().tls, Listener::Tls::Direct);
  EXPECT_EQ(edge.limits.stanza_octets, 256U * 1024);
  EXPECT_EQ(edge.limits.idle, 1min);
}

TEST(Load, MakesRelativePathsRelativeToTheFile) {
  const auto result = read(kWhole, "/etc/sallyport/s.toml");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->config.guard.bundle, "/etc/sallyport/policy.bundle");
  EXPECT_EQ(result->config.guard.airlock, "/run/sallyport");
  EXPECT_EQ(result->config.edges.front().faces.front().key, "/etc/sallyport/north/south.test.key");
}

TEST(Load, LeavesTheDefaultsOfTheStructsWhereNothingIsWritten) {
  const auto result = read(kWhole, "s.toml");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->config.guard.hol_max, Guard{}.hol_max);
  EXPECT_EQ(result->config.edges.front().limits.connect, EdgeLimits{}.connect);
}

TEST(Load, RemembersWhereEachKeyStands) {
  const auto result = read(kWhole, "s.toml");
  ASSERT_TRUE(result);
  const Mistake mistake = result->mistake("edge.north.face[0].key", "what", "remedy");
  EXPECT_EQ(mistake.line, 20U);
  EXPECT_EQ(result->mistake("guard.policy", "what", "remedy").line, 0U);
}

TEST(Load, TellsAllMistakesAtOnceInTheOrderOfTheFile) {
  const auto mistakes = mistakes_of(R"([guard]
bundle = "b"
airlock = 7
lanes = 0
[audit]
directory = "log"
mode = "sometimes"
[edge.north]
lisen = ["127.0.0.1:5269"]
anchors = []
dscp = 64
)");
  std::vector<std::string> whats;
  for (const Mistake& mistake : mistakes) whats.push_back(std::to_string(mistake.line) + " " + mistake.what);
  EXPECT_THAT(whats, ElementsAre("3 a string is needed here", "4 'lanes' is not a whole number from 1 to 64",
                                 "7 'mode' can't be \"sometimes\"", "9 unknown key 'lisen' in [edge.north]",
                                 "10 'anchors' is empty", "11 'dscp' is not a whole number from 0 to 63"));
}

TEST(Load, SuggestsTheKeyThatWasMeant) {
  const auto mistakes = mistakes_with("listen_tls", "listen_tsl");
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_EQ(mistakes.front().remedy, "did you mean 'listen_tls'?");
  EXPECT_EQ(mistakes.front().line, 12U);
  EXPECT_EQ(mistakes.front().column, 1U);
}

struct Wrong {
  std::string_view line, instead, what;
};

class WrongLine : public testing::TestWithParam<Wrong> {};

TEST_P(WrongLine, IsOneMistakeThatSaysWhatIsWrong) {
  const auto mistakes = mistakes_with(GetParam().line, GetParam().instead);
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_THAT(mistakes.front().what, HasSubstr(GetParam().what));
  EXPECT_FALSE(mistakes.front().remedy.empty());
  EXPECT_NE(mistakes.front().line, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Load, WrongLine,
    testing::Values(
        Wrong{"dscp = 46", "dscp = 64", "'dscp' is not a whole number from 0 to 63"},
        Wrong{"dscp = 46", "dscp = -1", "'dscp'"}, Wrong{"dscp = 46", "dscp = \"46\"", "'dscp'"},
        Wrong{"dscp = 46", "ipv6_first = 1", "neither true nor false"}, Wrong{"lanes = 4", "lanes = 65", "'lanes'"},
        Wrong{"hold = \"10s\"", "hold = 10", "'hold' is not a duration"},
        Wrong{"hold = \"10s\"", "hold = \"10m\"", "'hold' is not a duration"},
        Wrong{"hold = \"10s\"", "hold = \"0s\"", "'hold' is not a duration"},
        Wrong{"hold = \"10s\"", "memory = \"1KiB\"", "'memory' is not a size"},
        Wrong{"hold = \"10s\"", "user = \"Joe Smith\"", "not a user name"},
        Wrong{"hold = \"10s\"", "signatures = 2", "'signatures' asks for more than there are officers"},
        Wrong{"hold = \"10s\"", "officers = [\"a.pub\"]\nsignatures = 2", "'signatures' asks for more than there are"},
        Wrong{"hold = \"10s\"", "signatures = 0", "'signatures' is not a whole number"},
        Wrong{"hold = \"10s\"", "officers = \"a.pub\"", "'officers' is not a list"},
        Wrong{"stanza = \"256KiB\"", "stanza = 9999", "'stanza' is not a size"},
        Wrong{"log_level = \"debug\"", "log_level = \"all\"", "can't be \"all\""},
        Wrong{"log_level = \"debug\"", "pid_file = \"\"", "'pid_file' is empty"},
        Wrong{"log_level = \"debug\"", "log-level = \"debug\"", "unknown key 'log-level' at the top of the file"},
        Wrong{"bundle = \"policy.bundle\"\n", "", "'bundle' is missing in [guard]"},
        Wrong{"directory = \"log\"\n", "", "'directory' is missing in [audit]"},
        Wrong{"targets = [\"127.0.0.2:5269\"]\n", "", "'targets' is missing in [edge.north.next_hop[0]]"},
        Wrong{"targets = [\"127.0.0.2:5269\"]", "targets = []", "'targets' is empty"},
        Wrong{"targets = [\"127.0.0.2:5269\"]", "targets = [\"127.0.0.2\"]", "not an IP address with a port"},
        Wrong{"targets = [\"127.0.0.2:5269\"]", "targets = [\"127.0.0.2:1\", \"127.0.0.2:1\"]", "twice"},
        Wrong{"resolvers = [\"[::1]:53\"]", "resolvers = [\"::1:53\"]", "not an IP address with a port"},
        Wrong{"resolvers = [\"[::1]:53\"]", "resolvers = \"[::1]:53\"", "not a list"},
        Wrong{"resolvers = [\"[::1]:53\"]", "resolvers = [53]", "a string is needed"},
        Wrong{"bind = [\"127.0.0.1\", \"::1\"]", "bind = [\"::1\", \"::2\"]", "a second source address"},
        Wrong{"bind = [\"127.0.0.1\", \"::1\"]", "bind = [\"[::1]\"]", "not an IP address"},
        Wrong{"listen_tls = [\"127.0.0.1:5270\"]", "listen_tls = [\"[::1]:5269\"]", "listened on twice"},
        Wrong{"anchors = [\"north/ca.pem\"]", "anchors = [\"\"]", "an empty path"},
        Wrong{"domain = \"South.Test\"", "domain = \"a b\"", "is not a domain"},
        Wrong{"domain = \"South.Test\"", "domain = \"north.test\"", "both a face and a next hop"},
        Wrong{"domain = \"South.Test\"", "domain = \"rooms.north.test\"", "both a face and pinned"},
        Wrong{"47DEQpj8HBSa", "47DEQpj8", "is not a SHA-256 digest in base 64"},
        Wrong{"[audit]", "[audit.more]\n[audit]", "unknown key 'more'"},
        Wrong{"[edge.north.limits]", "[edge.Soutb]\nanchors = [\"x\"]\n[edge.north.limits]", "name of an enclave"},
        Wrong{"[edge.north.limits]", "[edge.north.limit]", "unknown key 'limit'"},
        Wrong{"[edge.north.limits]", "[[edge.north.limits]]", "'edge.north.limits' is not a table"},
        Wrong{"tls = \"direct\"", "tls = \"always\"", "can't be \"always\""}));

TEST(Load, RefusesTwoFacesForOneDomain) {
  const auto mistakes = mistakes_with(
      "[edge.north.limits]",
      "[[edge.north.face]]\ndomain = \"south.test.\"\ncertificate = \"c\"\nkey = \"k\"\n[edge.north.limits]");
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_EQ(mistakes.front().what, "a second table for the domain 'south.test'");
  EXPECT_EQ(mistakes.front().line, 29U);
}

constexpr std::string_view kClients = R"(listen_clients = ["127.0.0.1:5222", "[::1]:5222"]
listen_clients_tls = ["127.0.0.1:5223", "127.0.0.1:5270"]
client_certificates = "optional"
anchors = ["north/ca.pem"]
[[edge.north.next_hop]]
domain = "north.test"
targets = ["127.0.0.2:5222"]
service = "clients"
[[edge.north.login]]
domain = "North.Test"
oldest_tls = "1.2"
certificate = "north/login.pem"
key = "north/login.key"
[edge.north.client_limits]
logins = 2
connections = 9000
[[edge.north.face]]
)";

std::string with_clients() {
  std::string text(kWhole);
  const std::string_view anchors = "anchors = [\"north/ca.pem\"]\n", first_face = "[[edge.north.face]]\n";
  const std::size_t face = text.find(first_face);
  std::string clients(kClients);
  clients.erase(clients.find(anchors), anchors.size());
  const std::size_t tables = clients.find("[[");
  text.replace(face, first_face.size(), clients.substr(tables));
  return text.insert(text.find(anchors), clients.substr(0, tables));
}

TEST(Load, ReadsWhatConcernsClients) {
  using Peers = Listener::Peers;
  using Tls = Listener::Tls;
  const auto result = read(with_clients(), "/etc/sallyport/s.toml");
  ASSERT_TRUE(result) << describe(result.error().front());
  const Edge& edge = result->config.edges.front();
  const std::vector<Listener> expected = {
      {{"127.0.0.1", 5269}, Tls::StartTls, Peers::Servers}, {{"::1", 5269}, Tls::StartTls, Peers::Servers},
      {{"127.0.0.1", 5222}, Tls::StartTls, Peers::Clients}, {{"::1", 5222}, Tls::StartTls, Peers::Clients},
      {{"127.0.0.1", 5223}, Tls::Direct, Peers::Clients},   {{"127.0.0.1", 5270}, Tls::Direct, Peers::Clients},
      {{"127.0.0.1", 5270}, Tls::Direct, Peers::Servers}};
  EXPECT_EQ(edge.listeners, expected) << "one address may serve both by direct TLS";
  EXPECT_EQ(edge.client_certificates, ClientCertificates::Optional);
  ASSERT_EQ(edge.next_hops.size(), 2U) << "one for servers, one for clients";
  ASSERT_EQ(edge.logins.size(), 1U);
  EXPECT_EQ(edge.logins[0].domain, "north.test");
  EXPECT_EQ(edge.logins[0].oldest_tls, Login::OldestTls::V12);
  EXPECT_EQ(edge.logins[0].key, "/etc/sallyport/north/login.key");
  EXPECT_EQ(edge.client_limits.logins, 2U);
  EXPECT_EQ(edge.client_limits.connections, 9000U);
  EXPECT_EQ(edge.client_limits.idle, 10min) << "the defaults of clients are their own";
  EXPECT_EQ(edge.limits.connections, 4096U);
}

TEST(Load, SharesNoAddressBetweenServersAndClientsButForDirectTls) {
  for (const std::string_view wrong : {"127.0.0.1:5269", "127.0.0.1:5222"}) {
    std::string text = with_clients();
    const std::string_view shared = "127.0.0.1:5223";
    text.replace(text.find(shared), shared.size(), wrong);
    const auto mistakes = mistakes_of(text);
    ASSERT_EQ(mistakes.size(), 1U) << wrong;
    EXPECT_THAT(mistakes.front().what, HasSubstr("listened on twice"));
  }
}

TEST(Load, RefusesALoginThatIsHalfWritten) {
  std::string text = with_clients();
  const std::string_view key = "key = \"north/login.key\"\n";
  text.erase(text.find(key), key.size());
  const auto mistakes = mistakes_of(text);
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_THAT(mistakes.front().what, HasSubstr("a certificate without a key"));
}

TEST(Load, RefusesOneAddressListenedOnByTwoEdges) {
  const auto mistakes =
      mistakes_of(std::string(kWhole) + "[edge.south]\nanchors = [\"x\"]\nlisten = [\"[::1]:5269\"]\n");
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_EQ(mistakes.front().what, "'[::1]:5269' is listened on twice");
}

TEST(Load, NamesTheTablesThatAreMissing) {
  const auto mistakes = mistakes_of("");
  std::vector<std::string> whats;
  for (const Mistake& mistake : mistakes) whats.push_back(mistake.what);
  EXPECT_THAT(whats, ElementsAre("the table [audit] is missing", "the table [edge] is missing",
                                 "the table [guard] is missing"));
}

TEST(Load, TellsWhereTheTextIsNotToml) {
  const auto mistakes = mistakes_of("[guard]\nbundle = \n");
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_EQ(mistakes.front().line, 2U);
  EXPECT_THAT(mistakes.front().what, HasSubstr("not TOML"));
}

TEST(Load, TellsThatTheFileIsNotThere) {
  const auto result = load("/nonexistent/sallyport.toml");
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().front().what, HasSubstr("No such file"));
}

TEST(Mistake, IsPrintedWithItsPlaceAndItsRemedy) {
  EXPECT_EQ(inspect::describe({"a.toml", 3, 7, "unknown key 'x'", "take it away"}),
            "a.toml:3:7: unknown key 'x'\n    take it away\n");
  EXPECT_EQ(inspect::describe({"a.toml", 0, 0, "can't be read", ""}), "a.toml: can't be read\n");
}

TEST(Nearest, KeepsQuietWhenNothingIsNear) {
  const std::vector<std::string_view> known{"listen", "listen_tls", "dscp"};
  EXPECT_EQ(inspect::nearest("lisen", known), "listen");
  EXPECT_EQ(inspect::nearest("dcsp", known), "");
  EXPECT_EQ(inspect::nearest("dsc", known), "dscp");
  EXPECT_EQ(inspect::nearest("colour", known), "");
}

}  // namespace
}  // namespace sallyport::config
