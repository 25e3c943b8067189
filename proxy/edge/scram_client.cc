#include "proxy/edge/scram_client.h"

#include <charconv>
#include <utility>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "inspect/base64.h"

namespace sallyport::edge {
namespace {

using inspect::Mechanism;

constexpr int kMostIterations = 1'000'000;

const EVP_MD* digest_of(Mechanism mechanism) {
  switch (mechanism) {
    case Mechanism::ScramSha512:
      return EVP_sha512();
    case Mechanism::ScramSha256:
      return EVP_sha256();
    default:
      return EVP_sha1();
  }
}

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hmac(const EVP_MD* digest, std::string_view key, std::string_view text) {
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(digest)), '\0');
  unsigned size = 0;
  HMAC(digest, key.data(), static_cast<int>(key.size()), octets(text), text.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

std::string hash(const EVP_MD* digest, std::string_view text) {
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(digest)), '\0');
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, digest, nullptr);
  return out;
}

/// Cuts off "x=VALUE" and the comma behind it; nullopt when something else stands there.
std::optional<std::string_view> cut(std::string_view& text, char name) {
  const std::string_view part = text.substr(0, text.find(','));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  if (part.size() < 2 || part[0] != name || part[1] != '=') return std::nullopt;
  return part.substr(2);
}

std::string saslname(std::string_view user) {
  std::string name;
  for (const char c : user) {
    if (c == ',')
      name += "=2C";
    else if (c == '=')
      name += "=3D";
    else
      name += c;
  }
  return name;
}

}  // namespace

ScramClient::ScramClient(Mechanism mechanism, std::string_view user, inspect::Secret password, std::string nonce,
                         char flag)
    : mechanism_(mechanism),
      password_(std::move(password)),
      nonce_(std::move(nonce)),
      header_(std::string(1, flag) + ",,"),
      first_bare_("n=" + saslname(user) + ",r=" + nonce_) {}

std::optional<std::string> ScramClient::answer(std::string_view server_first) {
  std::string_view rest = server_first;
  const auto nonce = cut(rest, 'r');
  const auto salt_text = cut(rest, 's');
  const auto count = cut(rest, 'i');
  const auto salt = salt_text ? inspect::decode_base64(*salt_text) : std::nullopt;
  if (!nonce || !salt || !count || !nonce->starts_with(nonce_) || nonce->size() == nonce_.size()) return std::nullopt;
  int iterations = 0;
  const auto [end, fault] = std::from_chars(count->data(), count->data() + count->size(), iterations);
  if (fault != std::errc{} || end != count->data() + count->size() || iterations < 1 || iterations > kMostIterations)
    return std::nullopt;
  const EVP_MD* digest = digest_of(mechanism_);
  std::string salted(static_cast<std::size_t>(EVP_MD_get_size(digest)), '\0');
  const std::string_view password = password_;
  const char* const first = password.empty() ? nullptr : &password.front();
  PKCS5_PBKDF2_HMAC(first, static_cast<int>(password.size()), octets(*salt), static_cast<int>(salt->size()), iterations,
                    digest, static_cast<int>(salted.size()), reinterpret_cast<unsigned char*>(salted.data()));
  const inspect::Secret salted_password(std::move(salted));
  const inspect::Secret client_key(hmac(digest, salted_password, "Client Key"));
  const std::string without_proof = "c=" + inspect::encode_base64(header_) + ",r=" + std::string(*nonce);
  const std::string signed_text = first_bare_ + "," + std::string(server_first) + "," + without_proof;
  std::string proof = hmac(digest, hash(digest, client_key), signed_text);
  for (std::size_t at = 0; at < proof.size(); ++at) proof[at] = static_cast<char>(proof[at] ^ client_key.view()[at]);
  expected_ = "v=" + inspect::encode_base64(hmac(digest, hmac(digest, salted_password, "Server Key"), signed_text));
  return without_proof + ",p=" + inspect::encode_base64(proof);
}

bool ScramClient::is_proof(std::string_view server_final) const {
  return !expected_.empty() && server_final.substr(0, server_final.find(',')) == expected_;
}

}  // namespace sallyport::edge
