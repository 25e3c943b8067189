// The guard as it runs: the program, real socket files, a real log.
#include "guard_program.h"

#include <array>

#include <botan/ed25519.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>
#include <botan/x509_key.h>
#include <gmock/gmock.h>

#include "audit/verify.h"
#include "policy/bundle_signatures.h"

namespace sallyport::guard {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The lane that serves alpha.test and bravo.test when there are so many.
std::uint16_t lane_of_pair(unsigned lanes) {
  return static_cast<std::uint16_t>(bundle()->lane_key("alpha.test", "bravo.test") % lanes);
}

class GuardWithLanes : public testing::TestWithParam<unsigned> {};

/// Opens, proves, dials and grants; gives the dialled leg.
LegId connect(Line& north, Line& south) {
  north.send(kPeer, Scene::opened());
  EXPECT_TRUE(north.await<airlock::Terms>());
  north.send(kPeer, Scene::proved());
  const auto dial = south.await<airlock::Dial>();
  if (!dial) {
    ADD_FAILURE() << "nothing was dialled";
    return airlock::kNoLeg;
  }
  south.send(dial->first, Scene::ready());
  EXPECT_TRUE(south.await<airlock::Grant>());
  EXPECT_TRUE(north.await<airlock::Grant>());
  return dial->first;
}

void send_message(Line& north, std::uint64_t number, const Message& message = {}) {
  const std::string octets = normal_form(message);
  airlock::Stanza stanza;
  stanza.number = number;
  stanza.normal_form = octets;
  north.send(kPeer, stanza);
}

TEST(GuardProgram, NamesTheRightLaneWhicheverIsAsked) {
  Program program(4);
  const std::uint16_t lane = lane_of_pair(4);
  Line other(program, "north", static_cast<std::uint16_t>((lane + 1) % 4));
  const auto welcome = other.await<airlock::Welcome>();
  ASSERT_TRUE(welcome) << program.log();
  EXPECT_EQ(welcome->second.guard_lanes, 4);
  EXPECT_EQ(welcome->second.enclave, "north");
  other.send(kPeer, Scene::opened());
  const auto terms = other.await<airlock::Terms>();
  ASSERT_TRUE(terms);
  EXPECT_EQ(terms->second.guard_lane, lane);
}

TEST_P(GuardWithLanes, CarriesAStanzaFromEdgeToEdgeAndRecordsIt) {
  Program program(GetParam());
  const std::uint16_t lane = lane_of_pair(GetParam());
  Line north(program, "north", lane), south(program, "south", lane);
  ASSERT_TRUE(south.await<airlock::Welcome>());
  const LegId far = connect(north, south);
  send_message(north, 1);
  const auto deliver = south.await<airlock::Deliver>();
  ASSERT_TRUE(deliver) << program.log();
  EXPECT_THAT(south.xml, HasSubstr("<body>hello</body>"));
  south.send(far, Scene::settled(1));
  const auto handled = north.await<airlock::Handled>();
  ASSERT_TRUE(handled);
  EXPECT_EQ(handled->second.number, 1U);
  program.signal(SIGTERM);
  EXPECT_TRUE(north.await<airlock::Drain>());
  north.send(kPeer, Scene::closed(true));
  south.send(far, Scene::closed(true, 1, 1));
  EXPECT_EQ(program.wait(), kStopped) << program.log();
  const auto verified = audit::verify(program.folder.path() / "audit");
  EXPECT_TRUE(verified.ok());
  EXPECT_THAT(program.audit(), HasSubstr("\"verdict\":\"release\""));
  EXPECT_THAT(program.audit(), HasSubstr("guard.stopped"));
  EXPECT_THAT(program.audit(), HasSubstr("leg.settled"));
}

INSTANTIATE_TEST_SUITE_P(Lanes, GuardWithLanes, testing::Values(1U, 4U));

TEST(GuardProgram, EndsAllChannelsOfAnEdgeThatSendsNoFrameAndNoOther) {
  Program program(2);
  const std::uint16_t lane = lane_of_pair(2);
  Line north(program, "north", lane), south(program, "south", lane);
  Line north_too(program, "north", static_cast<std::uint16_t>(1 - lane));
  ASSERT_TRUE(north_too.await<airlock::Welcome>());
  connect(north, south);
  north_too.send_octets(std::string("\xFF\xFF\xFF\xFF", 4));
  EXPECT_TRUE(north_too.ended());
  EXPECT_TRUE(north.ended());
  EXPECT_TRUE(program.recorded("airlock.down"));
  Line again(program, "north", lane, 2);
  ASSERT_TRUE(again.await<airlock::Welcome>());
  again.send(kPeer + 2, Scene::opened());
  EXPECT_TRUE(again.await<airlock::Terms>());
  // South's leg is still there: nothing is dialled for the newcomer.
  again.send(kPeer + 2, Scene::proved());
  EXPECT_TRUE(again.await<airlock::Grant>());
}

TEST(GuardProgram, TellsAnotherVersionWhatItSpeaksAndEnds) {
  Program program;
  airlock::Hello hello;
  hello.major = airlock::kMajor + 1;
  std::string octets;
  airlock::write(airlock::kNoLeg, hello, octets);
  Line line(program, "north");
  ASSERT_TRUE(line.await<airlock::Welcome>());
  const int other = connect_to(program.folder.path() / "airlock" / "north.sock");
  ASSERT_EQ(::send(other, octets.data(), octets.size(), 0), static_cast<ssize_t>(octets.size()));
  std::string answer(4096, '\0');
  pollfd ready{other, POLLIN, 0};
  ASSERT_EQ(::poll(&ready, 1, 10'000), 1);
  const ssize_t count = ::read(other, answer.data(), answer.size());
  ASSERT_GT(count, 0);
  answer.resize(static_cast<std::size_t>(count));
  const auto frame = airlock::read(answer);
  ASSERT_TRUE(frame);
  EXPECT_EQ(std::get<airlock::Welcome>(frame->body).major, airlock::kMajor);
  EXPECT_EQ(::read(other, answer.data(), 1), 0);
  ::close(other);
}

TEST(GuardProgram, KeepsItsPolicyWhenTheNewOneIsBad) {
  Program program;
  Line north(program, "north"), south(program, "south");
  ASSERT_TRUE(south.await<airlock::Welcome>());
  connect(north, south);
  program.folder.write("policy.bundle", "no bundle");
  program.signal(SIGHUP);
  EXPECT_TRUE(program.recorded("policy.refused"));
  send_message(north, 1);
  EXPECT_TRUE(south.await<airlock::Deliver>());
}

std::string ask(const Program& program, const std::string& request) {
  const int connection = connect_to(program.folder.path() / "control");
  const std::string line = request + "\n";
  EXPECT_GT(::send(connection, line.data(), line.size(), 0), 0);
  std::string answer;
  char buffer[4096];
  for (ssize_t count; (count = ::read(connection, buffer, sizeof buffer)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(count));
  ::close(connection);
  return answer;
}

/// Officers with their keys, who sign what stands in the folder's bundle.
class Officers {
 public:
  explicit Officers(const Folder& folder) : folder_(folder) {
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      keys_[i] = std::make_unique<Botan::Ed25519_PrivateKey>(Botan::system_rng());
      folder.write("officer" + std::to_string(i) + ".pub", Botan::X509::PEM_encode(*keys_[i]));
    }
  }
  /// The setting that asks for the signatures of both.
  static std::string setting() { return "officers = [\"officer0.pub\", \"officer1.pub\"]\nsignatures = 2\n"; }

  void sign(policy::Tables tables, const std::vector<std::size_t>& who,
            const std::string& file = "policy.bundle") const {
    policy::BundleSignatures signatures{.bundle_hash = bundle(std::move(tables))->hash(), .all = {}};
    const std::string text = policy::signed_text(signatures.bundle_hash);
    for (const std::size_t each : who) {
      Botan::PK_Signer signer(*keys_[each], Botan::system_rng(), "Pure");
      const auto octets =
          signer.sign_message(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), Botan::system_rng());
      policy::SignedBy one{};
      std::ranges::copy(keys_[each]->get_public_key(), one.key.begin());
      std::ranges::copy(octets, one.signature.begin());
      signatures.add(one);
    }
    folder_.write(file + ".sig", signatures.text());
  }

 private:
  const Folder& folder_;
  std::array<std::unique_ptr<Botan::Ed25519_PrivateKey>, 2> keys_;
};

/// A guard that loads only what two officers have signed, and did so at its start.
class SignedProgram {
 public:
  SignedProgram() : program(1, Officers::setting(), 0, false), officers(program.folder) {
    officers.sign(tables(), {0, 1});
    program.start();
  }
  Program program;
  Officers officers;
};

TEST(GuardProgram, LoadsABundleThatTwoOfficersHaveSignedAndRecordsWho) {
  SignedProgram scene;
  Line north(scene.program, "north"), south(scene.program, "south");
  ASSERT_TRUE(south.await<airlock::Welcome>()) << scene.program.log();
  connect(north, south);
  EXPECT_TRUE(scene.program.recorded("[\"signed_by\",\""));
}

TEST(GuardProgram, DoesNotStartWithABundleThatOnlyOneOfTwoOfficersHasSigned) {
  Program program(1, Officers::setting(), 0, false);
  const Officers officers(program.folder);
  officers.sign(tables(), {1});
  program.start();
  EXPECT_EQ(program.wait(), kUnusable);
  EXPECT_THAT(program.log(), HasSubstr("1 of the officers have signed it, and 2 have to"));
  EXPECT_THAT(program.log(), HasSubstr("not signed by "));
}

TEST(GuardProgram, DoesNotStartWithABundleThatNobodyHasSigned) {
  Program program(1, Officers::setting(), 0, false);
  const Officers officers(program.folder);
  program.start();
  EXPECT_EQ(program.wait(), kUnusable);
  EXPECT_THAT(program.log(), HasSubstr("the bundle is not signed: "));
}

TEST(GuardProgram, KeepsItsPolicyAtAReloadWithABadlySignedBundleAndSaysSo) {
  SignedProgram scene;
  Program& program = scene.program;
  Line north(program, "north"), south(program, "south");
  ASSERT_TRUE(south.await<airlock::Welcome>()) << program.log();
  connect(north, south);
  auto other = tables();
  other.name = "other";
  program.put_policy(other);  // the signatures are those of the old one
  EXPECT_THAT(ask(program, "preview"), HasSubstr("error "));
  program.signal(SIGHUP);
  EXPECT_TRUE(program.recorded("\"code\":\"policy.refused\""));
  EXPECT_TRUE(program.recorded("the signatures are of the bundle " + bundle()->hash()));
  EXPECT_THAT(ask(program, "status"), HasSubstr("bundle " + bundle()->hash()));
  send_message(north, 1);
  EXPECT_TRUE(south.await<airlock::Deliver>());
  scene.officers.sign(other, {0, 1});
  program.signal(SIGHUP);
  EXPECT_TRUE(program.recorded("[\"bundle\",\"" + bundle(other)->hash() + "\"],[\"signed_by\""));
}

TEST(GuardProgram, JudgesAShadowPolicyThatNeverActsAndSaysWhatItWouldHaveDone) {
  Program program(1, "shadow = \"next.bundle\"\n", 0, false);
  auto narrower = tables();
  narrower.peerings[0].message = false;
  program.folder.write("next.bundle", bundle(narrower)->octets());
  program.start();
  Line north(program, "north"), south(program, "south");
  ASSERT_TRUE(south.await<airlock::Welcome>()) << program.log();
  connect(north, south);
  EXPECT_TRUE(program.recorded("policy.shadow-loaded"));
  send_message(north, 1);
  EXPECT_TRUE(south.await<airlock::Deliver>());
  EXPECT_TRUE(program.recorded("\"shadow\":\"bounce addressing.kind-not-granted everything\""));
  EXPECT_THAT(ask(program, "status"), HasSubstr("shadow_judged 1\nshadow_crosses 0\nshadow_refused 1\n"));
  program.folder.write("next.bundle", "no bundle");
  program.signal(SIGHUP);
  EXPECT_TRUE(program.recorded("policy.shadow-counted"));
  EXPECT_TRUE(program.recorded("policy.shadow-refused"));
  send_message(north, 2);
  EXPECT_TRUE(south.await<airlock::Deliver>());
  EXPECT_THAT(ask(program, "status"), Not(HasSubstr("shadow")));
}

TEST(GuardProgram, SaysWhatAReloadEndsAndEndsThatAndNothingElse) {
  Program program;
  Line north(program, "north"), south(program, "south");
  ASSERT_TRUE(south.await<airlock::Welcome>());
  connect(north, south);
  EXPECT_EQ(ask(program, "preview"), "ok\n");
  auto narrower = tables();
  std::erase_if(narrower.routes, [](const policy::Route& route) { return route.from == 0 || route.to == 0; });
  program.put_policy(narrower);
  EXPECT_THAT(ask(program, "preview"), HasSubstr("from alpha.test to bravo.test, near leg open, far leg open"));
  EXPECT_THAT(ask(program, "status"), HasSubstr("edges north=present south=present\n"));
  EXPECT_THAT(ask(program, "anything"), HasSubstr("error "));
  program.signal(SIGHUP);
  const auto close = north.await<airlock::Close>();
  ASSERT_TRUE(close);
  EXPECT_EQ(close->second.condition, StreamCondition::Reset);
  EXPECT_TRUE(south.await<airlock::Close>());
  EXPECT_TRUE(program.recorded("leg.withdrawn"));
}

TEST(GuardProgram, SaysWithItsExitStatusThatTheConfigurationIsOfNoUse) {
  Program program;
  Line north(program, "north");
  ASSERT_TRUE(north.await<airlock::Welcome>());
  Program second;
  second.signal(SIGKILL);
  second.wait();
  second.folder.write("policy.bundle", "no bundle");
  second.start();
  EXPECT_EQ(second.wait(), kUnusable);
  second.folder.write("sallyport.toml", "[guard]\nlisten = 1\n");
  second.start();
  EXPECT_EQ(second.wait(), kUnusable);
}

TEST(GuardProgram, DoesNotTakeTheSocketFilesOfARunningGuard) {
  Program program;
  Line north(program, "north");
  ASSERT_TRUE(north.await<airlock::Welcome>());
  const pid_t second = ::fork();
  if (second == 0) {
    const int nothing = ::open("/dev/null", O_WRONLY);
    ::dup2(nothing, STDERR_FILENO);
    ::execl(SALLYPORT_GUARD, "sallyport-guard", "--config", program.config.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(second, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), kFailed);
  Line again(program, "south");
  EXPECT_TRUE(again.await<airlock::Welcome>());
}

TEST(GuardProgram, ComesBackAfterItWasKilled) {
  Program program;
  {
    Line north(program, "north"), south(program, "south");
    ASSERT_TRUE(south.await<airlock::Welcome>());
    connect(north, south);
    send_message(north, 1);
    ASSERT_TRUE(south.await<airlock::Deliver>());
    program.signal(SIGKILL);
    EXPECT_GT(program.wait(), 128);
    EXPECT_TRUE(north.ended());
  }
  program.start();
  Line north(program, "north"), south(program, "south");
  ASSERT_TRUE(south.await<airlock::Welcome>()) << program.log();
  EXPECT_TRUE(program.recorded("audit.fate-unknown")) << "what was delivered before had not settled";
  connect(north, south);
}

TEST(GuardProgram, StopsWithItsOwnStatusWhenTheLogFails) {
  Program program(1, "");
  Line north(program, "north"), south(program, "south");
  ASSERT_TRUE(south.await<airlock::Welcome>());
  connect(north, south);
  // The next segment or head cannot be made.
  std::filesystem::remove_all(program.folder.path() / "audit");
  send_message(north, 1);
  EXPECT_TRUE(north.await<airlock::Drain>());
  EXPECT_EQ(program.wait(), kAuditFailed) << program.log();
}

TEST(GuardProgram, ASilentEdgeTakesNoDescriptorFromTheOthersOrTheLog) {
  Program program(1, "", 200);
  std::vector<int> silent;
  for (int i = 0; i < 400; ++i) silent.push_back(connect_to(program.folder.path() / "airlock" / "north.sock"));
  Line south(program, "south");
  EXPECT_TRUE(south.await<airlock::Welcome>(2s)) << program.log();
  EXPECT_THAT(ask(program, "status"), HasSubstr("south=present"));
  for (const int each : silent) ::close(each);
  Line north(program, "north");
  EXPECT_TRUE(north.await<airlock::Welcome>()) << program.log();
}

TEST(GuardProgram, AnEdgeHasNoMoreChannelsThanItsShareOfTheDescriptors) {
  Program program(2, "", 224);  // 128 kept, 64 for Hellos: 16 channels for each edge
  airlock::Hello hello;
  hello.edge_lanes = 9;
  Line line(program, "north", hello);
  EXPECT_TRUE(line.await<airlock::Welcome>());
  EXPECT_TRUE(line.ended());
  EXPECT_TRUE(program.recorded("airlock.version"));
  hello.edge_lanes = 8;
  Line fitting(program, "north", hello);
  EXPECT_TRUE(fitting.await<airlock::Welcome>());
  EXPECT_THAT(ask(program, "status"), HasSubstr("north=present"));
}

TEST(GuardProgram, AnEdgeThatComesAnewWithoutEndHasToTakeItsTime) {
  Program program;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t epoch = 1; epoch <= 6; ++epoch) {
    Line line(program, "north", 0, epoch);
    EXPECT_TRUE(line.await<airlock::Welcome>());
  }
  EXPECT_GE(std::chrono::steady_clock::now() - start, 5 * 200ms);
}

TEST(GuardProgram, RecordsWhatWaitsBehindAFarLegThatTakesNothingBeforeItStops) {
  Program program;
  Line north(program, "north"), south(program, "south");
  ASSERT_TRUE(south.await<airlock::Welcome>());
  connect(north, south);
  constexpr std::uint64_t kStanzas = kWindowStanzas + 3;
  std::uint64_t credit = north.granted;
  for (std::uint64_t number = 1; number <= kStanzas; ++number) {
    if (credit-- == 0) {
      const auto more = north.await<airlock::Credit>();
      ASSERT_TRUE(more);
      credit = more->second.stanzas - 1;
    }
    send_message(north, number, {.id = "m" + std::to_string(number)});
  }
  program.signal(SIGTERM);
  ASSERT_TRUE(north.await<airlock::Drain>());
  EXPECT_TRUE(north.ended());
  EXPECT_EQ(program.wait(), kStopped) << program.log();
  const std::string audit = program.audit();
  for (std::uint64_t number = 1; number <= kStanzas; ++number)
    EXPECT_THAT(audit, HasSubstr("\"id\":\"m" + std::to_string(number) + "\""));
  EXPECT_THAT(audit, HasSubstr("\"reason\":\"route.timeout\""));
}

TEST(GuardProgram, LinksNoXmlParserTlsOrResolver) {
  FILE* list = ::popen("ldd " SALLYPORT_GUARD, "r");
  ASSERT_NE(list, nullptr);
  std::string libraries;
  char buffer[4096];
  while (::fgets(buffer, sizeof buffer, list) != nullptr) libraries += buffer;
  ASSERT_EQ(::pclose(list), 0);
  EXPECT_THAT(libraries, HasSubstr("libc.so"));
  for (const char* forbidden : {"libxml2", "libexpat", "libssl", "libgnutls", "libunbound", "libcurl", "libnghttp2"})
    EXPECT_THAT(libraries, Not(HasSubstr(forbidden)));
}

TEST(GuardProgram, RunsWithoutPrivilegesUnderItsFilter) {
  Program program;
  Line north(program, "north");
  ASSERT_TRUE(north.await<airlock::Welcome>());
  std::ifstream file("/proc/" + std::to_string(program.pid()) + "/status");
  std::ostringstream status;
  status << file.rdbuf();
  EXPECT_THAT(status.str(), HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(status.str(), HasSubstr("Seccomp:\t2"));
}

}  // namespace
}  // namespace sallyport::guard
