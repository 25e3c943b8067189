// What other processes have used: CPU from their own clocks, memory from the kernel's books.
#pragma once

#include <cstdint>
#include <ctime>
#include <vector>

#include <sys/types.h>

namespace sallyport::bench {

/// User and system time of all threads of all these processes, to the nanosecond.
class ProcessClocks {
 public:
  explicit ProcessClocks(const std::vector<pid_t>& processes);
  double seconds() const;

 private:
  std::vector<clockid_t> clocks_;
};

/// Anonymous memory (heap, stacks) of all these processes, in octets.
std::uint64_t anonymous_memory(const std::vector<pid_t>& processes);

}  // namespace sallyport::bench
