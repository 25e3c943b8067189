#include "policy/presence/transitions.h"

#include <array>

namespace sallyport::policy::presence {
namespace {

constexpr std::array<std::string_view, 3> kStates = {"none", "pending", "active"};
constexpr std::array<std::string_view, 4> kWords = {"subscribe", "unsubscribe", "subscribed", "unsubscribed"};

// Rows: Word. Columns: none, pending, active.
constexpr Transition kTable[4][3] = {
    // A server asks again for what it has when it has lost its roster, and hears `subscribed` at once.
    {{State::Pending, Forward::Yes}, {State::Pending, Forward::OnceADay}, {State::Active, Forward::Yes}},
    {{State::None, Forward::No}, {State::None, Forward::Yes}, {State::None, Forward::Yes}},
    // RFC 6121 A.2.3: without a request no conforming server routes it.
    {{State::None, Forward::No}, {State::Active, Forward::Yes}, {State::Active, Forward::IfJustAsked}},
    {{State::None, Forward::No}, {State::None, Forward::Yes}, {State::None, Forward::Yes}},
};

}  // namespace

std::string_view name(State state) {
  return kStates[static_cast<std::size_t>(state)];
}

std::optional<State> state(std::string_view wanted) {
  for (std::size_t i = 0; i < kStates.size(); ++i)
    if (kStates[i] == wanted) return static_cast<State>(i);
  return std::nullopt;
}

std::optional<Word> word(std::string_view type) {
  for (std::size_t i = 0; i < kWords.size(); ++i)
    if (kWords[i] == type) return static_cast<Word>(i);
  return std::nullopt;
}

Transition transition(Word word, State state) {
  return kTable[static_cast<std::size_t>(word)][static_cast<std::size_t>(state)];
}

}  // namespace sallyport::policy::presence
