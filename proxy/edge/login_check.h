// Whether clients of other enclaves can log in to a server as the guard relays it (protocol.md C-04).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/secret.h"
#include "proxy/airlock/frames.h"
#include "proxy/edge/scram_client.h"

namespace sallyport::edge {

/// Legs of checks have numbers that neither the guard nor an edge gives out.
inline constexpr airlock::LegId kChecks = airlock::LegId{1} << 63;
constexpr bool is_check(airlock::LegId leg) {
  return (leg & kChecks) != 0;
}

/// One connection to the server, in which this takes the place of guard and client: it hears the frames of a dialled
/// leg and answers them. With an account it logs in twice at most, as a client that knows channel binding and sees none
/// (GS2 flag `y`), then as one that knows none (`n`). Does no I/O.
class LoginCheck {
 public:
  /// Unknown: the server was not reached, or the account is no good; nothing can be said.
  enum class Verdict : std::uint8_t { Works, Fails, Unknown };
  struct Finding {
    Verdict verdict = Verdict::Unknown;
    bool reached = true;  ///< the server has offered something
    std::string text;     ///< for the operator; of Fails with what would work
  };

  /// Logs in to `domain` with a password (remedy R0). `nonce`: 128 random bits as text, for each login another.
  static LoginCheck with_password(std::string domain, std::string user, inspect::Secret password, std::string nonce,
                                  std::string second_nonce);
  /// Looks whether the server would let the certificate log in (remedy R4).
  static LoginCheck with_certificate(std::string domain);

  airlock::Dial dial() const;
  /// The answer to a frame of the leg, if it has one.
  std::optional<airlock::Body> on_frame(const airlock::Body& body);
  /// Once there is one, the leg has ended or is about to.
  const std::optional<Finding>& finding() const { return finding_; }

 private:
  explicit LoginCheck(std::string domain) : domain_(std::move(domain)) {}
  std::optional<airlock::Body> on_offer(const airlock::Offer& offer);
  std::optional<airlock::Body> on_sasl(const airlock::Sasl& step);
  airlock::Body begin(char flag, std::string nonce);
  airlock::Body conclude(Verdict verdict, std::string text);

  std::string domain_, user_;
  inspect::Secret password_;
  std::string nonce_, second_nonce_;
  bool certificate_ = false;
  airlock::TlsFacts tls_;
  inspect::Mechanism mechanism_ = inspect::Mechanism::ScramSha1;
  std::optional<ScramClient> login_;
  char flag_ = 0;
  std::string refused_;       ///< what the server said to `y`
  bool signs_offer_ = false;  ///< XEP-0474
  std::optional<Finding> finding_;
};

}  // namespace sallyport::edge
