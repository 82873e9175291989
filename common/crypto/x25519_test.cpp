// Goal: X25519 agrees with the published results and refuses exactly the peers that give the all-zero secret. Method:
// RFC 7748 section 5.2 and Wycheproof, whose "acceptable" cases are ours unless the secret is zero.
#include "common/crypto/x25519.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/fixed_random.h"
#include "tests/support/vectors.h"

namespace redoubt::crypto {
namespace {

X25519PrivateKey private_key_of(ByteView bytes) { return OrDie(X25519PrivateKey::from_bytes(SecretBytes::copy_of(bytes))); }
Bytes decoded(std::string_view text) { return OrDie(hex_decode(text)); }

TEST(X25519, GivesTheValuesOfRfc7748) {
  const auto secret = [](std::string_view text) { return SecretBytes::copy_of(decoded(text)); };
  const auto agree = [](std::string_view scalar, std::string_view u) {
    return OrDie(private_key_of(decoded(scalar)).agree(OrDie(X25519PublicKey::from_hex(u, "u"))));
  };
  EXPECT_EQ(agree("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                  "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
            secret("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"));
  EXPECT_EQ(agree("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                  "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493"),
            secret("95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"));
}

TEST(X25519, AgreesWithWycheproof) {
  std::size_t refused = 0;
  for (const auto& one : test::read_vectors("wycheproof/x25519.txt")) {
    SCOPED_TRACE(one.text("id"));
    const X25519PrivateKey key = private_key_of(one.hex("private"));
    EXPECT_EQ(key.bytes(), SecretBytes::copy_of(one.hex("private")));
    const auto peer = OrDie(X25519PublicKey::from(one.hex("public"), "public"));
    if (one.hex("shared") == Bytes(32)) {
      ++refused;
      EXPECT_ERROR(key.agree(peer), Code::malformed, "of small order");
    } else {
      EXPECT_EQ(OrDie(key.agree(peer)), SecretBytes::copy_of(one.hex("shared")));
    }
  }
  EXPECT_EQ(refused, 31U);
}

TEST(X25519, MakesKeysThatAgree) {
  test::FixedRandom random(1);
  const auto alice = OrDie(X25519PrivateKey::generate(random));
  const auto bob = OrDie(X25519PrivateKey::generate(random));
  EXPECT_NE(alice.public_key(), bob.public_key());
  EXPECT_EQ(OrDie(alice.agree(bob.public_key())), OrDie(bob.agree(alice.public_key())));
}

TEST(X25519, RefusesPrivateKeysOfAnotherSize) {
  for (const std::size_t size : {0U, 31U, 33U}) {
    EXPECT_ERROR(X25519PrivateKey::from_bytes(SecretBytes(size)), Code::malformed, "expected 32 bytes");
  }
}

}  // namespace
}  // namespace redoubt::crypto
