// XML of the samples as trees, by way of the parser and normal form, as in life.
#pragma once

#include <string>
#include <string_view>

#include "inspect/element.h"

namespace sallyport::policy::label::testing {

/// One XML document as a tree. What the parser refuses in a stream (declaration, comments) is taken out first. Throws
/// std::runtime_error for what is left and cannot be read.
class Tree {
 public:
  explicit Tree(const std::string& xml);
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  inspect::Node& root() { return *root_; }
  const inspect::Node& root() const { return *root_; }
  inspect::Arena& arena() { return arena_; }

 private:
  std::string octets_;
  inspect::Arena arena_;
  inspect::Node* root_ = nullptr;
};

/// The canonical XML of a tree.
std::string written(const inspect::Node& node);
/// The same without the white space that stands between elements only.
std::string written_densely(inspect::Node& node);

}  // namespace sallyport::policy::label::testing
