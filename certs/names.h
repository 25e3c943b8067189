// The names in a certificate, written as text, and whether one of them is a domain (protocol.md T-15, RFC 6125,
// RFC 6120 13.7.2.1). Pure, and needs no TLS library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::certs {

/// Which SRVName counts (RFC 4985).
enum class Service : std::uint8_t { XmppServer, XmppClient };

inline constexpr std::string_view kDns = "dns:", kSrv = "srv:", kXmpp = "xmpp:";
inline constexpr std::string_view kXmppAddrOid = "1.3.6.1.5.5.7.8.5";
inline constexpr std::string_view kSrvNameOid = "1.3.6.1.5.5.7.8.7";

/// Letters, digits, '-', '_', '.' and '*': what a dNSName or SRVName may consist of before it is compared or shown.
bool is_host_text(std::string_view text);
/// Not empty, no space and no control character: what an XmppAddr may be before it is compared or shown.
bool is_address_text(std::string_view text);

/// Whether one of the names ("dns:a.test", "srv:_xmpp-server.a.test", "xmpp:a.test") stands for `domain` (prepared,
/// inspect::Jid::prepare_domain). A wildcard is a complete left-most label, covers one label, and never a whole
/// top-level domain.
bool names_domain(const std::vector<std::string>& names, std::string_view domain, Service service);

/// The accounts of `domain` (prepared) among the names of a client's certificate, as prepared bare JIDs (XEP-0178 2).
std::vector<std::string> accounts(const std::vector<std::string>& names, std::string_view domain);

}  // namespace sallyport::certs
