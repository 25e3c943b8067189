#include "certs/store.h"

#include <fstream>
#include <sstream>

#include <botan/auto_rng.h>
#include <botan/pem.h>
#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "certs/trust/anchors.h"
#include "certs/trust/tls_contexts.h"
#include "tests/certs/pki.h"

namespace sallyport::certs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
using tests::kDay;
using tests::kNow;

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

trust::CertificatePtr openssl_reads(const std::filesystem::path& file) {
  const trust::BioPtr in{BIO_new_file(file.c_str(), "r")};
  return trust::CertificatePtr{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)};
}

class Stored : public testing::Test {
 protected:
  Store at(std::int64_t now) { return {files / "north", rng, Time(std::chrono::seconds(now))}; }
  static void good(const Result<void>& result) {
    ASSERT_TRUE(result) << result.error().file << ": " << result.error().what;
  }
  void SetUp() override { good(store.init("North authority", {.lasts = std::chrono::days(3650)})); }
  trust::PeerFacts judged(const std::filesystem::path& file, const std::string& domain, std::int64_t now = kNow) {
    const auto anchors =
        trust::Anchors::load({.anchors = {store.file("authority.pem")}, .crls = {store.file("authority.crl")}});
    if (!anchors) throw std::runtime_error(anchors.error().what);
    return (*anchors)->judge(openssl_reads(file).get(), nullptr, domain, Service::XmppServer, now);
  }

  tests::Directory files;
  Botan::AutoSeeded_RNG rng;
  Store store = at(kNow);
};

TEST_F(Stored, PKI_04_IssuesWhatAPeerAccepts) {
  good(store.issue("bravo.test", {"rooms.bravo.test"}, {}));
  for (const char* domain : {"bravo.test", "rooms.bravo.test"}) {
    const auto facts = judged(store.file("bravo.test.pem"), domain);
    EXPECT_TRUE(facts.chain) << facts.problem;
    EXPECT_TRUE(facts.identity);
    EXPECT_EQ(facts.revocation, trust::Revocation::Good) << facts.problem;
  }
  EXPECT_THAT(judged(store.file("bravo.test.pem"), "bravo.test").names,
              UnorderedElementsAre("dns:bravo.test", "dns:rooms.bravo.test", "srv:_xmpp-server.bravo.test",
                                   "srv:_xmpp-client.bravo.test", "srv:_xmpp-server.rooms.bravo.test",
                                   "srv:_xmpp-client.rooms.bravo.test", "xmpp:bravo.test", "xmpp:rooms.bravo.test"));
}

TEST_F(Stored, PKI_04_IssuesForServersAndClientsAndNotForAuthorities) {
  good(store.issue("bravo.test", {}, {}));
  const auto leaf = openssl_reads(store.file("bravo.test.pem"));
  EXPECT_EQ(X509_check_ca(leaf.get()), 0);
  EXPECT_EQ(X509_get_extended_key_usage(leaf.get()), static_cast<std::uint32_t>(XKU_SSL_SERVER | XKU_SSL_CLIENT));
  EXPECT_EQ(X509_get_key_usage(leaf.get()), static_cast<std::uint32_t>(KU_DIGITAL_SIGNATURE));
  EXPECT_EQ(EVP_PKEY_get_bits(X509_get0_pubkey(leaf.get())), 256);
  EXPECT_GT(X509_NAME_entry_count(X509_get_subject_name(leaf.get())), 0);
  const auto authority = openssl_reads(store.file("authority.pem"));
  EXPECT_EQ(X509_check_ca(authority.get()), 1);
}

TEST_F(Stored, PKI_04_NamesAnInternationalDomainInBothForms) {
  good(
      store.issue("B\xC3\xBC"
                  "cher.test",
                  {}, {}));
  const auto facts = judged(store.file("xn--bcher-kva.test.pem"),
                            "b\xC3\xBC"
                            "cher.test");
  EXPECT_TRUE(facts.identity);
  EXPECT_THAT(facts.names, testing::IsSupersetOf({"dns:xn--bcher-kva.test",
                                                  "xmpp:b\xC3\xBC"
                                                  "cher.test",
                                                  "srv:_xmpp-server.xn--bcher-kva.test"}));
}

