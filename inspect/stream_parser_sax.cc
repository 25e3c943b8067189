#include "inspect/stream_parser_sax.h"

#include <new>

namespace sallyport::inspect {
namespace {

// Without it libxml2 writes its errors to stderr.
void ignore_error(void*, xmlError*) {}

xmlSAXHandler callbacks(startElementNsSAX2Func start, endElementNsSAX2Func end, charactersSAXFunc text,
                        cdataBlockSAXFunc cdata) {
  xmlSAXHandler callbacks{};
  callbacks.initialized = XML_SAX2_MAGIC;
  callbacks.startElementNs = start;
  callbacks.endElementNs = end;
  callbacks.characters = text;
  callbacks.ignorableWhitespace = text;
  callbacks.cdataBlock = cdata;
  callbacks.serror = ignore_error;
  return callbacks;
}

xmlParserCtxt* new_context(const xmlSAXHandler& callbacks, void* user) {
  // Several lanes make parsers; libxml2 wants to be initialised by one.
  static const bool initialised = (xmlInitParser(), true);
  static_cast<void>(initialised);
  xmlParserCtxt* context = xmlCreatePushParserCtxt(const_cast<xmlSAXHandler*>(&callbacks), user, nullptr, 0, nullptr);
  if (context == nullptr) throw std::bad_alloc();
  // NOENT: else &amp; in a value arrives as "&#38;". No entity can be declared: the scanner refuses "<!".
  xmlCtxtUseOptions(context, XML_PARSE_NOENT | XML_PARSE_NONET);
  return context;
}

}  // namespace

const xmlSAXHandler SaxParser::kCallbacks = callbacks(on_start, on_end, on_text, on_cdata);

SaxParser::SaxParser(Events& events) : events_(events), context_(new_context(kCallbacks, this)) {}

bool SaxParser::feed(std::string_view bytes) {
  const int fault = xmlParseChunk(context_.get(), bytes.data(), static_cast<int>(bytes.size()), 0);
  // Unbound prefixes and duplicate expanded names leave the return value at 0.
  return fault == 0 && context_->wellFormed != 0 && context_->nsWellFormed != 0;
}

std::size_t SaxParser::dictionary_size() const {
  return static_cast<std::size_t>(xmlDictSize(context_->dict));
}

void SaxParser::on_start(void* parser, const xmlChar* name, const xmlChar* prefix, const xmlChar* ns,
                         int declaration_count, const xmlChar** declarations, int attribute_count, int,
                         const xmlChar** attributes) {
  auto& self = *static_cast<SaxParser*>(parser);
  SaxElement element;
  element.name = view(name);
  element.prefix = view(prefix);
  element.ns = view(ns);
  element.has_ns = !element.ns.empty();
  element.all_bound = self.context_->nsWellFormed != 0;
  element.declarations = declarations;
  element.declaration_count = static_cast<std::size_t>(declaration_count);
  element.attributes = attributes;
  element.attribute_count = static_cast<std::size_t>(attribute_count);
  self.events_.start(element);
}

void SaxParser::on_end(void* parser, const xmlChar*, const xmlChar*, const xmlChar*) {
  static_cast<SaxParser*>(parser)->events_.end();
}

void SaxParser::on_text(void* parser, const xmlChar* text, int size) {
  static_cast<SaxParser*>(parser)->events_.text({reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)});
}

// Pushed, libxml2 gives CDATA as it stands: the line ends are left to us (XML 1.0 2.11). The scanner never cuts a
// section.
void SaxParser::on_cdata(void* parser, const xmlChar* text, int size) {
  Events& events = static_cast<SaxParser*>(parser)->events_;
  std::string_view rest(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  for (std::size_t cr = rest.find('\r'); cr != std::string_view::npos; cr = rest.find('\r')) {
    events.text(rest.substr(0, cr));
    events.text("\n");
    rest.remove_prefix(cr + 1);
    if (rest.starts_with('\n')) rest.remove_prefix(1);
  }
  events.text(rest);
}

}  // namespace sallyport::inspect
