// Clearances of STANAG 4774 (labels.md 10.5).
#include "policy/label/stanag4774_parts.h"

namespace sallyport::policy::label {
namespace {

using inspect::Node;

std::optional<Misreading> read_classes(const Node& list, const Policy& policy, NameCase names, Clearance& clearance) {
  const ElementsOf elements(list);
  if (!elements.is_clean() || elements.begin() == elements.end()) return Misreading::Malformed;
  for (const Node* child : elements) {
    const std::string name = child->is(kLabelNs, "Classification") ? token(*child) : std::string();
    if (name.empty()) return Misreading::Malformed;
    const auto number = policy.class_named(name, names);
    if (!number) return Misreading::UnknownClassification;
    clearance.classes.push_back(policy.class_at(*number).lacv);
  }
  return std::nullopt;
}

}  // namespace

std::expected<Clearance, Misreading> decode_4774_clearance(const Node& root, const Lexicon& lexicon) {
  if (!root.is(kClearanceNs, "ConfidentialityClearance")) return std::unexpected(Misreading::UnknownFormat);
  const ElementsOf elements(root);
  if (!elements.is_clean()) return std::unexpected(Misreading::Malformed);
  Clearance clearance;
  const Policy* policy = nullptr;
  bool any_class = false;
  for (const Node* child : elements) {
    std::optional<Misreading> misreading;
    if (!policy) {
      if (!child->is(kLabelNs, "PolicyIdentifier")) return std::unexpected(Misreading::Malformed);
      const auto named = read_policy_identifier(*child, lexicon);
      if (!named) return std::unexpected(named.error());
      policy = *named;
      clearance.policy = policy->id();
    } else if (!any_class) {
      if (!child->is(kClearanceNs, "ClassificationList")) return std::unexpected(Misreading::Malformed);
      misreading = read_classes(*child, *policy, lexicon.names(), clearance);
      any_class = true;
    } else if (child->is(kLabelNs, "Category")) {
      std::vector<TagKey> empty;
      CategorySink sink{*policy, lexicon.names(), clearance.categories, empty};
      misreading = read_category(*child, sink);
    } else if (!child->is(kClearanceNs, "ConfidentialityClearanceExtensions")) {
      misreading = Misreading::Malformed;
    }
    if (misreading) return std::unexpected(*misreading);
  }
  if (!any_class) return std::unexpected(Misreading::Malformed);
  clearance.settle();
  return clearance;
}

Node* encode_4774_clearance(const Clearance& clearance, const Policy& policy, inspect::Arena& arena) {
  if (clearance.policy != policy.id() || !policy.admits(Format::Stanag4774)) return nullptr;
  inspect::TreeEditor editor(arena);
  Node* root = editor.element(kClearanceNs, "ConfidentialityClearance");
  write_policy_identifier(*root, policy, arena);
  Node* list = editor.append(*root, kClearanceNs, "ClassificationList");
  for (const Class& each : policy.spif().classes)
    if (clearance.has_class(each.lacv)) add_text_element(*list, "Classification", each.name, arena);
  std::vector<CatKey> known;
  for (const CatKey& key : clearance.categories)
    if (policy.category_number(key)) known.push_back(key);
  if (!list->first_child || !write_categories(*root, known, policy, arena)) return nullptr;
  return root;
}

}  // namespace sallyport::policy::label
