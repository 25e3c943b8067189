// The SASL mechanisms that can go through a relay which ends TLS on both sides (protocol.md 3.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sallyport::inspect {

enum class Mechanism : std::uint8_t {
  Plain,
  ScramSha1,
  ScramSha256,
  ScramSha512,
  ScramSha1Plus,
  ScramSha256Plus,
  ScramSha512Plus,
  OAuthBearer,
  Gssapi,
  Anonymous,
  External,  ///< never relayed: the client proved itself to the edge, and the edge to the server (remedy R4)
};
inline constexpr Mechanism kLastMechanism = Mechanism::External;

/// As registered with IANA: "SCRAM-SHA-256-PLUS".
std::string_view name(Mechanism mechanism);
/// nullopt: it is never offered, and asking for it is invalid-mechanism.
std::optional<Mechanism> mechanism(std::string_view name);

constexpr bool is_plus(Mechanism mechanism) {
  return mechanism >= Mechanism::ScramSha1Plus && mechanism <= Mechanism::ScramSha512Plus;
}
constexpr bool is_scram(Mechanism mechanism) {
  return mechanism >= Mechanism::ScramSha1 && mechanism <= Mechanism::ScramSha512Plus;
}

/// A set of mechanisms, as an offer, a rule, or what both have in common.
class Mechanisms {
 public:
  constexpr void add(Mechanism mechanism) { bits_ |= bit(mechanism); }
  constexpr bool has(Mechanism mechanism) const { return (bits_ & bit(mechanism)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr Mechanisms operator&(Mechanisms other) const { return Mechanisms(bits_ & other.bits_); }
  constexpr bool operator==(const Mechanisms&) const = default;
  /// For the airlock: bit n stands for the mechanism with that number. Bits beyond the last are no set.
  constexpr std::uint32_t bits() const { return bits_; }
  static constexpr std::optional<Mechanisms> of_bits(std::uint32_t bits) {
    if (bits >> (static_cast<unsigned>(kLastMechanism) + 1) != 0) return std::nullopt;
    return Mechanisms(bits);
  }
  constexpr Mechanisms() = default;

 private:
  constexpr explicit Mechanisms(std::uint32_t bits) : bits_(bits) {}
  static constexpr std::uint32_t bit(Mechanism mechanism) { return 1U << static_cast<unsigned>(mechanism); }
  std::uint32_t bits_ = 0;
};

}  // namespace sallyport::inspect
