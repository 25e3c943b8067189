#include "certs/pem.h"

#include <botan/data_src.h>
#include <botan/pkcs10.h>

#include "certs/files.h"

namespace sallyport::certs {
namespace {

constexpr std::size_t kMostCertificates = 1000;

}  // namespace

Result<std::vector<Botan::X509_Certificate>> read_certificates(const std::filesystem::path& file) {
  const auto text = read_file(file);
  if (!text) return std::unexpected(text.error());
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----", kEnd = "-----END CERTIFICATE-----";
  return attempt(file, "is not a certificate", [&] {
    std::vector<Botan::X509_Certificate> found;
    for (auto at = text->find(kBegin); at != text->npos && found.size() < kMostCertificates;) {
      const auto end = text->find(kEnd, at);
      if (end == text->npos) throw std::runtime_error("it is cut off");
      Botan::DataSource_Memory source(text->substr(at, end + kEnd.size() - at) + "\n");
      found.emplace_back(source);
      at = text->find(kBegin, end);
    }
    if (found.empty()) {
      Botan::DataSource_Memory source(*text);
      found.emplace_back(source);
    }
    return found;
  });
}

Result<std::unique_ptr<Botan::Public_Key>> read_request(const std::filesystem::path& file) {
  const auto text = read_file(file);
  if (!text) return std::unexpected(text.error());
  return attempt(file, "is not a usable request", [&] {
    Botan::DataSource_Memory source(*text);
    const Botan::PKCS10_Request request(source);
    std::unique_ptr<Botan::Public_Key> key{request.subject_public_key()};
    if (!request.check_signature(*key)) throw std::runtime_error("its signature is wrong");
    return key;
  });
}

}  // namespace sallyport::certs
