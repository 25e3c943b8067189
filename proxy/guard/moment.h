// The time as an argument: what the clocks of the process said when an input came.
#pragma once

#include <chrono>

#include "audit/record.h"

namespace sallyport::guard {

using Steady = std::chrono::steady_clock::time_point;
inline constexpr Steady kNever = Steady::max();

struct Moment {
  Steady steady{};     ///< deadlines
  audit::Time wall{};  ///< records
};

}  // namespace sallyport::guard
