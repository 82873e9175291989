// Foreign tokens: read in their one form, verified only with the algorithm and the key of the caller. The key sets that callers pin.
#include "common/crypto/jwt.h"

#include "common/crypto/digest.h"
#include "tests/support/evidence_token.h"
#include "tests/support/expect.h"

namespace redoubt::crypto {
namespace {

using test::SignerKind;

struct Kind {
  JwtAlgorithm algorithm;
  const char* name;
  SignerKind signer;
};
constexpr Kind kKinds[] = {{JwtAlgorithm::rs256, "RS256", SignerKind::rsa2048},
                           {JwtAlgorithm::ps256, "PS256", SignerKind::rsa2048},
                           {JwtAlgorithm::ps384, "PS384", SignerKind::rsa2048},
                           {JwtAlgorithm::es256, "ES256", SignerKind::p256},
                           {JwtAlgorithm::es384, "ES384", SignerKind::p384}};

const test::Signer& signer(SignerKind kind = SignerKind::rsa2048) { return test::test_signer(kind, "jwt"); }
PublicKey public_key(const test::Signer& signer) { return OrDie(PublicKey::from_spki(signer.spki())); }

TEST(Jwt, VerifiesOnlyWithItsOwnAlgorithmAndKey) {
  for (const Kind& kind : kKinds) {
    const std::string header = std::string(R"({"alg":")") + kind.name + "\"}";
    const Jwt jwt = OrDie(Jwt::parse(test::make_token(header, R"({"a":0.5})", kind.name, signer(kind.signer))));
    EXPECT_EQ(jwt.header().algorithm, kind.name);
    for (const Kind& asked : kKinds) {
      const Status status = jwt.verify(asked.algorithm, public_key(signer(asked.signer)));
      if (asked.algorithm == kind.algorithm) {
        EXPECT_OK(status);
      } else {
        EXPECT_ERROR(status, Code::chain, "token algorithm");
      }
    }
    EXPECT_ERROR(jwt.verify(kind.algorithm, public_key(test::test_signer(kind.signer, "stranger"))), Code::chain, "token signature");
  }
}

TEST(Jwt, WhoseNamedAlgorithmIsNotTheOneThatSignedIsRefused) {
  // A PS256 signature under a header that says RS256, and the other way round.
  const Jwt first = OrDie(Jwt::parse(test::make_token(R"({"alg":"RS256"})", "{}", "PS256", signer())));
  EXPECT_ERROR(first.verify(JwtAlgorithm::rs256, public_key(signer())), Code::chain, "token signature");
  const Jwt second = OrDie(Jwt::parse(test::make_token(R"({"alg":"PS256"})", "{}", "RS256", signer())));
  EXPECT_ERROR(second.verify(JwtAlgorithm::ps256, public_key(signer())), Code::chain, "token signature");
}

TEST(Jwt, WithAKeyOfAnotherKindIsRefused) {
  const Jwt jwt = OrDie(Jwt::parse(test::make_token(R"({"alg":"ES256"})", "{}", "ES256", signer(SignerKind::p256))));
  EXPECT_ERROR(jwt.verify(JwtAlgorithm::es256, public_key(signer(SignerKind::p384))), Code::chain, "its kind does not fit");
  EXPECT_ERROR(jwt.verify(JwtAlgorithm::es256, public_key(signer())), Code::chain, "its kind does not fit");
}

TEST(Jwt, TellsWhatItsHeaderBringsAndUsesNoneOfIt) {
  const Jwt jwt = OrDie(Jwt::parse(test::make_token(
      R"({"alg":"RS256","kid":"k","typ":"JWT","jku":"https://a.example","x5u":"https://b.example","jwk":{},"x5c":["AAE="]})", "{}",
      "RS256", signer())));
  EXPECT_EQ(jwt.header().key_id, "k");
  EXPECT_EQ(jwt.header().type, "JWT");
  EXPECT_EQ(jwt.header().key_address, "https://a.example");
  EXPECT_EQ(jwt.header().certificate_address, "https://b.example");
  EXPECT_TRUE(jwt.header().embedded_key);
  ASSERT_TRUE(jwt.header().certificates);
  EXPECT_EQ(jwt.header().certificates->at(0), (Bytes{std::byte{0}, std::byte{1}}));
}

TEST(Jwt, OfAnotherFormIsRefused) {
  const auto parse = [](std::string_view header, std::string_view payload) {
    return Jwt::parse(test::make_token(header, payload, "RS256", signer()));
  };
  EXPECT_ERROR(Jwt::parse("a.b"), Code::malformed, "three parts, found 2");
  EXPECT_ERROR(Jwt::parse("e30.e30.AA.AA"), Code::malformed, "three parts, found 4");
  EXPECT_ERROR(Jwt::parse("e30=.e30.AA"), Code::malformed, "header");
  EXPECT_ERROR(Jwt::parse("e30.e31.AA"), Code::malformed, "payload");  // bits after the last byte
  EXPECT_ERROR(parse("{}", "{}"), Code::malformed, "alg");
  EXPECT_ERROR(parse(R"({"alg":""})", "{}"), Code::malformed, "alg");
  EXPECT_ERROR(parse(R"({"alg":"RS256","x5t":"a"})", "{}"), Code::malformed, "'x5t'");
  EXPECT_ERROR(parse(R"({"alg":"RS256","x5c":[]})", "{}"), Code::malformed, "x5c");
  EXPECT_ERROR(parse(R"({"alg":"RS256","x5c":["_-A="]})", "{}"), Code::malformed, "x5c");
  EXPECT_ERROR(parse(R"({"alg":"RS256","x5c":"AAE="})", "{}"), Code::malformed, "x5c");
  EXPECT_ERROR(parse(R"({"alg":"RS256"})", "{} {}"), Code::malformed, "payload");
  EXPECT_ERROR(parse(R"({"alg":"RS256"})", std::string(17, '[')), Code::malformed, "payload");
}

TEST(JwkSet, GivesTheKeysThatItPublishes) {
  for (const Kind& kind : kKinds) {
    const auto keys = OrDie(parse_jwk_set(test::jwk_set(signer(kind.signer), "k1", kind.name)));
    ASSERT_EQ(keys.size(), 1U);
    EXPECT_EQ(keys[0].key_id, "k1");
    EXPECT_EQ(keys[0].algorithm, kind.name);
    EXPECT_TRUE(equal(keys[0].key.spki(), signer(kind.signer).spki()));
  }
  // Azure's sets may hold certificates only.
  const Bytes certificate = test::signer_certificate({}, signer(), signer());
  const auto keys = OrDie(parse_jwk_set(R"({"keys":[{"kid":"k1","kty":"RSA","x5c":)" + test::x5c({certificate}) + "}]}"));
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_TRUE(equal(keys[0].key.spki(), signer().spki()));
}

TEST(JwkSet, IsReadStrictly) {
  const std::string good = test::jwk_set(signer(), "k1", "RS256");
  const auto edited = [&](std::string_view first, std::string_view second) {
    return parse_jwk_set(test::edited(good, first, second));
  };
  EXPECT_ERROR(edited("\"kid\":\"k1\",", ""), Code::malformed, "without kid");
  EXPECT_ERROR(edited("AQAB", "Aw"), Code::malformed, "65537");
  EXPECT_ERROR(edited("\"kty\":\"RSA\"", "\"kty\":\"oct\""), Code::malformed, "kty");
  EXPECT_ERROR(edited("\"kty\":\"RSA\"", "\"kty\":\"EC\""), Code::malformed, "crv");
  EXPECT_ERROR(edited("\"n\":\"", "\"n\":\"="), Code::malformed, "n");
  EXPECT_EQ(OrDie(edited("\"use\":\"sig\"", "\"use\":\"enc\"")).size(), 0U);
  const std::string one = good.substr(9, good.size() - 11);
  EXPECT_ERROR(parse_jwk_set("{\"keys\":[" + one + "," + one + "]}"), Code::malformed, "two keys");
  EXPECT_ERROR(parse_jwk_set("{}"), Code::malformed, "'keys'");
  EXPECT_ERROR(parse_jwk_set("{\"keys\":[7]}"), Code::malformed, "a key as an object");
}

}  // namespace
}  // namespace redoubt::crypto
