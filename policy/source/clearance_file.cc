#include "policy/source/clearance_file.h"

#include <array>

#include "inspect/element.h"
#include "policy/label/ess.h"
#include "policy/label/stanag4774.h"
#include "policy/source/spif/document.h"

namespace sallyport::policy::source {
namespace {

/// Views into the element.
inspect::Node* tree_of(const spif::Element& element, inspect::TreeEditor& editor) {
  inspect::Node* node = editor.element(element.space == spif::Space::Own ? spif::kNamespace : element.ns, element.name);
  for (const auto& [name, value] : element.attributes) editor.set_attribute(*node, name, value);
  editor.append_text(*node, element.text);
  for (const spif::Element& child : element.children) editor.append(*node, *tree_of(child, editor));
  return node;
}

std::string_view in_words(label::Misreading misreading) {
  switch (misreading) {
    case label::Misreading::Malformed:
      return "it is malformed";
    case label::Misreading::UnknownFormat:
      return "its root is no clearance of STANAG 4774";
    case label::Misreading::UnknownCategorySyntax:
      return "its categories are in a syntax that is not known";
    case label::Misreading::UnknownPolicy:
      return "it is under another policy";
    case label::Misreading::PolicyConflict:
      return "the name and the identifier of its policy disagree";
    case label::Misreading::UnknownClassification:
      return "it has a class that the SPIF does not know";
    case label::Misreading::UnknownTagSet:
    case label::Misreading::UnknownCategory:
      return "it has a category that the SPIF does not know";
  }
  return "it can't be read";
}

}  // namespace

std::expected<label::Clearance, std::string> clearance_of(const SourceFile& file, const label::Policy& policy,
                                                          label::NameCase names) {
  const std::array<const label::Policy*, 1> policies = {&policy};
  const label::Lexicon lexicon(policies, names);
  std::expected<label::Clearance, label::Misreading> found;
  if (file.text.find_first_not_of(" \t\r\n") == file.text.find('<') && file.text.find('<') != std::string::npos) {
    const auto root = spif::parse(file.text, file.name);
    if (!root) return std::unexpected("line " + std::to_string(root.error().line) + ": " + root.error().what);
    inspect::Arena arena;
    inspect::TreeEditor editor(arena);
    found = label::decode_4774_clearance(*tree_of(*root, editor), lexicon);
  } else {
    constexpr char kSequence = 0x30;  // also '0', with which no base 64 of a SEQUENCE begins
    auto octets = file.text.starts_with(kSequence) ? file.text : label::octets_of_text(file.text);
    if (!octets) return std::unexpected("it is neither XML nor BER nor base 64");
    found = label::decode_clearance(*octets, label::ber::Rules::Ber, lexicon.facts());
  }
  if (!found) return std::unexpected(std::string(in_words(found.error())));
  return std::move(*found);
}

}  // namespace sallyport::policy::source
