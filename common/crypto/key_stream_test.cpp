// Goal: the stream is AES-256-CTR and repeats. Method: the vectors of NIST SP 800-38A F.5.5; the same key in other portions; other
// keys, other counters and keys of another size.
#include "common/crypto/key_stream.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace redoubt::crypto {
namespace {

constexpr std::string_view kKey = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";

SecretBytes key_of(std::string_view hex) { return SecretBytes::copy_of(OrDie(hex_decode(hex))); }

Bytes take(KeyStream& stream, std::size_t size) {
  Bytes out(size, std::byte{0xAA});
  EXPECT_OK(stream.fill(out));
  return out;
}

TEST(KeyStream, IsTheCounterModeOfThePublishedVectors) {
  const auto counter = OrDie(KeyStream::Counter::from_hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "counter"));
  KeyStream stream = OrDie(KeyStream::from_key(key_of(kKey), counter));
  Bytes bytes = take(stream, 64);
  const Bytes plaintext = OrDie(hex_decode("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                                           "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"));
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] ^= plaintext[i];
  EXPECT_EQ(hex_encode(bytes),
            "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
            "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6");
}

TEST(KeyStream, RepeatsInAnyPortions) {
  KeyStream whole = OrDie(KeyStream::from_key(key_of(kKey)));
  KeyStream parts = OrDie(KeyStream::from_key(key_of(kKey)));
  const Bytes expected = take(whole, (2U << 20) + 100);
  Bytes found;
  for (std::size_t size = 0; found.size() < expected.size(); size = size * 3 + 1) {
    append(found, take(parts, std::min(size, expected.size() - found.size())));
  }
  EXPECT_EQ(found, expected);
}

TEST(KeyStream, DiffersForAnotherKeyOrCounter) {
  std::string other(kKey);
  other.back() = '5';
  KeyStream a = OrDie(KeyStream::from_key(key_of(kKey)));
  KeyStream b = OrDie(KeyStream::from_key(key_of(other)));
  KeyStream c = OrDie(KeyStream::from_key(key_of(kKey), OrDie(KeyStream::Counter::from(Bytes(16, std::byte{1}), "counter"))));
  const Bytes bytes = take(a, 32);
  EXPECT_NE(bytes, take(b, 32));
  EXPECT_NE(bytes, take(c, 32));
}

TEST(KeyStream, RefusesKeysOfAnotherSize) {
  for (const std::size_t size : {0U, 16U, 31U, 33U}) {
    const auto stream = KeyStream::from_key(SecretBytes(size));
    ASSERT_FALSE(stream.ok());
    EXPECT_EQ(stream.error().code(), Code::malformed);
  }
}

}  // namespace
}  // namespace redoubt::crypto
