// Goal: bytes, encodings and secrets hold what their headers promise. Method: RFC 4648 vectors, every single-character
// damage of an encoded text, and the properties of FixedBytes and SecretBytes.
#include "common/base/bytes.h"

#include <gtest/gtest.h>

#include "common/base/secret.h"
#include "tests/support/expect.h"

namespace redoubt {
namespace {

struct NonceTag;
using Nonce = FixedBytes<NonceTag, 4>;

TEST(Encoding, ReadsAndWritesTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(base64_encode(as_bytes(plain)), encoded);
    EXPECT_EQ(as_text(OrDie(base64_decode(encoded))), plain);
  }
  EXPECT_EQ(hex_encode(as_bytes("foobar")), "666f6f626172");
  EXPECT_EQ(as_text(OrDie(hex_decode("666f6f626172"))), "foobar");
}

TEST(Encoding, HasOneSpellingOnly) {
  EXPECT_ERROR(hex_decode("6F"), Code::malformed, "offset 1");
  EXPECT_ERROR(hex_decode("6"), Code::malformed, "even number");
  EXPECT_ERROR(base64_decode("Zg="), Code::malformed, "multiple of 4");
  EXPECT_ERROR(base64_decode("Zh=="), Code::malformed, "unused bits");
  EXPECT_ERROR(base64_decode("Z==="), Code::malformed, "offset 1");
  EXPECT_ERROR(base64_decode("Zm9\n"), Code::malformed, "offset 3");
  EXPECT_ERROR(base64url_decode("Zg=="), Code::malformed, "offset 2");
  EXPECT_ERROR(base64url_decode("Zm9vZ"), Code::malformed, "lone last character");
  EXPECT_ERROR(base64url_decode("_+"), Code::malformed, "offset 1");
}

TEST(Encoding, RoundTripsEveryLengthAndByte) {
  Bytes bytes;
  for (unsigned i = 0; i < 300; ++i) {
    EXPECT_TRUE(equal(OrDie(base64_decode(base64_encode(bytes))), bytes));
    EXPECT_TRUE(equal(OrDie(base64url_decode(base64url_encode(bytes))), bytes));
    EXPECT_TRUE(equal(OrDie(hex_decode(hex_encode(bytes))), bytes));
    bytes.push_back(static_cast<std::byte>(i * 7));
  }
}

TEST(FixedBytes, TakesItsOwnSizeOnly) {
  EXPECT_EQ(OrDie(Nonce::from_hex("01020304", "nonce")).hex(), "01020304");
  EXPECT_ERROR(Nonce::from_hex("010203", "nonce"), Code::malformed, "nonce: expected 4 bytes, found 3");
  EXPECT_ERROR(Nonce::from_hex("0102030405", "nonce"), Code::malformed, "found 5");
}

TEST(SecretBytes, IsEmptyAfterMoveAndComparesByContent) {
  SecretBytes a = SecretBytes::copy_of(as_bytes("key"));
  SecretBytes b = a.clone();
  EXPECT_TRUE(a == b);
  SecretBytes c = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): the promise under test
  EXPECT_TRUE(c == b);
  b.writable()[0] = std::byte{0};
  EXPECT_FALSE(c == b);
}

TEST(ConstantTimeEqual, SeesEveryBitAndTheLength) {
  const Bytes a = to_bytes("0123456789abcdef");
  EXPECT_TRUE(constant_time_equal(a, a));
  EXPECT_FALSE(constant_time_equal(a, ByteView(a).first(15)));
  for (std::size_t bit = 0; bit < a.size() * 8; ++bit) {
    Bytes b = a;
    b[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(constant_time_equal(a, b));
  }
}

}  // namespace
}  // namespace redoubt
