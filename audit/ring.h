// The bounded ring between one lane and the log's thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/line_writer.h"
#include "audit/log.h"

namespace sallyport::audit {

/// Texts that are given up in the order in which they were kept, side by side in blocks of memory. A block that is free
/// again is the next to be used, so that a lane in steady flow writes where the processor's cache still is. Bounded by
/// whoever keeps texts in it.
class Texts {
 public:
  static constexpr std::size_t kBlockOctets = 64 * 1024;  ///< of a block; a larger text has one of its own
  static constexpr std::size_t kSpareBlocks = 4;          ///< kept when they are free

  /// A copy that stays until it is given up.
  std::string_view keep(std::string_view text);
  void give_up_oldest();
  /// Octets of memory held, in use or not.
  std::size_t octets() const;

 private:
  struct Block {
    std::unique_ptr<char[]> octets;
    std::size_t capacity = 0, used = 0, texts = 0;
  };
  Block& block_with_room(std::size_t octets);
  void retire_first();

  std::deque<Block> blocks_;  ///< the last one is written to
  std::vector<Block> spare_;
};

/// Three counters go round: the lane writes a record's fields into a slot (submitted), the log's thread puts them on
/// record (recorded), the lane learns its number (taken) and the slot is free again. Each counter has one writer.
class Ring final : public Log::Lane {
 public:
  /// `wake` makes the log's thread look; `notify` is the lane's own.
  Ring(std::size_t capacity, std::function<void()> wake, std::function<void()> notify);

  // On the lane's thread.
  std::uint64_t enqueue(const Record& record) override;
  void wake() override { wake_(); }
  void take_recorded(std::vector<Recorded>& out) override;

  // On the log's thread.
  /// The fields of the next record that was not taken into a batch yet; no data when there is none.
  std::string_view next() const;
  /// That record has been given this number.
  void number(std::uint64_t number);
  /// Everything numbered so far is recorded; true when that is news to the lane.
  bool publish();
  void notify() const { notify_(); }

  /// From any thread: nothing more is taken in.
  void close() { closed_.store(true, std::memory_order_release); }

 private:
  struct Slot {
    std::string_view fields;  ///< in texts_
    std::uint64_t number = 0;
  };
  Slot& slot(std::uint64_t index) { return slots_[index % slots_.size()]; }
  const Slot& slot(std::uint64_t index) const { return slots_[index % slots_.size()]; }

  std::vector<Slot> slots_;
  std::function<void()> wake_, notify_;
  FieldWriter fields_;  // the lane's, as are the next two
  std::string draft_;
  Texts texts_;
  std::uint64_t taken_ = 0;     // the lane's
  std::uint64_t numbered_ = 0;  // the log's
  alignas(64) std::atomic<std::uint64_t> submitted_{0};
  alignas(64) std::atomic<std::uint64_t> recorded_{0};
  std::atomic<bool> closed_{false};
};

}  // namespace sallyport::audit
