// Goal: the ranges of header and chunks tile every file exactly, and sizes that no envelope has are refused. Method: all
// plaintext sizes around the chunk borders, computed from the plaintext and back from the file; each header field changed.
#include "common/crypto/envelope_layout.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace redoubt::crypto {
namespace {

constexpr std::size_t kLayoutChunk = kEnvelopeMinChunk;

TEST(EnvelopeLayout, TilesFileAndPlaintextExactly) {
  for (const std::uint64_t size : {0U, 1U, 4095U, 4096U, 4097U, 8191U, 8192U, 8193U, 1000000U}) {
    const auto layout = OrDie(EnvelopeLayout::of_plaintext(size, kLayoutChunk));
    std::uint64_t file_at = kEnvelopeHeaderSize;
    std::uint64_t plaintext_at = 0;
    for (std::uint64_t index = 0; index < layout.chunk_count(); ++index) {
      const ByteRange sealed = OrDie(layout.sealed_chunk(index));
      const ByteRange plaintext = OrDie(layout.plaintext_chunk(index));
      EXPECT_EQ(sealed.offset, file_at);
      EXPECT_EQ(plaintext.offset, plaintext_at);
      EXPECT_EQ(sealed.size, plaintext.size + kEnvelopeChunkOverhead);
      EXPECT_EQ(layout.is_final(index), index + 1 == layout.chunk_count());
      EXPECT_TRUE(layout.is_final(index) || plaintext.size == kLayoutChunk);
      file_at += sealed.size;
      plaintext_at += plaintext.size;
    }
    EXPECT_EQ(file_at, layout.file_size());
    EXPECT_EQ(plaintext_at, size);
    const auto back = OrDie(EnvelopeLayout::of_file(layout.file_size(), kLayoutChunk));
    EXPECT_EQ(back.plaintext_size(), size);
    EXPECT_EQ(back.chunk_count(), layout.chunk_count());
    EXPECT_ERROR(layout.sealed_chunk(layout.chunk_count()), Code::usage, "envelope: chunk");
    EXPECT_ERROR(layout.plaintext_chunk(~std::uint64_t{0}), Code::usage, "envelope: chunk");
  }
}

TEST(EnvelopeLayout, RefusesSizesThatNoEnvelopeHas) {
  const std::uint64_t one = kEnvelopeHeaderSize + kLayoutChunk + kEnvelopeChunkOverhead;
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{80}, std::uint64_t{95}, one + 1, one + 15, one + 16,
                                   ~std::uint64_t{0}}) {
    EXPECT_ERROR(EnvelopeLayout::of_file(size, kLayoutChunk), Code::malformed, "no file has") << size;
  }
  EXPECT_OK(EnvelopeLayout::of_file(96, kLayoutChunk));
  EXPECT_OK(EnvelopeLayout::of_file(one, kLayoutChunk));
  EXPECT_OK(EnvelopeLayout::of_file(one + 17, kLayoutChunk));
}

TEST(EnvelopeLayout, BoundsTheNumberOfChunks) {
  const std::uint64_t most = kEnvelopeMaxChunks * kLayoutChunk;
  const auto layout = OrDie(EnvelopeLayout::of_plaintext(most, kLayoutChunk));
  EXPECT_EQ(layout.chunk_count(), kEnvelopeMaxChunks);
  EXPECT_OK(EnvelopeLayout::of_file(layout.file_size(), kLayoutChunk));
  EXPECT_ERROR(EnvelopeLayout::of_plaintext(most + 1, kLayoutChunk), Code::usage, "at most 2^28");
  EXPECT_ERROR(EnvelopeLayout::of_plaintext(~std::uint64_t{0}, kLayoutChunk), Code::usage, "at most 2^28");
  EXPECT_ERROR(EnvelopeLayout::of_file(layout.file_size() + 17, kLayoutChunk), Code::malformed, "no file has");
}

TEST(EnvelopeLayout, TakesPowersOfTwoFrom4KiBTo1MiB) {
  for (std::uint64_t size = 4096; size <= 1048576; size *= 2) EXPECT_OK(check_envelope_chunk(size));
  for (const std::uint64_t size : {0ULL, 1ULL, 2048ULL, 4095ULL, 4097ULL, 65535ULL, 98304ULL, 2097152ULL, 1ULL << 63}) {
    EXPECT_ERROR(check_envelope_chunk(size), Code::malformed, "power of two");
    EXPECT_ERROR(EnvelopeLayout::of_plaintext(1, size), Code::malformed, "power of two");
    EXPECT_ERROR(EnvelopeLayout::of_file(1000, size), Code::malformed, "power of two");
  }
}

TEST(EnvelopeHeader, ReadsBackWhatItWrote) {
  UnverifiedEnvelopeHeader header;
  header.chunk_size = 8192;
  header.salt.array().fill(std::byte{1});
  header.commitment.array().fill(std::byte{2});
  const Bytes bytes = header.bytes();
  ASSERT_EQ(bytes.size(), kEnvelopeHeaderSize);
  const auto again = OrDie(UnverifiedEnvelopeHeader::parse(bytes));
  EXPECT_EQ(again.chunk_size, header.chunk_size);
  EXPECT_EQ(again.salt, header.salt);
  EXPECT_EQ(again.commitment, header.commitment);
}

TEST(EnvelopeHeader, RefusesAnotherMagicSuiteSizeAndLength) {
  const Bytes good = UnverifiedEnvelopeHeader().bytes();
  for (std::size_t at = 0; at < 16; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bad = good;
      bad[at] ^= static_cast<std::byte>(1U << bit);
      const std::string_view part = at < 8 ? "magic" : at < 12 ? "suite" : "power of two";
      EXPECT_ERROR(UnverifiedEnvelopeHeader::parse(bad), Code::malformed, part);
    }
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_ERROR(UnverifiedEnvelopeHeader::parse(ByteView(good).first(size)), Code::malformed, "envelope header");
  }
  Bytes longer = good;
  longer.push_back(std::byte{0});
  EXPECT_ERROR(UnverifiedEnvelopeHeader::parse(longer), Code::malformed, "trailing");
}

}  // namespace
}  // namespace redoubt::crypto
