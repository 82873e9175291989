// Goal: the streams give the same bytes whatever the pieces, never show plaintext that is not authenticated, and stay shut
// after their end or first error. Method: sealing in pieces compared with sealing whole; attacks with a watching sink.
#include <gtest/gtest.h>

#include "common/crypto/envelope.h"
#include "tests/support/expect.h"
#include "tests/support/fixed_random.h"

namespace redoubt::crypto {
namespace {

constexpr std::size_t kChunk = kEnvelopeMinChunk;
constexpr std::size_t kSealed = kChunk + kEnvelopeChunkOverhead;
const EnvelopeSubject kSubject{"result/1", 1};

SecretBytes object_key() { return SecretBytes::copy_of(Bytes(32, std::byte{1})); }

Bytes plaintext_of(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i * 7 + i / 256);
  return out;
}

Bytes sealed_file(std::size_t size) {
  test::FixedRandom random(1);
  return OrDie(seal_envelope(object_key(), kSubject, plaintext_of(size), random, kChunk));
}

ChunkSink into(Bytes& out) {
  return [&out](ByteView chunk) -> Status {
    append(out, chunk);
    return {};
  };
}

EnvelopeSealer new_sealer() {
  test::FixedRandom random(1);
  return EnvelopeSealer(OrDie(EnvelopeCipher::for_new_file(object_key(), kSubject, random, kChunk)));
}

TEST(EnvelopeSealer, GivesTheSameFileWhateverThePieces) {
  for (const std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 8192U, 20000U}) {
    const Bytes plaintext = plaintext_of(size);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}, kChunk, kChunk + 1, 3 * kChunk}) {
      EnvelopeSealer sealer = new_sealer();
      Bytes file = to_bytes(sealer.header());
      for (std::size_t at = 0; at < size; at += piece) {
        ASSERT_OK(sealer.update(ByteView(plaintext).subspan(at, std::min(piece, size - at)), into(file)));
      }
      ASSERT_OK(sealer.finish(into(file)));
      EXPECT_EQ(file, sealed_file(size)) << size << " in pieces of " << piece;
    }
  }
}

TEST(EnvelopeSealer, IsOverAfterFinishAndAfterASinkThatFails) {
  Bytes file;
  EnvelopeSealer sealer = new_sealer();
  ASSERT_OK(sealer.finish(into(file)));
  EXPECT_ERROR(sealer.update({}, into(file)), Code::usage, "stream is over");
  EXPECT_ERROR(sealer.finish(into(file)), Code::usage, "stream is over");
  EnvelopeSealer other = new_sealer();
  const ChunkSink full = [](ByteView) -> Status { return Error(Code::unavailable, "disk full"); };
  EXPECT_ERROR(other.update(plaintext_of(2 * kChunk), full), Code::unavailable, "disk full");
  EXPECT_ERROR(other.finish(into(file)), Code::usage, "stream is over");
}

TEST(EnvelopeOpener, ShowsOnlyTheChunksBeforeTheDamage) {
  Bytes file = sealed_file(3 * kChunk + 1);
  file[kEnvelopeHeaderSize + 2 * kSealed + 5] ^= std::byte{1};
  Bytes seen;
  auto opener = OrDie(EnvelopeOpener::create(object_key(), kSubject));
  EXPECT_ERROR(opener.feed(file, into(seen)), Code::binding, "envelope chunk 2:");
  EXPECT_EQ(seen, plaintext_of(2 * kChunk));
  EXPECT_ERROR(opener.feed(file, into(seen)), Code::usage, "stream is over");
  EXPECT_ERROR(opener.finish(into(seen)), Code::usage, "stream is over");
}

TEST(EnvelopeOpener, HoldsTheLastChunkBackUntilItsPlaceIsKnown) {
  const Bytes file = sealed_file(2 * kChunk);
  Bytes seen;
  auto opener = OrDie(EnvelopeOpener::create(object_key(), kSubject));
  ASSERT_OK(opener.feed(file, into(seen)));
  EXPECT_EQ(seen.size(), kChunk);
  ASSERT_OK(opener.finish(into(seen)));
  EXPECT_EQ(seen, plaintext_of(2 * kChunk));
  EXPECT_ERROR(opener.finish(into(seen)), Code::usage, "stream is over");
}

TEST(EnvelopeOpener, RefusesAStreamThatEndsAtAChunkBorder) {
  const Bytes file = sealed_file(3 * kChunk);
  for (std::size_t count = 1; count < 3; ++count) {
    Bytes seen;
    auto opener = OrDie(EnvelopeOpener::create(object_key(), kSubject));
    ASSERT_OK(opener.feed(ByteView(file).first(kEnvelopeHeaderSize + count * kSealed), into(seen)));
    EXPECT_ERROR(opener.finish(into(seen)), Code::binding, "(final)");
    EXPECT_EQ(seen.size(), (count - 1) * kChunk);
  }
  auto opener = OrDie(EnvelopeOpener::create(object_key(), kSubject));
  Bytes seen;
  ASSERT_OK(opener.feed(ByteView(file).first(kEnvelopeHeaderSize), into(seen)));
  EXPECT_ERROR(opener.finish(into(seen)), Code::malformed, "chunk 0 (final): expected at least 16");
  auto nothing = OrDie(EnvelopeOpener::create(object_key(), kSubject));
  EXPECT_ERROR(nothing.finish(into(seen)), Code::malformed, "expected 80 bytes, found 0");
}

TEST(EnvelopeOpener, RefusesKeysAndIdsThatCannotBeAtOnce) {
  EXPECT_ERROR(EnvelopeOpener::create(SecretBytes(16), kSubject), Code::malformed, "object key: expected 32");
  EXPECT_ERROR(EnvelopeOpener::create(object_key(), {"", 1}), Code::malformed, "object id");
}

TEST(EnvelopeOpener, StopsWithTheErrorOfTheSink) {
  const Bytes file = sealed_file(2 * kChunk);
  auto opener = OrDie(EnvelopeOpener::create(object_key(), kSubject));
  const ChunkSink full = [](ByteView) -> Status { return Error(Code::unavailable, "no memory left"); };
  EXPECT_ERROR(opener.feed(file, full), Code::unavailable, "no memory left");
  EXPECT_ERROR(opener.feed({}, full), Code::usage, "stream is over");
}

}  // namespace
}  // namespace redoubt::crypto
