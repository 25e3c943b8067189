// What stanzas may carry, as far as rules tell it apart.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/element.h"
#include "policy/proof/space.h"

namespace sallyport::policy::proof {

/// Something that a stanza carries: an element, or one inside another. An element inside one of its own namespace goes
/// with it for rules that say what else may be there.
struct Carried {
  std::string ns, name;
  std::string around_ns = {}, around = {};  ///< the element that it stands in; "" for none
  bool stanza = false;                      ///< a message, in <forwarded xmlns='urn:xmpp:forward:0'/>
};

/// One way to fill a stanza; it stands for all of which the same rules are about.
struct Content {
  std::vector<Carried> carried;  ///< of an iq the first stands in the stanza, the others in the first
  RuleSet rules;                 ///< those that ask for nothing else
  bool stanza = false;           ///< there is a message inside
  bool signals = false;          ///< nothing but chat states, receipts and markers (labels.md 11.6)
  bool subject = false;          ///< a subject and no body
};

/// Whether a message inside a stanza of that type would still be there when rules are asked.
bool may_hold_stanza(const Bundle& bundle, const Way& way, StanzaType type);

/// Types with one number have the same contents.
unsigned content_sort(const Bundle& bundle, StanzaType type);

/// All contents of stanzas of the type on that way; nullopt if there are more than kMostContents.
std::optional<std::vector<Content>> contents(const Bundle& bundle, const Way& way, StanzaType type);
inline constexpr std::size_t kMostContents = 4096;

/// Puts it into a stanza. `label` (may be nullptr) is the label of a message inside, which gets the addresses of the
/// outer one.
void fill(inspect::Node& stanza, const Content& content, const inspect::Node* label, inspect::Arena& arena);

}  // namespace sallyport::policy::proof
