// Starts programs as children, passes their log lines on, and keeps them as the Supervisor says.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sallyport::run {

struct Program {
  std::string label;  ///< stands before each of its log lines
  std::filesystem::path file;
  std::vector<std::string> arguments;
};

/// Runs until told to stop by SIGTERM or SIGINT; SIGHUP is passed on. The first program is the guard. Children die with
/// this process, however it ends. Returns the exit status (Supervisor::status).
int run(const std::vector<Program>& programs);

}  // namespace sallyport::run
