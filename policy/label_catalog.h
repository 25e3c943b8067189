// Label catalogs as the label stage cuts them (labels.md 11.7), for whoever asks without a stanza.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "inspect/element.h"
#include "policy/bundle.h"
#include "policy/label/catalog.h"
#include "policy/moment.h"
#include "policy/pipeline.h"
#include "policy/verdict.h"

namespace sallyport::policy {

/// What became of an item that has a label.
struct CatalogItemJudged {
  std::optional<Reason> objection;  ///< why it is left out; nullopt if it stays, or repeats one that stays
  std::string detail;               ///< of the objection, for people
};

struct CatalogCut {
  label::CatalogOutcome outcome = label::CatalogOutcome::Malformed;
  std::vector<CatalogItemJudged> items;  ///< those with a label, in the order in which they stood
};
/// Cuts the catalog in place to what may cross from the one prepared address to the other. nullopt if no peering grants
/// that pair of domains. The outcome Malformed leaves a tree that is of no use.
std::optional<CatalogCut> cut_catalog(inspect::Node& catalog, const Address& from, const Address& to, const Moment& now,
                                      const Bundle& bundle, Scratch& scratch);

}  // namespace sallyport::policy
