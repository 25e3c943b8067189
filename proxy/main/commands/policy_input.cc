#include "proxy/main/commands/policy_input.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>
#include <variant>

#include <CLI/CLI.hpp>

#include "audit/line_reader.h"
#include "audit/segment_reader.h"
#include "inspect/names.h"
#include "inspect/stream_parser.h"
#include "policy/reason.h"
#include "policy/source/files.h"
#include "policy/source/source.h"
#include "proxy/main/commands/policy.h"

namespace sallyport::commands {

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr std::string_view kHeader =
    "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
constexpr std::string_view kClientHeader =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
constexpr std::string_view kSpace = " \t\r\n";
constexpr std::size_t kPiece = 64 * 1024;  // fed at once

std::string domain_of(const inspect::Node& stanza, std::string_view attribute) {
  const auto* written = stanza.attribute(attribute);
  if (!written) return "";
  std::string_view domain = written->substr(0, written->find('/'));
  if (const auto at = domain.find('@'); at != std::string_view::npos) domain.remove_prefix(at + 1);
  return inspect::Jid::prepare_domain(domain).value_or("");
}

/// Reads digits at a place; -1 if they are none.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return -1;
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::vector<fs::path> xml_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error))
    if (entry.is_regular_file() && entry.path().extension() == ".xml") files.push_back(entry.path());
  if (error) end_command(2, folder.string() + ": " + error.message());
  std::ranges::sort(files);
  return files;
}

/// The files of a path, in order: of a log its segments, of a folder its XML.
std::vector<fs::path> files_of(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files = xml_files(path);
  if (const auto found = audit::segments(path))
    for (const audit::Segment& segment : *found) files.push_back(segment.path);
  if (files.empty()) end_command(2, path.string() + ": there are neither *.xml files nor audit records");
  return files;
}

bool holds_records(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return in.get() == '{';
}

class SampleReader {
 public:
  SampleReader(const std::vector<fs::path>& paths, const std::function<void(const Sample&, double)>& take)
      : take_(take) {
    for (const fs::path& path : paths)
      for (fs::path& file : files_of(path)) {
        std::error_code error;
        const std::uintmax_t size = fs::file_size(file, error);
        if (error) end_command(2, file.string() + ": can't be read");
        all_ += static_cast<double>(size) + 1;
        files_.emplace_back(std::move(file), static_cast<double>(size) + 1);
      }
  }

  std::size_t run() {
    for (const auto& [file, size] : files_) {
      if (holds_records(file)) {
        records(file);
      } else {
        stanzas(file);
      }
      done_ += size;
    }
    return without_content_;
  }

 private:
  void stanzas(const fs::path& file) {
    const auto samples = read_stanzas(read_file_or_end(file), file.string());
    if (!samples) end_command(2, file.string() + ": " + samples.error());
    for (const Sample& sample : *samples) take_(sample, done_ / all_);
  }

  void records(const fs::path& file) {
    auto reader = audit::SegmentReader::open(file);
    if (!reader) end_command(2, reader.error());
    while (true) {
      const auto text = reader->next();
      if (!text) end_command(2, text.error());
      const auto& written = *text;
      if (!written) return;
      const auto line = audit::Line::read(*written);
      if (!line) end_command(2, file.string() + ":" + std::to_string(reader->line()) + ": " + line.error());
      if (line->is_event()) {
        event(*line);
      } else {
        record(*line, static_cast<double>(reader->offset()));
      }
    }
  }

  /// From then on the crossing is known to be that session, until the guard starts anew and counts from the beginning.
  void event(const audit::Line& line) {
    const std::string code = line.text("code");
    if (code == policy::code(policy::Reason::GuardStarted)) sessions_.clear();
    if (code != policy::code(policy::Reason::SessionBound)) return;
    for (const auto& [key, value] : line.pairs("details"))
      if (key == "jid") sessions_[line.value("crossing")] = {audit::unescaped(value), line.text("enclave")};
  }

  void record(const audit::Line& line, double offset) {
    const std::string content = line.text("content");
    if (content.empty()) {
      ++without_content_;
      return;
    }
    const std::string where = "record " + std::to_string(line.number());
    auto samples = read_stanzas(content, where);
    if (!samples) end_command(2, where + ": " + samples.error());
    for (Sample& sample : *samples) {
      sample.where = where;
      sample.record = recorded(line);
      take_(sample, (done_ + offset) / all_);
    }
  }

  Recorded recorded(const audit::Line& line) const {
    Recorded record;
    record.from_enclave = line.text("from_enclave");
    record.to_enclave = line.text("to_enclave");
    record.from = line.text("from");
    record.to = line.text("to");
    record.id = line.text("id");
    record.id_out = line.text("id_out");
    record.crossing = line.value("crossing");
    record.wall = read_time(line.written("time"));
    if (const auto at = sessions_.find(record.crossing); at != sessions_.end())
      std::tie(record.session, record.client_enclave) = at->second;
    return record;
  }

