// The time as an argument of a judgement: what the guard's clocks said when the stanza came.
#pragma once

#include <chrono>

namespace sallyport::policy {

struct Moment {
  std::chrono::sys_time<std::chrono::milliseconds> wall{};  ///< validity of labels, time windows, stamps
  std::chrono::milliseconds steady{};  ///< since some fixed point of this run of the guard: rates, expiries
};

}  // namespace sallyport::policy
