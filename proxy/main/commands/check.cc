// `sallyport check`: everything that can be found wrong before anything is started.
#include "proxy/main/check/check.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <tuple>

#include "proxy/main/commands/commands.h"
#include "proxy/main/commands/load.h"

namespace sallyport::commands {

namespace {

void print(std::vector<inspect::Mistake> findings, const std::string& prefix) {
  std::ranges::sort(findings, {}, [](const auto& m) { return std::tie(m.file, m.line, m.column, m.what); });
  for (inspect::Mistake& finding : findings) {
    finding.what.insert(0, prefix);
    std::fputs(inspect::describe(finding).c_str(), stderr);
  }
}

int check_all(const std::filesystem::path& file) {
  const config::Located located = load_or_end(file);
  check::Findings findings;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  check::check_policy(located, findings);
  check::check_certificates(located, std::chrono::duration_cast<std::chrono::seconds>(now).count(), findings);
  check::check_system(located, findings);
  print(findings.warnings, "warning: ");
  print(findings.mistakes, "");
  std::printf("%s: %zu mistakes, %zu warnings\n", file.c_str(), findings.mistakes.size(), findings.warnings.size());
  return findings.mistakes.empty() ? 0 : 1;
}

}  // namespace

CLI::App* add_check(CLI::App& parent) {
  auto* command = parent.add_subcommand("check", "tell all that is wrong with configuration, policy and certificates");
  auto file = std::make_shared<std::filesystem::path>(kDefaultConfig);
  command->add_option("file,-c,--config", *file, "the operator's file")->capture_default_str();
  command->callback([file] {
    if (const int status = check_all(*file); status != 0) throw CLI::RuntimeError(status);
  });
  return command;
}

}  // namespace sallyport::commands
