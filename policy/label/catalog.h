// XEP-0258 catalogs, cut to what may cross (labels.md 11.7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "inspect/element.h"
#include "policy/label/label.h"

namespace sallyport::policy::label {

inline constexpr std::size_t kMostCatalogItems = 1'024;  ///< labels.md 15

/// An item that stays.
struct CatalogItem {
  Label label;                             ///< what it means, to find what is offered twice
  inspect::Node* securitylabel = nullptr;  ///< what is written in place of the one that was read
};
/// What becomes of an item with a label; nullopt takes it out.
using JudgeItem = std::function<std::optional<CatalogItem>(const inspect::Node& securitylabel)>;

struct CatalogRules {
  bool unlabelled = false;  ///< whether the item that offers "no label" stays
  bool restrict = true;     ///< whether the catalog is written with restrict="true"
};

enum class CatalogOutcome : std::uint8_t { Unchanged, Changed, Malformed };

/// Cuts the catalog in place and writes it anew: known attributes and items only. Malformed, and then of no use: no
/// catalog:2, text between the items, more than kMostCatalogItems, an item with anything but one securitylabel inside.
CatalogOutcome filter_catalog(inspect::Node& catalog, const CatalogRules& rules, const JudgeItem& judge,
                              inspect::Arena& arena);

}  // namespace sallyport::policy::label
