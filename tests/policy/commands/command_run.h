// Runs one of the commands as a person does: arguments in; status, standard output and standard error out.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "proxy/main/commands/commands.h"

namespace sallyport::commands::testing {

/// A test with a folder of its own.
class CommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("command_test." + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// The exit status; what was printed stands in out_ and error_. `add` adds the command that `arguments` begin with.
  int run(CLI::App* (*add)(CLI::App&), std::vector<std::string> arguments) {
    CLI::App app{"", "sallyport"};
    add(app);
    std::ranges::reverse(arguments);
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    int status = 0;
    try {
      app.parse(arguments);
    } catch (const CLI::ParseError& end) {
      status = end.get_exit_code();
    }
    out_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return status;
  }

  std::string file(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  static std::string content(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::filesystem::path folder_;
  std::string out_, error_;
};

}  // namespace sallyport::commands::testing
