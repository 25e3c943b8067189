// The reading side of a log's files: its segments in order, their lines, and the head beside them.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/record.h"

namespace Botan {
class HashFunction;
}

namespace sallyport::audit {

struct Segment {
  std::uint64_t index = 0;
  std::filesystem::path path;
};
/// The segments of a directory, in order of their index. An error when it cannot be read.
std::expected<std::vector<Segment>, std::string> segments(const std::filesystem::path& directory);

/// How far the log was synced when the head was written: that line, and so all before it, has to be there.
struct Head {
  std::uint64_t number = 0;
  Digest hash{};
  bool operator==(const Head&) const = default;
};
/// nullopt when there is no head file; an error when it is not one.
std::expected<std::optional<Head>, std::string> read_head(const std::filesystem::path& directory);
/// "4711:HASH" as `sallyport audit verify` prints it.
std::optional<Head> parse_head(std::string_view text);
std::string to_hex(const Digest& digest);

/// Computes leaf hashes of lines (without newline).
class LeafHash {
 public:
  LeafHash();
  ~LeafHash();
  Digest operator()(std::string_view line);

 private:
  std::unique_ptr<Botan::HashFunction> sha256_;
};

/// Reads a segment line by line in bounded memory.
class SegmentReader {
 public:
  static std::expected<SegmentReader, std::string> open(const std::filesystem::path& path);
  ~SegmentReader();
  SegmentReader(SegmentReader&& other) noexcept;
  SegmentReader(const SegmentReader&) = delete;
  SegmentReader& operator=(const SegmentReader&) = delete;

  /// The next whole line without its newline, valid until the next call; nullopt when there is none (yet: a file that
  /// has grown gives more later). An error when the file can't be read, or a line is longer than one may be.
  std::expected<std::optional<std::string_view>, std::string> next();
  /// Number of the line that next() gave last, from 1.
  std::uint64_t line() const { return line_; }
  /// Offset behind the line that next() gave last.
  std::uint64_t offset() const { return offset_; }
  /// What stands behind the last newline once next() gave nullopt: the start of a line whose end is not there.
  std::string_view torn() const { return std::string_view(buffer_).substr(start_); }

 private:
  SegmentReader(int descriptor, std::filesystem::path path) : descriptor_(descriptor), path_(std::move(path)) {}

  int descriptor_;
  std::filesystem::path path_;
  std::string buffer_;
  std::size_t start_ = 0;     // of what is not given out yet
  std::size_t searched_ = 0;  // no newline before here
  std::uint64_t line_ = 0, offset_ = 0;
};

}  // namespace sallyport::audit
