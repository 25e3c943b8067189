// Reads certificates and requests from files.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include <botan/pk_keys.h>
#include <botan/x509cert.h>

#include "certs/fault.h"

namespace sallyport::certs {

/// All certificates of a file, one at least; PEM, or a single one in DER.
Result<std::vector<Botan::X509_Certificate>> read_certificates(const std::filesystem::path& file);
/// The key of a PKCS#10 request whose signature proves that its maker holds it.
Result<std::unique_ptr<Botan::Public_Key>> read_request(const std::filesystem::path& file);

}  // namespace sallyport::certs
