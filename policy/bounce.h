// What the guard says in the name of others: errors and answers of whoever was addressed, and presence.
#pragma once

#include <optional>

#include "inspect/element.h"
#include "policy/bundle.h"
#include "policy/verdict.h"

namespace sallyport::policy {

/// What a stanza error for `reason` says about this stanza, or nullopt where none may be sent: no error answers an
/// error or a result (RFC 6120 8.3.1, protocol.md X-01, S-18), and presence is answered only for a fault of its shape
/// or when it is a subscribe. `peering` is the rule of the route, if there is one: it decides what a refused message is
/// told.
std::optional<StanzaFault> fault(const StanzaFacts& facts, Reason reason, const Peering* peering);
/// The same where the rule that refuses says what a message is told.
std::optional<StanzaFault> fault(const StanzaFacts& facts, Reason reason, MessageRefusal told);

/// Whether who has sent a refused stanza is owed an answer. Of what a server sends in a client's session only requests
/// are (protocol.md 5.5, last column). `session` is nullptr between servers.
bool is_owed_answer(const StanzaFacts& facts, const ClientSession* session);

/// The bounce: same kind and id, addresses swapped, the condition and nothing else (protocol.md S-17, X-02). nullptr
/// when there is no address to answer to or from. Lives in `arena`; the texts are those of `facts`.
inspect::Node* make_bounce(const StanzaFacts& facts, const StanzaFault& fault, inspect::Arena& arena);

/// The empty result of an iq request, in the name of its addressee (RFC 6120 8.2.3). As make_bounce().
inspect::Node* make_result(const StanzaFacts& facts, inspect::Arena& arena);

/// Presence of that type and no content: `unavailable`, `probe`. Lives in `arena`; the texts are those given.
inspect::Node* make_presence(std::string_view from, std::string_view to, std::string_view type, inspect::Arena& arena);

}  // namespace sallyport::policy
