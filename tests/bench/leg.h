// One connection of the load, to the proxy (near) or from it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/bench/connection.h"
#include "tests/bench/dialogue.h"

namespace sallyport::bench {

/// The end tag of what is counted.
inline constexpr std::string_view kEnd = "</message>";

struct Leg {
  Leg(int socket, bool is_near) : connection(socket), near(is_near) {}

  enum class State : std::uint8_t { Talking, Handshaking, Open };
  Connection connection;
  const bool near;
  bool only_handshake = false;
  State state = State::Handshaking;
  std::unique_ptr<Dialogue> dialogue;
  std::string from, to;  ///< of its stream; a client's `from` is its full JID once it is open
  std::uint32_t watched = 0;

  /// What was heard on an open leg.
  struct Heard {
    std::uint64_t stanzas = 0;
    bool wants_ack = false;  ///< the peer has asked how many stanzas came (XEP-0198)
  };
  /// Counts the stanzas in what has come. An end tag may be cut in two by the records.
  Heard hear(std::string_view text);
  /// The answer to such a question.
  std::string ack() const;

 private:
  std::string carry_;
  std::uint64_t stanzas_ = 0;
  std::uint64_t answered_ = 0;  ///< how many had come when the last question did
};

}  // namespace sallyport::bench
