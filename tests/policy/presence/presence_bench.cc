// What the presence stage costs: memory of a pair, time of a stanza, with a million pairs.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <malloc.h>
#include <time.h>

#include "inspect/normal_form.h"
#include "policy/pipeline.h"

namespace {

using namespace sallyport;
using namespace sallyport::policy;

constexpr std::size_t kPairs = 1'000'000;

std::size_t in_use() {
  return ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
}

/// Each watcher has ten contacts; names as long as they are in the field.
std::string watcher(std::size_t i) {
  return "officer." + std::to_string(i / 10) + "@command.north.test";
}
std::string watched(std::size_t i) {
  return "liaison." + std::to_string(i) + "@staff.south.test";
}

Bundle make_bundle(bool off, bool hides = false) {
  Tables tables;
  tables.name = "bench";
  tables.enclaves = {{.name = "north", .revocation = {}, .withdrawn = {}},
                     {.name = "south", .revocation = {}, .withdrawn = {}}};
  tables.domains = {{"command.north.test", 0, 0}, {"staff.south.test", 1, 1}};
  Peering all;
  all.id = "all";
  all.message = all.presence = all.iq = true;
  all.presence_rules.interval = 0;
  if (hides) all.presence_rules.hidden_resources = {"staff.south.test"};
  tables.peerings = {all};
  tables.routes = {{0, 1, 0}, {1, 0, 0}};
  tables.settings.stages_off =
      static_cast<std::uint8_t>(off ? 0b1111100 : 0b1111100 & ~(1U << static_cast<unsigned>(Stage::Presence)));
  return *Bundle::make(std::move(tables));
}

/// Of this thread, in nanoseconds: the machine may have other things to do.
double processor_time() {
  timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) * 1e9 + static_cast<double>(spent.tv_nsec);
}

enum class Commits { No, Yes };

double nanoseconds(const Bundle& bundle, Memory& memory, Commits commits, std::size_t count) {
  Scratch scratch(memory);
  const Pair granted[] = {{"staff.south.test", "command.north.test"}};
  const Crossing crossing{.from_enclave = "south", .to_enclave = "north", .lang = "", .granted = granted};
  Moment now;
  now.wall = std::chrono::sys_days(std::chrono::year(2026) / 3 / 4);
  std::size_t released = 0;
  const double start = processor_time();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t pair = i * 7919 % 2000 * 499;  // addresses that the cache knows, pairs all over the table
    scratch.arena.clear();
    inspect::TreeEditor edit(scratch.arena);
    inspect::Node* stanza = edit.element("", "presence");
    edit.set_attribute(*stanza, "from", scratch.arena.copy(watched(pair) + "/desk"));
    edit.set_attribute(*stanza, "to", scratch.arena.copy(watcher(pair)));
    edit.append_text(*edit.append(*stanza, "", "show"), "away");
    const Judgement judgement = judge(*stanza, 100, crossing, now, bundle, scratch);
    if (commits == Commits::Yes) memory.commit(judgement.intents.release, now);
    released += judgement.verdict == Verdict::Release || judgement.verdict == Verdict::Alter ? 1 : 0;
  }
  if (released != count) {
    std::fprintf(stderr, "only %zu of %zu were released\n", released, count);
    std::exit(1);
  }
  return (processor_time() - start) / static_cast<double>(count);
}

}  // namespace

int main() {
  const Moment now{.wall = std::chrono::sys_days(std::chrono::year(2026) / 3 / 4), .steady = {}};
  Memory memory;
  const std::size_t before = in_use();
  for (std::size_t i = 0; i < kPairs; ++i) memory.ledger.import({watcher(i), watched(i)}, now);
  const std::size_t pairs = in_use() - before;
  std::printf("memory of a pair:          %.0f octets\n", static_cast<double>(pairs) / kPairs);
  for (std::size_t i = 0; i < kPairs / 5; ++i)
    memory.ledger.commit({presence::Change::Act::Show, {watcher(i * 5), watched(i * 5)}, "desk"}, now);
  const std::size_t shown = in_use() - before - pairs;
  std::printf("... more for one shown:    %.0f octets\n", static_cast<double>(shown) / (kPairs / 5.0));
  constexpr std::size_t kCount = 400'000;
  const Bundle without_stage = make_bundle(true), with_stage = make_bundle(false), hiding = make_bundle(false, true);
  nanoseconds(with_stage, memory, Commits::Yes, kCount / 10);
  const double nothing = nanoseconds(without_stage, memory, Commits::No, kCount);
  const double judged = nanoseconds(with_stage, memory, Commits::No, kCount);
  const double committed = nanoseconds(with_stage, memory, Commits::Yes, kCount);
  const double hidden = nanoseconds(hiding, memory, Commits::Yes, kCount);
  std::printf(
      "building and judging without the stage: %.0f ns\nthe stage:                %.0f ns\n... and its commit:       "
      "%.0f ns\ntogether:                 %.0f ns\nto hide the resource:     %.0f ns\n",
      nothing, judged - nothing, committed - judged, committed - nothing, hidden - committed);
}
