// What edge and guard say to each other (design.md section 4). One struct a frame, one list of fields a struct:
// writing, reading and printing follow from it. Length, type and leg stand before the fields:
//
//   frame := length:u32 type:u8 leg:u64 fields        length counts what follows it, at most kLargestFrame
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "inspect/errors.h"
#include "inspect/mechanism.h"
#include "inspect/octets.h"
#include "inspect/sasl_condition.h"
#include "inspect/secret.h"

namespace sallyport::airlock {

inline constexpr std::uint16_t kMajor = 1;
inline constexpr std::uint16_t kMinor = 0;
inline constexpr std::size_t kLargestFrame = 2 * 1024 * 1024;

/// Even: accepted by the edge, which numbers them. Odd: dialled for the guard, which numbers them. Never reused in an
/// epoch. 0: the frame is about the channel, not about a leg.
using LegId = std::uint64_t;
inline constexpr LegId kNoLeg = 0;
constexpr bool is_dialled(LegId leg) {
  return leg % 2 == 1;
}

enum class LegKind : std::uint8_t { S2s, C2s };
/// How a peer proved that it speaks for a domain.
enum class Method : std::uint8_t { External, Dialback };
enum class Revocation : std::uint8_t { Good, Revoked, Unknown, NotChecked };
/// Why a leg could not be had; says no more than what may be told.
enum class DialFault : std::uint8_t { NoName, NoAnswer, Tls, Certificate, Refused, Protocol, Deadline, Overload };
enum class CloseKind : std::uint8_t { Clean, Condition, Abort };

struct TlsFacts {
  bool secure = false;
  bool direct = false;      ///< direct TLS (XEP-0368), not STARTTLS
  std::string version;      ///< "TLSv1.3"
  std::string cipher;       ///< OpenSSL's name
  std::string server_name;  ///< SNI as received or sent
  static void fields(auto& s, auto&& f) { f(s.secure, s.direct, s.version, s.cipher, s.server_name); }
};

/// As told by an edge: recorded, and judged by the guard, but not believed beyond that edge's own enclave.
struct CertificateFacts {
  bool presented = false;
  bool chain = false;     ///< a path to one of the enclave's anchors, valid now
  bool identity = false;  ///< names the domain it was checked for
  Revocation revocation = Revocation::NotChecked;
  std::vector<std::string> names;  ///< "dns:a.test", "srv:_xmpp-server.a.test", "xmpp:a.test"
  std::string spki_sha256;         ///< 32 octets
  std::string serial;              ///< lower case hex
  std::int64_t not_after = 0;      ///< seconds since 1970
  std::string problem;             ///< empty, or what failed, for the record only
  static void fields(auto& s, auto&& f) {
    f(s.presented, s.chain, s.identity, s.revocation, s.names, s.spki_sha256, s.serial, s.not_after, s.problem);
  }
};

/// E, first on every channel. A channel joins one edge lane with one guard lane.
struct Hello {
  std::uint16_t major = kMajor, minor = kMinor;
  std::string program;
  std::uint64_t epoch = 0;  ///< random, one per start of the edge
  std::uint16_t edge_lane = 0, edge_lanes = 1, guard_lane = 0;
  static void fields(auto& s, auto&& f) {
    f(s.major, s.minor, s.program, s.epoch, s.edge_lane, s.edge_lanes, s.guard_lane);
  }
};
/// G, the answer to Hello. With another major, or a guard lane that is not there, the channel ends after it.
struct Welcome {
  std::uint16_t major = kMajor, minor = kMinor;
  std::string program;
  std::uint64_t epoch = 0;  ///< random, one per start of the guard
  std::uint16_t guard_lanes = 1;
  std::string enclave;      ///< what the guard calls the edge behind this socket file
  std::string bundle_hash;  ///< lower case hex
  static void fields(auto& s, auto&& f) {
    f(s.major, s.minor, s.program, s.epoch, s.guard_lanes, s.enclave, s.bundle_hash);
  }
};

/// E: an accepted leg has TLS and its header. Domains as the peer wrote them; the guard prepares them.
struct Opened {
  LegKind kind = LegKind::S2s;
  std::string from, to;     ///< of a client: `from` is the account that it claims, "" if none
  std::string lang;         ///< xml:lang of the header, "" if none
  std::string peer;         ///< "[::1]:40000"
  std::string destination;  ///< address the peer connected to
  TlsFacts tls;
  CertificateFacts certificate;
  static void fields(auto& s, auto&& f) {
    f(s.kind, s.from, s.to, s.lang, s.peer, s.destination, s.tls, s.certificate);
  }
};
/// G: the answer to Opened. When `guard_lane` is not the lane asked, the asked one has forgotten the leg, and the edge
/// sends Opened again there; the rest counts only from the right lane.
struct Terms {
  std::uint16_t guard_lane = 0;
  bool external = false;  ///< EXTERNAL may be offered
  bool dialback = false;
  std::uint32_t stanza_octets = 512 * 1024;  ///< largest stanza that is read
  std::uint8_t logins = 3;                   ///< of a client: failed logins that end the stream (RFC 6120 6.4.5)
  static void fields(auto& s, auto&& f) { f(s.guard_lane, s.external, s.dialback, s.stanza_octets, s.logins); }
};
/// G, to Opened or Proved: end the leg with this stream error.
struct Refuse {
  inspect::StreamCondition condition = inspect::StreamCondition::PolicyViolation;
  static void fields(auto& s, auto&& f) { f(s.condition); }
};
/// E: the peer has proved that it speaks for `from` on this leg.
struct Proved {
  std::string from, to;
  Method method = Method::External;
  CertificateFacts certificate;
  static void fields(auto& s, auto&& f) { f(s.from, s.to, s.method, s.certificate); }
};
/// G: connect to the domain `to` and speak there as `from`. The answer comes within the deadline.
struct Dial {
  LegKind kind = LegKind::S2s;
  std::string from, to;   ///< for a client: `from` is the account that it claims, "" if none
  bool dialback = false;  ///< allowed beside EXTERNAL
  std::uint32_t deadline_ms = 20'000;
  /// For a client: show the server the certificate that may log in for any account (protocol.md 3.4, R4).
  bool certificate = false;
  static void fields(auto& s, auto&& f) { f(s.kind, s.from, s.to, s.dialback, s.deadline_ms, s.certificate); }
};
/// E: the dialled leg is authenticated; it may be used once Grant has come.
struct Ready {
  std::string from, to;
  std::string lang;
  Method method = Method::External;
  std::string peer;
  TlsFacts tls;
  CertificateFacts certificate;
  std::uint32_t stanza_octets = 0;  ///< the peer's limit (XEP-0478); 0: not told
  static void fields(auto& s, auto&& f) {
    f(s.from, s.to, s.lang, s.method, s.peer, s.tls, s.certificate, s.stanza_octets);
  }
};
/// E: the dialled leg could not be had.
struct Failed {
  DialFault fault = DialFault::NoAnswer;
  std::string why;  ///< for the record only
  static void fields(auto& s, auto&& f) { f(s.fault, s.why); }
};

struct Pair {
  std::string from, to;
  static void fields(auto& s, auto&& f) { f(s.from, s.to); }
  bool operator==(const Pair&) const = default;
};
/// G: the route stands; stanzas of these pairs may flow. On a leg whose stanzas are read (accepted, or of a client's
/// session) `octets` and `stanzas` are the first credit. Of a session: no pairs.
struct Grant {
  std::vector<Pair> pairs;
  std::uint32_t octets = 0, stanzas = 0;
  static void fields(auto& s, auto&& f) { f(s.pairs, s.octets, s.stanzas); }
};
/// E: one stanza as it was read. `number` counts from 1 on each leg without a gap.
struct Stanza {
  std::uint64_t number = 0;
  std::string_view normal_form;
  static void fields(auto& s, auto&& f) { f(s.number, s.normal_form); }
};
/// G: one stanza to write. `number` counts from 1 on each leg without a gap.
struct Deliver {
  std::uint64_t number = 0;
  std::string_view from, to;  ///< the pair, for a check at the edge; "" in a client's session
  std::uint64_t record = 0;
  std::string_view xml;
  static void fields(auto& s, auto&& f) { f(s.number, s.from, s.to, s.record, s.xml); }
};
/// From the side that has the memory: so much more may be sent on this leg in the other direction.
struct Credit {
  std::uint32_t octets = 0, stanzas = 0;
  static void fields(auto& s, auto&& f) { f(s.octets, s.stanzas); }
};
/// G: it has answered for all stanzas up to this number.
struct Handled {
  std::uint64_t number = 0;
  static void fields(auto& s, auto&& f) { f(s.number); }
};
/// E: the peer has taken over all deliveries up to this number.
struct Settled {
  std::uint64_t number = 0;
  static void fields(auto& s, auto&& f) { f(s.number); }
};
/// Either side: end this leg. What was delivered before is written first, except on Abort.
struct Close {
  CloseKind kind = CloseKind::Clean;
  inspect::StreamCondition condition = inspect::StreamCondition::UndefinedCondition;  ///< of CloseKind::Condition
  inspect::LimitCondition limit = inspect::LimitCondition::None;
  std::string why;  ///< from an edge: for the record only; from the guard: empty
  static void fields(auto& s, auto&& f) { f(s.kind, s.condition, s.limit, s.why); }
};
/// Either side: the leg is over here. The id dies when both have passed it.
struct Closed {
  bool clean = false;
  std::string cause;
  std::uint64_t written = 0, settled = 0;  ///< numbers of deliveries; from an edge only
  static void fields(auto& s, auto&& f) { f(s.clean, s.cause, s.written, s.settled); }
};
/// E: something to record that is no stanza: "tls.handshake-failed" and the like.
struct Event {
  std::string code;
  std::vector<Pair> details;  ///< name, value
  static void fields(auto& s, auto&& f) { f(s.code, s.details); }
};
/// Both, each second.
struct Beat {
  std::uint64_t milliseconds = 0;
  static void fields(auto& s, auto&& f) { f(s.milliseconds); }
};
/// G: accept nothing more, end what is idle; the rest has this long.
struct Drain {
  std::uint32_t deadline_ms = 0;
  static void fields(auto& s, auto&& f) { f(s.deadline_ms); }
};

// Clients (C2S). What a client and its server negotiate crosses as fields, and each edge writes its own elements.

/// Before authentication, or after it, on the stream that was started again.
enum class OfferStage : std::uint8_t { Authentication, Session };
/// Stream features that are understood; an edge reports no others (protocol.md 3.7). A bit each in Offer::features.
enum class Feature : std::uint8_t {
  Bind,
  StreamManagement,  ///< urn:xmpp:sm:3
  ClientState,       ///< urn:xmpp:csi:0
  RosterVersioning,  ///< urn:xmpp:features:rosterver
  PreApproval,       ///< urn:xmpp:features:pre-approval
  Session,           ///< urn:ietf:params:xml:ns:xmpp-session, written with <optional/> (protocol.md C-12)
};
constexpr std::uint32_t bit(Feature feature) {
  return std::uint32_t{1} << static_cast<unsigned>(feature);
}
inline constexpr std::uint32_t kAllFeatures = (bit(Feature::Session) << 1) - 1;

/// Types of channel binding (XEP-0440) that are known. A bit each in Offer::bindings.
enum class Binding : std::uint8_t {
  TlsServerEndPoint,  ///< RFC 5929; holds across the guard where both sides show the same certificate, or are told so
  TlsExporter,        ///< RFC 9266; never holds across the guard
  TlsUnique,          ///< RFC 5929; likewise
};
constexpr std::uint32_t bit(Binding binding) {
  return std::uint32_t{1} << static_cast<unsigned>(binding);
}
inline constexpr std::uint32_t kAllBindings = (bit(Binding::TlsUnique) << 1) - 1;

/// Both: what the server offers, and what of it the client is shown.
struct Offer {
  OfferStage stage = OfferStage::Authentication;
  std::uint32_t mechanisms = 0;     ///< inspect::Mechanisms, in stage Authentication
  std::uint32_t features = 0;       ///< in stage Session
  std::uint32_t stanza_octets = 0;  ///< XEP-0478; 0: not told
  std::uint32_t bindings = 0;       ///< in stage Authentication: `urn:xmpp:sasl-cb:0`; none: no such feature
  static void fields(auto& s, auto&& f) { f(s.stage, s.mechanisms, s.features, s.stanza_octets, s.bindings); }
};

enum class SaslStep : std::uint8_t { Auth, Challenge, Response, Success, Failure, Abort };
/// Both: one step of a login. Auth, Response and Abort come from the client, the rest from the server.
struct Sasl {
  SaslStep step = SaslStep::Auth;
  inspect::Mechanism mechanism = inspect::Mechanism::Plain;                  ///< of Auth
  inspect::SaslCondition condition = inspect::SaslCondition::NotAuthorized;  ///< of Failure
  bool has_octets = false;  ///< an empty message is not the same as none (RFC 6120 6.4.2)
  inspect::Secret octets;   ///< at most 6 KiB, without base 64
  static void fields(auto& s, auto&& f) { f(s.step, s.mechanism, s.condition, s.has_octets, s.octets); }
};
/// Both: the resource that the client asks for; "" leaves the choice to the server.
struct Bind {
  std::string resource;
  static void fields(auto& s, auto&& f) { f(s.resource); }
};
/// Both: the full JID as the server says it, prepared by the guard; or why there is none.
struct Bound {
  std::string jid;  ///< "" if refused
  inspect::StanzaCondition condition = inspect::StanzaCondition::UndefinedCondition;
  static void fields(auto& s, auto&& f) { f(s.jid, s.condition); }
};
/// Both, from the client to the server: whether the client is in use (XEP-0352).
struct Csi {
  bool active = true;
  static void fields(auto& s, auto&& f) { f(s.active); }
};

enum class SmStep : std::uint8_t { Enable, Enabled, Resume, Resumed, Failed, AckWanted };
/// Both: stream management (XEP-0198). Enable and Resume come from the client, the three answers from its server;
/// AckWanted from either. What acknowledges is Handled and Settled.
struct Sm {
  SmStep step = SmStep::Enable;
  std::string id;         ///< Enabled: what the client may resume by; Resume: previd. At most 4000 octets
  bool resume = false;    ///< Enable: asked for; Enabled: granted
  std::uint32_t max = 0;  ///< Enable, Enabled: seconds; 0: none named
  bool has_h = false;     ///< Failed; always true of Resume and Resumed
  std::uint32_t h = 0;    ///< Resume, Resumed, Failed
  inspect::StanzaCondition condition = inspect::StanzaCondition::UndefinedCondition;  ///< Failed
  static void fields(auto& s, auto&& f) { f(s.step, s.id, s.resume, s.max, s.has_h, s.h, s.condition); }
};

/// The order is the wire's type number, from 1.
using Body =
    std::variant<Hello, Welcome, Opened, Terms, Refuse, Proved, Dial, Ready, Failed, Grant, Stanza, Deliver, Credit,
                 Handled, Settled, Close, Closed, Event, Beat, Drain, Offer, Sasl, Bind, Bound, Csi, Sm>;

struct Frame {
  LegId leg = kNoLeg;
  Body body;
};

struct FrameFault {
  std::string what;
};

/// Appends the frame with its length.
void write(LegId leg, const Body& body, std::string& out);
/// Octets of the first frame in `in`, length included; 0 when it is not complete yet. A length beyond kLargestFrame or
/// too short for a frame is a fault, found as soon as its four octets are there.
std::expected<std::size_t, FrameFault> frame_size(std::string_view in);
/// Decodes one whole frame, length included. Views in it point into `octets`. Everything must be legal, and nothing may
/// be left over.
std::expected<Frame, FrameFault> read(std::string_view octets);
/// "Hello", "Welcome" ...
std::string_view name(const Body& body);

}  // namespace sallyport::airlock

