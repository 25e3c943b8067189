// What the policy commands share: files in, mistakes out.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/mistake.h"
#include "policy/bundle.h"

namespace CLI {
class App;
}

namespace sallyport::commands {

/// The whole file ("-": standard input). Ends the command with status 2 if it can't be read or is larger than a bundle.
std::string read_file_or_end(const std::filesystem::path& file);

/// Whole or not at all: a guard that reloads meanwhile reads the old bundle or the new one. False if it can't be
/// written.
bool write_whole(const std::filesystem::path& file, std::string_view octets);

/// [{"file":...,"line":...,"column":...,"what":...,"remedy":...},...]
std::string json_list(const std::vector<inspect::Mistake>& mistakes);

/// `sallyport policy explain`, in a file of its own.
CLI::App* add_policy_explain(CLI::App& policy);
/// `sallyport policy replay`, `matrix` and `prove`, likewise.
CLI::App* add_policy_replay(CLI::App& policy);
CLI::App* add_policy_matrix(CLI::App& policy);
CLI::App* add_policy_prove(CLI::App& policy);
/// `sallyport policy key`, `sign` and `signatures`, likewise.
void add_policy_signing(CLI::App& policy);

}  // namespace sallyport::commands
