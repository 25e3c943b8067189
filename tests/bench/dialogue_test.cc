// The load's own pieces: both ends of its negotiations understand each other, its stanzas are as long as asked, and are
// counted wherever they are cut.
#include "tests/bench/dialogue.h"

#include <gtest/gtest.h>

#include "tests/bench/load.h"

namespace sallyport::bench {
namespace {

/// Lets one side hear text and collects what it says until it has nothing more to do.
std::string say(Dialogue& dialogue, std::string_view text, Dialogue::Then& then) {
  auto step = dialogue.hear(text);
  std::string said = step.send;
  while (step.then == Dialogue::Then::Read && !step.send.empty()) {
    step = dialogue.hear("");
    said += step.send;
  }
  then = step.then;
  return said;
}

TEST(BenchDialogue, OpensAStreamBetweenTwoServers) {
  ServerDialogue near(ServerDialogue::Role::Initiator, "a.test", "b.test");
  ServerDialogue far(ServerDialogue::Role::Receiver, "", "");
  Dialogue::Then near_then{}, far_then{};
  auto text = say(near, say(far, near.begin(), far_then), near_then);
  EXPECT_EQ(far.from(), "b.test");
  text = say(near, say(far, text, far_then), near_then);
  EXPECT_EQ(near_then, Dialogue::Then::StartTls);
  EXPECT_EQ(far_then, Dialogue::Then::StartTls);
  text = say(near, say(far, near.secured(), far_then), near_then);
  EXPECT_NE(text.find("mechanism='EXTERNAL'>YS50ZXN0</auth>"), std::string::npos) << text;
  text = say(near, say(far, text, far_then), near_then);
  text = say(near, say(far, text, far_then), near_then);
  EXPECT_EQ(near_then, Dialogue::Then::Open);
  EXPECT_EQ(far_then, Dialogue::Then::Open);
}

/// Lets both speak, from `text` of the client's, until neither has anything to say. Gives what each did last.
std::pair<Dialogue::Then, Dialogue::Then> talk(Dialogue& client, Dialogue& server, std::string text) {
  std::pair<Dialogue::Then, Dialogue::Then> then{};
  while (!text.empty()) text = say(client, say(server, text, then.second), then.first);
  return then;
}

TEST(BenchDialogue, LogsAClientIn) {
  for (const bool secure : {false, true}) {
    LoginDialogue client(LoginDialogue::Role::Client, "bob@b.test", "b.test", secure);
    LoginDialogue server(LoginDialogue::Role::Server, "", "", secure);
    if (!secure) {
      const std::pair both_start_tls{Dialogue::Then::StartTls, Dialogue::Then::StartTls};
      EXPECT_EQ(talk(client, server, client.begin()), both_start_tls);
    }
    const std::pair both_open{Dialogue::Then::Open, Dialogue::Then::Open};
    EXPECT_EQ(talk(client, server, client.secured()), both_open);
    EXPECT_EQ(server.from(), "b.test");
    EXPECT_EQ(server.to(), "bob@b.test");
    EXPECT_EQ(client.rest() + server.rest(), "");
  }
}

TEST(BenchLeg, CountsStanzasWhereverTheyAreCut) {
  const std::string text = "<message><body>x</body></message><r xmlns='urn:xmpp:sm:3'/> <message/></message>";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Leg leg(-1, true);
    const auto first = leg.hear(text.substr(0, cut));
    const auto second = leg.hear(text.substr(cut));
    EXPECT_EQ(first.stanzas + second.stanzas, 2U) << cut;
    EXPECT_NE(first.wants_ack, second.wants_ack) << cut;
    EXPECT_EQ(leg.ack(), "<a xmlns='urn:xmpp:sm:3' h='1'/>") << cut;
  }
}

TEST(BenchDialogue, HearsRefusals) {
  for (const std::string refusal :
       {"<stream:error><host-unknown/></stream:error>", "</stream:features><stream:error/>"}) {
    ServerDialogue near(ServerDialogue::Role::Initiator, "a.test", "b.test");
    Dialogue::Then then{};
    say(near, "<stream:stream>" + refusal, then);
    EXPECT_EQ(then, Dialogue::Then::Fail);
  }
}

TEST(BenchLoad, MakesStanzasOfTheSizeAskedFor) {
  for (const std::size_t octets : {200U, 500U, 2000U}) {
    const auto text = chat_message("romeo@n000.north.test/orchard", "juliet@s000.south.test/balcony", octets, 7);
    EXPECT_EQ(text.size(), octets) << text;
    EXPECT_NE(text.find(" id='00000007'"), std::string::npos);
    EXPECT_TRUE(text.ends_with("</message>"));
    EXPECT_EQ(text.find("urn:xmpp:receipts") != std::string::npos, octets >= 500) << text;
  }
}

TEST(BenchDialogue, WritesBase64AsTheStandardHasIt) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}};
  for (const auto& [octets, text] : rows) EXPECT_EQ(base64(octets), text);
}

}  // namespace
}  // namespace sallyport::bench
