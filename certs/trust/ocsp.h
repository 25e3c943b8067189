// What an OCSP responder is asked about a certificate, and what its answer is worth (RFC 6960, protocol.md T-17). No
// I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include <openssl/x509.h>

#include "certs/trust/revocation.h"

namespace sallyport::trust {

/// Octets of the largest answer that is read.
inline constexpr std::size_t kLargestOcspAnswer = 64 * 1024;

struct OcspQuestion {
  std::string request;       ///< DER
  std::string host;          ///< of the http URL that the certificate names for it; "" without one
  std::string target = "/";  ///< path and query of that URL
};

/// Nothing that `certificate` names leads anywhere by itself: host and target are for the request's header.
OcspQuestion ocsp_question(const X509* certificate, const X509* issuer);

struct OcspAnswer {
  Revocation state = Revocation::Unknown;  ///< Good or Revoked; Unknown: the responder does not know it
  std::int64_t ends = 0;                   ///< seconds since 1970: it counts no longer
};

/// The answer in `der` to a question about this certificate, if it is signed by the issuer, or by a responder that the
/// issuer has certified for this, and counts at `now` (seconds since 1970). An answer without an end counts for an
/// hour. The error is for the record: such an answer is as good as none.
std::expected<OcspAnswer, std::string> read_ocsp_answer(std::string_view der, X509* certificate, X509* issuer,
                                                        std::int64_t now);

/// The certificate is good only with an answer stapled to it (RFC 7633).
bool demands_staple(const X509* certificate);

}  // namespace sallyport::trust
