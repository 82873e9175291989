// Goal: AES-256-GCM gives the published ciphertexts, opens only what belongs together, and never leaves plaintext behind
// after a refusal. Method: Wycheproof in both directions, apart and in place; then each bit of each input flipped.
#include "common/crypto/aead.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/vectors.h"

namespace redoubt::crypto {
namespace {

Aes256Gcm cipher_of(ByteView key) { return OrDie(Aes256Gcm::from_key(SecretBytes::copy_of(key))); }
Aes256Gcm some_cipher() { return cipher_of(Bytes(32, std::byte{7})); }

TEST(Aes256Gcm, AgreesWithWycheproofInBothDirections) {
  for (const auto& one : test::read_vectors("wycheproof/aes_256_gcm.txt")) {
    SCOPED_TRACE(one.text("id"));
    Aes256Gcm cipher = cipher_of(one.hex("key"));
    const auto nonce = OrDie(AeadNonce::from(one.hex("iv"), "iv"));
    const Bytes plaintext = one.hex("msg");
    Bytes sealed = one.hex("ct");
    append(sealed, one.hex("tag"));
    if (one.text("result") == "valid") {
      EXPECT_EQ(OrDie(cipher.seal(nonce, one.hex("aad"), plaintext)), sealed);
      EXPECT_EQ(OrDie(cipher.open(nonce, one.hex("aad"), sealed)), plaintext);
    } else {
      EXPECT_ERROR(cipher.open(nonce, one.hex("aad"), sealed), Code::binding, "does not belong");
      EXPECT_NE(OrDie(cipher.seal(nonce, one.hex("aad"), plaintext)), sealed);
    }
  }
}

TEST(Aes256Gcm, WorksInPlaceAsApart) {
  Aes256Gcm cipher = some_cipher();
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 4096U, 65536U}) {
    const Bytes plaintext(size, std::byte{0x5A});
    Bytes buffer = plaintext;
    buffer.resize(size + kAeadTagSize);
    ASSERT_OK(cipher.seal_into(AeadNonce(), as_bytes("aad"), ByteView(buffer).first(size), buffer));
    EXPECT_EQ(buffer, OrDie(cipher.seal(AeadNonce(), as_bytes("aad"), plaintext)));
    ASSERT_OK(cipher.open_into(AeadNonce(), as_bytes("aad"), buffer, std::span(buffer).first(size)));
    buffer.resize(size);
    EXPECT_EQ(buffer, plaintext);
  }
}

TEST(Aes256Gcm, RefusesEveryFlippedBitAndLeavesZeros) {
  Aes256Gcm cipher = some_cipher();
  const Bytes associated = to_bytes("associated");
  const AeadNonce nonce;
  Bytes sealed = OrDie(cipher.seal(nonce, associated, as_bytes("twenty bytes of text")));
  Bytes out(20, std::byte{1});
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes bad = sealed;
    bad[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    std::ranges::fill(out, std::byte{1});
    EXPECT_ERROR(cipher.open_into(nonce, associated, bad, out), Code::binding, "does not belong");
    EXPECT_EQ(out, Bytes(20));
  }
  for (std::size_t bit = 0; bit < associated.size() * 8; ++bit) {
    Bytes bad = associated;
    bad[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_ERROR(cipher.open(nonce, bad, sealed), Code::binding, "does not belong");
  }
  for (std::size_t bit = 0; bit < 96; ++bit) {
    AeadNonce bad = nonce;
    bad.array()[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_ERROR(cipher.open(bad, associated, sealed), Code::binding, "does not belong");
  }
  Aes256Gcm other = cipher_of(Bytes(32, std::byte{8}));
  EXPECT_ERROR(other.open(nonce, associated, sealed), Code::binding, "does not belong");
  EXPECT_OK(cipher.open(nonce, associated, sealed));  // a refusal does not spoil the cipher
}

TEST(Aes256Gcm, RefusesEveryTruncationAndAppendedByte) {
  Aes256Gcm cipher = some_cipher();
  Bytes sealed = OrDie(cipher.seal(AeadNonce(), {}, as_bytes("text")));
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    const Code code = size < kAeadTagSize ? Code::malformed : Code::binding;
    EXPECT_ERROR(cipher.open(AeadNonce(), {}, ByteView(sealed).first(size)), code, "sealed message");
  }
  sealed.push_back(std::byte{0});
  EXPECT_ERROR(cipher.open(AeadNonce(), {}, sealed), Code::binding, "does not belong");
}

TEST(Aes256Gcm, RefusesWrongBuffersBeforeItTouchesThem) {
  Aes256Gcm cipher = some_cipher();
  Bytes buffer(64, std::byte{3});
  const Bytes before = buffer;
  const ByteView text = ByteView(buffer).first(16);
  EXPECT_ERROR(cipher.seal_into(AeadNonce(), {}, text, std::span(buffer).first(31)), Code::usage, "expected an output");
  EXPECT_ERROR(cipher.seal_into(AeadNonce(), {}, text, std::span(buffer).first(33)), Code::usage, "expected an output");
  EXPECT_ERROR(cipher.seal_into(AeadNonce(), {}, text, std::span(buffer).subspan(8, 32)), Code::usage, "overlap");
  EXPECT_ERROR(cipher.open_into(AeadNonce(), {}, ByteView(buffer).first(32), std::span(buffer).subspan(1, 16)),
               Code::usage, "overlap");
  EXPECT_EQ(buffer, before);
}

TEST(Aes256Gcm, RefusesKeysOfAnotherSize) {
  for (const std::size_t size : {0U, 16U, 31U, 33U}) {
    EXPECT_ERROR(Aes256Gcm::from_key(SecretBytes(size)), Code::malformed, "expected 32 bytes");
  }
}

TEST(Aes256Gcm, OpensKeysIntoSecrets) {
  Aes256Gcm cipher = some_cipher();
  const Bytes sealed = OrDie(cipher.seal(AeadNonce(), {}, Bytes(32, std::byte{9})));
  EXPECT_EQ(OrDie(cipher.open_secret(AeadNonce(), {}, sealed)), SecretBytes::copy_of(Bytes(32, std::byte{9})));
  EXPECT_ERROR(cipher.open_secret(AeadNonce(), {}, ByteView(sealed).first(12)), Code::malformed, "found 12");
}

}  // namespace
}  // namespace redoubt::crypto
