// The operator's configuration, parsed and checked. One TOML file for all processes; each takes its part.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sallyport::config {

/// An IP address and port, IPv4 or IPv6: "192.0.2.1:5269", "[2001:db8::1]:5269".
struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

/// Whose streams: between servers (jabber:server), or between clients and their server (jabber:client).
enum class Service : std::uint8_t { Servers, Clients };

/// Where an edge listens, for whom, and how TLS starts there.
struct Listener {
  enum class Tls : std::uint8_t { StartTls, Direct };
  /// ByAlpn: direct TLS for both, told apart by the protocol that the peer names (XEP-0368). In the file these are two
  /// listeners on one address.
  enum class Peers : std::uint8_t { Servers, Clients, ByAlpn };
  Endpoint at;
  Tls tls = Tls::StartTls;
  Peers peers = Peers::Servers;
  bool operator==(const Listener&) const = default;
};

/// Whether clients are asked for a certificate (protocol.md T-16). Required: TLS fails without one.
enum class ClientCertificates : std::uint8_t { None, Optional, Required };

/// A certificate that the edge shows for a domain that lives in another enclave (protocol.md T-11).
struct Face {
  std::string domain;                      ///< prepared
  std::filesystem::path certificate, key;  ///< PEM; the certificate file holds the chain
  bool operator==(const Face&) const = default;
};

/// Where to connect to for a domain of this enclave, in place of DNS.
struct NextHop {
  std::string domain;  ///< prepared
  std::vector<Endpoint> targets;
  Listener::Tls tls = Listener::Tls::StartTls;
  Service service = Service::Servers;
  bool operator==(const NextHop&) const = default;
};

/// How the server of a domain of this enclave is met when clients of other enclaves log in to it.
struct Login {
  enum class OldestTls : std::uint8_t { V12, V13 };
  std::string domain;                          ///< prepared
  OldestTls oldest_tls = OldestTls::V13;       ///< protocol.md 3.3
  std::filesystem::path certificate{}, key{};  ///< PEM, shown to the server for SASL EXTERNAL (remedy R4); empty: none
  std::string probe{};                         ///< prepared local part of the account that is tried at start; may be ""
  std::filesystem::path probe_password{};      ///< file that holds its password
  bool operator==(const Login&) const = default;
};

/// The only keys that a domain of this enclave is believed with, in addition to its chain.
struct Pin {
  std::string domain;             ///< prepared
  std::vector<std::string> keys;  ///< SHA-256 of the SubjectPublicKeyInfo, 32 octets each
  bool operator==(const Pin&) const = default;
};

enum class TlsProfile : std::uint8_t { Bcp195_2022 };  ///< RFC 9325; names are dated and never change meaning

