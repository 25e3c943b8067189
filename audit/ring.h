// The bounded ring between one lane and the log's thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/line_writer.h"
#include "audit/log.h"

namespace sallyport::audit {

/// Three counters go round: the lane writes a record's fields into a slot (submitted), the log's thread puts them on
/// record (recorded), the lane learns its number (taken) and the slot is free again. Each counter has one writer.
class Ring final : public Log::Lane {
 public:
  /// `wake` makes the log's thread look; `notify` is the lane's own.
  Ring(std::size_t capacity, std::function<void()> wake, std::function<void()> notify);

  // On the lane's thread.
  std::uint64_t submit(const Record& record) override;
  void take_recorded(std::vector<Recorded>& out) override;

  // On the log's thread.
  /// The fields of the next record that was not taken into a batch yet; nullptr when there is none.
  const std::string* next() const;
  /// That record has been given this number.
  void number(std::uint64_t number);
  /// Everything numbered so far is recorded; true when that is news to the lane.
  bool publish();
  void notify() const { notify_(); }

  /// From any thread: nothing more is taken in.
  void close() { closed_.store(true, std::memory_order_release); }

 private:
  struct Slot {
    std::string fields;
    std::uint64_t number = 0;
  };
  Slot& slot(std::uint64_t index) { return slots_[index % slots_.size()]; }
  const Slot& slot(std::uint64_t index) const { return slots_[index % slots_.size()]; }

  std::vector<Slot> slots_;
  std::function<void()> wake_, notify_;
  FieldWriter fields_;
  std::uint64_t taken_ = 0;     // the lane's
  std::uint64_t numbered_ = 0;  // the log's
  alignas(64) std::atomic<std::uint64_t> submitted_{0};
  alignas(64) std::atomic<std::uint64_t> recorded_{0};
  std::atomic<bool> closed_{false};
};

}  // namespace sallyport::audit