TEST_F(Stored, PKI_04_LeavesXmppAddrOutWhereThatIsWishedAlsoWhenItRenews) {
  constexpr const char* kDomain =
      "b\xC3\xBC"
      "cher.test";
  const auto expected = UnorderedElementsAre("dns:xn--bcher-kva.test", "srv:_xmpp-server.xn--bcher-kva.test",
                                             "srv:_xmpp-client.xn--bcher-kva.test", "dns:rooms.test",
                                             "srv:_xmpp-server.rooms.test", "srv:_xmpp-client.rooms.test");
  good(store.issue(kDomain, {"rooms.test"}, {.xmpp_addr = XmppAddr::LeftOut}));
  const auto file = store.file("xn--bcher-kva.test.pem");
  EXPECT_THAT(judged(file, kDomain).names, expected);
  EXPECT_TRUE(judged(file, kDomain).identity);
  const auto before = text_of(file);
  good(store.renew(kDomain, {}));
  EXPECT_NE(text_of(file), before);
  EXPECT_THAT(judged(file, kDomain).names, expected);
  EXPECT_TRUE(judged(file, "rooms.test").identity);
}

TEST_F(Stored, PKI_04_AsksForNoXmppAddrWhereThatIsWished) {
  const auto text = [&](const std::string& domain, XmppAddr xmpp_addr) {
    const auto request = store.request(domain, {}, {.xmpp_addr = xmpp_addr});
    const trust::BioPtr in{BIO_new_file(request.value().c_str(), "r")};
    const std::unique_ptr<X509_REQ, trust::FreeWith<X509_REQ_free>> read{
        PEM_read_bio_X509_REQ(in.get(), nullptr, nullptr, nullptr)};
    unsigned char* der = nullptr;
    const int size = i2d_X509_REQ(read.get(), &der);
    std::string octets(reinterpret_cast<const char*>(der), static_cast<std::size_t>(std::max(size, 0)));
    OPENSSL_free(der);
    return octets;
  };
  const std::string kXmppAddr("\x06\x08\x2B\x06\x01\x05\x05\x07\x08\x05", 10);  // 1.3.6.1.5.5.7.8.5
  EXPECT_THAT(text("kilo.test", XmppAddr::Included), HasSubstr(kXmppAddr));
  EXPECT_THAT(text("lima.test", XmppAddr::LeftOut), testing::Not(HasSubstr(kXmppAddr)));
}

TEST_F(Stored, ServesTlsWithWhatItIssued) {
  for (const KeyKind kind : {KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Rsa3072}) {
    const std::string domain = "d" + std::to_string(static_cast<int>(kind)) + ".test";
    good(store.issue(domain, {}, {.key = kind}));
    const auto loaded = trust::TlsContexts::load({{domain, store.file(domain + ".pem"), store.file(domain + ".key")}},
                                                 trust::ProfileName::Bcp195_2022);
    for (const auto& fault : loaded->faults()) ADD_FAILURE() << fault.file << ": " << fault.what;
    EXPECT_TRUE(loaded->has(domain));
  }
}

