// The names in a certificate, and whether one of them is the domain that was asked for (protocol.md T-15, RFC 6125,
// RFC 6120 13.7.2.1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/x509.h>

namespace sallyport::trust {

/// Which SRVName counts (RFC 4985).
enum class Service : std::uint8_t { XmppServer, XmppClient };

/// A certificate with more names than this is judged by its first ones.
inline constexpr std::size_t kMostNames = 256;

/// "dns:a.test", "srv:_xmpp-server.a.test", "xmpp:a.test" from subjectAltName, in its order. What is malformed (a NUL
/// or control character, a wrong string type, more than 1023 octets) is left out. The common name is never read.
std::vector<std::string> certificate_names(const X509* certificate);

/// Whether one of these names stands for `domain` (prepared, inspect::Jid::prepare_domain). A wildcard is a complete
/// left-most label, covers one label, and never a whole top-level domain.
bool names_domain(const std::vector<std::string>& names, std::string_view domain, Service service);

}  // namespace sallyport::trust
