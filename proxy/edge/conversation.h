// One stream of one leg: its parser and its state machine together.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "inspect/stream_parser.h"
#include "proxy/edge/machine.h"

namespace sallyport::edge {

/// Bytes and answers in, actions and stanzas out; does no I/O. Pull: after every input call next() until it gives
/// nullopt. Restart and Allow are carried out here and never given out.
class Conversation {
 public:
  /// The machine must outlive the conversation.
  explicit Conversation(Machine& machine);

  using Step = std::variant<inspect::StanzaRead, Action>;

  /// Only while hungry(), and after next() gave nullopt.
  void feed(std::string_view bytes);
  /// The next step. A stanza's view ends with the next feed(). `stanzas`: false while there is no credit for one; it
  /// and what stands behind it then wait in the parser.
  std::optional<Step> next(bool stanzas = true);
  /// Where the machine's answers to inputs from elsewhere go.
  Actions& actions() { return actions_; }

  /// The peer may be read: the machine listens, and nothing read before is waiting.
  bool hungry() const { return machine_.listens() && !held_back_; }
  /// Does nothing while a stanza waits for credit: its octets are the parser's.
  void hibernate() {
    if (!held_back_) parser_.hibernate();
  }
  bool hibernates() const { return parser_.hibernates(); }
  /// Octets of white space between stanzas on this stream.
  std::size_t keepalive_octets() const { return parser_.keepalive_octets(); }

 private:
  std::optional<Action> next_action();
  std::optional<inspect::StreamEvent> next_event();
  void dispatch(const inspect::StreamEvent& event);
  void check_silence();
  void restart(const inspect::ParserLimits& limits);

  Machine& machine_;
  inspect::StreamParser parser_;
  Actions actions_;
  std::size_t taken_ = 0;
  std::size_t keepalive_seen_ = 0;
  std::optional<inspect::StreamEvent> held_back_;  ///< a stanza that waits for credit
};

}  // namespace sallyport::edge
