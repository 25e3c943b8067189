#include "policy/source/files.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "policy/label/spif.h"

namespace sallyport::policy::source {
namespace {

std::expected<SourceFile, std::string> read_file(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    return std::unexpected(error ? error.message() : "it is no regular file");
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::unexpected("it can't be opened");
  if (std::filesystem::file_size(path, error) > label::kLargestSpif || error)
    return std::unexpected("it is larger than 16 MiB");
  SourceFile file{.name = path.string(), .text = {std::istreambuf_iterator<char>(in), {}}};
  if (in.bad()) return std::unexpected("reading it failed");
  return file;
}

}  // namespace

ReadFile files_beside(const std::string& policy_file) {
  return [folder = std::filesystem::path(policy_file).parent_path()](const std::string& path) {
    return read_file(folder / path);
  };
}

}  // namespace sallyport::policy::source
