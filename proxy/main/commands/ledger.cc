// `sallyport ledger`: what the running guard knows of presence subscriptions. Asks the guard, never its files.
#include <charconv>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "inspect/jid.h"
#include "proxy/config/control.h"
#include "proxy/main/commands/commands.h"
#include "proxy/main/commands/control.h"
#include "proxy/main/commands/load.h"
#include "proxy/main/commands/roster_export.h"

namespace sallyport::commands {

namespace {

struct Options {
  std::filesystem::path config = kDefaultConfig;
  std::string watcher, watched;
  std::vector<std::filesystem::path> files;
  std::filesystem::path pairs;
  bool dry_run = false;
};

[[noreturn]] void fail(const std::string& what, int status = 2) {
  std::fprintf(stderr, "%s\n", what.c_str());
  throw CLI::RuntimeError(status);
}

std::string ask(const Options& options, const std::string& request) {
  const config::Located located = load_or_end(options.config);
  if (located.config.guard.control.empty()) fail("guard.control is not set, so the guard can't be asked");
  const auto answer = ask_guard(located.config.guard.control, request);
  if (!answer) fail(answer.error());
  return *answer;
}

std::string bare(const std::string& text) {
  const auto jid = inspect::Jid::parse(text, inspect::JidProfile::Unicode);
  if (!jid || !jid->is_bare()) fail("'" + text + "' is not a bare JID");
  return std::string(jid->full());
}

/// Every pair, page by page. `tell` gets each line.
void each_line(const Options& options, const std::function<void(const std::string&)>& tell) {
  const std::string watcher = options.watcher.empty() ? "-" : bare(options.watcher);
  const std::string watched = options.watched.empty() ? "-" : bare(options.watched);
  std::string pair(config::kLedgerShowRequest);
  pair.append(" ").append(watcher).append(" ").append(watched).append(" ");
  for (std::size_t offset = 0;;) {
    std::string request = pair;
    const std::string page = ask(options, request.append(std::to_string(offset)));
    std::size_t lines = 0;
    for (std::size_t at = 0; at < page.size(); ++lines) {
      const std::size_t end = page.find('\n', at);
      tell(page.substr(at, end - at));
      at = end + 1;
    }
    if (lines == 0) return;
    offset += lines;
  }
}

void show(const Options& options) {
  std::size_t count = 0;
  each_line(options, [&](const std::string& line) {
    if (count++ == 0) std::puts("watcher watched state origin since");
    std::puts(line.c_str());
  });
  std::fprintf(stderr, "%zu pairs\n", count);
}

/// What `import --pairs` reads again: the open pairs, "watcher watched" a line.
void export_pairs(const Options& options) {
  each_line(options, [](const std::string& line) {
    const std::size_t second = line.find(' ', line.find(' ') + 1);
    if (line.compare(second + 1, 7, "active ") == 0) std::puts(line.substr(0, second).c_str());
  });
}

std::vector<std::pair<std::string, std::string>> read_pairs(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) fail(file.string() + ": it cannot be read");
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::string watcher, watched; in >> watcher >> watched;) pairs.emplace_back(bare(watcher), bare(watched));
  return pairs;
}

void import(const Options& options) {
  std::vector<std::pair<std::string, std::string>> pairs;
  if (!options.pairs.empty()) pairs = read_pairs(options.pairs);
  Rosters rosters;
  for (const auto& file : options.files)
    if (const auto read = read_rosters(file, rosters); !read) fail(read.error());
  Agreement found = agreement(rosters);
  for (const auto& [watcher, watched] : found.one_sided)
    std::fprintf(stderr, "left out, since only one of the two rosters says so: %s watches %s\n", watcher.c_str(),
                 watched.c_str());
  pairs.insert(pairs.end(), found.agreed.begin(), found.agreed.end());
  std::size_t taken = 0;
  constexpr std::size_t kLongest = config::kLargestControlRequest - 4096;
  for (std::size_t at = 0; at < pairs.size() && !options.dry_run;) {
    std::string request(config::kLedgerImportRequest);
    for (; at < pairs.size() && request.size() < kLongest; ++at)
      request += " " + pairs[at].first + " " + pairs[at].second;
    const std::string answer = ask(options, request);
    std::size_t some = 0;
    std::from_chars(answer.data(), answer.data() + answer.size(), some);
    taken += some;
  }
  std::printf("%zu subscriptions%s, %zu left out\n", options.dry_run ? pairs.size() : taken,
              options.dry_run ? " would be imported" : " imported",
              found.one_sided.size() + (options.dry_run ? 0 : pairs.size() - taken));
}

void revoke(const Options& options) {
  const std::string answer = ask(
      options, std::string(config::kLedgerRevokeRequest) + " " + bare(options.watcher) + " " + bare(options.watched));
  std::fputs(answer.c_str(), stdout);
}

CLI::App* add(CLI::App& ledger, const char* name, const char* text, const std::shared_ptr<Options>& options,
              void (*act)(const Options&)) {
  auto* command = ledger.add_subcommand(name, text);
  command->add_option("-c,--config", options->config, "the operator's file")->capture_default_str();
  command->callback([options, act] { act(*options); });
  return command;
}

}  // namespace

CLI::App* add_ledger(CLI::App& parent) {
  auto* ledger = parent.add_subcommand("ledger", "the presence subscriptions that the running guard knows of");
  ledger->require_subcommand(1);
  const auto options = std::make_shared<Options>();
  auto* shown = add(*ledger, "show", "print the pairs: who watches whom, and since when", options, show);
  shown->add_option("--watcher", options->watcher, "only what this bare JID watches");
  shown->add_option("--watched", options->watched, "only who watches this bare JID");
  add(*ledger, "export", "print the open pairs, for `import --pairs`", options, export_pairs);
  auto* imported = add(*ledger, "import",
                       "take subscriptions from roster exports (XEP-0227) of the servers of both sides; both have to "
                       "agree",
                       options, import);
  imported->add_option("files", options->files, "exports of the servers; all that are needed in one call");
  imported->add_option("--pairs", options->pairs, "a file that `export` wrote");
  imported->add_flag("--dry-run", options->dry_run, "say what would be done, and do nothing");
  auto* revoked =
      add(*ledger, "revoke",
          "close a subscription; the watcher is told once that the watched is gone, and nothing more", options, revoke);
  revoked->add_option("watcher", options->watcher, "bare JID of who sees the other")->required();
  revoked->add_option("watched", options->watched, "bare JID of who is seen")->required();
  return ledger;
}

}  // namespace sallyport::commands
