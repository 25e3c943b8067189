// Labels of one policy as labels of another (labels.md 8), and one label for several parts (labels.md 9).
//
// Why a translation is safe:
// - Dropping a restrictive value opens data. Only an explicit `discard` of the table does it.
// - Dropping one of several permissive values closes data. Dropping the last one takes the constraint away, which opens
//   data to everybody: an error, even when the table says discard (I15). A permissive value that becomes an informative
//   one is dropped in this sense.
// - Adding a restrictive value closes; a permissive one closes where its tag was absent and opens where it was not. The
//   table's author may ask for the latter; the caller is told, and records it.
// - Informative values decide nothing; one without an equivalent is an error all the same, unless I29 says otherwise.
// - What cannot be translated is an error, and never passes as it was.
#pragma once

#include <expected>
#include <span>

#include "policy/label/decide.h"

namespace sallyport::policy::label {

/// One side of a translation. The policy may be absent where its SPIF is not loaded: then labels under it are neither
/// validated nor are required categories of it known, which only a table without such requirements survives.
struct Side {
  const Oid& id;
  const Policy* policy = nullptr;
  const Options& options;
};

struct Translation {
  Label label;           ///< settled; format Made; without privacy marks
  bool widened = false;  ///< a required category was added to a permissive tag that had others: to be recorded
};

/// By the SPIF of the label's own policy, for labels on their way out. `options` of `from` hold.
std::expected<Translation, Refusal> translate_forward(const Policy& from, const Options& options, const Side& to,
                                                      const Label& label, Time now);
/// By the local SPIF read backwards, for labels on their way in. `options` of `local` hold. The table's required
/// categories are not added backwards.
std::expected<Translation, Refusal> translate_reverse(const Side& from, const Policy& local, const Options& options,
                                                      const Label& label, Time now);

/// The label of the whole, all parts being labelled under this policy. Errors need a decision of policy: deny, or the
/// label that was configured for it.
std::expected<Label, Refusal> aggregate(const Policy& policy, std::span<const Label> parts, Time now,
                                        const Options& options);

}  // namespace sallyport::policy::label
