// The few pieces of JSON that commands print with --json.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::commands {

/// The text as a JSON string, in quotes. `text` is UTF-8.
std::string json_string(std::string_view text);

}  // namespace sallyport::commands
