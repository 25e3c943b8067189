// The elements of a client's session that an edge writes and reads: features, SASL, resource binding.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "inspect/element.h"
#include "inspect/secret.h"
#include "inspect/stream_parser.h"
#include "proxy/airlock/frames.h"
#include "proxy/edge/stream_text.h"

namespace sallyport::edge {

/// `<stream:features>` for a client: the mechanisms, or the session's features.
std::string client_features(const airlock::Offer& offer, std::uint32_t stanza_octets);

/// What a server's features offer, as far as it is understood. `required`: something else insists on being negotiated,
/// and the leg cannot go on (protocol.md 3.7).
struct ServerFeatures {
  bool starttls = false;
  airlock::Offer offer;
  bool unknown_required = false;
};
ServerFeatures read_server_features(const inspect::Node& element, airlock::OfferStage stage);

/// `<auth mechanism='...'>`, `<challenge>`, `<response>`, `<success>`, `<failure>`, `<abort/>` from the frame.
std::string sasl_element(const airlock::Sasl& step);
/// The octets of a SASL element. Fault: it has children, or is not base 64 (C-14).
struct SaslText {
  bool has_octets = false;
  inspect::Secret octets;
};
std::optional<SaslText> read_sasl_text(const inspect::Node& element);

/// A request to bind a resource (RFC 6120 7): its id and the resource asked for, "" if none.
struct BindRequest {
  std::string id, resource;
};
/// nullopt: the stanza is no such request.
std::optional<BindRequest> read_bind_request(const inspect::StanzaRead& stanza);
std::string bind_request(std::string_view id, std::string_view resource);
/// The answer to our request with that id.
std::optional<airlock::Bound> read_bind_answer(const inspect::StanzaRead& stanza, std::string_view id);
/// The result, or the error, that the client gets.
std::string bind_answer(std::string_view id, const airlock::Bound& bound);

// Stream management (XEP-0198).

std::string ack_element(std::uint32_t h);
/// `<enable/>`, `<enabled/>`, `<resume/>`, `<resumed/>`, `<failed/>` from the frame.
std::string sm_element(const airlock::Sm& step);
/// The other way; nullopt: a value that it needs is missing, too long or malformed. `location` is left out (T-05).
std::optional<airlock::Sm> read_sm(ElementKind kind, const inspect::Node& element);
/// The attribute `h`.
std::optional<std::uint32_t> read_h(const inspect::Node& element);
/// What stands in a stream error when more was acknowledged than was sent.
std::string too_high(std::uint32_t h, std::uint32_t sent);

}  // namespace sallyport::edge
