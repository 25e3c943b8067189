// What the label commands share on their command lines.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "proxy/main/commands/label_output.h"
#include "proxy/main/commands/label_policies.h"

namespace CLI {
class App;
}

namespace sallyport::commands {

struct LabelOptions {
  std::vector<std::filesystem::path> policies;
  std::string place, lang, time;
  bool lenient_order = false, json = false;
};
/// --policy, --place, --lang, --time, --lenient-order, --json.
void add_label_options(CLI::App& command, LabelOptions& options);
/// Ends the command with 2 for a place or time that there is not.
LabelView view_or_end(const LabelOptions& options);

/// `sallyport label catalog`, in a file of its own.
CLI::App* add_label_catalog(CLI::App& label);

}  // namespace sallyport::commands
