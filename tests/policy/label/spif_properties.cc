#include "inspect/octets.h"
#include "policy/label/policy.h"
#include "policy/source/spif/spif.h"
#include "tests/policy/label/properties.h"

namespace sallyport::policy::label::testing {

std::string spif_fault(std::string_view xml) {
  const auto loaded = source::spif::load(xml, "fuzz");
  if (!loaded) {
    if (loaded.error().empty()) return "it is refused without a word";
    for (const auto& mistake : loaded.error())
      if (mistake.file != "fuzz" || mistake.what.empty()) return "a mistake says nothing";
    return "";
  }
  std::string octets;
  inspect::OctetWriter(octets).field(loaded->spif);
  Spif again;
  inspect::OctetReader reader(octets);
  reader.field(again);
  if (!reader.complete() || again != loaded->spif) return "it does not come back from its octets";
  const auto policy = Policy::make(std::move(again));
  if (!policy) return policy.error();
  source::spif::check_leads(*loaded, *policy);
  return "";
}

}  // namespace sallyport::policy::label::testing
