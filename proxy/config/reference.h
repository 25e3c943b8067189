// The pages that are made from the table of keys, so that they can't differ from the parser.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sallyport::config {

/// docs/reference/configuration.md
std::string reference_page();
/// docs/man/sallyport.toml.5.scd with its list of keys, between the lines "; keys" and "; end of keys", made anew.
/// nullopt when those lines are not there.
std::optional<std::string> with_manual_list(std::string_view page);

}  // namespace sallyport::config
