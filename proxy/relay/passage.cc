#include "proxy/relay/passage.h"

#include <algorithm>
#include <utility>

namespace sallyport::relay {

std::uint64_t Passage::forward(std::size_t octets) {
  entries_.push() = {++came_, ++left_, octets, {}};
  octets_ += octets;
  return left_;
}

void Passage::refuse(const Digest& digest) {
  ++came_;
  refused_.insert_or_assign(came_, digest);
  entries_.push() = {came_, 0, 0, {}};
  advance();
}

std::uint64_t Passage::inject(std::string xml) {
  const std::size_t octets = xml.size();
  entries_.push() = {0, ++left_, octets, std::move(xml)};
  octets_ += octets;
  return left_;
}

bool Passage::settle(std::uint64_t number) {
  if (number > left_) return false;
  settled_ = std::max(settled_, number);
  advance();
  return true;
}

void Passage::advance() {
  while (!entries_.empty() && entries_.front().out <= settled_) {
    const Entry& entry = entries_.front();
    if (entry.in != 0) handled_ = entry.in;
    octets_ -= entry.octets;
    entries_.front().copy = std::string();
    entries_.pop();
  }
  refused_.erase(refused_.begin(), refused_.upper_bound(handled_));
}

bool Passage::was_refused(const Digest& digest) const {
  const auto before = refused_.find(came_ + 1);
  return before != refused_.end() && before->second == digest;
}

std::vector<std::string> Passage::resume(std::uint64_t began) {
  std::vector<std::string> again;
  for (; !entries_.empty(); entries_.pop())
    if (entries_.front().in == 0) again.push_back(std::move(entries_.front().copy));
  entries_.release();
  octets_ = 0;
  handled_ = std::max(handled_, std::min(began, came_));
  refused_.erase(refused_.begin(), refused_.upper_bound(handled_));
  came_ = handled_;
  left_ = settled_;
  return again;
}

}  // namespace sallyport::relay
