// The counters of XEP-0198 over the numbers of the airlock.
#pragma once

#include <cstdint>
#include <optional>

namespace sallyport::relay {

/// One direction of one leg. One stanza on the wire is one number of the airlock, so both count the same things; `h`
/// begins at 0 where stream management begins, and goes round at 2^32 (XEP-0198 4; protocol.md 4.3).
class AckCounter {
 public:
  /// The next stanza after `number` is the first that counts; `h` is what both sides hold by then: 0 after <enabled/>,
  /// the value of <resumed/> after a resumption.
  explicit AckCounter(std::uint64_t number, std::uint32_t h = 0) : number_(number), h_(h), acknowledged_(number) {}

  /// What an <a/> says when everything up to `number` is handled. Not before the number it began with.
  std::uint32_t h(std::uint64_t number) const { return h_ + static_cast<std::uint32_t>(number - number_); }

  /// The number that the peer's h stands for, when the last one sent was `sent`. nullopt: h is beyond that, or goes
  /// backwards, which cannot be told apart: handled-count-too-high.
  std::optional<std::uint64_t> acknowledge(std::uint32_t h, std::uint64_t sent) {
    const std::uint32_t news = h - this->h(acknowledged_);
    if (news > sent - acknowledged_) return std::nullopt;
    return acknowledged_ += news;
  }
  std::uint64_t acknowledged() const { return acknowledged_; }

 private:
  std::uint64_t number_;
  std::uint32_t h_;
  std::uint64_t acknowledged_;
};

}  // namespace sallyport::relay
