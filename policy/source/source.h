// The officer's policy file (TOML), read and compiled to a bundle. All mistakes at once, each with its place and its
// remedy. Pure: whoever calls has read the file.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/mistake.h"
#include "policy/bundle.h"

namespace sallyport::policy::source {

using inspect::Mistake;

/// A file that the policy file names.
struct SourceFile {
  std::string name;  ///< under which mistakes in it are reported
  std::string text;
};
/// Reads such a file, its path as the policy file writes it; why not, in words. Whoever calls has the files.
using ReadFile = std::function<std::expected<SourceFile, std::string>(const std::string& path)>;

struct Compiled {
  Bundle bundle;
  std::vector<Mistake> warnings;  ///< legal, but hardly what is wanted; and what this version does not check
};

/// `file` is the name that mistakes are reported under. Without `read` a file that names others has mistakes.
std::expected<Compiled, std::vector<Mistake>> compile(std::string_view text, const std::string& file,
                                                      const ReadFile& read = {});

/// docs/reference/policy.md, whole, from the table of keys that compile() reads by.
std::string policy_reference();

}  // namespace sallyport::policy::source
