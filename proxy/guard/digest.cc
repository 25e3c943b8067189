#include "proxy/guard/digest.h"

#include <botan/hash.h>

namespace sallyport::guard {

Sha256::Sha256() : hash_(Botan::HashFunction::create_or_throw("SHA-256")) {}
Sha256::~Sha256() = default;

audit::Digest Sha256::operator()(std::string_view octets) {
  audit::Digest digest;
  hash_->update(reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size());
  hash_->final(digest.data());
  return digest;
}

}  // namespace sallyport::guard
