// What may stand between '&' and ';', and between '<' and '>' of an XML declaration (protocol.md 7.2 Z-b, Z-d).
#pragma once

#include <optional>
#include <string_view>

#include "inspect/errors.h"

namespace sallyport::inspect {

struct MarkupFault {
  StreamCondition condition;
  std::string_view why;
};

/// `reference` is what stands between '&' and ';': one of the five predefined entities, or the number of a character
/// that may cross, in at most seven digits.
std::optional<MarkupFault> fault_of_reference(std::string_view reference);

/// `declaration` is `<?xml ...?`: ^<\?xml version=(['"])1\.0\1( encoding=(['"])(utf-8|UTF-8)\3)?\s*\?
std::optional<MarkupFault> fault_of_declaration(std::string_view declaration);

}  // namespace sallyport::inspect
