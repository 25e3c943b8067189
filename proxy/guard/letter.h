// A stanza on its way out, and what is kept of it until it has settled.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "audit/record.h"
#include "policy/verdict.h"
#include "proxy/guard/moment.h"

namespace sallyport::guard {

/// The stanza of an accepted leg that something is the outcome of. An injection has none.
struct Origin {
  std::uint64_t leg = 0;  ///< serial
  std::uint64_t number = 0;
  std::uint32_t octets = 0;  ///< of credit that it still occupies; 0 once given back
};

/// One stanza in canonical XML, and what a bounce needs to know of it after its frame and arena are gone. Kept until it
/// has settled: what is lost unsettled is bounced or sent again. All texts stand in one string, so that a letter is at
/// most one piece of memory.
class Letter {
 public:
  /// Replaces all that it was. None of them may be a part of it.
  void write(const policy::StanzaFacts& facts, std::string_view xml, std::string_view awaited = {});

  policy::Kind kind() const { return kind_; }
  std::string_view type() const { return part(0); }
  std::string_view id() const { return part(1); }
  std::string_view from() const { return part(2); }
  std::string_view to() const { return part(3); }
  /// Of an iq request whose answer is awaited: its id on the far side, else "". Whoever answers it takes it out of the
  /// table of open ones.
  std::string_view awaited() const { return part(4); }
  std::string_view xml() const { return std::string_view(text_).substr(ends_.back()); }
  /// It is not needed any more; the memory of a text of usual size serves the next.
  void rest() {
    if (text_.capacity() > kKeptOctets) text_ = std::string();
  }
  /// For a bounce; views into this.
  policy::StanzaFacts facts() const;

  Origin origin;
  bool injection = false;
  std::uint8_t repeats = 0;                      ///< how often it was sent again
  std::chrono::steady_clock::duration waited{};  ///< in all, for a leg to be sent again on
  std::uint64_t record = 0;                      ///< 0: not recorded yet

  /// Presence may arrive twice, and injections are the guard's own: they are sent again. The rest would be doubled.
  bool may_repeat() const { return injection || kind_ == policy::Kind::Presence; }

 private:
  static constexpr std::size_t kKeptOctets = 2048;

  std::string_view part(std::size_t index) const {
    const std::uint32_t begin = index == 0 ? 0 : ends_[index - 1];
    return std::string_view(text_).substr(begin, ends_[index] - begin);
  }

  policy::Kind kind_ = policy::Kind::Message;
  bool to_service_ = false;
  std::string text_;  ///< type, id, from, to, awaited id, XML
  std::array<std::uint32_t, 5> ends_{};
};

/// A stanza that may leave, while its frame and arena live: it is kept, as a Letter, where it is put.
struct Released {
  const policy::StanzaFacts& facts;
  std::string_view xml;
  std::string_view awaited;  ///< as in Letter
  Origin origin;
  /// Complete but for its place on a leg. Lent: its memory serves the next stanza.
  audit::Record& record;
  std::uint64_t stored_as = 0;  ///< it leaves when the store has that; 0: it need not wait
  audit::StanzaRecord& stanza_record() const { return std::get<audit::StanzaRecord>(record); }
};

/// A judged stanza that has no place on a dialled leg yet. Its record is complete but for that place, and is not
/// submitted before, so that each stanza has one record that says what really became of it.
struct Waiting {
  Letter letter;
  audit::StanzaRecord record;
  Steady since{};
  std::uint64_t stored_as = 0;  ///< it leaves when the store has that; 0: it need not wait
};

/// A copy of its own.
Waiting kept(const Released& stanza);

/// What was assigned to a dialled leg. Its number is its place in the leg's queue.
struct Sent {
  Letter letter;
  bool delivered = false;  ///< false: waits for its record
};

/// Octets that a stanza occupies in a queue, beside its own text.
inline constexpr std::size_t kQueueOverhead = 512;
inline std::size_t footprint(std::string_view xml) {
  return xml.size() + kQueueOverhead;
}
inline std::size_t footprint(const Letter& letter) {
  return footprint(letter.xml());
}

}  // namespace sallyport::guard
