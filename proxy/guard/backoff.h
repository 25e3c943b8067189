// When a far domain may be dialled again (protocol.md S-19, D-16).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/guard/moment.h"

namespace sallyport::guard {

/// The gate before one far domain. Dials are made only when something waits for them, so the first retry falls into 0
/// to 5 s ("pulled forward ... for a pair that has a stanza waiting"), and the range doubles with each failure up to
/// 300 s, with full jitter.
class Gate {
 public:
  static constexpr std::chrono::milliseconds kFirst{5'000}, kLongest{300'000};
  static constexpr std::chrono::seconds kProven{60};  ///< a leg that stood so long forgets the failures before it
  static constexpr unsigned kMostDials = 2;           ///< at a time

  bool is_open(Steady now) const { return now >= opens_ && dials_ < kMostDials; }
  Steady opens() const { return opens_; }
  unsigned failures() const { return failures_; }
  bool has_room() const { return dials_ < kMostDials; }

  void dial() { ++dials_; }
  /// The dial is over without failure of the far domain: it stands, or was given up here.
  void end_dial() { --dials_; }
  void fail(Steady now, std::mt19937_64& random);
  /// The domain has shown by itself that it is there: it has just proved a leg. True: the gate was closed.
  bool reopen(Steady now);
  /// A leg that stood since `since` was lost. A clean end closes no gate (S-14).
  void lose(Steady since, Steady now, bool clean, std::mt19937_64& random);

  /// Routes that wait for one of the two places.
  std::vector<std::uint64_t> waiting;

 private:
  unsigned failures_ = 0, dials_ = 0;
  Steady opens_{};
};

}  // namespace sallyport::guard
