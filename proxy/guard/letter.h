// A stanza on its way out, and what is kept of it until it has settled.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "audit/record.h"
#include "policy/verdict.h"
#include "proxy/guard/moment.h"

namespace sallyport::guard {

/// What a bounce needs to know of a stanza after its frame and arena are gone.
struct ReturnAddress {
  policy::Kind kind = policy::Kind::Message;
  bool to_service = false;
  std::string type, id, from, to;

  static ReturnAddress of(const policy::StanzaFacts& facts);
  /// Views into this.
  policy::StanzaFacts facts() const;
};

/// The stanza of an accepted leg that something is the outcome of. An injection has none.
struct Origin {
  std::uint64_t leg = 0;  ///< serial
  std::uint64_t number = 0;
  std::uint32_t octets = 0;  ///< of credit that it still occupies; 0 once given back
};

/// One stanza in canonical XML, kept until it has settled: what is lost unsettled is bounced or sent again.
struct Letter {
  ReturnAddress sender;
  std::string xml;
  Origin origin;
  bool injection = false;
  std::uint8_t repeats = 0;                      ///< how often it was sent again
  std::chrono::steady_clock::duration waited{};  ///< in all, for a leg to be sent again on
  std::uint64_t record = 0;                      ///< 0: not recorded yet

  /// Presence may arrive twice, and injections are the guard's own: they are sent again. The rest would be doubled.
  bool may_repeat() const { return injection || sender.kind == policy::Kind::Presence; }
};

/// A judged stanza that has no place on a dialled leg yet. Its record is complete but for that place, and is not
/// submitted before, so that each stanza has one record that says what really became of it.
struct Waiting {
  Letter letter;
  audit::StanzaRecord record;
  Steady since{};
};

/// What was assigned to a dialled leg. Its number is its place in the leg's queue.
struct Sent {
  Letter letter;
  bool delivered = false;  ///< false: waits for its record
};

/// Octets that a stanza occupies in a queue, beside its own text.
inline constexpr std::size_t kQueueOverhead = 512;
inline std::size_t footprint(const Letter& letter) {
  return letter.xml.size() + kQueueOverhead;
}

}  // namespace sallyport::guard
