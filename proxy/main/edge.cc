// sallyport-edge: owns every socket of one enclave. See proxy/edge/edge.h.
#include "proxy/edge/edge.h"

#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "inspect/stream_parser_memory.h"
#include "proxy/airlock/lockdown.h"
#include "proxy/config/load.h"

namespace {

namespace airlock = sallyport::airlock;
namespace config = sallyport::config;
namespace edge = sallyport::edge;

struct Found {
  config::Edge edge;
  std::filesystem::path airlock;
  std::string log_level;
};

std::expected<Found, std::string> find(const std::filesystem::path& file, const std::string& enclave) {
  auto loaded = config::load(file);
  if (!loaded) {
    std::string text = "the configuration has mistakes:";
    for (const auto& mistake : loaded.error()) text += "\n" + sallyport::inspect::describe(mistake);
    return std::unexpected(text);
  }
  for (auto& each : loaded->edges)
    if (each.enclave == enclave) return Found{std::move(each), loaded->guard.airlock, loaded->log_level};
  return std::unexpected("the configuration has no enclave \"" + enclave + '"');
}

int run(const std::filesystem::path& file, const std::string& enclave) {
  const auto log = spdlog::stderr_logger_mt("edge " + enclave);
  log->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  auto found = find(file, enclave);
  if (!found) {
    log->error(found.error());
    return 2;
  }
  log->set_level(spdlog::level::from_str(found->log_level));
  // Before anything is opened: listeners come and go with the guard, and keys are read again at a reload, so that
  // neither may need what root has. XMPP's ports do not.
  if (const auto become = airlock::become(found->edge.user); !become) {
    log->error("{}", become.error());
    return 2;
  }
  // No private key is read into a process that can be dumped.
  if (const auto locked = airlock::lock_down(airlock::Confinement::Edge); !locked) {
    log->error("{}", locked.error());
    return 1;
  }
  auto settings = edge::Settings::load(found->edge);
  if (!settings) {
    log->error("{}: {}", settings.error().file.string(), settings.error().what);
    return 2;
  }
  for (const auto& fault : (*settings)->contexts->faults())
    log->error("{}: {}; its domain has no TLS", fault.file.string(), fault.what);
  edge::Edge::Options options;
  options.config = found->edge;
  options.airlock = found->airlock;
  options.reload = [file, enclave]() -> std::expected<config::Edge, std::string> {
    auto again = find(file, enclave);
    if (!again) return std::unexpected(again.error());
    return std::move(again->edge);
  };
  edge::Edge(std::move(options), std::move(*settings), log).run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"The edge of one enclave of a Sallyport guard", "sallyport-edge"};
  std::filesystem::path file = "/etc/sallyport/sallyport.toml";
  std::string enclave;
  app.add_option("--config", file, "the operator's configuration")->capture_default_str();
  app.add_option("--enclave", enclave, "which of its enclaves this is the edge of")->required();
  CLI11_PARSE(app, argc, argv);
  try {
    sallyport::inspect::wipe_what_parsers_free();
    return run(file, enclave);
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "sallyport-edge: %s\n", bug.what());
    return 70;
  }
}
