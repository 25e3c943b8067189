#include <memory>

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "tests/inspect/infoset.h"

namespace sallyport::inspect {
namespace {

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}
std::string ns_of(const xmlNs* ns) {
  return std::string(ns == nullptr ? std::string_view() : view(ns->href));
}

void walk(const xmlNode* node, Infoset& infoset) {
  for (; node != nullptr; node = node->next) {
    if (node->type != XML_ELEMENT_NODE) {
      infoset.text(view(node->content));
      continue;
    }
    std::vector<Infoset::Attribute> attributes;
    for (const xmlAttr* each = node->properties; each != nullptr; each = each->next) {
      attributes.push_back({ns_of(each->ns), std::string(view(each->name)), ""});
      if (each->children != nullptr) attributes.back().value = view(each->children->content);
    }
    infoset.start(ns_of(node->ns), view(node->name), attributes);
    walk(node->children, infoset);
    infoset.end();
  }
}

}  // namespace

// Its tree here: the stream parser uses its events.
std::optional<std::string> libxml2_reads(std::string_view document) {
  const std::unique_ptr<xmlDoc, void (*)(xmlDoc*)> tree(
      xmlReadMemory(document.data(), static_cast<int>(document.size()), nullptr, nullptr,
                    XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING),
      xmlFreeDoc);
  if (tree == nullptr) return std::nullopt;
  Infoset infoset;
  walk(tree->children, infoset);
  return infoset.written();
}

}  // namespace sallyport::inspect
