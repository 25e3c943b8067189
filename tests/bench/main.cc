// bench_load: one measurement of one proxy. Prints one line of JSON; `run` puts measurements together.
#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "tests/bench/clocks.h"
#include "tests/bench/load.h"

namespace {

using namespace sallyport::bench;

struct Options {
  LoadSettings load;
  std::vector<pid_t> processes;
  double rate = 20'000, warm = 1, seconds = 5, idle = 2;
  std::size_t at_once = 16;
};

Clock::time_point after(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

/// CPU per stanza over exactly the window in which the sink counts.
void flow(const Options& options, bool packed) {
  Load load(options.load);
  load.open(options.at_once);
  const ProcessClocks clocks(options.processes);
  const auto send = [&](double seconds) {
    packed ? load.send_packed(after(seconds)) : load.send_paced(options.rate, after(seconds));
  };
  send(options.warm);
  const auto counted = load.counted();
  const auto cpu = clocks.seconds();
  const auto start = Clock::now();
  send(options.seconds);
  const auto used = clocks.seconds() - cpu;
  const auto took = std::chrono::duration<double>(Clock::now() - start).count();
  const auto stanzas = load.counted() - counted;
  if (stanzas == 0) throw std::runtime_error("nothing came through in the window");
  std::printf("{\"stanzas\":%llu,\"seconds\":%.6f,\"cpu\":%.9f,\"behind\":%llu}\n",
              static_cast<unsigned long long>(stanzas), took, used, static_cast<unsigned long long>(load.behind()));
}

/// CPU per establishment; then CPU while all have carried stanzas and are idle, and memory per crossing after that.
void establish(const Options& options) {
  Load load(options.load);
  const ProcessClocks clocks(options.processes);
  const auto memory = anonymous_memory(options.processes);
  const auto cpu = clocks.seconds();
  const auto start = Clock::now();
  load.open(options.at_once);
  const auto used = clocks.seconds() - cpu;
  const auto took = std::chrono::duration<double>(Clock::now() - start).count();
  load.send_each(3);
  load.idle(after(options.warm));
  const auto cpu_before = clocks.seconds();
  load.idle(after(options.idle));
  const auto idle = (clocks.seconds() - cpu_before) / options.idle;
  const auto grown = static_cast<double>(anonymous_memory(options.processes)) - static_cast<double>(memory);
  std::printf("{\"legs\":%zu,\"seconds\":%.6f,\"cpu\":%.9f,\"idle\":%.9f,\"memory\":%.0f}\n", options.load.legs, took,
              used, idle, grown);
}

/// CPU of TLS handshakes alone, one leg each.
void handshakes(const Options& options) {
  Load load(options.load);
  const ProcessClocks clocks(options.processes);
  const auto cpu = clocks.seconds();
  load.shake_hands(options.load.near, options.load.legs, options.at_once);
  load.idle(after(0.2));
  std::printf("{\"handshakes\":%zu,\"cpu\":%.9f}\n", options.load.legs, clocks.seconds() - cpu);
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  CLI::App app("One measurement of one proxy", "bench_load");
  app.add_option("--near", options.load.near, "Where the proxy listens")->required();
  app.add_option("--sink", options.load.sink, "Where the proxy finds the sink")->required();
  app.add_option("--certificates", options.load.certificates, "Folder made by certificates.py")->required();
  app.add_option("--domains", options.load.domains, "Domains on each side");
  app.add_option("--legs", options.load.legs, "Legs, or handshakes");
  app.add_option("--octets", options.load.octets, "Octets of a stanza");
  app.add_option("--rate", options.rate, "Stanzas a second");
  app.add_option("--warm", options.warm, "Seconds before the window");
  app.add_option("--seconds", options.seconds, "Seconds of the window");
  app.add_option("--idle", options.idle, "Seconds in which nothing is sent");
  app.add_option("--at-once", options.at_once, "Legs in negotiation at once");
  app.add_option("--process", options.processes, "Processes whose CPU counts")->required();
  app.add_flag("--blind", options.load.blind, "The proxy knows no XMPP: TLS from the first octet");
  app.add_flag("--clients", options.load.clients, "Clients and their servers, instead of servers");
  auto* const paced = app.add_subcommand("paced", "One stanza a record, at a rate");
  auto* const packed = app.add_subcommand("packed", "Records full of stanzas, as fast as they are taken");
  auto* const opening = app.add_subcommand("establish", "Opening legs, and what they hold when idle");
  auto* const shaking = app.add_subcommand("handshake", "TLS handshakes with the proxy alone");
  app.require_subcommand(1);
  CLI11_PARSE(app, count, arguments);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    if (paced->parsed()) flow(options, false);
    if (packed->parsed()) flow(options, true);
    if (opening->parsed()) establish(options);
    if (shaking->parsed()) handshakes(options);
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "bench_load: %s\n", exception.what());
    return 1;
  }
  return 0;
}
