#include "inspect/mechanism.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sallyport::inspect {
namespace {

// In the order of the enumerators.
constexpr auto kNames = std::to_array<std::string_view>({
    "PLAIN",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "SCRAM-SHA-512",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-512-PLUS",
    "OAUTHBEARER",
    "GSSAPI",
    "ANONYMOUS",
    "EXTERNAL",
});
static_assert(kNames.size() == static_cast<std::size_t>(kLastMechanism) + 1);

}  // namespace

std::string_view name(Mechanism mechanism) {
  return kNames[static_cast<std::size_t>(mechanism)];
}

std::optional<Mechanism> mechanism(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Mechanism>(found - kNames.begin());
}

}  // namespace sallyport::inspect
