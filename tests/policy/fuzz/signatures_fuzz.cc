#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "tests/policy/fuzz/properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  const std::string fault = sallyport::policy::testing::signatures_fault({reinterpret_cast<const char*>(octets), size});
  if (fault.empty()) return 0;
  std::cerr << fault << '\n';
  std::abort();
}
