// Stage 1, shape: is this a stanza as RFC 6120 and 6121 define one? Attributes, type, id, language, and the children of
// the stanza's own vocabulary (protocol.md 5.2, 5.3). Payloads are none of its business.
#include <array>
#include <charconv>
#include <span>

#include "inspect/limits.h"
#include "inspect/names.h"
#include "policy/pipeline.h"
#include "policy/stage.h"

namespace sallyport::policy {
namespace {

using inspect::Attribute;
using inspect::Node;
namespace ns = inspect::ns;

constexpr std::size_t kLongestId = 256;
/// Extensions of a message or presence, and texts of one name: enough for anything sane, and it bounds the comparisons.
constexpr std::size_t kMostAlike = 32;
/// What the edges write into every header (protocol.md X-06).
constexpr std::string_view kHeaderLang = "en";

/// A child that holds text only.
struct TextChild {
  std::string_view name;
  bool once;                   ///< else: each in another language
  std::string_view attribute;  ///< the one that it may have besides; "" if none
  Objection (*check)(const Run& run, std::string_view text);
};

Objection any_text(const Run&, std::string_view) {
  return std::nullopt;
}
Objection check_body(const Run& run, std::string_view text) {
  if (text.size() > run.bundle.limits().body_octets) return Reason::ShapeTooBig;
  return std::nullopt;
}
Objection check_show(const Run&, std::string_view text) {
  if (text == "away" || text == "chat" || text == "dnd" || text == "xa") return std::nullopt;
  return Reason::ShapeShow;
}
Objection check_priority(const Run&, std::string_view text) {
  // RFC 6121 4.7.2.3: xs:byte, whose lexical form may start with a plus sign; std::from_chars knows only the minus.
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < -128 || value > 127)
    return Reason::ShapePriority;
  return std::nullopt;
}

constexpr std::array kMessageChildren = {TextChild{"body", false, "", check_body},
                                         TextChild{"subject", false, "", any_text},
                                         TextChild{"thread", true, "parent", any_text}};
constexpr std::array kPresenceChildren = {TextChild{"show", true, "", check_show},
                                          TextChild{"status", false, "", any_text},
                                          TextChild{"priority", true, "", check_priority}};

std::span<const TextChild> text_children(Kind kind) {
  switch (kind) {
    case Kind::Message:
      return kMessageChildren;
    case Kind::Presence:
      return kPresenceChildren;
    case Kind::Iq:
      return {};
  }
  return {};
}

std::optional<Kind> kind_of(const Node& stanza) {
  if (stanza.is(ns::kContent, "message")) return Kind::Message;
  if (stanza.is(ns::kContent, "presence")) return Kind::Presence;
  if (stanza.is(ns::kContent, "iq")) return Kind::Iq;
  return std::nullopt;
}

bool is_subscription(std::string_view type) {
  return type == "subscribe" || type == "subscribed" || type == "unsubscribe" || type == "unsubscribed";
}

/// Whether something that is not defined here is refused; otherwise it has been taken out, and that is noted.
Objection attributes_went(Run& run, bool any_went) {
  if (!any_went) return std::nullopt;
  if (run.bundle.settings().attributes == Unknown::Strict) return Reason::ShapeAttributeUnknown;
  run.findings.add(Reason::ShapeAttributeDropped);
  return std::nullopt;
}

/// Counts elements, the stanza itself among them, and gives `most` less their number: 0 when there are as many or more.
std::size_t left_after(const Node& element, std::size_t most) {
  if (most > 0) --most;
  for (const Node& child : element.children()) {
    if (most == 0) return 0;
    if (!child.is_text()) most = left_after(child, most);
  }
  return most;
}

/// What a server says to a client of its own: only its answers may have more elements than other stanzas (D-10).
Objection check_size_in_session(const Run& run) {
  if (run.kind == Kind::Iq && run.facts.type == "result")
    return run.octets > kLargestAnswer ? Objection(Reason::ShapeTooBig) : std::nullopt;
  constexpr std::size_t kElements = inspect::ParserLimits{}.elements;
  constexpr std::size_t kLeastOctets = 8;  // of an element in normal form
  if (run.octets <= kElements * kLeastOctets || left_after(run.stanza, kElements + 1) > 0) return std::nullopt;
  return Reason::ShapeTooBig;
}

Objection check_size(const Run& run) {
  if (run.crossing.client != nullptr && !run.crossing.client->from_client) {
    if (const auto objection = check_size_in_session(run)) return objection;
    if (run.kind == Kind::Iq && run.facts.type == "result") return std::nullopt;
  }
  const Limits& limits = run.bundle.limits();
  const std::size_t limit = run.kind == Kind::Message    ? limits.message_octets
                            : run.kind == Kind::Presence ? limits.presence_octets
                                                         : limits.iq_octets;
  if (run.octets > limit) return Reason::ShapeTooBig;
  return std::nullopt;
}

Objection check_attributes(Run& run) {
  const bool any_went = keep_attributes(run.stanza, [](const Attribute& a) {
    if (a.ns == ns::kXml) return a.name == "lang";
    return a.ns.empty() && (a.name == "from" || a.name == "id" || a.name == "to" || a.name == "type");
  });
  return attributes_went(run, any_went);
}

Objection check_type(Run& run) {
  const std::string_view type = run.facts.type;
  const bool absent = !run.stanza.attribute("type");
  switch (run.kind) {
    case Kind::Message:
      if (absent || type == "chat" || type == "error" || type == "groupchat" || type == "headline" || type == "normal")
        return std::nullopt;
      if (run.bundle.settings().message_type == Unknown::Strict) return Reason::ShapeMessageType;
      keep_attributes(run.stanza, [](const Attribute& a) { return a.name != "type"; });
      run.findings.add(Reason::ShapeMessageTypeNormal);
      return std::nullopt;
    case Kind::Presence:
      if (absent || type == "unavailable" || type == "probe" || type == "error" || is_subscription(type))
        return std::nullopt;
      return Reason::ShapePresenceType;
    case Kind::Iq:
      if (type == "get" || type == "set" || type == "result" || type == "error") return std::nullopt;
      return Reason::ShapeIqType;
  }
  return Reason::PolicyUndecided;
}

Objection check_id(const Run& run) {
  if (!run.stanza.attribute("id")) {
    if (run.kind == Kind::Iq) return Reason::ShapeIdMissing;
    return std::nullopt;
  }
  const std::string_view id = run.facts.id;
  if (id.empty() || id.size() > kLongestId) return Reason::ShapeIdMalformed;
  // C1 controls and DEL do not come through the decoder; of C0 it lets TAB, LF and CR.
  for (const char c : id)
    if (static_cast<unsigned char>(c) < 0x20) return Reason::ShapeIdMalformed;
  return std::nullopt;
}

/// The language that a child is in: its own, else the stanza's, else that of the stream.
std::string_view language(const Run& run, const Node& child) {
  if (const auto* own = child.attribute("lang", ns::kXml)) return *own;
  if (const auto* stanzas = run.stanza.attribute("lang", ns::kXml)) return *stanzas;
  return run.crossing.lang;
}

Objection check_siblings(const Run& run, const Node& child, const TextChild& rule) {
  std::size_t alike = 0;
  for (const Node& earlier : run.stanza.children()) {
    if (&earlier == &child) return std::nullopt;
    if (!earlier.is(ns::kContent, rule.name)) continue;
    if (rule.once || ++alike == kMostAlike) return Reason::ShapeChildCount;
    if (same_language(language(run, earlier), language(run, child))) return Reason::ShapeChildLang;
  }
  return std::nullopt;
}

Objection check_text_child(Run& run, Node& child, const TextChild& rule) {
  const bool any_went = keep_attributes(child, [&](const Attribute& a) {
    if (a.ns == ns::kXml) return a.name == "lang" && !rule.once;
    return a.ns.empty() && a.name == rule.attribute;
  });
  if (const auto objection = attributes_went(run, any_went)) return objection;
  const auto* lang = child.attribute("lang", ns::kXml);
  // An empty value resets what is inherited.
  if (lang && !lang->empty() && !is_language_tag(*lang)) return Reason::ShapeLang;
  if (child.has_child_elements()) return Reason::ShapeChildContent;
  if (const auto objection = rule.check(run, child.text_content())) return objection;
  return check_siblings(run, child, rule);
}

Objection check_content_child(Run& run, Node& child) {
  for (const TextChild& rule : text_children(run.kind))
    if (child.name == rule.name) return check_text_child(run, child, rule);
  return Reason::ShapeChildUnknown;
}

/// The number of payloads that an iq has to have (RFC 6120 8.2.3).
Objection check_payload_count(const Run& run, std::size_t extensions) {
  if (run.kind != Kind::Iq) {
    if (extensions > kMostAlike) return Reason::ShapeExtensionCount;
    return std::nullopt;
  }
  const bool request = run.facts.type == "get" || run.facts.type == "set";
  if (extensions > 1 || (request && extensions == 0)) return Reason::ShapePayloadCount;
  return std::nullopt;
}

/// Takes out what must not cross with subscriptions, probes and errors before the rest is looked at.
void empty_out(Run& run) {
  const bool full = run.bundle.settings().transparency == Transparency::Full;
  const std::string_view type = run.facts.type;
  if (run.kind == Kind::Presence && (type == "probe" || (is_subscription(type) && !full))) {
    if (keep_children(run.stanza, [](const Node&) { return false; }))
      run.findings.add(Reason::ShapeSubscriptionEmptied);
  } else if (type == "error" && !full) {
    if (keep_children(run.stanza, [](const Node& child) { return child.is(ns::kContent, "error"); }))
      run.findings.add(Reason::ShapeErrorEcho);
  }
}

Objection check_children(Run& run) {
  empty_out(run);
  keep_children(run.stanza, [](const Node& child) { return !child.is_text() || !is_whitespace(child.text); });

  const bool is_error = run.facts.type == "error";
  std::size_t extensions = 0;
  std::size_t errors = 0;
  for (Node* child = run.stanza.first_child; child; child = child->next) {
    Objection objection;
    if (child->is_text()) {
      objection = Reason::ShapeText;
    } else if (child->is(ns::kContent, "error")) {
      ++errors;
      objection = is_error ? error_shape(run, *child) : Objection(Reason::ShapeErrorUnexpected);
    } else if (child->ns == ns::kContent) {
      objection = check_content_child(run, *child);
    } else if (child->ns == ns::kClient || child->ns == ns::kServer) {
      objection = Reason::ShapeChildNamespace;
    } else {
      ++extensions;
    }
    if (objection) return objection;
  }
  if (is_error && errors != 1) return Reason::ShapeErrorMissing;
  return check_payload_count(run, extensions);
}

/// protocol.md X-06: a stanza without a language has that of its stream's header, and it leaves on a stream with
/// another.
Objection check_language(Run& run) {
  if (const auto* own = run.stanza.attribute("lang", ns::kXml)) {
    if (!is_language_tag(*own)) return Reason::ShapeLang;
    return std::nullopt;
  }
  const std::string_view inherited = run.crossing.lang;
  if (!is_language_tag(inherited) || same_language(inherited, kHeaderLang)) return std::nullopt;
  set_attribute(run.stanza, ns::kXml, "lang", inherited, run.scratch.arena);
  run.findings.add(Reason::ShapeLangStamped);
  return std::nullopt;
}

}  // namespace

Objection shape(Run& run) {
  const std::optional<Kind> kind = kind_of(run.stanza);
  if (const auto* type = run.stanza.attribute("type")) run.facts.type = *type;
  if (const auto* id = run.stanza.attribute("id")) run.facts.id = *id;
  if (!kind) return Reason::ShapeNotAStanza;
  run.facts.kind = kind;
  run.kind = *kind;

  if (const auto objection = check_size(run)) return objection;
  if (const auto objection = check_attributes(run)) return objection;
  if (const auto objection = check_type(run)) return objection;
  if (const auto objection = check_id(run)) return objection;
  if (const auto objection = check_children(run)) return objection;
  return check_language(run);
}

}  // namespace sallyport::policy
