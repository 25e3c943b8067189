#include "policy/bundle_signatures.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>

#include <botan/data_src.h>
#include <botan/ed25519.h>
#include <botan/hash.h>
#include <botan/hex.h>
#include <botan/pubkey.h>
#include <botan/x509_key.h>

#include "inspect/base64.h"

namespace sallyport::policy {
namespace {

constexpr std::string_view kTitle = "sallyport bundle signatures 1";
constexpr std::string_view kBundle = "bundle ";
constexpr std::string_view kSigned = "signed ";
constexpr std::size_t kHashDigits = 64;

template <std::size_t size>
std::string base64(const std::array<std::uint8_t, size>& octets) {
  return inspect::encode_base64({reinterpret_cast<const char*>(octets.data()), size});
}

template <std::size_t size>
bool read_base64(std::string_view text, std::array<std::uint8_t, size>& out) {
  const auto octets = inspect::decode_base64(text);
  if (!octets || octets->size() != size) return false;
  std::ranges::transform(*octets, out.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  return true;
}

bool is_hash(std::string_view text) {
  return text.size() == kHashDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Takes the line up to the next line feed off the front; nullopt if there is none.
std::optional<std::string_view> next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

std::optional<SignedBy> read_signed(std::string_view line) {
  if (!line.starts_with(kSigned)) return std::nullopt;
  line.remove_prefix(kSigned.size());
  const std::size_t space = line.find(' ');
  SignedBy one{};
  if (space == std::string_view::npos || !read_base64(line.substr(0, space), one.key) ||
      !read_base64(line.substr(space + 1), one.signature))
    return std::nullopt;
  return one;
}

}  // namespace

std::expected<OfficerKey, std::string> read_officer_key(std::string_view pem) {
  // The library reports by exceptions. Its words are left out: they could quote a private key that stands here instead.
  try {
    Botan::DataSource_Memory source(reinterpret_cast<const std::uint8_t*>(pem.data()), pem.size());
    const std::unique_ptr<Botan::Public_Key> key(Botan::X509::load_key(source));
    const auto* officer = dynamic_cast<const Botan::Ed25519_PublicKey*>(key.get());
    if (officer == nullptr) return std::unexpected("is a key of kind " + key->algo_name() + ", not Ed25519");
    OfficerKey made{};
    std::ranges::copy(officer->get_public_key(), made.begin());
    return made;
  } catch (const std::exception&) {
    return std::unexpected("holds no public key (PEM)");
  }
}

std::string fingerprint(const OfficerKey& key) {
  const Botan::Ed25519_PublicKey officer(key.data(), key.size());
  const auto hash = Botan::HashFunction::create_or_throw("SHA-256");
  hash->update(officer.subject_public_key());
  return Botan::hex_encode(hash->final(), false);
}

std::string signed_text(std::string_view bundle_hash) {
  return "sallyport bundle signature 1\n" + std::string(bundle_hash) + "\n";
}

bool BundleSignatures::is_good(const SignedBy& one) const {
  const Botan::Ed25519_PublicKey officer(one.key.data(), one.key.size());
  Botan::PK_Verifier verifier(officer, "Pure");
  const std::string text = signed_text(bundle_hash);
  return verifier.verify_message(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), one.signature.data(),
                                 one.signature.size());
}

void BundleSignatures::add(const SignedBy& one) {
  std::erase_if(all, [&](const SignedBy& each) { return each.key == one.key; });
  all.push_back(one);
}

std::string BundleSignatures::text() const {
  std::string out = std::string(kTitle) + "\n" + std::string(kBundle) + bundle_hash + "\n";
  for (const SignedBy& one : all) out += std::string(kSigned) + base64(one.key) + " " + base64(one.signature) + "\n";
  return out;
}

std::expected<BundleSignatures, std::string> BundleSignatures::read(std::string_view text) {
  BundleSignatures made;
  if (next_line(text) != kTitle) return std::unexpected("line 1: is not '" + std::string(kTitle) + "'");
  const auto bundle = next_line(text);
  if (!bundle || !bundle->starts_with(kBundle) || !is_hash(bundle->substr(kBundle.size())))
    return std::unexpected("line 2: does not name the hash of a bundle");
  made.bundle_hash = bundle->substr(kBundle.size());
  for (std::size_t number = 3; !text.empty(); ++number) {
    const auto line = next_line(text);
    const auto one = line ? read_signed(*line) : std::nullopt;
    if (!one) return std::unexpected("line " + std::to_string(number) + ": is no signature");
    const bool is_second = std::ranges::find(made.all, one->key, &SignedBy::key) != made.all.end();
    if (is_second || made.all.size() >= kMostSignatures)
      return std::unexpected("line " + std::to_string(number) +
                             (is_second ? ": is a second signature of one key" : ": too many signatures"));
    made.all.push_back(*one);
  }
  return made;
}

std::expected<std::vector<OfficerKey>, std::string> check_signatures(std::string_view bundle_hash,
                                                                     std::string_view text, const Officers& officers) {
  const auto read = BundleSignatures::read(text);
  if (!read) return std::unexpected(read.error());
  if (read->bundle_hash != bundle_hash)
    return std::unexpected("the signatures are of the bundle " + read->bundle_hash + ", and this one is " +
                           std::string(bundle_hash));
  std::vector<OfficerKey> signers;
  std::string missing;
  for (const OfficerKey& key : officers.keys) {
    const auto found = std::ranges::find(read->all, key, &SignedBy::key);
    if (found == read->all.end()) {
      missing += "\n  not signed by " + fingerprint(key);
    } else if (!read->is_good(*found)) {
      return std::unexpected("the signature of " + fingerprint(key) + " is not by that key, or not of this bundle");
    } else {
      signers.push_back(key);
    }
  }
  if (signers.size() >= officers.needed) return signers;
  return std::unexpected(std::to_string(signers.size()) + " of the officers have signed it, and " +
                         std::to_string(officers.needed) + " have to" + missing);
}

}  // namespace sallyport::policy
