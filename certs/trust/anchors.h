// What one enclave trusts: its anchors and revocation lists, and the judgement of a peer's certificate by them
// (protocol.md 1.4). There is no other trust: neither the system's store nor another enclave's.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "certs/trust/certificate_names.h"
#include "certs/trust/ocsp.h"
#include "certs/trust/openssl.h"
#include "certs/trust/revocation.h"
#include "certs/trust/tls_profile.h"

namespace sallyport::trust {

/// What can be said of the certificate that a peer has shown and proved to hold.
struct PeerFacts {
  bool presented = false;
  bool chain = false;     ///< a path to an anchor of the enclave, valid now, for use by a server (T-12)
  bool identity = false;  ///< names the domain it was checked for
  Revocation revocation = Revocation::NotChecked;
  std::int64_t answer_ends = 0;    ///< seconds since 1970: the OCSP answer that told its state; 0: none did
  std::vector<std::string> names;  ///< as certificate_names() gives them
  std::string spki_sha256;         ///< 32 octets
  std::string serial;              ///< lower case hex
  std::int64_t not_after = 0;      ///< seconds since 1970
  std::string problem;             ///< empty, or what failed, for the record only
};

struct TrustSettings {
  std::vector<std::filesystem::path> anchors{};  ///< PEM, any number of certificates in each
  std::vector<std::filesystem::path> crls{};     ///< PEM
  bool revocation = true;                        ///< false: facts say NotChecked
  std::chrono::seconds grace{0};                 ///< how long a list counts after its nextUpdate (PKI-06)
  ProfileName profile = ProfileName::Bcp195_2022;
};

/// What OCSP responders have said of a certificate. It is asked for where no list tells, stapled before fetched (T-17).
struct OcspAnswers {
  std::string_view stapled{}, fetched{};  ///< DER; empty: none
  bool may_staple = false;                ///< the peer is the server in TLS, and could have stapled one
};

/// Immutable once loaded, so that lanes share it; a reload makes a new one and swaps the pointer.
class Anchors {
 public:
  /// What a peer's certificate is to be good for.
  enum class Role : std::uint8_t { Server, Client };

  /// The first file that can't be read, is empty or holds something else is the fault.
  static std::expected<std::shared_ptr<const Anchors>, TrustFault> load(TrustSettings settings);

  /// Judges what the peer showed in a finished handshake. `domain` is prepared; it may be one that was learned only
  /// after the handshake (the `from` of a stream), and another one each time. `now`: seconds since 1970. `fetched`: an
  /// OCSP answer; one that is stapled is found by itself.
  PeerFacts judge_peer(const SSL* ssl, std::string_view domain, Service service, std::int64_t now,
                       std::string_view fetched = {}) const;
  /// The same of a certificate and the chain that came with it (may be null).
  PeerFacts judge(X509* certificate, STACK_OF(X509) * chain, std::string_view domain, Service service, std::int64_t now,
                  const OcspAnswers& answers = {}) const;

  /// Judges a client: for use by a client, and `identity` says that it names accounts of `domain` (prepared).
  PeerFacts judge_client(const SSL* ssl, std::string_view domain, std::int64_t now,
                         std::string_view fetched = {}) const;

  /// What is to be asked about the peer of a finished handshake: its chain is good, and neither a list nor a stapled
  /// answer tells its state.
  std::optional<OcspQuestion> open_question(const SSL* ssl, Role role, std::int64_t now) const;

  /// When the first of the lists wants to be replaced, seconds since 1970; 0 without lists. Live streams are judged
  /// again then (T-14).
  std::int64_t next_update() const { return next_update_; }

 private:
  struct Case;
  explicit Anchors(TrustSettings settings) : settings_(std::move(settings)) {}
  PeerFacts examine(const Case& judged) const;
  /// Gives the issuer where only an OCSP answer can tell the state.
  CertificatePtr verify(const Case& judged, PeerFacts& facts) const;

  TrustSettings settings_;
  StorePtr store_;
  std::int64_t next_update_ = 0;
};

}  // namespace sallyport::trust
