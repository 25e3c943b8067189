// Reads the operator's file. All mistakes at once, each with its place and its remedy.
#pragma once

#include <expected>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/mistake.h"
#include "proxy/config/config.h"

namespace sallyport::config {

using inspect::Mistake;

struct Place {
  std::uint32_t line = 0, column = 0;
};

/// A configuration and where in its file each written key stands, by its full name: "edge.north.face[0].certificate".
struct Located {
  Config config;
  std::filesystem::path file;
  std::map<std::string, Place, std::less<>> places;

  /// A mistake at that key, or at the file as a whole when the key was not written.
  Mistake mistake(std::string_view key, std::string what, std::string remedy) const;
};

/// Reads and checks what can be told from the file alone. Relative paths are made relative to the file's folder.
/// Whether files exist and fit is asked by `sallyport check` and by the programs when they open them.
std::expected<Config, std::vector<Mistake>> load(const std::filesystem::path& file);
std::expected<Located, std::vector<Mistake>> load_located(const std::filesystem::path& file);
/// The same for text that is already in memory; `file` is its name.
std::expected<Located, std::vector<Mistake>> read(std::string_view text, const std::filesystem::path& file);

}  // namespace sallyport::config
