// The pages that are made from the table of keys, so that they can't differ from the parser.
#pragma once

#include <string>

namespace sallyport::config {

/// docs/reference/configuration.md
std::string reference_page();
/// The list of keys in docs/man/sallyport.toml.5.scd, between its markers.
std::string manual_list();

}  // namespace sallyport::config
