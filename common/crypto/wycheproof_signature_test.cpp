// Goal: signature verification accepts and refuses exactly as Wycheproof says (malleable, truncated, out-of-range and
// edge-case signatures). Method: every case of ed25519_test and ecdsa_secp256r1_sha256_p1363_test, where a signature of another
// length than 64 bytes is refused before any arithmetic; for PublicKey ECDSA in DER and both paddings of RSA. What Wycheproof
// calls acceptable (an RSA DigestInfo without its NULL) is refused.
#include <gtest/gtest.h>

#include "common/crypto/ecdsa_p256.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/public_key.h"
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

TEST(PublicKey, AgreesWithWycheproof) {
  const struct {
    std::string_view file;
    SignatureScheme scheme;
  } kFiles[] = {{"ecdsa_p256_sha256_der", SignatureScheme::ecdsa_sha256},    {"ecdsa_p384_sha384_der", SignatureScheme::ecdsa_sha384},
                {"rsa_pkcs1_2048_sha256", SignatureScheme::rsa_pkcs1_sha256}, {"rsa_pkcs1_3072_sha384", SignatureScheme::rsa_pkcs1_sha384},
                {"rsa_pss_2048_sha256", SignatureScheme::rsa_pss_sha256},     {"rsa_pss_4096_sha384", SignatureScheme::rsa_pss_sha384}};
  for (const auto& [file, scheme] : kFiles) {
    std::optional<PublicKey> key;
    for (const auto& one : test::read_vectors("wycheproof/" + std::string(file) + ".txt")) {
      SCOPED_TRACE(std::string(file) + " " + one.text("id") + " " + one.text("flags"));
      if (one.has("key")) key = OrDie(PublicKey::from_spki(one.hex("key")));
      const Status status = key.value().verify(scheme, one.hex("msg"), one.hex("sig"));
      if (one.text("result") == "valid") {
        EXPECT_OK(status);
      } else {
        EXPECT_ERROR(status, Code::chain, "does not verify");
      }
    }
  }
}

TEST(PublicKey, AgreesWithWycheproofOnRawSignatures) {
  for (const auto& one : test::read_vectors("wycheproof/ecdsa_p256_sha256.txt")) {
    SCOPED_TRACE(one.text("id"));
    const Bytes point = one.hex("key");
    const auto key = OrDie(PublicKey::from_point(KeyKind::p256, ByteView(point).first(32), ByteView(point).subspan(32)));
    const Status status = key.verify_raw(SignatureScheme::ecdsa_sha256, one.hex("msg"), one.hex("sig"));
    if (one.text("result") == "valid") {
      EXPECT_OK(status);
    } else {
      EXPECT_ERROR(status, Code::chain, "does not verify");
    }
  }
}

}  // namespace
}  // namespace redoubt::crypto
