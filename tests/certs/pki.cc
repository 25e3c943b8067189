#include "tests/certs/pki.h"

#include <fstream>
#include <stdexcept>

#include <openssl/ec.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

namespace sallyport::tests {
namespace {

using trust::BioPtr;
using trust::FreeWith;

void must(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string(what) + ": " + trust::last_openssl_error());
}

KeyPtr make_key(const std::string& kind) {
  if (kind.starts_with("RSA-")) {
    const auto bits = static_cast<std::size_t>(std::stoul(kind.substr(4)));
    return KeyPtr{EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits)};
  }
  return KeyPtr{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", kind.c_str())};
}

void add_extension(X509* subject, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, subject, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  must(extension != nullptr, value.c_str());
  must(X509_add_ext(subject, extension, -1) == 1, "extension");
  X509_EXTENSION_free(extension);
}

void set_time(ASN1_TIME* to, std::int64_t seconds) {
  must(ASN1_TIME_set(to, static_cast<time_t>(seconds)) != nullptr, "time");
}

Identity make(const Wish& wish, const Identity* issuer) {
  Identity made{trust::CertificatePtr{X509_new()}, make_key(wish.key)};
  must(made.key != nullptr, "key");
  X509* subject = made.certificate.get();
  X509* above = issuer == nullptr ? subject : issuer->certificate.get();
  X509_set_version(subject, X509_VERSION_3);
  static std::int64_t serial = 0x1000;
  ASN1_INTEGER_set_int64(X509_get_serialNumber(subject), ++serial);
  auto* name = reinterpret_cast<const unsigned char*>(wish.common_name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(subject), "CN", MBSTRING_UTF8, name, -1, -1, 0);
  X509_set_issuer_name(subject, X509_get_subject_name(above));
  set_time(X509_getm_notBefore(subject), wish.not_before);
  set_time(X509_getm_notAfter(subject), wish.not_after);
  X509_set_pubkey(subject, made.key.get());
  add_extension(subject, above, NID_basic_constraints, wish.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  add_extension(subject, above, NID_key_usage, wish.authority ? "critical,keyCertSign,cRLSign" : "digitalSignature");
  add_extension(subject, above, NID_subject_key_identifier, "hash");
  if (issuer != nullptr) add_extension(subject, above, NID_authority_key_identifier, "keyid");
  if (!wish.authority && !wish.usage.empty()) add_extension(subject, above, NID_ext_key_usage, wish.usage);
  if (!wish.alt_names.empty()) add_extension(subject, above, NID_subject_alt_name, wish.alt_names);
  if (!wish.ocsp.empty()) add_extension(subject, above, NID_info_access, "OCSP;URI:" + wish.ocsp);
  if (wish.must_staple) add_extension(subject, above, NID_tlsfeature, "status_request");
  if (!wish.raw_alt_names.empty()) {
    ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, wish.raw_alt_names.data(), static_cast<int>(wish.raw_alt_names.size()));
    X509_EXTENSION* extension = X509_EXTENSION_create_by_NID(nullptr, NID_subject_alt_name, 0, value);
    must(X509_add_ext(subject, extension, -1) == 1, "raw extension");
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
  }
  EVP_PKEY* signer = issuer == nullptr ? made.key.get() : issuer->key.get();
  must(X509_sign(subject, signer, EVP_get_digestbyname(wish.digest)) > 0, "signature");
  return made;
}

Wish authority_wish(const std::string& name) {
  return {.common_name = name, .usage = "", .not_after = kNow + 3650 * kDay, .authority = true};
}

BioPtr create(const std::filesystem::path& file) {
  BioPtr out{BIO_new_file(file.c_str(), "w")};
  must(out != nullptr, "file");
  return out;
}

}  // namespace

Authority::Authority(const std::string& name) : identity_(make(authority_wish(name), nullptr)) {}

Authority::Authority(const std::string& name, Authority& above) : identity_(above.issue(authority_wish(name))) {}

