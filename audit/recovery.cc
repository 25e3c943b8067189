#include "audit/recovery.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include <botan/hash.h>

#include "audit/format.h"
#include "audit/segment_reader.h"
#include "audit/verify.h"

namespace sallyport::audit {
namespace {

EventRecord event(std::string_view code, Time now) {
  EventRecord record;
  record.time = now;
  record.code = code;
  return record;
}

std::uint64_t parse_number(std::string_view digits) {
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

/// Releases that nothing has settled, in one run of the guard.
class Unsettled {
 public:
  void take(const Line& line) {
    if (!line.is_event()) {
      if (const auto cause = line.written("cause"); !cause.empty()) answered(parse_number(cause));
      if (line.value("leg_out") > 0 && line.value("number_out") > 0) released(line);
    } else if (line.written("code") == format::kOpened) {
      *this = Unsettled();  // the fates of the run before were recorded when this one began
      since_ = line.number();
    } else if (line.written("code") == format::kSettled || line.written("code") == format::kFateUnknown) {
      if (const auto through = detail(line, format::kThrough)) settled(leg(line, "enclave", "leg"), *through);
    } else if (!line.written("code").starts_with(format::kAirlockStage)) {
      const auto record = detail(line, format::kReleaseRecord);
      if (!record) return;
      if (line.written("code") == format::kRepeated) {
        moved(*record, leg(line, "enclave", "leg"), detail(line, format::kReleaseNumber).value_or(0));
      } else {
        answered(*record);
      }
    }
  }

  std::vector<EventRecord> fates(Time now) const {
    std::vector<EventRecord> events;
    for (const auto& [leg, releases] : legs_) {
      for (auto next = releases.begin(); next != releases.end();) {
        std::vector<std::uint64_t> records;
        std::uint64_t through = 0;
        for (; next != releases.end() && records.size() < format::kFatesPerEvent; ++next) {
          through = next->first;
          records.push_back(next->second);
        }
        auto fate = event(format::kFateUnknown, now);
        fate.enclave = leg.first;
        fate.leg = leg.second;
        fate.details = {{"releases", std::to_string(records.size())},
                        {std::string(format::kThrough), std::to_string(through)},
                        {"records", ranges(std::move(records))}};
        events.push_back(std::move(fate));
      }
    }
    return events;
  }

  std::uint64_t since() const { return since_; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  using Leg = std::pair<std::string, std::uint64_t>;        // enclave, id
  using Releases = std::map<std::uint64_t, std::uint64_t>;  // number on the leg -> record

  static Leg leg(const Line& line, std::string_view enclave, std::string_view id) {
    return {line.text(enclave), line.value(id)};
  }

  static std::optional<std::uint64_t> detail(const Line& line, std::string_view name) {
    for (const auto& [each, value] : line.pairs("details")) {
      if (each == name) return parse_number(value);
    }
    return std::nullopt;
  }

  void released(const Line& line) {
    if (since_ == 0) since_ = line.number();
    const auto key = leg(line, "to_enclave", "leg_out");
    const auto number = line.value("number_out");
    legs_[key][number] = line.number();
    by_record_[line.number()] = {key, number};
    while (by_record_.size() > kMostUnsettled) {
      ++dropped_;
      answered(by_record_.begin()->first);
    }
  }

  void settled(const Leg& leg, std::uint64_t through) {
    const auto at = legs_.find(leg);
    if (at == legs_.end()) return;
    auto& releases = at->second;
    const auto end = releases.upper_bound(through);
    for (auto each = releases.begin(); each != end; ++each) by_record_.erase(each->second);
    releases.erase(releases.begin(), end);
    if (releases.empty()) legs_.erase(at);
  }

  /// The release was handed to another leg.
  void moved(std::uint64_t record, const Leg& to, std::uint64_t number) {
    if (!by_record_.contains(record)) return;
    answered(record);
    legs_[to][number] = record;
    by_record_[record] = {to, number};
  }

  /// The guard has answered for this release itself: it was bounced or given up.
  void answered(std::uint64_t record) {
    const auto at = by_record_.find(record);
    if (at == by_record_.end()) return;
    const auto [key, number] = at->second;
    by_record_.erase(at);
    const auto of_leg = legs_.find(key);
    of_leg->second.erase(number);
    if (of_leg->second.empty()) legs_.erase(of_leg);
  }

  /// "17-19,23"
  static std::string ranges(std::vector<std::uint64_t> records) {
    std::ranges::sort(records);
    std::string text;
    for (std::size_t i = 0; i < records.size();) {
      auto last = i;
      while (last + 1 < records.size() && records[last + 1] == records[last] + 1) ++last;
      if (!text.empty()) text += ',';
      text += std::to_string(records[i]);
      if (last > i) text += '-' + std::to_string(records[last]);
      i = last + 1;
    }
    return text;
  }

  std::map<Leg, Releases> legs_;
  std::map<std::uint64_t, std::pair<Leg, std::uint64_t>> by_record_;
  std::uint64_t since_ = 0, dropped_ = 0;
};

std::string broken(const std::filesystem::path& directory, const std::string& what) {
  return what +
         ". The log is not as it was written; nothing is added to it. To keep it as it is and begin a new one: mv " +
         directory.string() + " " + directory.string() + ".broken";
}

/// The last segments, read once.
class Tail {
 public:
  Tail(std::filesystem::path directory, const std::optional<Head>& head, bool from_start)
      : directory_(std::move(directory)), head_(head), chain_(from_start) {}

  std::optional<std::string> read(const Segment& segment, bool is_last) {
    if (index_ > 0 && segment.index != index_ + 1) {
      return broken(directory_, segment.path.string() + ": the segment before this one is missing");
    }
    index_ = segment.index;
    auto reader = SegmentReader::open(segment.path);
    if (!reader) return reader.error();
    while (true) {
      const auto read = reader->next();
      if (!read) return read.error();
      const auto& text = *read;
      if (!text) break;
      if (auto fault = line(*text)) {
        return broken(directory_, to_string({segment.path, reader->line(), *fault}));
      }
    }
    octets_ = reader->offset();
    torn_ = reader->torn();
    torn_at_ = {segment.path, reader->line() + 1, "ends within a line"};
    if (!torn_.empty() && !is_last) return broken(directory_, to_string(torn_at_));
    return std::nullopt;
  }

  std::optional<std::string> check_end() const {
    if (!head_ || head_->number <= chain_.last().number) return std::nullopt;
    return broken(directory_, directory_.string() + ": the log ends at record " + std::to_string(chain_.last().number) +
                                  ", but its head names record " + std::to_string(head_->number) +
                                  ": it was truncated");
  }

  std::expected<Recovered, std::string> finish(Disk& disk, Time now) {
    Recovered result;
    result.number = chain_.last().number;
    result.hash = chain_.last().hash;
    result.segment = index_;
    result.octets = octets_;
    if (!torn_.empty()) {
      const auto sha256 = Botan::HashFunction::create_or_throw("SHA-256");
      sha256->update(torn_);
      Digest digest;
      sha256->final(digest.data());
      if (auto cut = disk.cut(torn_at_.file, octets_); !cut) return std::unexpected(cut.error().what);
      auto cut_off = event(format::kTornLineCut, now);
      cut_off.details = {{"segment", torn_at_.file.filename().string()},
                         {"line", std::to_string(torn_at_.line)},
                         {"octets", std::to_string(torn_.size())},
                         {"sha256", to_hex(digest)}};
      result.events.push_back(std::move(cut_off));
    }
    for (auto& fate : unsettled_.fates(now)) result.events.push_back(std::move(fate));
    auto opened = event(format::kOpened, now);
    opened.details = {{"format", std::string(format::kVersion)}};
    if (unsettled_.since() > 0) opened.details.emplace_back("fates_since", std::to_string(unsettled_.since()));
    if (unsettled_.dropped() > 0) opened.details.emplace_back("fates_dropped", std::to_string(unsettled_.dropped()));
    result.events.push_back(std::move(opened));
    return result;
  }

 private:
  std::optional<std::string> line(std::string_view text) {
    const auto line = Line::read(text);
    if (!line) return line.error();
    if (auto fault = chain_.take(*line, text)) return fault;
    if (head_ && head_->number == line->number() && head_->hash != chain_.last().hash) {
      return "this line is not the one that the head file names: it was changed";
    }
    unsettled_.take(*line);
    return std::nullopt;
  }

  std::filesystem::path directory_;
  const std::optional<Head>& head_;
  ChainCheck chain_;
  Unsettled unsettled_;
  std::uint64_t index_ = 0, octets_ = 0;
  std::string torn_;
  LogFault torn_at_;
};

}  // namespace

std::expected<Recovered, std::string> recover(const std::filesystem::path& directory, Disk& disk, Time now) {
  const auto found = segments(directory);
  if (!found) return std::unexpected(found.error());
  const auto read = read_head(directory);
  if (!read) return std::unexpected(broken(directory, read.error()));
  const auto& head = *read;
  if (found->empty() && (!head || head->number == 0)) {
    Recovered fresh;
    fresh.events.push_back(event(format::kOpened, now));
    fresh.events.back().details = {{"format", std::string(format::kVersion)}};
    return fresh;
  }
  if (!head) return std::unexpected(broken(directory, directory.string() + ": there is no head file"));

  const auto skipped = found->size() > kSegmentsLookedAt ? found->size() - kSegmentsLookedAt : 0;
  const bool from_start = !found->empty() && (*found)[skipped].index == 1;
  Tail tail(directory, head, from_start);
  for (auto i = skipped; i < found->size(); ++i) {
    if (auto fault = tail.read((*found)[i], i + 1 == found->size())) return std::unexpected(*fault);
  }
  if (auto fault = tail.check_end()) return std::unexpected(*fault);
  return tail.finish(disk, now);
}

}  // namespace sallyport::audit