TEST_F(Stored, KeepsKeysForTheirOwnerAlone) {
  const mode_t before = ::umask(0);
  good(store.issue("bravo.test", {}, {}));
  ASSERT_TRUE(store.request("kilo.test", {}, {}));
  good(store.renew("bravo.test", {}));
  ::umask(before);
  for (const char* name : {"authority.key", "bravo.test.key", "kilo.test.key"}) {
    struct stat status{};
    ASSERT_EQ(::stat(store.file(name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 07777, 0600U) << name;
  }
  struct stat status{};
  ASSERT_EQ(::stat(store.file("").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700U);
}

TEST_F(Stored, NeverOverwritesAnAuthorityAKeyOrALink) {
  const auto before = text_of(store.file("authority.key"));
  const auto again = store.init("Another", {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().file, store.file("authority.key"));
  EXPECT_EQ(text_of(store.file("authority.key")), before);
  good(store.issue("bravo.test", {}, {}));
  EXPECT_FALSE(store.issue("bravo.test", {}, {}));
  const auto target = files.write_text("target", "precious");
  std::filesystem::create_symlink(target, store.file("golf.test.key"));
  EXPECT_FALSE(store.issue("golf.test", {}, {}));
  EXPECT_EQ(text_of(target), "precious");
}

TEST_F(Stored, RefusesWhatIsNoDomain) {
  for (const char* text :
       {"", "ann@bravo.test", "../bravo.test", "bravo test", "bravo.test/r", "authority", "*.test"}) {
    EXPECT_FALSE(store.issue(text, {}, {})) << text;
    EXPECT_FALSE(store.request(text, {}, {})) << text;
  }
}

TEST_F(Stored, EndsACertificateWithItsAuthorityAtTheLatest) {
  auto late = at(kNow + 3600 * kDay);
  good(late.issue("bravo.test", {}, {.lasts = std::chrono::days(397)}));
  EXPECT_EQ(late.list()->at(1).not_after, kNow + 3650 * kDay);
  EXPECT_FALSE(at(kNow + 3651 * kDay).issue("golf.test", {}, {}));
}

TEST_F(Stored, PKI_04_ListsNamesEndIssuerAndKey) {
  good(store.issue("bravo.test", {}, {.lasts = std::chrono::days(90)}));
  std::filesystem::copy_file(store.file("bravo.test.pem"), store.file("golf.test.pem"));
  const auto listed = at(kNow + 60 * kDay).list();
  ASSERT_TRUE(listed) << listed.error().what;
  ASSERT_EQ(listed->size(), 3U);
  EXPECT_EQ(listed->at(0).domain, "authority");
  EXPECT_TRUE(listed->at(0).has_key);
  const auto& bravo = listed->at(1);
  EXPECT_EQ(bravo.domain, "bravo.test");
  EXPECT_EQ(bravo.issuer, "North authority");
  EXPECT_EQ(bravo.not_after, kNow + 90 * kDay);
  EXPECT_EQ(bravo.days_left, 30);
  EXPECT_TRUE(bravo.has_key);
  EXPECT_FALSE(bravo.revoked);
  EXPECT_EQ(bravo.names.size(), 4U);
  EXPECT_FALSE(listed->at(2).has_key);
  EXPECT_EQ(at(kNow + 91 * kDay).list()->at(1).days_left, -1);
}

TEST_F(Stored, RenewsKeyAndCertificateAndKeepsTheNames) {
  good(store.issue("bravo.test", {"rooms.bravo.test"}, {.lasts = std::chrono::days(90)}));
  const auto key = text_of(store.file("bravo.test.key"));
  auto later = at(kNow + 80 * kDay);
  const auto before = later.list()->at(1);
  good(later.renew("bravo.test", {.lasts = std::chrono::days(90)}));
  const auto after = later.list()->at(1);
  EXPECT_EQ(after.not_after, kNow + 170 * kDay);
  EXPECT_THAT(after.names, testing::UnorderedElementsAreArray(before.names));
  EXPECT_NE(after.serial, before.serial);
  EXPECT_TRUE(after.has_key);
  EXPECT_NE(text_of(store.file("bravo.test.key")), key);
}

TEST_F(Stored, PKI_05_RevokesByDomainAndBySerialNumber) {
  good(store.issue("bravo.test", {}, {}));
  good(store.issue("golf.test", {}, {}));
  std::filesystem::copy_file(store.file("golf.test.pem"), files / "old.pem");
  const auto old = store.list()->at(2).serial;
  good(store.renew("golf.test", {}));
  good(store.revoke("bravo.test", std::chrono::days(30)));
  good(store.revoke(old, std::chrono::days(30)));
  EXPECT_EQ(judged(store.file("bravo.test.pem"), "bravo.test").revocation, trust::Revocation::Revoked);
  EXPECT_EQ(judged(files / "old.pem", "golf.test").revocation, trust::Revocation::Revoked);
  EXPECT_EQ(judged(store.file("golf.test.pem"), "golf.test").revocation, trust::Revocation::Good);
  EXPECT_TRUE(store.list()->at(1).revoked);
  EXPECT_FALSE(store.revoke("bravo.test", std::chrono::days(30)));
  EXPECT_FALSE(store.revoke("nobody.test", std::chrono::days(30)));
}

TEST_F(Stored, PKI_06_SignsTheListAnewBeforeItEnds) {
  good(store.issue("bravo.test", {}, {}));
  good(store.revoke("bravo.test", std::chrono::days(30)));
  EXPECT_EQ(*store.list_ends(), kNow + 30 * kDay);
  good(at(kNow + 29 * kDay).renew_list(std::chrono::days(30)));
  EXPECT_EQ(*store.list_ends(), kNow + 59 * kDay);
  EXPECT_EQ(judged(store.file("bravo.test.pem"), "bravo.test", kNow + 31 * kDay).revocation,
            trust::Revocation::Revoked);
}

class Importing : public Stored {
 protected:
  Importing() : wish{.alt_names = "DNS:kilo.test"} {}
  Result<std::string> import(const tests::Identity& identity, bool replace = false) {
    const auto certificate = files.write("in.pem", {identity.certificate.get(), foreign.certificate()});
    return store.import_certificate("kilo.test", certificate, files.write("in.key", identity.key.get()), replace);
  }
  tests::Authority foreign{"Foreign authority"};
  tests::Wish wish;
};

TEST_F(Importing, PKI_04_AnswersARequestToAForeignAuthority) {
  const auto request = store.request("kilo.test", {"rooms.kilo.test"}, {});
  ASSERT_TRUE(request);
  const trust::BioPtr in{BIO_new_file(request->c_str(), "r")};
  const std::unique_ptr<X509_REQ, trust::FreeWith<X509_REQ_free>> asked{
      PEM_read_bio_X509_REQ(in.get(), nullptr, nullptr, nullptr)};
  ASSERT_NE(asked, nullptr);
  EXPECT_EQ(X509_REQ_verify(asked.get(), X509_REQ_get0_pubkey(asked.get())), 1);
  auto* extensions = X509_REQ_get_extensions(asked.get());
  EXPECT_GE(X509v3_get_ext_by_NID(extensions, NID_subject_alt_name, -1), 0);
  EXPECT_GE(X509v3_get_ext_by_NID(extensions, NID_ext_key_usage, -1), 0);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);

  // Another enclave's authority plays the foreign one.
  Store other{files / "south", rng, Time(std::chrono::seconds(kNow))};
  good(other.init("South authority", {.lasts = std::chrono::days(3650)}));
  good(other.issue_for(*request, "kilo.test", {"rooms.kilo.test"}, {.lasts = std::chrono::days(90)}));
  const auto taken = store.import_certificate("kilo.test", other.file("kilo.test.pem"), std::nullopt, false);
  ASSERT_TRUE(taken) << taken.error().what;
  EXPECT_EQ(*taken, "");
  EXPECT_TRUE(store.list()->at(1).has_key);
  EXPECT_FALSE(std::filesystem::exists(*request));
}

TEST_F(Importing, TakesACertificateWithItsKeyAndChain) {
  const auto taken = import(foreign.issue(wish));
  ASSERT_TRUE(taken) << taken.error().what;
  EXPECT_EQ(*taken, "");
  EXPECT_EQ(store.list()->at(1).issuer, "Foreign authority");
  EXPECT_TRUE(store.list()->at(1).has_key);
  EXPECT_FALSE(import(foreign.issue(wish)));
  EXPECT_TRUE(import(foreign.issue(wish), true));
}

TEST_F(Importing, WarnsOfACertificateThatIsNotForClients) {
  wish.usage = "serverAuth";
  const auto taken = import(foreign.issue(wish));
  ASSERT_TRUE(taken) << taken.error().what;
  EXPECT_THAT(*taken, HasSubstr("clientAuth"));
}

TEST_F(Importing, RefusesWhatAPeerWouldRefuse) {
  const auto refused = [&](const char* why, const std::function<void(tests::Wish&)>& change) {
    auto changed = wish;
    change(changed);
    const auto result = import(foreign.issue(changed));
    ASSERT_FALSE(result) << why;
    EXPECT_THAT(result.error().what, HasSubstr(why));
  };
  refused("not kilo.test", [](tests::Wish& w) { w.alt_names = "DNS:lima.test"; });
  refused("not kilo.test", [](tests::Wish& w) { w.alt_names.clear(), w.common_name = "kilo.test"; });
  refused("ended", [](tests::Wish& w) { w.not_after = kNow - 1; });
  refused("begins", [](tests::Wish& w) { w.not_before = kNow + 60; });
  refused("serverAuth", [](tests::Wish& w) { w.usage = "clientAuth"; });
  refused("too short", [](tests::Wish& w) { w.key = "RSA-1024"; });
  refused("authority", [](tests::Wish& w) { w.authority = true; });
  EXPECT_FALSE(std::filesystem::exists(store.file("kilo.test.pem")));
  EXPECT_FALSE(std::filesystem::exists(store.file("kilo.test.key")));
}

TEST_F(Importing, RefusesAKeyThatDoesNotFitAndAChainThatDoesNotHold) {
  const auto one = foreign.issue(wish), two = foreign.issue(wish);
  const auto certificate = files.write("one.pem", {one.certificate.get()});
  const auto wrong = store.import_certificate("kilo.test", certificate, files.write("two.key", two.key.get()), false);
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().what, HasSubstr("not the key"));
  tests::Authority stranger{"Foreign authority"};
  const auto broken = files.write("broken.pem", {one.certificate.get(), stranger.certificate()});
  const auto held = store.import_certificate("kilo.test", broken, files.write("one.key", one.key.get()), false);
  ASSERT_FALSE(held);
  EXPECT_THAT(held.error().what, HasSubstr("did not sign"));
}

TEST_F(Importing, SaysWhatIsWrongWithAFileAndNothingOfItsContent) {
  const auto one = foreign.issue(wish);
  const auto certificate = files.write("one.pem", {one.certificate.get()});
  const std::pair<std::string, const char*> bad[] = {
      {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2VjcmV0\n", "passphrase"},
      {"-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n", "PKCS#8"},
      {"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", "holds no private key"},
      {"", "holds no private key"},
  };
  for (const auto& [text, why] : bad) {
    const auto result = store.import_certificate("kilo.test", certificate, files.write_text("bad.key", text), false);
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().what, HasSubstr(why));
    EXPECT_THAT(result.error().what, testing::Not(HasSubstr("c2VjcmV0")));
  }
  EXPECT_FALSE(store.import_certificate("kilo.test", files / "missing.pem", std::nullopt, false));
  EXPECT_FALSE(store.import_certificate("kilo.test", files.write_text("x.pem", "-----BEGIN CERTIFICATE-----\nxx"),
                                        std::nullopt, false));
}

TEST_F(Importing, SignsARequestOnlyIfItsMakerHoldsTheKey) {
  const auto request = store.request("kilo.test", {}, {});
  ASSERT_TRUE(request);
  auto text = text_of(*request);
  // The last octets belong to the signature.
  const auto end = text.find("\n-----END");
  text[end - 8] = text[end - 8] == 'A' ? 'B' : 'A';
  const auto result =
      store.issue_for(files.write_text("forged.csr", text), "kilo.test", {}, {.lasts = std::chrono::days(90)});
  EXPECT_FALSE(result);
}

}  // namespace
}  // namespace sallyport::certs
