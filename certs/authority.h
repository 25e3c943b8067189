// An enclave's certificate authority: signs what the edges and servers of the enclave show (protocol.md 1.3), and the
// list of what it has revoked. It keeps nothing; Store does.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <botan/pkcs10.h>
#include <botan/x509_crl.h>
#include <botan/x509cert.h>

#include "certs/keys.h"

namespace sallyport::certs {

using Time = std::chrono::system_clock::time_point;

struct Period {
  Time from, to;
};

/// The names of one domain and of further ones that the same server answers for: dNSName, SRVName for servers and
/// clients, and XmppAddr of each. All are prepared (inspect::Jid::prepare_domain); the first is the subject.
using Domains = std::vector<std::string>;

/// Whether XmppAddr is among the names. dNSName and SRVName are enough for a server (RFC 6120 13.7.1.2), and not every
/// peer reads a certificate with XmppAddr.
enum class XmppAddr : std::uint8_t { Included, LeftOut };

class Authority {
 public:
  /// A new authority, signed by itself.
  static Result<Authority> create(const std::string& name, KeyPtr key, Period period,
                                  Botan::RandomNumberGenerator& rng);
  /// The fault tells whether the two belong together and may sign.
  static Result<Authority> open(const Botan::X509_Certificate& certificate, KeyPtr key);

  /// A certificate for servers and clients of TLS. It ends with the authority at the latest.
  Result<Botan::X509_Certificate> issue(const Domains& domains, XmppAddr xmpp_addr, const Botan::Public_Key& key,
                                        Period period, Botan::RandomNumberGenerator& rng) const;
  /// The list that follows `last` (null: the first one), with one more entry or none.
  Result<Botan::X509_CRL> list(const Botan::X509_CRL* last, const Botan::X509_Certificate* revoked, Period period,
                               Botan::RandomNumberGenerator& rng) const;

  const Botan::X509_Certificate& certificate() const { return certificate_; }
  const Botan::Private_Key& key() const { return *key_; }

 private:
  Authority(const Botan::X509_Certificate& certificate, KeyPtr key) : certificate_(certificate), key_(std::move(key)) {}

  Botan::X509_Certificate certificate_;
  KeyPtr key_;
};

/// A request to a foreign authority, with the same names and uses as in what Authority::issue gives.
Result<Botan::PKCS10_Request> make_request(const Domains& domains, XmppAddr xmpp_addr, const Botan::Private_Key& key,
                                           Botan::RandomNumberGenerator& rng);

/// Whether this is the key in the certificate.
bool belongs(const Botan::Private_Key& key, const Botan::X509_Certificate& certificate);

/// As trust::certificate_names: "dns:..", "srv:..", "xmpp:..".
std::vector<std::string> names_of(const Botan::X509_Certificate& certificate);

}  // namespace sallyport::certs
