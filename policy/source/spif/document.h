// The XML of a SPIF as a tree. For the files of this folder only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inspect/mistake.h"

namespace sallyport::policy::source::spif {

inline constexpr std::size_t kDepth = 32;  ///< labels.md 15
inline constexpr std::size_t kMostElements = 2'000'000;

/// The namespace of SPIF 1.0 to 2.1.
inline constexpr std::string_view kNamespace = "http://www.xmlspif.org/spif";

enum class Space : std::uint8_t { Own, None, Foreign };

struct Element {
  Space space = Space::Own;
  std::string ns;    ///< of a foreign one
  std::string name;  ///< without prefix
  std::uint32_t line = 0;
  std::vector<std::pair<std::string, std::string>> attributes;  ///< those in no namespace
  std::string lang;                                             ///< xml:lang
  std::string text;
  std::vector<Element> children;  ///< of `extensions`: none
};

/// Reads a whole document: no DTD, no entity but the five of XML, nothing fetched.
std::expected<Element, inspect::Mistake> parse(std::string_view xml, const std::string& file);

}  // namespace sallyport::policy::source::spif
