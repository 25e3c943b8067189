#include "audit/verify.h"

#include <utility>

#include "audit/format.h"

namespace sallyport::audit {
namespace {

std::string missing(std::uint64_t first, std::uint64_t last) {
  if (first == last) return "record " + std::to_string(first) + " is missing before this line";
  return "records " + std::to_string(first) + " to " + std::to_string(last) + " are missing before this line";
}

/// One pass over all segments.
class Walk {
 public:
  Walk(Verification& result, const std::optional<Head>& expected) : result_(result), expected_(expected) {}

  void segment(const Segment& segment, bool is_last) {
    if (segment.index != next_index_) {
      fault(segment.path, 0,
            next_index_ + 1 == segment.index ? "the segment before this one is missing"
                                             : "segments before this one are missing");
    }
    next_index_ = segment.index + 1;
    ++result_.segments;
    auto reader = SegmentReader::open(segment.path);
    if (!reader) return fault(segment.path, 0, reader.error());
    while (true) {
      const auto read = reader->next();
      if (!read) return fault(segment.path, reader->line() + 1, read.error());
      const auto& text = *read;
      if (!text) break;
      line(segment, reader->line(), *text);
    }
    const auto torn = reader->torn().size();
    if (torn == 0) return;
    const auto what = std::to_string(torn) + " octets of a line without its end";
    if (is_last) {
      result_.notes.push_back(to_string({segment.path, reader->line() + 1, what + "; the next start cuts them off"}));
    } else {
      fault(segment.path, reader->line() + 1, what);
    }
  }

  void end(const std::filesystem::path& directory) {
    result_.last = chain_.last();
    complete(result_.head, directory / format::kHeadName, "the head file");
    complete(expected_, directory, "the expectation");
  }

 private:
  void line(const Segment& segment, std::uint64_t number, std::string_view text) {
    ++result_.records;
    const auto line = Line::read(text);
    if (!line) {
      chain_.skip();
      return fault(segment.path, number, line.error());
    }
    if (auto what = chain_.take(*line, text)) fault(segment.path, number, std::move(*what));
    named(result_.head, segment, number, "the head file");
    named(expected_, segment, number, "the expectation");
  }

  void named(const std::optional<Head>& head, const Segment& segment, std::uint64_t line, std::string_view whose) {
    const auto& last = chain_.last();
    if (head && head->number == last.number && head->hash != last.hash) {
      fault(segment.path, line, "this line is not the one that " + std::string(whose) + " names: it was changed");
    }
  }

  void complete(const std::optional<Head>& head, const std::filesystem::path& file, std::string_view whose) {
    const auto last = chain_.last().number;
    if (!head || head->number <= last) return;
    fault(file, 0,
          "the log ends at record " + std::to_string(last) + ", but " + std::string(whose) + " names record " +
              std::to_string(head->number) + ": it was truncated");
  }

  void fault(std::filesystem::path file, std::uint64_t line, std::string what) {
    if (result_.faults.size() < kMostFaults) result_.faults.push_back({std::move(file), line, std::move(what)});
  }

  Verification& result_;
  const std::optional<Head>& expected_;
  ChainCheck chain_{true};
  std::uint64_t next_index_ = 1;
};

}  // namespace

std::optional<std::string> ChainCheck::take(const Line& line, std::string_view text) {
  const auto before = last_;
  const bool number_known = std::exchange(number_known_, true);
  const bool hash_known = std::exchange(hash_known_, true);
  last_ = {line.number(), leaf_hash_(text)};
  if (!number_known) return std::nullopt;
  if (line.number() > before.number + 1) return missing(before.number + 1, line.number() - 1);
  if (line.number() <= before.number) {
    return "record " + std::to_string(line.number()) + " stands after record " + std::to_string(before.number) +
           ": out of order, or inserted";
  }
  if (hash_known && line.prev() != before.hash) {
    return before.number == 0 ? "the first record does not begin a log: lines before it were removed, or it was changed"
                              : "does not follow from the line before: that one was changed, or this one was";
  }
  return std::nullopt;
}

void ChainCheck::skip() {
  ++last_.number;
  last_.hash = {};
  hash_known_ = false;
}

std::string to_string(const LogFault& fault) {
  return fault.file.string() + (fault.line > 0 ? ":" + std::to_string(fault.line) : "") + ": " + fault.what;
}

Verification verify(const std::filesystem::path& directory, const std::optional<Head>& expected) {
  Verification result;
  // First the head: lines may be added while we read, and the head must not be newer than they are.
  const auto head = read_head(directory);
  const auto found = segments(directory);
  if (!found) {
    result.faults.push_back({directory, 0, found.error()});
    return result;
  }
  if (head) {
    result.head = *head;
  } else {
    result.faults.push_back({directory / format::kHeadName, 0, head.error()});
  }
  if (head && !*head) {
    result.faults.push_back({directory, 0, "there is no head file: how far the log went cannot be told"});
  }
  Walk walk(result, expected);
  for (const auto& segment : *found) walk.segment(segment, &segment == &found->back());
  walk.end(directory);
  return result;
}

}  // namespace sallyport::audit
