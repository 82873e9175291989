// EnvelopeLayout: where the header and the chunks of an encrypted file (`.rdt`, docs/specs/envelope.md) lie.
//
// Needs no key, so it says nothing about authenticity: whoever stores the file chose its header and its size. Rooms that
// hash, transfer or serve ciphertext use it alone; envelope.h decrypts. Sizes and offsets are bytes. Pure and thread-safe.
#pragma once

#include "common/base/bytes.h"

namespace redoubt::crypto {

// HKDF-SHA256 and AES-256-GCM, the one suite.
inline constexpr std::uint32_t kEnvelopeSuite = 1;
inline constexpr std::size_t kEnvelopeHeaderSize = 80;
inline constexpr std::size_t kEnvelopeChunkOverhead = 16;
inline constexpr std::size_t kEnvelopeMinChunk = std::size_t{1} << 12;
inline constexpr std::size_t kEnvelopeMaxChunk = std::size_t{1} << 20;
inline constexpr std::size_t kEnvelopeDefaultChunk = std::size_t{1} << 16;
// Chunks in one file: with 1 MiB chunks 2^44 AES blocks under one file key, within the usual bounds for GCM.
inline constexpr std::uint64_t kEnvelopeMaxChunks = std::uint64_t{1} << 28;

using EnvelopeSalt = FixedBytes<struct EnvelopeSaltTag, 32>;
using EnvelopeCommitment = FixedBytes<struct EnvelopeCommitmentTag, 32>;

// check_envelope_chunk: ok for a power of two from 4 KiB to 1 MiB, else `malformed`.
Status check_envelope_chunk(std::uint64_t chunk_size);

// UnverifiedEnvelopeHeader: what a file says of itself before a key confirmed it.
struct UnverifiedEnvelopeHeader {
  std::uint32_t chunk_size = kEnvelopeDefaultChunk;  // of plaintext
  EnvelopeSalt salt;
  EnvelopeCommitment commitment;

  Bytes bytes() const;
  // parse reads exactly kEnvelopeHeaderSize bytes: magic, suite and a permitted chunk size, else `malformed`.
  static Result<UnverifiedEnvelopeHeader> parse(ByteView bytes);
};

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;

  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

class EnvelopeLayout {
 public:
  // of_plaintext: the layout of a file that holds this much plaintext. `usage`: more than 2^28 chunks.
  static Result<EnvelopeLayout> of_plaintext(std::uint64_t plaintext_size, std::size_t chunk_size);
  // of_file: the layout of a file of this size; `malformed` when no envelope has that size.
  static Result<EnvelopeLayout> of_file(std::uint64_t file_size, std::size_t chunk_size);

  std::uint64_t plaintext_size() const { return plaintext_size_; }
  std::uint64_t file_size() const { return kEnvelopeHeaderSize + plaintext_size_ + chunk_count_ * kEnvelopeChunkOverhead; }
  // chunk_count is at least 1: an empty plaintext has one chunk, which holds its tag alone.
  std::uint64_t chunk_count() const { return chunk_count_; }
  bool is_final(std::uint64_t index) const { return index + 1 == chunk_count_; }

  // sealed_chunk and plaintext_chunk: where chunk `index` lies in the file and in the plaintext. An index that is not
  // below chunk_count() is `usage`.
  Result<ByteRange> sealed_chunk(std::uint64_t index) const;
  Result<ByteRange> plaintext_chunk(std::uint64_t index) const;

 private:
  EnvelopeLayout(std::uint64_t plaintext_size, std::uint64_t chunk_size, std::uint64_t chunk_count)
      : plaintext_size_(plaintext_size), chunk_size_(chunk_size), chunk_count_(chunk_count) {}
  std::uint64_t plaintext_size_;
  std::uint64_t chunk_size_;
  std::uint64_t chunk_count_;
};

}  // namespace redoubt::crypto
