#include "tests/policy/label/samples.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/places.h"

namespace sallyport::policy::label::testing {
namespace {

/// Cut at tabs.
std::vector<std::string> fields(const std::string& line) {
  std::vector<std::string> found;
  std::istringstream in(line);
  for (std::string field; std::getline(in, field, '\t');) found.push_back(field);
  return found;
}

}  // namespace

std::filesystem::path data(const std::string& name) {
  return std::filesystem::path(SALLYPORT_TESTS_DIR) / "policy" / "label" / "data" / name;
}

std::vector<std::vector<std::string>> rows(const std::string& name) {
  std::ifstream in(data(name));
  std::vector<std::vector<std::string>> found;
  std::string line;
  while (std::getline(in, line))
    if (!line.empty() && !line.starts_with('#')) found.push_back(fields(line));
  if (found.empty()) throw std::runtime_error("no rows in " + name);
  return found;
}

std::string octets_of_hex(std::string_view hex) {
  std::string octets;
  if (hex == "-") return octets;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    octets += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return octets;
}

}  // namespace sallyport::policy::label::testing
