// The files that a policy file names, from the disk. For programs that have one; tests hand in a function of their own.
#pragma once

#include <string>

#include "policy/source/source.h"

namespace sallyport::policy::source {

/// Reads regular files of at most 16 MiB; paths are relative to the folder of `policy_file`.
ReadFile files_beside(const std::string& policy_file);

}  // namespace sallyport::policy::source
