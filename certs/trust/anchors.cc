#include "certs/trust/anchors.h"

#include <algorithm>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

namespace sallyport::trust {
namespace {

constexpr std::size_t kLongestSerial = 64;  // octets of hex; RFC 5280 4.1.2.2 asks for 20 octets at most

// Reads PEM objects up to the end of the file. The end is told by PEM_R_NO_START_LINE; all else is damage.
template <class Read, class Take>
std::expected<void, TrustFault> read_all(const std::filesystem::path& file, const char* kind, Read read, Take take) {
  ERR_clear_error();
  const BioPtr in{BIO_new_file(file.c_str(), "r")};
  if (!in) return std::unexpected(TrustFault{file, "cannot be read: " + last_openssl_error()});
  std::size_t count = 0;
  while (auto object = read(in.get())) {
    if (!take(std::move(object))) return std::unexpected(TrustFault{file, "refused: " + last_openssl_error()});
    ++count;
  }
  const unsigned long code = ERR_peek_last_error();
  if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
    return std::unexpected(TrustFault{file, std::string("damaged ") + kind + ": " + last_openssl_error()});
  ERR_clear_error();
  if (count == 0) return std::unexpected(TrustFault{file, std::string("holds no ") + kind});
  return {};
}

struct Progress {
  PeerFacts& facts;
  std::int64_t now;
  std::chrono::seconds grace;
  bool needs_answer = false;  // there is no list about the peer's own certificate
};

bool is_about_a_list(int error) {
  switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
      return true;
    default:
      return false;
  }
}

// An anchor is trusted because the operator put it there; nobody publishes a list about it that we must have. A peer's
// own certificate is never excused, even if it is an anchor itself.
bool is_about_the_anchor(X509_STORE_CTX* state) {
  const int depth = X509_STORE_CTX_get_error_depth(state);
  return depth > 0 && depth + 1 == sk_X509_num(X509_STORE_CTX_get0_chain(state));
}

bool is_within_grace(X509_STORE_CTX* state, const Progress& progress) {
  const X509_CRL* list = X509_STORE_CTX_get0_current_crl(state);
  return list != nullptr &&
         progress.now <= seconds_since_epoch(X509_CRL_get0_nextUpdate(list)) + progress.grace.count();
}

int on_verify_step(int good, X509_STORE_CTX* state) {
  if (good == 1) return 1;
  const int error = X509_STORE_CTX_get_error(state);
  auto& progress = *static_cast<Progress*>(X509_STORE_CTX_get_app_data(state));
  PeerFacts& facts = progress.facts;
  const auto note = [&] {
    if (facts.problem.empty()) facts.problem = X509_verify_cert_error_string(error);
  };
  // Revocation is a fact of its own beside the chain, so a missing list does not stop the verification, and an old list
  // that names the certificate still counts.
  if (error == X509_V_ERR_CERT_REVOKED) {
    facts.revocation = Revocation::Revoked;
    facts.problem = X509_verify_cert_error_string(error);
    return 1;
  }
  if (!is_about_a_list(error)) {
    note();
    return 0;
  }
  if (is_about_the_anchor(state)) return 1;
  // T-17: a list that has become too old is not replaced by an answer.
  if (error == X509_V_ERR_UNABLE_TO_GET_CRL && X509_STORE_CTX_get_error_depth(state) == 0) {
    progress.needs_answer = true;
    return 1;
  }
  note();
  const bool eased = error == X509_V_ERR_CRL_HAS_EXPIRED && is_within_grace(state, progress);
  if (!eased && facts.revocation == Revocation::Good) facts.revocation = Revocation::Unknown;
  return 1;
}

std::string spki_sha256(const X509* certificate) {
  unsigned char* der = nullptr;
  const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (length <= 0) return {};
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(der, static_cast<std::size_t>(length), reinterpret_cast<unsigned char*>(digest.data()));
  OPENSSL_free(der);
  return digest;
}

std::string serial_hex(const X509* certificate) {
  constexpr char kDigits[] = "0123456789abcdef";
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  const unsigned char* octets = ASN1_STRING_get0_data(serial);
  std::string hex = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER ? "-" : "";
  for (int at = 0; at < ASN1_STRING_length(serial) && hex.size() + 2 <= kLongestSerial; ++at) {
    hex += kDigits[octets[at] >> 4];
    hex += kDigits[octets[at] & 15];
  }
  return hex;
}

}  // namespace

