// A throw-away authority for tests, made with OpenSSL alone, so that it shares no code with what is tested.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <openssl/evp.h>

#include "certs/trust/openssl.h"

namespace sallyport::tests {

using KeyPtr = std::unique_ptr<EVP_PKEY, trust::FreeWith<EVP_PKEY_free>>;

inline constexpr std::int64_t kNow = 1'800'000'000;
inline constexpr std::int64_t kDay = 86'400;

struct Wish {
  std::string common_name = "leaf";
  std::string alt_names{};  ///< OpenSSL's notation: "DNS:a.test,otherName:1.3.6.1.5.5.7.8.5;UTF8:a.test"
  std::string usage = "serverAuth,clientAuth";  ///< "" for none
  std::int64_t not_before = kNow - kDay, not_after = kNow + 90 * kDay;
  std::string key = "P-256";  ///< or "RSA-1024", "RSA-2048"
  const char* digest = "SHA256";
  bool authority = false;
  std::string ocsp{};                          ///< URL of a responder
  bool must_staple = false;                    ///< RFC 7633
  std::vector<unsigned char> raw_alt_names{};  ///< DER in place of alt_names
};

struct Identity {
  trust::CertificatePtr certificate;
  KeyPtr key;
};

class Authority {
 public:
  explicit Authority(const std::string& name);
  /// An authority below another one.
  Authority(const std::string& name, Authority& above);

  Identity issue(const Wish& wish);
  /// A list that names these certificates.
  trust::CrlPtr list(const std::vector<const X509*>& revoked, std::int64_t this_update, std::int64_t next_update);
  /// An OCSP answer about a certificate of this authority, in DER, signed by it or by `responder`. `status`:
  /// V_OCSP_CERTSTATUS_...; `next_update` 0: it names no end.
  std::string answer(const X509* about, int status, std::int64_t this_update, std::int64_t next_update,
                     const Identity* responder = nullptr) const;
  X509* certificate() const { return identity_.certificate.get(); }

 private:
  Identity identity_;
};

/// A directory of its own that goes away with the object.
class Directory {
 public:
  Directory();
  ~Directory();
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  std::filesystem::path write(const std::string& name, const std::vector<X509*>& certificates) const;
  std::filesystem::path write(const std::string& name, X509_CRL* list) const;
  std::filesystem::path write(const std::string& name, EVP_PKEY* key) const;
  std::filesystem::path write_text(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path path_;
};

}  // namespace sallyport::tests
