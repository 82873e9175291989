// Goal: a key is what it says it is, and only a signature by it under the caller's scheme is accepted. Method: keys and signatures
// made by OpenSSL's EVP interface in the test, each scheme with each key; every bit of a signature and of a key changed.
#include "common/crypto/public_key.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <atomic>
#include <thread>

#include "common/base/der.h"
#include "common/crypto/unique_key.h"
#include "common/crypto/openssl_handles.h"
#include "tests/support/expect.h"
#include "tests/support/rsa_key.h"

namespace redoubt::crypto {
namespace {

unsigned char* out(Bytes& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

constexpr SignatureScheme kSchemes[] = {SignatureScheme::ecdsa_sha256,     SignatureScheme::ecdsa_sha384,
                                        SignatureScheme::ecdsa_sha512,     SignatureScheme::rsa_pkcs1_sha256,
                                        SignatureScheme::rsa_pkcs1_sha384, SignatureScheme::rsa_pkcs1_sha512,
                                        SignatureScheme::rsa_pss_sha256,   SignatureScheme::rsa_pss_sha384,
                                        SignatureScheme::rsa_pss_sha512};
bool is_ecdsa(SignatureScheme scheme) { return scheme <= SignatureScheme::ecdsa_sha512; }
bool is_pss(SignatureScheme scheme) { return scheme >= SignatureScheme::rsa_pss_sha256; }

// Signer: a key pair of OpenSSL's, whose signatures are the yardstick.
struct Signer {
  explicit Signer(EVP_PKEY* made) : pair(made) {
    if (made == nullptr) std::abort();
  }
  static Signer ec(const char* curve) { return Signer(EVP_EC_gen(curve)); }
  static Signer rsa(std::size_t bits) { return Signer(test::rsa_key(static_cast<unsigned>(bits))); }

  Bytes spki() const {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(pair.get(), &der);
    if (size <= 0) std::abort();
    const Bytes bytes = to_bytes(std::as_bytes(std::span(der, static_cast<std::size_t>(size))));
    OPENSSL_free(der);
    return bytes;
  }
  PublicKey key() const { return OrDie(PublicKey::from_spki(spki())); }

  Bytes sign(SignatureScheme scheme, ByteView message, int salt = RSA_PSS_SALTLEN_DIGEST) const {
    constexpr const char* kNames[] = {"SHA256", "SHA384", "SHA512"};
    const MdCtxPtr context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* parameters = nullptr;
    if (EVP_DigestSignInit_ex(context.get(), &parameters, kNames[static_cast<int>(hash_of(scheme))], nullptr, nullptr, pair.get(),
                              nullptr) != 1) {
      std::abort();
    }
    if (is_pss(scheme) && (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
                           EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, salt) != 1)) {
      std::abort();
    }
    Bytes signature(2048);
    std::size_t size = signature.size();
    if (EVP_DigestSign(context.get(), out(signature), &size, in(message), message.size()) != 1) std::abort();
    signature.resize(size);
    return signature;
  }

  PkeyPtr pair;
};

const Signer& p256() { static const Signer signer = Signer::ec("P-256"); return signer; }
const Signer& p384() { static const Signer signer = Signer::ec("P-384"); return signer; }
const Signer& rsa() { static const Signer signer = Signer::rsa(2048); return signer; }

const Bytes kMessage = to_bytes("what the attester said");

// pad: a DER integer's magnitude as a field element.
Bytes pad(ByteView magnitude, std::size_t size) {
  Bytes field(size - magnitude.size());
  append(field, magnitude);
  return field;
}
Bytes raw_of(ByteView signature, std::size_t size) {
  der::Reader outer(signature, "signature");
  der::Reader pair = outer.enter(der::Tag::sequence, "signature");
  Bytes raw = pad(pair.unsigned_integer(), size);
  append(raw, pad(pair.unsigned_integer(), size));
  if (!pair.finish().ok()) std::abort();
  return raw;
}

TEST(PublicKey, TellsWhatItIs) {
  EXPECT_EQ(p256().key().kind(), KeyKind::p256);
  EXPECT_EQ(p384().key().kind(), KeyKind::p384);
  EXPECT_EQ(rsa().key().kind(), KeyKind::rsa);
  EXPECT_EQ(p256().key().bits(), 256U);
  EXPECT_EQ(p384().key().bits(), 384U);
  EXPECT_EQ(rsa().key().bits(), 2048U);
  for (const Signer* signer : {&p256(), &p384(), &rsa()}) EXPECT_EQ(to_bytes(signer->key().spki()), signer->spki());
}

TEST(PublicKey, OneKeyFromItsPartsAndFromItsSpkiIsTheSame) {
  for (const Signer* signer : {&p256(), &p384()}) {
    const Bytes spki = signer->spki();
    const KeyKind kind = signer->key().kind();
    const std::size_t size = kind == KeyKind::p256 ? 32 : 48;
    const ByteView x = ByteView(spki).last(2 * size).first(size);
    const auto key = OrDie(PublicKey::from_point(kind, x, ByteView(spki).last(size)));
    EXPECT_EQ(to_bytes(key.spki()), spki);
    EXPECT_OK(key.verify(SignatureScheme::ecdsa_sha256, kMessage, signer->sign(SignatureScheme::ecdsa_sha256, kMessage)));
    EXPECT_ERROR(PublicKey::from_point(kind, x, x), Code::malformed, "not on the curve");
    EXPECT_ERROR(PublicKey::from_point(kind, x.first(size - 1), x), Code::malformed, "expected coordinates of");
  }
  for (const std::size_t bits : {2048U, 2056U, 3072U}) {
    const Signer signer = Signer::rsa(bits);
    const Bytes spki = signer.spki();
    const std::size_t size = bits / 8;
    const auto key = OrDie(PublicKey::from_rsa(ByteView(spki).last(size + 5).first(size)));
    EXPECT_EQ(key.bits(), bits);
    EXPECT_EQ(to_bytes(key.spki()), spki);
  }
}

TEST(PublicKey, AcceptsEverySchemeThatFitsItAndNoOther) {
  for (const Signer* signer : {&p256(), &p384(), &rsa()}) {
    const PublicKey key = signer->key();
    for (const SignatureScheme made : kSchemes) {
      if (is_ecdsa(made) == (key.kind() == KeyKind::rsa)) continue;
      const Bytes signature = signer->sign(made, kMessage);
      EXPECT_OK(key.verify(made, kMessage, signature));
      EXPECT_OK(key.verify_digest(made, hash(hash_of(made), kMessage), signature));
      for (const SignatureScheme tried : kSchemes) {
        if (tried == made) continue;
        EXPECT_ERROR(key.verify(tried, kMessage, signature), Code::chain, scheme_text(tried));
      }
      EXPECT_ERROR(key.verify_digest(made, Bytes(20), signature), Code::chain, "a digest of 20 bytes");
      EXPECT_ERROR(key.verify(made, to_bytes("another"), signature), Code::chain, "another key, message or signature");
    }
  }
}

TEST(PublicKey, RefusesEveryChangedBitOfASignature) {
  const struct {
    const Signer& signer;
    SignatureScheme scheme;
  } kCases[] = {{p256(), SignatureScheme::ecdsa_sha256},
                {p384(), SignatureScheme::ecdsa_sha384},
                {rsa(), SignatureScheme::rsa_pkcs1_sha256},
                {rsa(), SignatureScheme::rsa_pss_sha256}};
  for (const auto& one : kCases) {
    const PublicKey key = one.signer.key();
    const Bytes signature = one.signer.sign(one.scheme, kMessage);
    for (std::size_t i = 0; i < signature.size() * 8; ++i) {
      Bytes changed = signature;
      changed[i / 8] ^= static_cast<std::byte>(1U << i % 8);
      EXPECT_ERROR(key.verify(one.scheme, kMessage, changed), Code::chain, "does not verify");
    }
    for (std::size_t size = 0; size < signature.size(); ++size) {
      EXPECT_ERROR(key.verify(one.scheme, kMessage, ByteView(signature).first(size)), Code::chain, "does not verify");
    }
    Bytes longer = signature;
    longer.push_back(std::byte{0});
    EXPECT_ERROR(key.verify(one.scheme, kMessage, longer), Code::chain, "does not verify");
  }
}

TEST(PublicKey, TakesOnlyTheDerSpellingOfAnEcdsaSignature) {
  const PublicKey key = p256().key();
  const auto verify = [&](std::string_view hex) { return key.verify(SignatureScheme::ecdsa_sha256, kMessage, OrDie(hex_decode(hex))); };
  EXPECT_ERROR(verify("3006020100020100"), Code::chain, "out of range");
  EXPECT_ERROR(verify("3006020101020100"), Code::chain, "out of range");
  EXPECT_ERROR(verify("3006020101020101"), Code::chain, "another key");
  EXPECT_ERROR(verify("300702020001020101"), Code::chain, "not the DER");
  EXPECT_ERROR(verify("300602018102017f"), Code::chain, "not the DER");
  EXPECT_ERROR(verify("300602010102010100"), Code::chain, "not the DER");
  EXPECT_ERROR(verify("30090201010201010201ff"), Code::chain, "not the DER");
  EXPECT_ERROR(verify("30810602010102010100"), Code::chain, "not the DER");
  const std::string order = "022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
  EXPECT_ERROR(verify("3026" + order + "020101"), Code::chain, "out of range");
  EXPECT_ERROR(verify("3026020101" + order), Code::chain, "out of range");
  EXPECT_ERROR(verify("3027" "022201" + std::string(66, '0') + "020101"), Code::chain, "out of range");
}

TEST(PublicKey, TakesRawEcdsaSignaturesOfTheFieldsLength) {
  for (const Signer* signer : {&p256(), &p384()}) {
    const PublicKey key = signer->key();
    const std::size_t size = key.bits() / 8;
    const Bytes raw = raw_of(signer->sign(SignatureScheme::ecdsa_sha384, kMessage), size);
    EXPECT_OK(key.verify_raw(SignatureScheme::ecdsa_sha384, kMessage, raw));
    EXPECT_ERROR(key.verify_raw(SignatureScheme::ecdsa_sha256, kMessage, raw), Code::chain, "another key");
    EXPECT_ERROR(key.verify_raw(SignatureScheme::rsa_pss_sha384, kMessage, raw), Code::chain, "do not fit");
    EXPECT_ERROR(key.verify_raw(SignatureScheme::ecdsa_sha384, kMessage, ByteView(raw).first(2 * size - 1)), Code::chain, "expected");
    for (std::size_t i = 0; i < raw.size() * 8; ++i) {
      Bytes changed = raw;
      changed[i / 8] ^= static_cast<std::byte>(1U << i % 8);
      EXPECT_ERROR(key.verify_raw(SignatureScheme::ecdsa_sha384, kMessage, changed), Code::chain, "does not verify");
    }
    EXPECT_ERROR(key.verify_raw(SignatureScheme::ecdsa_sha384, kMessage, Bytes(2 * size)), Code::chain, "out of range");
    EXPECT_ERROR(key.verify_raw(SignatureScheme::ecdsa_sha384, kMessage, Bytes(2 * size, std::byte{0xff})), Code::chain, "out of range");
  }
  EXPECT_ERROR(rsa().key().verify_raw(SignatureScheme::ecdsa_sha384, kMessage, Bytes(64)), Code::chain, "do not fit");
}

TEST(PublicKey, TakesPssOnlyWithASaltAsLongAsTheHash) {
  const PublicKey key = rsa().key();
  for (const int salt : {0, 20, 31, 33, 64}) {
    const Bytes signature = rsa().sign(SignatureScheme::rsa_pss_sha256, kMessage, salt);
    EXPECT_ERROR(key.verify(SignatureScheme::rsa_pss_sha256, kMessage, signature), Code::chain, "does not verify");
  }
  EXPECT_OK(key.verify(SignatureScheme::rsa_pss_sha256, kMessage, rsa().sign(SignatureScheme::rsa_pss_sha256, kMessage, 32)));
}

TEST(PublicKey, RefusesEveryOtherFormOfAnSpki) {
  for (const Signer* signer : {&p256(), &p384(), &rsa()}) {
    const Bytes spki = signer->spki();
    for (std::size_t size = 0; size < spki.size(); ++size) EXPECT_FALSE(PublicKey::from_spki(ByteView(spki).first(size)).ok());
    Bytes longer = spki;
    longer.push_back(std::byte{0});
    EXPECT_ERROR(PublicKey::from_spki(longer), Code::malformed, "1 trailing bytes");
    // Each changed bit is refused, or gives another key of the same kind.
    for (std::size_t i = 0; i < spki.size() * 8; ++i) {
      Bytes changed = spki;
      changed[i / 8] ^= static_cast<std::byte>(1U << i % 8);
      const auto key = PublicKey::from_spki(changed);
      if (!key.ok()) {
        EXPECT_ERROR(key, Code::malformed, "");
      } else {
        EXPECT_EQ(key->kind(), KeyKind::rsa) << i;
        EXPECT_EQ(to_bytes(key->spki()), changed);
      }
    }
  }
  Bytes compressed = OrDie(hex_decode("3039301306072a8648ce3d020106082a8648ce3d030107032200"));
  append(compressed, Bytes(33, std::byte{2}));
  EXPECT_ERROR(PublicKey::from_spki(compressed), Code::malformed, "uncompressed point");
  EXPECT_ERROR(PublicKey::from_spki(Signer::ec("P-521").spki()), Code::malformed, "found another");
  EXPECT_ERROR(PublicKey::from_spki(Signer::ec("secp256k1").spki()), Code::malformed, "found another");
  EXPECT_ERROR(PublicKey::from_spki(Bytes(4096)), Code::malformed, "at most 2048");
}

TEST(PublicKey, RefusesRsaKeysOutsideItsBounds) {
  EXPECT_ERROR(PublicKey::from_spki(Signer::rsa(1024).spki()), Code::malformed, "2048 to 8192");
  Bytes modulus(256, std::byte{0xff});
  EXPECT_OK(PublicKey::from_rsa(modulus));
  modulus.back() = std::byte{0xfe};
  EXPECT_ERROR(PublicKey::from_rsa(modulus), Code::malformed, "an even one");
  modulus.back() = std::byte{0xff};
  modulus.front() = std::byte{0x7f};
  EXPECT_ERROR(PublicKey::from_rsa(modulus), Code::malformed, "2047");
  modulus.front() = std::byte{0};
  EXPECT_ERROR(PublicKey::from_rsa(modulus), Code::malformed, "leading zeros");
  EXPECT_ERROR(PublicKey::from_rsa(ByteView(modulus).last(255)), Code::malformed, "255 bytes");
  EXPECT_OK(PublicKey::from_rsa(Bytes(1024, std::byte{0xff})));
  EXPECT_ERROR(PublicKey::from_rsa(Bytes(1025, std::byte{0xff})), Code::malformed, "1025 bytes");
  // The exponent is the last three bytes: 3 and 65539 are refused.
  Bytes spki = rsa().spki();
  spki.back() = std::byte{3};
  EXPECT_ERROR(PublicKey::from_spki(spki), Code::malformed, "found 65539");
}

// OpenSSL prepares an RSA modulus at its first use: copies of one fresh key meet there.
TEST(PublicKey, IsSharedByThreads) {
  for (const Signer* signer : {&p256(), &p384(), &rsa()}) {
    const PublicKey key = signer->key();
    const SignatureScheme scheme = key.kind() == KeyKind::rsa ? SignatureScheme::rsa_pss_sha256 : SignatureScheme::ecdsa_sha256;
    const Bytes signature = signer->sign(scheme, kMessage);
    std::atomic<int> accepted = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, copy = key] {
        for (int j = 0; j < 16; ++j) accepted += copy.verify(scheme, kMessage, signature).ok() ? 1 : 0;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(accepted, 8 * 16);
  }
}

// A thread verifies under all keys of a curve with one EC_KEY of OpenSSL's, which is told the key each time: none may be judged by the
// one that was used before it, after a success or after a refusal.
TEST(PublicKey, IsNeverTheOneThatWasUsedBefore) {
  constexpr auto scheme = SignatureScheme::ecdsa_sha256;
  for (const char* const curve : {"P-256", "P-384"}) {
    std::vector<PublicKey> keys;
    std::vector<Bytes> signatures;
    for (int i = 0; i < 3; ++i) {
      const Signer signer = Signer::ec(curve);
      keys.push_back(signer.key());
      signatures.push_back(signer.sign(scheme, kMessage));
    }
    const auto take_turns = [&] {
      int wrong = 0;
      for (std::size_t round = 0; round < 27; ++round) {
        const std::size_t before = round % 3, key = round / 3 % 3, signature = round / 9;
        wrong += keys[before].verify(scheme, kMessage, signatures[before]).ok() ? 0 : 1;
        wrong += keys[key].verify(scheme, kMessage, signatures[signature]).ok() == (key == signature) ? 0 : 1;
        // Nor does a key that was refused when it was made leave anything behind.
        Bytes spki = to_bytes(keys[before].spki());
        spki.back() ^= std::byte{1};
        wrong += PublicKey::from_spki(spki).ok() ? 1 : 0;
        wrong += keys[key].verify(scheme, kMessage, signatures[signature]).ok() == (key == signature) ? 0 : 1;
      }
      return wrong;
    };
    EXPECT_EQ(take_turns(), 0) << curve;
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { wrong += take_turns(); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0) << curve;
  }
}

TEST(UniqueKey, TakesAMessageInPartsAndNoOtherMessage) {
  const ByteView whole(kMessage);
  const UniqueKey::Message parts{whole.first(3), ByteView(), whole.subspan(3, 1), whole.subspan(4)};
  for (const Signer* signer : {&p256(), &p384(), &rsa()}) {
    const UniqueKey key = OrDie(UniqueKey::from_spki(signer->spki()));
    EXPECT_EQ(key.kind(), signer->key().kind());
    EXPECT_EQ(key.bits(), signer->key().bits());
    for (const SignatureScheme scheme : kSchemes) {
      if (is_ecdsa(scheme) == (key.kind() == KeyKind::rsa)) continue;
      const Bytes signature = signer->sign(scheme, kMessage);
      EXPECT_OK(key.verify(scheme, parts, signature));
      EXPECT_OK(key.verify(scheme, {whole}, signature));
      EXPECT_ERROR(key.verify(scheme, {whole, whole.first(1)}, signature), Code::chain, "another key, message or signature");
      EXPECT_ERROR(key.verify(scheme, {whole.subspan(3), whole.first(3)}, signature), Code::chain, "another key, message or signature");
      if (!is_ecdsa(scheme)) continue;
      const Bytes raw = raw_of(signature, key.kind() == KeyKind::p256 ? 32 : 48);
      EXPECT_OK(key.verify_raw(scheme, parts, raw));
      EXPECT_ERROR(key.verify_raw(scheme, {whole.first(3)}, raw), Code::chain, "another key, message or signature");
    }
  }
}

TEST(UniqueKey, IsRefusedWhereAPublicKeyIsWithTheSameWords) {
  const auto same = [](const Result<UniqueKey>& once, const Result<PublicKey>& kept) {
    ASSERT_EQ(once.ok(), kept.ok());
    if (!kept.ok()) {
      EXPECT_EQ(once.error().message(), kept.error().message());
    }
  };
  for (const Signer* signer : {&p256(), &p384(), &rsa()}) {
    const Bytes spki = signer->spki();
    for (std::size_t at = 0; at < spki.size(); ++at) {
      Bytes changed = spki;
      changed[at] ^= std::byte{1};
      same(UniqueKey::from_spki(changed), PublicKey::from_spki(changed));
    }
  }
  const Bytes point = p256().spki();
  const ByteView x = ByteView(point).last(64).first(32);
  const ByteView y = ByteView(point).last(32);
  same(UniqueKey::from_point(KeyKind::p256, x, y), PublicKey::from_point(KeyKind::p256, x, y));
  same(UniqueKey::from_point(KeyKind::p256, y, x), PublicKey::from_point(KeyKind::p256, y, x));
  same(UniqueKey::from_point(KeyKind::p384, x, y), PublicKey::from_point(KeyKind::p384, x, y));
  same(UniqueKey::from_point(KeyKind::rsa, x, y), PublicKey::from_point(KeyKind::rsa, x, y));
}

TEST(PublicKey, HashesAsItsKindSays) {
  EXPECT_EQ(hex_encode(hash(HashKind::sha256, as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180 examples
  EXPECT_EQ(hex_encode(hash(HashKind::sha384, as_bytes("abc"))),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(hash(HashKind::sha512, as_bytes("abc")).size(), 64U);
}

}  // namespace
}  // namespace redoubt::crypto
