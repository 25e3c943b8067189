#include "certs/trust/ocsp.h"

#include <algorithm>
#include <memory>

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "certs/trust/openssl.h"

namespace sallyport::trust {
namespace {

using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, FreeWith<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, FreeWith<OCSP_BASICRESP_free>>;
using CertIdPtr = std::unique_ptr<OCSP_CERTID, FreeWith<OCSP_CERTID_free>>;
using RequestPtr = std::unique_ptr<OCSP_REQUEST, FreeWith<OCSP_REQUEST_free>>;

constexpr std::int64_t kClockSkew = 300;    // seconds; a responder's clock may be ahead
constexpr std::int64_t kWithoutEnd = 3600;  // seconds
constexpr std::int64_t kStatusRequest = 5;  // RFC 7633: the TLS extension status_request
constexpr std::size_t kLongestHost = 253, kLongestTarget = 1024;

void free_stack(STACK_OF(X509) * stack) {
  sk_X509_free(stack);  // not what is in it
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

/// Splits "http://host[:port]/target". False: it is none, or could break out of a header line.
bool split_url(std::string_view url, OcspQuestion& into) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme) || !is_printable(url)) return false;
  url.remove_prefix(kScheme.size());
  const std::size_t slash = std::min(url.find('/'), url.size());
  const std::string_view host = url.substr(0, slash), target = url.substr(slash);
  if (host.empty() || host.size() > kLongestHost || target.size() > kLongestTarget) return false;
  into.host = host;
  if (!target.empty()) into.target = target;
  return true;
}

bool is_signed_by(OCSP_BASICRESP* answer, X509* signer) {
  const std::unique_ptr<STACK_OF(X509), FreeWith<free_stack>> only{sk_X509_new_null()};
  if (!only || sk_X509_push(only.get(), signer) <= 0) return false;
  // Who may sign is decided here, at the time that is asked about; OpenSSL looks at the signature alone.
  const bool good = OCSP_basic_verify(answer, only.get(), nullptr, OCSP_NOINTERN | OCSP_TRUSTOTHER) == 1;
  ERR_clear_error();
  return good;
}

/// RFC 6960 4.2.2.2: certified by the issuer itself, for signing answers.
bool is_delegated(X509* responder, X509* issuer, std::int64_t now) {
  const bool lasts = seconds_since_epoch(X509_get0_notBefore(responder)) <= now &&
                     now <= seconds_since_epoch(X509_get0_notAfter(responder));
  const bool may_sign = (X509_get_extension_flags(responder) & EXFLAG_XKUSAGE) != 0 &&
                        (X509_get_extended_key_usage(responder) & XKU_OCSP_SIGN) != 0;
  const bool good = lasts && may_sign && X509_check_issued(issuer, responder) == X509_V_OK &&
                    X509_verify(responder, X509_get0_pubkey(issuer)) == 1;
  ERR_clear_error();
  return good;
}

bool is_trusted(OCSP_BASICRESP* answer, X509* issuer, std::int64_t now) {
  if (is_signed_by(answer, issuer)) return true;
  const STACK_OF(X509)* enclosed = OCSP_resp_get0_certs(answer);
  for (int at = 0; at < sk_X509_num(enclosed); ++at) {
    X509* responder = sk_X509_value(enclosed, at);
    if (is_delegated(responder, issuer, now) && is_signed_by(answer, responder)) return true;
  }
  return false;
}

struct Status {
  int state = V_OCSP_CERTSTATUS_UNKNOWN;
  ASN1_GENERALIZEDTIME *begins = nullptr, *ends = nullptr;
};

bool find_status(OCSP_BASICRESP* answer, const X509* certificate, const X509* issuer, Status& found) {
  for (const EVP_MD* digest : {EVP_sha1(), EVP_sha256()}) {
    const CertIdPtr id{OCSP_cert_to_id(digest, certificate, issuer)};
    if (id && OCSP_resp_find_status(answer, id.get(), &found.state, nullptr, nullptr, &found.begins, &found.ends) == 1)
      return true;
  }
  return false;
}

}  // namespace

OcspQuestion ocsp_question(const X509* certificate, const X509* issuer) {
  OcspQuestion question;
  const RequestPtr request{OCSP_REQUEST_new()};
  CertIdPtr id{OCSP_cert_to_id(EVP_sha1(), certificate, issuer)};
  if (request && id && OCSP_request_add0_id(request.get(), id.get()) != nullptr) {
    (void)id.release();  // the request's now
    unsigned char* der = nullptr;
    const int size = i2d_OCSP_REQUEST(request.get(), &der);
    if (size > 0) question.request.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
  }
  STACK_OF(OPENSSL_STRING)* urls = X509_get1_ocsp(const_cast<X509*>(certificate));
  for (int at = 0; at < sk_OPENSSL_STRING_num(urls); ++at)
    if (split_url(sk_OPENSSL_STRING_value(urls, at), question)) break;
  X509_email_free(urls);
  ERR_clear_error();
  return question;
}

std::expected<OcspAnswer, std::string> read_ocsp_answer(std::string_view der, X509* certificate, X509* issuer,
                                                        std::int64_t now) {
  if (der.empty() || der.size() > kLargestOcspAnswer) return std::unexpected("no OCSP answer");
  ERR_clear_error();
  const auto* octets = reinterpret_cast<const unsigned char*>(der.data());
  const ResponsePtr response{d2i_OCSP_RESPONSE(nullptr, &octets, static_cast<long>(der.size()))};
  if (!response) return std::unexpected("the OCSP answer can't be read: " + last_openssl_error());
  if (const int status = OCSP_response_status(response.get()); status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return std::unexpected(std::string("the OCSP responder says ") + OCSP_response_status_str(status));
  const BasicPtr answer{OCSP_response_get1_basic(response.get())};
  if (!answer) return std::unexpected("the OCSP answer can't be read: " + last_openssl_error());
  if (!is_trusted(answer.get(), issuer, now))
    return std::unexpected("the OCSP answer is not signed by the issuer or its responder");
  Status status;
  if (!find_status(answer.get(), certificate, issuer, status))
    return std::unexpected("the OCSP answer is about another certificate");
  const std::int64_t begins = seconds_since_epoch(status.begins);
  const std::int64_t ends = status.ends != nullptr ? seconds_since_epoch(status.ends) : begins + kWithoutEnd;
  if (begins == 0 || begins > now + kClockSkew) return std::unexpected("the OCSP answer is not valid yet");
  if (ends < now) return std::unexpected("the OCSP answer is too old");
  const Revocation state = status.state == V_OCSP_CERTSTATUS_GOOD      ? Revocation::Good
                           : status.state == V_OCSP_CERTSTATUS_REVOKED ? Revocation::Revoked
                                                                       : Revocation::Unknown;
  return OcspAnswer{state, ends};
}

bool demands_staple(const X509* certificate) {
  auto* features = static_cast<TLS_FEATURE*>(X509_get_ext_d2i(certificate, NID_tlsfeature, nullptr, nullptr));
  bool demands = false;
  for (int at = 0; at < sk_ASN1_INTEGER_num(features); ++at)
    demands = demands || ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, at)) == kStatusRequest;
  sk_ASN1_INTEGER_pop_free(features, ASN1_INTEGER_free);
  return demands;
}

}  // namespace sallyport::trust
