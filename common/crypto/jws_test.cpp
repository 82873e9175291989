// Goal: a token is accepted only as its signer wrote it, under the caller's key and type; the known ways to confuse JWS
// readers fail. Method: RFC 8037 appendix A.4; then each byte changed, other headers over a valid signature, other keys.
#include "common/crypto/jws.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/fixed_random.h"

namespace redoubt::crypto {
namespace {

const JwsHeader kJwsHeader{"application/eat+jwt", "verifier:1"};

Ed25519PrivateKey signer_of(unsigned char value) {
  return OrDie(Ed25519PrivateKey::from_seed(SecretBytes::copy_of(Bytes(32, std::byte{value}))));
}

std::string sign_token(ByteView payload = as_bytes("payload")) { return OrDie(jws_sign(signer_of(1), kJwsHeader, payload)); }
Ed25519PublicKey public_key() { return signer_of(1).public_key(); }

// A token whose signature is right but whose header is of the attacker's (or a careless signer's) making.
std::string with_header(std::string_view header) {
  std::string token = base64url_encode(as_bytes(header)) + '.' + base64url_encode(as_bytes("payload"));
  return token + '.' + base64url_encode(signer_of(1).sign(as_bytes(token)).view());
}

TEST(Jws, GivesTheExampleOfRfc8037) {
  const auto key = OrDie(Ed25519PrivateKey::from_seed(
      SecretBytes::copy_of(OrDie(base64url_decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")))));
  EXPECT_EQ(base64url_encode(key.public_key().view()), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
  const std::string token = OrDie(jws_sign(key, {}, as_bytes("Example of Ed25519 signing")));
  EXPECT_EQ(token,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
  EXPECT_EQ(OrDie(jws_verify(token, key.public_key(), "")), to_bytes("Example of Ed25519 signing"));
}

TEST(Jws, GivesBackPayloadAndHeader) {
  for (const std::size_t size : {0U, 1U, 2U, 3U, 1000U}) {
    const Bytes payload(size, std::byte{0xA5});
    EXPECT_EQ(OrDie(jws_verify(sign_token(payload), public_key(), kJwsHeader.type)), payload);
  }
  EXPECT_EQ(OrDie(unverified_jws_header(sign_token())), kJwsHeader);
  const Bytes most(kJwsMaxPayload);
  EXPECT_EQ(OrDie(jws_verify(sign_token(most), public_key(), kJwsHeader.type)), most);
}

TEST(Jws, RefusesEveryChangedCharacterTruncationAndAddition) {
  const std::string token = sign_token();
  for (std::size_t at = 0; at < token.size(); ++at) {
    for (const char other : {'A', 'B', '.', '=', '\0'}) {
      std::string bad = token;
      if (bad[at] == other) continue;
      bad[at] = other;
      EXPECT_FALSE(jws_verify(bad, public_key(), kJwsHeader.type).ok()) << at << other;
    }
    EXPECT_FALSE(jws_verify(token.substr(0, at), public_key(), kJwsHeader.type).ok()) << at;
  }
  for (const std::string tail : {"A", ".", "=", " ", "\n", ".AAAA"}) {
    EXPECT_ERROR(jws_verify(token + tail, public_key(), kJwsHeader.type), Code::malformed, "jws");
    EXPECT_ERROR(jws_verify(tail + token, public_key(), kJwsHeader.type), Code::malformed, "jws");
  }
}

TEST(Jws, RefusesAnotherKeyAndAnotherType) {
  EXPECT_ERROR(jws_verify(sign_token(), signer_of(2).public_key(), kJwsHeader.type), Code::chain, "verifying jws");
  EXPECT_ERROR(jws_verify(sign_token(), public_key(), "application/other"), Code::binding, "expected 'application/other'");
  EXPECT_ERROR(jws_verify(sign_token(), public_key(), ""), Code::binding, "jws type");
}

TEST(Jws, RefusesEveryOtherHeaderEvenUnderAValidSignature) {
  EXPECT_OK(jws_verify(with_header(R"({"alg":"EdDSA","kid":"k","typ":"t"})"), public_key(), "t"));
  for (const std::string_view header :
       {R"({"alg":"none","kid":"k","typ":"t"})", R"({"alg":"HS256","kid":"k","typ":"t"})",
        R"({"alg":"eddsa","kid":"k","typ":"t"})", R"({"alg":"EdDSA","typ":"t","kid":"k"})",
        R"({"kid":"k","alg":"EdDSA","typ":"t"})", R"({ "alg":"EdDSA","kid":"k","typ":"t"})",
        R"({"alg":"EdDSA","kid":"k","typ":"t"} )", R"({"alg":"EdDSA","kid":"k","typ":"t"}x)",
        R"({"alg":"EdDSA","kid":"k","typ":"t","crit":["exp"]})", R"({"alg":"EdDSA","jku":"https://a","kid":"k","typ":"t"})",
        R"({"alg":"EdDSA","jwk":{},"kid":"k","typ":"t"})", R"({"alg":"EdDSA","kid":"k","typ":"t","x5u":"https://a"})",
        R"({"alg":"EdDSA","b64":false,"kid":"k","typ":"t"})", R"({"alg":"EdDSA","kid":"k","kid":"l","typ":"t"})",
        R"({"alg":"EdDSA","kid":"k","typ":"t","typ":"u"})", R"({"alg":"EdDSA","alg":"none","kid":"k","typ":"t"})",
        R"({"alg":"EdDSA","kid":"\u006b","typ":"t"})", R"({"alg":"EdDSA","kid":"k k","typ":"t"})",
        R"({"alg":"EdDSA","kid":"","typ":"t"})", R"({"alg":"EdDSA","kid":1,"typ":"t"})", R"({"alg":"EdDSA","kid":"k","typ":"t)",
        R"({"alg":"EdDSA","kid":"k)", R"({"alg":"EdDSA")", R"({})", R"([])", "", "{\"alg\":\"EdDSA\",\"kid\":\"\xff\"}"}) {
    EXPECT_ERROR(jws_verify(with_header(header), public_key(), "t"), Code::malformed, "jws header") << header;
    EXPECT_ERROR(unverified_jws_header(with_header(header)), Code::malformed, "jws header") << header;
  }
}

TEST(Jws, RefusesOtherSpellingsOfTheParts) {
  const std::string token = sign_token();
  const std::string header = token.substr(0, token.find('.'));
  const std::string rest = token.substr(token.find('.'));
  EXPECT_ERROR(jws_verify(header + "=" + rest, public_key(), kJwsHeader.type), Code::malformed, "jws header");
  EXPECT_ERROR(jws_verify(token + "==", public_key(), kJwsHeader.type), Code::malformed, "jws signature");
  EXPECT_ERROR(jws_verify("a.b.c.d.e", public_key(), kJwsHeader.type), Code::malformed, "three parts");
  EXPECT_ERROR(jws_verify("..", public_key(), kJwsHeader.type), Code::malformed, "jws header");
  EXPECT_ERROR(jws_verify(header + "..", public_key(), kJwsHeader.type), Code::malformed, "jws signature");
  EXPECT_ERROR(jws_verify(std::string(2U << 20, 'A'), public_key(), kJwsHeader.type), Code::malformed, "at most");
}

TEST(Jws, RefusesToWriteWhatItWouldNotRead) {
  const auto key = signer_of(1);
  for (const std::string& bad : {std::string("a\"b"), std::string("a b"), std::string("a\\"), std::string("\0", 1),
                                std::string("\xC3\xA4"), std::string(129, 'a')}) {
    EXPECT_ERROR(jws_sign(key, {bad, "k"}, {}), Code::usage, "jws header");
    EXPECT_ERROR(jws_sign(key, {"t", bad}, {}), Code::usage, "jws header");
  }
  EXPECT_ERROR(jws_sign(key, kJwsHeader, Bytes(kJwsMaxPayload + 1)), Code::usage, "jws payload");
}

}  // namespace
}  // namespace redoubt::crypto
