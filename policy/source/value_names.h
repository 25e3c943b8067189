// The values of a policy by the names that people write: "TAG:VALUE".
#pragma once

#include <functional>
#include <map>
#include <string>

#include "policy/label/policy.h"

namespace sallyport::policy::source {

/// By the names of tags and of tag sets, which may stand for several; "TAG:*" for all of one.
using ValueNames = std::multimap<std::string, label::CatNumber, std::less<>>;
ValueNames value_names(const label::Policy& policy);

}  // namespace sallyport::policy::source
