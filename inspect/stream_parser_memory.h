// What a parser leaves behind in memory.
#pragma once

namespace sallyport::inspect {

/// From here on libxml2 overwrites whatever it frees or moves, for processes whose streams carry passwords. Once,
/// before the first parser.
void wipe_what_parsers_free();

}  // namespace sallyport::inspect
