#include "proxy/config/reading.h"

namespace sallyport::config {

void Reading::mistake(const toml::source_region& at, std::string what, std::string remedy) {
  mistakes_.push_back({file_.string(), at.begin.line, at.begin.column, std::move(what), std::move(remedy)});
}

std::optional<std::string> Reading::text(const toml::node& node, std::string_view expected) {
  if (const auto* value = node.as_string()) return value->get();
  mistake(node, "a string is needed here", "write " + std::string(expected));
  return std::nullopt;
}

std::filesystem::path Reading::path(const std::string& text) const {
  const std::filesystem::path written(text);
  return (written.is_absolute() ? written : std::filesystem::absolute(file_).parent_path() / written)
      .lexically_normal();
}

void Reading::place(std::string_view key, const toml::node& node) {
  places_[full_name(key)] = {node.source().begin.line, node.source().begin.column};
}

}  // namespace sallyport::config
