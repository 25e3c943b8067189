// One direction of a client's crossing: which stanza that came in became which that left, and what may be acknowledged.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/relay/fifo.h"

namespace sallyport::relay {

/// Acknowledges on the leg where stanzas come in only what has become somebody else's on the leg where they leave, or
/// was refused and recorded (protocol.md 4.2, 4.3: mapped acknowledgements). Each stanza that comes in gives at most
/// one that leaves (M-01); what the guard adds is an injection, of which it keeps a copy. Does no I/O.
///
/// Numbers count from 1 and never go round. They run on over a resumption, while those of the airlock begin anew with
/// each leg: whoever owns the legs adds came() or left() as it was when the leg began.
class Passage {
 public:
  static constexpr std::size_t kMostEntries = 2000;            ///< protocol.md 4.3
  static constexpr std::size_t kMostOctets = 4 * 1024 * 1024;  ///< of injections kept
  using Digest = std::array<std::uint8_t, 32>;

  /// The next stanza that came in leaves; gives its number there. `octets` as it leaves.
  std::uint64_t forward(std::size_t octets);
  /// The next stanza that came in is refused, or is to be injected later, and that is on record. `digest` names what
  /// came, so that a replay of it after a resumption is known again.
  void refuse(const Digest& digest);
  /// A stanza of the guard's own leaves; gives its number there.
  std::uint64_t inject(std::string xml);
  /// The receiving peer has taken over everything up to this number. False: more than was sent.
  bool settle(std::uint64_t number);

  /// Everything up to this number that came in may be acknowledged.
  std::uint64_t handled() const { return handled_; }
  std::uint64_t came() const { return came_; }
  std::uint64_t left() const { return left_; }
  std::uint64_t settled() const { return settled_; }
  /// No more may be taken in until something settles.
  bool is_full() const { return entries_.size() >= kMostEntries || octets_ >= kMostOctets; }

  /// The next stanza that comes in is one that was refused before the legs broke, and came again: its bounce and its
  /// record have happened (design.md section 10).
  bool was_refused(const Digest& digest) const;

  /// The next stanza that comes in may be one that was refused before the legs broke; if not, was_refused() need not be
  /// asked.
  bool expects_again() const { return refused_.contains(came_ + 1); }

  /// Both legs are new. What was not acknowledged comes again from the peers, which keep copies: both counts go back to
  /// what is known to have arrived, or, of what came in, to `began` if that is further: where the peer began to count.
  /// Gives the injections that have to be sent again, oldest first; inject() them before anything else.
  std::vector<std::string> resume(std::uint64_t began = 0);

 private:
  struct Entry {
    std::uint64_t in = 0, out = 0;  ///< 0: an injection; refused
    std::size_t octets = 0;
    std::string copy;  ///< of an injection
  };
  void advance();

  std::uint64_t came_ = 0, handled_ = 0, left_ = 0, settled_ = 0;
  std::size_t octets_ = 0;
  Fifo<Entry> entries_;
  std::map<std::uint64_t, Digest> refused_;  ///< by the number they came with; above handled_
};

}  // namespace sallyport::relay
