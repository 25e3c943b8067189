#include "proxy/edge/credit.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sallyport::edge {
namespace {

// Enough stays lent that the guard never waits for a frame that is not worth sending yet.
constexpr std::int64_t kWorthOctets = Deliveries::kOctets / 4;
constexpr std::int64_t kWorthStanzas = Deliveries::kStanzas / 4;

}  // namespace

bool Deliveries::take(std::uint64_t number, std::size_t octets) {
  // Credit and the guard's own reserve, each overdrawn by one at most: then there were that many before this one.
  constexpr std::int64_t kReserve = kOctets + 2 * std::int64_t{airlock::kLargestFrame};
  if (number != taken_ + 1 || left_octets_ < -kReserve || left_stanzas_ < -std::int64_t{kStanzas} - 1) return false;
  taken_ = number;
  open_octets_ += octets;
  ++open_stanzas_;
  left_octets_ -= static_cast<std::int64_t>(octets);
  --left_stanzas_;
  used_up_ = used_up_ || left_octets_ < kWorthOctets || left_stanzas_ < kWorthStanzas;
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
    credit_octets_ += static_cast<std::int64_t>(mark->octets);
    credit_stanzas_ += static_cast<std::int64_t>(mark->stanzas);
    if (mark->number <= most_by_tcp_) unsettled_.push_back(*mark);
  }
  unwritten_.erase(unwritten_.begin(), first_left);
}

void Deliveries::acknowledge(std::size_t unacknowledged) {
  const std::uint64_t reached = sent_octets_ - (unacknowledged < sent_octets_ ? unacknowledged : sent_octets_);
  const auto first_left = std::ranges::find_if(unsettled_, [&](const Mark& mark) { return mark.end > reached; });
  if (first_left == unsettled_.begin()) return;
  settled_ = std::max(settled_, std::prev(first_left)->number);
  unsettled_.erase(unsettled_.begin(), first_left);
}

void Deliveries::settle_by_tcp(std::uint64_t most) {
  if (most == most_by_tcp_) return;
  most_by_tcp_ = most;
  std::erase_if(unsettled_, [&](const Mark& mark) { return mark.number > most; });
}

void Deliveries::confirm(std::uint64_t number) {
  settled_ = std::max(settled_, number);
  std::erase_if(unsettled_, [&](const Mark& mark) { return mark.number <= number; });
}

std::optional<airlock::Credit> Deliveries::credit(CreditBudget* budget) {
  const bool worth = credit_octets_ >= times_ * kWorthOctets || credit_stanzas_ >= times_ * kWorthStanzas;
  // A debt of the one is not forgiven for the other.
  if (!worth || credit_octets_ < 0 || credit_stanzas_ < 0) return std::nullopt;
  if (std::exchange(used_up_, false) && times_ < kMostTimes && budget != nullptr && budget->take(times_ * kOctets)) {
    credit_octets_ += times_ * kOctets;
    credit_stanzas_ += times_ * kStanzas;
    times_ *= 2;
  }
  const airlock::Credit credit{static_cast<std::uint32_t>(credit_octets_), static_cast<std::uint32_t>(credit_stanzas_)};
  left_octets_ += credit_octets_;
  left_stanzas_ += credit_stanzas_;
  credit_octets_ = credit_stanzas_ = 0;
  return credit;
}

std::size_t Deliveries::shrink() {
  const std::uint32_t more = std::exchange(times_, 1) - 1;
  credit_octets_ -= std::int64_t{more} * kOctets;
  credit_stanzas_ -= std::int64_t{more} * kStanzas;
  return std::size_t{more} * kOctets;
}

}  // namespace sallyport::edge
