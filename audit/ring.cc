#include "audit/ring.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sallyport::audit {
namespace {

constexpr std::size_t kKeptOctets = 16 * 1024;  // of the draft; a larger record's memory is given back

}  // namespace

std::string_view Texts::keep(std::string_view text) {
  Block& block = block_with_room(text.size());
  char* at = block.octets.get() + block.used;
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  block.used += text.size();
  ++block.texts;
  return {at, text.size()};
}

Texts::Block& Texts::block_with_room(std::size_t octets) {
  if (!blocks_.empty()) {
    Block& last = blocks_.back();
    if (last.capacity - last.used >= octets) return last;
    if (last.texts == 0) retire_first();
  }
  if (octets <= kBlockOctets && !spare_.empty()) {
    blocks_.push_back(std::move(spare_.back()));
    spare_.pop_back();
  } else {
    Block made;
    made.capacity = std::max(octets, kBlockOctets);
    made.octets = std::make_unique_for_overwrite<char[]>(made.capacity);
    blocks_.push_back(std::move(made));
  }
  return blocks_.back();
}

void Texts::give_up_oldest() {
  Block& block = blocks_.front();
  if (--block.texts > 0) return;
  // The last one stays where it is, and begins anew.
  block.used = 0;
  if (blocks_.size() > 1 || block.capacity != kBlockOctets) retire_first();
}

void Texts::retire_first() {
  if (blocks_.front().capacity == kBlockOctets && spare_.size() < kSpareBlocks)
    spare_.push_back(std::move(blocks_.front()));
  blocks_.pop_front();
}

std::size_t Texts::octets() const {
  std::size_t octets = 0;
  for (const Block& block : blocks_) octets += block.capacity;
  for (const Block& block : spare_) octets += block.capacity;
  return octets;
}

Ring::Ring(std::size_t capacity, std::function<void()> wake, std::function<void()> notify)
    : slots_(std::max<std::size_t>(capacity, 1)), wake_(std::move(wake)), notify_(std::move(notify)) {}

std::uint64_t Ring::enqueue(const Record& record) {
  const auto index = submitted_.load(std::memory_order_relaxed);
  if (closed_.load(std::memory_order_acquire) || index - taken_ >= slots_.size()) return 0;
  if (draft_.capacity() > kKeptOctets) draft_ = std::string();
  draft_.clear();
  fields_.write(record, draft_);
  slot(index).fields = texts_.keep(draft_);
  submitted_.store(index + 1, std::memory_order_release);
  return index + 1;
}

void Ring::take_recorded(std::vector<Recorded>& out) {
  for (const auto recorded = recorded_.load(std::memory_order_acquire); taken_ < recorded; ++taken_) {
    out.push_back({taken_ + 1, slot(taken_).number});
    texts_.give_up_oldest();
  }
}

std::string_view Ring::next() const {
  if (numbered_ == submitted_.load(std::memory_order_acquire)) return {};
  return slot(numbered_).fields;
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
