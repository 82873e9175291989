// Goal: a file opens only whole, unchanged, and as the object and version that the caller names; every way to open it says
// so alike. Method: one of three chunks sealed with fixed randomness (its hash is pinned), then each attack of
// docs/specs/envelope.md, driven through the whole-file form and through the stream cut in pieces.
#include "common/crypto/envelope.h"

#include <gtest/gtest.h>

#include "common/crypto/digest.h"
#include "tests/support/expect.h"
#include "tests/support/fixed_random.h"
#include "tests/support/stride.h"

namespace redoubt::crypto {
namespace {

constexpr std::size_t kChunk = kEnvelopeMinChunk;
constexpr std::size_t kSealed = kChunk + kEnvelopeChunkOverhead;
const EnvelopeSubject kSubject{"dataset/diagnoses", 3};

SecretBytes object_key(unsigned char value = 1) { return SecretBytes::copy_of(Bytes(32, std::byte{value})); }

Bytes plaintext_of(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i * 131 + i / 251);
  return out;
}

Bytes sealed_file(std::size_t size, std::uint64_t seed = 1, const EnvelopeSubject& subject = kSubject) {
  test::FixedRandom random(seed);
  return OrDie(seal_envelope(object_key(), subject, plaintext_of(size), random, kChunk));
}

// The stream, fed in pieces of `piece` bytes.
Result<Bytes> open_stream(ByteView file, std::size_t piece, const EnvelopeSubject& subject = kSubject) {
  Bytes out;
  const ChunkSink sink = [&](ByteView chunk) -> Status {
    append(out, chunk);
    return {};
  };
  REDOUBT_TRY(EnvelopeOpener opener, EnvelopeOpener::create(object_key(), subject));
  for (std::size_t at = 0; at < file.size(); at += piece) {
    REDOUBT_CHECK(opener.feed(file.subspan(at, std::min(piece, file.size() - at)), sink));
  }
  REDOUBT_CHECK(opener.finish(sink));
  return out;
}

// refused: every way to open the file refuses it, as `binding` or `malformed`.
testing::AssertionResult refused(ByteView file, const EnvelopeSubject& subject = kSubject) {
  const auto is_refusal = [](const Result<Bytes>& result) {
    return !result.ok() && (result.error().code() == Code::binding || result.error().code() == Code::malformed) &&
           result.error().message().starts_with("envelope");
  };
  if (!is_refusal(open_envelope(object_key(), subject, file))) return testing::AssertionFailure() << "whole";
  for (const std::size_t piece : {std::size_t{1} << 20, std::size_t{1000}}) {
    if (!is_refusal(open_stream(file, piece, subject))) return testing::AssertionFailure() << "in pieces of " << piece;
  }
  return testing::AssertionSuccess();
}

Bytes chunk_of(ByteView file, std::size_t index) {
  const auto layout = OrDie(EnvelopeLayout::of_file(file.size(), kChunk));
  const ByteRange range = OrDie(layout.sealed_chunk(index));
  return to_bytes(file.subspan(range.offset, range.size));
}

// A file put together from a header and any chunks.
Bytes assemble(ByteView header, std::initializer_list<Bytes> chunks) {
  Bytes out = to_bytes(header.first(kEnvelopeHeaderSize));
  for (const Bytes& chunk : chunks) append(out, chunk);
  return out;
}

TEST(Envelope, OpensWhatWasSealedAtEverySizeAroundTheChunkBorders) {
  for (const std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 8191U, 8192U, 8193U, 12288U, 100000U}) {
    const Bytes file = sealed_file(size);
    EXPECT_EQ(file.size(), OrDie(EnvelopeLayout::of_plaintext(size, kChunk)).file_size());
    EXPECT_EQ(OrDie(open_envelope(object_key(), kSubject, file)), plaintext_of(size));
    for (const std::size_t piece : {std::size_t{1}, std::size_t{79}, kChunk, kSealed, std::size_t{1} << 20}) {
      EXPECT_EQ(OrDie(open_stream(file, piece)), plaintext_of(size)) << size << " in pieces of " << piece;
    }
  }
}

