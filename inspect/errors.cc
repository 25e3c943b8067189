#include "inspect/errors.h"

#include <array>
#include <cstddef>

namespace sallyport::inspect {
namespace {

// In the order of the enumerators.
constexpr auto kStreamConditions = std::to_array<std::string_view>({
    "bad-format",
    "bad-namespace-prefix",
    "conflict",
    "connection-timeout",
    "host-gone",
    "host-unknown",
    "improper-addressing",
    "internal-server-error",
    "invalid-from",
    "invalid-namespace",
    "invalid-xml",
    "not-authorized",
    "not-well-formed",
    "policy-violation",
    "remote-connection-failed",
    "reset",
    "resource-constraint",
    "restricted-xml",
    "see-other-host",
    "system-shutdown",
    "undefined-condition",
    "unsupported-encoding",
    "unsupported-feature",
    "unsupported-stanza-type",
    "unsupported-version",
});
static_assert(kStreamConditions.size() == static_cast<std::size_t>(kLastStreamCondition) + 1);

constexpr auto kStanzaConditions = std::to_array<std::string_view>({
    "bad-request",
    "conflict",
    "feature-not-implemented",
    "forbidden",
    "gone",
    "internal-server-error",
    "item-not-found",
    "jid-malformed",
    "not-acceptable",
    "not-allowed",
    "not-authorized",
    "policy-violation",
    "recipient-unavailable",
    "redirect",
    "registration-required",
    "remote-server-not-found",
    "remote-server-timeout",
    "resource-constraint",
    "service-unavailable",
    "subscription-required",
    "undefined-condition",
    "unexpected-request",
});
static_assert(kStanzaConditions.size() == static_cast<std::size_t>(kLastStanzaCondition) + 1);

constexpr auto kErrorTypes = std::to_array<std::string_view>({"auth", "cancel", "continue", "modify", "wait"});
static_assert(kErrorTypes.size() == static_cast<std::size_t>(kLastErrorType) + 1);

constexpr auto kLimitConditions = std::to_array<std::string_view>({"", "stanza-too-big", "too-many-stanzas"});
static_assert(kLimitConditions.size() == static_cast<std::size_t>(kLastLimitCondition) + 1);

template <class E, std::size_t N>
std::optional<E> find(const std::array<std::string_view, N>& names, std::string_view wanted) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == wanted) return static_cast<E>(i);
  return std::nullopt;
}

}  // namespace

std::string_view name(StreamCondition condition) {
  return kStreamConditions[static_cast<std::size_t>(condition)];
}

std::optional<StreamCondition> stream_condition(std::string_view name) {
  // RFC 3920 4.7.3 called it so; RFC 6120 renamed it (STR-30).
  if (name == "xml-not-well-formed") return StreamCondition::NotWellFormed;
  return find<StreamCondition>(kStreamConditions, name);
}

std::string_view name(StanzaCondition condition) {
  return kStanzaConditions[static_cast<std::size_t>(condition)];
}

std::optional<StanzaCondition> stanza_condition(std::string_view name) {
  return find<StanzaCondition>(kStanzaConditions, name);
}

std::string_view name(ErrorType type) {
  return kErrorTypes[static_cast<std::size_t>(type)];
}

std::optional<ErrorType> error_type(std::string_view name) {
  return find<ErrorType>(kErrorTypes, name);
}

std::string_view name(LimitCondition condition) {
  return kLimitConditions[static_cast<std::size_t>(condition)];
}

}  // namespace sallyport::inspect
