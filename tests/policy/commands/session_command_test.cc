// What `sallyport policy explain` and `replay` say of clients' sessions.
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/audit/scratch.h"
#include "tests/places.h"
#include "tests/policy/commands/command_run.h"

namespace sallyport::commands {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SessionCommand : public testing::CommandTest {
 protected:
  int run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "policy");
    return CommandTest::run(add_policy, std::move(arguments));
  }
  /// In the session of ann@south.test/desk, a client in the north.
  int explain(const std::string& whose, const std::string& stanza, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"explain", "--bundle", policy_, "--session", "ann@south.test/desk", whose};
    words.insert(words.end(), more.begin(), more.end());
    words.push_back(file("s.xml", stanza));
    return run(words);
  }
  /// The policy with one text in it replaced.
  std::string changed(const std::string& name, const std::string& from, const std::string& to) {
    std::string text = content(policy_);
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return file(name, text.replace(at, from.size(), to));
  }

  std::filesystem::path policy_ = std::filesystem::path(SALLYPORT_TESTS_DIR) / "policy" / "vectors" / "session.toml";
};

TEST_F(SessionCommand, ExplainsWhatAClientSends) {
  EXPECT_EQ(explain("--from-client", "<message to='bob@south.test'><body>hi</body></message>"), 0) << error_;
  EXPECT_THAT(out_, HasSubstr("session   ann@south.test/desk (clients), to the server\nverdict   alter\n"));
  EXPECT_THAT(out_, HasSubstr("finding   addressing.stamped\n"));
  EXPECT_THAT(out_, HasSubstr("rule      clients\n"));
  EXPECT_THAT(out_, HasSubstr("leaves    to the server\n<message from='ann@south.test/desk' to='bob@south.test'>"));
  EXPECT_EQ(explain("--from-client", "<message from='eve@south.test' to='bob@south.test'/>"), 0);
  EXPECT_THAT(out_, HasSubstr("leaves    back to the client, as stream error\ninvalid-from"));
}

TEST_F(SessionCommand, ExplainsWhatItsServerSends) {
  const std::string push =
      "<iq xmlns='jabber:client' id='p' to='ann@south.test/desk' type='set' from='eve@south.test/x'>"
      "<query xmlns='jabber:iq:roster'><item jid='eve@evil.test'/></query></iq>";
  EXPECT_EQ(explain("--from-server", push), 0) << error_;
  EXPECT_THAT(out_, HasSubstr("session   ann@south.test/desk (clients), to the client\nverdict   bounce\n"));
  EXPECT_THAT(out_, HasSubstr("stage     payload: decides payload.own-account\n"));
  EXPECT_THAT(out_, HasSubstr("leaves    back to the server\n<iq from='ann@south.test/desk'"));
  // Nobody is owed an answer but to a request.
  EXPECT_EQ(explain("--from-server", "<message from='bob@south.test/x'><body>overlord</body></message>"), 0);
  EXPECT_THAT(out_, HasSubstr("verdict   drop\nreason    content.refused\n"));
  EXPECT_THAT(out_, Not(HasSubstr("leaves")));
}

TEST_F(SessionCommand, ExplainsASessionAsJson) {
  EXPECT_EQ(explain("--from-server", "<message from='bob@south.test/x'><body>hi</body></message>",
                    {"--client-enclave", "north", "--json"}),
            0)
      << error_;
  EXPECT_THAT(out_, HasSubstr(",\"session\":{\"jid\":\"ann@south.test/desk\",\"login\":\"clients\","
                              "\"client_enclave\":\"north\",\"towards\":\"client\"}}\n"));
  EXPECT_THAT(out_, HasSubstr("\"to\":\"to the client\""));
}

TEST_F(SessionCommand, ExplainsWithTheContactsThatTheSessionHasSeen) {
  policy_ = changed("presence.toml", "\"label\", \"presence\"", "\"label\"");
  const std::string presence = "<presence from='bob@south.test/x' to='ann@south.test/desk'/>";
  EXPECT_EQ(explain("--from-server", presence), 0) << error_;
  EXPECT_THAT(out_, HasSubstr("reason    presence.roster-awaited\n"));
  const std::string roster =
      file("roster.xml", "<query xmlns='jabber:iq:roster'><item jid='bob@south.test' subscription='to'/></query>");
  EXPECT_EQ(explain("--from-server", presence, {"--roster", roster}), 0) << error_;
  EXPECT_THAT(out_, HasSubstr("verdict   release\n"));
  EXPECT_EQ(explain("--from-server", presence, {"--roster", file("none.xml", "<query xmlns='urn:x'/>")}), 1);
  EXPECT_THAT(error_, HasSubstr("none.xml: there is no <query xmlns='jabber:iq:roster'/>"));
}

