// Stream management on the wire (XEP-0198; protocol.md 4.3), as both faces of a client's session have it.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "proxy/edge/machine.h"
#include "proxy/edge/stream_text.h"
#include "proxy/relay/ack_counter.h"

namespace sallyport::edge {

/// Counts what is read and written once counting has begun in that direction, answers <r/>, reads <a/> and asks for it.
/// What the counts mean is the guard's business: it says what is Handled, and hears what has Settled
/// (docs/airlock.md). All numbers are those of the airlock.
class ManagedStream : public Machine {
 public:
  void on_read(std::uint64_t number) final { read_ = number; }
  void on_delivered(std::uint64_t number) final { delivered_ = number; }
  void on_handled(const airlock::Handled& handled, Actions& out) final;
  std::string_view ack_request() final;
  std::uint64_t settles_by_tcp() const final {
    return delivered_before_.value_or(std::numeric_limits<std::uint64_t>::max());
  }
  bool outlives_silence() const override { return reads_.has_value() && writes_.has_value(); }

 protected:
  /// The next stanza read, or written, is the first that counts; both sides hold `h` by now.
  void count_reads(std::uint32_t h);
  void count_writes(std::uint32_t h);
  void stop_counting();
  bool counts_reads() const { return reads_.has_value(); }

  /// <r/> or <a/>. False: it has no place yet.
  bool take_ack(ElementKind kind, const inspect::Node& element, Actions& out);
  /// The other side's peer wants to know what has arrived here.
  void on_ack_wanted(Actions& out);
  void last_words(Actions& out) override;

 private:
  void answer(const relay::AckCounter& reads, Actions& out);
  void on_answer(relay::AckCounter& writes, const inspect::Node& element, Actions& out);

  std::optional<relay::AckCounter> reads_, writes_;
  std::uint64_t read_ = 0, read_before_ = 0, handled_ = 0;  ///< before: when counting began
  std::uint64_t told_ = 0;                                  ///< the last number that an <a/> of ours stands for
  std::uint64_t wanted_at_ = 0;                             ///< what was read when the other side was last asked
  bool owes_ = false;                                       ///< an <r/> had to be answered with less than was read
  std::uint64_t delivered_ = 0;
  std::optional<std::uint64_t> delivered_before_;
  std::optional<std::uint64_t> asked_at_;  ///< what was delivered when the <r/> was written that has no answer yet
};

}  // namespace sallyport::edge
