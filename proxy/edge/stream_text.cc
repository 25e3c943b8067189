#include "proxy/edge/stream_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "inspect/base64.h"
#include "inspect/jid.h"
#include "inspect/names.h"
#include "inspect/serializer.h"

namespace sallyport::edge {
namespace {

namespace ns = inspect::ns;
using inspect::Node;

constexpr std::size_t kLongestId = 256;
constexpr std::string_view kCompress = "http://jabber.org/protocol/compress";
constexpr std::string_view kFraming = "urn:ietf:params:xml:ns:xmpp-framing";
constexpr std::string_view kComponent = "jabber:component:";

// RFC 6120 6.5.
constexpr std::array<std::string_view, 11> kSaslConditions = {"aborted",
                                                              "account-disabled",
                                                              "credentials-expired",
                                                              "encryption-required",
                                                              "incorrect-encoding",
                                                              "invalid-authzid",
                                                              "invalid-mechanism",
                                                              "malformed-request",
                                                              "mechanism-too-weak",
                                                              "not-authorized",
                                                              "temporary-auth-failure"};

struct Known {
  std::string_view ns, name;
  ElementKind kind;
};
constexpr std::array kKnown = {
    Known{ns::kStream, "features", ElementKind::Features}, Known{ns::kStream, "error", ElementKind::StreamError},
    Known{ns::kTls, "starttls", ElementKind::StartTls},    Known{ns::kTls, "proceed", ElementKind::Proceed},
    Known{ns::kTls, "failure", ElementKind::TlsFailure},   Known{ns::kSasl, "auth", ElementKind::Auth},
    Known{ns::kSasl, "challenge", ElementKind::Challenge}, Known{ns::kSasl, "response", ElementKind::Response},
    Known{ns::kSasl, "success", ElementKind::Success},     Known{ns::kSasl, "failure", ElementKind::SaslFailure},
    Known{ns::kSasl, "abort", ElementKind::Abort},         Known{ns::kDialback, "result", ElementKind::Dialback},
    Known{ns::kDialback, "verify", ElementKind::Dialback}, Known{kCompress, "compress", ElementKind::Compress},
    Known{ns::kSm, "enable", ElementKind::SmEnable},       Known{ns::kSm, "enabled", ElementKind::SmEnabled},
    Known{ns::kSm, "resume", ElementKind::SmResume},       Known{ns::kSm, "resumed", ElementKind::SmResumed},
    Known{ns::kSm, "failed", ElementKind::SmFailed},       Known{ns::kSm, "a", ElementKind::SmAck},
    Known{ns::kSm, "r", ElementKind::SmRequest},
};

// Features that are understood well enough to leave alone, even if a peer were to insist on them before TLS.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kKnownFeatures = {{
    {ns::kTls, "starttls"},
    {ns::kSasl, "mechanisms"},
    {ns::kDialbackFeature, "dialback"},
    {ns::kBidiFeature, "bidi"},
    {ns::kLimits, "limits"},
    {ns::kSm, "sm"},
}};

bool is_stanza_name(std::string_view name) {
  return name == "message" || name == "presence" || name == "iq";
}

bool requires_negotiation(const Node& feature) {
  return std::ranges::any_of(feature.children(), [](const Node& child) { return child.name == "required"; });
}

std::uint32_t max_bytes(const Node& limits) {
  const Node* octets = limits.child(ns::kLimits, "max-bytes");
  if (octets == nullptr) return 0;
  const std::string_view text = octets->text_content();
  std::uint32_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  return fault == std::errc{} && end == text.data() + text.size() ? value : 0;
}

void append_attribute(std::string_view name, std::string_view value, std::string& out) {
  out.append(" ").append(name).append("='");
  inspect::escape_value(value, out);
  out.append("'");
}

}  // namespace

std::string sasl_failure(std::string_view condition) {
  std::string out = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><";
  return out.append(condition).append("/></failure>");
}

