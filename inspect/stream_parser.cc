#include "inspect/stream_parser.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "inspect/grammar.h"
#include "inspect/markup_scanner.h"
#include "inspect/names.h"
#include "inspect/normal_form.h"
#include "inspect/stream_parser_sax.h"
#include "inspect/utf8.h"

namespace sallyport::inspect {
namespace {

using enum StreamCondition;

// The parser gets whole tokens, in slices of about this size, so that its buffers stay small.
constexpr std::size_t kSlice = 4096;
// What an element or a dictionary may leave behind before the parser is thrown away.
constexpr std::size_t kElementToKeep = 32 * 1024;
constexpr std::size_t kNamesToKeep = 512;
constexpr std::size_t kBufferToKeep = 32 * 1024;

void empty(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kBufferToKeep) buffer.shrink_to_fit();
}

bool is_stanza_name(std::string_view name) {
  return name == "message" || name == "presence" || name == "iq";
}

bool is_content_namespace(std::string_view ns) {
  return ns == ns::kClient || ns == ns::kServer;
}

StreamError error_of(CharacterFault fault, std::uint64_t at, std::string_view octets) {
  switch (fault) {
    case CharacterFault::None:
      break;
    case CharacterFault::BadUtf8:
      return {UnsupportedEncoding, "not UTF-8"};
    case CharacterFault::ByteOrderMark:
      return {UnsupportedEncoding, "U+FEFF"};
    case CharacterFault::NotXml:
      // UTF-16 without a byte order mark shows as a NUL beside the first '<'.
      if (at < 4 && octets.starts_with('\0')) return {UnsupportedEncoding, "a NUL at the beginning, as of UTF-16"};
      return {NotWellFormed, "no character of XML"};
    case CharacterFault::Forbidden:
      return {BadFormat, "a forbidden character"};
  }
  return {InternalServerError, "no such fault"};
}

}  // namespace

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

void StreamParser::Parsing::feed(std::string_view bytes) {
  if (fault_) return;
  forget_taken_events();
  if (hold_.empty()) {
    hold_ = scan(bytes);
  } else {
    hold_.append(bytes);
    const std::string_view rest = scan(hold_);
    hold_.erase(0, hold_.size() - rest.size());
  }
  if (hold_.empty()) empty(hold_);
}

void StreamParser::Parsing::forget_taken_events() {
  if (taken_ < events_.size()) return;
  events_.clear();
  taken_ = 0;
  empty(complete_);
  wire_octets_.clear();
  elements_done_ = 0;
}

// Gives what is to be held until more comes.
std::string_view StreamParser::Parsing::scan(std::string_view window) {
  const std::uint64_t start = base_;
  const auto scanned = static_cast<std::size_t>(scanner_.position() - start);
  const Utf8Scan utf8 = scan_utf8(window.substr(scanned));
  const std::string_view legal = window.substr(0, scanned + utf8.clean);
  for (;;) {
    const auto rest = legal.substr(static_cast<std::size_t>(base_ - start));
    const MarkupScanner::Stop stop = scanner_.scan(rest, base_, base_ + kSlice);
    if (!take_stop(stop, rest)) return {};
    if (stop == MarkupScanner::Stop::MoreNeeded) break;
  }
  if (utf8.fault != CharacterFault::None) {
    const auto error = error_of(utf8.fault, start + legal.size(), window.substr(legal.size()));
    refuse(error.condition, error.why);
    return {};
  }
  return window.substr(static_cast<std::size_t>(base_ - start));
}

// False: there is a fault.
bool StreamParser::Parsing::take_stop(MarkupScanner::Stop stop, std::string_view window) {
  using enum MarkupScanner::Stop;
  const std::uint64_t end = scanner_.token_end();
  switch (stop) {
    case Prolog:
      base_ = end;
      return true;
    case Header:
      if (!flush(window, end)) return false;
      if (!scanner_.ended()) sax_.reset();  // the next one knows only what stanzas may use
      return true;
    case Element:
      wire_octets_.push_back(scanner_.element_octets());
      if (parser_is_worn()) {
        if (!flush(window, end)) return false;
        sax_.reset();
      }
      return end - base_ < kSlice || flush(window, end);
    case End:
    case Token:
      return flush(window, end);
    case MoreNeeded: {
      // Whitespace between stanzas wakes nobody.
      const bool between = scanner_.between_elements();
      if (!flush(window, between ? std::max(base_, scanner_.boundary()) : end)) return false;
      base_ = end;
      return true;
    }
    case Fault: {
      if (!flush(window, end)) return false;
      const StreamError error = scanner_.fault();
      refuse(error.condition, error.why, error.limit);
      return false;
    }
  }
  return false;
}

