// A client's session, as the commands that try a policy out are told of one.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "policy/bundle.h"
#include "policy/moment.h"
#include "policy/presence/ledger.h"
#include "policy/verdict.h"
#include "proxy/main/commands/policy_input.h"

namespace sallyport::commands {

/// The session in which a stanza is to be judged, and whose it is; between servers if nothing is set.
struct SessionAsked {
  std::string jid;             ///< full
  std::string client_enclave;  ///< where the client is
  bool from_client = false, from_server = false;

  bool any() const { return !jid.empty() || !client_enclave.empty() || from_client || from_server; }
};

/// With its address prepared, and the enclave that alone can be meant. Ends the command with 2 if no such session can
/// be: one of the three is missing, the address is none, or no [[login]] lets that client log in there.
SessionAsked session_or_end(SessionAsked asked, const policy::Bundle& bundle);

/// The session that a record is of, as the log says, or as its addresses show: an account is at home where its server
/// is, and not where its client is. Nothing is set if it is of none.
SessionAsked session_of(const Recorded& record, const policy::Bundle& bundle);

/// Opens what the contact list in a file, <query xmlns='jabber:iq:roster'/>, says of that account. Ends the command
/// with 1 if there is none in it.
void open_roster_or_end(const std::filesystem::path& file, std::string_view account, const policy::Moment& now,
                        policy::presence::Ledger& ledger);

/// The crossing of a session's stanza. Both must outlive it. If the policy lets nobody log in so, it has no login, and
/// nothing crosses.
policy::Crossing crossing_of(const policy::ClientSession& session, std::string_view client_enclave,
                             const policy::Bundle& bundle);

}  // namespace sallyport::commands
