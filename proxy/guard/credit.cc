#include "proxy/guard/credit.h"

#include <algorithm>

namespace sallyport::guard {

airlock::Credit Lent::open() {
  const bool full = budget_.take(full_octets_);
  window_ = full ? full_octets_ : 1;
  window_stanzas_ = full ? full_stanzas_ : 1;
  octets_ = window_;
  stanzas_ = window_stanzas_;
  airlock::Credit credit;
  credit.octets = window_;
  credit.stanzas = window_stanzas_;
  return credit;
}

bool Lent::spend(std::size_t octets) {
  // "May be overdrawn by one": whoever has less than nothing has already had that one.
  if (octets_ < 0 || stanzas_ < 0) return false;
  octets_ -= static_cast<std::int64_t>(octets);
  stanzas_ -= 1;
  in_use_ += static_cast<std::int64_t>(octets);
  in_use_stanzas_ += 1;
  return true;
}

void Lent::free(std::size_t octets) {
  in_use_ -= static_cast<std::int64_t>(octets);
  in_use_stanzas_ -= 1;
}

std::optional<airlock::Credit> Lent::replenish() {
  if (window_ == 1 && budget_.take(full_octets_)) {
    window_ = full_octets_;
    window_stanzas_ = full_stanzas_;
  }
  // What the edge may have is the window less what it still occupies; what it has overdrawn is part of what it
  // occupies.
  const std::int64_t octets = window_ - in_use_ - octets_;
  const std::int64_t stanzas = window_stanzas_ - in_use_stanzas_ - stanzas_;
  if (octets <= 0 && stanzas <= 0) return std::nullopt;
  const bool starved = octets_ <= 0 || stanzas_ <= 0;
  const bool freed = octets_ + octets > 0 && stanzas_ + stanzas > 0;
  const bool worth = octets >= window_ / 4 || stanzas >= window_stanzas_ / 4;
  if (!freed || !(worth || starved)) return std::nullopt;
  octets_ += octets;
  stanzas_ += stanzas;
  airlock::Credit credit;
  credit.octets = static_cast<std::uint32_t>(octets);
  credit.stanzas = static_cast<std::uint32_t>(stanzas);
  return credit;
}

void Purse::add(const airlock::Credit& credit) {
  octets_ = std::min(octets_ + std::int64_t{credit.octets}, kMost);
  stanzas_ = std::min(stanzas_ + std::int64_t{credit.stanzas}, kMost);
}

}  // namespace sallyport::guard
