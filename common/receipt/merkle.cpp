#include "common/receipt/merkle.h"

#include <bit>

#include "common/crypto/digest.h"

namespace redoubt::receipt {
namespace {

constexpr std::byte kLeafPrefix{0};
constexpr std::byte kNodePrefix{1};

// The largest power of two below `count`; count is at least 2 (k of RFC 9162 section 2.1.1).
std::uint64_t split(std::uint64_t count) { return std::bit_floor(count - 1); }

bool odd(std::uint64_t value) { return (value & 1U) != 0; }

Error refused(std::string message) { return Error(Code::log_proof, std::move(message)); }

std::string range(std::uint64_t first, std::uint64_t second) {
  return std::to_string(first) + " of " + std::to_string(second);
}

}  // namespace

TreeHash leaf_hash(ByteView leaf) {
  Bytes bytes;
  bytes.reserve(leaf.size() + 1);
  bytes.push_back(kLeafPrefix);
  append(bytes, leaf);
  return TreeHash(crypto::sha256(bytes).array());
}

TreeHash node_hash(const TreeHash& left, const TreeHash& right) {
  std::array<std::byte, 1 + 2 * TreeHash::size> bytes;
  bytes[0] = kNodePrefix;
  std::ranges::copy(left.view(), bytes.begin() + 1);
  std::ranges::copy(right.view(), bytes.begin() + 1 + TreeHash::size);
  return TreeHash(crypto::sha256(bytes).array());
}

TreeHash empty_root() { return TreeHash(crypto::sha256(ByteView()).array()); }

Result<Frontier> Frontier::restore(std::uint64_t size, std::vector<TreeHash> peaks) {
  const auto expected = static_cast<std::size_t>(std::popcount(size));
  if (peaks.size() != expected) {
    return Error(Code::malformed, "frontier of size " + std::to_string(size) + ": expected " +
                                      std::to_string(expected) + " peaks, found " + std::to_string(peaks.size()));
  }
  Frontier frontier;
  frontier.size_ = size;
  frontier.peaks_ = std::move(peaks);
  return frontier;
}

void Frontier::append(const TreeHash& leaf) {
  TreeHash hash = leaf;
  // Each trailing one bit of the old size is a complete subtree that the new leaf completes to the next level.
  for (std::uint64_t rest = size_; odd(rest); rest >>= 1U) {
    hash = node_hash(peaks_.back(), hash);
    peaks_.pop_back();
  }
  peaks_.push_back(hash);
  ++size_;
}

TreeHash Frontier::root() const {
  if (peaks_.empty()) return empty_root();
  TreeHash root = peaks_.back();
  for (std::size_t i = peaks_.size() - 1; i > 0; --i) root = node_hash(peaks_[i - 1], root);
  return root;
}

std::uint64_t MerkleTree::append(const TreeHash& leaf) {
  const std::uint64_t index = size();
  TreeHash hash = leaf;
  for (std::size_t level = 0;; ++level) {
    if (level == levels_.size()) levels_.emplace_back();
    std::vector<TreeHash>& row = levels_[level];
    row.push_back(hash);
    if (odd(row.size())) return index;
    hash = node_hash(row[row.size() - 2], row.back());
  }
}

Result<TreeHash> MerkleTree::root_at(std::uint64_t at) const {
  if (at > size()) return Error(Code::not_found, "tree has " + std::to_string(size()) + " leaves, not " + std::to_string(at));
  return subtree(0, at);
}

Result<TreeHash> MerkleTree::leaf(std::uint64_t index) const {
  if (index >= size()) return Error(Code::not_found, "no leaf " + range(index, size()));
  return levels_.front()[index];
}

TreeHash MerkleTree::subtree(std::uint64_t begin, std::uint64_t end) const {
  const std::uint64_t count = end - begin;
  if (count == 0) return empty_root();
  // Recursion only ever splits at multiples of the left half, so a range of 2^k leaves is aligned and stored.
  if (std::has_single_bit(count)) return levels_[static_cast<std::size_t>(std::countr_zero(count))][begin / count];
  const std::uint64_t middle = begin + split(count);
  return node_hash(subtree(begin, middle), subtree(middle, end));
}

// PATH of RFC 9162 section 2.1.3.1.
void MerkleTree::path(std::uint64_t index, std::uint64_t begin, std::uint64_t end, Proof& proof) const {
  if (end - begin == 1) return;
  const std::uint64_t middle = begin + split(end - begin);
  if (index < middle) {
    path(index, begin, middle, proof);
    proof.push_back(subtree(middle, end));
  } else {
    path(index, middle, end, proof);
    proof.push_back(subtree(begin, middle));
  }
}

Result<Proof> MerkleTree::inclusion(std::uint64_t index, std::uint64_t at) const {
  if (index >= at || at > size()) return Error(Code::not_found, "no inclusion proof for leaf " + range(index, at));
  Proof proof;
  path(index, 0, at, proof);
  return proof;
}

// SUBPROOF of RFC 9162 section 2.1.4.1; `whole` is its flag b: the old tree is exactly this range so far.
void MerkleTree::subproof(std::uint64_t old_end, std::uint64_t begin, std::uint64_t end, bool whole, Proof& proof) const {
  if (old_end == end) {
    if (!whole) proof.push_back(subtree(begin, end));
    return;
  }
  const std::uint64_t middle = begin + split(end - begin);
  if (old_end <= middle) {
    subproof(old_end, begin, middle, whole, proof);
    proof.push_back(subtree(middle, end));
  } else {
    subproof(old_end, middle, end, false, proof);
    proof.push_back(subtree(begin, middle));
  }
}

Result<Proof> MerkleTree::consistency(std::uint64_t old_size, std::uint64_t new_size) const {
  if (old_size > new_size || new_size > size()) {
    return Error(Code::not_found, "no consistency proof from " + range(old_size, new_size));
  }
  Proof proof;
  if (old_size != 0) subproof(old_size, 0, new_size, true, proof);
  return proof;
}

Status verify_inclusion(const TreeHash& leaf, std::uint64_t index, std::uint64_t size, const Proof& proof,
                        const TreeHash& root) {
  if (index >= size) return refused("inclusion proof: leaf " + range(index, size) + " is outside the tree");
  if (proof.size() > kMaxProofCount) return refused("inclusion proof: above the limit of " + std::to_string(kMaxProofCount));
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  TreeHash hash = leaf;
  for (const TreeHash& node : proof) {
    if (sn == 0) return refused("inclusion proof: trailing nodes");
    if (odd(fn) || fn == sn) {
      hash = node_hash(node, hash);
      while (!odd(fn) && fn != 0) {
        fn >>= 1U;
        sn >>= 1U;
      }
    } else {
      hash = node_hash(hash, node);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  if (sn != 0) return refused("inclusion proof: too short for leaf " + range(index, size));
  if (hash != root) return refused("inclusion proof: expected root " + root.hex() + ", found " + hash.hex());
  return {};
}

Status verify_consistency(std::uint64_t old_size, const TreeHash& old_root, std::uint64_t new_size,
                          const TreeHash& new_root, const Proof& proof) {
  if (old_size > new_size) {
    return refused("consistency proof: old size " + std::to_string(old_size) + " above new size " + std::to_string(new_size));
  }
  if (proof.size() > kMaxProofCount) return refused("consistency proof: above the limit of " + std::to_string(kMaxProofCount));
  if (new_size == 0 && new_root != empty_root()) return refused("consistency proof: size 0 with a root that is not the empty one");
  if (old_size == 0 && old_root != empty_root()) return refused("consistency proof: size 0 with a root that is not the empty one");
  if (old_size == 0 || old_size == new_size) {
    if (!proof.empty()) return refused("consistency proof: trailing nodes");
    if (old_size == new_size && old_root != new_root) {
      return refused("consistency proof: size " + std::to_string(old_size) + " with roots " + old_root.hex() + " and " +
                     new_root.hex());
    }
    return {};
  }
  if (proof.empty()) return refused("consistency proof: empty");
  std::uint64_t fn = old_size - 1;
  std::uint64_t sn = new_size - 1;
  while (odd(fn)) {
    fn >>= 1U;
    sn >>= 1U;
  }
  // An old tree that is one complete subtree starts from its own root, which the proof then leaves out.
  const bool complete = std::has_single_bit(old_size);
  TreeHash old_hash = complete ? old_root : proof.front();
  TreeHash new_hash = old_hash;
  for (std::size_t i = complete ? 0 : 1; i < proof.size(); ++i) {
    const TreeHash& node = proof[i];
    if (sn == 0) return refused("consistency proof: trailing nodes");
    if (odd(fn) || fn == sn) {
      old_hash = node_hash(node, old_hash);
      new_hash = node_hash(node, new_hash);
      while (!odd(fn) && fn != 0) {
        fn >>= 1U;
        sn >>= 1U;
      }
    } else {
      new_hash = node_hash(new_hash, node);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  if (sn != 0) return refused("consistency proof: too short from " + range(old_size, new_size));
  if (old_hash != old_root) return refused("consistency proof: expected old root " + old_root.hex() + ", found " + old_hash.hex());
  if (new_hash != new_root) return refused("consistency proof: expected new root " + new_root.hex() + ", found " + new_hash.hex());
  return {};
}

}  // namespace redoubt::receipt
