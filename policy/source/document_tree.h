// An XML document as the tree that labels and clearances are read from.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>

#include "inspect/element.h"
#include "inspect/mistake.h"

namespace sallyport::policy::source {

struct DocumentTree {
  const inspect::Node* root = nullptr;
  std::map<const inspect::Node*, std::uint32_t> lines;  ///< of every element
};

/// Reads a whole document into the arena: declaration and comments may be there, a DTD may not. Attributes of other
/// namespaces are left out; where text and elements stand together, the text comes first. `file` is the name that a
/// mistake is reported under.
std::expected<DocumentTree, inspect::Mistake> read_document(std::string_view xml, const std::string& file,
                                                            inspect::Arena& arena);

}  // namespace sallyport::policy::source
