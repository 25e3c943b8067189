// Who has signed a bundle: Ed25519 signatures of officers (RFC 8032), kept as text beside it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::policy {

/// The file of signatures is named as the bundle with this at its end.
inline constexpr std::string_view kSignaturesEnd = ".sig";
inline constexpr std::size_t kMostSignatures = 64;
inline constexpr std::size_t kLargestSignatures = 16 * 1024;  ///< octets

using OfficerKey = std::array<std::uint8_t, 32>;  ///< public
using Signature = std::array<std::uint8_t, 64>;

/// Reads a public key: PEM of a SubjectPublicKeyInfo (RFC 8410), as `openssl pkey -pubout` writes it too. Error: what
/// is wrong.
std::expected<OfficerKey, std::string> read_officer_key(std::string_view pem);
/// How people tell keys apart: SHA-256 of the SubjectPublicKeyInfo, lower case hex.
std::string fingerprint(const OfficerKey& key);

/// What a signature is of: a title, and the hash of the bundle, which is its name in every record.
std::string signed_text(std::string_view bundle_hash);

struct SignedBy {
  OfficerKey key;
  Signature signature;
  bool operator==(const SignedBy&) const = default;
};

/// The content of the file: the bundle's hash, and one signature of each key, in the order in which they were made.
struct BundleSignatures {
  std::string bundle_hash;
  std::vector<SignedBy> all;

  /// Whether the signature is one of that key, over this bundle.
  bool is_good(const SignedBy& one) const;
  /// In place of an earlier one of that key.
  void add(const SignedBy& one);

  std::string text() const;
  /// Only what text() gives. Error: what is wrong, with the line.
  static std::expected<BundleSignatures, std::string> read(std::string_view text);
};

/// Whose signatures a guard asks for, and how many of them.
struct Officers {
  std::vector<OfficerKey> keys;  ///< none: no signature is asked for
  std::size_t needed = 1;
};

/// The listed officers who have signed the bundle, in the order of the list. Error, for the operator: signatures of
/// another bundle, a listed key with a signature that is not its own, or fewer good ones than needed. `text` is the
/// content of the file of signatures.
std::expected<std::vector<OfficerKey>, std::string> check_signatures(std::string_view bundle_hash,
                                                                     std::string_view text, const Officers& officers);

}  // namespace sallyport::policy
