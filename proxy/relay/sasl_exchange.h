// One login as it passes: the syntax of what client and server say to each other (protocol.md 3.8).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "inspect/mechanism.h"
#include "inspect/sasl_condition.h"

namespace sallyport::relay {

using inspect::Mechanism;
using inspect::SaslCondition;

/// What a login shows of who logs in: a claim, for the record and for limits, never an identity (protocol.md 3.6).
struct Claim {
  std::string account;       ///< prepared bare JID; "" if the mechanism does not show it
  char channel_binding = 0;  ///< the flag of GS2: 'n', 'y', 'p'; 0 where there is none
  std::string binding_type;  ///< with 'p': "tls-exporter" ...
};

/// Follows one exchange and lets through only what the mechanism's grammar allows in that place, so that a lax server
/// cannot be shown a second identity behind the one that was checked. Needs no secret and keeps none: of what passes
/// it holds the nonce and the GS2 header. Octets are those inside the base 64. Does no I/O.
class SaslExchange {
 public:
  static constexpr std::size_t kMostOctets = 6144;  ///< of one message: 8 KiB of base 64 (C-14)
  static constexpr unsigned kMostSteps = 16;        ///< of a mechanism whose messages are opaque

  /// `domain`: the prepared domain that is logged in to.
  SaslExchange(Mechanism mechanism, std::string domain);

  /// The initial response or a response. nullopt: it may pass; else what the client is told.
  std::optional<SaslCondition> from_client(std::string_view octets);
  /// A challenge. False: the server does not keep to the mechanism; the client hears temporary-auth-failure.
  bool from_server(std::string_view octets);
  /// `<success/>`, with its data if it has any. False: as above.
  bool succeed(std::optional<std::string_view> octets);

  Mechanism mechanism() const { return mechanism_; }
  const Claim& claim() const { return claim_; }

 private:
  enum class Next : std::uint8_t { ClientFirst, ServerFirst, ClientFinal, ServerFinal, Acknowledgement, Success };

  std::optional<SaslCondition> plain(std::string_view octets);
  std::optional<SaslCondition> scram_first(std::string_view octets);
  std::optional<SaslCondition> scram_final(std::string_view octets);
  std::optional<SaslCondition> oauth(std::string_view octets);
  /// Reads the GS2 header up to and with its last comma; cuts it off.
  std::optional<SaslCondition> gs2_header(std::string_view& octets, std::optional<std::string>& authzid);
  bool scram_server_first(std::string_view octets);
  static bool scram_server_final(std::string_view octets);
  /// Who logs in, and for whom they want to act: that must be the same account.
  std::optional<SaslCondition> take_identity(std::string_view authcid, std::optional<std::string_view> authzid);

  Mechanism mechanism_;
  std::string domain_;
  Claim claim_;
  Next next_ = Next::ClientFirst;
  unsigned steps_ = 0;
  std::string gs2_header_, nonce_;
};

}  // namespace sallyport::relay
