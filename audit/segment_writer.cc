#include "audit/segment_writer.h"

#include <string>
#include <utility>

#include "audit/format.h"

namespace sallyport::audit {

SegmentWriter::SegmentWriter(Disk& disk, std::filesystem::path directory, std::uint64_t segment_octets,
                             std::uint64_t index, std::uint64_t octets, const Point& last)
    : disk_(disk),
      directory_(std::move(directory)),
      segment_octets_(segment_octets),
      index_(index),
      octets_(octets),
      written_(last),
      synced_(last) {}

std::expected<void, DiskFault> SegmentWriter::append(std::string_view lines, const Point& last) {
  if (octets_ > 0 && octets_ >= segment_octets_) {
    // A loss of power must not tear a segment that another already follows: only the last one is ever repaired.
    if (file_) {
      if (auto synced = file_->sync(); !synced) return synced;
    }
    ++index_;
    octets_ = 0;
    file_.reset();
  }
  if (!file_) {
    if (auto opened = open_segment(); !opened) return opened;
  }
  {
    // Marked before the write, so that a sync that comes between never misses the file.
    const std::scoped_lock lock(mutex_);
    if (unsynced_.empty() || unsynced_.back() != file_) unsynced_.push_back(file_);
  }
  if (auto appended = file_->append(lines); !appended) return appended;
  octets_ += lines.size();
  const std::scoped_lock lock(mutex_);
  written_ = last;
  // A sync that ran during the write took the mark away.
  if (unsynced_.empty() || unsynced_.back() != file_) unsynced_.push_back(file_);
  return {};
}

std::expected<void, DiskFault> SegmentWriter::sync() {
  std::vector<std::shared_ptr<File>> files;
  Point point;
  {
    const std::scoped_lock lock(mutex_);
    files.swap(unsynced_);
    point = written_;
  }
  for (const auto& file : files) {
    if (auto synced = file->sync(); !synced) return synced;
  }
  const std::scoped_lock lock(mutex_);
  if (point.number > synced_.number) synced_ = point;
  return {};
}

std::expected<void, DiskFault> SegmentWriter::write_head() {
  Point point;
  {
    const std::scoped_lock lock(mutex_);
    if (head_ == synced_.number) return {};
    point = synced_;
  }
  std::string text(format::kHeadTitle);
  text += '\n' + std::to_string(point.number) + '\n';
  for (const auto octet : point.hash) {
    text += "0123456789abcdef"[octet >> 4];
    text += "0123456789abcdef"[octet & 15];
  }
  text += '\n';
  auto written = disk_.replace(directory_ / format::kHeadName, directory_ / format::kHeadNew, text);
  if (!written) return written;
  const std::scoped_lock lock(mutex_);
  head_ = point.number;
  return {};
}

std::filesystem::path SegmentWriter::segment_path(const std::filesystem::path& directory, std::uint64_t index) {
  auto digits = std::to_string(index);
  if (digits.size() < format::kSegmentDigits) digits.insert(0, format::kSegmentDigits - digits.size(), '0');
  return directory / (std::string(format::kSegmentStem) + digits + std::string(format::kSegmentEnd));
}

std::expected<void, DiskFault> SegmentWriter::open_segment() {
  auto opened = disk_.append_to(segment_path(directory_, index_));
  if (!opened) return std::unexpected(opened.error());
  file_ = std::move(*opened);
  return {};
}

}  // namespace sallyport::audit
