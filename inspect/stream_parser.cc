#include "inspect/stream_parser.h"

#include <algorithm>
#include <utility>

#include "inspect/stream_parser_parsing.h"
#include "inspect/utf8.h"

namespace sallyport::inspect {
namespace {

using enum StreamCondition;

// The parser gets whole tokens, in slices of about this size, so that its buffers stay small.
constexpr std::size_t kSlice = 4096;
// What an element or a dictionary may leave behind before the parser is thrown away.
constexpr std::size_t kElementToKeep = 32 * 1024;
constexpr std::size_t kNamesToKeep = 512;

template <class Container>
void release(Container& container) {
  Container().swap(container);
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
  release(building_);
  release(attributes_);
  release(hold_);
  if (taken_ < events_.size()) return;
  release(events_);
  taken_ = 0;
  release(complete_);
  release(wire_octets_);
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
