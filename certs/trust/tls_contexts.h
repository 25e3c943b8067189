// What an edge shows and speaks in TLS: a context for each role and each domain that it stands for (protocol.md 1.2,
// 1.3, 1.5). Peers' certificates are asked for, but a bad one does not fail the handshake: they are judged afterwards
// (Anchors::judge_peer), so that the answer can be given in XMPP (T-16).
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "certs/trust/certificate_names.h"
#include "certs/trust/openssl.h"
#include "certs/trust/tls_profile.h"

namespace sallyport::trust {

/// A certificate with its chain, and its key, for a domain of another enclave.
struct Face {
  std::string domain;                      ///< prepared
  std::filesystem::path certificate, key;  ///< PEM; the leaf comes first
};

/// How the server of a near domain is met on behalf of far clients.
struct ClientLogin {
  std::string domain;                      ///< prepared
  std::filesystem::path certificate, key;  ///< PEM; empty: none is shown
  bool tls12 = false;                      ///< TLS 1.2 will do (protocol.md 3.3)
};

/// Who may be at the other end of a session that is accepted. Both: ALPN has to tell.
enum class Visitors : std::uint8_t { Servers, Clients, Both };
/// Whether a client is asked for a certificate, and whether the handshake fails without one. Servers always are asked.
enum class Asked : std::uint8_t { No, Yes, Required };

/// How TLS began: after STARTTLS, or as the first octets of the connection (XEP-0368).
enum class Start : std::uint8_t { StartTls, Direct };

/// Immutable once loaded, so that lanes share it; a reload makes a new one and swaps the pointer. What is given out
/// keeps what it needs alive.
class TlsContexts : public std::enable_shared_from_this<TlsContexts> {
 public:
  /// A face that can't be used is left out and stands in faults(); its domain then has no TLS. So is the
  /// certificate of a login.
  static std::shared_ptr<const TlsContexts> load(const std::vector<Face>& faces, ProfileName profile,
                                                 const std::vector<ClientLogin>& logins = {});

  const std::vector<TrustFault>& faults() const { return faults_; }
  bool has(std::string_view domain) const;
  /// When the certificate for this domain ends, seconds since 1970; 0: no such face.
  std::int64_t not_after(std::string_view domain) const;

  /// The server's end of a new session. The certificate is that of the name in SNI; an unknown name ends the handshake
  /// with `unrecognized_name` (T-07). Without SNI it is that of `domain` (prepared; the `to` before STARTTLS, or the
  /// only domain of a listener); with "" SNI is required. Null when `domain` has no face here.
  SslPtr accept(std::string_view domain, Visitors visitors = Visitors::Servers, Asked clients = Asked::No) const;
  /// The client's end, with the certificate of `from` and with `to` in SNI (T-09). Null when `from` has no face here,
  /// or `to` has no A-label form.
  SslPtr connect(std::string_view from, std::string_view to, Start start) const;
  /// The client's end of a session with the server of `to`, for a client of another enclave: with the certificate of
  /// the login, or without any. Null when there is no such certificate, or `to` has no A-label form.
  SslPtr connect_for_client(std::string_view to, Start start, bool certificate) const;

 private:
  struct Domain {
    ContextPtr server, client;
    std::int64_t not_after = 0;
  };
  struct Login {
    ContextPtr bare, certified;  // certified: null without a certificate, or when it can't be used
  };
  explicit TlsContexts(ProfileName profile) : profile_(profile) {}
  std::expected<Domain, TrustFault> open(const Face& face) const;
  Login open(const ClientLogin& login);
  SslPtr connect(SSL_CTX* context, std::string_view to, Start start, Service service) const;
  const Domain* find(std::string_view domain) const;
  static int on_server_name(SSL* ssl, int* alert, void*);

  ProfileName profile_;
  std::map<std::string, Domain, std::less<>> domains_;  // by A-label
  ContextPtr nameless_;                                 // for listeners that need SNI to know a certificate
  std::map<std::string, Login, std::less<>> logins_;    // by A-label
  Login any_login_;                                     // of servers without one of their own
  std::vector<TrustFault> faults_;
};

/// What a finished handshake has agreed on.
struct Session {
  std::string version;                    ///< "TLSv1.3"
  std::string cipher;                     ///< OpenSSL's name
  std::string server_name;                ///< SNI as received or sent, "" if none
  Service service = Service::XmppServer;  ///< whose streams it carries
};

/// To be asked once after the handshake and before anything is read. The error says what the session lacks (extended
/// master secret or secure renegotiation on TLS 1.2, the right ALPN, or any where it has to tell): such a session must
/// be dropped.
std::expected<Session, std::string> finished(const SSL* ssl);

}  // namespace sallyport::trust