// Gives the parser the window up to `until`. False: there is a fault.
bool StreamParser::Parsing::flush(std::string_view window, std::uint64_t until) {
  const std::string_view bytes = window.substr(0, static_cast<std::size_t>(until - base_));
  base_ = until;
  if (bytes.empty()) return true;
  if (sax_ == nullptr) wake();
  const bool well_formed = sax_->feed(bytes);
  if (!well_formed) refuse(NotWellFormed, "not well-formed");
  if (depth_ != scanner_.depth() || elements_done_ != wire_octets_.size())
    refuse(BadFormat, "the two readers disagree");
  return !fault_;
}

void StreamParser::Parsing::wake() {
  sax_ = std::make_unique<SaxParser>(static_cast<SaxParser::Events&>(*this));
  if (!header_read_) return;
  replaying_ = true;
  sax_->feed(replay_);
  replaying_ = false;
}

bool StreamParser::Parsing::parser_is_worn() const {
  return scanner_.element_octets() > kElementToKeep || (sax_ != nullptr && sax_->dictionary_size() > kNamesToKeep);
}

void StreamParser::Parsing::hibernate() {
  if (fault_ || !scanner_.between_elements() || !hold_.empty()) return;
  sax_.reset();
  building_ = {};
  attributes_ = {};
  hold_ = {};
  if (taken_ < events_.size()) return;
  events_ = {};
  taken_ = 0;
  complete_ = {};
  wire_octets_ = {};
  elements_done_ = 0;
}

std::expected<std::optional<StreamEvent>, StreamError> StreamParser::Parsing::next() {
  if (taken_ == events_.size()) {
    if (fault_) return std::unexpected(*fault_);
    return std::nullopt;
  }
  const Event& event = events_[taken_++];
  const std::string_view normal_form = std::string_view(complete_).substr(event.at, event.size);
  switch (event.kind) {
    case Kind::Header:
      return StreamEvent(std::move(header_));
    case Kind::Stanza:
      return StreamEvent(StanzaRead{normal_form, event.wire_octets});
    case Kind::Element:
      return StreamEvent(StreamElement{normal_form});
    case Kind::End:
      break;
  }
  return StreamEvent(StreamEnd{});
}

// The first fault is the one that counts.
void StreamParser::Parsing::refuse(StreamCondition condition, std::string_view why, LimitCondition limit) {
  if (!fault_) fault_ = StreamError{condition, std::string(why), limit};
}

void StreamParser::Parsing::refuse_in_event(StreamCondition condition, std::string_view why, LimitCondition limit) {
  refuse(condition, why, limit);
  sax_->stop();
}

void StreamParser::Parsing::start(const SaxElement& element) {
  if (replaying_ || fault_) return;
  ++depth_;
  if (depth_ == 1) return start_root(element);
  if (!element.all_bound) {
    // RFC 6120 4.8.5: declarations of the header are not for stanzas.
    if (uses_header_prefix(element)) return refuse_in_event(InvalidNamespace, "a prefix that only the header declares");
    return refuse_in_event(NotWellFormed, "a namespace fault");
  }
  if (!namespaces_are_legal(element) || !may_stand_here(element) || !collect_attributes(element)) return;
  writer_.open(foreign_ == 0 ? ns::kContent : element.ns, element.name, attributes_);
  if (writer_.distinct_namespaces() > limits_.namespaces)
    refuse_in_event(PolicyViolation, "too many namespaces", LimitCondition::StanzaTooBig);
}

