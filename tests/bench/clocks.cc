#include "tests/bench/clocks.h"

#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

namespace sallyport::bench {

ProcessClocks::ProcessClocks(const std::vector<pid_t>& processes) {
  for (const auto process : processes) {
    clockid_t clock{};
    if (const int error = clock_getcpuclockid(process, &clock); error != 0) {
      throw std::runtime_error("process " + std::to_string(process) + ": " + std::strerror(error));
    }
    clocks_.push_back(clock);
  }
}

double ProcessClocks::seconds() const {
  double sum = 0;
  for (const auto clock : clocks_) {
    timespec used{};
    if (clock_gettime(clock, &used) != 0) throw std::runtime_error("a process that is measured has ended");
    sum += static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
  }
  return sum;
}

std::uint64_t anonymous_memory(const std::vector<pid_t>& processes) {
  std::uint64_t octets = 0;
  for (const auto process : processes) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("RssAnon:")) octets += std::stoull(line.substr(8)) * 1024;
    }
  }
  return octets;
}

}  // namespace sallyport::bench
