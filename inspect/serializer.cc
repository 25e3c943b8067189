#include "inspect/serializer.h"

#include <array>
#include <cstdint>

#include "inspect/names.h"

namespace sallyport::inspect {
namespace {

// What stands for a character that must not stand for itself; empty for those that may.
using Escapes = std::array<std::string_view, 256>;

constexpr Escapes text_escapes() {
  Escapes escapes{};
  escapes['&'] = "&amp;";
  escapes['<'] = "&lt;";
  escapes['>'] = "&gt;";
  escapes['\r'] = "&#13;";
  return escapes;
}

constexpr Escapes value_escapes() {
  Escapes escapes = text_escapes();
  escapes['\''] = "&apos;";
  escapes['"'] = "&quot;";
  escapes['\t'] = "&#9;";
  escapes['\n'] = "&#10;";
  return escapes;
}

constexpr Escapes kTextEscapes = text_escapes();
constexpr Escapes kValueEscapes = value_escapes();

enum class Place : std::uint8_t { Text, Value };

template <Place place>
constexpr bool is_escaped(char octet) {
  const bool in_text = (octet == '&') | (octet == '<') | (octet == '>') | (octet == '\r');
  if constexpr (place == Place::Text) return in_text;
  return in_text | (octet == '\'') | (octet == '"') | (octet == '\t') | (octet == '\n');
}

/// The first octet from `at` on that is escaped, or the size; found in blocks that the compiler turns into vector
/// instructions.
template <Place place>
std::size_t next_escaped(std::string_view text, std::size_t at) {
  constexpr std::size_t kBlock = 32;
  while (text.size() - at >= kBlock) {
    unsigned char any = 0;
    for (std::size_t i = 0; i < kBlock; ++i) any |= static_cast<unsigned char>(is_escaped<place>(text[at + i]));
    if (any != 0) break;
    at += kBlock;
  }
  while (at < text.size() && !is_escaped<place>(text[at])) ++at;
  return at;
}

template <Place place>
void escape(std::string_view text, const Escapes& escapes, std::string& out) {
  std::size_t written = 0;
  for (std::size_t at = next_escaped<place>(text, 0); at < text.size(); at = next_escaped<place>(text, at + 1)) {
    out.append(text.substr(written, at - written));
    out.append(escapes[static_cast<unsigned char>(text[at])]);
    written = at + 1;
  }
  out.append(text.substr(written));
}

void write_attribute(std::string_view name, std::string_view value, std::string& out) {
  out += ' ';
  out += name;
  out += "='";
  escape_value(value, out);
  out += '\'';
}

class Writing {
 public:
  Writing(std::string_view content_namespace, std::string& out) : content_namespace_(content_namespace), out_(out) {}

  // The first-level element: streams and dialback elements take the prefixes that the header declares, so that the
  // default namespace inside them stays the content namespace, as RFC 6120 and XEP-0220 write them.
  void first_level(const Node& node) {
    if (node.ns == ns::kStream)
      element(node, "stream:", content_namespace_);
    else if (node.ns == ns::kDialback)
      element(node, "db:", content_namespace_);
    else
      element(node, "", content_namespace_);
  }

 private:
  // `outer` is the default namespace around the element.
  void element(const Node& node, std::string_view prefix, std::string_view outer) {
    const std::string_view own = node.ns == ns::kContent ? content_namespace_ : node.ns;
    const std::string_view inner = prefix.empty() ? own : outer;
    out_ += '<';
    out_ += prefix;
    out_ += node.name;
    if (inner != outer) write_attribute("xmlns", inner, out_);
    attributes(node);
    if (node.first_child == nullptr) {
      out_ += "/>";
      return;
    }
    out_ += '>';
    for (const Node& child : node.children()) {
      if (child.is_text())
        escape_text(child.text, out_);
      else
        element(child, "", inner);
    }
    out_ += "</";
    out_ += prefix;
    out_ += node.name;
    out_ += '>';
  }

  // Attributes are sorted by namespace, so those of one namespace stand together and share a prefix.
  void attributes(const Node& node) {
    std::string_view declared;
    unsigned next_prefix = 0;
    std::string prefix;
    for (const Attribute& attribute : node.attributes) {
      if (attribute.ns.empty()) {
        write_attribute(attribute.name, attribute.value, out_);
      } else if (attribute.ns == ns::kXml) {
        write_attribute("xml:lang", attribute.value, out_);
      } else {
        if (attribute.ns != declared) {
          declared = attribute.ns;
          prefix = "n" + std::to_string(next_prefix++);
          write_attribute("xmlns:" + prefix, declared, out_);
        }
        write_attribute(prefix + ":" + std::string(attribute.name), attribute.value, out_);
      }
    }
  }

  std::string_view content_namespace_;
  std::string& out_;
};

}  // namespace

void escape_text(std::string_view text, std::string& out) {
  escape<Place::Text>(text, kTextEscapes, out);
}

void escape_value(std::string_view text, std::string& out) {
  escape<Place::Value>(text, kValueEscapes, out);
}

void serialize(const Node& element, std::string_view content_namespace, std::string& out) {
  Writing(content_namespace, out).first_level(element);
}

void write_header(const HeaderToWrite& header, std::string& out) {
  out += "<?xml version='1.0'?><stream:stream";
  write_attribute("xmlns", header.content_namespace, out);
  write_attribute("xmlns:stream", ns::kStream, out);
  if (header.dialback) write_attribute("xmlns:db", ns::kDialback, out);
  if (header.from) write_attribute("from", *header.from, out);
  if (header.to) write_attribute("to", *header.to, out);
  if (header.id) write_attribute("id", *header.id, out);
  out += " version='1.0' xml:lang='en'>";
}

void write_stream_error(const StreamError& error, std::string& out) {
  out += "<stream:error><";
  out += name(error.condition);
  write_attribute("xmlns", ns::kStreamErrors, out);
  out += "/>";
  if (error.limit != LimitCondition::None) {
    out += '<';
    out += name(error.limit);
    write_attribute("xmlns", ns::kErrors, out);
    out += "/>";
  }
  out += "</stream:error></stream:stream>";
}

}  // namespace sallyport::inspect
