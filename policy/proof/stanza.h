// Stanzas that stand for a sort of them: made for a claim, and judged as the guard judges.
#pragma once

#include <optional>
#include <string>

#include "policy/proof/contents.h"

namespace sallyport::policy::proof {

struct StanzaPlan {
  const Way& way;
  Party from, to;
  StanzaType type = StanzaType::MessageChat;
  const Content* content = nullptr;
  const label::Label* label = nullptr;  ///< explicit; nullptr for none
};

/// The label as an element that may stand in a stanza; nullptr if no format that its policy admits can carry it.
inspect::Node* securitylabel(const LabelRules& rules, const label::Label& label, inspect::Arena& arena);

/// As canonical XML of jabber:server.
std::string written(const Bundle& bundle, const StanzaPlan& plan);

/// What the whole pipeline comes to, with nothing to remember.
struct Answer {
  bool crosses = false;
  Reason reason = Reason::PolicyUndecided;
  std::string rule;
  std::string label;  ///< marking of its label, or of one inside; "" for none
};
Answer judged(const Bundle& bundle, const StanzaPlan& plan, label::Time time);

}  // namespace sallyport::policy::proof
