// judge_bench [COUNT]: what decoding, judging and the output check of one labelled chat message cost, in nanoseconds of
// this thread's processor time, so that other work on the machine counts less, and how often memory was asked for. Each
// row has one more stage than the one before it; the label is always the same, as labels are that cross again and
// again.
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

#include <time.h>

#include "inspect/normal_form.h"
#include "policy/payload/switches.h"
#include "policy/pipeline.h"
#include "tests/policy/label/sample_policies.h"

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace sallyport::policy {
namespace {

/// Rules that this message does not match, of all kinds that a policy has, and the one at the end that releases it.
void add_rules(Tables& tables, std::size_t count) {
  for (std::size_t i = 0; i + 1 < count; ++i) {
    Rule rule;
    rule.id = "rule" + std::to_string(i);
    rule.text = "x";
    rule.from.any = rule.to.any = true;
    rule.stanzas = i % 2 == 0 ? types_of(Kind::Message) : kAllStanzaTypes;
    rule.action = Action::Bounce;
    switch (i % 4) {
      case 0:
        rule.payload = {{static_cast<std::uint16_t>(tables.payloads.size())}};
        tables.payloads.push_back({"urn:payload:" + std::to_string(10'000 + i), ""});
        break;
      case 1:
        rule.from = {.any = false, .domains = {}, .lists = {static_cast<std::uint16_t>(tables.lists.size())}};
        tables.lists.push_back({"", {"user" + std::to_string(i) + "@north.test"}});
        break;
      case 2:
        rule.stanzas = bit(StanzaType::IqSet);
        break;
      default:
        rule.from = {.any = false, .domains = {1}, .lists = {}};
    }
    tables.rules.push_back(std::move(rule));
  }
  if (count == 0) return;
  Rule last;
  last.id = "last";
  last.text = "x";
  last.from.any = last.to.any = true;
  last.stanzas = types_of(Kind::Message);
  last.action = Action::Release;
  tables.rules.push_back(std::move(last));
}

/// Words that no text has: eight letters each.
std::vector<std::string> words(std::size_t count) {
  std::vector<std::string> all;
  std::uint32_t state = 1;
  while (all.size() < count) {
    std::string word;
    while (word.size() < 8) {
      state = state * 1664525U + 1013904223U;
      word += static_cast<char>('a' + (state >> 16) % 26);
    }
    all.push_back(word);
  }
  return all;
}

/// Both enclaves speak ACME and are cleared for the label of the message.
void add_labels(Tables& tables) {
  LabelTables& labels = tables.labels;
  labels.policies = {{.name = "acme", .spif = label::testing::acme().spif(), .options = {}, .lang = ""}};
  labels.clearances = {{"c1", 0, label::testing::clearances().at("C1")}};
  labels.enclaves.resize(2);
  for (EnclaveLabels& enclave : labels.enclaves) {
    enclave.policy = 0;
    enclave.clearances = {0};
  }
}

/// With so many words in a content rule and so many rules; 0: none.
Bundle bundle(std::uint8_t stages_off, std::size_t word_count, std::size_t rules) {
  Tables tables;
  tables.name = "bench";
  tables.enclaves = {{.name = "north", .revocation = {}, .withdrawn = {}},
                     {.name = "south", .revocation = {}, .withdrawn = {}}};
  tables.domains = {{"north.test", 0, 0}, {"south.test", 1, 1}};
  Peering peering;
  peering.id = "all";
  peering.message = true;
  peering.payloads = switches(Profile::Chat).bits();
  tables.peerings = {peering};
  tables.routes = {{0, 1, 0}, {1, 0, 0}};
  tables.settings.stages_off = stages_off;
  add_labels(tables);
  tables.peerings[0].rates = {.pair_stanzas = 1'000'000'000, .user_messages = 1'000'000'000};
  add_rules(tables, rules);
  if (word_count > 0) {
    ContentRule rule;
    rule.id = "words";
    rule.places = bit(TextPlace::Body);
    rule.words = words(word_count);
    rule.peerings = {0};
    tables.contents = {rule};
  }
  return *Bundle::make(std::move(tables));
}

/// ACME SECRET REL TO UK, FRANCE, as the guard writes it.
void write_label(inspect::NormalFormWriter& writer) {
  constexpr std::string_view kLabels = "urn:xmpp:sec-label:0";
  inspect::Attribute colours[] = {{"", "bgcolor", "red"}, {"", "fgcolor", "white"}};
  writer.open(kLabels, "securitylabel", {});
  writer.open(kLabels, "displaymarking", colours);
  writer.text("ACME SECRET REL TO UK, FRANCE");
  writer.close();
  writer.open(kLabels, "label", {});
  writer.open("urn:xmpp:sec-label:ess:0", "esssecuritylabel", {});
  writer.text("MTACAQQGBYg3ggIBMSQwIoAKYIZIAWUCAQgDAaEUMBIGBog3ggIBAjEIAgIA+gICAzo=");
  for (int i = 0; i < 3; ++i) writer.close();
}

std::string chat() {
  inspect::Attribute attributes[] = {
      {"", "from", "ann@north.test/phone"}, {"", "id", "a1b2c3d4"}, {"", "to", "bob@south.test"}, {"", "type", "chat"}};
  std::string out;
  inspect::NormalFormWriter writer(out);
  writer.open("", "message", attributes);
  writer.open("", "body", {});
  writer.text("Are you coming to the gate at nine?");
  writer.close();
  writer.open("http://jabber.org/protocol/chatstates", "active", {});
  writer.close();
  write_label(writer);
  writer.close();
  return out;
}

struct Case {
  const char* name;
  bool judging;
  std::uint8_t stages_off;
  std::size_t words, rules;
};
constexpr Case kCases[] = {
    {"decode", false, 0b1111100, 0, 0},
    {"and judge shape, addresses", true, 0b1111100, 0, 0},
    {"and payloads", true, 0b1111000, 0, 0},
    {"and labels", true, 0b1110000, 0, 0},
    {"and presence", true, 0b1100000, 0, 0},
    {"and rates", true, 0b0100000, 0, 0},
    {"and 1 word", true, 0, 1, 0},
    {"10000 words", true, 0, 10'000, 0},
    {"and 1000 rules", true, 0, 10'000, 1000},
};

double processor_time() {
  timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) * 1e9 + static_cast<double>(spent.tv_nsec);
}

int run(std::size_t count) {
  const std::string octets = chat();
  const Pair granted[] = {{"north.test", "south.test"}};
  const Crossing crossing{.from_enclave = "north", .to_enclave = "south", .lang = "en", .granted = granted};
  std::size_t wanted = 0;
  std::size_t released = 0;
  for (const Case& each : kCases) {
    const Bundle policy = bundle(each.stages_off, each.words, each.rules);
    Memory memory;
    Scratch scratch(memory);
    Moment now;
    now.wall = label::testing::summer();
    const auto pass = [&] {
      scratch.arena.clear();
      const auto stanza = inspect::decode(octets, scratch.arena, inspect::ParserLimits{});
      if (!each.judging) return;
      now.steady += std::chrono::milliseconds(1);
      const Judgement judgement = judge(**stanza, octets.size(), crossing, now, policy, scratch);
      memory.commit(judgement.intents.release, now);
      const bool crosses = judgement.verdict == Verdict::Release || judgement.verdict == Verdict::Alter;
      released += crosses && !check_output(**stanza, granted[0], octets.size(), 0);
    };
    for (int i = 0; i < 1000; ++i) pass();
    const std::size_t allocated = allocations;
    const double start = processor_time();
    for (std::size_t i = 0; i < count; ++i) pass();
    const double took = processor_time() - start;
    std::printf("%-28s %8.1f ns  %5.2f allocations\n", each.name, took / static_cast<double>(count),
                static_cast<double>(allocations - allocated) / static_cast<double>(count));
    if (each.judging) wanted += count + 1000;
  }
  return released == wanted ? 0 : 1;
}

}  // namespace
}  // namespace sallyport::policy

int main(int count, char** arguments) {
  return sallyport::policy::run(count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 1'000'000);
}
