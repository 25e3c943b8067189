#include "tests/policy/vectors.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "policy/tracking/keyed.h"
#include "tests/places.h"
#include "tests/policy/label/samples.h"

namespace sallyport::policy::testing {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(SALLYPORT_TESTS_DIR) / "policy" / "vectors";

/// `{x*3}` becomes xxx.
std::string expand(std::string text) {
  for (std::size_t open = text.find('{'); open != std::string::npos; open = text.find('{', open)) {
    const std::size_t close = text.find('}', open);
    const std::size_t star = text.rfind('*', close);
    const std::string piece = text.substr(open + 1, star - open - 1);
    std::string repeated;
    for (int times = std::stoi(text.substr(star + 1, close - star - 1)); times > 0; --times) repeated += piece;
    text.replace(open, close - open + 1, repeated);
    open += repeated.size();
  }
  return text;
}

/// `$1` becomes the first id that the guard gives out, `$2` the second.
std::string with_tokens(std::string text) {
  Tokens tokens;
  for (const char number : {'1', '2', '3'}) {
    const Tokens::Text token = Tokens::text(tokens.next());
    const std::string placeholder = {'$', number};
    for (std::size_t at = text.find(placeholder); at != std::string::npos; at = text.find(placeholder, at))
      text.replace(at, placeholder.size(), token.data(), token.size());
  }
  return text;
}

/// `\n` becomes a line feed.
std::string with_lines(std::string text) {
  for (std::size_t at = text.find("\\n"); at != std::string::npos; at = text.find("\\n", at)) text.replace(at, 2, "\n");
  return text;
}

/// `%L05%` becomes a securitylabel with that sample (tests/policy/label/data/labels-ess), `%ess:L05%` what stands
/// inside.
std::string with_labels(std::string text) {
  for (std::size_t open = text.find('%'); open != std::string::npos; open = text.find('%', open)) {
    const std::size_t close = text.find('%', open + 1);
    std::string id = text.substr(open + 1, close - open - 1);
    const bool bare = id.starts_with("ess:");
    if (bare) id.erase(0, 4);
    std::string label;
    for (const auto& row : label::testing::rows("labels-ess/labels.tsv"))
      if (row[0] == id) label = "<esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'>" + row[1] + "</esssecuritylabel>";
    if (label.empty()) throw std::runtime_error("there is no label " + id);
    if (!bare) label = "<securitylabel xmlns='urn:xmpp:sec-label:0'><label>" + label + "</label></securitylabel>";
    text.replace(open, close + 1 - open, label);
    open += label.size();
  }
  return text;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

std::vector<std::pair<std::string, std::string>> pairs(std::string text) {
  std::ranges::replace(text, ',', ' ');
  const std::vector<std::string> all = words(text);
  std::vector<std::pair<std::string, std::string>> found;
  for (std::size_t i = 0; i + 1 < all.size(); i += 2) found.emplace_back(all[i], all[i + 1]);
  return found;
}

/// YYYY-MM-DDTHH:MM in UTC.
std::chrono::sys_time<std::chrono::minutes> time(const std::string& text) {
  const auto number = [&](std::size_t at, std::size_t size) { return std::stoi(text.substr(at, size)); };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  return std::chrono::sys_days(day) + std::chrono::hours(number(11, 2)) + std::chrono::minutes(number(14, 2));
}

void set(Vector& vector, const std::string& key, const std::string& value) {
  if (key == "before") {
    vector.before.push_back(with_tokens(expand(value)));
  } else if (key == "open") {
    vector.open = std::stoul(words(value).at(0));
    vector.open_from = words(value).at(1);
  } else if (key == "in") {
    vector.in = with_labels(with_tokens(expand(value)));
  } else if (key == "out") {
    vector.out = value == "same" ? vector.in : with_lines(with_labels(with_tokens(expand(value))));
  } else if (key == "verdict") {
    vector.verdict = words(value).at(0);
    vector.reason = words(value).at(1);
  } else if (key == "findings") {
    vector.findings = words(value);
  } else if (key == "set") {
    const std::size_t space = value.find(' ');
    vector.settings.emplace_back(value.substr(0, space), value.substr(space + 1));
  } else if (key == "repeat") {
    vector.repeat = std::stoi(value);
  } else if (key == "earlier_in") {
    vector.earlier_in = value;
  } else if (key == "lang") {
    vector.lang = value;
  } else if (key == "session") {
    vector.session = value;
  } else if (key == "granted") {
    vector.granted = pairs(value);
  } else if (key == "policy") {
    vector.policy = value;
  } else if (key == "because") {
    vector.because = value;
  } else if (key == "rule") {
    vector.rule = value;
  } else if (key == "time") {
    vector.time = time(value);
  } else if (key == "enclaves") {
    vector.from_enclave = words(value).at(0);
    vector.to_enclave = words(value).at(1);
  } else {
    throw std::runtime_error("unknown key " + key);
  }
}

void read_file(const std::filesystem::path& path, std::vector<Vector>& out) {
  std::ifstream in(path);
  std::string line;
  Vector common;
  bool in_block = false;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line.starts_with("# ")) continue;
    if (line.starts_with("## ")) {
      out.push_back(common);
      in_block = true;
      out.back().file = path.filename().string();
      out.back().line = number;
      out.back().name = line.substr(3);
      continue;
    }
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos)
      throw std::runtime_error(path.string() + ":" + std::to_string(number) + ": not a line of a vector");
    set(in_block ? out.back() : common, line.substr(0, colon), line.substr(colon + 2));
  }
}

}  // namespace

std::vector<Vector> read_vectors() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder))
    if (entry.path().extension() == ".vec") files.push_back(entry.path());
  std::ranges::sort(files);
  std::vector<Vector> vectors;
  for (const auto& file : files) read_file(file, vectors);
  return vectors;
}

std::string vector_path(const std::string& name) {
  return kFolder / name;
}

std::string read_vector_file(const std::string& name) {
  std::ifstream in(kFolder / name);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace sallyport::policy::testing
