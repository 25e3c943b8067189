// What a peer must not be able to guess or to steer: ids of our own, and places in tables that it fills.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>

namespace Botan {
class BlockCipher;
}

namespace sallyport::policy {

/// Random octets of one run of the guard. The default is for tests: whoever knows the secret can guess.
using Secret = std::array<std::uint8_t, 16>;

/// Ids that nobody can guess (protocol.md Q-01): a counter under AES-128, so no two of one secret are alike.
class Tokens {
 public:
  /// 128 bits.
  struct Token {
    std::uint64_t high = 0, low = 0;
    bool operator==(const Token&) const = default;
    auto operator<=>(const Token&) const = default;
  };
  static constexpr std::size_t kText = 22;  ///< octets of a token as an id: base64url without padding (RFC 4648 5)
  using Text = std::array<char, kText>;

  explicit Tokens(const Secret& secret = {});
  Tokens(Tokens&&) noexcept;
  Tokens& operator=(Tokens&&) noexcept;
  ~Tokens();

  Token next();

  static Text text(const Token& token);
  /// False: not the one spelling of a token; `token` is as it was.
  static bool read(std::string_view text, Token& token);

 private:
  std::unique_ptr<Botan::BlockCipher> cipher_;
  std::uint64_t drawn_ = 0;
};

/// SipHash-2-4 (protocol.md D-34). Written here since the one of Botan 2 forgets its key after each use, and setting it
/// asks for memory.
class KeyedHash {
 public:
  explicit KeyedHash(const Secret& secret = {});

  /// Of a sequence of texts: no two sequences run together into the same octets.
  std::uint64_t operator()(std::initializer_list<std::string_view> texts) const;
  std::uint64_t of(std::string_view octets) const;

 private:
  std::uint64_t key_0_, key_1_;
};

}  // namespace sallyport::policy
