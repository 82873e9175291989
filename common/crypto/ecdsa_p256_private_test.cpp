// Goal: P-256 private keys sign what their public keys verify, and are read back only whole and consistent. Method: fresh
// keys, a round trip, each byte of the PKCS#8 form changed, and forms of other tools that are not ours.
#include <gtest/gtest.h>

#include "common/crypto/ecdsa_p256.h"
#include "tests/support/expect.h"

namespace redoubt::crypto {
namespace {

SecretBytes secret(ByteView bytes) { return SecretBytes::copy_of(bytes); }

TEST(EcdsaP256PrivateKey, SignsWhatItsPublicKeyVerifies) {
  const auto key = OrDie(EcdsaP256PrivateKey::generate());
  const EcdsaP256PublicKey public_key = key.public_key();
  for (int i = 0; i < 64; ++i) {  // often enough for an r or s with a leading zero byte now and then
    const Sha256Digest digest = sha256(as_bytes(std::to_string(i)));
    const EcdsaP256Signature signature = key.sign_digest(digest);
    EXPECT_OK(public_key.verify_digest(digest, signature.r.view(), signature.s.view()));
    EXPECT_ERROR(public_key.verify_digest(sha256(as_bytes("other")), signature.r.view(), signature.s.view()),
                 Code::chain, "does not verify");
  }
}

TEST(EcdsaP256PrivateKey, MakesADifferentKeyEachTime) {
  EXPECT_NE(OrDie(EcdsaP256PrivateKey::generate()).public_key().spki(),
            OrDie(EcdsaP256PrivateKey::generate()).public_key().spki());
}

TEST(EcdsaP256PrivateKey, ReadsBackItsPkcs8Form) {
  const auto key = OrDie(EcdsaP256PrivateKey::generate());
  const auto again = OrDie(EcdsaP256PrivateKey::from_pkcs8(key.pkcs8()));
  EXPECT_EQ(again.public_key().spki(), key.public_key().spki());
  EXPECT_EQ(again.pkcs8(), key.pkcs8());
}

TEST(EcdsaP256PrivateKey, RefusesEveryChangedByteAndTruncation) {
  const auto key = OrDie(EcdsaP256PrivateKey::generate());
  const Bytes der = to_bytes(key.pkcs8().reveal());
  for (std::size_t at = 0; at < der.size(); ++at) {
    Bytes bad = der;
    bad[at] ^= std::byte{1};
    EXPECT_ERROR(EcdsaP256PrivateKey::from_pkcs8(secret(bad)), Code::malformed, "private key: ") << at;
    EXPECT_ERROR(EcdsaP256PrivateKey::from_pkcs8(secret(ByteView(der).first(at))), Code::malformed, "private key: ");
  }
  Bytes longer = der;
  longer.push_back(std::byte{0});
  EXPECT_ERROR(EcdsaP256PrivateKey::from_pkcs8(secret(longer)), Code::malformed, "expected the 138-byte");
}

// RFC 5915 leaves the public key optional; the key of RFC 6979 appendix A.2.5 without it.
TEST(EcdsaP256PrivateKey, RefusesAKeyWithoutItsPublicKey) {
  const Bytes der = OrDie(hex_decode(
      "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420"
      "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"));
  EXPECT_ERROR(EcdsaP256PrivateKey::from_pkcs8(secret(der)), Code::malformed, "expected the 138-byte");
}

// RFC 8410 section 10.3: an Ed25519 key is a well-formed PKCS#8 key, but not ours.
TEST(EcdsaP256PrivateKey, RefusesAKeyOfAnotherKind) {
  const Bytes der = OrDie(hex_decode(
      "302e020100300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842"));
  EXPECT_ERROR(EcdsaP256PrivateKey::from_pkcs8(secret(der)), Code::malformed, "expected the 138-byte");
}

}  // namespace
}  // namespace redoubt::crypto
