// Asks a running guard over its control socket.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>

namespace sallyport::commands {

/// The lines of the answer after "ok". The error says what went wrong, or what the guard said. Waits at most 5 s.
std::expected<std::string, std::string> ask_guard(const std::filesystem::path& socket, std::string_view request);

}  // namespace sallyport::commands
