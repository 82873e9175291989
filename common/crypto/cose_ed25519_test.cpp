// Goal: signed CBOR of ours has one spelling, and only the key and the type that the reader expects open it. Method: round trips; each
// byte of a message flipped; other spellings of the same content; a message made with another library's layout of the signed bytes.
#include "common/crypto/cose_ed25519.h"

#include <gtest/gtest.h>

#include "common/base/cbor.h"
#include "tests/support/expect.h"

namespace redoubt::crypto {
namespace {

using cbor::Value;

Ed25519PrivateKey key_of(unsigned char seed) { return OrDie(Ed25519PrivateKey::from_seed(SecretBytes::copy_of(Bytes(32, std::byte{seed})))); }

const CoseHeader kHeader{"application/eat+cwt", "verifier"};

Bytes sign(ByteView payload = as_bytes("payload")) { return OrDie(cose_sign(key_of(1), kHeader, payload)); }

TEST(CoseEd25519, OpensWithTheKeyAndTheTypeAndNothingElse) {
  for (const std::size_t size : {0U, 1U, 23U, 24U, 255U, 256U, 65536U}) {
    EXPECT_EQ(OrDie(cose_verify(sign(Bytes(size, std::byte{7})), key_of(1).public_key(), kHeader.type)), Bytes(size, std::byte{7}));
  }
  EXPECT_ERROR(cose_verify(sign(), key_of(2).public_key(), kHeader.type), Code::chain, "cose_sign1");
  EXPECT_ERROR(cose_verify(sign(), key_of(1).public_key(), "application/other"), Code::binding, "expected type");
  EXPECT_ERROR(cose_verify(sign(), key_of(1).public_key(), ""), Code::binding, "expected type");
  EXPECT_EQ(OrDie(unverified_cose_header(sign())), kHeader);
  EXPECT_EQ(sign(), sign());
}

// RFC 9052 section 4.4 by hand: ["Signature1", protected, external_aad, payload], signed with the key of the test.
TEST(CoseEd25519, SignsTheSigStructureOfTheSpecification) {
  const Bytes header = cbor::encode(Value::map({{Value::integer(1), Value::integer(-8)}, {Value::integer(3), Value::text(kHeader.type)},
                                                {Value::integer(4), Value::bytes(as_bytes(kHeader.key_id))}}));
  const Bytes signed_bytes = cbor::encode(
      Value::array({Value::text("Signature1"), Value::bytes(header), Value::bytes(ByteView{}), Value::bytes(as_bytes("payload"))}));
  const auto signature = key_of(1).sign(signed_bytes);
  EXPECT_EQ(sign(), cbor::encode(Value::tagged(18, Value::array({Value::bytes(header), Value::map({}), Value::bytes(as_bytes("payload")),
                                                                 Value::bytes(signature.view())}))));
}

TEST(CoseEd25519, NoByteCanBeChanged) {
  const Bytes good = sign();
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const unsigned bit : {0U, 3U, 5U, 7U}) {
      Bytes bad = good;
      bad[i] ^= std::byte{1} << bit;
      EXPECT_FALSE(cose_verify(bad, key_of(1).public_key(), kHeader.type).ok()) << i << " bit " << bit;
    }
    EXPECT_FALSE(cose_verify(ByteView(good).first(i), key_of(1).public_key(), kHeader.type).ok()) << i;
  }
  Bytes longer = good;
  longer.push_back(std::byte{0});
  EXPECT_ERROR(cose_verify(longer, key_of(1).public_key(), kHeader.type), Code::malformed, "");
}

// signed_with: a correct signature over another spelling.
Bytes signed_with(const Bytes& header, const Value& unprotected, bool tagged = true) {
  const Bytes signed_bytes = cbor::encode(
      Value::array({Value::text("Signature1"), Value::bytes(header), Value::bytes(ByteView{}), Value::bytes(as_bytes("payload"))}));
  const Value message = Value::array({Value::bytes(header), unprotected, Value::bytes(as_bytes("payload")), Value::bytes(key_of(1).sign(signed_bytes).view())});
  return cbor::encode(tagged ? Value::tagged(18, message) : message);
}

TEST(CoseEd25519, RefusesOtherSpellingsWithGoodSignatures) {
  const auto header = [](std::vector<std::pair<Value, Value>> map) { return cbor::encode(Value::map(std::move(map))); };
  const auto algorithm = std::pair(Value::integer(1), Value::integer(-8));
  const auto type = std::pair(Value::integer(3), Value::text(kHeader.type));
  const auto open = [&](const Bytes& message) { return cose_verify(message, key_of(1).public_key(), kHeader.type); };
  EXPECT_OK(open(signed_with(header({algorithm, type}), Value::map({}))));
  EXPECT_ERROR(open(signed_with(header({algorithm, type}), Value::map({}), false)), Code::malformed, "tag 18");
  EXPECT_ERROR(open(signed_with(header({algorithm, type}), Value::map({{Value::integer(4), Value::bytes(as_bytes("k"))}}))), Code::malformed, "");
  EXPECT_ERROR(open(signed_with(header({type}), Value::map({algorithm}))), Code::malformed, "");
  EXPECT_ERROR(open(signed_with(header({{Value::integer(1), Value::integer(-7)}, type}), Value::map({}))), Code::malformed, "EdDSA");
  EXPECT_ERROR(open(signed_with(header({algorithm, type, {Value::integer(33), Value::bytes(as_bytes("certificate"))}}), Value::map({}))), Code::malformed, "");
  EXPECT_ERROR(open(signed_with(header({algorithm, {Value::integer(3), Value::integer(60)}}), Value::map({}))), Code::malformed, "");
}

TEST(CoseEd25519, WhatIsTooLongIsNotSigned) {
  EXPECT_ERROR(cose_sign(key_of(1), {std::string(129, 't'), "k"}, {}), Code::usage, "header");
  EXPECT_ERROR(cose_sign(key_of(1), {"t", std::string(129, 'k')}, {}), Code::usage, "header");
  EXPECT_ERROR(cose_sign(key_of(1), kHeader, Bytes(kCoseMaxPayload + 1)), Code::usage, "payload");
  EXPECT_OK(cose_verify(OrDie(cose_sign(key_of(1), kHeader, Bytes(kCoseMaxPayload))), key_of(1).public_key(), kHeader.type));
}

}  // namespace
}  // namespace redoubt::crypto
