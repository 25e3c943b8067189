// Reads the operator's file for a command; says all mistakes on standard error and ends the command if there are any.
#pragma once

#include <filesystem>

#include "proxy/config/load.h"

namespace sallyport::commands {

/// Where the file is when no option names it.
inline constexpr const char* kDefaultConfig = "/etc/sallyport/sallyport.toml";

config::Located load_or_end(const std::filesystem::path& file);

}  // namespace sallyport::commands
