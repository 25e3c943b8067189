// protocol.md 3.2, 3.8, 3.10: what may pass of a login, step by step.
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "inspect/base64.h"
#include "proxy/relay/sasl_exchange.h"

namespace sallyport::relay {
namespace {

using namespace std::literals;
using enum SaslCondition;
using inspect::kLastMechanism;
using inspect::mechanism;
using inspect::Mechanisms;
using inspect::told;

// RFC 7677 3: the example exchange of SCRAM-SHA-256.
constexpr auto kClientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"sv;
constexpr auto kServerFirst =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"sv;
constexpr auto kClientFinal =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="sv;
constexpr auto kServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="sv;

SaslExchange scram(Mechanism mechanism = Mechanism::ScramSha256) {
  return {mechanism, "south.test"};
}

TEST(SaslExchange, SASL_the_published_exchange_passes_and_shows_whose_it_is) {
  SaslExchange exchange = scram();
  EXPECT_EQ(exchange.from_client(kClientFirst), std::nullopt);
  EXPECT_TRUE(exchange.from_server(kServerFirst));
  EXPECT_EQ(exchange.from_client(kClientFinal), std::nullopt);
  EXPECT_TRUE(exchange.succeed(kServerFinal));
  EXPECT_EQ(exchange.claim().account, "user@south.test");
  EXPECT_EQ(exchange.claim().channel_binding, 'n');
}

TEST(SaslExchange, SASL_the_servers_proof_may_come_as_a_challenge_of_its_own) {
  SaslExchange exchange = scram();
  ASSERT_EQ(exchange.from_client(kClientFirst), std::nullopt);
  ASSERT_TRUE(exchange.from_server(kServerFirst));
  ASSERT_EQ(exchange.from_client(kClientFinal), std::nullopt);
  EXPECT_TRUE(exchange.from_server(kServerFinal));
  EXPECT_EQ(exchange.from_client(""), std::nullopt);
  EXPECT_TRUE(exchange.succeed(std::nullopt));
}

TEST(SaslExchange, SASL_a_success_without_the_servers_proof_is_none) {
  SaslExchange exchange = scram();
  ASSERT_EQ(exchange.from_client(kClientFirst), std::nullopt);
  EXPECT_FALSE(exchange.succeed(std::nullopt));
  ASSERT_TRUE(exchange.from_server(kServerFirst));
  EXPECT_FALSE(exchange.succeed(kServerFinal));
  ASSERT_EQ(exchange.from_client(kClientFinal), std::nullopt);
  EXPECT_FALSE(exchange.succeed(std::nullopt));
  EXPECT_FALSE(exchange.succeed("e=other-error"));
}

struct FirstCase {
  std::string_view name, octets;
  std::optional<SaslCondition> told;
  Mechanism mechanism = Mechanism::ScramSha256;
};

class ScramClientFirst : public testing::TestWithParam<FirstCase> {};

TEST_P(ScramClientFirst, SASL_3_8) {
  SaslExchange exchange = scram(GetParam().mechanism);
  EXPECT_EQ(exchange.from_client(GetParam().octets), GetParam().told);
}

INSTANTIATE_TEST_SUITE_P(
    Vectors, ScramClientFirst,
    testing::Values(
        FirstCase{"own_authzid", "n,a=user@south.test,n=user,r=rOprNGfwEbeRWgbNEkqO", std::nullopt},
        FirstCase{"anothers_authzid", "n,a=root@south.test,n=user,r=rOprNGfwEbeRWgbNEkqO", InvalidAuthzid},
        FirstCase{"authzid_of_another_domain", "n,a=user@north.test,n=user,r=rOprNGfwEbeRWgbNEkqO", InvalidAuthzid},
        FirstCase{"authzid_without_its_letter", "n,root@south.test,n=user,r=rOprNGfwEbeRWgbNEkqO", MalformedRequest},
        FirstCase{"comma_in_the_name", "n,,n=us=2Cer,r=rOprNGfwEbeRWgbNEkqO", std::nullopt},
        FirstCase{"bare_equals_sign", "n,,n=us=er,r=rOprNGfwEbeRWgbNEkqO", MalformedRequest},
        FirstCase{"lower_case_escape", "n,,n=us=2cer,r=rOprNGfwEbeRWgbNEkqO", MalformedRequest},
        FirstCase{"mandatory_extension", "n,,m=x,n=user,r=rOprNGfwEbeRWgbNEkqO", MalformedRequest},
        FirstCase{"second_name", "n,,n=user,n=root,r=rOprNGfwEbeRWgbNEkqO", MalformedRequest},
        FirstCase{"nonce_too_short", "n,,n=user,r=abc", MalformedRequest},
        FirstCase{"nonce_with_a_space", "n,,n=user,r=rOprNGfw EbeRWgbNEkqO", MalformedRequest},
        FirstCase{"extension_behind", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO,x=y", std::nullopt},
        FirstCase{"mandatory_extension_behind", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO,m=y", MalformedRequest},
        FirstCase{"y_without_plus", "y,,n=user,r=rOprNGfwEbeRWgbNEkqO", std::nullopt},
        FirstCase{"p_without_plus", "p=tls-exporter,,n=user,r=rOprNGfwEbeRWgbNEkqO", MalformedRequest},
        FirstCase{"n_with_plus", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO", MalformedRequest, Mechanism::ScramSha256Plus},
        FirstCase{"p_with_plus", "p=tls-exporter,,n=user,r=rOprNGfwEbeRWgbNEkqO", std::nullopt,
                  Mechanism::ScramSha256Plus},
        FirstCase{"p_without_type", "p=,,n=user,r=rOprNGfwEbeRWgbNEkqO", MalformedRequest, Mechanism::ScramSha256Plus},
        FirstCase{"unknown_flag", "x,,n=user,r=rOprNGfwEbeRWgbNEkqO", MalformedRequest},
        FirstCase{"name_of_another_domain", "n,,n=user@north.test,r=rOprNGfwEbeRWgbNEkqO", NotAuthorized},
        FirstCase{"name_with_resource", "n,,n=user@south.test/x,r=rOprNGfwEbeRWgbNEkqO", NotAuthorized},
        FirstCase{"no_gs2_header", "n=user,r=rOprNGfwEbeRWgbNEkqO", MalformedRequest},
        FirstCase{"empty", "", MalformedRequest},
        FirstCase{"bad_utf8", "n,,n=us\xff,r=rOprNGfwEbeRWgbNEkqO", MalformedRequest}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(SaslExchange, SASL_what_a_server_may_not_say_first) {
  for (const std::string_view bad :
       {"r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"sv,                       // not the client's nonce
        "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"sv,        // nothing of its own
        "r=rOprNGfwEbeRWgbNEkqOxyz,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1"sv,        // too few rounds
        "r=rOprNGfwEbeRWgbNEkqOxyz,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1000001"sv,  // too many
        "r=rOprNGfwEbeRWgbNEkqOxyz,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=04096"sv,    //
        "r=rOprNGfwEbeRWgbNEkqOxyz,s=!,i=4096"sv,                            //
        "r=rOprNGfwEbeRWgbNEkqOxyz,i=4096,s=W22ZaJ0SNY7soEsUEjb6gQ=="sv,     // out of order
        "r=rOprNGfwEbeRWgbNEkqOxyz,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,m=x"sv}) {
    SaslExchange exchange = scram();
    ASSERT_EQ(exchange.from_client(kClientFirst), std::nullopt);
    EXPECT_FALSE(exchange.from_server(bad)) << bad;
  }
}

TEST(SaslExchange, SASL_the_final_message_must_carry_the_header_that_was_checked) {
  const std::string nonce = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  const std::string proof = "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
  const std::vector<std::string> bad = {
      "c=" + inspect::encode_base64("n,a=root@south.test,") + "," + nonce + "," + proof,
      "c=" + inspect::encode_base64("n,,x") + "," + nonce + "," + proof,
      "c=biws,r=rOprNGfwEbeRWgbNEkqO," + proof,
      "c=biws," + nonce,
      "c=biws," + nonce + ",p=",
      "c=biws," + nonce + "," + proof + ",x=y",
      "c=biws\n," + nonce + "," + proof,
      nonce + ",c=biws," + proof,
  };
  for (const std::string& message : bad) {
    SaslExchange exchange = scram();
    ASSERT_EQ(exchange.from_client(kClientFirst), std::nullopt);
    ASSERT_TRUE(exchange.from_server(kServerFirst));
    EXPECT_EQ(exchange.from_client(message), MalformedRequest) << message;
  }
}

TEST(SaslExchange, SASL_plain_names_one_identity_only) {
  const auto told = [](std::string_view octets) {
    return SaslExchange(Mechanism::Plain, "south.test").from_client(octets);
  };
  EXPECT_EQ(told("\0user\0secret"sv), std::nullopt);
  EXPECT_EQ(told("user@south.test\0user\0secret"sv), std::nullopt);
  EXPECT_EQ(told("\0user@south.test\0secret"sv), std::nullopt);
  EXPECT_EQ(told("root@south.test\0user\0secret"sv), InvalidAuthzid);
  EXPECT_EQ(told("root\0user\0secret"sv), InvalidAuthzid);
  EXPECT_EQ(told("user\0secret"sv), MalformedRequest);
  EXPECT_EQ(told("\0user\0secret\0more"sv), MalformedRequest);
  EXPECT_EQ(told("\0\0secret"sv), MalformedRequest);
  EXPECT_EQ(told("\0user\0"sv), MalformedRequest);
  EXPECT_EQ(told("\0user@north.test\0secret"sv), NotAuthorized);
  EXPECT_EQ(told(""), MalformedRequest);
}

TEST(SaslExchange, SASL_oauthbearer_has_one_token_and_no_second_identity) {
  const auto told = [](std::string_view octets) {
    return SaslExchange(Mechanism::OAuthBearer, "south.test").from_client(octets);
  };
  EXPECT_EQ(told("n,a=user@south.test,\x01host=south.test\x01port=5222\x01"
                 "auth=Bearer abc\x01\x01"sv),
            std::nullopt);
  EXPECT_EQ(told("n,,\x01"
                 "auth=Bearer abc\x01\x01"sv),
            std::nullopt);
  EXPECT_EQ(told("n,,\x01"
                 "auth=Bearer abc\x01"
                 "auth=Bearer def\x01\x01"sv),
            MalformedRequest);
  for (const std::string_view authzid : {"user@north.test", "user@south.test/phone", "south.test", "user", "@"})
    EXPECT_EQ(told("n,a=" + std::string(authzid) + ",\x01" + "auth=Bearer abc\x01\x01"), InvalidAuthzid) << authzid;
  EXPECT_EQ(told("n,,\x01\x01"sv), MalformedRequest);
  EXPECT_EQ(told("n,,auth=Bearer abc\x01\x01"sv), MalformedRequest);
}

TEST(SaslExchange, SASL_an_exchange_out_of_turn_ends) {
  SaslExchange exchange = scram();
  EXPECT_FALSE(exchange.from_server(kServerFirst));
  ASSERT_EQ(exchange.from_client(kClientFirst), std::nullopt);
  EXPECT_EQ(exchange.from_client(kClientFinal), MalformedRequest);
}

TEST(SaslExchange, SASL_anonymous_and_external) {
  EXPECT_EQ(SaslExchange(Mechanism::Anonymous, "south.test").from_client("trace"), std::nullopt);
  EXPECT_EQ(SaslExchange(Mechanism::Anonymous, "south.test").from_client(std::string(256, 'x')), MalformedRequest);
  EXPECT_EQ(SaslExchange(Mechanism::External, "south.test").from_client("user@south.test"), InvalidMechanism);
}

TEST(SaslExchange, SASL_messages_are_bounded) {
  const std::string huge = "n,,n=" + std::string(SaslExchange::kMostOctets, 'u') + ",r=rOprNGfwEbeRWgbNEkqO";
  SaslExchange exchange = scram();
  EXPECT_EQ(exchange.from_client(huge), MalformedRequest);
  SaslExchange opaque(Mechanism::Gssapi, "south.test");
  for (unsigned i = 0; i < SaslExchange::kMostSteps; ++i) ASSERT_EQ(opaque.from_client("x"), std::nullopt);
  EXPECT_EQ(opaque.from_client("x"), MalformedRequest);
}

TEST(Mechanisms, SASL_names_and_sets) {
  Mechanisms offered;
  for (unsigned i = 0; i <= static_cast<unsigned>(kLastMechanism); ++i) {
    const auto each = static_cast<Mechanism>(i);
    EXPECT_EQ(mechanism(name(each)), each);
    offered.add(each);
  }
  EXPECT_EQ(mechanism("scram-sha-1"), std::nullopt);
  EXPECT_EQ(mechanism("DIGEST-MD5"), std::nullopt);
  EXPECT_EQ(Mechanisms::of_bits(offered.bits()), offered);
  EXPECT_EQ(Mechanisms::of_bits(offered.bits() + 1), std::nullopt);
  Mechanisms allowed;
  allowed.add(Mechanism::ScramSha256);
  EXPECT_EQ(offered & allowed, allowed);
}

TEST(SaslCondition, SASL_what_the_client_is_told_of_a_failure) {
  EXPECT_EQ(told("not-authorized", true), NotAuthorized);
  EXPECT_EQ(told("account-disabled", false), AccountDisabled);
  EXPECT_EQ(told("account-disabled", true), NotAuthorized);
  EXPECT_EQ(told("temporary-auth-failure", true), NotAuthorized);
  EXPECT_EQ(told("made-up", false), NotAuthorized);
  EXPECT_EQ(told("mechanism-too-weak", true), MechanismTooWeak);
}

}  // namespace
}  // namespace sallyport::relay
