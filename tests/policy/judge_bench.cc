// judge_bench [COUNT]: what decoding, judging and the output check of one chat message cost, in nanoseconds, and how
// often memory was asked for.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

#include "inspect/normal_form.h"
#include "policy/payload/switches.h"
#include "policy/pipeline.h"

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
    {"and rates", true, 0b0111000, 0, 0},
    {"and 10 words", true, 0b0011000, 10, 0},
    {"and 10000 words", true, 0b0011000, 10'000, 0},
    {"and 1000 rules", true, 0b0011000, 10'000, 1000},
};

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
    const auto pass = [&] {
      scratch.arena.clear();
      const auto stanza = inspect::decode(octets, scratch.arena, inspect::ParserLimits{});
      if (!each.judging) return;
      now.steady += std::chrono::milliseconds(1);
      const Judgement judgement = judge(**stanza, octets.size(), crossing, now, policy, scratch);
      memory.commit(judgement.intents.release, now);
      released += judgement.verdict == Verdict::Release && !check_output(**stanza, granted[0], octets.size(), 0);
    };
    for (int i = 0; i < 1000; ++i) pass();
    const std::size_t allocated = allocations;
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < count; ++i) pass();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    std::printf("%-28s %8.1f ns  %5.2f allocations\n", each.name, took.count() / static_cast<double>(count),
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
