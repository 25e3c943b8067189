// Whether a label is valid under its policy, and whether a clearance covers it (labels.md 5 and 6). Both answers stay
// the same for the span that Policy::steady() gives, so that a caller can keep them by label and clearance.
#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <vector>

#include "policy/label/options.h"
#include "policy/label/policy.h"
#include "policy/label/refusal.h"

namespace sallyport::policy::label {

/// A valid label, looked up in its policy. Numbers are those of the Policy that validated it and of no other.
struct Resolved {
  Number classification = 0;
  std::vector<CatNumber> categories;  ///< rising, that is in the order of the SPIF

  bool has(CatNumber category) const;
  /// Those of one tag: they stand together, as tags do in the SPIF.
  std::span<const CatNumber> of_tag(const Policy& policy, Number tag) const;
};

/// The first reason in the order of labels.md 5 if the label is not valid.
std::expected<Resolved, Refusal> validate(const Policy& policy, const Label& label, Time now, const Options& options);

/// Denies unless it says otherwise.
struct Decision {
  bool granted = false;
  Refusal refusal{.cause = Cause::NilClearance, .detail = {}};  ///< of a denial
};

/// The access control decision function of labels.md 6. No clearance (nullptr) covers nothing.
Decision decide(const Policy& policy, const Label& label, const Clearance* clearance, Time now, const Options& options);
/// The same for a label that is known to be valid: what several clearances on a path need.
Decision decide(const Policy& policy, const Resolved& label, const Clearance* clearance, const Options& options);

/// What a clearance holds that its policy does not know; it covers nothing (I6). For the record and for warnings.
struct UnknownInClearance {
  std::vector<Lacv> classes;
  std::vector<CatKey> categories;
  bool empty() const { return classes.empty() && categories.empty(); }
};
UnknownInClearance unknown_in(const Policy& policy, const Clearance& clearance);

}  // namespace sallyport::policy::label
