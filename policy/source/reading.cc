#include "policy/source/reading.h"

#include <algorithm>

#include "inspect/jid.h"
#include "policy/identifier.h"

namespace sallyport::policy::source {

Mistake Reading::at_place(const toml::source_region& at, std::string what, std::string remedy) const {
  return {file_, at.begin.line, at.begin.column, std::move(what), std::move(remedy)};
}

void Reading::mistake(const toml::source_region& at, std::string what, std::string remedy) {
  mistakes_.push_back(at_place(at, std::move(what), std::move(remedy)));
}

void Reading::warning(const toml::source_region& at, std::string what, std::string remedy) {
  warnings_.push_back(at_place(at, std::move(what), std::move(remedy)));
}

void Reading::add(std::vector<Mistake> mistakes, std::vector<Mistake> warnings) {
  std::ranges::move(mistakes, std::back_inserter(mistakes_));
  std::ranges::move(warnings, std::back_inserter(warnings_));
}

std::optional<Written> Reading::text(const toml::node& node, std::string_view expected) {
  if (const auto* value = node.as_string()) return Written{value->get(), node.source()};
  mistake(node.source(), "a string is needed here", "write " + std::string(expected));
  return std::nullopt;
}

std::optional<Written> Reading::domain(const toml::node& node) {
  auto written = text(node, "a domain in quotes, like \"example.org\"");
  if (!written) return std::nullopt;
  auto prepared = inspect::Jid::prepare_domain(written->text);
  if (!prepared) {
    mistake(node.source(),
            "'" + written->text + "' is not a domain (" + std::string(inspect::name(prepared.error())) + ")",
            "write a domain as users see it, like \"example.org\"");
    return std::nullopt;
  }
  written->text = std::move(*prepared);
  return written;
}

std::optional<Written> Reading::name(const toml::node& node) {
  auto written = text(node, "a name in quotes");
  if (!written || is_identifier(written->text)) return written;
  mistake(node.source(), "'" + written->text + "' cannot be a name",
          "use at most 64 letters, digits, '-', '_' and '.'");
  return std::nullopt;
}

std::optional<Written> Reading::title(const toml::node& node) {
  auto written = text(node, "a name in quotes");
  if (!written) return std::nullopt;
  if (is_title(written->text)) return written;
  mistake(node.source(), "this cannot be a name", "write one line of at most 200 octets");
  return std::nullopt;
}

void Reading::each(const toml::node& node, std::string_view expected,
                   const std::function<void(const toml::node&)>& take) {
  const auto* list = node.as_array();
  if (!list) return mistake(node.source(), "a list is needed here", "write " + std::string(expected));
  // An empty list could be read as "all" or as "none"; so it is neither.
  if (list->empty()) mistake(node.source(), "the list is empty", "write " + std::string(expected));
  for (const toml::node& element : *list) take(element);
}

}  // namespace sallyport::policy::source