std::expected<std::shared_ptr<const Anchors>, TrustFault> Anchors::load(TrustSettings settings) {
  std::shared_ptr<Anchors> anchors{new Anchors(std::move(settings))};
  anchors->store_.reset(X509_STORE_new());
  X509_STORE* store = anchors->store_.get();
  const auto read_certificate = [](BIO* in) {
    return CertificatePtr{PEM_read_bio_X509(in, nullptr, nullptr, nullptr)};
  };
  for (const auto& file : anchors->settings_.anchors) {
    const auto add = [store](const CertificatePtr& anchor) { return X509_STORE_add_cert(store, anchor.get()) == 1; };
    if (auto read = read_all(file, "certificate", read_certificate, add); !read) return std::unexpected(read.error());
  }
  const auto read_list = [](BIO* in) { return CrlPtr{PEM_read_bio_X509_CRL(in, nullptr, nullptr, nullptr)}; };
  for (const auto& file : anchors->settings_.crls) {
    const auto add = [&anchors, store](const CrlPtr& list) {
      const auto next = seconds_since_epoch(X509_CRL_get0_nextUpdate(list.get()));
      if (next != 0 && (anchors->next_update_ == 0 || next < anchors->next_update_)) anchors->next_update_ = next;
      return X509_STORE_add_crl(store, list.get()) == 1;
    };
    if (auto read = read_all(file, "revocation list", read_list, add); !read) return std::unexpected(read.error());
  }
  return anchors;
}

struct Anchors::Case {
  X509* certificate = nullptr;
  STACK_OF(X509) * chain = nullptr;
  Role role = Role::Server;
  std::int64_t now = 0;
  OcspAnswers answers{};
};

namespace {

/// What this session holds; the views are as long-lived as it is.
OcspAnswers answers_of(const SSL* ssl, std::string_view fetched) {
  OcspAnswers answers{.fetched = fetched, .may_staple = SSL_is_server(ssl) == 0};
  const unsigned char* der = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(const_cast<SSL*>(ssl), static_cast<void*>(&der));
  if (size > 0) answers.stapled = {reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)};
  return answers;
}

void take_answer(X509* certificate, X509* issuer, std::int64_t now, const OcspAnswers& answers, PeerFacts& facts) {
  facts.revocation = Revocation::Unknown;
  facts.problem = X509_verify_cert_error_string(X509_V_ERR_UNABLE_TO_GET_CRL);
  if (issuer == nullptr) return;
  for (const std::string_view der : {answers.stapled, answers.fetched}) {
    if (der.empty()) continue;
    const auto answer = read_ocsp_answer(der, certificate, issuer, now);
    if (!answer) {
      facts.problem = answer.error();
      continue;
    }
    facts.revocation = answer->state;
    facts.answer_ends = answer->ends;
    facts.problem = answer->state == Revocation::Good      ? ""
                    : answer->state == Revocation::Revoked ? "revoked, by OCSP"
                                                           : "the OCSP responder does not know it";
    if (answer->state != Revocation::Unknown) return;
  }
}

}  // namespace

PeerFacts Anchors::judge_peer(const SSL* ssl, std::string_view domain, Service service, std::int64_t now,
                              std::string_view fetched) const {
  X509* certificate = SSL_get0_peer_certificate(ssl);
  return judge(certificate, SSL_get_peer_cert_chain(ssl), domain, service, now, answers_of(ssl, fetched));
}

PeerFacts Anchors::judge(X509* certificate, STACK_OF(X509) * chain, std::string_view domain, Service service,
                         std::int64_t now, const OcspAnswers& answers) const {
  // T-12: a server's certificate is judged as a server's in both roles; an EKU of clientAuth alone does not name a
  // server.
  PeerFacts facts = examine({certificate, chain, Role::Server, now, answers});
  facts.identity = names_domain(facts.names, domain, service);
  if (facts.chain && !facts.identity && facts.problem.empty()) facts.problem = "names another domain";
  return facts;
}

