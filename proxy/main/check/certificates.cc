#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

#include <sys/stat.h>
#include <unistd.h>

#include "certs/trust/anchors.h"
#include "certs/trust/tls_contexts.h"
#include "proxy/main/check/check.h"

namespace sallyport::check {

namespace {

using config::Located;
using namespace std::chrono_literals;

constexpr std::int64_t kSoon = std::chrono::seconds(30 * 24h).count();

/// Anchors that can be used all together; each file is tried alone, so that every fault is told.
std::shared_ptr<const trust::Anchors> check_anchors(const Located& located, const config::Edge& edge,
                                                    Findings& findings) {
  const std::string table = "edge." + edge.enclave;
  const std::size_t before = findings.mistakes.size();
  for (std::size_t i = 0; i < edge.anchors.size(); ++i) {
    const auto alone = trust::Anchors::load({.anchors = {edge.anchors[i]}});
    if (alone) continue;
    findings.mistakes.push_back(located.mistake(table + ".anchors[" + std::to_string(i) + "]",
                                                "'" + alone.error().file.string() + "': " + alone.error().what,
                                                "a PEM file with the certificate of an authority is needed"));
  }
  if (findings.mistakes.size() != before) return nullptr;
  for (std::size_t i = 0; i < edge.crls.size(); ++i) {
    const auto alone = trust::Anchors::load({.anchors = edge.anchors, .crls = {edge.crls[i]}});
    if (alone) continue;
    findings.mistakes.push_back(located.mistake(table + ".crls[" + std::to_string(i) + "]",
                                                "'" + alone.error().file.string() + "': " + alone.error().what,
                                                "a PEM file with revocation lists is needed"));
  }
  auto all = trust::Anchors::load({.anchors = edge.anchors, .crls = edge.crls});
  return all ? std::move(*all) : nullptr;
}

bool is_readable(const Located& located, const std::string& key, const std::filesystem::path& file,
                 Findings& findings) {
  if (access(file.c_str(), R_OK) == 0) return true;
  findings.mistakes.push_back(
      located.mistake(key, "'" + file.string() + "' can't be read: " + std::strerror(errno),
                      "check the name and the permissions, and run this as the edge's user or root"));
  return false;
}

void check_key_permissions(const Located& located, const std::string& key, const std::filesystem::path& file,
                           Findings& findings) {
  struct stat facts{};
  if (stat(file.c_str(), &facts) != 0 || (facts.st_mode & (S_IRWXG | S_IRWXO)) == 0) return;
  findings.mistakes.push_back(located.mistake(key, "others than its owner may read '" + file.string() + "'",
                                              "chmod 600 " + file.string() + ", and think about a new one"));
}

trust::CertificatePtr first_certificate(const std::filesystem::path& file) {
  const trust::BioPtr input(BIO_new_file(file.c_str(), "r"));
  return trust::CertificatePtr(input ? PEM_read_bio_X509(input.get(), nullptr, nullptr, nullptr) : nullptr);
}

/// The rest of the file, as the peer will get it.
struct Chain {
  explicit Chain(const std::filesystem::path& file) : certificates(sk_X509_new_null()) {
    const trust::BioPtr input(BIO_new_file(file.c_str(), "r"));
    bool leaf = true;
    while (X509* next = input ? PEM_read_bio_X509(input.get(), nullptr, nullptr, nullptr) : nullptr) {
      if (leaf || sk_X509_push(certificates, next) == 0) X509_free(next);
      leaf = false;
    }
    trust::last_openssl_error();  // the end of the file is one
  }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;
  ~Chain() { sk_X509_pop_free(certificates, X509_free); }

