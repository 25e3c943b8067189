// Labels for people and programs: described, and written in a format.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>

#include "inspect/element.h"
#include "proxy/main/commands/label_input.h"

namespace sallyport::commands {

/// What is written. XEP-0258 holds one of the others that have an element.
enum class LabelForm : std::uint8_t { Ess, EssBinary, Missi, MissiBinary, Stanag4774, Xep0258, Marking };
/// By the words of the command line.
const std::map<std::string, LabelForm>& label_forms();

/// How a label is shown; "" where it has no marking.
struct Shown {
  std::string validity;  ///< "valid", or why not: "restrictive:Projects"; "" if its policy is not at hand
  std::string marking, background, foreground;
  bool is_valid() const { return validity == "valid"; }
};
Shown shown(const FoundLabel& found, const policy::LabelRules& rules, const LabelView& view);

/// Several lines, and one object.
std::string plain_of(const FoundLabel& found, const policy::LabelRules& rules, const LabelView& view);
std::string json_of(const FoundLabel& found, const policy::LabelRules& rules, const LabelView& view);

struct LabelWriting {
  LabelForm form = LabelForm::Xep0258;
  std::optional<policy::label::Format> inner;  ///< in XEP-0258; else the first that the policy admits
};
/// Octets or text without a newline at its end; why not, in words. The label is valid under its policy.
std::expected<std::string, std::string> write_label(const FoundLabel& found, const LabelWriting& how,
                                                    const policy::LabelRules& rules, const LabelView& view);
/// The securitylabel element; nullptr if the format has no place for the label.
inspect::Node* security_label(const FoundLabel& found, const LabelWriting& how, const policy::LabelRules& rules,
                              const LabelView& view, inspect::Arena& arena);

}  // namespace sallyport::commands
