#include "policy/label/refusal.h"

#include <array>
#include <cstddef>

namespace sallyport::policy::label {

std::string_view name(Cause cause) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(kLastCause) + 1> kNames = {
      "policy",
      "spif-validity",
      "no-classification",
      "unknown-classification",
      "obsolete-classification",
      "empty-category",
      "unknown-tagset",
      "unknown-category",
      "class-required-category",
      "obsolete-category",
      "category-validity",
      "required-class",
      "excluded-class",
      "required-category",
      "excluded-category",
      "single-selection",
      "max-selection",
      "min-selection",
      "privacy-mark-count",
      "privacy-mark",
      "unknown-in-clearance",
      "nil-clearance",
      "clearance-policy",
      "classification",
      "restrictive",
      "permissive",
      "category",
      "ambiguous",
      "permissive-emptied",
      "ambiguous-required",
      "permissive-conflict",
      "source-invalid",
      "result-invalid",
  };
  return kNames[static_cast<std::size_t>(cause)];
}

std::string Refusal::text() const {
  std::string text(name(cause));
  if (!detail.empty()) text += ':' + detail;
  return text;
}

}  // namespace sallyport::policy::label
