// The key under which hidden resources have their names.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

#include "inspect/secret.h"

namespace sallyport::guard {

/// The octets of `resource.key` in that folder (policy::presence::ResourceNames), made by chance where there is none
/// yet. With another key every hidden resource has another name; whoever has it can tell the resource behind a name.
/// Error: what is wrong with the file, or who else may read it.
std::expected<inspect::Secret, std::string> resource_key(const std::filesystem::path& folder);

/// One that ends with this run.
inspect::Secret passing_resource_key();

}  // namespace sallyport::guard
