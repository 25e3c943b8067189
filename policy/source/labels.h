// What the policy file says about labels: security policies (SPIF files), labels, clearances, translations, and who has
// which. One part of the table of keys.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/bundle.h"
#include "policy/label_tables.h"
#include "policy/rule.h"
#include "policy/source/reading.h"

namespace sallyport::policy::source {

struct LabelPolicyText {
  Written name;  ///< NAME of [label_policy.NAME]
  Written file;  ///< of the SPIF
  bool lenient_order = false;
  std::optional<Written> absent_class;
  LabelPolicy row;  ///< what needs no looking up
};

struct NamedLabelText {
  Written name, policy, classification;
  std::vector<Written> categories;
};

struct ClearanceText {
  Written name, policy;
  std::vector<Written> classes, categories;
  std::optional<Written> file;
};

struct TranslationText {
  toml::source_region at;
  Written from, to;
  bool reverse = false;
};

/// [enclave.NAME.labels]
struct EnclaveLabelsText {
  std::optional<Written> policy, label;
  std::vector<Written> clearances, first_lines;
  LabelCarrier carrier = LabelCarrier::Element;
};

struct HolderText {
  Written address;
  std::vector<Written> clearances;
  std::optional<Written> label;
  std::optional<LabelCarrier> carrier;
};

/// [peering.labels]
struct PeeringLabelsText {
  PeeringLabels row;
  std::vector<Written> only;
};

/// One entry of a rule's `label`.
struct LabelMatchText {
  toml::source_region at;
  bool none = false;
  Written policy;
  std::vector<Written> classes, any_of, all_of, none_of;
  std::optional<Written> at_least, at_most;
};

struct LabelsText {
  label::NameCase names = label::NameCase::Ignore;
  bool der_only = false;
  std::vector<LabelPolicyText> policies;
  std::vector<NamedLabelText> labels;
  std::vector<ClearanceText> clearances;
  std::vector<TranslationText> translations;
  std::vector<HolderText> holders;
};

Section<LabelsText> labels_section();
Section<LabelPolicyText> label_policy_section();
Section<NamedLabelText> label_section();
Section<ClearanceText> clearance_section();
Section<TranslationText> label_translation_section();
Section<HolderText> label_holder_section();
Section<EnclaveLabelsText> enclave_labels_section();
Section<PeeringLabelsText> peering_labels_section();
Section<LabelMatchText> label_match_section();
/// An entry of a rule's `label`: "none", or a table of label_match_section().
void read_label_match(Reading& in, const toml::node& node, std::vector<LabelMatchText>& out);
/// The keys of the file as a whole: [labels], [label_policy.NAME] and so on.
std::vector<Key<LabelsText>> label_keys();

struct PolicyText;

/// What the rules of the text ask of labels, in their order.
using RuleLabels = std::vector<std::optional<std::vector<LabelMatch>>>;

/// Reads the SPIFs and fills what the tables say about labels. Enclaves and peerings stand in the tables already, the
/// peerings in the order of the text.
RuleLabels compile_labels(Reading& in, const PolicyText& text, const ReadFile& read, Tables& tables);

/// Warns of labels that nothing can let cross: classes that clearances grant and no rule releases; labels of the file,
/// those that a peering lists, and those that stand for what has none. Of all times. The bundle is that of the text.
void check_labels(Reading& in, const PolicyText& text, const Bundle& bundle);

}  // namespace sallyport::policy::source
