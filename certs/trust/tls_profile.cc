#include "certs/trust/tls_profile.h"

#include <openssl/ssl.h>

namespace sallyport::trust {
namespace {

// RFC 9325 4.2: ephemeral key agreement and authenticated encryption only. AES-128 leads: it is what both ends do
// fastest.
constexpr TlsProfile kBcp195_2022{
    .name = "bcp195-2022",
    .oldest = TLS1_2_VERSION,
    .newest = TLS1_3_VERSION,
    .suites_12 =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
        "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
        "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
    .suites_13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
    .groups = "X25519:P-256:P-384",
    .signatures =
        "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:"
        "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
        "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
        "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512",
    .security_level = 2,
    .key_updates = 16,
    .certificates = 8,
    .chain_octets = 64 * 1024,
};

}  // namespace

const TlsProfile& tls_profile(ProfileName name) {
  switch (name) {
    case ProfileName::Bcp195_2022:
      return kBcp195_2022;
  }
  return kBcp195_2022;
}

}  // namespace sallyport::trust
