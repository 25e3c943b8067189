#include "policy/source/spif/document.h"

#include <climits>
#include <memory>
#include <new>
#include <optional>

#include <libxml/SAX2.h>
#include <libxml/parser.h>

#include "policy/label/spif.h"

namespace sallyport::policy::source::spif {
namespace {

using inspect::Mistake;

std::string_view view(const xmlChar* text) {
  return text ? std::string_view(reinterpret_cast<const char*>(text)) : std::string_view();
}

struct FreeContext {
  void operator()(xmlParserCtxt* context) const {
    xmlFreeDoc(context->myDoc);
    xmlFreeParserCtxt(context);
  }
};

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  std::expected<Element, Mistake> run(std::string_view xml) {
    static const bool initialised = (xmlInitParser(), true);
    static_cast<void>(initialised);
    const xmlSAXHandler callbacks = handler();
    context_.reset(xmlCreatePushParserCtxt(const_cast<xmlSAXHandler*>(&callbacks), this, nullptr, 0, nullptr));
    if (!context_) throw std::bad_alloc();
    // NOENT: else &amp; in a value arrives as "&#38;". No entity can be declared: a DOCTYPE stops the parser.
    xmlCtxtUseOptions(context_.get(), XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_BIG_LINES);
    const int fault = xmlParseChunk(context_.get(), xml.data(), static_cast<int>(xml.size()), 1);
    if (mistake_) return std::unexpected(std::move(*mistake_));
    if (fault != 0 || context_->wellFormed == 0 || context_->nsWellFormed == 0)
      return std::unexpected(not_well_formed());
    if (root_.children.size() != 1) return std::unexpected(Mistake{file_, 0, 0, "there is no element in it", ""});
    return std::move(root_.children.front());
  }

 private:
  static xmlSAXHandler handler() {
    xmlSAXHandler callbacks{};
    callbacks.initialized = XML_SAX2_MAGIC;
    callbacks.startElementNs = on_start;
    callbacks.endElementNs = on_end;
    callbacks.characters = on_text;
    callbacks.ignorableWhitespace = on_text;
    callbacks.cdataBlock = on_text;
    callbacks.internalSubset = on_doctype;
    callbacks.serror = on_error;
    return callbacks;
  }

  static Reader& self(void* user) { return *static_cast<Reader*>(user); }

  std::uint32_t line() const { return static_cast<std::uint32_t>(xmlSAX2GetLineNumber(context_.get())); }

  void stop(std::string what, std::string remedy) {
    if (!mistake_) mistake_ = Mistake{file_, line(), 1, std::move(what), std::move(remedy)};
    xmlStopParser(context_.get());
  }

  Mistake not_well_formed() const {
    std::string what = error_.empty() ? "it is not well-formed XML" : error_;
    return {file_, error_line_, 1, std::move(what), "mend the XML here"};
  }

  static void on_error(void* user, xmlError* error) {
    Reader& reader = self(user);
    if (!reader.error_.empty() || error == nullptr || error->level < XML_ERR_ERROR) return;
    reader.error_ = error->message == nullptr ? "it is not well-formed XML" : error->message;
    while (!reader.error_.empty() && reader.error_.back() == '\n') reader.error_.pop_back();
    reader.error_line_ = error->line < 0 ? 0 : static_cast<std::uint32_t>(error->line);
  }

  static void on_doctype(void* user, const xmlChar*, const xmlChar*, const xmlChar*) {
    self(user).stop("a document type declaration stands here",
                    "take it away, and write out the entities that it declares");
  }

  static void on_start(void* user, const xmlChar* name, const xmlChar*, const xmlChar* ns, int, const xmlChar**,
                       int attribute_count, int, const xmlChar** attributes) {
    Reader& reader = self(user);
    if (reader.mistake_) return;
    if (reader.open_.size() > kDepth) return reader.stop("the elements are nested too deeply", "");
    if (++reader.elements_ > kMostElements) return reader.stop("there are too many elements", "");
    const bool ignored = reader.in_extensions();
    Element element;
    element.space = view(ns) == kNamespace ? Space::Own : view(ns).empty() ? Space::None : Space::Foreign;
    if (element.space == Space::Foreign) element.ns = view(ns);
    element.name = view(name);
    element.line = reader.line();
    for (int i = 0; i < attribute_count; ++i, attributes += 5) {
      const std::string_view value(reinterpret_cast<const char*>(attributes[3]),
                                   static_cast<std::size_t>(attributes[4] - attributes[3]));
      if (attributes[2] == nullptr)
        element.attributes.emplace_back(view(attributes[0]), value);
      else if (view(attributes[1]) == "xml" && view(attributes[0]) == "lang")
        element.lang = value;
    }
    if (ignored) {
      reader.open_.push_back(nullptr);
      return;
    }
    auto& siblings = reader.open_.back()->children;
    siblings.push_back(std::move(element));
    reader.open_.push_back(&siblings.back());
  }

  static void on_end(void* user, const xmlChar*, const xmlChar*, const xmlChar*) {
    if (Reader& reader = self(user); reader.open_.size() > 1) reader.open_.pop_back();
  }

  static void on_text(void* user, const xmlChar* text, int size) {
    Reader& reader = self(user);
    if (reader.mistake_ || reader.in_extensions()) return;
    reader.open_.back()->text.append(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  }

  /// What stands in an `extensions` element is not ours to judge.
  bool in_extensions() const {
    const Element* inner = open_.back();
    return inner == nullptr || (inner->space == Space::Own && inner->name == "extensions");
  }

  const std::string& file_;
  std::unique_ptr<xmlParserCtxt, FreeContext> context_;
  Element root_;
  // A parent's children grow only while it is the innermost: the pointers hold.
  std::vector<Element*> open_ = {&root_};
  std::size_t elements_ = 0;
  std::optional<Mistake> mistake_;
  std::string error_;
  std::uint32_t error_line_ = 0;
};

}  // namespace

std::expected<Element, Mistake> parse(std::string_view xml, const std::string& file) {
  static_assert(label::kLargestSpif < INT_MAX);
  if (xml.size() > label::kLargestSpif) return std::unexpected(Mistake{file, 0, 0, "it is larger than 16 MiB", ""});
  if (xml.empty()) return std::unexpected(Mistake{file, 0, 0, "it is empty", ""});
  return Reader(file).run(xml);
}

}  // namespace sallyport::policy::source::spif
