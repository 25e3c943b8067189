#include "proxy/config/reference.h"

#include <vector>

#include "proxy/config/keys.h"

namespace sallyport::config {

namespace {

struct SectionText {
  std::string path, meaning;
  std::vector<KeyText> keys;
};

template <class T>
SectionText text_of(const Section<T>& section) {
  SectionText text{section.path, section.meaning, {}};
  for (const Key<T>& key : section.keys) text.keys.push_back(key.text);
  return text;
}

std::vector<SectionText> all_sections() {
  return {text_of(file_section()), text_of(guard_section()),    text_of(audit_section()),
          text_of(edge_section()), text_of(limits_section()),   text_of(client_limits_section()),
          text_of(face_section()), text_of(next_hop_section()), text_of(pin_section()),
          text_of(login_section())};
}

std::string title(const SectionText& section) {
  return section.path.empty() ? "Top of the file" : "[" + section.path + "]";
}

std::string type_and_limits(const KeyText& key) {
  return key.limits.empty() ? key.type : key.type + ": " + key.limits;
}

std::string default_text(const KeyText& key) {
  if (key.required) return "required";
  return key.fallback.empty() ? "none" : key.fallback;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '_' || c == '*' || c == '<' || c == '#' || c == '`') out += '\\';
    out += c;
  }
  return out;
}

std::string manual_list() {
  std::string out;
  for (const SectionText& section : all_sections()) {
    out += "## " + escaped(title(section)) + "\n\n" + escaped(section.meaning) + "\n\n";
    for (const KeyText& key : section.keys) {
      out += "*" + escaped(key.name) + "* (" + escaped(type_and_limits(key)) + "; " +
             (key.required ? "required" : "default " + escaped(default_text(key))) + ")\n\t" + escaped(key.meaning) +
             "\n\n";
    }
  }
  return out;
}

}  // namespace

std::string reference_page() {
  std::string out =
      "# Configuration reference\n\n"
      "Made from the table of keys in `proxy/config/keys.cc`; do not edit. `cmake --build build/release --target "
      "reference` writes it anew.\n\n"
      "The file is TOML. Unknown keys are errors. Relative paths are relative to the file. A duration is a number and "
      "its unit, `\"20s\"` (`ms`, `s`, `min`, `h`); a size is octets, `65536` or `\"64KiB\"` (`KiB`, `MiB`, `GiB`). "
      "Addresses are IPv4 or IPv6, with a port IPv6 stands in brackets. `sallyport check` tells all mistakes at "
      "once.\n";
  for (const SectionText& section : all_sections()) {
    out += "\n## " + title(section) + "\n\n" + section.meaning +
           "\n\n| key | type | default | meaning |\n|---|---|---|---|\n";
    for (const KeyText& key : section.keys) {
      const std::string fallback =
          key.required || key.fallback.empty() ? default_text(key) : "`" + default_text(key) + "`";
      out += "| `" + key.name + "` | " + type_and_limits(key) + " | " + fallback + " | " + key.meaning + " |\n";
    }
  }
  return out;
}

std::optional<std::string> with_manual_list(std::string_view page) {
  constexpr std::string_view kBegin = "\n; keys\n", kEnd = "\n; end of keys\n";
  const std::size_t begin = page.find(kBegin);
  const std::size_t end = page.find(kEnd);
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return std::nullopt;
  const std::string_view before = page.substr(0, begin + kBegin.size());
  return std::string(before) + "\n" + manual_list() + std::string(page.substr(end + 1));
}

}  // namespace sallyport::config
