// `sallyport policy matrix`: which labels cross where, as a table, as JSON, as a page.
#include <algorithm>
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "proxy/main/commands/json.h"
#include "proxy/main/commands/matrix_page.h"
#include "proxy/main/commands/policy.h"
#include "proxy/main/commands/policy_input.h"

namespace sallyport::commands {

namespace {

namespace proof = policy::proof;

struct Options {
  std::filesystem::path bundle, page;
  std::string time;
  bool json = false;
};

std::string text_of(const proof::MatrixCell& cell) {
  std::string text(proof::name(cell.answer));
  if (cell.answer == proof::MatrixAnswer::No) return text + " (" + std::string(policy::code(cell.reason)) + ")";
  return cell.example.empty() ? text : text + " (" + cell.example + ")";
}

/// One line for each label, below a heading for each way.
void print_plain(const proof::Matrix& matrix) {
  if (!matrix.labels_looked_at) std::printf("the stage 'label' is switched off: nobody looks at labels\n");
  std::size_t width = 0;
  for (const proof::MatrixLabel& label : matrix.labels) width = std::max(width, label.name.size());
  for (const proof::MatrixRow& row : matrix.rows) {
    std::printf("%s -> %s\n", row.from.c_str(), row.to.c_str());
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const proof::MatrixLabel& label = matrix.labels[i];
      std::printf("  %-*s  %s\n", static_cast<int>(width), label.name.c_str(), text_of(row.cells[i]).c_str());
    }
  }
}

std::string json_of(const proof::MatrixLabel& label) {
  return "{\"name\":" + json_string(label.name) + ",\"policy\":" + json_string(label.policy) +
         ",\"background\":" + json_string(label.background) + ",\"foreground\":" + json_string(label.foreground) + "}";
}

std::string json_of(const proof::MatrixCell& cell) {
  std::string out = "{\"crosses\":" + json_string(proof::name(cell.answer)) + ",\"rule\":" + json_string(cell.rule);
  if (cell.answer == proof::MatrixAnswer::No) out += ",\"reason\":" + json_string(policy::code(cell.reason));
  if (!cell.example.empty()) out += ",\"example\":" + json_string(cell.example);
  return out + "}";
}

std::string json_of(const proof::MatrixRow& row) {
  std::string cells;
  for (const proof::MatrixCell& cell : row.cells) cells += (cells.empty() ? "" : ",") + json_of(cell);
  return "{\"from\":" + json_string(row.from) + ",\"to\":" + json_string(row.to) +
         ",\"peering\":" + json_string(row.peering) + ",\"cells\":[" + cells + "]}";
}

template <class Range>
std::string json_array(const Range& range) {
  std::string out;
  for (const auto& each : range) out += (out.empty() ? "" : ",") + json_of(each);
  return "[" + out + "]";
}

void run(const Options& options) {
  const policy::Bundle bundle = load_policy_or_end(options.bundle);
  const proof::When when = when_or_end(options.time);
  const proof::Matrix matrix = proof::matrix(bundle, when);
  if (!options.page.empty()) {
    const std::string time = (when.only ? "at " : "from ") + written_time(when.time) + (when.only ? "" : " on");
    if (!write_whole(options.page, matrix_page(matrix, bundle.tables().name, bundle.hash(), time)))
      end_command(2, options.page.string() + ": can't be written");
  }
  if (options.json)
    std::printf("{\"bundle\":\"%s\",\"time\":\"%s\",\"only\":%s,\"labels_looked_at\":%s,\"labels\":%s,\"rows\":%s}\n",
                bundle.hash().c_str(), written_time(when.time).c_str(), when.only ? "true" : "false",
                matrix.labels_looked_at ? "true" : "false", json_array(matrix.labels).c_str(),
                json_array(matrix.rows).c_str());
  else if (options.page.empty())
    print_plain(matrix);
}

}  // namespace

CLI::App* add_policy_matrix(CLI::App& policy) {
  auto options = std::make_shared<Options>();
  auto* command = policy.add_subcommand("matrix", "say which labels cross between which domains");
  command->add_option("--bundle", options->bundle, "the bundle, or a policy file or folder")->required();
  command->add_option("--time", options->time, "at this time only, UTC (else: at all times from now on)");
  command->add_option("--html", options->page, "write it as a page for a browser to this file");
  command->add_flag("--json", options->json, "print it as JSON");
  command->callback([options] { run(*options); });
  return command;
}

}  // namespace sallyport::commands
