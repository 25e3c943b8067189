// The security policies that the label commands were given.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/bundle.h"
#include "policy/label_rules.h"

namespace sallyport::commands {

/// SPIF files, and those of one policy file, folder or bundle, with all that it says about labels.
class LabelPolicies {
 public:
  /// Says what is wrong on standard error and ends the command: with 1 for mistakes, 2 for what can't be read.
  LabelPolicies(const std::vector<std::filesystem::path>& paths, bool lenient_order);

  const policy::LabelRules& rules() const { return *rules_; }
  /// That of the officer, if one was given.
  const std::optional<policy::Bundle>& bundle() const { return bundle_; }
  /// By the name in the officer's file, that of the SPIF, or its identifier. Ends the command if there is none.
  std::uint16_t number_or_end(std::string_view name) const;
  /// The one policy that there is; ends the command, asking for `option`, if there are several.
  std::uint16_t only_or_end(std::string_view option) const;

 private:
  std::optional<policy::Bundle> bundle_;
  std::shared_ptr<const policy::LabelRules> rules_;
};

}  // namespace sallyport::commands
