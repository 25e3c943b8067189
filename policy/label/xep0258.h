// XEP-0258: the securitylabel element, and which formats a label may have in it (labels.md 11.1, 10.7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <vector>

#include "inspect/element.h"
#include "policy/label/stanag4774.h"

namespace sallyport::policy::label {

inline constexpr std::string_view kSecLabelNs = "urn:xmpp:sec-label:0";
inline constexpr std::string_view kEssNs = "urn:xmpp:sec-label:ess:0";
inline constexpr std::string_view kCatalogNs = "urn:xmpp:sec-label:catalog:2";
inline constexpr std::size_t kMostEquivalents = 8;  ///< labels.md 15

/// How a label is shown. Views.
struct DisplayMarking {
  std::string_view text;
  std::string_view foreground = {}, background = {};  ///< "" if not given: black on white
};
/// `#RRGGBB`, or one of the seventeen names.
bool is_display_colour(std::string_view text);

/// The parts of a securitylabel; views into it.
struct SecurityLabel {
  std::optional<DisplayMarking> marking;
  const inspect::Node* label = nullptr;  ///< the element inside <label/>; nullptr asks for the default label
  std::vector<const inspect::Node*> equivalents;
};
/// nullopt if it is against the protocol: not exactly one label, two markings, elements or text that have no place
/// there, an equivalent without its one element, more than kMostEquivalents. The order does not matter. Attributes are
/// passed over.
std::optional<SecurityLabel> read_security_label(const inspect::Node& element);

/// What stood in a label or equivalentlabel.
struct ReadLabel {
  Label label;
  Seconds created{};                ///< STANAG 4774 only
  std::vector<Label> alternatives;  ///< of a STANAG 4778 binding
};
/// ESS, a STANAG 4774 label (not of metadata), or one in a STANAG 4778 binding. Alternatives that cannot be read are
/// left out.
std::expected<ReadLabel, Misreading> decode_label(const inspect::Node& element, const Lexicon& lexicon,
                                                  ber::Rules rules);

/// In `format`, which is not Made: the element that stands inside a label or equivalentlabel. nullptr if the format has
/// no place for it. `created` is for STANAG 4774.
inspect::Node* encode_label(const Label& label, Format format, LabelRole role, Seconds created, const Policy& policy,
                            const Lexicon& lexicon, inspect::Arena& arena);

/// A securitylabel of these parts, in the order of the schema. What is given must not stand elsewhere.
inspect::Node* write_security_label(const std::optional<DisplayMarking>& marking, inspect::Node* label,
                                    const std::vector<inspect::Node*>& equivalents, inspect::Arena& arena);

/// Equal in every name, attribute and text.
bool same_tree(const inspect::Node& one, const inspect::Node& other);

}  // namespace sallyport::policy::label
