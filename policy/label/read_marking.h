// Which labels a marking stands for: a marking read backwards, as far as the SPIF lets it be.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "policy/label/decide.h"

namespace sallyport::policy::label {

inline constexpr std::size_t kMostMarkedLabels = 8;

struct MarkedLabels {
  std::vector<Label> labels;  ///< valid, without privacy marks, format Made; at most kMostMarkedLabels
  bool is_complete = true;    ///< false: there may be others; the search was too long
};

/// All valid labels whose marking (marking.h) at that place and in that language is `text`. A marking that is no more
/// than a display may stand for several, since values need not be shown; only a single label of a complete search is
/// what it says. For tools: no decision rests on a marking.
MarkedLabels read_marking(const Policy& policy, std::string_view text, Place place, std::string_view lang, Time now,
                          const Options& options);

}  // namespace sallyport::policy::label