std::string external_auth(std::string_view domain) {
  return "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>" + inspect::encode_base64(domain) +
         "</auth>";
}

std::string external_response(std::string_view domain) {
  return "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + inspect::encode_base64(domain) + "</response>";
}

std::optional<std::string> dialback_refusal(const Node& request) {
  const auto* from = request.attribute("from");
  const auto* to = request.attribute("to");
  const auto* id = request.attribute("id");
  const bool verify = request.name == "verify";
  // S-12: what has a type is an answer, and an answer to nothing is ignored.
  if (from == nullptr || to == nullptr || request.attribute("type") != nullptr || (verify && id == nullptr))
    return std::nullopt;
  const auto asker = inspect::Jid::prepare_domain(*from);
  const auto asked = inspect::Jid::prepare_domain(*to);
  if (!asker || !asked || (verify && id->size() > kLongestId)) return std::nullopt;
  std::string out =
      verify ? "<db:verify xmlns:db='jabber:server:dialback'" : "<db:result xmlns:db='jabber:server:dialback'";
  append_attribute("from", *asked, out);
  append_attribute("to", *asker, out);
  if (verify) append_attribute("id", *id, out);
  out.append(" type='error'><error type='cancel'><");
  out.append(verify ? "item-not-found" : "policy-violation");
  out.append(" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
  return out.append(verify ? "</db:verify>" : "</db:result>");
}

ElementKind classify(const Node& element) {
  const auto found = std::ranges::find_if(kKnown, [&](const Known& known) { return element.is(known.ns, known.name); });
  if (found != kKnown.end()) return found->kind;
  if (element.ns == ns::kClient || element.ns.starts_with(kComponent) || element.ns == kFraming)
    return ElementKind::OtherVocabulary;
  if (is_stanza_name(element.name) && element.ns.starts_with("jabber:")) return ElementKind::OtherVocabulary;
  return ElementKind::Unknown;
}

inspect::StreamCondition condition_of(const Node& stream_error) {
  for (const Node& child : stream_error.children())
    if (child.ns == ns::kStreamErrors)
      if (const auto condition = inspect::stream_condition(child.name)) return *condition;
  return inspect::StreamCondition::UndefinedCondition;
}

std::string_view sasl_condition_of(const Node& failure) {
  for (const Node& child : failure.children()) {
    const auto known = std::ranges::find(kSaslConditions, child.name);
    if (child.ns == ns::kSasl && known != kSaslConditions.end()) return *known;
  }
  return "unknown";
}

Features read_features(const Node& element) {
  Features features;
  for (const Node& child : element.children()) {
    if (child.is_text()) continue;
    if (child.is(ns::kTls, "starttls")) features.starttls = true;
    if (child.is(ns::kLimits, "limits")) features.stanza_octets = max_bytes(child);
    if (child.is(ns::kSasl, "mechanisms")) {
      features.mechanisms = true;
      for (const Node& mechanism : child.children())
        if (mechanism.is(ns::kSasl, "mechanism") && mechanism.text_content() == "EXTERNAL") features.external = true;
    }
    const bool known = std::ranges::any_of(
        kKnownFeatures, [&](const auto& feature) { return child.is(feature.first, feature.second); });
    if (!known && requires_negotiation(child)) features.unknown_required = true;
  }
  return features;
}

std::optional<unsigned> major_version(const std::optional<std::string>& version) {
  if (!version) return std::nullopt;
  unsigned major = 0;
  const char* const end = version->data() + version->size();
  const auto [dot, fault] = std::from_chars(version->data(), end, major);
  if (fault != std::errc{} || dot == end || *dot != '.') return std::nullopt;
  unsigned minor = 0;
  const auto [last, minor_fault] = std::from_chars(dot + 1, end, minor);
  if (minor_fault != std::errc{} || last != end) return std::nullopt;
  return major;
}

}  // namespace sallyport::edge
