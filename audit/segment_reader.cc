#include "audit/segment_reader.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <utility>

#include <botan/hash.h>
#include <fcntl.h>
#include <unistd.h>

#include "audit/format.h"

namespace sallyport::audit {
namespace {

constexpr std::size_t kReadOctets = 256 * 1024;

std::string system_fault(const std::filesystem::path& path) {
  return path.string() + ": " + std::generic_category().message(errno);
}

std::optional<std::uint64_t> segment_index(std::string_view name) {
  if (!name.starts_with(format::kSegmentStem) || !name.ends_with(format::kSegmentEnd)) return std::nullopt;
  name.remove_prefix(format::kSegmentStem.size());
  name.remove_suffix(std::min(name.size(), format::kSegmentEnd.size()));
  std::uint64_t index = 0;
  const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  const bool whole = error == std::errc{} && stop == name.data() + name.size();
  const bool padded = name.size() == format::kSegmentDigits || (name.size() > format::kSegmentDigits && name[0] != '0');
  if (!whole || !padded || index == 0) return std::nullopt;
  return index;
}

std::optional<Digest> parse_hex(std::string_view hex) {
  Digest digest{};
  if (hex.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const auto pair = hex.substr(2 * i, 2);
    if (std::ranges::any_of(pair, [](char c) { return c >= 'A' && c <= 'F'; })) return std::nullopt;
    const auto* const digits = pair.data();
    const auto [stop, error] = std::from_chars(digits, digits + 2, digest[i], 16);
    if (error != std::errc{} || stop != digits + 2) return std::nullopt;
  }
  return digest;
}

std::optional<Head> head_of(std::string_view number, std::string_view hash) {
  Head head;
  const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), head.number);
  const auto digest = parse_hex(hash);
  if (error != std::errc{} || stop != number.data() + number.size() || !digest) return std::nullopt;
  head.hash = *digest;
  return head;
}

}  // namespace

std::expected<std::vector<Segment>, std::string> segments(const std::filesystem::path& directory) {
  std::error_code error;
  std::vector<Segment> found;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (const auto index = segment_index(at->path().filename().native())) found.push_back({*index, at->path()});
  }
  if (error) return std::unexpected(directory.string() + ": " + error.message());
  std::ranges::sort(found, {}, &Segment::index);
  return found;
}

std::expected<std::optional<Head>, std::string> read_head(const std::filesystem::path& directory) {
  const auto path = directory / format::kHeadName;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT) return std::nullopt;
  if (descriptor < 0) return std::unexpected(system_fault(path));
  std::string text(format::kLargestHead, '\0');
  const auto size = ::read(descriptor, text.data(), text.size());
  const auto fault = size < 0 ? system_fault(path) : std::string();
  ::close(descriptor);
  if (size < 0) return std::unexpected(fault);
  text.resize(static_cast<std::size_t>(size));

  const auto not_a_head = [&] { return std::unexpected(path.string() + ": not a head file"); };
  std::string_view rest = text;
  if (!rest.starts_with(format::kHeadTitle) || !rest.ends_with('\n')) return not_a_head();
  rest.remove_prefix(format::kHeadTitle.size());
  rest.remove_suffix(1);
  const auto break_at = rest.find('\n', 1);
  if (!rest.starts_with('\n') || break_at == std::string_view::npos) return not_a_head();
  const auto head = head_of(rest.substr(1, break_at - 1), rest.substr(break_at + 1));
  if (!head) return not_a_head();
  return head;
}

std::optional<Head> parse_head(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return head_of(text.substr(0, colon), text.substr(colon + 1));
}

std::string to_hex(const Digest& digest) {
  std::string hex;
  for (const auto octet : digest) {
    hex += "0123456789abcdef"[octet / 16];
    hex += "0123456789abcdef"[octet % 16];
  }
  return hex;
}

LeafHash::LeafHash() : sha256_(Botan::HashFunction::create_or_throw("SHA-256")) {}
LeafHash::~LeafHash() = default;

Digest LeafHash::operator()(std::string_view line) {
  Digest digest;
  sha256_->update(format::kLeafPrefix);
  sha256_->update(reinterpret_cast<const std::uint8_t*>(line.data()), line.size());
  sha256_->final(digest.data());
  return digest;
}

std::expected<SegmentReader, std::string> SegmentReader::open(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return std::unexpected(system_fault(path));
  return SegmentReader(descriptor, path);
}

SegmentReader::~SegmentReader() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

SegmentReader::SegmentReader(SegmentReader&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      buffer_(std::move(other.buffer_)),
      start_(other.start_),
      searched_(other.searched_),
      line_(other.line_),
      offset_(other.offset_) {}

std::expected<std::optional<std::string_view>, std::string> SegmentReader::next() {
  while (true) {
    const auto newline = buffer_.find('\n', searched_);
    if (newline != std::string::npos) {
      const auto text = std::string_view(buffer_).substr(start_, newline - start_);
      start_ = searched_ = newline + 1;
      ++line_;
      offset_ += text.size() + 1;
      return text;
    }
    searched_ = buffer_.size();
    if (searched_ - start_ > format::kLargestLine) {
      return std::unexpected(path_.string() + ":" + std::to_string(line_ + 1) + ": longer than a line may be");
    }
    buffer_.erase(0, start_);
    searched_ -= std::exchange(start_, 0);
    buffer_.resize(searched_ + kReadOctets);
    ssize_t size = 0;
    do {
      size = ::read(descriptor_, buffer_.data() + searched_, kReadOctets);
    } while (size < 0 && errno == EINTR);
    buffer_.resize(searched_ + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    if (size < 0) return std::unexpected(system_fault(path_));
    if (size == 0) return std::nullopt;
  }
}

}  // namespace sallyport::audit
