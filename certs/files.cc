#include "certs/files.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sallyport::certs {
namespace {

Fault failed(const std::filesystem::path& file, const char* what) {
  const int number = errno;
  if (number == EEXIST) return {file, "exists already", "name another directory, or move the file away"};
  return {file, std::string(what) + ": " + std::strerror(number)};
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(descriptor) == 0;
}

Result<void> sync_directory(const std::filesystem::path& file) {
  const auto parent = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const Descriptor directory{::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.number() < 0 || ::fsync(directory.number()) != 0)
    return std::unexpected(failed(parent, "cannot be synced"));
  return {};
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::unexpected(failed(file, "cannot be read"));
  std::string text(kLargestFile + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kLargestFile) return std::unexpected(Fault{file, "is too large to be a certificate or key"});
  return text;
}

Result<void> create_file(const std::filesystem::path& file, std::string_view text, Privacy privacy) {
  const mode_t mode = privacy == Privacy::Private ? 0600 : 0644;
  {
    // The mode is given at creation: there is no moment in which others can open a key.
    const Descriptor out{::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)};
    if (out.number() < 0) return std::unexpected(failed(file, "cannot be made"));
    if (::fchmod(out.number(), mode) != 0 || !write_all(out.number(), text)) {
      auto fault = failed(file, "cannot be written");
      ::unlink(file.c_str());
      return std::unexpected(std::move(fault));
    }
  }
  return sync_directory(file);
}

Result<void> replace_file(const std::filesystem::path& file, std::string_view text, Privacy privacy) {
  auto next = file;
  next += ".new";
  ::unlink(next.c_str());  // left by a run that was cut off
  if (auto created = create_file(next, text, privacy); !created) return created;
  if (::rename(next.c_str(), file.c_str()) != 0) {
    auto fault = failed(file, "cannot be replaced");
    ::unlink(next.c_str());
    return std::unexpected(std::move(fault));
  }
  return sync_directory(file);
}

}  // namespace sallyport::certs
