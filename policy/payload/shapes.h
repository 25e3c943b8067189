// Payload shapes: which elements, attributes, values and counts a payload may have. The tables are data, made from
// policy/payload/tables/*.shapes when building; their README says how those are written and where they come from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "policy/payload/switches.h"

namespace sallyport::policy::shapes {

enum class ValueType : std::uint8_t {
  None,      ///< no text at all but white space
  Text,      ///< any, at most `most` octets
  Token,     ///< not empty, no white space, at most `most` octets
  Id,        ///< not empty, no control characters, at most 256 octets
  Jid,       ///< an address; written in its prepared form
  BareJid,   ///< one without resource
  Date,      ///< XEP-0082: date, or date and time
  Integer,   ///< from `least` to `most`
  Boolean,   ///< xs:boolean
  Base64,    ///< at most `most` octets, white space included
  Hex,       ///< at most `most` octets
  Uri,       ///< RFC 3986 characters (RFC 3987 with others), at most `most` octets
  Language,  ///< a language tag
  Word,      ///< one of `words`
};

struct Value {
  ValueType type = ValueType::None;
  std::int64_t least = 0, most = 0;
  std::span<const std::string_view> words;
};

struct AttributeShape {
  std::string_view ns, name;
  bool required = false;
  Value value;
};

/// An element that may stand inside another one, and how often.
struct ChildShape {
  std::uint16_t element = 0;  ///< index into elements()
  std::uint16_t least = 0, most = 0;
};

/// What an element holds besides its named children and its text.
enum class Content : std::uint8_t {
  Closed,    ///< nothing
  Payloads,  ///< payloads of their own right, each judged by its own switch
  Stanza,    ///< exactly one stanza
  Opaque,    ///< anything: another stage reads it, or the switch says that nobody does
};

/// Where a payload may stand as such.
enum Place : std::uint8_t {
  kNowhere = 0,  ///< only where another element names it
  kMessage = 1,
  kPresence = 2,
  kGet = 4,
  kSet = 8,
  kResult = 16,
  kItem = 32,  ///< inside an element with Content::Payloads
};

/// What is asked beyond the shape (protocol.md 5.9).
enum class Rule : std::uint8_t {
  None,
  OwnAccount,   ///< only from an account to itself: from absent, or bare and equal to that of the addressee
  OwnServer,    ///< only between a client and its own account or server
  Roster,       ///< as OwnAccount, and one item where it is set
  FromService,  ///< only from a service
  WithService,  ///< only from a service or to one
  Delay,        ///< only on messages, and only if stamped by the sender's domain
  StanzaId,     ///< only if given by the sender's domain
  Addresses,    ///< recipients only where a peering leads, answers only to the sender's domain
  Event,        ///< of a service, or of an account's node that the peering lists
  RealJid,      ///< the address of an occupant goes unless the switch is on
};

struct ElementShape {
  std::string_view ns, name;
  std::span<const AttributeShape> attributes;
  std::span<const ChildShape> children;
  Value text;
  Content content = Content::Closed;
  Rule rule = Rule::None;
  std::uint8_t places = kNowhere;
  /// Without it the stanza would mean something else: it is not taken out, the stanza is refused.
  bool essential = false;
  Switch which = Switch::kEnd;
  std::string_view source;  ///< "XEP-0085"
};

inline constexpr std::size_t kMostChildShapes = 64;

std::span<const ElementShape> elements();
/// The element that may stand as a payload somewhere, or nullptr. Does not allocate.
const ElementShape* payload_shape(std::string_view ns, std::string_view name);

}  // namespace sallyport::policy::shapes