/// Limits on peers (protocol.md section 8); the defaults are that section's.
struct EdgeLimits {
  std::uint32_t connections = 4096;                       ///< D-01, per edge
  std::uint32_t connections_per_address = 10;             ///< D-01; IPv6 by /64
  std::uint32_t attempts_per_minute = 30;                 ///< D-02, per address
  std::uint32_t handshakes = 256;                         ///< D-03, in progress, per edge
  std::uint32_t handshakes_per_address = 8;               ///< D-03; IPv6 by /64
  std::chrono::milliseconds handshake{10'000};            ///< D-03
  std::chrono::milliseconds authentication{60'000};       ///< D-05, without the hold
  std::uint32_t bytes_before_authentication = 32 * 1024;  ///< D-06
  std::uint32_t stanza_octets = 512 * 1024;               ///< D-09
  std::chrono::milliseconds connect{10'000};              ///< per address
  std::chrono::milliseconds close{5'000};                 ///< wait for the peer's closing tag
  std::chrono::milliseconds slow_reader{30'000};          ///< D-22
  std::chrono::milliseconds idle{900'000};                ///< D-25
  std::chrono::milliseconds keepalive{120'000};           ///< whitespace after so much silence of ours
  std::uint32_t egress_octets = 256 * 1024;               ///< D-21 soft
  bool operator==(const EdgeLimits&) const = default;
};

/// The same for clients, with their own defaults.
struct ClientLimits : EdgeLimits {
  ClientLimits() {
    connections_per_address = 20;
    authentication = std::chrono::milliseconds(30'000);
    stanza_octets = 256 * 1024;
    idle = std::chrono::milliseconds(600'000);
  }
  std::uint32_t logins = 3;  ///< D-12: tries of SASL on one stream
  bool operator==(const ClientLimits&) const = default;
};

struct Edge {
  std::string enclave;
  std::uint16_t lanes = 1;
  std::vector<Listener> listeners;
  std::vector<Face> faces;
  std::vector<NextHop> next_hops;
  std::vector<Pin> pins;
  std::vector<Login> logins;
  ClientCertificates client_certificates = ClientCertificates::None;
  std::vector<std::filesystem::path> anchors;  ///< PEM files; only these are trusted
  std::vector<std::filesystem::path> crls;
  std::vector<Endpoint> ocsp_responders;  ///< asked where no list tells; empty: nobody is
  std::vector<Endpoint> resolvers;        ///< empty: only next hops are used
  std::filesystem::path dnssec_anchor;    ///< empty: no validation
  bool local_addresses = false;           ///< take loopback and link-local addresses from DNS
  std::vector<std::string> bind;          ///< source addresses for dialled legs, at most one of each family
  bool ipv6_first = true;
  std::uint8_t dscp = 18;   ///< AF21 (NET-01), 0 to 63
  bool direct_tls = false;  ///< also dial _xmpps-server
  TlsProfile tls = TlsProfile::Bcp195_2022;
  EdgeLimits limits;  ///< of servers
  ClientLimits client_limits;
  std::string user;  ///< to become after start, when started as root; empty: stay
  bool operator==(const Edge&) const = default;
};

enum class AuditMode : std::uint8_t { Group, Strict };

struct Audit {
  std::filesystem::path directory;
  AuditMode mode = AuditMode::Group;
  std::uint64_t segment_octets = 64 * 1024 * 1024;
  std::chrono::milliseconds stall{5'000};  ///< D-27
  bool operator==(const Audit&) const = default;
};

struct Guard {
  std::uint16_t lanes = 1;
  std::filesystem::path bundle;
  std::vector<std::filesystem::path> officers;  ///< PEM: keys whose signatures the bundle needs; none: it needs none
  std::uint16_t signatures = 1;                 ///< how many of them have to have signed
  std::filesystem::path shadow;                 ///< a second bundle that is judged and never acts; may be empty
  std::uint32_t shadow_rate = 1'000;            ///< stanzas a second and lane that it is asked about, at most
  std::filesystem::path policy;                 ///< the officer's text, for `sallyport check` only; may be empty
  std::filesystem::path airlock;                ///< directory of the socket files, one per edge: ENCLAVE.sock
  std::filesystem::path control;                ///< socket for `sallyport reload` and `status`; empty: none
  std::chrono::milliseconds hold{20'000};       ///< hold_max of protocol.md 2.7
  std::chrono::milliseconds queue{20'000};      ///< how long stanzas wait for a lost far leg
  std::chrono::milliseconds hol_max{5'000};     ///< D-31
  std::uint64_t memory_octets = 256 * 1024 * 1024;  ///< lent as credit
  std::filesystem::path state;                      ///< folder of the ledger; empty: it ends with the run
  std::string user;
  bool operator==(const Guard&) const = default;
};

struct Config {
  Guard guard;
  Audit audit;
  std::vector<Edge> edges;
  std::string log_level = "info";  ///< debug, info, warning or error; operation only, never stanza content
  std::filesystem::path pid_file;  ///< of `sallyport run`; empty: none
  bool operator==(const Config&) const = default;
};

}  // namespace sallyport::config