bool StreamParser::Parsing::uses_header_prefix(const SaxElement& element) const {
  const auto only_in_header = [&](std::string_view prefix) {
    return std::ranges::find(header_prefixes_, prefix) != header_prefixes_.end();
  };
  if (!element.has_ns && only_in_header(element.prefix)) return true;
  for (std::size_t i = 0; i < element.attribute_count; ++i) {
    const xmlChar** const attribute = element.attributes + 5 * i;
    if (attribute[1] != nullptr && attribute[2] == nullptr && only_in_header(view(attribute[1]))) return true;
  }
  return false;
}

bool StreamParser::Parsing::namespaces_are_legal(const SaxElement& element) {
  for (std::size_t i = 0; i < element.declaration_count; ++i) {
    const std::string_view ns = view(element.declarations[2 * i + 1]);
    if (ns.empty() || is_namespace_name(ns)) continue;
    if (ns.size() > kNamespaceOctets)
      refuse_in_event(PolicyViolation, "too long a namespace name", LimitCondition::StanzaTooBig);
    else
      refuse_in_event(BadFormat, "an odd namespace name");
    return false;
  }
  return true;
}

// Also finds out what kind of first-level element this is, and whether we are inside a foreign one.
bool StreamParser::Parsing::may_stand_here(const SaxElement& element) {
  const bool first_level = depth_ == 2;
  const auto no = [&](StreamCondition condition, std::string_view why) {
    refuse_in_event(condition, why);
    return false;
  };
  if (!element.has_ns) return no(BadFormat, "an element in no namespace");
  // Of what a name must be, the scanner has seen to the rest.
  if (is_reserved_name(element.name)) return no(BadFormat, "a reserved name");
  if (element.ns == ns::kXml || element.ns == ns::kXmlns) return no(BadFormat, "an element in the xml namespace");
  if (element.ns == ns::kStream && (!first_level || (element.name != "features" && element.name != "error")))
    return no(BadFormat, "a streams element out of place");
  if (foreign_ == 0 && element.ns == content_) {
    if (!element.prefix.empty()) return no(BadNamespacePrefix, "a prefix for the content namespace");
  } else if (foreign_ == 0) {
    foreign_ = depth_;
  }
  if (!first_level) return true;
  const bool stanza = is_stanza_name(element.name);
  if (stanza && foreign_ != 0 && is_content_namespace(element.ns))
    return no(InvalidNamespace, "a stanza of the other content namespace");
  kind_ = stanza && foreign_ == 0 ? Kind::Stanza : Kind::Element;
  return true;
}

bool StreamParser::Parsing::collect_attributes(const SaxElement& element) {
  attributes_.clear();
  for (std::size_t i = 0; i < element.attribute_count; ++i) {
    const xmlChar** const attribute = element.attributes + 5 * i;
    const std::string_view name = view(attribute[0]), ns = view(attribute[2]);
    // xml:space, xml:base and xml:id do not cross (protocol.md X-06).
    if (ns == ns::kXml && name != "lang") continue;
    if (is_reserved_name(name)) {
      refuse_in_event(BadFormat, "a reserved name");
      return false;
    }
    const auto* const begin = reinterpret_cast<const char*>(attribute[3]);
    const auto size = static_cast<std::size_t>(attribute[4] - attribute[3]);
    attributes_.push_back({ns, name, {begin, size}});
  }
  return true;
}

void StreamParser::Parsing::text(std::string_view piece) {
  if (depth_ >= 2 && !fault_) writer_.text(piece);
}

void StreamParser::Parsing::end() {
  if (fault_) return;
  if (foreign_ == depth_) foreign_ = 0;
  --depth_;
  if (depth_ == 0) {
    events_.push_back({Kind::End});
    return;
  }
  writer_.close();
  if (depth_ == 1) finish_element();
}

void StreamParser::Parsing::finish_element() {
  writer_.restart();
  if (elements_done_ == wire_octets_.size()) return refuse_in_event(BadFormat, "the two readers disagree");
  events_.push_back({kind_, complete_.size(), building_.size(), wire_octets_[elements_done_++]});
  // Mostly a feed brings one element: then nothing is copied.
  if (complete_.empty())
    complete_.swap(building_);
  else
    complete_.append(building_);
  empty(building_);
}

