// The error conditions of RFC 6120 and who hears them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::inspect {

/// The defined stream error conditions (RFC 6120 4.9.3).
enum class StreamCondition : std::uint8_t {
  BadFormat,
  BadNamespacePrefix,
  Conflict,
  ConnectionTimeout,
  HostGone,
  HostUnknown,
  ImproperAddressing,
  InternalServerError,
  InvalidFrom,
  InvalidNamespace,
  InvalidXml,
  NotAuthorized,
  NotWellFormed,
  PolicyViolation,
  RemoteConnectionFailed,
  Reset,
  ResourceConstraint,
  RestrictedXml,
  SeeOtherHost,
  SystemShutdown,
  UndefinedCondition,
  UnsupportedEncoding,
  UnsupportedFeature,
  UnsupportedStanzaType,
  UnsupportedVersion,
};
inline constexpr StreamCondition kLastStreamCondition = StreamCondition::UnsupportedVersion;

/// The element name of a condition, e.g. "not-well-formed".
std::string_view name(StreamCondition condition);
/// The condition of that element name; accepts "xml-not-well-formed" (RFC 3920) too. Unknown: nullopt.
std::optional<StreamCondition> stream_condition(std::string_view name);

/// The defined stanza error conditions (RFC 6120 8.3.3).
enum class StanzaCondition : std::uint8_t {
  BadRequest,
  Conflict,
  FeatureNotImplemented,
  Forbidden,
  Gone,
  InternalServerError,
  ItemNotFound,
  JidMalformed,
  NotAcceptable,
  NotAllowed,
  NotAuthorized,
  PolicyViolation,
  RecipientUnavailable,
  Redirect,
  RegistrationRequired,
  RemoteServerNotFound,
  RemoteServerTimeout,
  ResourceConstraint,
  ServiceUnavailable,
  SubscriptionRequired,
  UndefinedCondition,
  UnexpectedRequest,
};
inline constexpr StanzaCondition kLastStanzaCondition = StanzaCondition::UnexpectedRequest;

std::string_view name(StanzaCondition condition);
std::optional<StanzaCondition> stanza_condition(std::string_view name);

/// RFC 6120 8.3.2.
enum class ErrorType : std::uint8_t { Auth, Cancel, Continue, Modify, Wait };
inline constexpr ErrorType kLastErrorType = ErrorType::Wait;
std::string_view name(ErrorType type);
std::optional<ErrorType> error_type(std::string_view name);

/// The application condition that XEP-0205 adds to a stream or stanza error.
enum class LimitCondition : std::uint8_t { None, StanzaTooBig, TooManyStanzas };
inline constexpr LimitCondition kLastLimitCondition = LimitCondition::TooManyStanzas;
std::string_view name(LimitCondition condition);

/// Why a stream has to end. The peer hears the condition; `why` stays in our own log and audit (protocol.md S-13).
struct StreamError {
  StreamCondition condition = StreamCondition::UndefinedCondition;
  std::string why;
  LimitCondition limit = LimitCondition::None;
};

}  // namespace sallyport::inspect
