// Checks a log: every line in its legal form, numbered without a gap, chained to the one before, complete to its head.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/line_reader.h"
#include "audit/segment_reader.h"

namespace sallyport::audit {

/// Follows lines in order and says where the order breaks. After a fault it goes on from the line that was faulty.
class ChainCheck {
 public:
  /// `from_start`: the first line has to be number 1; else the first line is believed.
  explicit ChainCheck(bool from_start) : number_known_(from_start), hash_known_(from_start) {}

  /// Takes the next line. Gives what is wrong with it, or with its place.
  std::optional<std::string> take(const Line& line, std::string_view text);
  /// After a line that is no record: it stands for one, but the next line can't be checked against its hash.
  void skip();
  /// The line that was taken last.
  const Head& last() const { return last_; }

 private:
  Head last_;
  bool number_known_, hash_known_;
  LeafHash leaf_hash_;
};

/// One thing that is wrong. `line` is 0 when it is not about a line.
struct LogFault {
  std::filesystem::path file;
  std::uint64_t line = 0;
  std::string what;
};
/// "/var/log/audit-000001.jsonl:12: what"
std::string to_string(const LogFault& fault);

struct Verification {
  std::vector<LogFault> faults;    ///< in the order of the log, at most kMostFaults
  std::vector<std::string> notes;  ///< not wrong, but worth knowing
  std::uint64_t records = 0, segments = 0;
  Head last;                 ///< the last line; worth keeping elsewhere as an expectation
  std::optional<Head> head;  ///< what the head file says
  bool ok() const { return faults.empty(); }
};
inline constexpr std::size_t kMostFaults = 100;

/// Verifies the whole log. `expected`, kept from an earlier run, has to stand in it. A log that is being written can be
/// verified too: the head is read first and only ever lags behind.
Verification verify(const std::filesystem::path& directory, const std::optional<Head>& expected = std::nullopt);

}  // namespace sallyport::audit
