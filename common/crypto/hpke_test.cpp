// Goal: HPKE gives the bytes of RFC 9180 and opens nothing but what was sealed for this key, purpose and place in the
// order. Method: the RFC's own vectors driven through the public functions (the ephemeral key comes from fixed
// randomness); then each input changed alone.
#include "common/crypto/hpke.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/fixed_random.h"
#include "tests/support/vectors.h"

namespace redoubt::crypto {
namespace {

constexpr std::string_view kVectors = "circl/hpke_x25519_sha256_aes256gcm_base.txt";

HpkePrivateKey derive(ByteView input_key) { return OrDie(HpkePrivateKey::derive(SecretBytes::copy_of(input_key))); }
SecretBytes secret_of(ByteView bytes) { return SecretBytes::copy_of(bytes); }

TEST(Hpke, DerivesTheKeyPairsOfRfc9180) {
  const auto setup = test::read_vectors(kVectors).front();
  for (const std::string side : {"E", "R"}) {
    const HpkePrivateKey key = derive(setup.hex("ikm" + side));
    EXPECT_EQ(to_bytes(key.public_key().view()), setup.hex("pk" + side + "m"));
    EXPECT_EQ(key.bytes(), secret_of(setup.hex("sk" + side + "m")));
    EXPECT_EQ(OrDie(HpkePrivateKey::from_bytes(key.bytes())).public_key(), key.public_key());
  }
}

TEST(Hpke, SealsOpensAndExportsAsRfc9180Prints) {
  const auto cases = test::read_vectors(kVectors);
  const auto& setup = cases.front();
  const HpkePrivateKey key = derive(setup.hex("ikmR"));
  test::FixedRandom random(setup.hex("ikmE"));
  HpkeSender sender = OrDie(HpkeSender::setup(key.public_key(), setup.hex("info"), random));
  EXPECT_EQ(to_bytes(sender.encapsulation().view()), setup.hex("enc"));
  HpkeRecipient recipient = OrDie(HpkeRecipient::setup(key, sender.encapsulation(), setup.hex("info")));
  std::uint64_t sequence = 0;
  std::size_t encryptions = 0;
  std::size_t exports = 0;
  for (const auto& one : cases) {
    if (one.text("kind") == "encryption") {
      ++encryptions;
      for (; sequence < one.number("sequence"); ++sequence) {
        EXPECT_OK(recipient.open({}, OrDie(sender.seal({}, {}))));
      }
      ++sequence;
      EXPECT_EQ(OrDie(sender.seal(one.hex("aad"), one.hex("pt"))), one.hex("ct"));
      EXPECT_EQ(OrDie(recipient.open(one.hex("aad"), one.hex("ct"))), one.hex("pt"));
    } else if (one.text("kind") == "export") {
      ++exports;
      const Bytes context = one.hex("context");
      EXPECT_EQ(OrDie(sender.export_secret(context, one.number("size"))), secret_of(one.hex("value")));
      EXPECT_EQ(OrDie(recipient.export_secret(context, one.number("size"))), secret_of(one.hex("value")));
    }
  }
  EXPECT_EQ(encryptions, 6U);
  EXPECT_EQ(exports, 3U);
}

class HpkeSingleShot : public testing::Test {
 protected:
  test::FixedRandom random_{2};
  HpkePrivateKey key_ = OrDie(HpkePrivateKey::generate(random_));
  HpkeMessage message_ =
      OrDie(hpke_seal(key_.public_key(), as_bytes("info"), as_bytes("aad"), as_bytes("dataset key"), random_));
};

TEST_F(HpkeSingleShot, OpensWhatWasSealed) {
  EXPECT_EQ(OrDie(hpke_open(key_, message_, as_bytes("info"), as_bytes("aad"))), to_bytes("dataset key"));
  EXPECT_EQ(OrDie(hpke_open_secret(key_, message_, as_bytes("info"), as_bytes("aad"))),
            secret_of(as_bytes("dataset key")));
  const HpkeMessage again = OrDie(HpkeMessage::parse(message_.bytes()));
  EXPECT_EQ(message_.bytes().size(), kHpkeOverhead + 11);
  EXPECT_EQ(OrDie(hpke_open(key_, again, as_bytes("info"), as_bytes("aad"))), to_bytes("dataset key"));
}

TEST_F(HpkeSingleShot, RefusesAnotherPurposeOrKey) {
  EXPECT_ERROR(hpke_open(key_, message_, as_bytes("inf0"), as_bytes("aad")), Code::binding, "does not belong");
  EXPECT_ERROR(hpke_open(key_, message_, as_bytes("info"), as_bytes("aae")), Code::binding, "does not belong");
  EXPECT_ERROR(hpke_open(key_, message_, {}, as_bytes("infoaad")), Code::binding, "does not belong");
  const HpkePrivateKey other = OrDie(HpkePrivateKey::generate(random_));
  EXPECT_ERROR(hpke_open(other, message_, as_bytes("info"), as_bytes("aad")), Code::binding, "does not belong");
}

TEST_F(HpkeSingleShot, RefusesEveryFlippedBitAndTruncation) {
  const Bytes whole = message_.bytes();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    // RFC 7748 ignores the top bit of a u-coordinate, but the KEM hashes `enc` as it stands, so it counts here.
    Bytes bad = whole;
    bad[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_ERROR(hpke_open(key_, OrDie(HpkeMessage::parse(bad)), as_bytes("info"), as_bytes("aad")), Code::binding,
                 "does not belong");
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = HpkeMessage::parse(ByteView(whole).first(size));
    if (size < kHpkeOverhead) {
      EXPECT_ERROR(cut, Code::malformed, "expected at least 48");
    } else {
      EXPECT_ERROR(hpke_open(key_, OrDie(cut), as_bytes("info"), as_bytes("aad")), Code::binding, "does not belong");
    }
  }
}

TEST_F(HpkeSingleShot, RefusesPointsOfSmallOrderOnBothSides) {
  HpkeMessage bad = message_;
  bad.encapsulation = HpkeEncapsulation();
  EXPECT_ERROR(hpke_open(key_, bad, as_bytes("info"), as_bytes("aad")), Code::malformed, "of small order");
  EXPECT_ERROR(hpke_seal(HpkePublicKey(), {}, {}, {}, random_), Code::malformed, "of small order");
}

TEST_F(HpkeSingleShot, DrawsAFreshEphemeralKeyForEachMessage) {
  const auto again =
      OrDie(hpke_seal(key_.public_key(), as_bytes("info"), as_bytes("aad"), as_bytes("dataset key"), random_));
  EXPECT_NE(again.encapsulation, message_.encapsulation);
  EXPECT_NE(again.sealed, message_.sealed);
}

TEST(HpkeContext, RefusesDroppedRepeatedAndReorderedMessages) {
  test::FixedRandom random(3);
  const HpkePrivateKey key = OrDie(HpkePrivateKey::generate(random));
  HpkeSender sender = OrDie(HpkeSender::setup(key.public_key(), {}, random));
  const Bytes first = OrDie(sender.seal({}, as_bytes("first")));
  const Bytes second = OrDie(sender.seal({}, as_bytes("second")));
  HpkeRecipient recipient = OrDie(HpkeRecipient::setup(key, sender.encapsulation(), {}));
  EXPECT_ERROR(recipient.open({}, second), Code::binding, "does not belong");  // dropped or reordered
  EXPECT_EQ(OrDie(recipient.open({}, first)), to_bytes("first"));              // the refusal did not move the count
  EXPECT_ERROR(recipient.open({}, first), Code::binding, "does not belong");   // repeated
  EXPECT_EQ(OrDie(recipient.open_secret({}, second)), secret_of(as_bytes("second")));
}

TEST(HpkeContext, ExportsDifferentSecretsForEachContextAndSize) {
  test::FixedRandom random(4);
  const HpkePrivateKey key = OrDie(HpkePrivateKey::generate(random));
  const HpkeSender sender = OrDie(HpkeSender::setup(key.public_key(), {}, random));
  const SecretBytes reply = OrDie(sender.export_secret(as_bytes("reply"), 32));
  EXPECT_FALSE(reply == OrDie(sender.export_secret(as_bytes("other"), 32)));
  const SecretBytes longer = OrDie(sender.export_secret(as_bytes("reply"), 33));
  EXPECT_FALSE(equal(longer.reveal().first(32), reply.reveal()));  // the size is part of the label
  EXPECT_OK(sender.export_secret({}, 8160));
  EXPECT_ERROR(sender.export_secret({}, 8161), Code::usage, "at most 8160");
}

TEST(Hpke, RefusesShortInputKeys) {
  EXPECT_ERROR(HpkePrivateKey::derive(SecretBytes(31)), Code::malformed, "at least 32");
  EXPECT_ERROR(HpkePrivateKey::from_bytes(SecretBytes(31)), Code::malformed, "expected 32");
}

}  // namespace
}  // namespace redoubt::crypto
