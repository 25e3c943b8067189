#include "policy/label/stanag4774.h"

#include <array>
#include <utility>

#include "inspect/utf8.h"
#include "policy/label/stanag4774_parts.h"

namespace sallyport::policy::label {
namespace {

using inspect::Node;

constexpr std::size_t kLongestMark = 1'024;  // octets
constexpr std::array<std::string_view, 4> kRoots = {"originatorConfidentialityLabel", "alternativeConfidentialityLabel",
                                                    "metadataConfidentialityLabel", "ConfidentialityLabel"};

std::optional<LabelRole> role_of(const Node& root) {
  for (std::size_t i = 0; i < kRoots.size(); ++i)
    if (root.is(kLabelNs, kRoots[i])) return static_cast<LabelRole>(i);
  return std::nullopt;
}

/// PolicyIdentifier, Classification, PrivacyMark?, Category*, in this order.
class InformationReader {
 public:
  InformationReader(const Node& information, const Lexicon& lexicon) : elements_(information), lexicon_(lexicon) {}

  std::expected<Label, Misreading> run() {
    if (!elements_.is_clean()) return std::unexpected(Misreading::Malformed);
    label_.format = Format::Stanag4774;
    for (const Node* child : elements_)
      if (const auto misreading = take(*child)) return std::unexpected(*misreading);
    if (!label_.classification) return std::unexpected(Misreading::Malformed);
    label_.settle();
    return std::move(label_);
  }

 private:
  std::optional<Misreading> take(const Node& child) {
    if (!policy_) return child.is(kLabelNs, "PolicyIdentifier") ? take_policy(child) : Misreading::Malformed;
    if (!label_.classification) return child.is(kLabelNs, "Classification") ? take_class(child) : Misreading::Malformed;
    if (child.is(kLabelNs, "PrivacyMark") && label_.privacy_marks.empty() && !any_category_) return take_mark(child);
    // I20: whatever else stands here may be meant to restrict.
    if (!child.is(kLabelNs, "Category")) return Misreading::Malformed;
    any_category_ = true;
    CategorySink sink{*policy_, lexicon_.names(), label_.categories, label_.empty};
    return read_category(child, sink);
  }

  std::optional<Misreading> take_policy(const Node& child) {
    const auto policy = read_policy_identifier(child, lexicon_);
    if (!policy) return policy.error();
    policy_ = *policy;
    label_.policy = policy_->id();
    return std::nullopt;
  }

  std::optional<Misreading> take_class(const Node& child) {
    const std::string name = token(child);
    if (name.empty()) return Misreading::Malformed;
    const auto number = policy_->class_named(name, lexicon_.names());
    if (!number) return Misreading::UnknownClassification;
    label_.classification = policy_->class_at(*number).lacv;
    return std::nullopt;
  }

  std::optional<Misreading> take_mark(const Node& child) {
    std::string mark = token(child);
    if (mark.empty() || mark.size() > kLongestMark) return Misreading::Malformed;
    label_.privacy_marks.push_back(std::move(mark));
    return std::nullopt;
  }

  ElementsOf elements_;
  const Lexicon& lexicon_;
  const Policy* policy_ = nullptr;
  bool any_category_ = false;
  Label label_;
};

/// All Metadata of one binding; false for what cannot be understood as labels.
bool add_metadata(const Node& metadata, BoundLabels& found) {
  const ElementsOf elements(metadata);
  for (const Node* label : elements) {
    const auto role = role_of(*label);
    if (role == LabelRole::Originator && !found.originator)
      found.originator = label;
    else if (role == LabelRole::Alternative)
      found.alternatives.push_back(label);
    else
      return false;
  }
  return elements.is_clean();
}

bool read_binding(const Node& binding, BoundLabels& found) {
  const ElementsOf elements(binding);
  for (const Node* part : elements) {
    if (part->is(kBindingNs, "Data") || part->is(kBindingNs, "DataReference")) continue;
    if (!part->is(kBindingNs, "Metadata") || !add_metadata(*part, found)) return false;
  }
  return elements.is_clean();
}

/// The one element of that name; nullptr if there is none or more than one, or another one beside signatures.
const Node* only_child(const Node& parent, std::string_view name) {
  constexpr std::string_view kSignatureNs = "http://www.w3.org/2000/09/xmldsig#";
  const ElementsOf elements(parent);
  const Node* found = nullptr;
  for (const Node* child : elements) {
    if (child->is(kSignatureNs, "Signature")) continue;
    if (found || !child->is(kBindingNs, name)) return nullptr;
    found = child;
  }
  return elements.is_clean() ? found : nullptr;
}

}  // namespace

std::expected<Stanag4774Label, Misreading> decode_4774(const Node& root, const Lexicon& lexicon) {
  const auto role = role_of(root);
  if (!role) return std::unexpected(Misreading::UnknownFormat);
  const Node* information = nullptr;
  const Node* created = nullptr;
  const ElementsOf elements(root);
  bool good = elements.is_clean();
  for (const Node* child : elements) {
    if (child->ns != kLabelNs) continue;
    if (child->name == "ConfidentialityInformation")
      good = !std::exchange(information, child) && good;
    else if (child->name == "CreationDateTime")
      good = !std::exchange(created, child) && good;
    else
      good = good && (child->name == "OriginatorID" || child->name == "SuccessionHandling");
  }
  if (!good || !information || !created) return std::unexpected(Misreading::Malformed);
  const auto time = read_date_time(token(*created));
  if (!time) return std::unexpected(Misreading::Malformed);
  auto label = InformationReader(*information, lexicon).run();
  if (!label) return std::unexpected(label.error());
  return Stanag4774Label{std::move(*label), *role, *time};
}

Node* encode_4774(const Label& label, const Policy& policy, LabelRole role, Seconds created, inspect::Arena& arena) {
  const auto number = label.classification ? policy.class_number(*label.classification) : std::nullopt;
  const bool has_a_place = number && label.policy == policy.id() && label.empty.empty() &&
                           label.privacy_marks.size() <= 1 && policy.admits(Format::Stanag4774);
  if (!has_a_place) return nullptr;
  inspect::TreeEditor editor(arena);
  Node* root = editor.element(kLabelNs, kRoots[static_cast<std::size_t>(role)]);
  Node* information = editor.append(*root, kLabelNs, "ConfidentialityInformation");
  write_policy_identifier(*information, policy, arena);
  add_text_element(*information, "Classification", policy.class_at(*number).name, arena);
  for (const std::string& mark : label.privacy_marks) {
    if (mark.empty() || mark.size() > kLongestMark || !inspect::is_clean_text(mark)) return nullptr;
    add_text_element(*information, "PrivacyMark", arena.copy(mark), arena);
  }
  if (!write_categories(*information, label.categories, policy, arena)) return nullptr;
  add_text_element(*root, "CreationDateTime", arena.copy(write_date_time(created)), arena);
  return root;
}

std::optional<BoundLabels> unbind_4778(const Node& binding) {
  if (!binding.is(kBindingNs, "BindingInformation")) return std::nullopt;
  const Node* container = only_child(binding, "MetadataBindingContainer");
  const Node* one = container ? only_child(*container, "MetadataBinding") : nullptr;
  BoundLabels found;
  if (!one || !read_binding(*one, found) || !found.originator) return std::nullopt;
  return found;
}

}  // namespace sallyport::policy::label
