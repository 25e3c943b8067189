#include "proxy/edge/conversation.h"

#include <utility>

#include "inspect/normal_form.h"

namespace sallyport::edge {
namespace {

using inspect::ParserLimits;

constexpr std::size_t kArenaBlock = 2048;

}  // namespace

Conversation::Conversation(Machine& machine)
    : machine_(machine), parser_(machine.content_namespace(), ParserLimits::before_authentication()) {}

void Conversation::feed(std::string_view bytes) {
  parser_.feed(bytes);
}

std::optional<Conversation::Step> Conversation::next(bool stanzas) {
  for (;;) {
    if (auto action = next_action()) return Step(std::move(*action));
    if (!machine_.listens()) return std::nullopt;
    const auto event = held_back_ ? std::exchange(held_back_, std::nullopt) : next_event();
    if (event) {
      const auto* stanza = std::get_if<inspect::StanzaRead>(&*event);
      if (stanza == nullptr || !machine_.takes_stanzas()) {
        dispatch(*event);
        continue;
      }
      if (stanzas) return *stanza;
      held_back_ = *stanza;
      return std::nullopt;
    }
    if (taken_ == actions_.size()) return std::nullopt;
  }
}

/// Carries out what concerns the parser.
std::optional<Action> Conversation::next_action() {
  while (taken_ < actions_.size()) {
    Action action = std::move(actions_[taken_++]);
    if (taken_ == actions_.size()) {
      actions_.clear();
      taken_ = 0;
    }
    if (const auto* again = std::get_if<Restart>(&action))
      restart(again->limits);
    else if (const auto* allow = std::get_if<Allow>(&action))
      parser_.set_limits(allow->limits);
    else
      return action;
  }
  return std::nullopt;
}

/// What the peer said next; a fault, or white space where none may be, becomes actions instead.
std::optional<inspect::StreamEvent> Conversation::next_event() {
  auto event = parser_.next();
  if (!event) {
    machine_.on_fault(event.error(), actions_);
    return std::nullopt;
  }
  if (!*event && machine_.forbids_whitespace() && parser_.keepalive_octets() > keepalive_seen_)
    machine_.on_injection(actions_);
  return std::move(*event);
}

void Conversation::dispatch(const inspect::StreamEvent& event) {
  if (const auto* header = std::get_if<inspect::StreamHeader>(&event)) {
    machine_.on_header(*header, actions_);
  } else if (const auto* stanza = std::get_if<inspect::StanzaRead>(&event)) {
    machine_.on_stanza(*stanza, actions_);
  } else if (const auto* read = std::get_if<inspect::StreamElement>(&event)) {
    if (machine_.forbids_whitespace() && parser_.keepalive_octets() > keepalive_seen_)
      return machine_.on_injection(actions_);
    inspect::Arena arena(kArenaBlock);
    const auto element = inspect::decode(read->normal_form, arena, ParserLimits{});
    if (element)
      machine_.on_element(**element, actions_);
    else
      machine_.on_fault({inspect::StreamCondition::InternalServerError, element.error().what, {}}, actions_);
    keepalive_seen_ = parser_.keepalive_octets();
  } else {
    machine_.on_stream_end(actions_);
  }
  if (machine_.demands_silence()) check_silence();
}

void Conversation::check_silence() {
  const auto more = parser_.next();
  if (more && !*more && parser_.at_boundary()) return;
  actions_.clear();
  taken_ = 0;
  machine_.on_injection(actions_);
}

void Conversation::restart(const ParserLimits& limits) {
  parser_ = inspect::StreamParser(machine_.content_namespace(), limits);
  keepalive_seen_ = 0;
  held_back_.reset();
}

}  // namespace sallyport::edge
