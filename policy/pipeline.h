// The linear pipeline: every stanza, every stage, one order (design.md section 3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "inspect/element.h"
#include "inspect/jid.h"
#include "policy/bundle.h"
#include "policy/content/fold.h"
#include "policy/label_cache.h"
#include "policy/memory.h"
#include "policy/moment.h"
#include "policy/presence/resources.h"
#include "policy/verdict.h"

namespace sallyport::policy {

/// What a lane lends to the pipeline: memory of the batch, the addresses it has seen, and what it remembers between
/// stanzas. One per lane, not shared.
struct Scratch {
  /// `resource_key`: as ResourceNames.
  explicit Scratch(const Memory& remembered, const Secret& secret = {}, std::string_view resource_key = {})
      : memory(remembered), tokens(secret), names(resource_key) {}

  const Memory& memory;  ///< must outlive this
  inspect::Arena arena;
  inspect::JidCache jids;
  LabelCache labels;
  std::vector<std::uint16_t> present;  ///< payloads of the stanza that rules name
  /// What the label stage found: of the stanza and of each one inside, outermost first; nullptr for one without label.
  std::vector<std::shared_ptr<const JudgedLabel>> labels_found;
  std::vector<std::optional<const JudgedLabel*>> labels_seen;  ///< of these, each that rules tell from the others
  std::vector<const Rule*> rules;                              ///< that let the stanza cross
  Folder folder = {};
  Tokens tokens;  ///< randomness: ids that the far side cannot guess
  presence::ResourceNames names;
};

/// Judges one stanza. Edits are made in the tree, so that what is released is what is serialised; the tree of a stanza
/// that is not released is of no use afterwards. `octets` is the size of the normal form that came in. Judging the same
/// stanza by the same bundle at the same moment gives the same answer; nothing is kept but prepared addresses.
Judgement judge(inspect::Node& stanza, std::size_t octets, const Crossing& crossing, const Moment& now,
                const Bundle& bundle, Scratch& scratch);

/// What a server answers to a client of its own (its roster, its archive) may be larger than other stanzas.
/// Octets of the normal form, and of the wire (protocol.md D-09).
inline constexpr std::size_t kLargestAnswer = 1024 * 1024;

/// Asks again of what is to leave (design.md section 3, step 6; also of injections): is it a stanza, has it the `to`
/// and `from` that a S2S leg requires, are their domains the pair granted on the out-leg, does it fit? `octets` is the
/// size of the canonical XML, `limit` the smaller of the peer's and our own (0: none told). nullopt: it may leave.
std::optional<Reason> check_output(const inspect::Node& stanza, const Pair& granted, std::size_t octets,
                                   std::size_t limit);

/// The same for a client's session: to its server it leaves in the session's name, to the client it is for the session.
std::optional<Reason> check_client_output(const inspect::Node& stanza, const ClientSession& session, std::size_t octets,
                                          std::size_t limit);

}  // namespace sallyport::policy
