// What must hold for any text that claims to be an address.
#pragma once

#include <string>
#include <string_view>

#include "inspect/jid.h"
#include "inspect/utf8.h"

namespace sallyport::inspect {

/// "" if all properties hold.
inline std::string jid_fault(std::string_view text) {
  for (const JidProfile profile : {JidProfile::Ascii, JidProfile::Unicode}) {
    const auto jid = Jid::parse(text, profile);
    if (!jid) continue;
    const auto again = Jid::parse(jid->full(), profile);
    if (!again || *again != *jid) return "preparing twice changes it: " + std::string(jid->full());
    std::string joined(jid->local());
    if (!joined.empty()) joined += '@';
    joined += jid->domain();
    if (joined != jid->bare()) return "the parts do not make the whole";
    if (!jid->resource().empty()) joined += "/" + std::string(jid->resource());
    if (joined != jid->full()) return "the parts do not make the whole";
    if (!is_clean_text(jid->full())) return "a forbidden character";
    if (jid->local().size() > 256 || jid->resource().size() > 512) return "too long a part";
    if (jid->local().find_first_of("\"&'/:<>@ ") != std::string_view::npos) return "a separator in the local part";
    const std::string ascii = Jid::to_ascii(jid->domain());
    if (ascii.empty() || ascii.size() > 253) return "a domain without an A-label form";
    if (Jid::prepare_domain(ascii) != std::string(jid->domain())) return "A-labels and U-labels do not round-trip";
    if (profile == JidProfile::Ascii && !Jid::parse(text, JidProfile::Unicode)) return "the wider profile refuses it";
  }
  return "";
}

}  // namespace sallyport::inspect
