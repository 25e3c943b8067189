// The states of a subscription and what each presence stanza does to them: RFC 6121 Appendix A in one table
// (protocol.md 6.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sallyport::policy::presence {

/// Of an ordered pair of bare JIDs: "x watches y". The nine states of RFC 6121 A.1 are the product of two of them.
enum class State : std::uint8_t { None, Pending, Active };
inline constexpr State kLastState = State::Active;
std::string_view name(State state);
std::optional<State> state(std::string_view name);

/// The types of presence that are about a subscription.
enum class Word : std::uint8_t { Subscribe, Unsubscribe, Subscribed, Unsubscribed };
std::optional<Word> word(std::string_view type);

/// Whether the sender of it is the one who watches; else it is the one who is watched.
constexpr bool is_of_watcher(Word word) {
  return word == Word::Subscribe || word == Word::Unsubscribe;
}

/// Whether the stanza crosses.
enum class Forward : std::uint8_t {
  No,
  Yes,
  OnceADay,     ///< once in kAskAgain after the request that crossed last
  IfJustAsked,  ///< within kResync after a request that crossed
};

struct Transition {
  State next;
  Forward forward;
  bool operator==(const Transition&) const = default;
};

Transition transition(Word word, State state);

}  // namespace sallyport::policy::presence
