// What the parser tells of: the root, first-level elements and what is in them.
#include <algorithm>

#include "inspect/grammar.h"
#include "inspect/names.h"
#include "inspect/stream_parser_parsing.h"

namespace sallyport::inspect {
namespace {

using enum StreamCondition;

bool is_stanza_name(std::string_view name) {
  return name == "message" || name == "presence" || name == "iq";
}

bool is_content_namespace(std::string_view ns) {
  return ns == ns::kClient || ns == ns::kServer;
}

}  // namespace

void StreamParser::Parsing::start(const SaxElement& element) {
  if (replaying_ || fault_) return;
  ++depth_;
  if (depth_ == 1) return start_root(element);
  if (!element.all_bound) {
    // RFC 6120 4.8.5: declarations of the header are not for stanzas.
    if (uses_header_prefix(element)) return refuse_in_event(InvalidNamespace, "a prefix that only the header declares");
    return refuse_in_event(NotWellFormed, "a namespace fault");
  }
  if (!namespaces_are_legal(element) || !may_stand_here(element) || !collect_attributes(element)) return;
  writer_.open(foreign_ == 0 ? ns::kContent : element.ns, element.name, attributes_);
  if (writer_.distinct_namespaces() > limits_.namespaces)
    refuse_in_event(PolicyViolation, "too many namespaces", LimitCondition::StanzaTooBig);
}

bool StreamParser::Parsing::uses_header_prefix(const SaxElement& element) const {
  const auto only_in_header = [&](std::string_view prefix) {
    return std::ranges::find(header_prefixes_, prefix) != header_prefixes_.end();
  };
  if (!element.has_ns && only_in_header(element.prefix)) return true;
  for (std::size_t i = 0; i < element.attribute_count; ++i) {
    const xmlChar** const attribute = element.attributes + 5 * i;
    if (attribute[1] != nullptr && attribute[2] == nullptr && only_in_header(view(attribute[1]))) return true;
  }
  return false;
}

bool StreamParser::Parsing::namespaces_are_legal(const SaxElement& element) {
  for (std::size_t i = 0; i < element.declaration_count; ++i) {
    const std::string_view ns = view(element.declarations[2 * i + 1]);
    if (ns.empty() || is_namespace_name(ns)) continue;
    if (ns.size() > kNamespaceOctets)
      refuse_in_event(PolicyViolation, "too long a namespace name", LimitCondition::StanzaTooBig);
    else
      refuse_in_event(BadFormat, "an odd namespace name");
    return false;
  }
  return true;
}

// Also finds out what kind of first-level element this is, and whether we are inside a foreign one.
bool StreamParser::Parsing::may_stand_here(const SaxElement& element) {
  const bool first_level = depth_ == 2;
  const auto no = [&](StreamCondition condition, std::string_view why) {
    refuse_in_event(condition, why);
    return false;
  };
  if (!element.has_ns) return no(BadFormat, "an element in no namespace");
  // Of what a name must be, the scanner has seen to the rest.
  if (is_reserved_name(element.name)) return no(BadFormat, "a reserved name");
  if (element.ns == ns::kXml || element.ns == ns::kXmlns) return no(BadFormat, "an element in the xml namespace");
  if (element.ns == ns::kStream && (!first_level || (element.name != "features" && element.name != "error")))
    return no(BadFormat, "a streams element out of place");
  if (foreign_ == 0 && element.ns == content_) {
    if (!element.prefix.empty()) return no(BadNamespacePrefix, "a prefix for the content namespace");
  } else if (foreign_ == 0) {
    foreign_ = depth_;
  }
  if (!first_level) return true;
  const bool stanza = is_stanza_name(element.name);
  if (stanza && foreign_ != 0 && is_content_namespace(element.ns))
    return no(InvalidNamespace, "a stanza of the other content namespace");
  kind_ = stanza && foreign_ == 0 ? Kind::Stanza : Kind::Element;
  return true;
}

bool StreamParser::Parsing::collect_attributes(const SaxElement& element) {
  attributes_.clear();
  for (std::size_t i = 0; i < element.attribute_count; ++i) {
    const xmlChar** const attribute = element.attributes + 5 * i;
    const std::string_view name = view(attribute[0]), ns = view(attribute[2]);
    // xml:space, xml:base and xml:id do not cross (protocol.md X-06).
    if (ns == ns::kXml && name != "lang") continue;
    if (is_reserved_name(name)) {
      refuse_in_event(BadFormat, "a reserved name");
      return false;
    }
    const auto* const begin = reinterpret_cast<const char*>(attribute[3]);
    const auto size = static_cast<std::size_t>(attribute[4] - attribute[3]);
    attributes_.push_back({ns, name, {begin, size}});
  }
  return true;
}

void StreamParser::Parsing::text(std::string_view piece) {
  if (depth_ >= 2 && !fault_) writer_.text(piece);
}

void StreamParser::Parsing::end() {
  if (fault_) return;
  if (foreign_ == depth_) foreign_ = 0;
  --depth_;
  if (depth_ == 0) {
    events_.push_back({Kind::End});
    return;
  }
  writer_.close();
  if (depth_ == 1) finish_element();
}

void StreamParser::Parsing::finish_element() {
  writer_.restart();
  if (elements_done_ == wire_octets_.size()) return refuse_in_event(BadFormat, "the two readers disagree");
  events_.push_back({kind_, complete_.size(), building_.size(), wire_octets_[elements_done_++]});
  // Mostly a feed brings one element: then nothing is copied.
  if (complete_.empty())
    complete_.swap(building_);
  else
    complete_.append(building_);
  empty(building_);
}

void StreamParser::Parsing::start_root(const SaxElement& element) {
  if (!element.all_bound) return refuse_in_event(NotWellFormed, "a namespace fault");
  if (element.ns != ns::kStream) return refuse_in_event(InvalidNamespace, "the root is not in the streams namespace");
  if (element.name != "stream") return refuse_in_event(BadFormat, "the root is not called stream");
  std::string_view default_namespace;
  for (std::size_t i = 0; i < element.declaration_count; ++i)
    if (element.declarations[2 * i] == nullptr) default_namespace = view(element.declarations[2 * i + 1]);
  // RFC 6120 4.8.2: with the streams namespace as default, stanzas declare the content namespace themselves.
  if (default_namespace != content_ && default_namespace != ns::kStream)
    return refuse_in_event(InvalidNamespace, "another content namespace");
  if (default_namespace == content_) header_.content_namespace = default_namespace;
  read_header_attributes(element);
  read_header_declarations(element, default_namespace);
  header_read_ = true;
  events_.push_back({Kind::Header});
}

void StreamParser::Parsing::read_header_attributes(const SaxElement& element) {
  for (std::size_t i = 0; i < element.attribute_count; ++i) {
    const xmlChar** const attribute = element.attributes + 5 * i;
    const std::string_view name = view(attribute[0]), ns = view(attribute[2]);
    const std::string value(reinterpret_cast<const char*>(attribute[3]),
                            static_cast<std::size_t>(attribute[4] - attribute[3]));
    if (ns == ns::kXml && name == "lang") header_.lang = value;
    if (!ns.empty()) continue;
    if (name == "to") header_.to = value;
    if (name == "from") header_.from = value;
    if (name == "id") header_.id = value;
    if (name == "version") header_.version = value;
  }
}

// The replayed header has the same root, so that its end tag matches, and of the declarations those that first-level
// elements rightly rely on.
void StreamParser::Parsing::read_header_declarations(const SaxElement& element, std::string_view default_namespace) {
  const auto declare = [&](std::string_view prefix, std::string_view ns) {
    replay_ += prefix.empty() ? " xmlns" : " xmlns:";
    replay_ += prefix;
    replay_ += "='";
    replay_ += ns;
    replay_ += '\'';
  };
  replay_ = '<';
  if (!element.prefix.empty()) replay_.append(element.prefix).append(":");
  replay_ += element.name;
  declare("", default_namespace);
  for (std::size_t i = 0; i < element.declaration_count; ++i) {
    const std::string_view prefix = view(element.declarations[2 * i]), ns = view(element.declarations[2 * i + 1]);
    if (ns == ns::kDialback) header_.declares_dialback = true;
    if (prefix.empty() || prefix == "xml") continue;
    if (ns == ns::kStream || ns == ns::kDialback || ns == content_)
      declare(prefix, ns);
    else
      header_prefixes_.emplace_back(prefix);
  }
  replay_ += '>';
}

}  // namespace sallyport::inspect
