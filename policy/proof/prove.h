// Whether a claim holds of a policy, for every stanza that there could be; or a stanza that speaks against it.
//
// What a stanza may be is cut into sorts that the policy tells apart: routes, senders, addressees, types, times,
// contents (occasions.h) and labels (lattice.h). One of each sort is judged by the code that judges in the
// guard: labels by label_judge.h, clearances by the decision of labels.md 6. A stanza that is found is run through the
// whole pipeline before it is shown. What the guard remembers of earlier stanzas, what texts say and how fast they come
// can only refuse more: a claim that nothing crosses holds whatever these stages say.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "policy/proof/claim.h"
#include "policy/proof/occasions.h"

namespace sallyport::policy::proof {

/// A stanza for a claim that something crosses, or against one that nothing does.
struct Example {
  std::string stanza;                     ///< canonical XML of jabber:server
  std::string rule;                       ///< that lets it cross; the peering or login where there are no rules
  std::string login;                      ///< in whose sessions; "" between servers
  bool from_client = false;               ///< in a session: the client's, not its server's
  label::Time time;                       ///< when
  std::string label;                      ///< its marking, as the destination sees it; "" for none
  Reason reason = Reason::PolicyGranted;  ///< what the whole pipeline says of it, with nothing to remember
};

enum class Outcome : std::uint8_t { Holds, Fails, Undecided };
std::string_view name(Outcome outcome);

struct Proof {
  Outcome outcome = Outcome::Undecided;
  std::optional<Example> example;
  std::string why;                    ///< of Undecided
  std::vector<std::string> notes;     ///< what the claim does not speak about and yet crosses there
  std::size_t labels = 0, cases = 0;  ///< labels that were judged, sorts of stanzas that were looked at
};

Proof prove(const Claim& claim, const Bundle& bundle, const When& when);

}  // namespace sallyport::policy::proof
