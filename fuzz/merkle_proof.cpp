// Inclusion and consistency proofs against a real tree of 37 leaves: a proof for the tree's own sizes is accepted exactly
// when it is the one that the tree makes. Input: which proof (1 byte), two numbers (8 bytes each, big-endian), hashes; a hash
// of which only the first byte is given means a node of the tree, so that the fuzzer reaches past the first comparison.
#include <cstdlib>

#include "common/base/reader.h"
#include "common/receipt/log.h"

namespace {

using namespace redoubt;

const receipt::MerkleTree& tree() {
  static const receipt::MerkleTree built = [] {
    receipt::MerkleTree made;
    for (int i = 0; i < 37; ++i) made.append(receipt::leaf_hash(as_bytes(std::to_string(i))));
    return made;
  }();
  return built;
}

receipt::Proof read_proof(Reader& reader, std::uint64_t a, std::uint64_t b, bool inclusion) {
  const auto real = inclusion ? tree().inclusion(a, b) : tree().consistency(a, b);
  receipt::Proof proof;
  while (reader.ok() && reader.remaining() > 0 && proof.size() < 80) {
    const std::uint8_t kind = reader.u8();
    if (kind < 64 && real.ok() && kind < real->size()) {
      proof.push_back((*real)[kind]);
    } else {
      proof.push_back(reader.fixed<receipt::TreeHash>());
    }
  }
  return proof;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes = std::as_bytes(std::span(data, size));
  (void)receipt::LogEntry::parse(bytes);
  Reader reader(bytes, "input");
  const bool inclusion = reader.u8() % 2 == 0;
  const std::uint64_t a = reader.u64be();
  const std::uint64_t b = reader.u64be();
  const receipt::Proof proof = read_proof(reader, a, b, inclusion);
  const auto root_b = tree().root_at(b);
  if (inclusion) {
    const auto leaf = tree().leaf(a);
    const bool ok = receipt::verify_inclusion(leaf.ok() ? *leaf : receipt::TreeHash(), a, b, proof,
                                              root_b.ok() ? *root_b : tree().root()).ok();
    const auto real = tree().inclusion(a, b);
    if (real.ok() && ok != (*real == proof)) std::abort();
  } else {
    const auto root_a = tree().root_at(a);
    const bool ok = receipt::verify_consistency(a, root_a.ok() ? *root_a : receipt::TreeHash(), b,
                                                root_b.ok() ? *root_b : tree().root(), proof).ok();
    const auto real = tree().consistency(a, b);
    if (real.ok() && ok != (*real == proof)) std::abort();
  }
  return 0;
}
