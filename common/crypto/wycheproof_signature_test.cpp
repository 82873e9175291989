// Goal: signature verification accepts and refuses exactly as Wycheproof says (malleable, truncated, out-of-range and
// edge-case signatures). Method: every case of ed25519_test and ecdsa_secp256r1_sha256_p1363_test; a signature of another
// length than 64 bytes is refused before any arithmetic.
#include <gtest/gtest.h>

#include "common/crypto/ecdsa_p256.h"
#include "common/crypto/ed25519.h"
#include "tests/support/expect.h"
#include "tests/support/vectors.h"

namespace redoubt::crypto {
namespace {

TEST(Ed25519, AgreesWithWycheproof) {
  for (const auto& one : test::read_vectors("wycheproof/ed25519.txt")) {
    SCOPED_TRACE(one.text("id"));
    const auto key = OrDie(Ed25519PublicKey::from(one.hex("key"), "key"));
    const auto signature = Ed25519Signature::from(one.hex("sig"), "signature");
    if (one.text("result") == "valid") {
      EXPECT_OK(verify(key, one.hex("msg"), OrDie(signature)));
    } else if (signature.ok()) {
      EXPECT_ERROR(verify(key, one.hex("msg"), *signature), Code::chain, "not by key");
    } else {
      EXPECT_ERROR(signature, Code::malformed, "expected 64 bytes");
    }
  }
}

TEST(EcdsaP256, AgreesWithWycheproof) {
  for (const auto& one : test::read_vectors("wycheproof/ecdsa_p256_sha256.txt")) {
    SCOPED_TRACE(one.text("id"));
    const Bytes point = one.hex("key");
    const auto key = OrDie(EcdsaP256PublicKey::from_point(ByteView(point).first(32), ByteView(point).subspan(32)));
    const auto signature = EcdsaP256Signature::from_bytes(one.hex("sig"));
    if (one.text("result") == "valid") {
      EXPECT_OK(key.verify_digest(sha256(one.hex("msg")), OrDie(signature).r.view(), OrDie(signature).s.view()));
    } else if (signature.ok()) {
      EXPECT_ERROR(key.verify_digest(sha256(one.hex("msg")), signature->r.view(), signature->s.view()), Code::chain,
                   "does not verify");
    } else {
      EXPECT_ERROR(signature, Code::malformed, "expected 64 bytes");
    }
  }
}

}  // namespace
}  // namespace redoubt::crypto
