#include "proxy/guard/backoff.h"

#include <algorithm>

namespace sallyport::guard {

void Gate::fail(Steady now, std::mt19937_64& random) {
  using std::chrono::milliseconds;
  constexpr unsigned kEnoughDoublings = 10;
  const auto range = std::min(kLongest, kFirst * (1U << std::min(failures_, kEnoughDoublings)));
  std::uniform_int_distribution<milliseconds::rep> jitter(0, range.count());
  ++failures_;
  opens_ = now + milliseconds(jitter(random));
}

bool Gate::reopen(Steady now) {
  const bool was_closed = opens_ > now;
  failures_ = 0;
  opens_ = std::min(opens_, now);
  return was_closed;
}

void Gate::lose(Steady since, Steady now, bool clean, std::mt19937_64& random) {
  if (now - since >= kProven) failures_ = 0;
  if (!clean) fail(now, random);
}

}  // namespace sallyport::guard
