#include "policy/source/value_names.h"

namespace sallyport::policy::source {

ValueNames value_names(const label::Policy& policy) {
  ValueNames names;
  for (label::CatNumber n = 0; n < policy.category_count(); ++n) {
    const label::Tag& tag = policy.tag_at(policy.tag_of(n));
    const std::string& set = policy.tag_set_at(tag.tag_set).name;
    for (const std::string& value : {policy.category_at(n).name, std::string("*")}) {
      const std::string behind = ":" + value;
      names.emplace(tag.name + behind, n);
      if (set != tag.name) names.emplace(set + behind, n);
    }
  }
  return names;
}

}  // namespace sallyport::policy::source
