// The stream-level elements that an edge writes, and how it reads the peer's. Everything written is made here or by
// inspect's serializer; nothing of it repeats what a peer said.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "inspect/element.h"
#include "inspect/errors.h"

namespace sallyport::edge {

inline constexpr std::string_view kClosingTag = "</stream:stream>";
inline constexpr std::string_view kStartTls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
inline constexpr std::string_view kProceed = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
inline constexpr std::string_view kTlsFailure = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
inline constexpr std::string_view kSaslSuccess = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
inline constexpr std::string_view kEmptyChallenge = "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";

/// Before TLS there is nothing else on offer (TLS-03).
inline constexpr std::string_view kClearFeatures =
    "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>";
inline constexpr std::string_view kExternalFeatures =
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism>"
    "</mechanisms></stream:features>";
/// Negotiation is complete (STR-05).
inline constexpr std::string_view kNoFeatures = "<stream:features/>";

/// `condition` is one of RFC 6120 6.5, in our own words only.
std::string sasl_failure(std::string_view condition);
/// `<auth mechanism='EXTERNAL'>` with the domain as authorization identity (XEP-0178).
std::string external_auth(std::string_view domain);
std::string external_response(std::string_view domain);
/// The answer to a `db:result` or `db:verify` that we do not serve: type='error' (XEP-0220 2.5; protocol.md S-10,
/// S-12). nullopt: it must not be answered.
std::optional<std::string> dialback_refusal(const inspect::Node& request);

enum class ElementKind : std::uint8_t {
  Features,
  StreamError,
  StartTls,
  Proceed,
  TlsFailure,
  Auth,
  Challenge,
  Response,
  Success,
  SaslFailure,
  Abort,
  Dialback,
  Compress,
  SmEnable,
  SmEnabled,
  SmResume,
  SmResumed,
  SmFailed,
  SmAck,
  SmRequest,
  OtherVocabulary,  ///< a namespace that has no business on this kind of stream: invalid-namespace
  Unknown,
};
/// What a first-level element is; by namespace and name, never by name alone.
ElementKind classify(const inspect::Node& element);

/// The defined condition of a `<stream:error/>`; what is not defined is UndefinedCondition (STR-29).
inspect::StreamCondition condition_of(const inspect::Node& stream_error);
/// The defined condition of a SASL `<failure/>`, or "unknown".
std::string_view sasl_condition_of(const inspect::Node& failure);

/// The peer's features, as far as they matter to us.
struct Features {
  bool starttls = false;
  bool external = false;
  bool mechanisms = false;
  bool unknown_required = false;    ///< something that we do not know insists on being negotiated (STR-04)
  std::uint32_t stanza_octets = 0;  ///< XEP-0478; 0: not told
};
Features read_features(const inspect::Node& element);

/// The major number of a header's version; nullopt if there is none.
std::optional<unsigned> major_version(const std::optional<std::string>& version);

}  // namespace sallyport::edge
