#include "audit/disk.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace sallyport::audit {
namespace {

std::unexpected<DiskFault> fault(const std::filesystem::path& path, int error) {
  return std::unexpected(DiskFault{path.string() + ": " + std::generic_category().message(error)});
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

std::expected<void, DiskFault> write_all(int descriptor, std::string_view octets, const std::filesystem::path& path) {
  while (!octets.empty()) {
    const auto written = ::write(descriptor, octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fault(path, errno);
    octets.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

std::expected<void, DiskFault> sync_directory(const std::filesystem::path& directory) {
  const Descriptor descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.is_open() || ::fsync(descriptor.number()) != 0) return fault(directory, errno);
  return {};
}

class SystemFile final : public File {
 public:
  SystemFile(Descriptor descriptor, std::filesystem::path path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  std::expected<void, DiskFault> append(std::string_view octets) override {
    return write_all(descriptor_.number(), octets, path_);
  }
  std::expected<void, DiskFault> sync() override {
    if (::fdatasync(descriptor_.number()) != 0) return fault(path_, errno);
    return {};
  }

 private:
  Descriptor descriptor_;
  std::filesystem::path path_;
};

class SystemDisk final : public Disk {
 public:
  std::expected<std::unique_ptr<File>, DiskFault> append_to(const std::filesystem::path& path) override {
    Descriptor descriptor(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640));
    if (!descriptor.is_open()) return fault(path, errno);
    if (auto synced = sync_directory(path.parent_path()); !synced) return std::unexpected(synced.error());
    return std::make_unique<SystemFile>(std::move(descriptor), path);
  }

  std::expected<void, DiskFault> replace(const std::filesystem::path& path, const std::filesystem::path& by_way_of,
                                         std::string_view text) override {
    const Descriptor descriptor(::open(by_way_of.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640));
    if (!descriptor.is_open()) return fault(by_way_of, errno);
    if (auto written = write_all(descriptor.number(), text, by_way_of); !written) return written;
    // Without this, a crash may leave an empty file under the final name.
    if (::fdatasync(descriptor.number()) != 0) return fault(by_way_of, errno);
    if (::rename(by_way_of.c_str(), path.c_str()) != 0) return fault(path, errno);
    return {};
  }

  std::expected<void, DiskFault> cut(const std::filesystem::path& path, std::uint64_t octets) override {
    const Descriptor descriptor(::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!descriptor.is_open() || ::ftruncate(descriptor.number(), static_cast<off_t>(octets)) != 0 ||
        ::fsync(descriptor.number()) != 0) {
      return fault(path, errno);
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<Disk> system_disk() {
  return std::make_unique<SystemDisk>();
}

}  // namespace sallyport::audit
