// A label by the names of its policy: for records and for people.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/label/label.h"
#include "policy/label/policy.h"

namespace sallyport::policy::label {

struct NamedValue {
  std::string tag, value;  ///< value: "" of a tag that is there without one
  std::string oid;         ///< of the tag set
  TagKind kind{};
  std::optional<Lacv> lacv;
};

/// In the order of the SPIF; what the policy does not know comes last, as numbers. `policy` may be nullptr.
std::vector<NamedValue> values_of(const Policy* policy, const Label& label);

/// "" if the label has none, or the policy does not know it.
std::string class_name(const Policy* policy, const Label& label);

/// "SECRET + Releasable To:UK"; numbers where there are no names.
std::string names_of(const Policy* policy, const Label& label);

}  // namespace sallyport::policy::label
