// judge_bench [COUNT]: what decoding, judging and the output check of one chat message cost, in nanoseconds, and how
// often memory was asked for; without rules, with ten and with a thousand (budgets.md P13).
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

Bundle bundle(std::size_t rules) {
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
  tables.settings.stages_off = 0b1111000;
  add_rules(tables, rules);
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

int run(std::size_t count, std::size_t rules) {
  const Bundle policy = bundle(rules);
  const std::string octets = chat();
  const Pair granted[] = {{"north.test", "south.test"}};
  const Crossing crossing{.from_enclave = "north", .to_enclave = "south", .lang = "en", .granted = granted};
  const Memory memory;
  Scratch scratch(memory);
  std::size_t released = 0;
  const auto pass = [&](bool judging) {
    scratch.arena.clear();
    const auto stanza = inspect::decode(octets, scratch.arena, inspect::ParserLimits{});
    if (!judging) return;
    const Judgement judgement = judge(**stanza, octets.size(), crossing, Moment(), policy, scratch);
    released += judgement.verdict == Verdict::Release && !check_output(**stanza, granted[0], octets.size(), 0);
  };
  const auto time = [&](bool judging) {
    const std::size_t allocated = allocations;
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < count; ++i) pass(judging);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    std::printf("%-28s %8.1f ns  %5.2f allocations\n", judging ? "decode, judge, check output" : "decode",
                took.count() / static_cast<double>(count),
                static_cast<double>(allocations - allocated) / static_cast<double>(count));
  };
  std::printf("%zu rules\n", rules);
  pass(true);
  released = 0;
  time(false);
  time(true);
  return released == count ? 0 : 1;
}

}  // namespace
}  // namespace sallyport::policy

int main(int count, char** arguments) {
  const std::size_t times = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 1'000'000;
  for (const std::size_t rules : {0U, 10U, 1'000U})
    if (const int status = sallyport::policy::run(times, rules)) return status;
}
