// The inside of StreamParser: the scanner, the parser behind it, and the element that is being read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/markup_scanner.h"
#include "inspect/normal_form.h"
#include "inspect/stream_parser.h"
#include "inspect/stream_parser_sax.h"

namespace sallyport::inspect {

/// Clears a buffer, and gives its memory back if it has grown large.
inline void empty(std::string& buffer) {
  constexpr std::size_t kBufferToKeep = 32 * 1024;
  buffer.clear();
  if (buffer.capacity() > kBufferToKeep) buffer.shrink_to_fit();
}

class StreamParser::Parsing final : SaxParser::Events {
 public:
  Parsing(std::string_view content_namespace, const ParserLimits& limits)
      : content_(content_namespace), limits_(limits), scanner_(limits), writer_(building_) {}

  void feed(std::string_view bytes);
  std::expected<std::optional<StreamEvent>, StreamError> next();
  bool at_boundary() const { return scanner_.between_elements() && hold_.empty() && base_ == scanner_.boundary(); }
  std::size_t keepalive_octets() const { return scanner_.keepalive_octets(); }
  void set_limits(const ParserLimits& limits) {
    limits_ = limits;
    scanner_.set_limits(limits);
  }
  void hibernate();
  bool hibernates() const { return header_read_ && sax_ == nullptr; }

 private:
  enum class Kind : std::uint8_t { Header, Stanza, Element, End };
  struct Event {
    Kind kind;
    std::size_t at = 0, size = 0;  ///< of the normal form in complete_
    std::size_t wire_octets = 0;
  };

  void forget_taken_events();
  std::string_view scan(std::string_view window);
  bool take_stop(MarkupScanner::Stop stop, std::string_view window);
  bool flush(std::string_view window, std::uint64_t until);
  void wake();
  bool parser_is_worn() const;
  void refuse(StreamCondition condition, std::string_view why, LimitCondition limit = LimitCondition::None);
  void refuse_in_event(StreamCondition condition, std::string_view why, LimitCondition limit = LimitCondition::None);

  void start(const SaxElement& element) override;
  void text(std::string_view piece) override;
  void end() override;
  void start_root(const SaxElement& element);
  void read_header_attributes(const SaxElement& element);
  void read_header_declarations(const SaxElement& element, std::string_view default_namespace);
  bool uses_header_prefix(const SaxElement& element) const;
  bool namespaces_are_legal(const SaxElement& element);
  bool may_stand_here(const SaxElement& element);
  bool collect_attributes(const SaxElement& element);
  void finish_element();

  std::string content_;
  ParserLimits limits_;
  MarkupScanner scanner_;
  std::unique_ptr<SaxParser> sax_;

  std::string hold_;         ///< bytes of an unfinished token
  std::uint64_t base_ = 0;   ///< position of the first byte that the parser has not been given
  std::size_t depth_ = 0;    ///< of the parser; the root counts
  std::size_t foreign_ = 0;  ///< depth of the outermost open element outside the content namespace; 0: none
  bool header_read_ = false;
  bool replaying_ = false;
  Kind kind_ = Kind::Stanza;  ///< of the first-level element that is open

  std::string replay_;                        ///< a header that declares what stanzas may use of the real one
  std::vector<std::string> header_prefixes_;  ///< those that they may not

  std::string building_;  ///< normal form of the element that is open
  std::string complete_;  ///< normal forms of this feed
  NormalFormWriter writer_;
  std::vector<Attribute> attributes_;
  std::vector<std::size_t> wire_octets_;  ///< of the first-level elements that the scanner has seen in this feed
  std::size_t elements_done_ = 0;         ///< those of them that the parser has seen
  std::vector<Event> events_;
  std::size_t taken_ = 0;
  StreamHeader header_;
  std::optional<StreamError> fault_;
};

}  // namespace sallyport::inspect
