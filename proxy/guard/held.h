// What is ready and waits for its time (protocol.md P-43).
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "proxy/guard/letter.h"
#include "proxy/guard/moment.h"

namespace sallyport::guard {

/// Stanzas, each with the time before which it does not leave; soonest first. Whoever adds sees to the bound.
class Held {
 public:
  struct Stanza {
    std::unique_ptr<Waiting> stanza;
    std::uint64_t cause = 0;  ///< record that an injection follows from
  };

  void add(Steady due, Stanza stanza) {
    octets_ += footprint(stanza.stanza->letter);
    by_due_.emplace(due, std::move(stanza));
  }
  bool empty() const { return by_due_.empty(); }
  std::size_t size() const { return by_due_.size(); }
  std::size_t octets() const { return octets_; }
  /// When the first is due; kNever if there is none.
  Steady next_due() const { return by_due_.empty() ? kNever : by_due_.begin()->first; }
  /// The first, and taking it out; there must be one.
  const Waiting& first() const { return *by_due_.begin()->second.stanza; }
  Stanza take() {
    Stanza first = std::move(by_due_.begin()->second);
    by_due_.erase(by_due_.begin());
    octets_ -= footprint(first.stanza->letter);
    return first;
  }
  /// The numbers that origins had mean nothing any more.
  void forget_origins() {
    for (auto& [due, held] : by_due_) held.stanza->letter.origin = {};
  }

 private:
  std::multimap<Steady, Stanza> by_due_;
  std::size_t octets_ = 0;
};

}  // namespace sallyport::guard