void StreamParser::Parsing::start_root(const SaxElement& element) {
  if (!element.all_bound) return refuse_in_event(NotWellFormed, "a namespace fault");
  if (element.ns != ns::kStream) return refuse_in_event(InvalidNamespace, "the root is not in the streams namespace");
  if (element.name != "stream") return refuse_in_event(BadFormat, "the root is not called stream");
  std::string_view default_namespace;
  for (std::size_t i = 0; i < element.declaration_count; ++i)
    if (element.declarations[2 * i] == nullptr) default_namespace = view(element.declarations[2 * i + 1]);
  // RFC 6120 4.8.2: with the streams namespace as default, stanzas declare the content namespace themselves.
  if (default_namespace != content_ && default_namespace != ns::kStream)
    return refuse_in_event(InvalidNamespace, "another content namespace");
  if (default_namespace == content_) header_.content_namespace = default_namespace;
  read_header_attributes(element);
  read_header_declarations(element, default_namespace);
  header_read_ = true;
  events_.push_back({Kind::Header});
}

void StreamParser::Parsing::read_header_attributes(const SaxElement& element) {
  for (std::size_t i = 0; i < element.attribute_count; ++i) {
    const xmlChar** const attribute = element.attributes + 5 * i;
    const std::string_view name = view(attribute[0]), ns = view(attribute[2]);
    const std::string value(reinterpret_cast<const char*>(attribute[3]),
                            static_cast<std::size_t>(attribute[4] - attribute[3]));
    if (ns == ns::kXml && name == "lang") header_.lang = value;
    if (!ns.empty()) continue;
    if (name == "to") header_.to = value;
    if (name == "from") header_.from = value;
    if (name == "id") header_.id = value;
    if (name == "version") header_.version = value;
  }
}

// The replayed header has the same root, so that its end tag matches, and of the declarations those that first-level
// elements rightly rely on.
void StreamParser::Parsing::read_header_declarations(const SaxElement& element, std::string_view default_namespace) {
  const auto declare = [&](std::string_view prefix, std::string_view ns) {
    replay_ += prefix.empty() ? " xmlns" : " xmlns:";
    replay_ += prefix;
    replay_ += "='";
    replay_ += ns;
    replay_ += '\'';
  };
  replay_ = '<';
  if (!element.prefix.empty()) replay_.append(element.prefix).append(":");
  replay_ += element.name;
  declare("", default_namespace);
  for (std::size_t i = 0; i < element.declaration_count; ++i) {
    const std::string_view prefix = view(element.declarations[2 * i]), ns = view(element.declarations[2 * i + 1]);
    if (ns == ns::kDialback) header_.declares_dialback = true;
    if (prefix.empty() || prefix == "xml") continue;
    if (ns == ns::kStream || ns == ns::kDialback || ns == content_)
      declare(prefix, ns);
    else
      header_prefixes_.emplace_back(prefix);
  }
  replay_ += '>';
}

StreamParser::StreamParser(std::string_view content_namespace, const ParserLimits& limits)
    : parsing_(std::make_unique<Parsing>(content_namespace, limits)) {}
StreamParser::~StreamParser() = default;
StreamParser::StreamParser(StreamParser&&) noexcept = default;
StreamParser& StreamParser::operator=(StreamParser&&) noexcept = default;

void StreamParser::feed(std::string_view bytes) {
  parsing_->feed(bytes);
}
std::expected<std::optional<StreamEvent>, StreamError> StreamParser::next() {
  return parsing_->next();
}
bool StreamParser::at_boundary() const {
  return parsing_->at_boundary();
}
std::size_t StreamParser::keepalive_octets() const {
  return parsing_->keepalive_octets();
}
void StreamParser::set_limits(const ParserLimits& limits) {
  parsing_->set_limits(limits);
}
void StreamParser::hibernate() {
  parsing_->hibernate();
}
bool StreamParser::hibernates() const {
  return parsing_->hibernates();
}

}  // namespace sallyport::inspect
