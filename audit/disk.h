// The few file operations that the log's writing side needs, so that a test can put a failing disk under it.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace sallyport::audit {

/// What failed, for the operator: "/var/log/x: No space left on device".
struct DiskFault {
  std::string what;
};

/// A file that is only appended to. append() and sync() may be called from two threads at once.
class File {
 public:
  virtual ~File() = default;
  /// Writes all of it; after a fault the end of the file is undefined.
  virtual std::expected<void, DiskFault> append(std::string_view octets) = 0;
  /// Returns when everything appended before is on the medium.
  virtual std::expected<void, DiskFault> sync() = 0;
};

class Disk {
 public:
  virtual ~Disk() = default;
  /// Opens for appending; creates it (mode 0640) when it is not there, and makes its name durable.
  virtual std::expected<std::unique_ptr<File>, DiskFault> append_to(const std::filesystem::path& path) = 0;
  /// Puts `text` in place of the file at `path` at once, by way of the file `by_way_of` beside it.
  virtual std::expected<void, DiskFault> replace(const std::filesystem::path& path,
                                                 const std::filesystem::path& by_way_of, std::string_view text) = 0;
  /// Shortens the file and syncs it.
  virtual std::expected<void, DiskFault> cut(const std::filesystem::path& path, std::uint64_t octets) = 0;
};

/// The operating system's files.
std::unique_ptr<Disk> system_disk();

}  // namespace sallyport::audit