TEST_F(SessionCommand, ShowsTheStagesThatTheLoginSwitchesOff) {
  policy_ = changed("off.toml", "id = \"clients\"", "id = \"clients\"\noff = [\"content\"]");
  EXPECT_EQ(explain("--from-client", "<message to='bob@south.test'><body>overlord</body></message>"), 0) << error_;
  EXPECT_THAT(out_, HasSubstr("verdict   alter\n"));
  EXPECT_THAT(out_, HasSubstr("stage     content: switched off\n"));
}

TEST_F(SessionCommand, TellsWhichSessionsThereCanBe) {
  const std::string stanza = file("s.xml", "<presence/>");
  const std::pair<std::vector<std::string>, std::string> rows[] = {
      {{"--session", "ann@south.test/desk"}, "--from-client or --from-server, one of them"},
      {{"--session", "ann@south.test/desk", "--from-client", "--from-server"}, "one of them"},
      {{"--from-client"}, "add --session ann@south.example/home"},
      {{"--session", "ann@south.test", "--from-client"}, "'ann@south.test' is not the address of a session"},
      {{"--session", "ann@nowhere.test/desk", "--from-client"}, "no enclave of this policy owns 'nowhere.test'"},
      {{"--session", "nil@north.test/desk", "--from-client"}, "no [[login]] of this policy leads to 'north.test'"},
      {{"--session", "ann@south.test/desk", "--from-client", "--client-enclave", "south"},
       "no [[login]] lets clients of 'south' log in to south.test; there are those of north"},
  };
  for (const auto& [more, what] : rows) {
    std::vector<std::string> words = {"explain", "--bundle", policy_};
    words.insert(words.end(), more.begin(), more.end());
    words.push_back(stanza);
    EXPECT_EQ(run(words), 2) << what;
    EXPECT_THAT(error_, HasSubstr(what));
  }
}

/// A log of a guard that keeps content.
class SessionReplay : public SessionCommand {
 protected:
  void SetUp() override {
    SessionCommand::SetUp();
    auto with = audit::settings(folder_ / "log");
    with.gather = std::chrono::microseconds(0);
    std::filesystem::create_directories(with.directory);
    log_ = std::make_unique<audit::OpenLog>(with);
    ASSERT_EQ(log_->error, "");
  }

  void bound(std::uint64_t crossing) {
    audit::EventRecord event = audit::event("session.bound");
    event.enclave = "north";
    event.crossing = crossing;
    event.details = {{"jid", "ann@south.test/desk"}};
    ASSERT_NE(log_->put(event), 0U);
  }
  struct Ids {
    std::string in, out;
  };
  void put(std::uint64_t crossing, bool to_server, const std::string& from, const std::string& to,
           const std::string& xml, const Ids& ids = {}) {
    audit::StanzaRecord record = audit::release(1, 1);
    record.crossing = crossing;
    record.from_enclave = to_server ? "north" : "south";
    record.to_enclave = to_server ? "south" : "north";
    record.from = from;
    record.to = to;
    record.id = ids.in;
    record.id_out = ids.out;
    record.content = xml;
    ASSERT_NE(log_->put(record), 0U);
  }
  int replay(const std::string& before, const std::string& after) {
    log_->log->close();
    return run({"replay", "--json", "--old", before, "--new", after, folder_ / "log"});
  }

  std::unique_ptr<audit::OpenLog> log_;
};

