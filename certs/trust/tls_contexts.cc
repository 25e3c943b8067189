#include "certs/trust/tls_contexts.h"

#include <algorithm>
#include <chrono>

#include <openssl/err.h>

#include "certs/trust/certificate_names.h"
#include "inspect/jid.h"

namespace sallyport::trust {
namespace {

constexpr std::string_view kOfServers = "\x0bxmpp-server", kOfClients = "\x0bxmpp-client",
                           kOfBoth = "\x0bxmpp-client\x0bxmpp-server";

// What is kept beside each SSL object.
struct Connection {
  std::shared_ptr<const TlsContexts> contexts;
  bool has_domain = false;
  Visitors visitors = Visitors::Servers;  // of an accepted session; of one that we make, whose it is
  Asked clients = Asked::No;
  unsigned key_updates_allowed = 0;
  unsigned key_updates = 0;
  std::chrono::steady_clock::time_point minute{};
};

void free_connection(void*, void* connection, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Connection*>(connection);
}

int connection_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_connection);
  return index;
}

Connection* connection_of(const SSL* ssl) {
  return static_cast<Connection*>(SSL_get_ex_data(ssl, connection_index()));
}

// From here on OpenSSL reads nothing more of this peer: the next SSL_read reports the end of the stream.
void stop_reading(SSL* ssl) {
  SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);
}

// What is said in logins passes through OpenSSL's buffers, in both directions and on both sides.
void leave_no_plaintext(SSL* ssl) {
  SSL_set_options(ssl, SSL_OP_CLEANSE_PLAINTEXT);
}

bool exceeds_key_updates(Connection& connection) {
  const auto now = std::chrono::steady_clock::now();
  if (now - connection.minute > std::chrono::minutes(1)) {
    connection.minute = now;
    connection.key_updates = 0;
  }
  return ++connection.key_updates > connection.key_updates_allowed;
}

// RFC 9325 3.5 and protocol.md 1.5: a peer that asks for renegotiation has OpenSSL's refusal and then nothing more. The
// TLS 1.3 messages that may come after the handshake (KeyUpdate, tickets that nobody uses) are counted.
void on_state(const SSL* state, int where, int value) {
  auto* ssl = const_cast<SSL*>(state);
  Connection* connection = connection_of(ssl);
  if (connection == nullptr) return;
  if (where == SSL_CB_WRITE_ALERT && (value & 0xFF) == SSL_AD_NO_RENEGOTIATION) return stop_reading(ssl);
  const bool is_message = (where & SSL_CB_LOOP) != 0 && SSL_get_state(ssl) == TLS_ST_OK;
  if (is_message && exceeds_key_updates(*connection)) stop_reading(ssl);
}

std::string_view protocols(Visitors visitors) {
  switch (visitors) {
    case Visitors::Servers:
      return kOfServers;
    case Visitors::Clients:
      return kOfClients;
    case Visitors::Both:
      break;
  }
  return kOfBoth;
}

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// What was agreed on with ALPN; "" without.
std::string_view agreed(const SSL* ssl) {
  const unsigned char* alpn = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &size);
  return {reinterpret_cast<const char*>(alpn), size};
}

void ask_client(SSL* ssl, Asked asked) {
  const int mode = asked == Asked::No    ? SSL_VERIFY_NONE
                   : asked == Asked::Yes ? SSL_VERIFY_PEER
                                         : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_set_verify(ssl, mode, nullptr);
}

int on_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offer,
            unsigned int offer_size, void*) {
  const Connection* connection = connection_of(ssl);
  if (connection == nullptr) return SSL_TLSEXT_ERR_ALERT_FATAL;
  auto* out = const_cast<unsigned char**>(chosen);
  const std::string_view ours = protocols(connection->visitors);
  const int found =
      SSL_select_next_proto(out, chosen_size, octets(ours), static_cast<unsigned>(ours.size()), offer, offer_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  const std::string_view protocol(reinterpret_cast<const char*>(*chosen), *chosen_size);
  if (connection->visitors == Visitors::Both && protocol == kOfClients.substr(1)) ask_client(ssl, connection->clients);
  return SSL_TLSEXT_ERR_OK;
}

// The handshake only proves that the peer holds the key; who the peer is, Anchors judges.
int accept_for_now(X509_STORE_CTX*, void*) {
  return 1;
}

int no_passphrase(char*, int, int, void*) {
  return -1;
}

bool apply(const TlsProfile& profile, SSL_CTX* context) {
  SSL_CTX_set_security_level(context, profile.security_level);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_clear_options(context, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_NO_DHE_KEX);
  // One stanza a record is the usual case: read header and body at once, and keep no buffers for silent peers.
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context, profile.chain_octets);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, accept_for_now, nullptr);
  SSL_CTX_set_info_callback(context, on_state);
  return SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_set_max_early_data(context, 0) == 1 &&
         SSL_CTX_set_min_proto_version(context, profile.oldest) == 1 &&
         SSL_CTX_set_max_proto_version(context, profile.newest) == 1 &&
         SSL_CTX_set_cipher_list(context, profile.suites_12) == 1 &&
         SSL_CTX_set_ciphersuites(context, profile.suites_13) == 1 &&
         SSL_CTX_set1_groups_list(context, profile.groups) == 1 &&
         SSL_CTX_set1_sigalgs_list(context, profile.signatures) == 1 &&
         SSL_CTX_set1_client_sigalgs_list(context, profile.signatures) == 1;
}

