#include "proxy/config/keys.h"

#include "proxy/config/forms.h"

namespace sallyport::config {

namespace {

using namespace forms;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB;

Key<Edge> listeners(std::string name, Listener::Tls tls, Listener::Peers peers, std::string meaning) {
  return list<Edge>(std::move(name), "list of addresses with port", "\"192.0.2.1:5269\", \"[2001:db8::1]:5269\"",
                    std::move(meaning),
                    [=](Reading& in, const toml::node& node, const std::string& written, Edge& out) {
                      const auto parsed = endpoint(in, node, written);
                      if (parsed) out.listeners.push_back({*parsed, tls, peers});
                    });
}

Key<Login> local_part(std::string name, std::string meaning) {
  return {{name, "local part", "", "", std::move(meaning)}, [=](Reading& in, const toml::node& node, Login& out) {
            const auto written = in.text(node, "the part of an address before the @");
            if (!written) return;
            const auto account = inspect::Jid::parse(*written + "@a.test", inspect::JidProfile::Unicode);
            if (!account || account->local().empty() || !account->is_bare()) {
              return in.mistake(node, "'" + *written + "' is not the local part of an address",
                                "write what stands before the @, like \"probe\"");
            }
            out.probe = account->local();
          }};
}

/// What servers and clients are limited by alike.
template <class L>
std::vector<Key<L>> limits() {
  return {count<L>("connections", &L::connections, 1, 1'000'000, "Connections in all, accepted and dialled."),
          count<L>("connections_per_address", &L::connections_per_address, 1, 1'000'000,
                   "Connections from one IPv4 address or one IPv6 /64."),
          count<L>("attempts_per_minute", &L::attempts_per_minute, 1, 1'000'000, "New connections from one address."),
          count<L>("handshakes", &L::handshakes, 1, 100'000, "TLS handshakes in progress, in all."),
          count<L>("handshakes_per_address", &L::handshakes_per_address, 1, 100'000,
                   "TLS handshakes in progress from one IPv4 address or one IPv6 /64."),
          duration<L>("handshake", &L::handshake, 1s, 5min, "Time for a TLS handshake."),
          duration<L>("authentication", &L::authentication, 1s, 10min,
                      "Time until a peer has proved who it is; waiting for the far side does not count."),
          octets<L>("bytes_before_authentication", &L::bytes_before_authentication, 8 * kKiB, 1 * kMiB,
                    "What an unauthenticated peer may send in all."),
          octets<L>("stanza", &L::stanza_octets, 10'000, 2 * kMiB - 64 * kKiB,
                    "Largest stanza that is read. RFC 6120 asks for at least 10000."),
          duration<L>("connect", &L::connect, 500ms, 5min, "Time to connect to one address of a target."),
          duration<L>("close", &L::close, 100ms, 1min, "Time a peer has for its closing tag after ours."),
          duration<L>("slow_reader", &L::slow_reader, 1s, 10min,
                      "A peer that takes nothing for so long while data waits is disconnected."),
          duration<L>("idle", &L::idle, 10s, milliseconds(24h), "A stream without traffic for so long is closed."),
          duration<L>("keepalive", &L::keepalive, 1s, milliseconds(24h),
                      "Whitespace is sent after so much silence of ours."),
          octets<L>("egress", &L::egress_octets, 64 * kKiB, 4 * kMiB,
                    "Data waiting for a peer beyond which its sources are not read.")};
}

Key<Edge> source_addresses(std::string name, std::string meaning) {
  return list<Edge>(std::move(name), "list of addresses", "\"192.0.2.1\", \"2001:db8::1\"", std::move(meaning),
                    [](Reading& in, const toml::node& node, const std::string& written, Edge& out) {
                      const auto parsed = parse_address(written);
                      if (!parsed) {
                        return in.mistake(node, "'" + written + "' is not an IP address",
                                          "write \"192.0.2.1\" or \"2001:db8::1\", without port and brackets");
                      }
                      for (const std::string& other : out.bind) {
                        if (parse_address(other)->family != parsed->family) continue;
                        return in.mistake(node, "a second source address of the same family",
                                          "keep at most one IPv4 and one IPv6 address");
                      }
                      out.bind.push_back(parsed->text);
                    });
}

}  // namespace

Section<Config> file_section() {
  using C = Config;
  return {"",
          "Keys at the top of the file, before the first table.",
          {choice<C>("log_level", &C::log_level,
                     {{"debug", "debug"}, {"info", "info"}, {"warning", "warning"}, {"error", "error"}},
                     "How much the programs say on standard error about their operation. Never holds stanza content; "
                     "what crossed is in the audit log."),
           path<C>("pid_file", &C::pid_file,
                   "Where `sallyport run` writes its process id, for `sallyport reload`. Not used under systemd.")},
          {"guard", "audit", "edge"}};
}

Section<Guard> guard_section() {
  using G = Guard;
  return {
      "guard",
      "The one process in the middle. It has no network.",
      {required(path<G>("bundle", &G::bundle,
                        "The compiled policy, made by `sallyport policy compile`. The guard loads nothing else.")),
       paths<G>(
           "officers", &G::officers,
           "PEM files with the public keys of security officers, made by `sallyport policy key`. With any here, the "
           "guard loads only a bundle that they have signed. They are read at its start only."),
       count<G>(
           "signatures", &G::signatures, 1, 64,
           "How many of the `officers` have to have signed the bundle; 2: no officer can change the policy alone."),
       path<G>(
           "shadow", &G::shadow,
           "A second bundle, signed likewise, that is judged beside the one in force and never acts. The record of a "
           "stanza says what it would have made of it, where that is something else."),
       count<G>("shadow_rate", &G::shadow_rate, 1, 1'000'000,
                "How many stanzas a second each lane asks the shadow policy about, at most; the others are counted."),
       path<G>(
           "policy", &G::policy,
           "The officer's policy text. Only `sallyport check` reads it, to tell whether the bundle was made from it."),
       required(path<G>("airlock", &G::airlock,
                        "Folder of the socket files between edges and guard, one per edge: ENCLAVE.sock. Only the "
                        "users of guard and edges may enter it.")),
       path<G>("control", &G::control,
               "Socket file of the guard for `sallyport reload` and `sallyport status`. Without it reload can't tell "
               "beforehand which crossings it would end."),
       path<G>(
           "state", &G::state,
           "Folder in which the guard keeps the ledger of presence subscriptions and the key of hidden resources, for "
           "its user alone. Without it both end with each run of the guard, and with the ledger every subscription "
           "that "
           "it knows of."),
       count<G>("lanes", &G::lanes, 1, 64,
                "Threads that judge stanzas. Both directions of a domain pair share a lane."),
       octets<G>("memory", &G::memory_octets, 16 * kMiB, 64 * kGiB,
                 "Memory for stanzas under way. When it is short, senders are slowed down; nothing is lost."),
       duration<G>("hold", &G::hold, 1s, 5min,
                   "How long a server that connects waits for the far side before it is told "
                   "remote-connection-failed."),
       duration<G>("queue", &G::queue, 0s, 5min,
                   "How long stanzas wait for a lost far server before they are bounced."),
       duration<G>("hol_max", &G::hol_max, 100ms, 1min,
                   "How long one slow far domain may stall the others on a shared stream before its stanzas are "
                   "bounced."),
       user<G>("user", &G::user, "User that the guard becomes when started as root. Should be its own.")},
      {}};
}

Section<Audit> audit_section() {
  using A = Audit;
  return {"audit",
          "The record of every verdict and session event.",
          {required(path<A>("directory", &A::directory, "Folder of the log's segments, written by the guard alone.")),
           choice<A>("mode", &A::mode, {{"group", AuditMode::Group}, {"strict", AuditMode::Strict}},
                     "When a stanza may leave: once its record is written and will be synced within 100 ms (group), or "
                     "once it is synced to the disk (strict; slower)."),
           octets<A>("segment", &A::segment_octets, 1 * kMiB, 4 * kGiB, "Size at which a new segment is begun."),
           duration<A>("stall", &A::stall, 100ms, 1min,
                       "When writing takes longer than this, nothing crosses any more and the guard stops.")},
          {}};
}

Section<Edge> edge_section() {
  using E = Edge;
  return {
      "edge.NAME",
      "One enclave's side: the process that owns all its sockets and keys. NAME is the enclave's name in the policy.",
      {listeners("listen", Listener::Tls::StartTls, Listener::Peers::Servers,
                 "Where servers of this enclave connect; TLS starts with STARTTLS."),
       listeners("listen_tls", Listener::Tls::Direct, Listener::Peers::Servers,
                 "The same for direct TLS (XEP-0368). Publish `_xmpps-server` records only for these."),
       listeners("listen_clients", Listener::Tls::StartTls, Listener::Peers::Clients,
                 "Where clients of this enclave connect to log in to a server of another; TLS starts with STARTTLS. "
                 "The policy's `[[login]]` says who may log in where."),
       listeners("listen_clients_tls", Listener::Tls::Direct, Listener::Peers::Clients,
                 "The same for direct TLS (XEP-0368), for `_xmpps-client` records. An address that stands in "
                 "`listen_tls` too serves both; peers then have to name their protocol with ALPN."),
       choice<E>("client_certificates", &E::client_certificates,
                 {{"none", ClientCertificates::None},
                  {"optional", ClientCertificates::Optional},
                  {"required", ClientCertificates::Required}},
                 "Whether clients are asked for a certificate in TLS. Those that show a good one may log in with SASL "
                 "EXTERNAL where policy and server allow it. `required`: TLS fails without one."),
       filled(required(paths<E>(
                  "anchors", &E::anchors,
                  "PEM files with the certification authorities that this enclave trusts. No other is trusted.")),
              "name the PEM file of the enclave's certification authority; without it no server can prove who it is"),
       paths<E>("crls", &E::crls,
                "PEM files with revocation lists of those authorities. What a list says is told to the guard; what an "
                "unknown "
                "state means is the officer's to say (`revocation` in the policy)."),
       endpoints<E>("ocsp_responders", &E::ocsp_responders,
                    "Where the state of a peer's certificate is asked for (OCSP over HTTP) when no list of its issuer "
                    "stands in `crls`. They are tried in order. The URL in a certificate only says what is asked for "
                    "there, never where to connect to."),
       endpoints<E>("resolvers", &E::resolvers, "This enclave's own DNS servers. Empty: only next hops are used."),
       path<E>("dnssec_anchor", &E::dnssec_anchor,
               "File with the DNSSEC trust anchor. Without it nothing is validated."),
       flag<E>("local_addresses", &E::local_addresses,
               "Take loopback and link-local addresses from DNS. Otherwise whoever answers for a domain could lead the "
               "edge to services of its own machine. For trials on one machine."),
       source_addresses("bind", "Source addresses of outgoing connections, at most one of each family."),
       flag<E>("ipv6_first", &E::ipv6_first, "Try IPv6 addresses of a target before its IPv4 addresses."),
       flag<E>("direct_tls", &E::direct_tls,
               "Also look up and use `_xmpps-server` and `_xmpps-client` records when connecting."),
       count<E>("dscp", &E::dscp, 0, 63, "Differentiated services code point of all packets; 18 is AF21."),
       choice<E>("tls", &E::tls, {{"bcp195-2022", TlsProfile::Bcp195_2022}},
                 "The TLS profile. Names are dated and never change their meaning."),
       count<E>("lanes", &E::lanes, 1, 64, "Threads that serve connections."),
       user<E>("user", &E::user, "User that the edge becomes when started as root. Should be its own.")},
      {"face", "next_hop", "pin", "login", "limits", "client_limits"}};
}

Section<EdgeLimits> limits_section() {
  return {"edge.NAME.limits", "What servers of this enclave may use.", limits<EdgeLimits>(), {}};
}

Section<ClientLimits> client_limits_section() {
  using L = ClientLimits;
  Section<L> section{"edge.NAME.client_limits",
                     "What clients of this enclave may use, and the servers of this enclave that clients of others "
                     "log in to. A port that serves both counts here.",
                     limits<L>(),
                     {}};
  section.keys.push_back(
      count<L>("logins", &L::logins, 1, 10, "Failed logins after which a stream is ended (RFC 6120 6.4.5)."));
  return section;
}

Section<Face> face_section() {
  using F = Face;
  return {"edge.NAME.face",
          "One table `[[edge.NAME.face]]` for each domain of another enclave: the certificate shown here in its name.",
          {required(domain<F>("domain", &F::domain, "The far domain.")),
           required(path<F>("certificate", &F::certificate, "PEM file: the certificate, then its chain.")),
           required(path<F>("key", &F::key, "PEM file with the private key, readable for the edge's user only."))},
          {}};
}

Section<Pin> pin_section() {
  using P = Pin;
  return {
      "edge.NAME.pin",
      "One table `[[edge.NAME.pin]]` for each domain of this enclave that is believed with these keys only, beside a "
      "good chain.",
      {required(domain<P>("domain", &P::domain, "The near domain.")),
       filled(required(digests<P>("keys", &P::keys,
                                  "SHA-256 of the SubjectPublicKeyInfo of each key, in base 64. List the next key "
                                  "before a server changes to it.")),
              "write at least one digest")},
      {}};
}

Section<NextHop> next_hop_section() {
  using N = NextHop;
  return {"edge.NAME.next_hop",
          "One table `[[edge.NAME.next_hop]]` for each domain of this enclave that is reached without asking DNS.",
          {required(domain<N>("domain", &N::domain, "The near domain.")),
           filled(required(endpoints<N>("targets", &N::targets, "Addresses, tried in this order.")),
                  "write at least one address: [\"192.0.2.1:5269\"]"),
           choice<N>("tls", &N::tls, {{"starttls", Listener::Tls::StartTls}, {"direct", Listener::Tls::Direct}},
                     "How TLS starts there."),
           choice<N>("service", &N::service, {{"servers", Service::Servers}, {"clients", Service::Clients}},
                     "Who is taken there: the servers of other enclaves, or their clients.")},
          {}};
}

Section<Login> login_section() {
  using L = Login;
  return {
      "edge.NAME.login",
      "One table `[[edge.NAME.login]]` for each domain of this enclave whose server is met otherwise than by default "
      "when clients of other enclaves log in to it.",
      {required(domain<L>("domain", &L::domain, "The near domain.")),
       choice<L>("oldest_tls", &L::oldest_tls, {{"1.2", Login::OldestTls::V12}, {"1.3", Login::OldestTls::V13}},
                 "The oldest TLS to be spoken with the server. With 1.2 Prosody refuses clients that know channel "
                 "binding and are not offered any."),
       path<L>("certificate", &L::certificate,
               "PEM file: the certificate that is shown to the server, then its chain. A server that trusts it for all "
               "accounts lets clients in that have proved themselves to their edge by a certificate (SASL EXTERNAL)."),
       path<L>("key", &L::key, "PEM file with its private key, readable for the edge's user only."),
       local_part(
           "probe",
           "An account of the domain, without the domain, that the edge logs in with at start and after a reload. "
           "When the server refuses what clients will say, no client is let through to it, and the log says what "
           "would work."),
       path<L>("probe_password", &L::probe_password,
               "File with the password of `probe`, readable for the edge's user only; a line feed at its end does not "
               "count.")},
      {}};
}

}  // namespace sallyport::config
