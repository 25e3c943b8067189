// Reads the names out of a certificate that a peer shows (protocol.md T-15).
#pragma once

#include <string>
#include <vector>

#include <openssl/x509.h>

#include "certs/names.h"

namespace sallyport::trust {

using certs::accounts;
using certs::names_domain;
using certs::Service;

/// A certificate with more names than this is judged by its first ones.
inline constexpr std::size_t kMostNames = 256;

/// "dns:a.test", "srv:_xmpp-server.a.test", "xmpp:a.test" from subjectAltName, in its order. What is malformed (a NUL
/// or control character, a wrong string type, more than 1023 octets) is left out. The common name is never read.
std::vector<std::string> certificate_names(const X509* certificate);

}  // namespace sallyport::trust