ContextPtr make_context(const SSL_METHOD* method, const TlsProfile& profile) {
  ContextPtr context{SSL_CTX_new(method)};
  if (!context || !apply(profile, context.get())) return nullptr;
  return context;
}

std::expected<void, TrustFault> use(const std::filesystem::path& certificate, const std::filesystem::path& key,
                                    SSL_CTX* context) {
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
    return std::unexpected(TrustFault{certificate, "not a usable certificate: " + last_openssl_error()});
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
    return std::unexpected(TrustFault{key, "not the key of this certificate: " + last_openssl_error()});
  return {};
}

SslPtr make_session(SSL_CTX* context, Connection connection) {
  SslPtr ssl{SSL_new(context)};
  if (!ssl) return nullptr;
  auto kept = std::make_unique<Connection>(std::move(connection));
  if (SSL_set_ex_data(ssl.get(), connection_index(), kept.get()) != 1) return nullptr;
  (void)kept.release();  // freed with the session
  return ssl;
}

std::string lower_ascii(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

}  // namespace

std::shared_ptr<const TlsContexts> TlsContexts::load(const std::vector<Face>& faces, ProfileName profile,
                                                     const std::vector<ClientLogin>& logins) {
  ERR_clear_error();
  std::shared_ptr<TlsContexts> contexts{new TlsContexts(profile)};
  for (const Face& face : faces) {
    auto domain = contexts->open(face);
    if (domain)
      contexts->domains_.insert_or_assign(inspect::Jid::to_ascii(face.domain), *std::move(domain));
    else
      contexts->faults_.push_back(domain.error());
  }
  for (const ClientLogin& login : logins)
    contexts->logins_.insert_or_assign(inspect::Jid::to_ascii(login.domain), contexts->open(login));
  contexts->any_login_ = contexts->open(ClientLogin{});
  contexts->nameless_ = make_context(TLS_server_method(), tls_profile(profile));
  if (contexts->nameless_) {
    SSL_CTX_set_tlsext_servername_callback(contexts->nameless_.get(), on_server_name);
    SSL_CTX_set_alpn_select_cb(contexts->nameless_.get(), on_alpn, nullptr);
  } else {
    contexts->faults_.push_back({{}, "TLS can't be set up: " + last_openssl_error()});
  }
  return contexts;
}

std::expected<TlsContexts::Domain, TrustFault> TlsContexts::open(const Face& face) const {
  const TlsProfile& profile = tls_profile(profile_);
  Domain domain{make_context(TLS_server_method(), profile), make_context(TLS_client_method(), profile)};
  if (!domain.server || !domain.client)
    return std::unexpected(TrustFault{face.certificate, "TLS can't be set up: " + last_openssl_error()});
  for (SSL_CTX* context : {domain.server.get(), domain.client.get()})
    if (auto used = use(face.certificate, face.key, context); !used) return std::unexpected(used.error());
  const X509* leaf = SSL_CTX_get0_certificate(domain.server.get());
  if (!names_domain(certificate_names(leaf), face.domain, Service::XmppServer))
    return std::unexpected(TrustFault{face.certificate, "does not name " + face.domain});
  domain.not_after = seconds_since_epoch(X509_get0_notAfter(leaf));
  // Clients and servers share OpenSSL's server name callback on a context: only server contexts may have it.
  SSL_CTX_set_tlsext_servername_callback(domain.server.get(), on_server_name);
  SSL_CTX_set_alpn_select_cb(domain.server.get(), on_alpn, nullptr);
  return domain;
}

TlsContexts::Login TlsContexts::open(const ClientLogin& login) {
  const auto make = [&]() -> ContextPtr {
    auto context = make_context(TLS_client_method(), tls_profile(profile_));
    if (context && !login.tls12 && SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1) context.reset();
    if (!context) faults_.push_back({login.certificate, "TLS can't be set up: " + last_openssl_error()});
    return context;
  };
  Login contexts{make(), nullptr};
  if (login.certificate.empty()) return contexts;
  contexts.certified = make();
  if (!contexts.certified) return contexts;
  if (auto used = use(login.certificate, login.key, contexts.certified.get()); !used) {
    faults_.push_back(used.error());
    contexts.certified.reset();
  }
  return contexts;
}

int TlsContexts::on_server_name(SSL* ssl, int* alert, void*) {
  const Connection* connection = connection_of(ssl);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  if (connection == nullptr) return SSL_TLSEXT_ERR_ALERT_FATAL;
  if (name == nullptr) return connection->has_domain ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_ALERT_FATAL;
  const auto& domains = connection->contexts->domains_;
  const auto found = domains.find(lower_ascii(name));
  if (found == domains.end()) return SSL_TLSEXT_ERR_ALERT_FATAL;
  SSL_set_SSL_CTX(ssl, found->second.server.get());
  return SSL_TLSEXT_ERR_OK;
}

