// What `sallyport check` asks beyond the text of the operator's file. Each part reports all that it finds, at the place
// in the file that it is about.
#pragma once

#include <cstdint>
#include <vector>

#include "inspect/mistake.h"
#include "proxy/config/load.h"

namespace sallyport::check {

/// Mistakes keep something from working; warnings are legal, but hardly what is wanted.
struct Findings {
  std::vector<inspect::Mistake> mistakes, warnings;
};

/// The bundle, and the policy text if it is named: do they load, do they belong together, and do edges and policy speak
/// of the same enclaves and domains.
void check_policy(const config::Located& located, Findings& findings);

/// Anchors, revocation lists, and the certificates and keys of faces. `now`: seconds since 1970.
void check_certificates(const config::Located& located, std::int64_t now, Findings& findings);

/// Users, folders, and whether the listeners could be opened.
void check_system(const config::Located& located, Findings& findings);

}  // namespace sallyport::check
