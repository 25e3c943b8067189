// Whether a certificate has been revoked, as far as an edge can tell.
#pragma once

#include <cstdint>

namespace sallyport::trust {

/// Unknown: a list or an answer is missing, too old, or can't be verified. NotChecked: the enclave has switched it off.
enum class Revocation : std::uint8_t { Good, Revoked, Unknown, NotChecked };

}  // namespace sallyport::trust
