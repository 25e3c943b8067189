// STANAG 4774 labels and clearances, and the STANAG 4778 binding around a label, from and to trees (labels.md 10). They
// say in names what ESS says in numbers, so that reading and writing need the policy. Reading is strict about what
// could restrict, and passes over what the schema leaves to anybody: unknown attributes, foreign elements beside the
// information. None of it is written again.
#pragma once

#include <expected>
#include <optional>
#include <vector>

#include "inspect/element.h"
#include "policy/label/date_time.h"
#include "policy/label/label.h"
#include "policy/label/lexicon.h"
#include "policy/label/misreading.h"

namespace sallyport::policy::label {

inline constexpr std::string_view kLabelNs = "urn:nato:stanag:4774:confidentialitymetadatalabel:1:0";
inline constexpr std::string_view kClearanceNs = "urn:nato:stanag:4774:confidentialityclearance:1:0";
inline constexpr std::string_view kBindingNs = "urn:nato:stanag:4778:bindinginformation:1:0";

/// What the root says the label is for. Legacy: ConfidentialityLabel.
enum class LabelRole : std::uint8_t { Originator, Alternative, Metadata, Legacy };

struct Stanag4774Label {
  Label label;
  LabelRole role = LabelRole::Originator;
  Seconds created{};
};

/// The successor of a label that has one is not looked at (I22).
std::expected<Stanag4774Label, Misreading> decode_4774(const inspect::Node& root, const Lexicon& lexicon);

/// Names and texts of the tree are views into `policy` and the arena. nullptr for what the format has no place for: no
/// class, several privacy marks, or what the policy has no name for; and if the policy does not admit the format.
inspect::Node* encode_4774(const Label& label, const Policy& policy, LabelRole role, Seconds created,
                           inspect::Arena& arena);

std::expected<Clearance, Misreading> decode_4774_clearance(const inspect::Node& root, const Lexicon& lexicon);
/// nullptr as above, and for a clearance without classes. What the policy has no name for is no part of a clearance.
inspect::Node* encode_4774_clearance(const Clearance& clearance, const Policy& policy, inspect::Arena& arena);

/// The labels of a BindingInformation: views into it. Its signatures are not evaluated (I23).
struct BoundLabels {
  const inspect::Node* originator = nullptr;
  std::vector<const inspect::Node*> alternatives;
};
/// nullopt unless there is one container with one binding, in which every Metadata holds labels only, exactly one of
/// them the originator's.
std::optional<BoundLabels> unbind_4778(const inspect::Node& binding);

}  // namespace sallyport::policy::label
