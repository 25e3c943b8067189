// What TLS an enclave speaks. A profile is dated and never changes meaning; a new one is added beside it
// (protocol.md 1.5, RFC 7590, RFC 9325).
#pragma once

#include <cstdint>
#include <string_view>

namespace sallyport::trust {

struct TlsProfile {
  std::string_view name;
  int oldest = 0, newest = 0;  ///< TLS1_2_VERSION ...
  const char* suites_12 = "";  ///< OpenSSL's names, preferred first
  const char* suites_13 = "";
  const char* groups = "";
  const char* signatures = "";
  int security_level = 2;     ///< of OpenSSL: 112 bits, so RSA of 2048 bits and SHA-256 at least, in the whole chain
  unsigned key_updates = 0;   ///< TLS 1.3 messages after the handshake that a peer may send in a minute
  unsigned certificates = 0;  ///< longest chain between leaf and anchor
  unsigned chain_octets = 0;  ///< largest Certificate message
};

enum class ProfileName : std::uint8_t { Bcp195_2022 };

const TlsProfile& tls_profile(ProfileName name);

}  // namespace sallyport::trust