  STACK_OF(X509) * certificates;
};

void check_end(const Located& located, const std::string& key, const std::string& domain, std::int64_t not_after,
               std::int64_t now, Findings& findings) {
  const std::string renew = "renew it: sallyport certs renew, or ask its authority";
  const std::int64_t days = (not_after - now) / std::chrono::seconds(24h).count();
  if (not_after <= now) {
    findings.mistakes.push_back(located.mistake(key, "the certificate for '" + domain + "' has expired", renew));
  } else if (not_after - now < kSoon) {
    findings.warnings.push_back(located.mistake(
        key, "the certificate for '" + domain + "' expires in " + std::to_string(days) + " days", renew));
  }
}

void check_face(const Located& located, const std::string& table, const config::Face& face,
                const trust::Anchors* anchors, std::int64_t now, Findings& findings) {
  if (!is_readable(located, table + ".certificate", face.certificate, findings) ||
      !is_readable(located, table + ".key", face.key, findings)) {
    return;
  }
  check_key_permissions(located, table + ".key", face.key, findings);
  const auto contexts =
      trust::TlsContexts::load({{face.domain, face.certificate, face.key}}, trust::ProfileName::Bcp195_2022);
  for (const trust::TrustFault& fault : contexts->faults()) {
    const std::string key = table + (fault.file == face.key ? ".key" : ".certificate");
    findings.mistakes.push_back(
        located.mistake(key, "'" + fault.file.string() + "': " + fault.what,
                        "it has to be in PEM, the certificate has to name the domain, and the key to belong to it"));
  }
  const auto leaf = first_certificate(face.certificate);
  if (!leaf || !contexts->faults().empty()) return;
  const std::int64_t not_after = contexts->not_after(face.domain);
  check_end(located, table + ".certificate", face.domain, not_after, now, findings);
  if (anchors == nullptr || not_after <= now) return;
  const Chain chain(face.certificate);
  const auto facts = anchors->judge(leaf.get(), chain.certificates, face.domain, trust::Service::XmppServer, now);
  if (facts.revocation == trust::Revocation::Revoked) {
    findings.mistakes.push_back(located.mistake(
        table + ".certificate", "the certificate for '" + face.domain + "' is revoked", "issue a new one"));
  } else if (!facts.chain) {
    findings.warnings.push_back(located.mistake(
        table + ".certificate", "the certificate for '" + face.domain + "' does not lead to an anchor of the enclave",
        "servers that trust only these anchors will refuse it (" + facts.problem + ")"));
  }
}

/// What is shown to a server on behalf of clients.
void check_login(const Located& located, const std::string& table, const config::Login& login, std::int64_t now,
                 Findings& findings) {
  if (!login.probe_password.empty() &&
      is_readable(located, table + ".probe_password", login.probe_password, findings)) {
    check_key_permissions(located, table + ".probe_password", login.probe_password, findings);
  }
  if (login.certificate.empty()) return;
  if (!is_readable(located, table + ".certificate", login.certificate, findings) ||
      !is_readable(located, table + ".key", login.key, findings)) {
    return;
  }
  check_key_permissions(located, table + ".key", login.key, findings);
  const auto contexts = trust::TlsContexts::load({}, trust::ProfileName::Bcp195_2022,
                                                 {{login.domain, login.certificate, login.key, false}});
  for (const trust::TrustFault& fault : contexts->faults()) {
    const std::string key = table + (fault.file == login.key ? ".key" : ".certificate");
    findings.mistakes.push_back(located.mistake(key, "'" + fault.file.string() + "': " + fault.what,
                                                "it has to be in PEM, and the key to belong to the certificate"));
  }
  if (const auto leaf = first_certificate(login.certificate))
    check_end(located, table + ".certificate", login.domain, trust::ends(leaf.get()), now, findings);
}

}  // namespace

void check_certificates(const Located& located, std::int64_t now, Findings& findings) {
  for (const config::Edge& edge : located.config.edges) {
    const auto anchors = check_anchors(located, edge, findings);
    for (std::size_t i = 0; i < edge.faces.size(); ++i) {
      const std::string table = "edge." + edge.enclave + ".face[" + std::to_string(i) + "]";
      check_face(located, table, edge.faces[i], anchors.get(), now, findings);
    }
    for (std::size_t i = 0; i < edge.logins.size(); ++i) {
      const std::string table = "edge." + edge.enclave + ".login[" + std::to_string(i) + "]";
      check_login(located, table, edge.logins[i], now, findings);
    }
  }
}

}  // namespace sallyport::check
