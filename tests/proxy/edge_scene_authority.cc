// The authority of the stage, and its files.
#include <cstdio>

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "edge_scene.h"

namespace sallyport::edge::scene {
namespace {

constexpr long kDay = 86'400;  // seconds

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) throw std::runtime_error("no extension " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* make_certificate(const std::string& name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key, long seconds,
                       const std::string& alt_names = "", const std::string& usage = "") {
  static long serial = 1000;
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -86'400 * 60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509* signer = issuer == nullptr ? certificate : issuer;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  if (issuer == nullptr) {
    add_extension(certificate, signer, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    add_extension(certificate, signer, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate, signer, NID_ext_key_usage, usage);
    add_extension(certificate, signer, NID_subject_alt_name, alt_names);
  }
  X509_sign(certificate, issuer_key, EVP_sha256());
  return certificate;
}

void write_pem(const std::filesystem::path& file, const std::function<void(FILE*)>& write) {
  FILE* out = std::fopen(file.c_str(), "w");
  if (out == nullptr) throw std::runtime_error("cannot write " + file.string());
  write(out);
  std::fclose(out);
}

}  // namespace

Folder::Folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "sallyport-edge-XXXXXX").string();
  path_ = ::mkdtemp(pattern.data());
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Authority::Authority(const Folder& folder, std::string name)
    : folder_(folder.path()), file_(folder / (name + ".pem")), name_(std::move(name)), key_(EVP_EC_gen("P-256")) {
  certificate_.reset(make_certificate(name_, key_.get(), nullptr, key_.get(), 365 * kDay));
  write_pem(file_, [&](FILE* out) { PEM_write_X509(out, certificate_.get()); });
}

config::Face Authority::issue(const std::string& domain, long days) {
  return issue_briefly(domain, days * kDay);
}

config::Face Authority::issue_briefly(const std::string& domain, long seconds) {
  return issue_for(domain, "DNS:" + domain, "serverAuth,clientAuth", seconds);
}

config::Face Authority::issue_client(const std::string& address) {
  return issue_for(address, "otherName:1.3.6.1.5.5.7.8.5;UTF8:" + address, "clientAuth", 30 * kDay);
}

config::Face Authority::issue_for(const std::string& domain, const std::string& alt_names, const std::string& usage,
                                  long seconds) {
  const std::unique_ptr<EVP_PKEY, Free> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, Free> leaf(
      make_certificate(domain, key.get(), certificate_.get(), key_.get(), seconds, alt_names, usage));
  const std::string file = name_ + (usage == "clientAuth" ? "-client-" : "-") + domain;
  config::Face face{domain, folder_ / (file + ".pem"), folder_ / (file + ".key")};
  write_pem(face.certificate, [&](FILE* out) { PEM_write_X509(out, leaf.get()); });
  write_pem(face.key, [&](FILE* out) { PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  return face;
}

std::string Authority::ocsp_answer(const config::Face& about, bool revoked, long seconds) const {
  FILE* in = std::fopen(about.certificate.c_str(), "r");
  if (in == nullptr) throw std::runtime_error("cannot read " + about.certificate.string());
  const std::unique_ptr<X509, Free> leaf(PEM_read_X509(in, nullptr, nullptr, nullptr));
  std::fclose(in);
  const std::unique_ptr<OCSP_BASICRESP, decltype(&OCSP_BASICRESP_free)> basic(OCSP_BASICRESP_new(),
                                                                              &OCSP_BASICRESP_free);
  const std::unique_ptr<OCSP_CERTID, decltype(&OCSP_CERTID_free)> id(
      OCSP_cert_to_id(EVP_sha1(), leaf.get(), certificate_.get()), &OCSP_CERTID_free);
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> from(X509_gmtime_adj(nullptr, -60), &ASN1_TIME_free),
      to(X509_gmtime_adj(nullptr, seconds), &ASN1_TIME_free);
  OCSP_basic_add1_status(basic.get(), id.get(), revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD,
                         OCSP_REVOKED_STATUS_UNSPECIFIED, from.get(), from.get(), to.get());
  OCSP_basic_sign(basic.get(), certificate_.get(), key_.get(), EVP_sha256(), nullptr, 0);
  const std::unique_ptr<OCSP_RESPONSE, decltype(&OCSP_RESPONSE_free)> response(
      OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()), &OCSP_RESPONSE_free);
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response.get(), &der);
  std::string octets(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return octets;
}

std::filesystem::path Authority::list(long seconds) {
  struct FreeTime {
    void operator()(ASN1_TIME* time) const { ASN1_TIME_free(time); }
  };
  const std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> list(X509_CRL_new(), &X509_CRL_free);
  X509_CRL_set_version(list.get(), 1);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_.get()));
  const std::unique_ptr<ASN1_TIME, FreeTime> from(X509_gmtime_adj(nullptr, -3600)),
      to(X509_gmtime_adj(nullptr, seconds));
  X509_CRL_set1_lastUpdate(list.get(), from.get());
  X509_CRL_set1_nextUpdate(list.get(), to.get());
  X509_CRL_sign(list.get(), key_.get(), EVP_sha256());
  const auto file = folder_ / (name_ + ".crl");
  write_pem(file, [&](FILE* out) { PEM_write_X509_CRL(out, list.get()); });
  return file;
}

}  // namespace sallyport::edge::scene
