// Goal: the streams give the same bytes whatever the pieces, never show plaintext that is not authenticated, and stay shut
// after their end or first error. Method: sealing in pieces compared with sealing whole; attacks with a watching sink.
#include <gtest/gtest.h>

#include "common/crypto/envelope.h"
#include "tests/support/expect.h"
#include "tests/support/fixed_random.h"

namespace redoubt::crypto {
namespace {

constexpr std::size_t kStreamChunk = kEnvelopeMinChunk;
constexpr std::size_t kSealedStreamChunk = kStreamChunk + kEnvelopeChunkOverhead;
const EnvelopeSubject kStreamSubject{"result/1", 1};

SecretBytes stream_key() { return SecretBytes::copy_of(Bytes(32, std::byte{1})); }

Bytes stream_plaintext(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i * 7 + i / 256);
  return out;
}

Bytes sealed_stream(std::size_t size) {
  test::FixedRandom random(1);
  return OrDie(seal_envelope(stream_key(), kStreamSubject, stream_plaintext(size), random, kStreamChunk));
}

ChunkSink into(Bytes& out) {
  return [&out](ByteView chunk) -> Status {
    append(out, chunk);
    return {};
  };
}

EnvelopeSealer new_sealer() {
  test::FixedRandom random(1);
  return EnvelopeSealer(OrDie(EnvelopeCipher::for_new_file(stream_key(), kStreamSubject, random, kStreamChunk)));
}

TEST(EnvelopeSealer, GivesTheSameFileWhateverThePieces) {
  for (const std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 8192U, 20000U}) {
    const Bytes plaintext = stream_plaintext(size);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}, kStreamChunk, kStreamChunk + 1, 3 * kStreamChunk}) {
      EnvelopeSealer sealer = new_sealer();
      Bytes file = to_bytes(sealer.header());
      for (std::size_t at = 0; at < size; at += piece) {
        ASSERT_OK(sealer.update(ByteView(plaintext).subspan(at, std::min(piece, size - at)), into(file)));
      }
      ASSERT_OK(sealer.finish(into(file)));
      EXPECT_EQ(file, sealed_stream(size)) << size << " in pieces of " << piece;
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
  EXPECT_ERROR(other.update(stream_plaintext(2 * kStreamChunk), full), Code::unavailable, "disk full");
  EXPECT_ERROR(other.finish(into(file)), Code::usage, "stream is over");
}

TEST(EnvelopeOpener, ShowsOnlyTheChunksBeforeTheDamage) {
  Bytes file = sealed_stream(3 * kStreamChunk + 1);
  file[kEnvelopeHeaderSize + 2 * kSealedStreamChunk + 5] ^= std::byte{1};
  Bytes seen;
  auto opener = OrDie(EnvelopeOpener::create(stream_key(), kStreamSubject));
  EXPECT_ERROR(opener.feed(file, into(seen)), Code::binding, "envelope chunk 2:");
  EXPECT_EQ(seen, stream_plaintext(2 * kStreamChunk));
  EXPECT_ERROR(opener.feed(file, into(seen)), Code::usage, "stream is over");
  EXPECT_ERROR(opener.finish(into(seen)), Code::usage, "stream is over");
}

TEST(EnvelopeOpener, HoldsTheLastChunkBackUntilItsPlaceIsKnown) {
  const Bytes file = sealed_stream(2 * kStreamChunk);
  Bytes seen;
  auto opener = OrDie(EnvelopeOpener::create(stream_key(), kStreamSubject));
  ASSERT_OK(opener.feed(file, into(seen)));
  EXPECT_EQ(seen.size(), kStreamChunk);
  ASSERT_OK(opener.finish(into(seen)));
  EXPECT_EQ(seen, stream_plaintext(2 * kStreamChunk));
  EXPECT_ERROR(opener.finish(into(seen)), Code::usage, "stream is over");
}

TEST(EnvelopeOpener, RefusesAStreamThatEndsAtAChunkBorder) {
  const Bytes file = sealed_stream(3 * kStreamChunk);
  for (std::size_t count = 1; count < 3; ++count) {
    Bytes seen;
    auto opener = OrDie(EnvelopeOpener::create(stream_key(), kStreamSubject));
    ASSERT_OK(opener.feed(ByteView(file).first(kEnvelopeHeaderSize + count * kSealedStreamChunk), into(seen)));
    EXPECT_ERROR(opener.finish(into(seen)), Code::binding, "(final)");
    EXPECT_EQ(seen.size(), (count - 1) * kStreamChunk);
  }
  auto opener = OrDie(EnvelopeOpener::create(stream_key(), kStreamSubject));
  Bytes seen;
  ASSERT_OK(opener.feed(ByteView(file).first(kEnvelopeHeaderSize), into(seen)));
  EXPECT_ERROR(opener.finish(into(seen)), Code::malformed, "chunk 0 (final): expected at least 16");
  auto nothing = OrDie(EnvelopeOpener::create(stream_key(), kStreamSubject));
  EXPECT_ERROR(nothing.finish(into(seen)), Code::malformed, "expected 80 bytes, found 0");
}

TEST(EnvelopeOpener, RefusesKeysAndIdsThatCannotBeAtOnce) {
  EXPECT_ERROR(EnvelopeOpener::create(SecretBytes(16), kStreamSubject), Code::malformed, "object key: expected 32");
  EXPECT_ERROR(EnvelopeOpener::create(stream_key(), {"", 1}), Code::malformed, "object id");
}

TEST(EnvelopeOpener, StopsWithTheErrorOfTheSink) {
  const Bytes file = sealed_stream(2 * kStreamChunk);
  auto opener = OrDie(EnvelopeOpener::create(stream_key(), kStreamSubject));
  const ChunkSink full = [](ByteView) -> Status { return Error(Code::unavailable, "no memory left"); };
  EXPECT_ERROR(opener.feed(file, full), Code::unavailable, "no memory left");
  EXPECT_ERROR(opener.feed({}, full), Code::usage, "stream is over");
}

}  // namespace
}  // namespace redoubt::crypto
