#include "inspect/markup_scanner.h"

#include <algorithm>
#include <array>

#include "inspect/grammar.h"
#include "inspect/markup_rules.h"

namespace sallyport::inspect {
namespace {

using enum StreamCondition;

constexpr bool is_beyond_ascii(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}
constexpr bool is_qualified_name_character(char c) {
  return is_name_character(c) || c == ':';
}
constexpr bool is_reference_character(char c) {
  return is_qualified_name_character(c) || c == '#';
}

constexpr CharacterTable kQualifiedName(is_qualified_name_character);

// The first character in [at, stop) that is not plain. Blocks without one are passed by vector instructions.
template <char... Special>
const char* first_of(const char* at, const char* stop) {
  static constexpr CharacterTable kPlain([](char c) { return !((c == Special) || ...); });
  constexpr std::ptrdiff_t kBlock = 32;
  while (stop - at >= kBlock) {
    unsigned char found = 0;
    // No short circuit: a branch for each character is what this is to avoid.
    for (std::ptrdiff_t i = 0; i < kBlock; ++i) ((found |= static_cast<unsigned char>(at[i] == Special)), ...);
    if (found != 0) break;
    at += kBlock;
  }
  while (at != stop && kPlain(*at)) ++at;
  return at;
}

// Longer than any declaration that is accepted.
constexpr std::size_t kDeclarationOctets = 128;

bool is_reserved_prefix(std::string_view prefix) {
  return prefix.size() >= 3 && (prefix[0] | 0x20) == 'x' && (prefix[1] | 0x20) == 'm' && (prefix[2] | 0x20) == 'l' &&
         prefix != "xml" && prefix != "xmlns";
}

}  // namespace

void MarkupScanner::bound(std::uint64_t limit_end) {
  limit_end_ = limit_end;
  end_ = std::min(base_ + window_.size(), limit_end_);
}

template <class Predicate>
void MarkupScanner::skip_while(Predicate predicate) {
  const char* at = window_.data() + (position_ - base_);
  const char* const stop = window_.data() + (end_ - base_);
  while (at != stop && predicate(*at)) ++at;
  position_ = base_ + static_cast<std::uint64_t>(at - window_.data());
}

template <char... Special>
void MarkupScanner::skip_to() {
  const char* const at = window_.data() + (position_ - base_);
  const char* const found = first_of<Special...>(at, window_.data() + (end_ - base_));
  position_ += static_cast<std::uint64_t>(found - at);
}

MarkupScanner::Stop MarkupScanner::scan(std::string_view window, std::uint64_t base, std::uint64_t pause_at) {
  window_ = window;
  base_ = base;
  pause_at_ = pause_at;
  bound(limit_end_);
  stop_ = Stop::MoreNeeded;
  while (!exhausted())
    if (!step()) return stop_;
  if (position_ < base_ + window_.size()) refuse_size("too many octets");
  return stop_;
}

bool MarkupScanner::step() {
  switch (state_) {
    case State::Text:
      return text();
    case State::Open:
      return open();
    case State::StartName:
      return start_name();
    case State::InTag:
      return in_tag();
    case State::AttributeName:
      return attribute_name();
    case State::BeforeEquals:
      return before_equals();
    case State::BeforeValue:
      return before_value();
    case State::Value:
      return value();
    case State::AfterName:
      return after_name();
    case State::EmptyTag:
      return empty_tag();
    case State::EndName:
      return end_name();
    case State::AfterEndName:
      return after_end_name();
    case State::Bang:
      return bang();
    case State::CdataOpen:
      return cdata_open();
    case State::Cdata:
      return cdata();
    case State::Reference:
      return reference();
    case State::Declaration:
      return declaration();
  }
  return refuse(InternalServerError, "no such state");
}

bool MarkupScanner::text() {
  if (depth_ <= 1) return text_around_elements();
  if (position_ >= pause_at_ && brackets_ == 0) return pause_in_text();
  const char c = current();
  if (c == '<') {
    token_end_ = position_;
    brackets_ = 0;
    return enter(State::Open);
  }
  if (c == '&') return begin_reference();
  if (c == ']') {
    ++brackets_;
    return enter(State::Text);
  }
  if (c == '>' && brackets_ >= 2) return refuse(NotWellFormed, "]]> in text");
  brackets_ = 0;
  const std::uint64_t window_end = end_;
  if (pause_at_ > position_) end_ = std::min(end_, pause_at_);
  skip_to<'<', '&', ']'>();
  end_ = window_end;
  return true;
}

// Not inside a character, nor between CR and LF, which are one line end.
bool MarkupScanner::pause_in_text() {
  const char c = current();
  if ((static_cast<unsigned char>(c) & 0xC0) == 0x80 || c == '\n') {
    return enter(State::Text);
  }
  token_end_ = position_;
  pause_at_ = kNoLimit;
  stop_ = Stop::Token;
  return false;
}

bool MarkupScanner::text_around_elements() {
  const std::uint64_t start = position_;
  skip_while(is_space);
  if (depth_ == 1) {
    keepalive_octets_ += static_cast<std::size_t>(position_ - start);
    token_end_ = position_;
  }
  if (exhausted()) return true;
  const bool markup = current() == '<';
  if (depth_ == 1) {
    // RFC 6120 4.9.3.1, protocol.md 3.7: others ignore such text.
    if (!markup) return refuse(BadFormat, "text between stanzas");
    if (next_limits_) limits_ = *next_limits_;
    next_limits_.reset();
    elements_ = 0;
    element_start_ = position_;
    bound(position_ + limits_.bytes_per_element);
  } else {
    if (ended_) return refuse(NotWellFormed, "something after the end of the stream");
    if (!markup) return refuse(NotWellFormed, "text before the root");
    if (position_ > token_end_) {
      token_end_ = position_;
      stop_ = Stop::Prolog;
      return false;
    }
  }
  return enter(State::Open);
}

bool MarkupScanner::open() {
  const char c = current();
  if (is_name_start(c)) return begin_element();
  if (c == '/') {
    if (depth_ == 0) return refuse(NotWellFormed, "an end tag before the root");
    token_start_ = position_ + 1;
    return enter(State::EndName);
  }
  if (c == '!') return enter(State::Bang);
  if (c == '?') {
    if (position_ != 1) return refuse(RestrictedXml, "a processing instruction");
    return enter(State::Declaration);
  }
  if (is_beyond_ascii(c)) return refuse(BadFormat, "a name beyond ASCII");
  return refuse(NotWellFormed, "'<' without a tag");
}

bool MarkupScanner::begin_element() {
  attributes_ = declarations_ = 0;
  if (depth_ >= 1) {
    if (depth_ > limits_.depth) return refuse_size("too deep");
    if (++elements_ > limits_.elements) return refuse_size("too many elements");
  }
  token_start_ = position_;
  return enter(State::StartName);
}

bool MarkupScanner::start_name() {
  skip_while(kQualifiedName);
  if (token().size() > limits_.name_bytes) return refuse_size("too long a name");
  if (exhausted()) return true;
  if (!name_is_legal()) return false;
  if (token().starts_with("xmlns:")) return refuse(NotWellFormed, "an element with the prefix xmlns");
  state_ = State::AfterName;
  return after_name();
}

bool MarkupScanner::after_name() {
  const char c = current();
  if (is_space(c)) return enter(State::InTag);
  if (c == '>') return finish_start_tag(false);
  if (c == '/') return enter(State::EmptyTag);
  return refuse(NotWellFormed, "no space before an attribute");
}

bool MarkupScanner::in_tag() {
  skip_while(is_space);
  if (exhausted()) return true;
  const char c = current();
  if (is_name_start(c)) {
    token_start_ = position_;
    return enter(State::AttributeName);
  }
  if (c == '>') return finish_start_tag(false);
  if (c == '/') return enter(State::EmptyTag);
  if (is_beyond_ascii(c)) return refuse(BadFormat, "a name beyond ASCII");
  return refuse(NotWellFormed, "something odd in a tag");
}

bool MarkupScanner::attribute_name() {
  skip_while(kQualifiedName);
  if (token().size() > limits_.name_bytes) return refuse_size("too long a name");
  if (exhausted()) return true;
  if (!name_is_legal() || !count_attribute()) return false;
  state_ = State::BeforeEquals;
  return before_equals();
}

bool MarkupScanner::count_attribute() {
  const std::string_view name = token();
  if (name == "xmlns" || name.starts_with("xmlns:")) {
    ++declarations_;
    // The prefix that is declared must not be a reserved one either.
    if (name.size() > 6 && is_reserved_prefix(name.substr(6))) return refuse(BadFormat, "a reserved prefix");
  } else {
    ++attributes_;
  }
  if (!header_done_)
    return attributes_ + declarations_ <= limits_.header_attributes || refuse_size("too many attributes");
  if (attributes_ > limits_.attributes_per_element) return refuse_size("too many attributes");
  if (declarations_ > limits_.declarations_per_element) return refuse_size("too many declarations");
  return true;
}

bool MarkupScanner::before_equals() {
  skip_while(is_space);
  if (exhausted()) return true;
  if (current() != '=') return refuse(NotWellFormed, "an attribute without a value");
  return enter(State::BeforeValue);
}

bool MarkupScanner::before_value() {
  skip_while(is_space);
  if (exhausted()) return true;
  quote_ = current();
  if (quote_ != '\'' && quote_ != '"') return refuse(NotWellFormed, "a value without quotes");
  value_start_ = position_ + 1;
  return enter(State::Value);
}

bool MarkupScanner::value() {
  skip_to<'<', '&', '\'', '"'>();
  if (position_ - value_start_ > limits_.value_bytes) return refuse_size("too long a value");
  if (exhausted()) return true;
  const char c = current();
  if (c == quote_) return enter(State::AfterName);
  if (c == '<') return refuse(NotWellFormed, "'<' in a value");
  if (c == '&') return begin_reference();
  return enter(State::Value);
}

bool MarkupScanner::empty_tag() {
  if (current() != '>') return refuse(NotWellFormed, "'/' inside a tag");
  return finish_start_tag(true);
}

bool MarkupScanner::end_name() {
  skip_while(kQualifiedName);
  if (token().size() > limits_.name_bytes) return refuse_size("too long a name");
  if (exhausted()) return true;
  if (token().empty() || !is_name_start(token()[0])) {
    if (is_beyond_ascii(current())) return refuse(BadFormat, "a name beyond ASCII");
    return refuse(NotWellFormed, "an end tag without a name");
  }
  if (!name_is_legal()) return false;
  state_ = State::AfterEndName;
  return after_end_name();
}

bool MarkupScanner::after_end_name() {
  skip_while(is_space);
  if (exhausted()) return true;
  if (current() != '>') return refuse(NotWellFormed, "something odd in an end tag");
  return finish_end_tag();
}

bool MarkupScanner::bang() {
  // A comment or a document type: RFC 6120 11.1.
  if (current() != '[') return refuse(RestrictedXml, "a comment or a declaration");
  if (depth_ == 0) return refuse(NotWellFormed, "CDATA outside the root");
  if (depth_ == 1) return refuse(BadFormat, "CDATA between stanzas");
  token_start_ = position_ + 1;
  return enter(State::CdataOpen);
}

bool MarkupScanner::cdata_open() {
  constexpr std::string_view kOpening = "CDATA[";
  const std::size_t seen = token().size();
  if (current() != kOpening[seen]) return refuse(NotWellFormed, "neither CDATA nor anything else");
  return enter(seen + 1 == kOpening.size() ? State::Cdata : State::CdataOpen);
}

// Never cut: the parser behind is slow on CDATA in pieces.
bool MarkupScanner::cdata() {
  const char c = current();
  if (c == ']') {
    ++brackets_;
    return enter(State::Cdata);
  }
  if (c == '>' && brackets_ >= 2) {
    brackets_ = 0;
    enter(State::Text);
    return finish_token();
  }
  brackets_ = 0;
  ++position_;
  skip_to<']'>();
  return true;
}

bool MarkupScanner::begin_reference() {
  around_reference_ = state_;
  brackets_ = 0;
  if (state_ == State::Text) token_end_ = position_;
  token_start_ = position_ + 1;
  return enter(State::Reference);
}

bool MarkupScanner::reference() {
  skip_while(is_reference_character);
  if (token().size() > kNameOctets) return refuse(NotWellFormed, "too long a reference");
  if (exhausted()) return true;
  if (current() != ';') return refuse(NotWellFormed, "'&' without a reference");
  if (const auto fault = fault_of_reference(token())) return refuse(fault->condition, fault->why);
  return enter(around_reference_);
}

bool MarkupScanner::declaration() {
  skip_to<'>'>();
  if (position_ > kDeclarationOctets) return refuse(RestrictedXml, "too long a declaration");
  if (exhausted()) return true;
  token_start_ = 0;
  if (const auto fault = fault_of_declaration(token())) return refuse(fault->condition, fault->why);
  enter(State::Text);
  token_end_ = position_;
  stop_ = Stop::Prolog;
  return false;
}

bool MarkupScanner::finish_start_tag(bool empty) {
  enter(State::Text);
  if (!empty) ++depth_;
  if (!header_done_) {
    header_done_ = true;
    ended_ = empty;
    return finish_element(Stop::Header);
  }
  if (empty && depth_ == 1) return finish_element(Stop::Element);
  return finish_token();
}

bool MarkupScanner::finish_end_tag() {
  enter(State::Text);
  --depth_;
  if (depth_ == 1) return finish_element(Stop::Element);
  if (depth_ > 1) return finish_token();
  ended_ = true;
  return finish_element(Stop::End);
}

bool MarkupScanner::finish_element(Stop stop) {
  element_octets_ = static_cast<std::size_t>(position_ - element_start_);
  token_end_ = boundary_ = position_;
  bound(kNoLimit);
  stop_ = stop;
  return false;
}

bool MarkupScanner::finish_token() {
  token_end_ = position_;
  if (position_ < pause_at_) return true;
  stop_ = Stop::Token;
  return false;
}

// Z-e. What follows the name is in the window: a letter beyond ASCII would belong to the name.
bool MarkupScanner::name_is_legal() {
  if (is_beyond_ascii(current())) return refuse(BadFormat, "a name beyond ASCII");
  const std::string_view name = token();
  const std::size_t colon = name.find(':');
  if (colon == std::string_view::npos) return true;
  const std::string_view local = name.substr(colon + 1);
  if (local.empty() || !is_name_start(local[0]) || local.find(':') != std::string_view::npos)
    return refuse(NotWellFormed, "a name with odd colons");
  if (is_reserved_prefix(name.substr(0, colon))) return refuse(BadFormat, "a reserved prefix");
  return true;
}

bool MarkupScanner::refuse(StreamCondition condition, std::string_view why) {
  condition_ = condition;
  why_ = why;
  stop_ = Stop::Fault;
  return false;
}

// XEP-0205 gives the application condition for stanzas; a header has none.
bool MarkupScanner::refuse_size(std::string_view why) {
  if (header_done_) limit_ = LimitCondition::StanzaTooBig;
  return refuse(PolicyViolation, why);
}

}  // namespace sallyport::inspect
