// `sallyport run`: guard and edges from one terminal, for a trial, a test or a container. Under systemd they are units.
#include <cstdio>
#include <fstream>
#include <memory>

#include <unistd.h>

#include "proxy/main/commands/commands.h"
#include "proxy/main/commands/load.h"
#include "proxy/main/run/programs.h"

namespace sallyport::commands {

namespace {

struct Options {
  std::filesystem::path config = kDefaultConfig;
  std::filesystem::path programs;  ///< folder of sallyport-guard and sallyport-edge; empty: see program_folder
};

/// Beside this program, as built, or where they are installed.
std::filesystem::path program_folder(const std::filesystem::path& wanted) {
  if (!wanted.empty()) return wanted;
  std::error_code error;
  auto own = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  if (std::filesystem::exists(own / "sallyport-guard", error)) return own;
  return own.parent_path() / "libexec" / "sallyport";
}

std::vector<run::Program> programs_of(const config::Located& located, const std::filesystem::path& folder) {
  const std::string file = std::filesystem::absolute(located.file).string();
  std::vector<run::Program> programs{{"guard", folder / "sallyport-guard", {"--config", file}}};
  for (const config::Edge& edge : located.config.edges) {
    programs.push_back(
        {"edge " + edge.enclave, folder / "sallyport-edge", {"--config", file, "--enclave", edge.enclave}});
  }
  return programs;
}

/// Holds our process id while we run.
class PidFile {
 public:
  explicit PidFile(std::filesystem::path file) : file_(std::move(file)) {
    if (file_.empty()) return;
    std::ofstream stream(file_, std::ios::trunc);
    if (!(stream << getpid() << '\n' << std::flush)) {
      std::fprintf(stderr, "%s: the process id can't be written there\n", file_.c_str());
      throw CLI::RuntimeError(2);
    }
  }
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;
  ~PidFile() {
    std::error_code gone;
    if (!file_.empty()) std::filesystem::remove(file_, gone);
  }

 private:
  std::filesystem::path file_;
};

int run_all(const Options& options) {
  const config::Located located = load_or_end(options.config);
  const auto folder = program_folder(options.programs);
  for (const char* name : {"sallyport-guard", "sallyport-edge"}) {
    if (access((folder / name).c_str(), X_OK) == 0) continue;
    std::fprintf(stderr, "%s: no such program\n    name its folder with --libexec\n", (folder / name).c_str());
    return 2;
  }
  const PidFile pid_file(located.config.pid_file);
  return run::run(programs_of(located, folder));
}

}  // namespace

CLI::App* add_run(CLI::App& parent) {
  auto* command = parent.add_subcommand("run", "start guard and edges, and keep them running");
  auto options = std::make_shared<Options>();
  command->add_option("-c,--config", options->config, "the operator's file")->capture_default_str();
  command->add_option("--libexec", options->programs, "folder of sallyport-guard and sallyport-edge");
  command->callback([options] {
    if (const int status = run_all(*options); status != 0) throw CLI::RuntimeError(status);
  });
  return command;
}

}  // namespace sallyport::commands
