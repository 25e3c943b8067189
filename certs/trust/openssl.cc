#include "certs/trust/openssl.h"

#include <ctime>

#include <openssl/err.h>

namespace sallyport::trust {

std::string last_openssl_error() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown OpenSSL error" : reason;
}

std::int64_t seconds_since_epoch(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return timegm(&parts);
}

std::int64_t ends(const X509* certificate) {
  return certificate == nullptr ? 0 : seconds_since_epoch(X509_get0_notAfter(certificate));
}

}  // namespace sallyport::trust
