// The error conditions of SASL in XMPP.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sallyport::inspect {

/// RFC 6120 6.5.
enum class SaslCondition : std::uint8_t {
  Aborted,
  AccountDisabled,
  CredentialsExpired,
  EncryptionRequired,
  IncorrectEncoding,
  InvalidAuthzid,
  InvalidMechanism,
  MalformedRequest,
  MechanismTooWeak,
  NotAuthorized,
  TemporaryAuthFailure,
};
inline constexpr SaslCondition kLastSaslCondition = SaslCondition::TemporaryAuthFailure;

/// The element name, e.g. "not-authorized".
std::string_view name(SaslCondition condition);
std::optional<SaslCondition> sasl_condition(std::string_view name);

/// What the client is told of a server's failure (protocol.md 3.10): unknown ones are not-authorized, and in the strict
/// form so is what tells that an account exists.
SaslCondition told(std::string_view server_condition, bool strict);

}  // namespace sallyport::inspect
