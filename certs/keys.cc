#include "certs/keys.h"

#include <botan/data_src.h>
#include <botan/ecdsa.h>
#include <botan/ed25519.h>
#include <botan/mem_ops.h>
#include <botan/pkcs8.h>
#include <botan/rsa.h>

namespace sallyport::certs {
namespace {

// Text that holds a key, wiped when it goes.
class SecretText {
 public:
  explicit SecretText(std::string text) : text_(std::move(text)) {}
  ~SecretText() { Botan::secure_scrub_memory(text_.data(), text_.size()); }
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

Result<KeyPtr> make_key(KeyKind kind, Botan::RandomNumberGenerator& rng) {
  return attempt({}, "no key could be made", [&]() -> KeyPtr {
    switch (kind) {
      case KeyKind::EcdsaP256:
        return std::make_unique<Botan::ECDSA_PrivateKey>(rng, Botan::EC_Group("secp256r1"));
      case KeyKind::EcdsaP384:
        return std::make_unique<Botan::ECDSA_PrivateKey>(rng, Botan::EC_Group("secp384r1"));
      case KeyKind::Rsa3072:
        return std::make_unique<Botan::RSA_PrivateKey>(rng, 3072);
    }
    return nullptr;
  });
}

Result<KeyPtr> make_officer_key(Botan::RandomNumberGenerator& rng) {
  return attempt({}, "no key could be made",
                 [&]() -> KeyPtr { return std::make_unique<Botan::Ed25519_PrivateKey>(rng); });
}

Result<KeyPtr> read_key(const std::filesystem::path& file) {
  auto read = read_file(file);
  if (!read) return std::unexpected(read.error());
  const SecretText secret{*std::move(read)};
  if (secret.text().contains("BEGIN ENCRYPTED PRIVATE KEY") || secret.text().contains("Proc-Type: 4,ENCRYPTED")) {
    return std::unexpected(Fault{file, "is protected by a passphrase, which a service can't be asked for",
                                 "write it without one: openssl pkey -in KEY -out PLAIN"});
  }
  if (secret.text().contains("BEGIN EC PRIVATE KEY") || secret.text().contains("BEGIN RSA PRIVATE KEY")) {
    return std::unexpected(
        Fault{file, "is in an old form (not PKCS#8)", "convert it: openssl pkcs8 -topk8 -nocrypt -in KEY -out PKCS8"});
  }
  // The library's own words are left out: they could quote what it read.
  try {
    Botan::DataSource_Memory source(secret.text());
    return Botan::PKCS8::load_key(source);
  } catch (const std::exception&) {
    return std::unexpected(Fault{file, "holds no private key"});
  }
}

Result<void> create_key_file(const std::filesystem::path& file, const Botan::Private_Key& key) {
  const SecretText secret{Botan::PKCS8::PEM_encode(key)};
  return create_file(file, secret.text(), Privacy::Private);
}

Result<void> replace_key_file(const std::filesystem::path& file, const Botan::Private_Key& key) {
  const SecretText secret{Botan::PKCS8::PEM_encode(key)};
  return replace_file(file, secret.text(), Privacy::Private);
}

std::string digest_for(const Botan::Private_Key& key) {
  return key.algo_name() == "ECDSA" && key.key_length() > 256 ? "SHA-384" : "SHA-256";
}

std::string weakness(const Botan::Public_Key& key) {
  const auto bits = std::to_string(key.key_length());
  if (key.algo_name() == "RSA") return key.key_length() < 2048 ? "RSA of " + bits + " bits is too short" : "";
  if (key.algo_name() == "ECDSA") return key.key_length() < 256 ? "ECDSA of " + bits + " bits is too short" : "";
  return "a key of kind " + key.algo_name() + " is not used by TLS here";
}

}  // namespace sallyport::certs
