// The one way of writing a tree out: canonical XML (protocol.md 5.7).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "inspect/element.h"
#include "inspect/errors.h"

namespace sallyport::inspect {

/// Appends the canonical XML of `element`. Elements of ns::kContent stand in the stream's default namespace, so nothing
/// is declared for them at the top; `content_namespace` (jabber:server or jabber:client) is what is declared where a
/// content element stands inside another namespace.
void serialize(const Node& element, std::string_view content_namespace, std::string& out);

/// Appends `text` escaped as text content, or as the value of an attribute in apostrophes.
void escape_text(std::string_view text, std::string& out);
void escape_value(std::string_view text, std::string& out);

/// Where a header goes, and what it says. Empty optional: the attribute is left out; empty string: `from=''`.
struct HeaderToWrite {
  std::string_view content_namespace = {};
  std::optional<std::string_view> to = std::nullopt, from = std::nullopt, id = std::nullopt;
  bool dialback = false;  ///< declare xmlns:db
};
/// `<?xml version='1.0'?><stream:stream ... version='1.0' xml:lang='en'>`
void write_header(const HeaderToWrite& header, std::string& out);
/// `<stream:error>...</stream:error></stream:stream>`; never a text (protocol.md S-13).
void write_stream_error(const StreamError& error, std::string& out);

}  // namespace sallyport::inspect
