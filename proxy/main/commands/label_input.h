// Labels as people have them: in files of any format that carries one.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/label/stanag4774.h"
#include "policy/label/xep0258.h"
#include "proxy/main/commands/label_policies.h"

namespace sallyport::commands {

/// A label, and how it was found.
struct FoundLabel {
  std::string where;     ///< "file.xml:3"
  std::string encoding;  ///< "ESS, DER in base 64"; for people
  std::string role;      ///< "label", "equivalent", "alternative"
  policy::label::ReadLabel read;
  std::optional<std::uint16_t> policy;   ///< number of its policy, if that is at hand
  std::optional<std::string> displayed;  ///< the marking written beside it
};

/// The number of the label's policy. Ends the command with 2 if the policy is not at hand.
std::uint16_t policy_of_or_end(const FoundLabel& found);

/// Where and when markings are made and labels are judged, unless the policy says otherwise.
struct LabelView {
  std::optional<policy::label::Place> place;
  std::optional<std::string> lang;
  policy::label::Time now{};
};

/// Every label in a file: XML with labels of XEP-0258, ESS, STANAG 4774 or STANAG 4778 anywhere in it, one ESS label in
/// BER or its base 64. Ends the command if there is none, or one that can't be read: with 1, with file and line.
std::vector<FoundLabel> read_labels_or_end(const std::filesystem::path& file, const LabelPolicies& policies);

/// The one label that a marking stands for. Ends the command with 1 if there is none, or if there are several.
FoundLabel label_of_marking_or_end(std::string_view marking, std::uint16_t policy, const LabelPolicies& policies,
                                   const LabelView& view);

}  // namespace sallyport::commands