namespace sallyport::inspect {
template <>
inline constexpr airlock::LegKind kLast<airlock::LegKind> = airlock::LegKind::C2s;
template <>
inline constexpr airlock::Method kLast<airlock::Method> = airlock::Method::Dialback;
template <>
inline constexpr airlock::Revocation kLast<airlock::Revocation> = airlock::Revocation::NotChecked;
template <>
inline constexpr airlock::DialFault kLast<airlock::DialFault> = airlock::DialFault::Overload;
template <>
inline constexpr airlock::CloseKind kLast<airlock::CloseKind> = airlock::CloseKind::Abort;
template <>
inline constexpr airlock::OfferStage kLast<airlock::OfferStage> = airlock::OfferStage::Session;
template <>
inline constexpr airlock::SaslStep kLast<airlock::SaslStep> = airlock::SaslStep::Abort;
template <>
inline constexpr airlock::SmStep kLast<airlock::SmStep> = airlock::SmStep::AckWanted;
template <>
inline constexpr inspect::Mechanism kLast<inspect::Mechanism> = inspect::kLastMechanism;
template <>
inline constexpr inspect::SaslCondition kLast<inspect::SaslCondition> = inspect::kLastSaslCondition;
template <>
inline constexpr StanzaCondition kLast<StanzaCondition> = kLastStanzaCondition;
template <>
inline constexpr StreamCondition kLast<StreamCondition> = kLastStreamCondition;
template <>
inline constexpr LimitCondition kLast<LimitCondition> = kLastLimitCondition;
}  // namespace sallyport::inspect
