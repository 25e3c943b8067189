// Files of certificates and keys: read whole, written whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "certs/fault.h"

namespace sallyport::certs {

/// Who may read a file that is written here. Private: its owner alone (0600).
enum class Privacy { Public, Private };

/// A larger file than this holds no certificate or key.
inline constexpr std::size_t kLargestFile = 1024 * 1024;

Result<std::string> read_file(const std::filesystem::path& file);
/// Makes a new file; one that is there already, as a link too, is a fault.
Result<void> create_file(const std::filesystem::path& file, std::string_view text, Privacy privacy);
/// Makes or replaces a file in one step.
Result<void> replace_file(const std::filesystem::path& file, std::string_view text, Privacy privacy);

}  // namespace sallyport::certs