TEST_F(SessionReplay, JudgesRecordsOfSessionsAsWhatTheyAre) {
  bound(7);
  put(7, true, "ann@south.test/desk", "bob@south.test",
      "<message from='ann@south.test/desk' to='bob@south.test'><body>hi</body></message>");
  put(7, false, "bob@south.test/x", "ann@south.test/desk",
      "<message from='bob@south.test/x'><body>hi</body></message>");
  put(7, true, "ann@south.test", "bob@south.test",
      "<presence from='ann@south.test' to='bob@south.test' type='subscribe'/>");
  // With somebody on the client's own side, either way.
  put(7, true, "ann@south.test/desk", "nil@north.test",
      "<message from='ann@south.test/desk' to='nil@north.test'><body>hi</body></message>");
  put(7, false, "nil@north.test/x", "ann@south.test/desk",
      "<message from='nil@north.test/x' to='ann@south.test/desk'><body>hi</body></message>");
  // Between servers.
  put(8, true, "nil@north.test/x", "ann@south.test",
      "<message from='nil@north.test/x' to='ann@south.test'><body>hi</body></message>");
  EXPECT_EQ(replay(policy_, policy_), 0) << error_;
  EXPECT_THAT(out_, HasSubstr("\"stanzas\":6,\"both\":6,\"neither\":0"));
}

TEST_F(SessionReplay, KnowsSessionsByTheirAddressesWhereTheLogBeginsWithinOne) {
  put(7, true, "ann@south.test/desk", "bob@south.test",
      "<message from='ann@south.test/desk' to='bob@south.test'><body>hi</body></message>");
  put(7, false, "nil@north.test/x", "ann@south.test/desk",
      "<message from='nil@north.test/x' to='ann@south.test/desk'><body>hi</body></message>");
  EXPECT_EQ(replay(policy_, policy_), 0) << error_;
  EXPECT_THAT(out_, HasSubstr("\"stanzas\":2,\"both\":2,\"neither\":0"));
}

TEST_F(SessionReplay, DoesNotTakeARouteOfALaterRunForASession) {
  bound(7);
  ASSERT_NE(log_->put(audit::event("guard.started")), 0U);
  put(7, true, "nil@north.test/x", "ann@south.test",
      "<message from='nil@north.test/x' to='ann@south.test'><body>hi</body></message>");
  EXPECT_EQ(replay(policy_, policy_), 0) << error_;
  EXPECT_THAT(out_, HasSubstr("\"stanzas\":1,\"both\":1,\"neither\":0"));
}

TEST_F(SessionReplay, TellsWhatALoginThatIsGoneDoesNotLetCross) {
  bound(7);
  put(7, true, "ann@south.test/desk", "bob@south.test",
      "<message from='ann@south.test/desk' to='bob@south.test'><body>hi</body></message>");
  std::string text = content(policy_);
  const std::string without = file(
      "without.toml", text.substr(0, text.find("[[content]]")) +
                          text.substr(text.find("[[peering]]"), text.find("[[login]]") - text.find("[[peering]]")));
  EXPECT_EQ(replay(policy_, without), 0) << error_;
  EXPECT_THAT(out_, HasSubstr("\"refused\":1"));
  EXPECT_THAT(out_, HasSubstr("\"new\":{\"reason\":\"addressing.not-granted\""));
}

TEST_F(SessionReplay, FindsTheRequestOfEveryAnswerAndTheContactsOfASession) {
  policy_ = changed("presence.toml", "\"label\", \"presence\"", "\"label\"");
  bound(7);
  const std::string roster = "<query xmlns='jabber:iq:roster'>";
  put(7, true, "ann@south.test/desk", "ann@south.test",
      "<iq from='ann@south.test/desk' id='T1' type='get'>" + roster + "</query></iq>", {"r", "T1"});
  put(7, false, "ann@south.test", "ann@south.test/desk",
      "<iq id='r' type='result'>" + roster + "<item jid='bob@south.test' subscription='to'/></query></iq>",
      {"T1", "r"});
  put(7, false, "bob@south.test/x", "ann@south.test/desk",
      "<presence from='bob@south.test/x' to='ann@south.test/desk'/>");
  put(7, true, "ann@south.test/desk", "bob@south.test/x",
      "<iq from='ann@south.test/desk' id='T2' to='bob@south.test/x' type='get'><query xmlns='jabber:iq:version'/></iq>",
      {"v", "T2"});
  EXPECT_EQ(replay(policy_, policy_), 0) << error_;
  EXPECT_THAT(out_, HasSubstr("\"stanzas\":4,\"both\":4,\"neither\":0"));
  EXPECT_THAT(out_, HasSubstr("\"otherwise\":0"));
}

}  // namespace
}  // namespace sallyport::commands
