// The append-only Merkle tree of RFC 9162 section 2.1 (SHA-256, 0x00 before leaves, 0x01 before nodes), its inclusion and
// consistency proofs, and their verification.
//
// Enclaves and hubs build trees; everyone verifies. Proofs, indexes, sizes and roots may come from a liar; a proof that does
// not hold is `log_proof`. A proof alone fixes the path, not the tree size: several sizes share a path (RFC 9162 section
// 2.1.3.2 takes the same steps for leaf 0 of 5 and of 7), so size and root must come from one signed checkpoint. Positions
// and sizes count leaves. No I/O; a tree is used by one thread at a time, the functions are pure.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/bytes.h"

namespace redoubt::receipt {

// The hash of a leaf, of a node or of a whole tree.
using TreeHash = FixedBytes<struct TreeHashTag, 32>;

// From the leaf's side (inclusion) or as RFC 9162 section 2.1.4.1 orders it (consistency).
using Proof = std::vector<TreeHash>;

// A tree of at most 2^64 - 1 leaves has no longer proof: 64 levels, and one more for the old root's own subtree.
constexpr std::size_t kMaxProofCount = 65;

TreeHash leaf_hash(ByteView leaf);
TreeHash node_hash(const TreeHash& left, const TreeHash& right);
// empty_root: the hash of the tree without leaves, SHA-256 of nothing.
TreeHash empty_root();

// Frontier: the least that appending needs, one hash for each set bit of the size (largest subtree first).
class Frontier {
 public:
  Frontier() = default;
  // restore takes what size() and peaks() gave; another number of peaks is `malformed`.
  static Result<Frontier> restore(std::uint64_t size, std::vector<TreeHash> peaks);

  void append(const TreeHash& leaf);
  TreeHash root() const;
  std::uint64_t size() const { return size_; }
  const std::vector<TreeHash>& peaks() const { return peaks_; }

 private:
  std::uint64_t size_ = 0;
  std::vector<TreeHash> peaks_;
};

// MerkleTree: all hashes of complete subtrees, so that any proof for any past size costs O(log n). About 64 bytes a leaf.
class MerkleTree {
 public:
  // append returns the index of the new leaf.
  std::uint64_t append(const TreeHash& leaf);
  std::uint64_t size() const { return levels_.empty() ? 0 : levels_.front().size(); }
  TreeHash root() const { return subtree(0, size()); }
  // root_at: the root when the tree had `size` leaves; `not_found` above the present size.
  Result<TreeHash> root_at(std::uint64_t size) const;
  // leaf: the hash at `index`; `not_found` at or above the size.
  Result<TreeHash> leaf(std::uint64_t index) const;

  // inclusion: leaf `index` is in the tree of `size` leaves. `not_found` unless index < size <= size().
  Result<Proof> inclusion(std::uint64_t index, std::uint64_t size) const;
  // consistency: the tree of `old_size` leaves is a prefix of that of `new_size`. `not_found` unless
  // old_size <= new_size <= size(). Empty for old_size 0 and for equal sizes.
  Result<Proof> consistency(std::uint64_t old_size, std::uint64_t new_size) const;

 private:
  TreeHash subtree(std::uint64_t begin, std::uint64_t end) const;
  void path(std::uint64_t index, std::uint64_t begin, std::uint64_t end, Proof& proof) const;
  void subproof(std::uint64_t old_end, std::uint64_t begin, std::uint64_t end, bool whole, Proof& proof) const;

  std::vector<std::vector<TreeHash>> levels_;  // levels_[k][i]: the subtree of leaves [i * 2^k, (i + 1) * 2^k)
};

// verify_inclusion: RFC 9162 section 2.1.3.2. `leaf` is a leaf_hash. Ok, or `log_proof`.
Status verify_inclusion(const TreeHash& leaf, std::uint64_t index, std::uint64_t size, const Proof& proof,
                        const TreeHash& root);

// verify_consistency: RFC 9162 section 2.1.4.2. Equal sizes need equal roots and no proof; old_size 0 needs the empty root
// and no proof. Ok, or `log_proof`.
Status verify_consistency(std::uint64_t old_size, const TreeHash& old_root, std::uint64_t new_size,
                          const TreeHash& new_root, const Proof& proof);

}  // namespace redoubt::receipt
