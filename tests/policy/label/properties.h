// What holds for whatever the readers of labels are given. "" or what went wrong.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::policy::label::testing {

/// What decodes as a label or a clearance encodes again, to DER that means the same and is its own encoding.
std::string ess_fault(std::string_view octets);

/// What loads as a SPIF hangs together and comes back from its octets; what does not, says where and why.
std::string spif_fault(std::string_view xml);
/// A securitylabel or a catalog in normal form. What is read and valid can be written in its own format, and whatever
/// is written, in any format, means the same when it is read back. A catalog that was cut once is not changed again.
std::string security_label_fault(std::string_view normal_form);

}  // namespace sallyport::policy::label::testing
