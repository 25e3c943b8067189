// The first of two readers of a stream's bytes: it finds the tokens of XML and refuses what RFC 6120 section 11 and
// protocol.md 7.2 forbid, before the parser behind it sees anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "inspect/errors.h"
#include "inspect/limits.h"

namespace sallyport::inspect {

/// Knows markup, but neither namespaces nor which tags match: that is the parser's part. It works on a window of the
/// stream that begins where a token begins or earlier, so that a token is always seen whole. Positions are octets since
/// the beginning of the stream. Its faults depend on the bytes alone, never on how they were cut.
class MarkupScanner {
 public:
  explicit MarkupScanner(const ParserLimits& limits) : limits_(limits), limit_end_(limits.header_bytes) {}

  enum class Stop : std::uint8_t {
    MoreNeeded,  ///< all of the window is scanned
    Prolog,      ///< after what stands before the root; nobody else needs to see it
    Header,      ///< after the root's start tag
    Element,     ///< after a first-level element
    End,         ///< after the root's end tag
    Token,       ///< after any other token, when `pause_at` was reached
    Fault,
  };
  /// Goes on from where it stopped. `window` begins at position `base`, at or before token_end(), and holds whole,
  /// legal characters (scan_utf8).
  Stop scan(std::string_view window, std::uint64_t base, std::uint64_t pause_at);

  /// The end of the last whole token, or of a piece of text that may be cut there.
  std::uint64_t token_end() const { return token_end_; }
  std::uint64_t position() const { return position_; }
  /// Open elements; the root counts.
  std::size_t depth() const { return depth_; }
  bool ended() const { return ended_; }
  /// Octets of the first-level element that Stop::Element ended.
  std::size_t element_octets() const { return element_octets_; }
  /// Inside the root, outside any first-level element or token.
  bool between_elements() const { return state_ == State::Text && depth_ == 1; }
  /// The end of the header or of the last first-level element.
  std::uint64_t boundary() const { return boundary_; }
  /// Octets of whitespace between first-level elements.
  std::size_t keepalive_octets() const { return keepalive_octets_; }
  /// What Stop::Fault was about.
  StreamError fault() const { return {condition_, std::string(why_), limit_}; }
  /// Holds from the next first-level element on.
  void set_limits(const ParserLimits& limits) { next_limits_ = limits; }

 private:
  enum class State : std::uint8_t {
    Text,       ///< and the whitespace around and directly inside the root
    Open,       ///< after '<'
    StartName,  ///< of an element
    InTag,      ///< after whitespace: an attribute may begin
    AttributeName,
    BeforeEquals,
    BeforeValue,
    Value,
    AfterName,  ///< after the element's name or a value: no attribute without whitespace
    EmptyTag,   ///< after '/'
    EndName,
    AfterEndName,
    Bang,  ///< after "<!"
    CdataOpen,
    Cdata,
    Reference,
    Declaration,
  };
  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

  // Each reads as far as its state goes. False: stop_ says why the scan is interrupted.
  bool step();
  bool text();
  bool text_around_elements();
  bool open();
  bool start_name();
  bool after_name();
  bool in_tag();
  bool attribute_name();
  bool before_equals();
  bool before_value();
  bool value();
  bool empty_tag();
  bool end_name();
  bool after_end_name();
  bool bang();
  bool cdata_open();
  bool cdata();
  bool reference();
  bool declaration();

  bool begin_element();
  bool begin_reference();
  bool pause_in_text();
  bool finish_start_tag(bool empty);
  bool finish_end_tag();
  bool finish_element(Stop stop);
  bool finish_token();
  bool name_is_legal();
  bool count_attribute();
  bool refuse(StreamCondition condition, std::string_view why);
  bool refuse_size(std::string_view why);

  char current() const { return window_[static_cast<std::size_t>(position_ - base_)]; }
  bool exhausted() const { return position_ >= end_; }
  void bound(std::uint64_t limit_end);
  template <class Predicate>
  void skip_while(Predicate predicate);
  template <char... Special>
  void skip_to();
  bool enter(State state) {
    ++position_;
    state_ = state;
    return true;
  }
  std::string_view token() const {
    return window_.substr(static_cast<std::size_t>(token_start_ - base_),
                          static_cast<std::size_t>(position_ - token_start_));
  }

  ParserLimits limits_;
  std::optional<ParserLimits> next_limits_;

  std::string_view window_;
  std::uint64_t base_ = 0, end_ = 0, pause_at_ = 0;
  std::uint64_t position_ = 0, token_end_ = 0, boundary_ = 0;
  std::uint64_t limit_end_;  ///< an octet at or beyond this position is too much
  std::uint64_t element_start_ = 0;
  std::uint64_t token_start_ = 0;  ///< of the name or reference being read
  std::uint64_t value_start_ = 0;
  State state_ = State::Text;
  State around_reference_ = State::Text;
  Stop stop_ = Stop::MoreNeeded;
  bool header_done_ = false;
  bool ended_ = false;
  char quote_ = 0;
  unsigned brackets_ = 0;  ///< how many ']' stand just before, in text or CDATA
  std::size_t depth_ = 0, elements_ = 0, attributes_ = 0, declarations_ = 0;
  std::size_t element_octets_ = 0, keepalive_octets_ = 0;

  StreamCondition condition_ = StreamCondition::NotWellFormed;
  LimitCondition limit_ = LimitCondition::None;
  std::string_view why_;
};

}  // namespace sallyport::inspect
