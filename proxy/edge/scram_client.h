// The client's side of SCRAM (RFC 5802, RFC 7677), for an account of the operator's own: see login_check.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "inspect/mechanism.h"
#include "inspect/secret.h"

namespace sallyport::edge {

/// One login without channel binding. Does no I/O; octets are those inside the base 64.
class ScramClient {
 public:
  /// `mechanism`: one of SCRAM without -PLUS. `user`: the local part, prepared. `flag`: of GS2, 'n' or 'y'.
  ScramClient(inspect::Mechanism mechanism, std::string_view user, inspect::Secret password, std::string nonce,
              char flag);

  std::string first() const { return header_ + first_bare_; }
  /// The answer to the server's first message; nullopt: it is malformed, or not about this login.
  std::optional<std::string> answer(std::string_view server_first);
  /// Whether the server's last message proves that it knows the password too.
  bool is_proof(std::string_view server_final) const;

 private:
  inspect::Mechanism mechanism_;
  inspect::Secret password_;
  std::string nonce_, header_, first_bare_, expected_;
};

}  // namespace sallyport::edge