Identity Authority::issue(const Wish& wish) {
  return make(wish, &identity_);
}

trust::CrlPtr Authority::list(const std::vector<const X509*>& revoked, std::int64_t this_update,
                              std::int64_t next_update) {
  trust::CrlPtr list{X509_CRL_new()};
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate()));
  const std::unique_ptr<ASN1_TIME, FreeWith<ASN1_TIME_free>> time{ASN1_TIME_new()};
  set_time(time.get(), this_update);
  X509_CRL_set1_lastUpdate(list.get(), time.get());
  for (const X509* one : revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, const_cast<ASN1_INTEGER*>(X509_get0_serialNumber(one)));
    X509_REVOKED_set_revocationDate(entry, time.get());
    must(X509_CRL_add0_revoked(list.get(), entry) == 1, "entry");
  }
  set_time(time.get(), next_update);
  X509_CRL_set1_nextUpdate(list.get(), time.get());
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate(), nullptr, nullptr, list.get(), 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, NID_authority_key_identifier, "keyid");
  must(extension != nullptr && X509_CRL_add_ext(list.get(), extension, -1) == 1, "key identifier");
  X509_EXTENSION_free(extension);
  must(X509_CRL_sign(list.get(), identity_.key.get(), EVP_sha256()) > 0, "signature");
  return list;
}

std::string Authority::answer(const X509* about, int status, std::int64_t this_update, std::int64_t next_update,
                              const Identity* responder) const {
  using TimePtr = std::unique_ptr<ASN1_TIME, FreeWith<ASN1_TIME_free>>;
  const TimePtr begins{ASN1_TIME_set(nullptr, static_cast<time_t>(this_update))};
  const TimePtr ends{ASN1_TIME_set(nullptr, static_cast<time_t>(next_update))};
  const std::unique_ptr<OCSP_BASICRESP, FreeWith<OCSP_BASICRESP_free>> basic{OCSP_BASICRESP_new()};
  const std::unique_ptr<OCSP_CERTID, FreeWith<OCSP_CERTID_free>> id{OCSP_cert_to_id(EVP_sha1(), about, certificate())};
  must(OCSP_basic_add1_status(basic.get(), id.get(), status, OCSP_REVOKED_STATUS_UNSPECIFIED, begins.get(),
                              begins.get(), next_update != 0 ? ends.get() : nullptr) != nullptr,
       "status");
  const Identity& signer = responder != nullptr ? *responder : identity_;
  must(OCSP_basic_sign(basic.get(), signer.certificate.get(), signer.key.get(), EVP_sha256(), nullptr, 0) == 1,
       "signature");
  const std::unique_ptr<OCSP_RESPONSE, FreeWith<OCSP_RESPONSE_free>> response{
      OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get())};
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response.get(), &der);
  must(size > 0, "answer");
  std::string octets(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return octets;
}

Directory::Directory() {
  std::string name = (std::filesystem::temp_directory_path() / "sallyport-certs-XXXXXX").string();
  must(mkdtemp(name.data()) != nullptr, "directory");
  path_ = name;
}

Directory::~Directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path Directory::write(const std::string& name, const std::vector<X509*>& certificates) const {
  const auto out = create(path_ / name);
  for (X509* one : certificates) must(PEM_write_bio_X509(out.get(), one) == 1, "certificate");
  return path_ / name;
}

std::filesystem::path Directory::write(const std::string& name, X509_CRL* list) const {
  must(PEM_write_bio_X509_CRL(create(path_ / name).get(), list) == 1, "list");
  return path_ / name;
}

std::filesystem::path Directory::write(const std::string& name, EVP_PKEY* key) const {
  must(PEM_write_bio_PKCS8PrivateKey(create(path_ / name).get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
       "key");
  return path_ / name;
}

std::filesystem::path Directory::write_text(const std::string& name, const std::string& text) const {
  std::ofstream(path_ / name) << text;
  return path_ / name;
}

}  // namespace sallyport::tests
