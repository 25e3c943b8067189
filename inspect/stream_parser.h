// Bytes of one XML stream in, stream events out.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "inspect/errors.h"
#include "inspect/limits.h"

namespace sallyport::inspect {

/// The initial or response stream header (RFC 6120 4.7). Values as they came, not yet prepared; absent is not empty.
struct StreamHeader {
  std::optional<std::string> to, from, id, version, lang;
  std::string content_namespace;   ///< the default namespace of the header, "" if it declares none
  bool declares_dialback = false;  ///< xmlns:db bound to jabber:server:dialback
};

/// A complete message, presence or iq in the content namespace.
struct StanzaRead {
  std::string_view normal_form;  ///< valid until the next feed()
  std::size_t wire_octets = 0;
};

/// Any other complete first-level element: features, errors, TLS, SASL, dialback, nonzas. decode() gives its tree.
struct StreamElement {
  std::string_view normal_form;  ///< valid until the next feed()
};

/// `</stream:stream>`.
struct StreamEnd {};

using StreamEvent = std::variant<StreamHeader, StanzaRead, StreamElement, StreamEnd>;

/// Turns the bytes of one XML stream into events (RFC 6120 sections 4 and 11; protocol.md 7.2). Does no I/O.
///
/// feed() takes bytes in any chunking and gives the same events for every chunking; next() gives what they completed,
/// oldest first, then nullopt when more bytes are needed. After a fault every later next() gives that same fault, and
/// the events completed before it are given first. One parser reads one stream: a stream restart (RFC 6120 4.3.3) is a
/// new parser. First-level elements are written to normal form as they are read; there is no tree.
///
/// Elements of the stream's own content namespace become ns::kContent, but inside an element of another namespace they
/// keep their literal one (protocol.md X-05). The header's content namespace must be `content_namespace`, else the
/// fault is invalid-namespace.
class StreamParser {
 public:
  StreamParser(std::string_view content_namespace, const ParserLimits& limits);
  ~StreamParser();
  StreamParser(StreamParser&&) noexcept;
  StreamParser& operator=(StreamParser&&) noexcept;

  /// Invalidates the views of earlier events, so next() must have returned nullopt (or a fault) before. Feed at most
  /// what one read gave: the events of one feed are held until they are taken.
  void feed(std::string_view bytes);
  std::expected<std::optional<StreamEvent>, StreamError> next();

  /// True when nothing, not even whitespace, came after the last complete element (protocol.md T-19).
  bool at_boundary() const;
  /// Octets of whitespace fed between first-level elements so far (keep-alive; D-20).
  std::size_t keepalive_octets() const;
  /// New limits from the next first-level element on (after authentication).
  void set_limits(const ParserLimits& limits);

  /// Frees what an idle stream does not need (budgets.md P6); the next feed() brings it back. Does nothing inside an
  /// element.
  void hibernate();
  bool hibernates() const;

 private:
  class Parsing;
  std::unique_ptr<Parsing> parsing_;
};

}  // namespace sallyport::inspect
