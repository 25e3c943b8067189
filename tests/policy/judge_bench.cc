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

Bundle bundle() {
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

int run(std::size_t count) {
  const Bundle policy = bundle();
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
  pass(true);
  released = 0;
  time(false);
  time(true);
  return released == count ? 0 : 1;
}

}  // namespace
}  // namespace sallyport::policy

int main(int count, char** arguments) {
  return sallyport::policy::run(count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 1'000'000);
}
