// Goal: the messages of the COSE working group verify, the broken ones do not, and no reader disagreement is possible about what
// was signed. Method: their vectors; each form that RFC 9052 forbids or leaves open, by hand; every cut and every byte of one.
#include "common/crypto/cose_sign1.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/vectors.h"

namespace redoubt::crypto {
namespace {

Bytes hex(std::string_view text) { return OrDie(hex_decode(text)); }

struct Sample {
  Bytes bytes;
  Bytes aad;
  Bytes to_be_signed;
  std::string expect;
  CoseAlgorithm algorithm{};
  PublicKey key;
};

Sample sample(const test::VectorCase& vector) {
  const auto algorithm = static_cast<CoseAlgorithm>(std::stoi(vector.text("algorithm")));
  const KeyKind kind = algorithm == CoseAlgorithm::es256 ? KeyKind::p256 : KeyKind::p384;
  return {vector.hex("cbor"),   vector.hex("aad"), vector.hex("to_be_signed"),
          vector.text("expect"), algorithm,        OrDie(PublicKey::from_point(kind, vector.hex("x"), vector.hex("y")))};
}

Sample sample(std::string_view name) {
  for (const auto& vector : test::read_vectors("cose-wg-examples/sign1.txt")) {
    if (vector.text("name") == name) return sample(vector);
  }
  std::abort();
}

TEST(CoseSign1, AgreesWithTheExamplesOfTheWorkingGroup) {
  std::size_t accepted = 0;
  for (const auto& vector : test::read_vectors("cose-wg-examples/sign1.txt")) {
    SCOPED_TRACE(vector.text("name"));
    const Sample one = sample(vector);
    const auto message = CoseSign1::parse(one.bytes, CoseTag::optional);
    if (one.expect == "malformed") {
      EXPECT_ERROR(message, Code::malformed, "cose_sign1");
      continue;
    }
    ASSERT_OK(message);
    EXPECT_EQ(message->tagged, one.expect != "accept_untagged");
    EXPECT_EQ(CoseSign1::parse(one.bytes, CoseTag::required).ok(), message->tagged);
    if (one.expect == "no_protected_algorithm") {
      EXPECT_TRUE(equal(message->to_be_signed(one.aad), one.to_be_signed));
      EXPECT_ERROR(message->verify(one.key, one.algorithm, one.aad), Code::chain, "expected algorithm ES256 (-7), found none");
    } else if (one.expect == "chain") {
      EXPECT_ERROR(message->verify(one.key, one.algorithm, one.aad), Code::chain, "");
    } else {
      EXPECT_TRUE(equal(message->to_be_signed(one.aad), one.to_be_signed));
      EXPECT_EQ(as_text(message->payload), "This is the content.");
      EXPECT_OK(message->verify(one.key, one.algorithm, one.aad));
      const Bytes other = hex("00");
      EXPECT_ERROR(message->verify(one.key, one.algorithm, other), Code::chain, "");
      ++accepted;
    }
  }
  EXPECT_EQ(accepted, 4U);
}

TEST(CoseSign1, TakesTheAlgorithmOfTheCallerAndTheKeyOfItsKind) {
  const Sample es256 = sample("ecdsa-examples/ecdsa-sig-01.json");
  const Sample es384 = sample("ecdsa-examples/ecdsa-sig-02.json");
  const auto message = OrDie(CoseSign1::parse(es384.bytes, CoseTag::required));
  EXPECT_EQ(message.algorithm, -35);
  EXPECT_OK(message.verify(es384.key, CoseAlgorithm::es384));
  EXPECT_ERROR(message.verify(es384.key, CoseAlgorithm::es256), Code::chain, "expected algorithm ES256 (-7), found -35");
  EXPECT_ERROR(message.verify(es384.key, CoseAlgorithm::ps384), Code::chain, "expected algorithm PS384 (-38), found -35");
  EXPECT_ERROR(message.verify(es256.key, CoseAlgorithm::es384), Code::chain, "found another kind");
}

TEST(CoseSign1, RefusesEveryOtherForm) {
  const std::pair<const char*, const char*> table[] = {
      {"8340a041004100", "expected an array of 4, found 3"},
      {"8540a04100410000", "at most 4 items"},
      {"9f40a041004100ff", "indefinite length"},
      {"d1844040a041004100", "expected tag 18"},
      {"d2d28440a041004100", "expected an array"},
      {"8440a0f64100", "detached"},
      {"8440a0414142", "expected 2 bytes, found 0"},
      {"8440a0410040", "signature: expected 1 to 1024 bytes, found 0"},
      {"8440804100410000", "unprotected header: expected a map"},
      {"84a0a041004100", "protected header: expected bytes"},
      {"844180a041004100", "protected header: expected a map"},
      {"8442a000a041004100", "1 trailing bytes"},
      {"8445a201260126a041004100", "duplicate map key"},
      {"8443a10126a1012641004100", "stands in both headers"},
      {"8444a1028101a041004100", "found crit"},
      {"8440a102810141004100", "found crit"},
      {"8443a1f426a041004100", "integers or text"},
      {"8444a1016161a041004100", "algorithm: expected an integer"},
      {"8440a0410041000000", "2 trailing bytes"},
      {"8440bfff41004100", "indefinite length"},
  };
  for (const auto& [text, message] : table) {
    EXPECT_ERROR(CoseSign1::parse(hex(text), CoseTag::optional), Code::malformed, message) << text;
  }
  EXPECT_OK(CoseSign1::parse(hex("8440a041004100"), CoseTag::optional));
  EXPECT_OK(CoseSign1::parse(hex("d28440a041004100"), CoseTag::required));
  EXPECT_ERROR(CoseSign1::parse(hex("8440a041004100"), CoseTag::required), Code::malformed, "expected tag 18, found none");
  EXPECT_ERROR(CoseSign1::parse(Bytes(CoseSign1::kMaxSize + 1), CoseTag::optional), Code::malformed, "expected at most");
}

// expect_same: what is read without a tree is what is read with one, and what is refused is refused with the same words.
void expect_same(ByteView bytes) {
  for (const CoseTag tag : {CoseTag::optional, CoseTag::required}) {
    const auto whole = CoseSign1::parse(bytes, tag);
    const auto message = CoseMessage::parse(bytes, tag);
    ASSERT_EQ(message.ok(), whole.ok()) << hex_encode(bytes);
    if (!whole.ok()) {
      EXPECT_EQ(message.error().message(), whole.error().message()) << hex_encode(bytes);
      continue;
    }
    EXPECT_EQ(message->algorithm, whole->algorithm) << hex_encode(bytes);
    EXPECT_EQ(message->protected_labels, whole->protected_header.as_map()->size()) << hex_encode(bytes);
    EXPECT_EQ(message->unprotected_labels, whole->unprotected_header.as_map()->size()) << hex_encode(bytes);
    EXPECT_EQ(message->tagged, whole->tagged);
    EXPECT_TRUE(equal(message->payload, whole->payload) && equal(message->signature, whole->signature));
    EXPECT_EQ(message->to_be_signed(), whole->to_be_signed());
  }
}

TEST(CoseMessage, ReadsEveryMessageAsTheOneWithATreeDoes) {
  for (const char* text : {"8440a041004100", "8441a0a041004100", "8443a10126a041004100", "844401a10126a041004100", "8443a10126a1044102f641004100",
                           "8443a10126a104410241004100", "8446a1013903e7a041004100", "844ba1011bffffffffffffffffa041004100", "8444a1011801a041004100",
                           "8443a10226a041004100", "8445a201260326a041004100", "8445a201260126a041004100", "8443a10140a041004100",
                           "8444a1012600a041004100", "8442a101a041004100", "8443a10426a1012641004100", "d28443a10126a041004100", "8443820126a041004100"}) {
    expect_same(hex(text));
  }
  const Bytes one = sample("ecdsa-examples/ecdsa-sig-02.json").bytes;
  for (std::size_t at = 0; at < 24; ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      Bytes changed = one;
      changed[at] = static_cast<std::byte>(value);
      expect_same(changed);
    }
  }
}

TEST(CoseMessage, AKeyThatIsUsedOnceSaysTheSameAsOneThatIsKept) {
  for (const char* name : {"ecdsa-examples/ecdsa-sig-01.json", "ecdsa-examples/ecdsa-sig-02.json"}) {
    const Sample one = sample(name);
    const auto key = OrDie(UniqueKey::from_spki(one.key.spki()));
    const auto message = OrDie(CoseMessage::parse(one.bytes, CoseTag::optional));
    EXPECT_OK(message.verify(key, one.algorithm, one.aad));
    const Bytes other = hex("00");
    for (const CoseAlgorithm algorithm : {CoseAlgorithm::es256, CoseAlgorithm::es384, CoseAlgorithm::ps256}) {
      const Status kept = message.verify(one.key, algorithm, other);
      const Status once = message.verify(key, algorithm, other);
      ASSERT_FALSE(kept.ok());
      ASSERT_FALSE(once.ok());
      EXPECT_EQ(once.error().message(), kept.error().message());
    }
  }
}

TEST(CoseSign1, RefusesEveryCutAndEveryOtherByte) {
  const Sample one = sample("ecdsa-examples/ecdsa-sig-02.json");
  for (std::size_t size = 0; size < one.bytes.size(); ++size) {
    EXPECT_ERROR(CoseSign1::parse(ByteView(one.bytes).first(size), CoseTag::optional), Code::malformed, "cose_sign1") << size;
  }
  // The unprotected header is covered by nothing: d2 84 44 a1 01 38 22 | a1 04 44 50 33 38 34 | 54 ...
  constexpr std::size_t kUnprotected = 7;
  constexpr std::size_t kPayload = 14;
  std::size_t uncovered = 0;
  for (std::size_t at = 0; at < one.bytes.size(); ++at) {
    Bytes changed = one.bytes;
    changed[at] ^= std::byte{1};
    const auto message = CoseSign1::parse(changed, CoseTag::optional);
    if (!message.ok() || !message->verify(one.key, one.algorithm).ok()) continue;
    EXPECT_TRUE(at >= kUnprotected && at < kPayload) << at;
    ++uncovered;
  }
  EXPECT_GT(uncovered, 0U);
}

}  // namespace
}  // namespace redoubt::crypto
