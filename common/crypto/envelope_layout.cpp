#include "common/crypto/envelope_layout.h"

#include <bit>

#include "common/base/reader.h"
#include "common/base/writer.h"

namespace redoubt::crypto {
namespace {

constexpr std::string_view kMagic = "RDTENV01";

}  // namespace

Status check_envelope_chunk(std::uint64_t chunk_size) {
  if (!std::has_single_bit(chunk_size) || chunk_size < kEnvelopeMinChunk || chunk_size > kEnvelopeMaxChunk) {
    return Error(Code::malformed, "envelope chunk size: expected a power of two from 4096 to 1048576, found " +
                                      std::to_string(chunk_size));
  }
  return {};
}

Bytes UnverifiedEnvelopeHeader::bytes() const {
  Writer writer;
  writer.bytes(as_bytes(kMagic)).u32be(kEnvelopeSuite).u32be(chunk_size).bytes(salt.view()).bytes(commitment.view());
  return writer.take();
}

Result<UnverifiedEnvelopeHeader> UnverifiedEnvelopeHeader::parse(ByteView bytes) {
  Reader reader(bytes, "envelope header");
  if (!equal(reader.bytes(kMagic.size()), as_bytes(kMagic))) reader.fail("magic: expected RDTENV01");
  reader.expect_u32be(kEnvelopeSuite, "suite");
  UnverifiedEnvelopeHeader header;
  header.chunk_size = reader.u32be();
  header.salt = reader.fixed<EnvelopeSalt>();
  header.commitment = reader.fixed<EnvelopeCommitment>();
  REDOUBT_CHECK(reader.finish());
  REDOUBT_CHECK(check_envelope_chunk(header.chunk_size));
  return header;
}

Result<EnvelopeLayout> EnvelopeLayout::of_plaintext(std::uint64_t plaintext_size, std::size_t chunk_size) {
  REDOUBT_CHECK(check_envelope_chunk(chunk_size));
  const std::uint64_t whole = plaintext_size / chunk_size;
  const std::uint64_t rest = plaintext_size % chunk_size;
  // A file whose plaintext is a multiple of the chunk size ends with a full chunk: one plaintext has one layout.
  const std::uint64_t count = whole == 0 || rest != 0 ? whole + 1 : whole;
  if (count > kEnvelopeMaxChunks) {
    return Error(Code::usage, "envelope: expected at most 2^28 chunks, found " + std::to_string(count));
  }
  return EnvelopeLayout(plaintext_size, chunk_size, count);
}

Result<EnvelopeLayout> EnvelopeLayout::of_file(std::uint64_t file_size, std::size_t chunk_size) {
  REDOUBT_CHECK(check_envelope_chunk(chunk_size));
  const auto refused = [&] {
    return Error(Code::malformed, "envelope: no file has " + std::to_string(file_size) + " bytes in chunks of " +
                                      std::to_string(chunk_size));
  };
  if (file_size < kEnvelopeHeaderSize + kEnvelopeChunkOverhead) return refused();
  const std::uint64_t body = file_size - kEnvelopeHeaderSize;
  const std::uint64_t sealed = chunk_size + kEnvelopeChunkOverhead;
  const std::uint64_t count = (body - 1) / sealed + 1;
  const std::uint64_t last = body - (count - 1) * sealed;
  if (count > kEnvelopeMaxChunks || last < kEnvelopeChunkOverhead || (last == kEnvelopeChunkOverhead && count > 1)) {
    return refused();
  }
  return EnvelopeLayout(body - count * kEnvelopeChunkOverhead, chunk_size, count);
}

Result<ByteRange> EnvelopeLayout::plaintext_chunk(std::uint64_t index) const {
  if (index >= chunk_count_) {
    return Error(Code::usage, "envelope: chunk " + std::to_string(index) + " of " + std::to_string(chunk_count_));
  }
  const std::uint64_t offset = index * chunk_size_;
  return ByteRange{offset, std::min(chunk_size_, plaintext_size_ - offset)};
}

Result<ByteRange> EnvelopeLayout::sealed_chunk(std::uint64_t index) const {
  REDOUBT_TRY(const ByteRange plaintext, plaintext_chunk(index));
  return ByteRange{kEnvelopeHeaderSize + index * (chunk_size_ + kEnvelopeChunkOverhead),
                   plaintext.size + kEnvelopeChunkOverhead};
}

}  // namespace redoubt::crypto
