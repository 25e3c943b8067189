#include <memory>

#include <xercesc/framework/MemBufInputSource.hpp>
#include <xercesc/sax2/Attributes.hpp>
#include <xercesc/sax2/DefaultHandler.hpp>
#include <xercesc/sax2/SAX2XMLReader.hpp>
#include <xercesc/sax2/XMLReaderFactory.hpp>
#include <xercesc/util/PlatformUtils.hpp>
#include <xercesc/util/TransService.hpp>
#include <xercesc/util/XMLUni.hpp>

#include "tests/inspect/infoset.h"

namespace sallyport::inspect {
namespace {

using namespace xercesc;

std::string utf8(const XMLCh* text, XMLSize_t size) {
  const TranscodeToStr transcoded(text, size, "UTF-8");
  return {reinterpret_cast<const char*>(transcoded.str()), transcoded.length()};
}
std::string utf8(const XMLCh* text) {
  return utf8(text, XMLString::stringLen(text));
}

class Reader : public DefaultHandler {
 public:
  void startElement(const XMLCh* uri, const XMLCh* name, const XMLCh*, const Attributes& attributes) override {
    std::vector<Infoset::Attribute> all;
    for (XMLSize_t i = 0; i < attributes.getLength(); ++i)
      all.push_back({utf8(attributes.getURI(i)), utf8(attributes.getLocalName(i)), utf8(attributes.getValue(i))});
    infoset.start(utf8(uri), utf8(name), all);
  }
  void endElement(const XMLCh*, const XMLCh*, const XMLCh*) override { infoset.end(); }
  void characters(const XMLCh* text, XMLSize_t size) override { infoset.text(utf8(text, size)); }
  void ignorableWhitespace(const XMLCh* text, XMLSize_t size) override { infoset.text(utf8(text, size)); }
  void error(const SAXParseException&) override { refused = true; }
  void fatalError(const SAXParseException&) override { refused = true; }

  Infoset infoset;
  bool refused = false;
};

struct Platform {
  Platform() { XMLPlatformUtils::Initialize(); }
};

}  // namespace

std::optional<std::string> xerces_reads(std::string_view document) {
  static const Platform platform;
  static const std::unique_ptr<SAX2XMLReader> parser(XMLReaderFactory::createXMLReader());
  parser->setFeature(XMLUni::fgSAX2CoreNameSpaces, true);
  parser->setFeature(XMLUni::fgSAX2CoreNameSpacePrefixes, false);
  parser->setFeature(XMLUni::fgSAX2CoreValidation, false);
  Reader reader;
  parser->setContentHandler(&reader);
  parser->setErrorHandler(&reader);
  const MemBufInputSource source(reinterpret_cast<const XMLByte*>(document.data()), document.size(), "document");
  parser->parse(source);
  if (reader.refused) return std::nullopt;
  return reader.infoset.written();
}

}  // namespace sallyport::inspect
