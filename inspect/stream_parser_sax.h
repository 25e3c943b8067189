// libxml2's push parser, reduced to what a stream needs.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include <libxml/parser.h>

namespace sallyport::inspect {

/// A start tag as libxml2 gives it: pointers that are good during the call.
struct SaxElement {
  std::string_view name, prefix, ns;
  bool has_ns = false;                     ///< false: in no namespace, or its prefix is not bound
  bool all_bound = true;                   ///< namespaces-well-formed
  const xmlChar** declarations = nullptr;  ///< pairs of prefix and name
  std::size_t declaration_count = 0;
  const xmlChar** attributes = nullptr;  ///< five each: name, prefix, namespace, begin and end of the value
  std::size_t attribute_count = 0;
};

inline std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}

/// Reads one document, no tree, no entities but the predefined ones, no network.
class SaxParser {
 public:
  class Events {
   public:
    virtual ~Events() = default;
    virtual void start(const SaxElement& element) = 0;
    virtual void text(std::string_view piece) = 0;
    virtual void end() = 0;
  };

  explicit SaxParser(Events& events);

  /// False once the document turned out not to be well-formed.
  bool feed(std::string_view bytes);
  /// No event comes any more. For use inside an event.
  void stop() { xmlStopParser(context_.get()); }
  /// Names it remembers; they are never forgotten.
  std::size_t dictionary_size() const;

 private:
  static void on_start(void* parser, const xmlChar* name, const xmlChar* prefix, const xmlChar* ns,
                       int declaration_count, const xmlChar** declarations, int attribute_count, int defaulted,
                       const xmlChar** attributes);
  static void on_end(void* parser, const xmlChar* name, const xmlChar* prefix, const xmlChar* ns);
  static void on_text(void* parser, const xmlChar* text, int size);
  static void on_cdata(void* parser, const xmlChar* text, int size);
  static const xmlSAXHandler kCallbacks;

  struct Free {
    void operator()(xmlParserCtxt* context) const { xmlFreeParserCtxt(context); }
  };
  Events& events_;
  std::unique_ptr<xmlParserCtxt, Free> context_;
};

}  // namespace sallyport::inspect