PeerFacts Anchors::judge_client(const SSL* ssl, std::string_view domain, std::int64_t now,
                                std::string_view fetched) const {
  PeerFacts facts = examine(
      {SSL_get0_peer_certificate(ssl), SSL_get_peer_cert_chain(ssl), Role::Client, now, answers_of(ssl, fetched)});
  facts.identity = !accounts(facts.names, domain).empty();
  if (facts.chain && !facts.identity && facts.problem.empty()) facts.problem = "names no account of the domain";
  return facts;
}

std::optional<OcspQuestion> Anchors::open_question(const SSL* ssl, Role role, std::int64_t now) const {
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return std::nullopt;
  PeerFacts facts;
  const auto issuer = verify({certificate, SSL_get_peer_cert_chain(ssl), role, now, answers_of(ssl, {})}, facts);
  if (!issuer || facts.revocation != Revocation::Unknown) return std::nullopt;
  return ocsp_question(certificate, issuer.get());
}

PeerFacts Anchors::examine(const Case& judged) const {
  PeerFacts facts;
  const X509* certificate = judged.certificate;
  if (certificate == nullptr) {
    facts.problem = "no certificate";
    return facts;
  }
  facts.presented = true;
  facts.names = certificate_names(certificate);
  facts.spki_sha256 = spki_sha256(certificate);
  facts.serial = serial_hex(certificate);
  facts.not_after = seconds_since_epoch(X509_get0_notAfter(certificate));
  verify(judged, facts);
  return facts;
}

CertificatePtr Anchors::verify(const Case& judged, PeerFacts& facts) const {
  const TlsProfile& profile = tls_profile(settings_.profile);
  Progress progress{facts, judged.now, settings_.grace};
  const std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>> state{X509_STORE_CTX_new()};
  if (!state || X509_STORE_CTX_init(state.get(), store_.get(), judged.certificate, judged.chain) != 1) {
    facts.problem = last_openssl_error();
    return nullptr;
  }
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(state.get());
  X509_VERIFY_PARAM_set_time(parameters, judged.now);
  X509_VERIFY_PARAM_set_depth(parameters, static_cast<int>(profile.certificates));
  X509_VERIFY_PARAM_set_auth_level(parameters, profile.security_level);
  X509_VERIFY_PARAM_set_purpose(parameters,
                                judged.role == Role::Server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT);
  // An enclave may trust an intermediate authority without trusting all that stands above it.
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
  if (settings_.revocation) {
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    facts.revocation = Revocation::Good;
  }
  X509_STORE_CTX_set_app_data(state.get(), &progress);
  X509_STORE_CTX_set_verify_cb(state.get(), on_verify_step);
  facts.chain = X509_verify_cert(state.get()) == 1;
  // Without a chain nobody vouches for the list either.
  if (!facts.chain && facts.revocation == Revocation::Good) facts.revocation = Revocation::Unknown;
  if (!facts.chain && facts.problem.empty())
    facts.problem = X509_verify_cert_error_string(X509_STORE_CTX_get_error(state.get()));
  const STACK_OF(X509)* found = X509_STORE_CTX_get0_chain(state.get());
  X509* above = facts.chain && sk_X509_num(found) > 1 ? sk_X509_value(found, 1) : nullptr;
  CertificatePtr issuer;
  if (facts.chain && progress.needs_answer && facts.revocation == Revocation::Good) {
    if (above != nullptr && X509_up_ref(above) == 1) issuer.reset(above);
    take_answer(judged.certificate, above, judged.now, judged.answers, facts);
  }
  if (facts.revocation == Revocation::Good && judged.answers.may_staple && demands_staple(judged.certificate) &&
      (above == nullptr || !read_ocsp_answer(judged.answers.stapled, judged.certificate, above, judged.now))) {
    facts.revocation = Revocation::Unknown;
    facts.problem = "the certificate demands a stapled OCSP answer";
  }
  ERR_clear_error();
  return issuer;
}

}  // namespace sallyport::trust
