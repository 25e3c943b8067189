#include <memory>

#include <expat.h>

#include "tests/inspect/infoset.h"

namespace sallyport::inspect {
namespace {

constexpr char kSeparator = '\x01';

Infoset::Attribute split(std::string_view name) {
  const std::size_t at = name.find(kSeparator);
  if (at == std::string_view::npos) return {"", std::string(name), ""};
  return {std::string(name.substr(0, at)), std::string(name.substr(at + 1)), ""};
}

void on_start(void* infoset, const char* name, const char** attributes) {
  std::vector<Infoset::Attribute> all;
  for (; *attributes != nullptr; attributes += 2) {
    all.push_back(split(attributes[0]));
    all.back().value = attributes[1];
  }
  const Infoset::Attribute element = split(name);
  static_cast<Infoset*>(infoset)->start(element.ns, element.name, all);
}
void on_end(void* infoset, const char*) {
  static_cast<Infoset*>(infoset)->end();
}
void on_text(void* infoset, const char* text, int size) {
  static_cast<Infoset*>(infoset)->text({text, static_cast<std::size_t>(size)});
}

}  // namespace

std::optional<std::string> expat_reads(std::string_view document) {
  Infoset infoset;
  const std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> parser(XML_ParserCreateNS(nullptr, kSeparator),
                                                                       XML_ParserFree);
  XML_SetUserData(parser.get(), &infoset);
  XML_SetElementHandler(parser.get(), on_start, on_end);
  XML_SetCharacterDataHandler(parser.get(), on_text);
  if (XML_Parse(parser.get(), document.data(), static_cast<int>(document.size()), 1) != XML_STATUS_OK)
    return std::nullopt;
  return infoset.written();
}

}  // namespace sallyport::inspect
