// Private keys: made, read, and written as PEM (PKCS#8) that only their owner can open. They are never printed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include <botan/pk_keys.h>
#include <botan/rng.h>

#include "certs/fault.h"
#include "certs/files.h"

namespace sallyport::certs {

enum class KeyKind : std::uint8_t { EcdsaP256, EcdsaP384, Rsa3072 };
/// "p256", "p384", "rsa3072"; the order is that of the enumerators.
inline constexpr std::string_view kKeyKinds[] = {"p256", "p384", "rsa3072"};

using KeyPtr = std::unique_ptr<Botan::Private_Key>;

Result<KeyPtr> make_key(KeyKind kind, Botan::RandomNumberGenerator& rng);
/// An Ed25519 key, for an officer's signatures of policies. TLS here does not use such keys.
Result<KeyPtr> make_officer_key(Botan::RandomNumberGenerator& rng);
/// PEM or DER, without a passphrase.
Result<KeyPtr> read_key(const std::filesystem::path& file);
Result<void> create_key_file(const std::filesystem::path& file, const Botan::Private_Key& key);
Result<void> replace_key_file(const std::filesystem::path& file, const Botan::Private_Key& key);

/// The digest that a signature with this key uses.
std::string digest_for(const Botan::Private_Key& key);
/// Empty, or why a key is refused (protocol.md 1.5: RSA of 2048 bits, ECDSA P-256 at least).
std::string weakness(const Botan::Public_Key& key);

}  // namespace sallyport::certs
