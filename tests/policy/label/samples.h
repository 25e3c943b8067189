// The files of tests/policy/label/data.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::policy::label::testing {

std::filesystem::path data(const std::string& name);
/// Lines of a table in the folder of the samples, cut at tabs; lines that begin with # are left out.
std::vector<std::vector<std::string>> rows(const std::string& name);
std::string octets_of_hex(std::string_view hex);

}  // namespace sallyport::policy::label::testing