const TlsContexts::Domain* TlsContexts::find(std::string_view domain) const {
  const auto found = domains_.find(inspect::Jid::to_ascii(domain));
  return found == domains_.end() ? nullptr : &found->second;
}

bool TlsContexts::has(std::string_view domain) const {
  return find(domain) != nullptr;
}

std::int64_t TlsContexts::not_after(std::string_view domain) const {
  const Domain* found = find(domain);
  return found == nullptr ? 0 : found->not_after;
}

SslPtr TlsContexts::accept(std::string_view domain, Visitors visitors, Asked clients) const {
  const Domain* found = domain.empty() ? nullptr : find(domain);
  if (!domain.empty() && found == nullptr) return nullptr;
  SSL_CTX* context = found != nullptr ? found->server.get() : nameless_.get();
  if (context == nullptr) return nullptr;
  const TlsProfile& profile = tls_profile(profile_);
  auto ssl = make_session(context, {.contexts = shared_from_this(),
                                    .has_domain = found != nullptr,
                                    .visitors = visitors,
                                    .clients = clients,
                                    .key_updates_allowed = profile.key_updates});
  if (!ssl) return nullptr;
  if (visitors == Visitors::Clients) ask_client(ssl.get(), clients);
  if (visitors != Visitors::Servers) leave_no_plaintext(ssl.get());
  SSL_set_accept_state(ssl.get());
  return ssl;
}

SslPtr TlsContexts::connect(std::string_view from, std::string_view to, Start start) const {
  const Domain* found = find(from);
  return found == nullptr ? nullptr : connect(found->client.get(), to, start, Service::XmppServer);
}

SslPtr TlsContexts::connect_for_client(std::string_view to, Start start, bool certificate) const {
  const auto found = logins_.find(inspect::Jid::to_ascii(to));
  const Login& login = found == logins_.end() ? any_login_ : found->second;
  SSL_CTX* context = certificate ? login.certified.get() : login.bare.get();
  return context == nullptr ? nullptr : connect(context, to, start, Service::XmppClient);
}

SslPtr TlsContexts::connect(SSL_CTX* context, std::string_view to, Start start, Service service) const {
  const std::string name = inspect::Jid::to_ascii(to);
  if (name.empty()) return nullptr;
  const Visitors whose = service == Service::XmppClient ? Visitors::Clients : Visitors::Servers;
  auto ssl = make_session(
      context, {.contexts = nullptr, .visitors = whose, .key_updates_allowed = tls_profile(profile_).key_updates});
  if (!ssl || SSL_set_tlsext_host_name(ssl.get(), name.c_str()) != 1) return nullptr;
  if (whose == Visitors::Clients) leave_no_plaintext(ssl.get());
  // T-17: the server may staple an answer about its certificate.
  if (SSL_set_tlsext_status_type(ssl.get(), TLSEXT_STATUSTYPE_ocsp) != 1) return nullptr;
  // T-08: ALPN is for direct TLS only. (This function answers 0 when it is well.)
  const std::string_view offer = protocols(whose);
  if (start == Start::Direct && SSL_set_alpn_protos(ssl.get(), octets(offer), static_cast<unsigned>(offer.size())) != 0)
    return nullptr;
  SSL_set_connect_state(ssl.get());
  return ssl;
}

std::expected<Session, std::string> finished(const SSL* ssl) {
  const Connection* connection = connection_of(ssl);
  if (SSL_is_init_finished(ssl) == 0 || connection == nullptr) return std::unexpected("the handshake is not finished");
  auto* session = const_cast<SSL*>(ssl);
  if (SSL_version(ssl) < TLS1_3_VERSION) {
    // RFC 9325 3.5 and RFC 7627: without these two the session is not bound to its handshake.
    if (SSL_get_extms_support(session) != 1) return std::unexpected("no extended master secret");
    if (SSL_get_secure_renegotiation_support(session) != 1) return std::unexpected("no secure renegotiation");
  }
  const std::string_view alpn = agreed(ssl);
  const Visitors visitors = connection->visitors;
  if (alpn.empty() && visitors == Visitors::Both)
    return std::unexpected("no protocol in ALPN on a port for servers and clients");
  const bool of_clients = alpn.empty() ? visitors == Visitors::Clients : alpn == kOfClients.substr(1);
  const bool admitted = of_clients ? visitors != Visitors::Servers : visitors != Visitors::Clients;
  if (!alpn.empty() && (!admitted || (!of_clients && alpn != kOfServers.substr(1))))
    return std::unexpected("another protocol in ALPN");
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  return Session{SSL_get_version(ssl), SSL_get_cipher_name(ssl), name == nullptr ? "" : name,
                 of_clients ? Service::XmppClient : Service::XmppServer};
}

}  // namespace sallyport::trust