TEST(Envelope, OpensEveryPermittedChunkSize) {
  for (std::size_t chunk = kEnvelopeMinChunk; chunk <= kEnvelopeMaxChunk; chunk *= 2) {
    test::FixedRandom random(chunk);
    const Bytes plaintext = plaintext_of(2 * chunk + 5);
    const Bytes file = OrDie(seal_envelope(object_key(), kSubject, plaintext, random, chunk));
    EXPECT_EQ(OrDie(open_envelope(object_key(), kSubject, file)), plaintext);
  }
}

// A change of these bytes is a change of the format: it needs another magic.
TEST(Envelope, WritesTheRecordedBytes) {
  EXPECT_EQ(sha256(sealed_file(2 * kChunk + 100)).hex(), "2ef23bf44ae52baeb3efed8c73908e2c4553f79b661f3b799e11e8b678e34e3f");
  EXPECT_EQ(sha256(sealed_file(0)).hex(), "257a3839dc5a1ba835781cea2d1e4df77e62b72f29604f2dce7c37f55596309e");
}

TEST(Envelope, RefusesEveryFlippedByte) {
  Bytes file = sealed_file(2 * kChunk + 100);
  for (std::size_t at = 0; at < file.size(); at += test::stride(1)) {
    file[at] ^= static_cast<std::byte>(1U << at % 8);
    const auto result = open_envelope(object_key(), kSubject, file);
    ASSERT_FALSE(result.ok()) << at;
    if (at >= kEnvelopeHeaderSize) {
      const std::string chunk = "envelope chunk " + std::to_string((at - kEnvelopeHeaderSize) / kSealed);
      ASSERT_TRUE(IsError(result, Code::binding, chunk)) << at;
    } else {
      ASSERT_TRUE(IsError(result, at < 16 ? Code::malformed : Code::binding, "envelope")) << at;
    }
    file[at] ^= static_cast<std::byte>(1U << at % 8);
  }
  EXPECT_OK(open_envelope(object_key(), kSubject, file));
}

