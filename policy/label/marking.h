// The text and the colours in which a label is shown (labels.md 7).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "policy/label/decide.h"

namespace sallyport::policy::label {

inline constexpr std::size_t kLongestMarking = 1024;  ///< characters (labels.md 15)

/// Of a valid label, at a place, in a language ("" for none in particular; RFC 5646). Privacy marks are shown only
/// where the options say so. nullopt if it would be too long or hold control characters: a marking is never cut.
std::optional<std::string> marking(const Policy& policy, const Resolved& label, Place place, std::string_view lang,
                                   const Options& options, const std::vector<std::string>& privacy_marks = {});

struct Colours {
  std::string_view background;  ///< as the SPIF writes it; a name that XEP-0258 knows, or "#RRGGBB"
  std::string_view foreground;  ///< "black" or "white", by contrast
};
/// nullopt if the class has none.
std::optional<Colours> colours(const Class& classification);
/// A colour name of the SPIF schema, or "#RRGGBB".
bool is_colour(std::string_view text);

}  // namespace sallyport::policy::label
