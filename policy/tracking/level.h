// Errors that say the same of every user (protocol.md 6.5).
#pragma once

#include <string_view>

#include "policy/reason.h"
#include "policy/stage.h"

namespace sallyport::policy {

/// The one error that tells nothing.
inline constexpr StanzaFault kUnavailable{inspect::ErrorType::Cancel, inspect::StanzaCondition::ServiceUnavailable,
                                          inspect::LimitCondition::None};

/// Whether the address is an account's, and not a server's, a component's or of something at one.
bool is_of_user(const Run& run, const Address& address);

/// Makes a stanza of type error the one that the guard itself would send, octet for octet: whether the guard refused or
/// the far side, and why, cannot be told. `asked`: the address that the answered stanza went to, which it comes from
/// (P-42), so that no client of an account is told by answering itself. In full transparency it stays as it is.
void level_error(Run& run, std::string_view asked);

}  // namespace sallyport::policy