TEST(Envelope, RefusesEveryFlippedBitOfHeaderAndTags) {
  Bytes file = sealed_file(100);
  for (std::size_t bit = 0; bit < file.size() * 8; bit += test::stride(1)) {
    file[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_TRUE(refused(file)) << bit;
    file[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
}

// No single bit leads from one permitted chunk size to another, so this takes two.
TEST(Envelope, RefusesAnotherPermittedChunkSize) {
  Bytes file = sealed_file(100);
  file[14] = std::byte{0x20};  // 8192 for 4096
  EXPECT_ERROR(open_envelope(object_key(), kSubject, file), Code::binding, "envelope header: not sealed under");
  EXPECT_TRUE(refused(file));
}

TEST(Envelope, RefusesEveryTruncation) {
  const Bytes file = sealed_file(2 * kChunk + 100);
  for (std::size_t size = 0; size < file.size(); size += test::stride(1)) {
    ASSERT_FALSE(open_envelope(object_key(), kSubject, ByteView(file).first(size)).ok()) << size;
  }
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{79}, kEnvelopeHeaderSize, kEnvelopeHeaderSize + 1, kEnvelopeHeaderSize + 16,
        kEnvelopeHeaderSize + kSealed, kEnvelopeHeaderSize + kSealed + 16, kEnvelopeHeaderSize + 2 * kSealed,
        file.size() - 1}) {
    EXPECT_TRUE(refused(ByteView(file).first(size))) << size;
  }
}

TEST(Envelope, RefusesChunksMovedWithinTheFile) {
  const Bytes file = sealed_file(3 * kChunk);  // all three chunks have one size, so that only their place differs
  const Bytes a = chunk_of(file, 0);
  const Bytes b = chunk_of(file, 1);
  const Bytes c = chunk_of(file, 2);
  EXPECT_EQ(assemble(file, {a, b, c}), file);
  EXPECT_TRUE(refused(assemble(file, {b, a, c})));     // swapped
  EXPECT_TRUE(refused(assemble(file, {a, c, b})));     // swapped with the final one
  EXPECT_TRUE(refused(assemble(file, {a, a, b, c})));  // repeated
  EXPECT_TRUE(refused(assemble(file, {a, b, b, c})));
  EXPECT_TRUE(refused(assemble(file, {a, a, c})));     // repeated in another's place
  EXPECT_TRUE(refused(assemble(file, {b, c})));        // dropped at the beginning
  EXPECT_TRUE(refused(assemble(file, {a, c})));        // dropped in the middle
  EXPECT_TRUE(refused(assemble(file, {a, b})));        // dropped at the end: the new last chunk is not final
  EXPECT_TRUE(refused(assemble(file, {a, b, c, c})));  // appended
  EXPECT_TRUE(refused(assemble(file, {a, b, c, a})));
  EXPECT_TRUE(refused(assemble(file, {})));
  const ByteView whole = file;
  Bytes longer = to_bytes(whole);
  longer.push_back(std::byte{0});
  EXPECT_TRUE(refused(longer));
  append(longer, whole);
  EXPECT_TRUE(refused(longer));
}

// The same key, object, version and plaintext: only the salt differs.
TEST(Envelope, RefusesChunksAndHeadersOfAnotherFile) {
  const Bytes file = sealed_file(3 * kChunk, 1);
  const Bytes other = sealed_file(3 * kChunk, 2);
  for (std::size_t index = 0; index < 3; ++index) {
    Bytes mixed = file;
    const Bytes chunk = chunk_of(other, index);
    std::ranges::copy(chunk, mixed.begin() + static_cast<std::ptrdiff_t>(kEnvelopeHeaderSize + index * kSealed));
    EXPECT_TRUE(refused(mixed)) << index;
  }
  EXPECT_TRUE(refused(assemble(other, {chunk_of(file, 0), chunk_of(file, 1), chunk_of(file, 2)})));
}

TEST(Envelope, RefusesAnotherObjectVersionOrKey) {
  const Bytes file = sealed_file(100);
  EXPECT_TRUE(refused(file, {"dataset/diagnosez", 3}));
  EXPECT_TRUE(refused(file, {"dataset/diagnose", 3}));
  EXPECT_TRUE(refused(file, {"dataset/diagnoses", 2}));
  EXPECT_TRUE(refused(file, {"dataset/diagnoses", 4}));
  EXPECT_ERROR(open_envelope(object_key(2), kSubject, file), Code::binding, "envelope header: not sealed under");
  // A chunk of one version does not stand in the file of another, even under the same salt (a broken generator).
  const Bytes old = sealed_file(100, 1, {"dataset/diagnoses", 2});
  EXPECT_TRUE(refused(assemble(file, {chunk_of(old, 0)})));
}

// The commitment: with GCM alone one can make a file that opens, differently, under two keys.
TEST(Envelope, TellsTheWrongKeyBeforeAnyChunk) {
  const Bytes file = sealed_file(100);
  EXPECT_ERROR(EnvelopeCipher::for_file(object_key(2), kSubject, ByteView(file).first(kEnvelopeHeaderSize)),
               Code::binding, "not sealed under this key");
}

TEST(Envelope, SealsTheSameFileDifferentlyEachTime) {
  test::FixedRandom random(7);
  EXPECT_NE(OrDie(seal_envelope(object_key(), kSubject, {}, random)),
            OrDie(seal_envelope(object_key(), kSubject, {}, random)));
}

TEST(Envelope, RefusesKeysIdsAndChunkSizesThatCannotBe) {
  test::FixedRandom random(1);
  EXPECT_ERROR(seal_envelope(SecretBytes(31), kSubject, {}, random), Code::malformed, "expected 32 bytes");
  EXPECT_ERROR(seal_envelope(object_key(), {"", 1}, {}, random), Code::malformed, "object id");
  EXPECT_ERROR(seal_envelope(object_key(), {std::string(256, 'x'), 1}, {}, random), Code::malformed, "object id");
  EXPECT_ERROR(seal_envelope(object_key(), kSubject, {}, random, 5000), Code::malformed, "power of two");
  EXPECT_OK(seal_envelope(object_key(), {std::string(255, 'x'), ~std::uint64_t{0}}, {}, random));
}

TEST(EnvelopeCipher, OpensChunksInAnyOrder) {
  const Bytes file = sealed_file(2 * kChunk + 100);
  auto cipher = OrDie(EnvelopeCipher::for_file(object_key(), kSubject, ByteView(file).first(kEnvelopeHeaderSize)));
  const auto layout = OrDie(EnvelopeLayout::of_file(file.size(), cipher.chunk_size()));
  const Bytes plaintext = plaintext_of(2 * kChunk + 100);
  for (const std::uint64_t index : {2U, 0U, 1U, 2U}) {
    const ByteRange to = OrDie(layout.plaintext_chunk(index));
    const ChunkPlace place = layout.is_final(index) ? ChunkPlace::final : ChunkPlace::more_follow;
    Bytes out(to.size);
    ASSERT_OK(cipher.open_chunk(index, place, chunk_of(file, index), out));
    EXPECT_TRUE(equal(out, ByteView(plaintext).subspan(to.offset, to.size)));
  }
  Bytes out(kChunk, std::byte{1});
  EXPECT_ERROR(cipher.open_chunk(0, ChunkPlace::final, chunk_of(file, 0), out), Code::binding, "chunk 0 (final)");
  EXPECT_EQ(out, Bytes(kChunk));
  EXPECT_ERROR(cipher.open_chunk(1, ChunkPlace::more_follow, chunk_of(file, 0), out), Code::binding, "chunk 1:");
  EXPECT_ERROR(cipher.open_chunk(2, ChunkPlace::more_follow, chunk_of(file, 2), out), Code::malformed, "expected 4096");
}

TEST(EnvelopeCipher, RefusesChunksOfTheWrongSize) {
  test::FixedRandom random(1);
  auto cipher = OrDie(EnvelopeCipher::for_new_file(object_key(), kSubject, random, kChunk));
  Bytes out(kSealed + 1);
  const auto seal = [&](std::uint64_t index, ChunkPlace place, std::size_t size) {
    return cipher.seal_chunk(index, place, Bytes(size), std::span(out).first(size + kEnvelopeChunkOverhead));
  };
  EXPECT_ERROR(seal(0, ChunkPlace::more_follow, kChunk - 1), Code::usage, "expected 4096");
  EXPECT_ERROR(seal(0, ChunkPlace::final, kChunk + 1), Code::usage, "0 to 4096");
  EXPECT_ERROR(seal(1, ChunkPlace::final, 0), Code::usage, "1 to 4096");
  EXPECT_ERROR(seal(kEnvelopeMaxChunks, ChunkPlace::final, 1), Code::usage, "at most 2^28");
  EXPECT_OK(seal(kEnvelopeMaxChunks - 1, ChunkPlace::final, 1));
  EXPECT_ERROR(cipher.open_chunk(1, ChunkPlace::final, Bytes(16), {}), Code::malformed, "1 to 4096");
  EXPECT_ERROR(cipher.open_chunk(0, ChunkPlace::final, Bytes(15), {}), Code::malformed, "at least 16");
}

// A sealer who breaks the rule that final chunks are not empty has another spelling for the same plaintext.
TEST(EnvelopeCipher, RefusesAnEmptyFinalChunkAfterAFullOne) {
  const Bytes file = sealed_file(kChunk);
  test::FixedRandom random(1);
  auto cipher = OrDie(EnvelopeCipher::for_new_file(object_key(), kSubject, random, kChunk));
  Bytes first(kSealed);
  ASSERT_OK(cipher.seal_chunk(0, ChunkPlace::more_follow, plaintext_of(kChunk), first));
  EXPECT_TRUE(refused(assemble(cipher.header(), {first, Bytes(kEnvelopeChunkOverhead)})));
}

}  // namespace
}  // namespace redoubt::crypto
