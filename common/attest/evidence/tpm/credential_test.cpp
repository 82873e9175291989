// Goal: the secret of MakeCredential comes back only for the right key and name, in the wire form of the TPM. Method:
// ActivateCredential written a second time, from Part 1 section 24 of the specification, over a test key that OpenSSL holds.
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "common/attest/evidence/tpm/credential.h"
#include "common/base/reader.h"
#include "common/crypto/aes_cfb.h"
#include "common/crypto/openssl_handles.h"
#include "common/crypto/rsa_oaep.h"
#include "tests/support/fixed_random.h"
#include "tests/support/rsa_key.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::tpm {
namespace {

struct EndorsementKey {
  EndorsementKey() : key(test::rsa_key(2048)) {
    BIGNUM* modulus = nullptr;
    EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_RSA_N, &modulus);
    Bytes bytes(256);
    BN_bn2binpad(modulus, reinterpret_cast<unsigned char*>(bytes.data()), 256);
    BN_free(modulus);
    Bytes area = test::tpm_evidence("good").ek_public;
    std::ranges::copy(bytes, area.end() - 256);
    public_area = OrDie(Public::parse(area));
  }

  std::optional<Bytes> decrypt(ByteView ciphertext) const {
    const crypto::PkeyCtxPtr context(EVP_PKEY_CTX_new(key.get(), nullptr));
    EVP_PKEY_decrypt_init(context.get());
    EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING);
    EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256());
    EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), OPENSSL_memdup("IDENTITY", 9), 9);
    Bytes out(256);
    std::size_t size = out.size();
    if (EVP_PKEY_decrypt(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                         reinterpret_cast<const unsigned char*>(ciphertext.data()), ciphertext.size()) != 1) {
      return std::nullopt;
    }
    out.resize(size);
    return out;
  }

  crypto::PkeyPtr key;
  Public public_area;
};

Bytes kdf(const Bytes& key, std::string_view label_with_nul, ByteView context, std::size_t size) {
  const Bytes input = Writer().u32be(1).bytes(as_bytes(label_with_nul)).bytes(context).u32be(static_cast<std::uint32_t>(size * 8)).take();
  return to_bytes(crypto::hmac_sha256(key, input).reveal().first(size));
}

std::optional<Bytes> activate(const EndorsementKey& ek, const AkName& name, const Credential& credential) {
  Reader outer(credential.id_object, "id object");
  Reader object(outer.sized16be(1000), "id object");
  Reader secret(credential.encrypted_secret, "encrypted secret");
  const ByteView integrity = object.sized16be(32);
  const Bytes identity = to_bytes(object.bytes(object.remaining()));
  const auto seed = ek.decrypt(secret.sized16be(256));
  EXPECT_OK(outer.finish());
  EXPECT_OK(secret.finish());
  if (!seed || seed->size() != 32) return std::nullopt;
  Bytes covered = identity;
  append(covered, name.view());
  const SecretBytes mac = crypto::hmac_sha256(kdf(*seed, std::string_view("INTEGRITY\0", 10), {}, 32), covered);
  if (!equal(mac.reveal(), integrity)) return std::nullopt;
  const SecretBytes key = SecretBytes::copy_of(kdf(*seed, std::string_view("STORAGE\0", 8), name.view(), 16));
  const SecretBytes plain = OrDie(crypto::aes128_cfb_decrypt(key, identity));
  Reader reader(plain.reveal(), "secret");
  const Bytes value = to_bytes(reader.sized16be(32));
  EXPECT_OK(reader.finish());
  return value;
}

AkName name_of(unsigned char seed) {
  AkName name;
  name.array().fill(std::byte{seed});
  return name;
}

TEST(TpmCredential, OnlyTheRightKeyAndNameGiveTheSecretBack) {
  const EndorsementKey ek;
  const EndorsementKey other;
  test::FixedRandom random(1);
  for (const std::size_t size : {1U, 16U, 31U, 32U}) {
    const SecretBytes secret = random.secret(size);
    const Credential credential = OrDie(make_credential(ek.public_area, name_of(1), secret, random));
    EXPECT_EQ(credential.id_object.size(), 2 + 2 + 32 + 2 + size);
    EXPECT_EQ(credential.encrypted_secret.size(), 258U);
    EXPECT_EQ(activate(ek, name_of(1), credential), to_bytes(secret.reveal()));
    EXPECT_EQ(activate(ek, name_of(2), credential), std::nullopt);
    EXPECT_EQ(activate(other, name_of(1), credential), std::nullopt);
    Credential changed = credential;
    changed.id_object.back() ^= std::byte{1};
    EXPECT_EQ(activate(ek, name_of(1), changed), std::nullopt);
  }
}

