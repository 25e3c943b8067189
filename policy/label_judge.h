// What a label comes to on its way from one enclave to another (labels.md 11.3, 14). For the label stage only; its
// results are kept in the LabelCache.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/element.h"
#include "policy/bundle.h"
#include "policy/label/decide.h"
#include "policy/label_rules.h"
#include "policy/verdict.h"

namespace sallyport::policy {

/// A valid label as one side of the boundary sees it.
struct LabelSide {
  std::uint16_t policy = 0;  ///< number in LabelRules
  label::Label label;
  label::Resolved resolved;
};

/// Which way a label goes; numbers are those of the bundle's tables.
struct LabelWay {
  std::uint16_t from_enclave = 0, to_enclave = 0, peering = 0;
};

/// Where a label is judged first: an element that came, or one of the bundle's labels.
struct LabelOrigin {
  const inspect::Node* element = nullptr;  ///< a securitylabel
  std::uint16_t named = 0;                 ///< without element
};

/// What a label comes to before any clearance is asked. Immutable, but for the answers that it gathers.
struct JudgedLabel {
  std::optional<Reason> objection;
  std::string detail;       ///< of the objection, for the record: "restrictive:Projects"
  bool is_default = false;  ///< the element asks for the default label; nothing else here is set

  LabelSide source;                     ///< under the policy of the side that it comes from
  std::optional<LabelSide> translated;  ///< under that of the other side, if that is another one
  const LabelSide& destination() const { return translated ? *translated : source; }

  // For the record: "ACME (version 3): SECRET + Releasable To:UK".
  std::string text_in, text_out;  ///< as it came, and as the other side sees it; "" as far as it was not understood
  std::string marking_in;         ///< that was written beside it, whatever it says

  std::string marking;  ///< in the language and at the place of the destination's policy; for the record, too
  std::string first_line;
  bool unchanged = false;  ///< what leaves is what came
  std::string written;     ///< normal form of the securitylabel that leaves
  Findings findings;       ///< what is different about it
  label::SteadySpan holds;

  /// By number of the clearance, and for each side: not asked, granted, denied.
  enum class Answer : std::uint8_t { Open, Granted, Denied };
  mutable std::vector<Answer> source_answers, destination_answers;
};

/// How much of a label is asked: what it means on both sides; or also how it is shown and written there.
enum class LabelDepth : std::uint8_t { Meaning, Whole };

/// Reads the label, finds out what it means on both sides, and how it is to be written.
std::shared_ptr<const JudgedLabel> judge_label(const LabelRules& rules, const PeeringLabels& peering,
                                               const LabelWay& way, const LabelOrigin& origin, label::Time now,
                                               LabelDepth depth = LabelDepth::Whole);

/// Why `clearance` does not cover the label on that side; nullopt if it does. Kept in the label.
std::optional<label::Refusal> refused_by(const LabelRules& rules, const JudgedLabel& judged, bool at_destination,
                                         std::uint16_t clearance);

/// A label for the record: its policy with the version, and its names.
std::string text_of(const LabelRules& rules, const label::Label& label);

/// The reason code for a cause, outside translations.
Reason reason_of(label::Cause cause);

}  // namespace sallyport::policy
