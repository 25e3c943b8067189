// Feeds bytes to a StreamParser and writes down what comes out, one word or line per event.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "inspect/serializer.h"
#include "inspect/stream_parser.h"

namespace sallyport::inspect {

inline void PrintTo(StreamCondition condition, std::ostream* out) {
  *out << name(condition);
}

inline const std::string kServerHeader =
    "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
inline const std::string kClientHeader =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

/// The canonical XML of a normal form; "undecodable: ..." if it is none.
inline std::string canonical(std::string_view normal_form, std::string_view content = ns::kServer) {
  Arena arena;
  const auto tree = decode(normal_form, arena, ParserLimits());
  if (!tree) return "undecodable: " + tree.error().what;
  std::string again;
  encode(**tree, again);
  if (again != normal_form) return "encodes differently";
  std::string xml;
  serialize(**tree, content, xml);
  return xml;
}

class Reading {
 public:
  explicit Reading(std::string_view content = ns::kServer, const ParserLimits& limits = ParserLimits())
      : content_(content), parser_(content, limits) {}

  Reading& feed(std::string_view bytes, std::size_t chunk = std::string_view::npos) {
    while (!bytes.empty()) {
      parser_.feed(bytes.substr(0, chunk));
      bytes.remove_prefix(std::min(chunk, bytes.size()));
      take();
    }
    return *this;
  }
  /// "header", the canonical XML of each stanza, "element: " and that of any other element, "end", and in the end
  /// "fault: CONDITION" if there was one.
  std::vector<std::string> events() const {
    std::vector<std::string> all = events_;
    if (fault) all.push_back("fault: " + std::string(name(fault->condition)));
    return all;
  }
  StreamParser& parser() { return parser_; }

  std::optional<StreamHeader> header;
  std::optional<StreamError> fault;
  std::vector<std::size_t> wire_octets;
  std::vector<std::string> normal_forms;

 private:
  void take() {
    for (;;) {
      auto event = parser_.next();
      if (!event) {
        fault = event.error();
        return;
      }
      if (!*event) return;
      if (auto* read = std::get_if<StreamHeader>(&**event)) {
        header = *read;
        events_.push_back("header");
      } else if (auto* stanza = std::get_if<StanzaRead>(&**event)) {
        wire_octets.push_back(stanza->wire_octets);
        normal_forms.emplace_back(stanza->normal_form);
        events_.push_back(canonical(stanza->normal_form, content_));
      } else if (auto* element = std::get_if<StreamElement>(&**event)) {
        events_.push_back("element: " + canonical(element->normal_form, content_));
      } else {
        events_.push_back("end");
      }
    }
  }

  std::string content_;
  StreamParser parser_;
  std::vector<std::string> events_;
};

}  // namespace sallyport::inspect
