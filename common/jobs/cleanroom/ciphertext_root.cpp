#include "common/jobs/cleanroom/ciphertext_root.h"

#include "common/crypto/envelope_layout.h"

namespace redoubt::jobs {

Result<receipt::TreeHash> ciphertext_root(ByteView envelope) {
  if (envelope.size() < crypto::kEnvelopeHeaderSize) {
    return Error(Code::malformed, "envelope: shorter than its header");
  }
  const ByteView header = envelope.first(crypto::kEnvelopeHeaderSize);
  REDOUBT_TRY(const auto parsed, crypto::UnverifiedEnvelopeHeader::parse(header));
  REDOUBT_TRY(const auto layout, crypto::EnvelopeLayout::of_file(envelope.size(), parsed.chunk_size));
  receipt::Frontier tree;
  tree.append(receipt::leaf_hash(header));
  for (std::uint64_t i = 0; i < layout.chunk_count(); ++i) {
    REDOUBT_TRY(const crypto::ByteRange chunk, layout.sealed_chunk(i));
    tree.append(receipt::leaf_hash(envelope.subspan(static_cast<std::size_t>(chunk.offset), static_cast<std::size_t>(chunk.size))));
  }
  return tree.root();
}

}  // namespace redoubt::jobs
