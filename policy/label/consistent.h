// What the look-ups of a policy rely on. The tables come from the loader, or from a file that claims to be from it.
#pragma once

#include <optional>
#include <string>

#include "policy/label/spif.h"

namespace sallyport::policy::label {

/// Why the tables are not consistent, in words; nullopt if they are.
std::optional<std::string> inconsistency(const Spif& spif);

}  // namespace sallyport::policy::label
