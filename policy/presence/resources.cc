#include "policy/presence/resources.h"

#include <algorithm>
#include <stdexcept>

#include <botan/aead.h>
#include <botan/exceptn.h>

#include "inspect/base64.h"

namespace sallyport::policy::presence {
namespace {

using Octets = Botan::secure_vector<std::uint8_t>;

constexpr std::size_t kTag = 16;
/// Resources are filled up to a multiple of this, so that a name tells little of how long its resource is. They hold no
/// NUL, with which they are filled.
constexpr std::size_t kBlock = 16;
static_assert(ResourceNames::kLongest % kBlock == 0);

constexpr std::size_t text_size(std::size_t octets) {
  return (octets * 4 + 2) / 3;
}
static_assert(text_size(kTag + ResourceNames::kLongest) == 512);

std::string to_text(const Octets& octets) {
  std::string text = inspect::encode_base64({reinterpret_cast<const char*>(octets.data()), octets.size()});
  text.resize(text_size(octets.size()));
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

/// Tag and blocks, from their one spelling; nullopt for all else.
std::optional<Octets> of_text(std::string_view text) {
  if (text.size() < text_size(kTag + kBlock) || text.size() > text_size(kTag + ResourceNames::kLongest))
    return std::nullopt;
  if (text.find_first_of("+/=") != std::string_view::npos) return std::nullopt;
  std::string plain(text);
  std::ranges::replace(plain, '-', '+');
  std::ranges::replace(plain, '_', '/');
  plain.append((4 - plain.size() % 4) % 4, '=');
  const auto octets = inspect::decode_base64(plain);
  if (!octets || octets->size() % kBlock != 0) return std::nullopt;
  return Octets(octets->begin(), octets->end());
}

/// Neither a bare JID nor a domain holds a line feed.
void associate(Botan::AEAD_Mode& mode, std::string_view user, std::string_view far) {
  std::string both;
  both.reserve(user.size() + 1 + far.size());
  both.append(user).append(1, '\n').append(far);
  mode.set_associated_data(reinterpret_cast<const std::uint8_t*>(both.data()), both.size());
}

std::unique_ptr<Botan::AEAD_Mode> make(Botan::Cipher_Dir direction, std::string_view key) {
  auto mode = Botan::AEAD_Mode::create_or_throw("AES-128/SIV", direction);
  mode->set_key(reinterpret_cast<const std::uint8_t*>(key.data()), key.size());
  return mode;
}

}  // namespace

ResourceNames::ResourceNames(std::string_view key) {
  constexpr std::string_view kZeros("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", kKeyOctets);
  if (key.empty()) key = kZeros;
  if (key.size() != kKeyOctets) throw std::invalid_argument("the key of resource names has not 32 octets");
  hiding_ = make(Botan::ENCRYPTION, key);
  restoring_ = make(Botan::DECRYPTION, key);
}
ResourceNames::ResourceNames(ResourceNames&&) noexcept = default;
ResourceNames& ResourceNames::operator=(ResourceNames&&) noexcept = default;
ResourceNames::~ResourceNames() = default;

std::optional<std::string> ResourceNames::hide(std::string_view resource, std::string_view user, std::string_view far) {
  if (resource.size() > kLongest) return std::nullopt;
  Octets octets(resource.begin(), resource.end());
  octets.resize(std::max(kBlock, (resource.size() + kBlock - 1) / kBlock * kBlock));
  associate(*hiding_, user, far);
  hiding_->start();
  hiding_->finish(octets);
  return to_text(octets);
}

std::optional<std::string> ResourceNames::restore(std::string_view name, std::string_view user, std::string_view far) {
  auto octets = of_text(name);
  if (!octets) return std::nullopt;
  associate(*restoring_, user, far);
  restoring_->start();
  try {
    restoring_->finish(*octets);
  } catch (const Botan::Invalid_Authentication_Tag&) {
    return std::nullopt;
  }
  const auto end = std::ranges::find(*octets, std::uint8_t{0});
  return std::string(octets->begin(), end);
}

std::optional<ResourceNames::Exchanged> ResourceNames::exchange(std::string_view resource, std::string_view user,
                                                                std::string_view far) {
  if (auto restored = restore(resource, user, far)) return Exchanged{std::move(*restored), true};
  if (auto hidden = hide(resource, user, far)) return Exchanged{std::move(*hidden), false};
  return std::nullopt;
}

}  // namespace sallyport::policy::presence
