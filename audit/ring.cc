#include "audit/ring.h"

#include <algorithm>
#include <utility>

namespace sallyport::audit {
namespace {

constexpr std::size_t kKeptOctets = 16 * 1024;  // of a slot; a larger record's memory is given back

}  // namespace

Ring::Ring(std::size_t capacity, std::function<void()> wake, std::function<void()> notify)
    : slots_(std::max<std::size_t>(capacity, 1)), wake_(std::move(wake)), notify_(std::move(notify)) {}

std::uint64_t Ring::submit(const Record& record) {
  const auto index = submitted_.load(std::memory_order_relaxed);
  if (closed_.load(std::memory_order_acquire) || index - taken_ >= slots_.size()) return 0;
  auto& fields = slot(index).fields;
  if (fields.capacity() > kKeptOctets) fields = std::string();
  fields.clear();
  fields_.write(record, fields);
  submitted_.store(index + 1, std::memory_order_release);
  wake_();
  return index + 1;
}

void Ring::take_recorded(std::vector<Recorded>& out) {
  for (const auto recorded = recorded_.load(std::memory_order_acquire); taken_ < recorded; ++taken_) {
    out.push_back({taken_ + 1, slot(taken_).number});
  }
}

const std::string* Ring::next() const {
  if (numbered_ == submitted_.load(std::memory_order_acquire)) return nullptr;
  return &slot(numbered_).fields;
}

void Ring::number(std::uint64_t number) {
  slot(numbered_++).number = number;
}

bool Ring::publish() {
  if (recorded_.load(std::memory_order_relaxed) == numbered_) return false;
  recorded_.store(numbered_, std::memory_order_release);
  return true;
}

}  // namespace sallyport::audit
