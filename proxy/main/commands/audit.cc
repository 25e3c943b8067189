// `sallyport audit`: verify and read the record.
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "audit/line_writer.h"
#include "audit/review.h"
#include "audit/verify.h"
#include "proxy/main/commands/commands.h"

namespace sallyport::commands {
namespace {

constexpr auto kLookAgain = std::chrono::milliseconds(200);  // of --follow

struct VerifyOptions {
  std::string directory, expected;
  bool json = false;
};

struct ShowOptions {
  std::string directory;
  audit::Filter filter;
  std::uint64_t record = 0;
  bool follow = false, json = false;
};

[[noreturn]] void fail(const std::string& what) {
  std::cerr << what << "\n";
  throw CLI::RuntimeError(2);
}

std::string json_text(std::string_view text) {
  std::string out;
  audit::append_text(text, out);
  return out;
}

std::string point(const audit::Head& head) {
  return std::to_string(head.number) + ":" + audit::to_hex(head.hash);
}

void print_json(const audit::Verification& result) {
  std::cout << "{\"ok\":" << (result.ok() ? "true" : "false") << ",\"records\":" << result.records
            << ",\"segments\":" << result.segments << ",\"last\":\"" << point(result.last) << "\",\"faults\":[";
  const char* separator = "";
  for (const auto& fault : result.faults) {
    std::cout << separator << "{\"file\":" << json_text(fault.file.native()) << ",\"line\":" << fault.line
              << ",\"what\":" << json_text(fault.what) << "}";
    separator = ",";
  }
  std::cout << "],\"notes\":[";
  separator = "";
  for (const auto& note : result.notes) {
    std::cout << separator << json_text(note);
    separator = ",";
  }
  std::cout << "]}\n";
}

void print_plain(const audit::Verification& result) {
  for (const auto& fault : result.faults) std::cout << audit::to_string(fault) << "\n";
  if (result.faults.size() == audit::kMostFaults) std::cout << "... and perhaps more\n";
  for (const auto& note : result.notes) std::cout << "note: " << note << "\n";
  std::cout << (result.ok() ? "The log is whole: " : "The log is NOT as it was written: ") << result.records
            << " records in " << result.segments << (result.segments == 1 ? " segment" : " segments")
            << ". Last record:\n"
            << point(result.last) << "\n";
}

void verify(const VerifyOptions& options) {
  std::optional<audit::Head> expected;
  if (!options.expected.empty()) {
    expected = audit::parse_head(options.expected);
    if (!expected) fail("--expect: has to be NUMBER:HASH, as `sallyport audit verify` prints it");
  }
  const auto result = audit::verify(options.directory, expected);
  options.json ? print_json(result) : print_plain(result);
  if (!result.ok()) throw CLI::RuntimeError(1);
}

/// Prints a log from its first segment to its end, and on.
class Show {
 public:
  explicit Show(const ShowOptions& options) : options_(options), printer_(::isatty(STDOUT_FILENO) == 1) {}

  void run() {
    if (!options_.json && !options_.filter.record) std::cout << printer_.heading();
    do {
      if (!read_on()) fail(fault_);
      std::cout.flush();
      if (options_.follow) std::this_thread::sleep_for(kLookAgain);
    } while (options_.follow && std::cout);
    if (malformed_) throw CLI::RuntimeError(1);
  }

 private:
  /// Reads all that is there by now; false, with fault_, when it cannot.
  bool read_on() {
    const auto found = audit::segments(options_.directory);
    if (!found) return fails(found.error());
    for (const auto& segment : *found) {
      if (segment.index < index_) continue;
      if (segment.index > index_ || !reader_) {
        auto opened = audit::SegmentReader::open(segment.path);
        if (!opened) return fails(opened.error());
        reader_ = std::make_unique<audit::SegmentReader>(std::move(*opened));
        index_ = segment.index;
      }
      while (true) {
        const auto read = reader_->next();
        if (!read) return fails(read.error());
        const auto& text = *read;
        if (!text) break;
        line(segment, *text);
      }
    }
    return true;
  }

  void line(const audit::Segment& segment, std::string_view text) {
    const auto line = audit::Line::read(text);
    if (!line) {
      malformed_ = true;
      std::cerr << segment.path.native() << ":" << reader_->line() << ": " << line.error() << "\n";
      return;
    }
    if (!options_.filter.permits(*line)) return;
    if (options_.json) {
      std::cout << text << "\n";
    } else {
      std::cout << (options_.filter.record ? printer_.print_whole(*line) : printer_.print(*line));
    }
  }

  bool fails(std::string what) {
    fault_ = std::move(what);
    return false;
  }

  const ShowOptions& options_;
  audit::Printer printer_;
  std::unique_ptr<audit::SegmentReader> reader_;
  std::uint64_t index_ = 0;
  bool malformed_ = false;
  std::string fault_;
};

void add_verify(CLI::App& audit) {
  auto options = std::make_shared<VerifyOptions>();
  auto* const command = audit.add_subcommand(
      "verify", "Check that the log is as it was written: nothing changed, removed, added, reordered or cut off");
  command->add_option("directory", options->directory, "The log's directory")->required();
  command->add_option("--expect", options->expected, "NUMBER:HASH of a record, kept from an earlier run");
  command->add_flag("--json", options->json, "Print the result as JSON");
  command->callback([options] { verify(*options); });
}

void add_show(CLI::App& audit) {
  auto options = std::make_shared<ShowOptions>();
  auto* const command = audit.add_subcommand("show", "Print records so that a person can read them");
  command->add_option("directory", options->directory, "The log's directory")->required();
  command->add_flag("--follow,-f", options->follow, "Go on with records as they come");
  command->add_option("--since", options->filter.since, "From this UTC time on: 2026-03-04 or 2026-03-04T05:06");
  command->add_option("--until", options->filter.until, "Up to this UTC time: 2026-03-04 or 2026-03-04T05:06");
  command->add_option("--reason", options->filter.reason,
                      "With this reason, finding or event code; \"label\" for all of a stage");
  command->add_option("--verdict", options->filter.verdict, "release, alter, answer, bounce, drop or sever");
  command->add_option("--from", options->filter.from, "From this JID or domain");
  command->add_option("--to", options->filter.to, "To this JID or domain");
  command->add_option("--label", options->filter.label, "With this text in the label or marking of either side");
  command->add_flag("--shadow", options->filter.shadow, "Only those that the shadow policy judges otherwise");
  command->add_option("--jid", options->filter.jid, "From or to this JID or domain, and events that name it");
  command->add_option("--kind", options->filter.kind,
                      "message, presence or iq, or one type: presence:probe; of events those of that stage");
  command->add_option("--record", options->record, "Only the record of this number, with all its fields");
  command->add_flag("--json", options->json, "Print the lines as they stand in the log");
  command->callback([options] {
    if (options->record > 0) options->filter.record = options->record;
    Show(*options).run();
  });
}

}  // namespace

CLI::App* add_audit(CLI::App& parent) {
  auto* const audit = parent.add_subcommand("audit", "Verify and read the audit log");
  audit->require_subcommand(1);
  add_verify(*audit);
  add_show(*audit);
  return audit;
}

}  // namespace sallyport::commands
