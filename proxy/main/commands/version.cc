#include <cstdio>

#include "proxy/main/commands/commands.h"

namespace sallyport::commands {

CLI::App* add_version(CLI::App& parent) {
  auto* command = parent.add_subcommand("version", "print the version");
  command->callback([] { std::puts("sallyport " SALLYPORT_VERSION); });
  return command;
}

}  // namespace sallyport::commands
