// Goal: digests and signatures accept the published vectors and refuse every flipped bit. Method: FIPS 180-4, RFC 8032
// section 7.1 and RFC 5869 appendix A.1, then each bit of key, message and signature flipped in turn.
#include <gtest/gtest.h>

#include "common/crypto/digest.h"
#include "common/crypto/ecdsa_p256.h"
#include "common/crypto/ed25519.h"
#include "tests/support/expect.h"

namespace redoubt::crypto {
namespace {

Bytes bytes_of(std::string_view text) { return OrDie(hex_decode(text)); }

TEST(Digest, GivesTheValuesOfFips180) {
  EXPECT_EQ(sha256(as_bytes("abc")).hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256().update(as_bytes("a")).update(as_bytes("bc")).finish(), sha256({as_bytes("ab"), as_bytes("c")}));
  EXPECT_EQ(sha384(as_bytes("abc")).hex().substr(0, 16), "cb00753f45a35e8b");
  EXPECT_EQ(sha512(as_bytes("abc")).hex().substr(0, 16), "ddaf35a193617aba");
}

TEST(Hkdf, GivesTestCase1OfRfc5869) {
  const SecretBytes prk = hkdf_extract(bytes_of("000102030405060708090a0b0c"), bytes_of("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"));
  EXPECT_EQ(hex_encode(prk.reveal()), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  EXPECT_EQ(hex_encode(hkdf_expand(prk.reveal(), bytes_of("f0f1f2f3f4f5f6f7f8f9"), 42).reveal()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

TEST(Ed25519, SignsTest2OfRfc8032AndRefusesEveryFlippedBit) {
  const auto key = OrDie(Ed25519PrivateKey::from_seed(
      SecretBytes::copy_of(bytes_of("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))));
  EXPECT_EQ(key.public_key().hex(), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const Bytes message = bytes_of("72");
  const Ed25519Signature signature = key.sign(message);
  EXPECT_EQ(signature.hex(),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_OK(verify(key.public_key(), message, signature));
  EXPECT_ERROR(verify(key.public_key(), bytes_of("73"), signature), Code::chain, "not by key");
  for (std::size_t bit = 0; bit < 512; ++bit) {
    Ed25519Signature bad = signature;
    bad.array()[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_ERROR(verify(key.public_key(), message, bad), Code::chain, "not by key");
  }
}

// With S = 0 and R a point of small order, one message in a few fits such a key: all of them are refused by the key.
TEST(Ed25519, RefusesKeysForWhichAnyoneCanSign) {
  const std::vector<Bytes> points = {
      Bytes(32), bytes_of("0100000000000000000000000000000000000000000000000000000000000000"),
      bytes_of("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), bytes_of("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
      bytes_of("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), bytes_of("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
      bytes_of("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")};
  for (Bytes point : points) {
    for (const std::byte sign : {std::byte{0}, std::byte{0x80}}) {
      point.back() |= sign;
      const auto key = OrDie(Ed25519PublicKey::from(point, "key"));
      for (const Bytes& r : points) {
        Ed25519Signature forged;
        std::ranges::copy(r, forged.array().begin());
        for (unsigned message = 0; message < 16; ++message) {
          EXPECT_ERROR(verify(key, Bytes(1, std::byte(message)), forged), Code::chain, "small order");
        }
      }
    }
  }
}

TEST(Ed25519, RefusesASeedOfAnotherSize) {
  EXPECT_ERROR(Ed25519PrivateKey::from_seed(SecretBytes(31)), Code::malformed, "found 31");
}

// RFC 6979 appendix A.2.5, P-256 with SHA-256, message "sample".
TEST(EcdsaP256, VerifiesRfc6979AndRefusesEveryFlippedBit) {
  const Bytes x = bytes_of("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6");
  const Bytes y = bytes_of("7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
  Bytes r = bytes_of("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716");
  const Bytes s = bytes_of("f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
  const auto key = OrDie(EcdsaP256PublicKey::from_point(x, y));
  const Sha256Digest digest = sha256(as_bytes("sample"));
  EXPECT_OK(key.verify_digest(digest, r, s));
  EXPECT_OK(OrDie(EcdsaP256PublicKey::from_spki(key.spki())).verify_digest(digest, r, s));
  EXPECT_ERROR(key.verify_digest(sha256(as_bytes("test")), r, s), Code::chain, "does not verify");
  EXPECT_ERROR(key.verify_digest(digest, s, r), Code::chain, "does not verify");
  for (std::size_t bit = 0; bit < 256; ++bit) {
    r[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_ERROR(key.verify_digest(digest, r, s), Code::chain, "does not verify");
    r[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
}

TEST(EcdsaP256, RefusesPointsOffTheCurveAndOtherEncodings) {
  const Bytes x = bytes_of("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6");
  Bytes y = bytes_of("7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
  Bytes spki = OrDie(EcdsaP256PublicKey::from_point(x, y)).spki();
  y[31] ^= std::byte{1};
  EXPECT_ERROR(EcdsaP256PublicKey::from_point(x, y), Code::malformed, "not on the curve");
  EXPECT_ERROR(EcdsaP256PublicKey::from_point(x, ByteView(y).first(31)), Code::malformed, "found 32 and 31");
  EXPECT_ERROR(EcdsaP256PublicKey::from_point(Bytes(32), Bytes(32)), Code::malformed, "not on the curve");
  spki.push_back(std::byte{0});
  EXPECT_ERROR(EcdsaP256PublicKey::from_spki(spki), Code::malformed, "trailing bytes");
  EXPECT_ERROR(EcdsaP256PublicKey::from_spki(ByteView(spki).first(40)), Code::malformed, "SubjectPublicKeyInfo");
}

}  // namespace
}  // namespace redoubt::crypto
