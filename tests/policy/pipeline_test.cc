// Runs the vectors: text in, parser, normal form, decoder, pipeline, output check, serializer, text out.
#include "policy/pipeline.h"

#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "inspect/serializer.h"
#include "inspect/stream_parser.h"
#include "policy/bounce.h"
#include "policy/source/files.h"
#include "policy/source/source.h"
#include "tests/policy/vectors.h"

namespace sallyport::policy {
namespace {

using testing::Vector;

/// The normal form of the first element after the header.
std::string normal_form(const std::string& xml) {
  inspect::StreamParser parser(inspect::ns::kServer, inspect::ParserLimits{});
  parser.feed(
      "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' from='north.test' "
      "to='south.test' version='1.0'>" +
      xml);
  std::string found;
  for (auto event = parser.next(); found.empty(); event = parser.next()) {
    if (!event) throw std::runtime_error("the vector is not a stanza: " + event.error().why);
    if (!*event) throw std::runtime_error("the vector is not complete");
    if (const auto* stanza = std::get_if<inspect::StanzaRead>(&**event)) found = stanza->normal_form;
    if (const auto* element = std::get_if<inspect::StreamElement>(&**event)) found = element->normal_form;
  }
  return found;
}

Bundle bundle_for(const Vector& vector) {
  std::string text = testing::read_vector_file(vector.policy);
  for (const auto& [table, line] : vector.settings) {
    const std::string header = "[" + table + "]\n";
    std::size_t at = text.find(header) + header.size();
    // A key that stands there already is replaced.
    const std::string key = line.substr(0, line.find(" ="));
    if (text.compare(at, key.size(), key) == 0) text.erase(at, text.find('\n', at) + 1 - at);
    text.insert(at, line + "\n");
  }
  auto compiled = source::compile(text, vector.policy, source::files_beside(testing::vector_path(vector.policy)));
  if (!compiled) throw std::runtime_error(inspect::describe(compiled.error().front()));
  return std::move(compiled->bundle);
}

std::string serialized(const inspect::Node& stanza) {
  std::string out;
  inspect::serialize(stanza, inspect::ns::kServer, out);
  return out;
}

std::vector<std::string> codes(const Findings& findings) {
  std::vector<std::string> all;
  for (const Reason reason : findings) all.emplace_back(code(reason));
  return all;
}

/// What the far side, or the sender, gets to see.
std::string what_leaves(const Judgement& judgement, const inspect::Node& stanza, inspect::Arena& arena) {
  switch (judgement.verdict) {
    case Verdict::Release:
    case Verdict::Alter:
      return serialized(stanza);
    case Verdict::Bounce:
      return serialized(*make_bounce(judgement.facts, judgement.fault, arena));
    case Verdict::Sever:
      return std::string(inspect::name(judgement.sever));
    case Verdict::Answer:
      return serialized(*judgement.answer);
    case Verdict::Drop:
      return "";
  }
  return "";
}

IqRequest waiting_request(const Tokens::Token& token, std::string_view from) {
  IqRequest request;
  request.token = token;
  request.from = from;
  request.to = "bob@south.test";
  request.patience = std::chrono::minutes(1);
  return request;
}

constexpr std::string_view kSession = "ann@south.test/desk";

void in_session(Crossing& crossing, const ClientSession& session, const Vector& vector, const Bundle& bundle) {
  if (vector.session.empty()) return;
  crossing.client = &session;
  crossing.login = bundle.login("north", *bundle.domain("south.test"));
}

/// Lets a stanza cross the other way and be remembered.
void let_cross_back(const std::string& xml, const Vector& vector, const Bundle& bundle, Memory& memory,
                    Scratch& scratch) {
  std::vector<Pair> granted;
  for (const auto& [from, to] : vector.granted) granted.push_back({to, from});
  Crossing crossing{
      .from_enclave = vector.to_enclave, .to_enclave = vector.from_enclave, .lang = vector.lang, .granted = granted};
  const ClientSession session{.full = kSession, .from_client = vector.session == "server"};
  in_session(crossing, session, vector, bundle);
  const std::string octets = normal_form(xml);
  const auto stanza = inspect::decode(octets, scratch.arena, inspect::ParserLimits{});
  const Judgement judgement = judge(**stanza, octets.size(), crossing, Moment{}, bundle, scratch);
  if (judgement.verdict != Verdict::Release && judgement.verdict != Verdict::Alter)
    throw std::runtime_error("does not cross before: " + xml + ": " + std::string(code(judgement.reason)));
  memory.commit(judgement.intents.release, Moment{});
}

class Vectors : public ::testing::TestWithParam<Vector> {};

TEST_P(Vectors, ComeToWhatTheySay) {
  const Vector& vector = GetParam();
  const Bundle bundle = bundle_for(vector);
  std::vector<Pair> granted;
  for (const auto& [from, to] : vector.granted) granted.push_back({from, to});
  const std::string octets = normal_form(vector.in);

  Memory memory;
  Scratch scratch(memory);
  Tokens others({1});
  for (std::size_t i = 0; i < vector.open; ++i) memory.iq.open(waiting_request(others.next(), vector.open_from), {});
  for (const std::string& xml : vector.before) let_cross_back(xml, vector, bundle, memory, scratch);
  const auto stanza = inspect::decode(octets, scratch.arena, inspect::ParserLimits{});
  ASSERT_TRUE(stanza) << stanza.error().what;
  Crossing crossing{
      .from_enclave = vector.from_enclave, .to_enclave = vector.to_enclave, .lang = vector.lang, .granted = granted};
  const ClientSession session{.full = kSession, .from_client = vector.session == "client"};
  in_session(crossing, session, vector, bundle);
  const Moment now{.wall = vector.time, .steady = {}};
  Crossing crossing_before = crossing;
  const ClientSession session_before{.full = vector.earlier_in, .from_client = session.from_client};
  if (!vector.earlier_in.empty()) crossing_before.client = &session_before;
  for (int before = 1; before < vector.repeat; ++before) {
    const auto earlier = inspect::decode(octets, scratch.arena, inspect::ParserLimits{});
    const Judgement of_earlier = judge(**earlier, octets.size(), crossing_before, now, bundle, scratch);
    const bool released = of_earlier.verdict == Verdict::Release || of_earlier.verdict == Verdict::Alter;
    memory.commit(released ? of_earlier.intents.release : of_earlier.intents.refusal, now);
  }
  const Judgement judgement = judge(**stanza, octets.size(), crossing, now, bundle, scratch);

  EXPECT_EQ(name(judgement.verdict), vector.verdict);
  EXPECT_EQ(code(judgement.reason), vector.reason);
  EXPECT_THAT(codes(judgement.findings), ::testing::UnorderedElementsAreArray(vector.findings));
  if (!vector.rule.empty()) EXPECT_EQ(judgement.rule, vector.rule == "none" ? "" : vector.rule);
  if (!vector.because.empty()) EXPECT_EQ(judgement.label_detail, vector.because);
  const std::string leaves = what_leaves(judgement, **stanza, scratch.arena);
  EXPECT_EQ(leaves, vector.out);
  if (judgement.verdict != Verdict::Release && judgement.verdict != Verdict::Alter) return;

  EXPECT_NE(judgement.rule, "");
  if (crossing.client) {
    EXPECT_EQ(check_client_output(**stanza, session, leaves.size(), 0), std::nullopt);
    return;
  }
  const Pair pair{std::string(judgement.facts.from.domain), std::string(judgement.facts.to.domain)};
  EXPECT_THAT(granted, ::testing::Contains(pair));
  EXPECT_EQ(check_output(**stanza, pair, leaves.size(), 0), std::nullopt);
  // An answer that has its requester's id again is an answer to nothing.
  if (!vector.before.empty()) return;
  // What leaves would be judged the same again, and nothing about it would be changed.
  const std::string again = normal_form(leaves);
  const auto twice = inspect::decode(again, scratch.arena, inspect::ParserLimits{});
  ASSERT_TRUE(twice) << twice.error().what;
  EXPECT_EQ(judge(**twice, again.size(), crossing, now, bundle, scratch).verdict, Verdict::Release);
}

INSTANTIATE_TEST_SUITE_P(All, Vectors, ::testing::ValuesIn(testing::read_vectors()), [](const auto& each) {
  return "Line" + std::to_string(each.param.line) + "_" + each.param.file.substr(0, each.param.file.find('.'));
});

}  // namespace
}  // namespace sallyport::policy
