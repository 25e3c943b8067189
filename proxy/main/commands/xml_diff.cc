#include "proxy/main/commands/xml_diff.h"

#include <algorithm>
#include <cstdint>

#include "inspect/names.h"
#include "inspect/serializer.h"

namespace sallyport::commands {

namespace {

constexpr std::size_t kMostCells = 16'000'000;  // of the table below; beyond it nothing is matched

std::string text_of(const inspect::Node& element) {
  std::string out;
  inspect::serialize(element, inspect::ns::kServer, out);
  return out;
}

void add_lines(const inspect::Node& element, std::size_t depth, std::vector<std::string>& lines) {
  const std::string indent(2 * depth, ' ');
  if (!element.has_child_elements()) {
    lines.push_back(indent + text_of(element));
    return;
  }
  inspect::Node alone = element;
  alone.first_child = nullptr;
  std::string tag = text_of(alone);  // ends with "/>"
  lines.push_back(indent + tag.replace(tag.size() - 2, 2, ">"));
  for (const inspect::Node& child : element.children()) {
    if (!child.is_text()) {
      add_lines(child, depth + 1, lines);
      continue;
    }
    std::string text = indent;
    text.append("  ");
    inspect::escape_text(child.text, text);
    lines.push_back(std::move(text));
  }
  lines.push_back(indent + "</" + std::string(element.name) + ">");
}

}  // namespace

std::vector<std::string> lines_of(const inspect::Node& stanza) {
  std::vector<std::string> lines;
  add_lines(stanza, 0, lines);
  return lines;
}

std::vector<std::string> diff(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  const std::size_t rows = before.size(), columns = after.size();
  std::vector<std::string> out;
  // common[i][j]: the most lines that before from i and after from j have in common, in order.
  std::vector<std::uint32_t> common;
  const bool matched = (rows + 1) * (columns + 1) <= kMostCells;
  if (matched) common.resize((rows + 1) * (columns + 1));
  const auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t& { return common[i * (columns + 1) + j]; };
  if (matched)
    for (std::size_t i = rows; i-- > 0;)
      for (std::size_t j = columns; j-- > 0;)
        at(i, j) = before[i] == after[j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
  std::size_t i = 0, j = 0;
  while (i < rows || j < columns) {
    if (matched && i < rows && j < columns && before[i] == after[j]) {
      out.push_back("  " + before[i++]);
      ++j;
    } else if (i < rows && (!matched || j == columns || at(i + 1, j) >= at(i, j + 1))) {
      out.push_back("- " + before[i++]);
    } else {
      out.push_back("+ " + after[j++]);
    }
  }
  return out;
}

}  // namespace sallyport::commands
