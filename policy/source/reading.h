// One run over a policy file, and the shape of the table of keys that it is read by.
#pragma once

#define TOML_EXCEPTIONS 0
#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "policy/source/source.h"

namespace sallyport::policy::source {

/// A value and where it stands.
struct Written {
  std::string text;
  toml::source_region at;
};

/// Collects the mistakes.
class Reading {
 public:
  explicit Reading(std::string file) : file_(std::move(file)) {}

  void mistake(const toml::source_region& at, std::string what, std::string remedy);
  void warning(const toml::source_region& at, std::string what, std::string remedy);
  /// The text of a string value; a mistake that says what was expected, and nullopt, for any other.
  std::optional<Written> text(const toml::node& node, std::string_view expected);
  /// A domain, prepared; a mistake and nullopt if it is none.
  std::optional<Written> domain(const toml::node& node);
  /// A word for records and command lines: letters, digits, '-', '_' and '.', at most 64.
  std::optional<Written> name(const toml::node& node);
  /// One line of text for people, at most 200 octets.
  std::optional<Written> title(const toml::node& node);
  /// Each element of a list of strings; a mistake for anything else.
  void each(const toml::node& node, std::string_view expected, const std::function<void(const toml::node&)>& take);

  /// What was found in a file that this one names.
  void add(std::vector<Mistake> mistakes, std::vector<Mistake> warnings);

  const std::string& file() const { return file_; }
  std::vector<Mistake>& mistakes() { return mistakes_; }
  std::vector<Mistake>& warnings() { return warnings_; }

 private:
  Mistake at_place(const toml::source_region& at, std::string what, std::string remedy) const;

  std::string file_;
  std::vector<Mistake> mistakes_, warnings_;
};

/// One key of the table that fills a T.
template <class T>
struct Key {
  std::string name, type;
  std::string fallback;  ///< the default as it would be written; "" if there is none
  std::string meaning;
  bool required = false;
  std::function<void(Reading&, const toml::node&, T&)> read;
};

template <class T>
struct Section {
  std::string title, meaning;
  std::vector<Key<T>> keys;
};

/// Reads one table. What is not in the section is a mistake, and so is a required key that is not there.
template <class T>
void read_section(Reading& in, const toml::table& table, const Section<T>& section, T& out) {
  std::vector<std::string_view> known;
  known.reserve(section.keys.size());
  for (const Key<T>& key : section.keys) known.emplace_back(key.name);
  for (const auto& [name, node] : table) {
    const auto key = std::ranges::find(section.keys, name.str(), &Key<T>::name);
    if (key != section.keys.end()) {
      key->read(in, node, out);
      continue;
    }
    const std::string_view meant = inspect::nearest(name.str(), known);
    in.mistake(name.source(), "unknown key '" + std::string(name.str()) + "' in " + section.title,
               meant.empty() ? "take it away; docs/reference/policy.md lists the keys"
                             : "did you mean '" + std::string(meant) + "'?");
  }
  for (const Key<T>& key : section.keys)
    if (key.required && !table.contains(key.name))
      in.mistake(table.source(), "'" + key.name + "' is missing in " + section.title, key.meaning);
}

}  // namespace sallyport::policy::source
