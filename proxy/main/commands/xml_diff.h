// Stanzas as a person compares them: an element a line, and what went and came between two of them.
#pragma once

#include <string>
#include <vector>

#include "inspect/element.h"

namespace sallyport::commands {

/// Indented, each element with the namespace that it is in; content elements without.
std::vector<std::string> lines_of(const inspect::Node& stanza);

/// Each line with "  ", "- " (only before) or "+ " (only after) in front.
std::vector<std::string> diff(const std::vector<std::string>& before, const std::vector<std::string>& after);

}  // namespace sallyport::commands
