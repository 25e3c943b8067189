#include <cstdio>
#include <memory>

#include "proxy/config/control.h"
#include "proxy/main/commands/commands.h"
#include "proxy/main/commands/control.h"
#include "proxy/main/commands/load.h"

namespace sallyport::commands {

namespace {

int show_status(const std::filesystem::path& file) {
  const config::Located located = load_or_end(file);
  if (located.config.guard.control.empty()) {
    std::fputs("guard.control is not set, so the guard can't be asked\n", stderr);
    return 2;
  }
  const auto answer = ask_guard(located.config.guard.control, config::kStatusRequest);
  if (!answer) return std::fprintf(stderr, "%s\n", answer.error().c_str()), 2;
  std::fputs(answer->c_str(), stdout);
  return 0;
}

}  // namespace

CLI::App* add_status(CLI::App& parent) {
  auto* command = parent.add_subcommand("status", "what the running guard says of itself");
  auto file = std::make_shared<std::filesystem::path>(kDefaultConfig);
  command->add_option("-c,--config", *file, "the operator's file")->capture_default_str();
  command->callback([file] {
    if (const int status = show_status(*file); status != 0) throw CLI::RuntimeError(status);
  });
  return command;
}

}  // namespace sallyport::commands
