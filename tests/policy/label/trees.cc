#include "tests/policy/label/trees.h"

#include <stdexcept>
#include <variant>

#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "inspect/serializer.h"
#include "inspect/stream_parser.h"

namespace sallyport::policy::label::testing {
namespace {

using inspect::Node;

std::string without(std::string text, std::string_view open, std::string_view close) {
  for (std::size_t at = text.find(open); at != std::string::npos; at = text.find(open))
    text.erase(at, text.find(close, at) + close.size() - at);
  return text;
}

/// The normal form of the message around the document.
std::string normal_form(const std::string& document) {
  inspect::StreamParser parser(inspect::ns::kServer, inspect::ParserLimits{});
  parser.feed(
      "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'><message "
      "from='a.test' to='b.test'>" +
      document + "</message>");
  while (true) {
    const auto event = parser.next();
    if (!event) throw std::runtime_error(event.error().why);
    if (!*event) throw std::runtime_error("the document is not complete");
    if (const auto* stanza = std::get_if<inspect::StanzaRead>(&**event)) return std::string(stanza->normal_form);
  }
}

void make_dense(Node& node) {
  if (!node.has_child_elements()) return;
  Node** link = &node.first_child;
  while (*link) {
    Node& child = **link;
    if (child.is_text() && child.text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
      *link = child.next;
      continue;
    }
    make_dense(child);
    link = &child.next;
  }
}

}  // namespace

Tree::Tree(const std::string& xml) : octets_(normal_form(without(without(xml, "<!--", "-->"), "<?xml", "?>"))) {
  const auto message = inspect::decode(octets_, arena_, inspect::ParserLimits{});
  if (!message) throw std::runtime_error(message.error().what);
  for (Node* child = (*message)->first_child; child; child = child->next)
    if (!child->is_text()) root_ = child;
  if (!root_) throw std::runtime_error("the document is empty");
}

std::string written(const Node& node) {
  std::string out;
  inspect::serialize(node, inspect::ns::kServer, out);
  return out;
}

std::string written_densely(Node& node) {
  make_dense(node);
  return written(node);
}

}  // namespace sallyport::policy::label::testing
