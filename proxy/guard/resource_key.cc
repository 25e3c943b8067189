#include "proxy/guard/resource_key.h"

#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/presence/resources.h"

namespace sallyport::guard {
namespace {

constexpr std::size_t kOctets = policy::presence::ResourceNames::kKeyOctets;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

std::unexpected<std::string> failed(const std::filesystem::path& file, const std::string& why) {
  return std::unexpected(file.string() + ": " + why);
}

std::unexpected<std::string> failed(const std::filesystem::path& file) {
  return failed(file, std::strerror(errno));
}

std::expected<inspect::Secret, std::string> read(const Descriptor& open, const std::filesystem::path& file) {
  struct stat found{};
  if (::fstat(open.number(), &found) != 0) return failed(file);
  if (!S_ISREG(found.st_mode)) return failed(file, "it is no file");
  if (found.st_uid != ::geteuid()) return failed(file, "it belongs to another user");
  if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return failed(file, "others may read it; chmod 600, or begin with a new key by taking it away");
  std::string octets(kOctets + 1, '\0');
  const ssize_t size = ::read(open.number(), octets.data(), octets.size());
  if (size < 0) return failed(file);
  if (static_cast<std::size_t>(size) != kOctets) {
    inspect::wipe(octets);
    return failed(
        file, "it does not hold 32 octets; put it back from the back-up, or begin with a new key by taking it away");
  }
  octets.resize(kOctets);
  return inspect::Secret(std::move(octets));
}

/// Whole on the disk before it has its name, so that no start finds half a key.
std::optional<std::string> write(const std::filesystem::path& folder, const std::filesystem::path& file,
                                 const inspect::Secret& key) {
  const std::filesystem::path half = file.string() + ".new";
  ::unlink(half.c_str());
  const auto why = [](const std::filesystem::path& of) { return of.string() + ": " + std::strerror(errno); };
  const Descriptor made(::open(half.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!made.is_open()) return why(file);
  const ssize_t written = ::write(made.number(), key.view().data(), key.size());
  if (written != static_cast<ssize_t>(key.size()) || ::fsync(made.number()) != 0) return why(half);
  if (::rename(half.c_str(), file.c_str()) != 0) return why(file);
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open() || ::fsync(directory.number()) != 0) return why(folder);
  return std::nullopt;
}

}  // namespace

std::expected<inspect::Secret, std::string> resource_key(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "resource.key";
  const Descriptor open(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (open.is_open()) return read(open, file);
  if (errno != ENOENT) return failed(file);
  inspect::Secret key = passing_resource_key();
  if (auto fault = write(folder, file, key)) return std::unexpected(std::move(*fault));
  return key;
}

inspect::Secret passing_resource_key() {
  std::string octets(kOctets, '\0');
  if (::getentropy(octets.data(), octets.size()) != 0)
    throw std::runtime_error(std::string("no randomness: ") + std::strerror(errno));
  return inspect::Secret(std::move(octets));
}

}  // namespace sallyport::guard
