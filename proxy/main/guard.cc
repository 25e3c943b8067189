// sallyport-guard: the process in the middle. See docs/architecture.md.
#include "proxy/guard/guard.h"

#include <cstdio>
#include <exception>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "inspect/mistake.h"
#include "proxy/airlock/lockdown.h"
#include "proxy/config/load.h"

namespace {

using namespace sallyport;

int run_guard(const std::filesystem::path& file) {
  const auto config = config::load(file);
  if (!config) {
    for (const auto& mistake : config.error()) std::fputs(inspect::describe(mistake).c_str(), stderr);
    return guard::kUnusable;
  }
  spdlog::set_level(spdlog::level::from_str(config->log_level));
  auto opened = guard::Guard::open(*config);
  if (!opened) {
    spdlog::critical("{}", opened.error().what);
    return opened.error().status;
  }
  if (const auto locked = airlock::lock_down(airlock::Confinement::Guard); !locked) {
    spdlog::critical("{}", locked.error());
    return guard::kFailed;
  }
  return (*opened)->run();
}

}  // namespace

#if __has_feature(address_sanitizer)
/// The search for leaks needs ptrace, which this process gives up.
extern "C" const char* __lsan_default_options() {
  return "detect_leaks=0";
}
#endif

int main(int count, char** arguments) {
  CLI::App app("the guard between the edges of a boundary; started by `sallyport run` or systemd", "sallyport-guard");
  std::filesystem::path file = "/etc/sallyport/sallyport.toml";
  app.add_option("-c,--config", file, "the operator's file")->capture_default_str();
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : guard::kUnusable;
  }
  try {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("guard", std::make_shared<spdlog::sinks::stderr_sink_mt>()));
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    return run_guard(file);
  } catch (const std::exception& defect) {
    std::fprintf(stderr, "a defect: %s\n", defect.what());
    return guard::kFailed;
  }
}
