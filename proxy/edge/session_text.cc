#include "proxy/edge/session_text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "inspect/base64.h"
#include "inspect/jid.h"
#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "inspect/serializer.h"

namespace sallyport::edge {
namespace {

namespace ns = inspect::ns;
using airlock::Feature;
using airlock::OfferStage;
using airlock::SaslStep;
using inspect::Node;

constexpr std::string_view kBind = "urn:ietf:params:xml:ns:xmpp-bind";
constexpr std::string_view kSession = "urn:ietf:params:xml:ns:xmpp-session";
constexpr std::string_view kBindings = "urn:xmpp:sasl-cb:0";
constexpr std::size_t kLongestSmId = 4000;  // XEP-0198 5
constexpr std::size_t kLongestBindId = 256;
constexpr std::size_t kLongestResource = 1023;
constexpr std::size_t kArenaBlock = 2048;

struct Known {
  std::string_view ns, name;
  Feature feature;
};
constexpr std::array kFeatures = {
    Known{kBind, "bind", Feature::Bind},
    Known{ns::kSm, "sm", Feature::StreamManagement},
    Known{"urn:xmpp:csi:0", "csi", Feature::ClientState},
    Known{"urn:xmpp:features:rosterver", "ver", Feature::RosterVersioning},
    Known{"urn:xmpp:features:pre-approval", "sub", Feature::PreApproval},
    Known{kSession, "session", Feature::Session},
};

/// Understood, and left alone: nothing is lost when a server cannot negotiate them with the guard.
constexpr std::array<std::string_view, 4> kLeftAlone = {ns::kTls, ns::kSasl, kBindings, ns::kLimits};

struct KnownBinding {
  std::string_view name;
  airlock::Binding binding;
};
constexpr std::array kKnownBindings = {KnownBinding{"tls-server-end-point", airlock::Binding::TlsServerEndPoint},
                                       KnownBinding{"tls-exporter", airlock::Binding::TlsExporter},
                                       KnownBinding{"tls-unique", airlock::Binding::TlsUnique}};

std::string_view attribute(const Node& node, std::string_view name) {
  const auto* value = node.attribute(name);
  return value == nullptr ? std::string_view() : *value;
}

bool insists(const Node& feature) {
  return std::ranges::any_of(feature.children(), [](const Node& child) { return child.name == "required"; });
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  return fault == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::uint32_t max_bytes(const Node& limits) {
  const Node* octets = limits.child(ns::kLimits, "max-bytes");
  return octets == nullptr ? 0 : number(octets->text_content()).value_or(0);
}

inspect::StanzaCondition stanza_condition_in(const Node& element) {
  inspect::StanzaCondition found = inspect::StanzaCondition::UndefinedCondition;
  for (const Node& child : element.children())
    if (child.ns == ns::kStanzaErrors)
      if (const auto condition = inspect::stanza_condition(child.name)) found = *condition;
  return found;
}

void append_attribute(std::string_view name, std::string_view value, std::string& out) {
  out.append(" ").append(name).append("='");
  inspect::escape_value(value, out);
  out += '\'';
}

inspect::Mechanisms mechanisms_of(const Node& element) {
  inspect::Mechanisms mechanisms;
  for (const Node& child : element.children())
    if (child.is(ns::kSasl, "mechanism"))
      if (const auto known = inspect::mechanism(child.text_content())) mechanisms.add(*known);
  return mechanisms;
}

std::uint32_t bindings_of(const Node& element) {
  std::uint32_t bindings = 0;
  for (const Node& child : element.children()) {
    const std::string_view type = child.is(kBindings, "channel-binding") ? attribute(child, "type") : "";
    const auto known = std::ranges::find(kKnownBindings, type, &KnownBinding::name);
    if (known != kKnownBindings.end()) bindings |= airlock::bit(known->binding);
  }
  return bindings;
}

std::string_view element_name(SaslStep step) {
  static constexpr std::array<std::string_view, 6> kNames = {"auth",    "challenge", "response",
                                                             "success", "failure",   "abort"};
  return kNames[static_cast<std::size_t>(step)];
}

}  // namespace

std::string client_features(const airlock::Offer& offer, std::uint32_t stanza_octets) {
  std::string out = "<stream:features>";
  if (offer.stage == OfferStage::Authentication) {
    const auto offered = inspect::Mechanisms::of_bits(offer.mechanisms).value_or(inspect::Mechanisms{});
    out += "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>";
    for (unsigned i = 0; i <= static_cast<unsigned>(inspect::kLastMechanism); ++i)
      if (const auto each = static_cast<inspect::Mechanism>(i); offered.has(each))
        out.append("<mechanism>").append(inspect::name(each)).append("</mechanism>");
    out += "</mechanisms>";
    if (offer.bindings != 0) {
      out.append("<sasl-channel-binding xmlns='").append(kBindings).append("'>");
      for (const KnownBinding& known : kKnownBindings)
        if ((offer.bindings & airlock::bit(known.binding)) != 0)
          out.append("<channel-binding type='").append(known.name).append("'/>");
      out += "</sasl-channel-binding>";
    }
  } else {
    for (const Known& known : kFeatures) {
      if ((offer.features & airlock::bit(known.feature)) == 0) continue;
      out.append("<").append(known.name).append(" xmlns='").append(known.ns);
      // C-12: it does nothing, and old clients look for it.
      out += known.feature == Feature::Session ? "'><optional/></session>" : "'/>";
    }
    out.append("<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>")
        .append(std::to_string(stanza_octets))
        .append("</max-bytes></limits>");
  }
  return out.append("</stream:features>");
}

ServerFeatures read_server_features(const Node& element, OfferStage stage) {
  ServerFeatures features;
  features.offer.stage = stage;
  for (const Node& child : element.children()) {
    if (child.is_text()) continue;
    if (child.is(ns::kTls, "starttls")) features.starttls = true;
    if (child.is(ns::kSasl, "mechanisms")) features.offer.mechanisms = mechanisms_of(child).bits();
    if (child.is(kBindings, "sasl-channel-binding")) features.offer.bindings = bindings_of(child);
    if (child.is(ns::kLimits, "limits")) features.offer.stanza_octets = max_bytes(child);
    const auto known = std::ranges::find_if(kFeatures, [&](const Known& each) { return child.is(each.ns, each.name); });
    if (known != kFeatures.end()) features.offer.features |= airlock::bit(known->feature);
    const bool understood = known != kFeatures.end() || std::ranges::find(kLeftAlone, child.ns) != kLeftAlone.end();
    if (!understood && insists(child)) features.unknown_required = true;
  }
  if (stage == OfferStage::Authentication) features.offer.features = 0;
  if (stage == OfferStage::Session) features.offer.mechanisms = features.offer.bindings = 0;
  return features;
}

std::string sasl_element(const airlock::Sasl& step) {
  const std::string_view name = element_name(step.step);
  std::string out = "<";
  out.append(name).append(" xmlns='urn:ietf:params:xml:ns:xmpp-sasl'");
  if (step.step == SaslStep::Auth) out.append(" mechanism='").append(inspect::name(step.mechanism)).append("'");
  if (step.step == SaslStep::Failure)
    return out.append("><").append(inspect::name(step.condition)).append("/></failure>");
  if (step.step == SaslStep::Abort || !step.has_octets) return out.append("/>");
  return out.append(">").append(inspect::encode_sasl(step.octets)).append("</").append(name).append(">");
}

std::optional<SaslText> read_sasl_text(const Node& element) {
  if (element.has_child_elements()) return std::nullopt;
  const std::string_view text = element.text_content();
  if (text.empty()) return SaslText{};
  auto octets = inspect::decode_sasl(text);
  if (!octets) return std::nullopt;
  return SaslText{true, inspect::Secret(std::move(*octets))};
}

std::optional<BindRequest> read_bind_request(const inspect::StanzaRead& stanza) {
  inspect::Arena arena(kArenaBlock);
  const auto node = inspect::decode(stanza.normal_form, arena, inspect::ParserLimits{});
  if (!node || !(*node)->is(ns::kContent, "iq") || attribute(**node, "type") != "set") return std::nullopt;
  const std::string_view id = attribute(**node, "id");
  const Node* bind = (*node)->child(kBind, "bind");
  if (bind == nullptr || id.empty() || id.size() > kLongestBindId) return std::nullopt;
  // Nothing stands beside it: the rest of the stanza would go nowhere.
  if (std::ranges::count_if((*node)->children(), [](const Node& child) { return !child.is_text(); }) != 1)
    return std::nullopt;
  const Node* resource = bind->child(kBind, "resource");
  const std::string_view text = resource == nullptr ? std::string_view() : resource->text_content();
  if (text.size() > kLongestResource) return std::nullopt;
  return BindRequest{std::string(id), std::string(text)};
}

std::string bind_request(std::string_view id, std::string_view resource) {
  std::string out = "<iq type='set' id='";
  inspect::escape_value(id, out);
  out.append("'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'");
  if (resource.empty()) return out.append("/></iq>");
  out.append("><resource>");
  inspect::escape_text(resource, out);
  return out.append("</resource></bind></iq>");
}

std::optional<airlock::Bound> read_bind_answer(const inspect::StanzaRead& stanza, std::string_view id) {
  inspect::Arena arena(kArenaBlock);
  const auto node = inspect::decode(stanza.normal_form, arena, inspect::ParserLimits{});
  if (!node || !(*node)->is(ns::kContent, "iq") || attribute(**node, "id") != id) return std::nullopt;
  const std::string_view type = attribute(**node, "type");
  airlock::Bound bound;
  if (type == "result") {
    const Node* bind = (*node)->child(kBind, "bind");
    const Node* jid = bind == nullptr ? nullptr : bind->child(kBind, "jid");
    const auto prepared = jid == nullptr ? std::unexpected(inspect::JidFault::Empty)
                                         : inspect::Jid::parse(jid->text_content(), inspect::JidProfile::Unicode);
    if (!prepared || prepared->local().empty() || prepared->is_bare()) return std::nullopt;
    bound.jid = prepared->full();
    return bound;
  }
  if (type != "error") return std::nullopt;
  if (const Node* error = (*node)->child(ns::kContent, "error")) bound.condition = stanza_condition_in(*error);
  return bound;
}

std::string bind_answer(std::string_view id, const airlock::Bound& bound) {
  std::string out = bound.jid.empty() ? "<iq type='error' id='" : "<iq type='result' id='";
  inspect::escape_value(id, out);
  if (bound.jid.empty()) {
    const bool wait = bound.condition == inspect::StanzaCondition::ResourceConstraint;
    const bool modify = bound.condition == inspect::StanzaCondition::BadRequest;
    return out.append("'><error type='")
        .append(wait     ? "wait"
                : modify ? "modify"
                         : "cancel")
        .append("'><")
        .append(inspect::name(bound.condition))
        .append(" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
  }
  out.append("'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>");
  inspect::escape_text(bound.jid, out);
  return out.append("</jid></bind></iq>");
}

std::string ack_element(std::uint32_t h) {
  return "<a xmlns='urn:xmpp:sm:3' h='" + std::to_string(h) + "'/>";
}

std::string sm_element(const airlock::Sm& step) {
  using airlock::SmStep;
  static constexpr std::array<std::string_view, 6> kNames = {"enable", "enabled", "resume", "resumed", "failed", "r"};
  const std::string_view name = kNames[static_cast<std::size_t>(step.step)];
  std::string out = "<";
  out.append(name).append(" xmlns='urn:xmpp:sm:3'");
  const bool begins = step.step == SmStep::Enable || step.step == SmStep::Enabled;
  if (begins && !step.id.empty()) append_attribute("id", step.id, out);
  if (begins && step.resume) append_attribute("resume", "true", out);
  if (begins && step.resume && step.max != 0) append_attribute("max", std::to_string(step.max), out);
  const bool resumes = step.step == SmStep::Resume || step.step == SmStep::Resumed;
  if (resumes) append_attribute("previd", step.id, out);
  if (resumes || (step.step == SmStep::Failed && step.has_h)) append_attribute("h", std::to_string(step.h), out);
  if (step.step != SmStep::Failed) return out.append("/>");
  return out.append("><")
      .append(inspect::name(step.condition))
      .append(" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
}

std::optional<std::uint32_t> read_h(const Node& element) {
  return number(attribute(element, "h"));
}

std::optional<airlock::Sm> read_sm(ElementKind kind, const Node& element) {
  using airlock::SmStep;
  const auto h = read_h(element);
  const std::string_view resume = attribute(element, "resume");
  airlock::Sm step;
  switch (kind) {
    case ElementKind::SmEnabled:
      step.id = attribute(element, "id");
      [[fallthrough]];
    case ElementKind::SmEnable:
      step.step = kind == ElementKind::SmEnable ? SmStep::Enable : SmStep::Enabled;
      step.resume = resume == "true" || resume == "1";
      step.max = number(attribute(element, "max")).value_or(0);
      if (kind == ElementKind::SmEnabled && step.id.empty()) step.resume = false;
      break;
    case ElementKind::SmResume:
    case ElementKind::SmResumed:
      step.step = kind == ElementKind::SmResume ? SmStep::Resume : SmStep::Resumed;
      step.id = attribute(element, "previd");
      if (!h || step.id.empty()) return std::nullopt;
      break;
    case ElementKind::SmFailed:
      step.step = SmStep::Failed;
      step.condition = stanza_condition_in(element);
      break;
    default:
      return std::nullopt;
  }
  if (h && step.step != SmStep::Enable && step.step != SmStep::Enabled) {
    step.has_h = true;
    step.h = *h;
  }
  return step.id.size() > kLongestSmId ? std::nullopt : std::optional(std::move(step));
}

std::string too_high(std::uint32_t h, std::uint32_t sent) {
  return "<handled-count-too-high xmlns='urn:xmpp:sm:3' h='" + std::to_string(h) + "' send-count='" +
         std::to_string(sent) + "'/>";
}

}  // namespace sallyport::edge
