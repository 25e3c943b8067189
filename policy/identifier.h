// What may stand as a name in records, file names and on command lines, and what as a title for people.
#pragma once

#include <string_view>

namespace sallyport::policy {

/// 1 to 64 letters, digits, '-', '_' and '.'.
bool is_identifier(std::string_view text);

/// Any text on one line, 1 to `most` octets.
bool is_title(std::string_view text, std::size_t most = 200);

}  // namespace sallyport::policy
