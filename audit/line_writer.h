// The writing side of one line: a record's fields as canonical JSON, and the chain that joins lines.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "audit/record.h"

namespace Botan {
class HashFunction;
}

namespace sallyport::audit {

/// Writes what follows "prev" in a record's line. Keeps the text of the current second, so one object serves one
/// thread.
class FieldWriter {
 public:
  /// Appends `,"time":...}` with all texts escaped and cut to format::kLargestText. `out` keeps its capacity.
  void write(const Record& record, std::string& out);

 private:
  void stanza(const StanzaRecord& record, std::string& out) const;
  void event(const EventRecord& record, std::string& out) const;
  void time(Time time, std::string& out);

  std::int64_t second_ = -1;
  std::string second_text_;
};

/// Appends a text in its one spelling, with quotes, uncut.
void append_text(std::string_view text, std::string& out);

/// Numbers lines and chains them by their RFC 6962 leaf hashes.
class Chain {
 public:
  /// Continues after line `number` (0: none yet), whose leaf hash is `last`.
  Chain(std::uint64_t number, const Digest& last);
  ~Chain();
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  /// Appends the next line, with its newline, to `out`; `fields` as FieldWriter gave them. Returns the line's number.
  std::uint64_t append(std::string_view fields, std::string& out);
  std::uint64_t number() const { return number_; }
  const Digest& last() const { return last_; }

 private:
  std::uint64_t number_;
  Digest last_;
  std::unique_ptr<Botan::HashFunction> sha256_;
};

}  // namespace sallyport::audit
