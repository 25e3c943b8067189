// `sallyport reload`: says which live crossings it will end, then has guard and edges read their files anew.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>

#include <sys/types.h>

#include "proxy/config/control.h"
#include "proxy/main/commands/commands.h"
#include "proxy/main/commands/control.h"
#include "proxy/main/commands/load.h"

namespace sallyport::commands {

namespace {

struct Options {
  std::filesystem::path config = kDefaultConfig;
  bool dry_run = false;
};

/// 0 when the guard has said what a reload would end, or can't be asked and need not be.
int preview(const config::Config& config, bool must) {
  std::error_code error;
  const auto& socket = config.guard.control;
  if (socket.empty() || !std::filesystem::exists(socket, error)) {
    std::fputs("what would end can't be told: the guard's control socket (guard.control) is not there\n", stderr);
    return must ? 2 : 0;
  }
  const auto answer = ask_guard(socket, config::kPreviewRequest);
  if (!answer) {
    std::fprintf(stderr, "nothing was reloaded: %s\n", answer.error().c_str());
    return 1;
  }
  if (answer->empty()) {
    std::puts("no live crossing will end");
  } else {
    std::printf("these live crossings will end:\n%s", answer->c_str());
  }
  return 0;
}

int signal_run(const std::filesystem::path& pid_file) {
  if (pid_file.empty()) {
    std::fputs("pid_file is not set\n    under systemd: systemctl reload 'sallyport-*.service'\n", stderr);
    return 2;
  }
  pid_t pid = 0;
  if (!(std::ifstream(pid_file) >> pid) || pid <= 1) {
    std::fprintf(stderr, "%s: no process id there; is `sallyport run` running?\n", pid_file.c_str());
    return 2;
  }
  if (kill(pid, SIGHUP) != 0) {
    std::fprintf(stderr, "process %d: %s\n", static_cast<int>(pid), std::strerror(errno));
    return 2;
  }
  return 0;
}

int reload(const Options& options) {
  const config::Located located = load_or_end(options.config);
  if (const int status = preview(located.config, options.dry_run); status != 0) return status;
  return options.dry_run ? 0 : signal_run(located.config.pid_file);
}

}  // namespace

CLI::App* add_reload(CLI::App& parent) {
  auto* command = parent.add_subcommand("reload", "have the running guard and edges read their files anew");
  auto options = std::make_shared<Options>();
  command->add_option("-c,--config", options->config, "the operator's file")->capture_default_str();
  command->add_flag("-n,--dry-run", options->dry_run, "only say which live crossings would end");
  command->callback([options] {
    if (const int status = reload(*options); status != 0) throw CLI::RuntimeError(status);
  });
  return command;
}

}  // namespace sallyport::commands