  const std::function<void(const Sample&, double)>& take_;
  std::map<std::uint64_t, std::pair<std::string, std::string>> sessions_;  ///< by crossing: JID, enclave of the client
  std::vector<std::pair<fs::path, double>> files_;
  double all_ = 0, done_ = 0;
  std::size_t without_content_ = 0;
};

}  // namespace

void end_command(int status, const std::string& why) {
  std::fprintf(stderr, "%s%s", why.c_str(), why.ends_with('\n') ? "" : "\n");
  throw CLI::RuntimeError(status);
}

fs::path policy_file(const fs::path& path) {
  return fs::is_directory(path) ? path / "policy.toml" : path;
}

policy::Bundle load_policy_or_end(const fs::path& path) {
  const fs::path file = policy_file(path);
  const std::string octets = read_file_or_end(file);
  auto bundle = policy::Bundle::decode(octets);
  if (bundle) return std::move(*bundle);
  if (file.extension() != ".toml") end_command(1, file.string() + ": " + bundle.error().what);
  auto compiled = policy::source::compile(octets, file.string(), policy::source::files_beside(file.string()));
  if (compiled) return std::move(compiled->bundle);
  std::string all;
  for (const auto& mistake : compiled.error()) all += inspect::describe(mistake);
  end_command(1, all);
}

Way Way::completed(const policy::Bundle& bundle, const inspect::Node& stanza) const {
  Way way = *this;
  const std::string from = domain_of(stanza, "from");
  const std::string to = domain_of(stanza, "to");
  const auto enclave = [&](const std::string& name) {
    const policy::Domain* domain = bundle.domain(name);
    return domain ? bundle.enclave_of(*domain).name : std::string();
  };
  if (way.from_enclave.empty()) way.from_enclave = enclave(from);
  if (way.to_enclave.empty()) way.to_enclave = enclave(to);
  if (way.granted.empty()) way.granted.push_back({from, to});
  return way;
}

policy::Crossing Way::crossing() const {
  return {.from_enclave = from_enclave, .to_enclave = to_enclave, .lang = lang, .granted = granted};
}

std::optional<std::chrono::sys_time<milliseconds>> read_time(std::string_view text) {
  using namespace std::chrono;
  if (text.ends_with('Z')) text.remove_suffix(1);
  const year_month_day day{year(digits(text, 0, 4)), month(static_cast<unsigned>(digits(text, 5, 2))),
                           std::chrono::day(static_cast<unsigned>(digits(text, 8, 2)))};
  if (text.size() < 10 || text[4] != '-' || text[7] != '-' || !day.ok()) return std::nullopt;
  sys_time<milliseconds> time = sys_days(day);
  if (text.size() == 10) return time;
  const int hour = digits(text, 11, 2), minute = digits(text, 14, 2);
  const int second = text.size() > 16 ? digits(text, 17, 2) : 0;
  if (text[10] != 'T' || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
    return std::nullopt;
  return time + hours(hour) + minutes(minute) + seconds(second);
}

std::string written_time(std::chrono::sys_time<milliseconds> time) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(seconds - day);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

policy::proof::When when_or_end(const std::string& text) {
  if (text.empty()) return {.time = std::chrono::ceil<std::chrono::seconds>(now()), .only = false};
  const auto time = read_time(text);
  if (!time) end_command(2, "'" + text + "' is no time; write it like 2026-03-01T08:00");
  return {.time = *time, .only = true};
}

std::chrono::sys_time<milliseconds> now() {
  return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}

std::expected<std::vector<Sample>, std::string> read_stanzas(std::string_view text, const std::string& where,
                                                             StreamOf stream) {
  const std::string_view own = stream == StreamOf::Client ? inspect::ns::kClient : inspect::ns::kServer;
  while (!text.empty() && kSpace.contains(text.back())) text.remove_suffix(1);
  while (!text.empty() && kSpace.contains(text.front())) text.remove_prefix(1);
  inspect::StreamParser parser(own, inspect::ParserLimits{});
  const bool is_stream = text.starts_with("<?xml") || text.starts_with("<stream:stream");
  if (!is_stream) parser.feed(stream == StreamOf::Client ? kClientHeader : kHeader);
  std::vector<Sample> samples;
  for (bool fed_all = false; true;) {
    const auto event = parser.next();
    if (!event)
      return std::unexpected("an edge would end the stream with <" +
                             std::string(inspect::name(event.error().condition)) + "/>: " + event.error().why);
    const std::optional<inspect::StreamEvent>& found = *event;
    if (found) {
      if (const auto* stanza = std::get_if<inspect::StanzaRead>(&*found))
        samples.push_back({.where = where + ":" + std::to_string(samples.size() + 1),
                           .normal_form = std::string(stanza->normal_form)});
      continue;
    }
    if (fed_all) break;
    parser.feed(text.substr(0, kPiece));
    text.remove_prefix(std::min(kPiece, text.size()));
    fed_all = text.empty();
  }
  if (samples.empty() || !parser.at_boundary())
    return std::unexpected("there is no whole message, presence or iq in " + std::string(own));
  return samples;
}

std::size_t each_sample(const std::vector<fs::path>& paths, const std::function<void(const Sample&, double)>& take) {
  return SampleReader(paths, take).run();
}

}  // namespace sallyport::commands
