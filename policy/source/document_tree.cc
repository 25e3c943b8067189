#include "policy/source/document_tree.h"

#include <utility>

#include "policy/source/spif/document.h"

namespace sallyport::policy::source {
namespace {

class TreeMaker {
 public:
  TreeMaker(inspect::Arena& arena, DocumentTree& made) : arena_(arena), editor_(arena), made_(made) {}

  inspect::Node* run(const spif::Element& element) {
    const std::string_view ns = element.space == spif::Space::Own ? spif::kNamespace : std::string_view(element.ns);
    inspect::Node* node = editor_.element(arena_.copy(ns), arena_.copy(element.name));
    for (const auto& [name, value] : element.attributes)
      editor_.set_attribute(*node, arena_.copy(name), arena_.copy(value));
    editor_.append_text(*node, arena_.copy(element.text));
    for (const spif::Element& child : element.children) editor_.append(*node, *run(child));
    made_.lines[node] = element.line;
    return node;
  }

 private:
  inspect::Arena& arena_;
  inspect::TreeEditor editor_;
  DocumentTree& made_;
};

}  // namespace

std::expected<DocumentTree, inspect::Mistake> read_document(std::string_view xml, const std::string& file,
                                                            inspect::Arena& arena) {
  const auto root = spif::parse(xml, file);
  if (!root) return std::unexpected(root.error());
  DocumentTree made;
  made.root = TreeMaker(arena, made).run(*root);
  return made;
}

}  // namespace sallyport::policy::source
