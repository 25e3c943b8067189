// The category syntaxes that ESS labels and clearances share: ACP-145, MISSI, SSLPrivileges (labels.md 3.2, 3.3, 4.1).
// For ess.cc and clearance.cc only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/label/ess.h"

namespace sallyport::policy::label {

struct Categories {
  std::vector<CatKey> values;
  std::vector<TagKey> empty;  ///< tags without a value
};

/// What the categories belong to.
struct CategoryHolder {
  const Oid& policy;
  std::optional<Lacv> classification;  ///< MISSI may repeat it as level
  bool is_clearance = false;
  const TagSetFacts& facts;
};

/// Reads the members of a SET OF SecurityCategory. The reader's own faults are Malformed.
std::expected<Categories, Misreading> read_categories(ber::Reader members, const CategoryHolder& holder);

/// The SET OF SecurityCategory, "" if there are none; nullopt as encode_ess().
std::optional<std::string> write_categories(const Categories& categories, CategorySyntax syntax,
                                            const CategoryHolder& holder);

}  // namespace sallyport::policy::label
