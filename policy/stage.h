// What a stage works on, and how it edits a tree. For the files of the stages only.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "policy/payload/inventory.h"
#include "policy/pipeline.h"

namespace sallyport::policy {

/// One run of the pipeline over one stanza.
struct Run {
  inspect::Node& stanza;
  std::size_t octets;
  const Crossing& crossing;
  const Moment& now;
  const Bundle& bundle;
  Scratch& scratch;

  Kind kind = Kind::Message;  ///< set by shape, which lets nothing go on that is of no kind
  StanzaFacts facts = {};
  Findings findings = {};
  Intents intents = {};              ///< each stage appends to its own part; what is remembered is run.scratch.memory
  const Peering* peering = nullptr;  ///< set by addressing, like both domains
  const Domain* from_domain = nullptr;
  const Domain* to_domain = nullptr;
  Inventory inventory = {};                       ///< set by payload
  std::string_view content_rule = {};             ///< set by content: whose rule refused it
  std::shared_ptr<const JudgedLabel> label = {};  ///< of the stanza itself, set by label; as in Judgement
  std::string label_detail = {};                  ///< why label objects, for the record
  bool labels_judged = false;                     ///< by label; what it found stands in run.scratch.labels_found

  const inspect::Node* answer = nullptr;  ///< what a stage answers whose objection comes to an answer
  const Injection* if_refused = nullptr;
  std::optional<std::chrono::milliseconds> negative_since = {};  ///< as in Judgement

  /// Of the session, for a stanza of a client's session; else of the lane.
  const presence::Ledger& ledger() const {
    const ClientSession* client = crossing.client;
    return client != nullptr && client->ledger != nullptr ? *client->ledger : scratch.memory.ledger;
  }

  /// The guard is to send `injected` if this one does not cross.
  void inject_if_refused(const inspect::Node& injected, Reason reason,
                         std::optional<std::chrono::milliseconds> since = std::nullopt) {
    auto* injection = scratch.arena.one<Injection>();
    *injection = {&injected, reason, since, if_refused};
    if_refused = injection;
  }
};

/// A stage objects, or it does not; nothing that it returns lets a stanza pass.
using Objection = std::optional<Reason>;

Objection shape(Run& run);
/// The error child of a stanza of type error; part of shape.
Objection error_shape(Run& run, inspect::Node& error);
Objection addressing(Run& run);
/// The same for a client's session.
Objection client_addressing(Run& run);

/// Whether an address is of the account that the client's session is with, whichever of its resources it names; never
/// between servers.
bool is_own_account(const Run& run, const Address& address);
/// ... or of its server itself. What these two say to each other is an account's own affair.
bool is_own(const Run& run, const Address& address);

/// What another enclave's domain says reaches an account only by a peering that lets it (protocol.md 5.4): in a session
/// the account's server can't speak for the client's own side. Nothing is asked of what a client says, nor between
/// servers.
bool may_have_come(const Run& run, const Address& from, Kind kind);

/// Gives the addressee its own resource back, where it is hidden from the sender's side; part of addressing.
Objection restore_addressee(Run& run);
/// Hides the resources that the addressee's side must not see, in all of the stanza: what is judged is written so.
Objection hide_sender(Run& run);

Objection payload(Run& run);
Objection label_stage(Run& run);
Objection presence_stage(Run& run);
Objection content(Run& run);
Objection rate(Run& run);
/// Parts of the stage presence, in policy/tracking: iq; errors of the other kinds, and messages that are part of an
/// answer.
Objection requests(Run& run);
Objection errors_and_parts(Run& run);

/// RFC 5646 as far as protocol.md X-06 asks: letters, then groups of letters and digits, at most 35 octets.
bool is_language_tag(std::string_view text);
bool same_language(std::string_view one, std::string_view other);
bool is_whitespace(std::string_view text);

/// Keeps the attributes for which `keep` is true; whether any went.
template <std::predicate<inspect::Attribute&> Keep>
bool keep_attributes(inspect::Node& node, Keep keep) {
  std::size_t kept = 0;
  for (inspect::Attribute& attribute : node.attributes)
    if (keep(attribute)) node.attributes[kept++] = attribute;
  const bool any_went = kept != node.attributes.size();
  node.attributes = node.attributes.first(kept);
  return any_went;
}

/// Keeps the children, texts included, for which `keep` is true; whether an element or more than whitespace went.
template <std::predicate<inspect::Node&> Keep>
bool keep_children(inspect::Node& node, Keep keep) {
  bool any_went = false;
  for (inspect::Node** link = &node.first_child; *link;) {
    inspect::Node& child = **link;
    if (keep(child)) {
      link = &child.next;
    } else {
      any_went = any_went || !child.is_text() || !is_whitespace(child.text);
      *link = child.next;
    }
  }
  return any_went;
}

/// Sets the value of an attribute; one that is new goes to its place in the order.
void set_attribute(inspect::Node& node, std::string_view ns, std::string_view name, std::string_view value,
                   inspect::Arena& arena);

}  // namespace sallyport::policy
