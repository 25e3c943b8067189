// What holds for whatever the readers of labels are given. "" or what went wrong.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::policy::label::testing {

/// What decodes as a label or a clearance encodes again, to DER that means the same and is its own encoding.
std::string ess_fault(std::string_view octets);

/// What loads as a SPIF hangs together and comes back from its octets; what does not, says where and why.
std::string spif_fault(std::string_view xml);

}  // namespace sallyport::policy::label::testing
