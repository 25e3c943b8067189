// What must hold for any bytes that a peer may send.
#pragma once

#include <string>
#include <string_view>

#include "tests/inspect/canonical_grammar.h"
#include "tests/inspect/reading.h"

namespace sallyport::inspect {

inline ParserLimits without_limits() {
  ParserLimits limits;
  limits.bytes_per_element = limits.value_bytes = limits.namespaces = std::size_t{1} << 30;
  limits.declarations_per_element = 255;
  return limits;
}

/// A canonical element is read as itself: protocol.md 5.7, properties (a) and (c) to (e). "" if so.
inline std::string round_trip_fault(const std::string& canonical_xml, const std::string& normal_form) {
  if (const std::string fault = CanonicalGrammar::fault_of(canonical_xml); !fault.empty()) return fault;
  std::string header;
  write_header({.content_namespace = ns::kServer, .dialback = true}, header);
  Reading again(ns::kServer, without_limits());
  again.feed(header + canonical_xml);
  if (again.fault) return "canonical XML is refused: " + again.fault->why + ": " + canonical_xml;
  const auto events = again.events();
  const std::string prefix = again.normal_forms.empty() ? "element: " : "";
  if (events.size() != 2 || events[1] != prefix + canonical_xml) return "canonical XML changes: " + canonical_xml;
  if (!normal_form.empty() && again.normal_forms != std::vector<std::string>{normal_form})
    return "the normal form changes: " + canonical_xml;
  return "";
}

/// The first octet says how the rest is cut. "" if all properties hold.
inline std::string stream_fault(std::string_view input) {
  if (input.empty()) return "";
  const std::size_t chunk = static_cast<unsigned char>(input[0]) % 64 + 1u;
  input.remove_prefix(1);
  Reading whole, pieces;
  whole.feed(input);
  pieces.feed(input, chunk);
  if (whole.events() != pieces.events()) return "the events depend on how the bytes are cut";
  if (whole.fault && whole.fault->why != pieces.fault->why) return "the reason depends on how the bytes are cut";
  if (whole.normal_forms != pieces.normal_forms) return "the normal forms depend on how the bytes are cut";
  if (whole.wire_octets != pieces.wire_octets) return "the sizes depend on how the bytes are cut";
  std::size_t stanza = 0;
  for (const std::string& event : whole.events()) {
    const bool element = event.starts_with("element: ");
    if (!element && !event.starts_with("<")) {
      if (event.starts_with("undecodable") || event.starts_with("encodes")) return event;
      continue;
    }
    const std::string xml = element ? event.substr(9) : event;
    if (xml.starts_with("undecodable") || xml.starts_with("encodes")) return xml;
    const std::string fault = round_trip_fault(xml, element ? "" : whole.normal_forms.at(stanza));
    if (!element) ++stanza;
    if (!fault.empty()) return fault;
  }
  return "";
}

/// For octets that an edge may send: what decodes is encoded again as the same octets and serialises canonically.
inline std::string normal_form_fault(std::string_view octets) {
  Arena arena;
  const auto tree = decode(octets, arena, ParserLimits());
  if (!tree) return tree.error().what.empty() ? "a fault without a reason" : "";
  std::string again;
  encode(**tree, again);
  if (again != octets) return "encodes differently";
  std::string xml;
  serialize(**tree, ns::kServer, xml);
  return CanonicalGrammar::fault_of(xml);
}

}  // namespace sallyport::inspect
