// The time as an argument: what the clocks of the process said when an input came.
#pragma once

#include <chrono>

#include "audit/record.h"
#include "policy/moment.h"

namespace sallyport::guard {

using Steady = std::chrono::steady_clock::time_point;
inline constexpr Steady kNever = Steady::max();

struct Moment {
  Steady steady{};     ///< deadlines
  audit::Time wall{};  ///< records
};

/// The same for a judgement.
inline policy::Moment policy_moment(const Moment& now) {
  return {.wall = std::chrono::floor<std::chrono::milliseconds>(now.wall),
          .steady = std::chrono::duration_cast<std::chrono::milliseconds>(now.steady.time_since_epoch())};
}

}  // namespace sallyport::guard
