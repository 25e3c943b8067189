#include "proxy/edge/credit.h"

#include <algorithm>
#include <iterator>

namespace sallyport::edge {
namespace {

// Enough stays lent that the guard never waits for a frame that is not worth sending yet.
constexpr std::size_t kWorthOctets = Deliveries::kOctets / 4;
constexpr std::size_t kWorthStanzas = Deliveries::kStanzas / 4;

}  // namespace

bool Deliveries::take(std::uint64_t number, std::size_t octets) {
  // Credit and the guard's own reserve, each overdrawn by one at most: then there were that many before this one.
  if (number != taken_ + 1 || lent_octets_ > 2 * (kOctets + airlock::kLargestFrame) || lent_stanzas_ > 2 * kStanzas + 1)
    return false;
  taken_ = number;
  open_octets_ += octets;
  ++open_stanzas_;
  lent_octets_ += octets;
  ++lent_stanzas_;
  return true;
}

void Deliveries::encode(std::size_t unsent) {
  if (open_stanzas_ == 0) return;
  unwritten_.push_back({taken_, sent_octets_ + unsent, open_octets_, open_stanzas_});
  open_octets_ = open_stanzas_ = 0;
}

void Deliveries::send(std::size_t octets) {
  sent_octets_ += octets;
  const auto first_left = std::ranges::find_if(unwritten_, [&](const Mark& mark) { return mark.end > sent_octets_; });
  for (auto mark = unwritten_.begin(); mark != first_left; ++mark) {
    written_ = mark->number;
    credit_octets_ += mark->octets;
    credit_stanzas_ += mark->stanzas;
    unsettled_.push_back(*mark);
  }
  unwritten_.erase(unwritten_.begin(), first_left);
}

void Deliveries::acknowledge(std::size_t unacknowledged) {
  const std::uint64_t reached = sent_octets_ - (unacknowledged < sent_octets_ ? unacknowledged : sent_octets_);
  const auto first_left = std::ranges::find_if(unsettled_, [&](const Mark& mark) { return mark.end > reached; });
  if (first_left == unsettled_.begin()) return;
  settled_ = std::prev(first_left)->number;
  unsettled_.erase(unsettled_.begin(), first_left);
}

std::optional<airlock::Credit> Deliveries::credit() {
  if (credit_octets_ < kWorthOctets && credit_stanzas_ < kWorthStanzas) return std::nullopt;
  const airlock::Credit credit{static_cast<std::uint32_t>(credit_octets_), static_cast<std::uint32_t>(credit_stanzas_)};
  lent_octets_ -= credit_octets_;
  lent_stanzas_ -= credit_stanzas_;
  credit_octets_ = credit_stanzas_ = 0;
  return credit;
}

}  // namespace sallyport::edge
