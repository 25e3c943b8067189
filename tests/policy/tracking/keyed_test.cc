#include "policy/tracking/keyed.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

std::string text(const Tokens::Token& token) {
  const Tokens::Text octets = Tokens::text(token);
  return {octets.data(), octets.size()};
}

TEST(Tokens, AreAesOfACounter) {
  // FIPS 197 appendix C.1 has the key 000102...0f; the block 0...01 was computed with another implementation.
  Secret secret;
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::uint8_t>(i);
  Tokens tokens(secret);
  const Tokens::Token first = tokens.next();
  EXPECT_EQ(first.high, 0x7346139595c0b41eULL);
  EXPECT_EQ(first.low, 0x497bbde365f42d0aULL);
}

TEST(Tokens, HaveOneSpelling) {
  EXPECT_EQ(text({0, 0}), "AAAAAAAAAAAAAAAAAAAAAA");
  EXPECT_EQ(text({~0ULL, ~0ULL}), "_____________________w");
  EXPECT_EQ(text({0xfbff000000000000ULL, 1}), "-_8AAAAAAAAAAAAAAAAAAQ");
  Tokens tokens({7});
  for (int i = 0; i < 1000; ++i) {
    const Tokens::Token token = tokens.next();
    Tokens::Token read;
    ASSERT_TRUE(Tokens::read(text(token), read));
    ASSERT_EQ(read, token);
  }
  Tokens::Token token{1, 2};
  for (const char* other : {"", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB",
                            "AAAAAAAAAAA+AAAAAAAAAA", "AAAAAAAAAAA AAAAAAAAAA",
                            "AAAAAAAAAA\xc3\xa9"
                            "AAAAAAAAAA"})
    EXPECT_FALSE(Tokens::read(other, token)) << other;
  EXPECT_EQ(token, (Tokens::Token{1, 2}));
}

TEST(Tokens, AreAllDifferentAndFollowFromTheSecret) {
  Tokens one({1}), again({1}), other({2});
  std::set<Tokens::Token> seen;
  for (int i = 0; i < 10'000; ++i) {
    const Tokens::Token token = one.next();
    EXPECT_TRUE(seen.insert(token).second);
    EXPECT_EQ(token, again.next());
    EXPECT_NE(token, other.next());
  }
}

TEST(KeyedHash, IsSipHash24) {
  // Vectors of the reference implementation (vectors.h, SipHash-2-4-64): key 00..0f, input 00, 01, 02 ...
  Secret secret;
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::uint8_t>(i);
  const KeyedHash hash(secret);
  std::string input;
  for (char octet = 0; octet < 63; ++octet) input += octet;
  EXPECT_EQ(hash.of(""), 0x726fdb47dd0e0e31ULL);
  EXPECT_EQ(hash.of(input.substr(0, 1)), 0x74f839c593dc67fdULL);
  EXPECT_EQ(hash.of(input.substr(0, 7)), 0xab0200f58b01d137ULL);
  EXPECT_EQ(hash.of(input.substr(0, 8)), 0x93f5f5799a932462ULL);
  EXPECT_EQ(hash.of(input.substr(0, 15)), 0xa129ca6149be45e5ULL);
  EXPECT_EQ(hash.of(input), 0x958a324ceb064572ULL);
  // Lengths before texts, cut anywhere.
  const std::string length_of_two("\x02\0\0\0\0\0\0\0", 8), length_of_one("\x01\0\0\0\0\0\0\0", 8);
  EXPECT_EQ(hash({"ab", "c"}), hash.of(length_of_two + "ab" + length_of_one + "c"));
}

TEST(KeyedHash, TellsSequencesOfTextsApart) {
  const KeyedHash hash({3});
  EXPECT_EQ(hash({"ab", "c"}), hash({"ab", "c"}));
  EXPECT_NE(hash({"ab", "c"}), hash({"a", "bc"}));
  EXPECT_NE(hash({"ab", "c"}), hash({"ab", "c", ""}));
  EXPECT_NE(hash({"ab", "c"}), KeyedHash({4})({"ab", "c"}));
}

}  // namespace
}  // namespace sallyport::policy
