#include "proxy/main/commands/load.h"

#include <cstdio>

#include <CLI/CLI.hpp>

namespace sallyport::commands {

config::Located load_or_end(const std::filesystem::path& file) {
  auto located = config::load_located(file);
  if (located) return std::move(*located);
  for (const auto& mistake : located.error()) std::fputs(inspect::describe(mistake).c_str(), stderr);
  throw CLI::RuntimeError(1);
}

}  // namespace sallyport::commands
