#include "inspect/sasl_condition.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sallyport::inspect {
namespace {

// In the order of the enumerators.
constexpr auto kConditions = std::to_array<std::string_view>({
    "aborted",
    "account-disabled",
    "credentials-expired",
    "encryption-required",
    "incorrect-encoding",
    "invalid-authzid",
    "invalid-mechanism",
    "malformed-request",
    "mechanism-too-weak",
    "not-authorized",
    "temporary-auth-failure",
});
static_assert(kConditions.size() == static_cast<std::size_t>(kLastSaslCondition) + 1);

}  // namespace

std::string_view name(SaslCondition condition) {
  return kConditions[static_cast<std::size_t>(condition)];
}

std::optional<SaslCondition> sasl_condition(std::string_view name) {
  const auto* const found = std::ranges::find(kConditions, name);
  if (found == kConditions.end()) return std::nullopt;
  return static_cast<SaslCondition>(found - kConditions.begin());
}

SaslCondition told(std::string_view server_condition, bool strict) {
  const SaslCondition condition = sasl_condition(server_condition).value_or(SaslCondition::NotAuthorized);
  const bool tells_of_the_account = condition == SaslCondition::AccountDisabled ||
                                    condition == SaslCondition::CredentialsExpired ||
                                    condition == SaslCondition::TemporaryAuthFailure;
  return strict && tells_of_the_account ? SaslCondition::NotAuthorized : condition;
}

}  // namespace sallyport::inspect
