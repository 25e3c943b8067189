// Signatures of officers: what counts, and what is told when it does not suffice.
#include "policy/bundle_signatures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inspect/base64.h"

namespace sallyport::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Made with OpenSSL 3.0: `openssl genpkey -algorithm ed25519`, `openssl pkey -pubout`, and `openssl pkeyutl -sign
// -rawin` over signed_text() of the hash.
constexpr std::string_view kHash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
const std::string kPublic =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAk7DFi0i//EH8U26bG9oXkGgMAQ8sNRPxQHvzLzQaA0E=\n"
    "-----END PUBLIC KEY-----\n";
constexpr std::string_view kFingerprint = "8c64bd349977bca92eb22acd54410d57a175116e76ac8d64ec88d9aab074b59b";
const std::string kKeyText = "k7DFi0i//EH8U26bG9oXkGgMAQ8sNRPxQHvzLzQaA0E=";
const std::string kSignatureText =
    "nYOlllgPLqRxz/N5Mv5UBON80Yx+w57qa9a6myuJ4sXb6phNhsJ2o97wC5yD1Q2BkOFZBh0eg7RW1svpZJw9DQ==";

std::string file(const std::string& signature = kSignatureText, std::string_view hash = kHash) {
  return "sallyport bundle signatures 1\nbundle " + std::string(hash) + "\nsigned " + kKeyText + " " + signature + "\n";
}

OfficerKey another_key() {
  OfficerKey key{};
  key.fill(7);
  return key;
}

Officers officers(std::size_t needed = 1) {
  return {.keys = {*read_officer_key(kPublic), another_key()}, .needed = needed};
}

TEST(OfficerKey, IsReadFromWhatOpenSslWritesAndKnownByItsFingerprint) {
  const auto key = read_officer_key(kPublic);
  ASSERT_TRUE(key) << key.error();
  EXPECT_EQ(fingerprint(*key), kFingerprint);
}

TEST(OfficerKey, IsNoKeyOfAnotherKindAndNoPrivateKey) {
  const std::string p256 =
      "-----BEGIN PUBLIC "
      "KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/"
      "hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n-----END PUBLIC KEY-----\n";
  EXPECT_EQ(read_officer_key(p256).error(), "is a key of kind ECDSA, not Ed25519");
  EXPECT_EQ(read_officer_key("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").error(),
            "holds no public key (PEM)");
  EXPECT_EQ(read_officer_key("").error(), "holds no public key (PEM)");
}

TEST(BundleSignatures, AreReadAndWrittenInOneForm) {
  const auto read = BundleSignatures::read(file());
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->bundle_hash, kHash);
  ASSERT_EQ(read->all.size(), 1U);
  EXPECT_TRUE(read->is_good(read->all[0]));
  EXPECT_EQ(read->text(), file());
}

TEST(BundleSignatures, OfAnotherFormAreRefusedWithTheLine) {
  const std::string title = "sallyport bundle signatures 1\n", bundle = "bundle " + std::string(kHash) + "\n";
  const std::string line = "signed " + kKeyText + " " + kSignatureText + "\n";
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"", "line 1: is not 'sallyport bundle signatures 1'"},
      {"sallyport bundle signatures 2\n" + bundle, "line 1: is not 'sallyport bundle signatures 1'"},
      {title, "line 2: does not name the hash of a bundle"},
      {title + "bundle 00\n", "line 2: does not name the hash of a bundle"},
      {title + "bundle " + std::string(64, 'A') + "\n", "line 2: does not name the hash of a bundle"},
      {title + bundle + "signed " + kKeyText + "\n", "line 3: is no signature"},
      {title + bundle + "signed " + kKeyText + " " + kSignatureText, "line 3: is no signature"},
      {title + bundle + line + "\n", "line 4: is no signature"},
      {title + bundle + line + line, "line 4: is a second signature of one key"},
  };
  for (const auto& [text, fault] : rows) {
    const auto read = BundleSignatures::read(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error(), fault) << text;
  }
}

TEST(BundleSignatures, SufficeWhenAsManyOfTheListedOfficersHaveSigned) {
  const auto signers = check_signatures(kHash, file(), officers());
  ASSERT_TRUE(signers) << signers.error();
  EXPECT_THAT(*signers, ElementsAre(*read_officer_key(kPublic)));
}

TEST(BundleSignatures, DoNotSufficeWhenOneOfTwoOfficersIsMissing) {
  const auto signers = check_signatures(kHash, file(), officers(2));
  ASSERT_FALSE(signers);
  EXPECT_EQ(signers.error(),
            "1 of the officers have signed it, and 2 have to\n  not signed by " + fingerprint(another_key()));
}

TEST(BundleSignatures, OfSomebodyWhoIsNotListedDoNotCount) {
  const auto signers = check_signatures(kHash, file(), {.keys = {another_key()}, .needed = 1});
  ASSERT_FALSE(signers);
  EXPECT_THAT(signers.error(), HasSubstr("0 of the officers have signed it"));
}

TEST(BundleSignatures, OfAnotherBundleDoNotCount) {
  const std::string other(64, 'a');
  EXPECT_THAT(check_signatures(other, file(), officers()).error(),
              HasSubstr("the signatures are of the bundle " + std::string(kHash)));
  // The file says so, but the signature does not.
  EXPECT_THAT(
      check_signatures(other, file(kSignatureText, other), officers()).error(),
      HasSubstr("the signature of " + std::string(kFingerprint) + " is not by that key, or not of this bundle"));
}

TEST(BundleSignatures, WithOneBitChangedAreRefusedWherever) {
  for (std::size_t bit = 0; bit < 64 * 8; bit += 7) {
    std::string octets = *inspect::decode_base64(kSignatureText);
    octets[bit / 8] = static_cast<char>(octets[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(check_signatures(kHash, file(inspect::encode_base64(octets)), officers())) << bit;
  }
}

TEST(BundleSignatures, OfOneKeyTakeThePlaceOfItsEarlierOne) {
  auto read = BundleSignatures::read(file());
  ASSERT_TRUE(read);
  SignedBy again = read->all[0];
  again.signature.fill(1);
  read->add(again);
  EXPECT_THAT(read->all, ElementsAre(again));
}

}  // namespace
}  // namespace sallyport::policy
