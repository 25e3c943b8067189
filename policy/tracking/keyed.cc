#include "policy/tracking/keyed.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <botan/block_cipher.h>

namespace sallyport::policy {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t kNoValue = 0xFF;
constexpr auto kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoValue);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}();

void put(std::uint64_t number, std::uint8_t* octets) {
  for (int i = 0; i < 8; ++i) octets[i] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
}

std::uint64_t take(const std::uint8_t* octets) {
  std::uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | octets[i];
  return number;
}

std::uint64_t little(const void* octets) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t number;
  std::memcpy(&number, octets, sizeof number);
  return number;
}

/// The state of one hash; names as in the paper of Aumasson and Bernstein (2012).
class SipHash {
 public:
  SipHash(std::uint64_t k0, std::uint64_t k1)
      : v0_(k0 ^ 0x736f6d6570736575),
        v1_(k1 ^ 0x646f72616e646f6d),
        v2_(k0 ^ 0x6c7967656e657261),
        v3_(k1 ^ 0x7465646279746573) {}

  void update(std::string_view octets) {
    if (octets.empty()) return;
    length_ += octets.size();
    if (held_ > 0) {
      const std::size_t fill = std::min(octets.size(), kWord - held_);
      std::memcpy(rest_.data() + held_, octets.data(), fill);
      held_ += fill;
      octets.remove_prefix(fill);
      if (held_ < kWord) return;
      compress(little(rest_.data()));
    }
    for (; octets.size() >= kWord; octets.remove_prefix(kWord)) compress(little(octets.data()));
    std::memcpy(rest_.data(), octets.data(), octets.size());
    held_ = octets.size();
  }

  std::uint64_t finish() {
    std::memset(rest_.data() + held_, 0, kWord - held_);
    compress(little(rest_.data()) | length_ << 56);
    v2_ ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  static constexpr std::size_t kWord = 8;

  void compress(std::uint64_t word) {
    v3_ ^= word;
    round();
    round();
    v0_ ^= word;
  }
  void round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_, v1_, v2_, v3_;
  std::uint64_t length_ = 0;
  std::array<char, kWord> rest_{};
  std::size_t held_ = 0;
};

}  // namespace

Tokens::Tokens(const Secret& secret) : cipher_(Botan::BlockCipher::create_or_throw("AES-128")) {
  cipher_->set_key(secret.data(), secret.size());
}
Tokens::Tokens(Tokens&&) noexcept = default;
Tokens& Tokens::operator=(Tokens&&) noexcept = default;
Tokens::~Tokens() = default;

Tokens::Token Tokens::next() {
  std::array<std::uint8_t, 16> block{};
  put(++drawn_, block.data() + 8);
  cipher_->encrypt(block.data());
  return {take(block.data()), take(block.data() + 8)};
}

Tokens::Text Tokens::text(const Token& token) {
  // 22 digits of 6 bits are 132 bits: the last digit carries two of the token's and four zeros.
  Text out;
  std::uint64_t high = token.high, low = token.low;
  for (char& digit : out) {
    digit = kAlphabet[high >> 58];
    high = high << 6 | low >> 58;
    low <<= 6;
  }
  return out;
}

bool Tokens::read(std::string_view text, Token& token) {
  if (text.size() != kText) return false;
  Token read;
  for (std::size_t i = 0; i < kText; ++i) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(text[i])];
    if (value == kNoValue) return false;
    const std::uint64_t bits = value;
    if (i + 1 == kText) {
      if ((bits & 0xF) != 0) return false;
      read.high = read.high << 2 | read.low >> 62;
      read.low = read.low << 2 | bits >> 4;
    } else {
      read.high = read.high << 6 | read.low >> 58;
      read.low = read.low << 6 | bits;
    }
  }
  token = read;
  return true;
}

KeyedHash::KeyedHash(const Secret& secret) : key_0_(little(secret.data())), key_1_(little(secret.data() + 8)) {}

std::uint64_t KeyedHash::operator()(std::initializer_list<std::string_view> texts) const {
  SipHash sip(key_0_, key_1_);
  for (const std::string_view text : texts) {
    std::array<char, 8> size;
    for (std::size_t i = 0; i < size.size(); ++i) size[i] = static_cast<char>(text.size() >> 8 * i);
    sip.update({size.data(), size.size()});
    sip.update(text);
  }
  return sip.finish();
}

std::uint64_t KeyedHash::of(std::string_view octets) const {
  SipHash sip(key_0_, key_1_);
  sip.update(octets);
  return sip.finish();
}

}  // namespace sallyport::policy