TEST(TpmCredential, HasTheFormThatTheRecordedOneHas) {
  // cred.blob: badcc0de 00000001, TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET.
  const Bytes blob = test::read_file(test::tpm_vector("good", "cred.blob"));
  const RawEvidence raw = test::tpm_evidence("good");
  test::FixedRandom random(2);
  const Credential credential = OrDie(make_credential(OrDie(Public::parse(raw.ek_public)), OrDie(Public::parse(raw.ak_public)).name,
                                                      random.secret(32), random));
  EXPECT_EQ(8 + credential.id_object.size() + credential.encrypted_secret.size(), blob.size());
  EXPECT_TRUE(equal(ByteView(blob).subspan(8, 4), ByteView(credential.id_object).first(4)));
}

TEST(TpmCredential, SecretsAndKeysOfAnotherFormAreRefused) {
  const EndorsementKey ek;
  test::FixedRandom random(3);
  EXPECT_ERROR(make_credential(ek.public_area, name_of(1), SecretBytes(33), random), Code::usage, "found 33");
  EXPECT_ERROR(make_credential(ek.public_area, name_of(1), SecretBytes(), random), Code::usage, "found 0");
  Public other = ek.public_area;
  other.attributes |= kSign;
  EXPECT_ERROR(make_credential(other, name_of(1), SecretBytes(32), random), Code::usage, "template");
  other = ek.public_area;
  std::get<Public::Rsa>(other.key).modulus[0] = std::byte{0};
  EXPECT_ERROR(make_credential(other, name_of(1), SecretBytes(32), random), Code::malformed, "2048");
}

TEST(RsaOaep, TheKeyOfACertificateIsTheKeyOfItsNumbers) {
  const RawEvidence raw = test::tpm_evidence("good");
  const auto certificate = OrDie(crypto::Certificate::parse_der(raw.ek_certificate));
  const auto key = OrDie(crypto::RsaPublicKey::from_spki(certificate.spki()));
  const Public ek = OrDie(Public::parse(raw.ek_public));
  EXPECT_TRUE(equal(key.modulus(), ek.rsa()->modulus));
  EXPECT_EQ(key.exponent(), 65537U);
  EXPECT_TRUE(is_key_of(*ek.rsa(), certificate.spki()));
  Public::Rsa other = *ek.rsa();
  other.modulus[100] ^= std::byte{1};
  EXPECT_FALSE(is_key_of(other, certificate.spki()));
  for (std::size_t i = 0; i < certificate.spki().size(); ++i) {
    Bytes changed = to_bytes(certificate.spki());
    changed[i] ^= std::byte{1};
    EXPECT_FALSE(is_key_of(*ek.rsa(), changed)) << "byte " << i;
    EXPECT_FALSE(is_key_of(*ek.rsa(), ByteView(certificate.spki()).first(i))) << i << " bytes";
  }
  EXPECT_EQ(OrDie(crypto::RsaPublicKey::from_numbers(key.modulus(), 65537)).modulus(), key.modulus());
  EXPECT_ERROR(crypto::RsaPublicKey::from_numbers(key.modulus(), 3), Code::malformed, "exponent");
  EXPECT_ERROR(crypto::RsaPublicKey::from_numbers(ByteView(key.modulus()).first(255), 65537), Code::malformed, "2048");
  EXPECT_ERROR(crypto::RsaPublicKey::from_spki(ByteView(certificate.spki()).first(100)), Code::malformed, "rsa key");
  EXPECT_ERROR(key.encrypt_oaep({}, SecretBytes(191)), Code::usage, "does not fit");
  EXPECT_OK(key.encrypt_oaep({}, SecretBytes(190)));
}

TEST(AesCfb, GivesThePublishedBlocks) {
  // NIST SP 800-38A F.3.13 has IV 000102..; with a zero IV the first block is AES(key, 0) xor plaintext (FIPS 197, key of F.3.13).
  const SecretBytes key = SecretBytes::copy_of(OrDie(hex_decode("2b7e151628aed2a6abf7158809cf4f3c")));
  const SecretBytes zero(16);
  const Bytes encrypted = OrDie(crypto::aes128_cfb_encrypt(key, zero));
  EXPECT_EQ(hex_encode(encrypted), "7df76b0c1ab899b33e42f047b91b546f");  // RFC 4493 section 4: AES-128(key, 0)
  EXPECT_EQ(OrDie(crypto::aes128_cfb_decrypt(key, encrypted)), zero);
  EXPECT_ERROR(crypto::aes128_cfb_encrypt(SecretBytes(32), zero), Code::malformed, "found 32");
}

}  // namespace
}  // namespace redoubt::tpm
