// write_policy_reference FOLDER: writes reason-codes.md and policy.md there.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "policy/reason.h"
#include "policy/source/source.h"

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: write_policy_reference FOLDER\n";
    return 2;
  }
  const std::filesystem::path folder(arguments[1]);
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "reason-codes.md") << sallyport::policy::reason_reference();
  std::ofstream(folder / "policy.md") << sallyport::policy::source::policy_reference();
  return 0;
}
