// One run over a configuration file: collects its mistakes and remembers where each key stands.
#pragma once

#define TOML_EXCEPTIONS 0
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <toml++/toml.h>

#include "proxy/config/load.h"

namespace sallyport::config {

class Reading {
 public:
  explicit Reading(std::filesystem::path file) : file_(std::move(file)) {}

  void mistake(const toml::source_region& at, std::string what, std::string remedy);
  void mistake(const toml::node& at, std::string what, std::string remedy) {
    mistake(at.source(), std::move(what), std::move(remedy));
  }

  /// The text of a string value; a mistake that says what was expected, and nullopt, for any other.
  std::optional<std::string> text(const toml::node& node, std::string_view expected);
  /// Relative to the folder of the file.
  std::filesystem::path path(const std::string& text) const;

  /// The full name of a key in the table being read.
  std::string full_name(std::string_view key) const {
    return table_.empty() ? std::string(key) : table_ + "." + std::string(key);
  }
  void enter(std::string table) { table_ = std::move(table); }
  const std::string& table() const { return table_; }
  void place(std::string_view key, const toml::node& node);

  std::vector<Mistake>& mistakes() { return mistakes_; }
  std::map<std::string, Place, std::less<>>& places() { return places_; }

 private:
  std::filesystem::path file_;
  std::string table_;
  std::vector<Mistake> mistakes_;
  std::map<std::string, Place, std::less<>> places_;
};

}  // namespace sallyport::config
