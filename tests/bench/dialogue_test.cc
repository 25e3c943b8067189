// The load's own pieces: both ends of its negotiation understand each other, and its stanzas are as long as asked.
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

TEST(BenchDialogue, OpensAStreamBetweenItsTwoRoles) {
  Dialogue near(Dialogue::Role::Initiator, "a.test", "b.test"), far(Dialogue::Role::Receiver, "", "");
  Dialogue::Then near_then{}, far_then{};
  auto text = say(near, say(far, near.begin(), far_then), near_then);
  EXPECT_EQ(far.own_domain(), "b.test");
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

TEST(BenchDialogue, HearsRefusals) {
  for (const std::string refusal :
       {"<stream:error><host-unknown/></stream:error>", "</stream:features><stream:error/>"}) {
    Dialogue near(Dialogue::Role::Initiator, "a.test", "b.test");
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
