// Finds records and prints them so that a person can read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audit/line_reader.h"

namespace sallyport::audit {

/// Which records are wanted; what is not set lets everything through. A record has to meet all that is set.
struct Filter {
  std::optional<std::uint64_t> record;
  std::string since;     ///< a time as the log writes it, or a front part of one: "2026-03-04T05:06Z", "2026-03-04"
  std::string until;     ///< the same; all of that minute, day ... is wanted
  std::string reason;    ///< reason, finding or event code; "label" means all of that stage
  std::string verdict;   ///< leaves no events
  std::string from, to;  ///< a JID, a bare JID (all its resources) or a domain (all its JIDs)
  std::string label;     ///< stands in the label or marking of either side; leaves no events
  bool shadow = false;   ///< only those of which the shadow policy makes something else
  std::string jid;       ///< the same, at either end or in the details of an event; there also its domain
  std::string kind;      ///< "presence", or with a type "presence:probe"; of events those of a stage of that name

  bool permits(const Line& line) const;
};

/// Lines for a terminal: what is aligned is cut nowhere, what is not plain stays escaped.
class Printer {
 public:
  explicit Printer(bool coloured) : coloured_(coloured) {}
  /// The heads of the columns, with a newline.
  std::string heading() const;
  /// One record, with a newline.
  std::string print(const Line& line) const;
  /// One record with all its fields, a line each.
  std::string print_whole(const Line& line) const;

 private:
  std::string stanza(const Line& line) const;
  std::string event(const Line& line) const;
  std::string coloured(std::string_view text, std::string_view colour) const;

  bool coloured_;
};

}  // namespace sallyport::audit
