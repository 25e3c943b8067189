// The matrix of labels as one page for a browser.
#pragma once

#include <string>

#include "policy/proof/matrix.h"

namespace sallyport::commands {

/// One HTML file that needs nothing else: no script, no font, no picture, nothing from anywhere. Columns are headed in
/// the colours of their markings.
std::string matrix_page(const policy::proof::Matrix& matrix, const std::string& policy, const std::string& hash,
                        const std::string& time);

}  // namespace sallyport::commands
