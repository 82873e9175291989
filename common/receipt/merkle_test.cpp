// Goal: trees, proofs and their verification are those of RFC 9162, and nothing but the real proof is accepted. Method:
// published vectors; a second, naive tree written straight from the definitions; every pair of sizes up to 130; every bit
// of every proof, root, index and size damaged, where sizes that share a path are told apart by the RFC's own shape.
#include "common/receipt/merkle.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "common/base/json.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"
#include "tests/support/stride.h"

namespace redoubt::receipt {
namespace {

constexpr std::uint64_t kMost = 130;

TreeHash test_leaf(std::uint64_t i) { return leaf_hash(as_bytes("leaf " + std::to_string(i))); }

MerkleTree tree_of(std::uint64_t count) {
  MerkleTree tree;
  for (std::uint64_t i = 0; i < count; ++i) tree.append(test_leaf(i));
  return tree;
}

// MTH of section 2.1.1, word for word.
TreeHash naive_root(std::uint64_t begin, std::uint64_t end) {
  if (begin == end) return empty_root();
  if (end - begin == 1) return test_leaf(begin);
  std::uint64_t k = 1;
  while (k * 2 < end - begin) k *= 2;
  return node_hash(naive_root(begin, begin + k), naive_root(begin + k, end));
}

TreeHash flip(TreeHash hash, std::size_t bit) {
  hash.array()[bit / 8 % TreeHash::size] ^= static_cast<std::byte>(1U << bit % 8);
  return hash;
}

// The steps that section 2.1.3.2 takes: for each proof node whether it stands left. Two sizes with the same steps cannot be
// told apart by an inclusion proof alone.
std::string inclusion_shape(std::uint64_t index, std::uint64_t size) {
  std::string steps;
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + std::bit_floor(end - begin - 1);
    const bool left = index < middle;
    steps.insert(steps.begin(), left ? 'R' : 'L');
    (left ? end : begin) = middle;
  }
  return steps;
}

// The same for section 2.1.4: what is hashed into both roots ('B') or only into the new one ('N').
std::string consistency_shape(std::uint64_t old_size, std::uint64_t new_size) {
  std::string steps;
  std::uint64_t begin = 0;
  std::uint64_t end = new_size;
  while (old_size != end) {
    const std::uint64_t middle = begin + std::bit_floor(end - begin - 1);
    const bool left = old_size <= middle;
    steps.insert(steps.begin(), left ? 'N' : 'B');
    (left ? end : begin) = middle;
  }
  return (begin == 0 ? "own root " : "node ") + steps;
}

json::Value vectors() {
  return OrDie(json::parse(test::read_text(test::golden("transparency-dev-merkle") / "vectors.json")));
}

Proof proof_of(const json::Value& value) {
  Proof proof;
  for (const auto& text : OrDie(json::strings(value, "proof", 64))) proof.push_back(OrDie(TreeHash::from_hex(text, "node")));
  return proof;
}

TEST(Merkle, GivesThePublishedRootsNodesAndProofs) {
  const json::Value all = vectors();
  const json::Object& object = *all.object();
  const auto leaves = OrDie(json::strings(object.at("leaves"), "leaves", 100));
  const auto roots = OrDie(json::strings(object.at("roots"), "roots", 100));
  ASSERT_EQ(leaves.size(), 8U);
  ASSERT_EQ(roots.size(), 9U);
  MerkleTree tree;
  EXPECT_EQ(tree.root().hex(), roots[0]);
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    EXPECT_EQ(tree.append(leaf_hash(OrDie(hex_decode(leaves[i])))), i);
    EXPECT_EQ(tree.root().hex(), roots[i + 1]);
  }
  const json::Array& levels = *object.at("nodes").array();
  ASSERT_EQ(levels.size(), 4U);
  for (std::size_t level = 0; level + 1 < levels.size(); ++level) {
    const Proof nodes = proof_of(levels[level]);
    const Proof above = proof_of(levels[level + 1]);
    ASSERT_EQ(nodes.size(), 2 * above.size());
    for (std::size_t i = 0; i < above.size(); ++i) EXPECT_EQ(node_hash(nodes[2 * i], nodes[2 * i + 1]), above[i]);
  }
  std::size_t count = 0;
  for (const json::Value& item : *object.at("inclusion").array()) {
    const auto index = static_cast<std::uint64_t>(*item.object()->at("index").integer());
    const auto size = static_cast<std::uint64_t>(*item.object()->at("size").integer());
    const Proof proof = proof_of(item.object()->at("proof"));
    EXPECT_EQ(OrDie(tree.inclusion(index, size)), proof);
    EXPECT_OK(verify_inclusion(OrDie(tree.leaf(index)), index, size, proof, OrDie(TreeHash::from_hex(roots[size], "root"))));
    ++count;
  }
  EXPECT_EQ(count, 5U);
  for (const json::Value& item : *object.at("consistency").array()) {
    const auto old_size = static_cast<std::uint64_t>(*item.object()->at("old_size").integer());
    const auto new_size = static_cast<std::uint64_t>(*item.object()->at("new_size").integer());
    const Proof proof = proof_of(item.object()->at("proof"));
    EXPECT_EQ(OrDie(tree.consistency(old_size, new_size)), proof);
    EXPECT_OK(verify_consistency(old_size, OrDie(TreeHash::from_hex(roots[old_size], "root")), new_size,
                                 OrDie(TreeHash::from_hex(roots[new_size], "root")), proof));
    ++count;
  }
  EXPECT_EQ(count, 10U);
}

TEST(Merkle, TreeFrontierAndDefinitionAgreeAtEverySize) {
  const MerkleTree whole = tree_of(kMost);
  MerkleTree tree;
  Frontier frontier;
  for (std::uint64_t size = 0; size <= kMost; ++size) {
    const TreeHash root = naive_root(0, size);
    EXPECT_EQ(tree.root(), root);
    EXPECT_EQ(frontier.root(), root);
    EXPECT_EQ(OrDie(whole.root_at(size)), root);
    EXPECT_EQ(frontier.peaks().size(), static_cast<std::size_t>(std::popcount(size)));
    frontier = OrDie(Frontier::restore(frontier.size(), frontier.peaks()));
    tree.append(test_leaf(size));
    frontier.append(test_leaf(size));
  }
}

TEST(Merkle, EveryInclusionProofUpTo130VerifiesAndADamagedOneDoesNot) {
  std::mt19937_64 random(20260101);
  const MerkleTree tree = tree_of(kMost);
  for (std::uint64_t size = 1; size <= kMost; size += test::stride(2)) {
    const TreeHash root = OrDie(tree.root_at(size));
    for (std::uint64_t index = 0; index < size; index += test::stride(3)) {
      const Proof proof = OrDie(tree.inclusion(index, size));
      const TreeHash leaf = test_leaf(index);
      EXPECT_OK(verify_inclusion(leaf, index, size, proof, root));
      EXPECT_ERROR(verify_inclusion(flip(leaf, random() % 256), index, size, proof, root), Code::log_proof, "root");
      EXPECT_ERROR(verify_inclusion(leaf, index, size, proof, flip(root, random() % 256)), Code::log_proof, "root");
      for (std::size_t i = 0; i < proof.size(); ++i) {
        Proof bad = proof;
        bad[i] = flip(bad[i], random() % 256);
        EXPECT_ERROR(verify_inclusion(leaf, index, size, bad, root), Code::log_proof, "root");
        bad.erase(bad.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_ERROR(verify_inclusion(leaf, index, size, bad, root), Code::log_proof, "inclusion proof");
        bad.insert(bad.begin() + static_cast<std::ptrdiff_t>(i), 2, proof[i]);
        EXPECT_ERROR(verify_inclusion(leaf, index, size, bad, root), Code::log_proof, "inclusion proof");
      }
      for (const TreeHash& extra : {root, leaf, empty_root()}) {
        Proof longer = proof;
        longer.push_back(extra);
        EXPECT_ERROR(verify_inclusion(leaf, index, size, longer, root), Code::log_proof, "trailing nodes");
      }
      for (unsigned bit = 0; bit < 64; ++bit) {
        const std::uint64_t other = index ^ (std::uint64_t{1} << bit);
        EXPECT_ERROR(verify_inclusion(leaf, other, size, proof, root), Code::log_proof, "inclusion proof");
        const std::uint64_t other_size = size ^ (std::uint64_t{1} << bit);
        const bool same = other_size > index && inclusion_shape(index, other_size) == inclusion_shape(index, size);
        EXPECT_EQ(verify_inclusion(leaf, index, other_size, proof, root).ok(), same) << index << " " << size << " " << bit;
      }
    }
  }
}

TEST(Merkle, EveryConsistencyProofUpTo130VerifiesAndADamagedOneDoesNot) {
  std::mt19937_64 random(20260102);
  const MerkleTree tree = tree_of(kMost);
  for (std::uint64_t n = 0; n <= kMost; n += test::stride(2)) {
    const TreeHash new_root = OrDie(tree.root_at(n));
    for (std::uint64_t m = 0; m <= n; m += test::stride(3)) {
      const TreeHash old_root = OrDie(tree.root_at(m));
      const Proof proof = OrDie(tree.consistency(m, n));
      EXPECT_OK(verify_consistency(m, old_root, n, new_root, proof));
      EXPECT_EQ(proof.empty(), m == 0 || m == n);
      Proof longer = proof;
      longer.push_back(new_root);
      EXPECT_ERROR(verify_consistency(m, old_root, n, new_root, longer), Code::log_proof, "consistency proof");
      longer = proof;
      longer.insert(longer.begin(), old_root);
      EXPECT_ERROR(verify_consistency(m, old_root, n, new_root, longer), Code::log_proof, "consistency proof");
      EXPECT_ERROR(verify_consistency(m, flip(old_root, random() % 256), n, new_root, proof), Code::log_proof, "proof");
      if (m == 0 && n != 0) continue;  // nothing is claimed about the new root
      EXPECT_ERROR(verify_consistency(m, old_root, n, flip(new_root, random() % 256), proof), Code::log_proof, "proof");
      if (m == n) continue;
      EXPECT_ERROR(verify_consistency(n, new_root, m, old_root, proof), Code::log_proof, "above new size");
      EXPECT_ERROR(verify_consistency(m, new_root, n, old_root, proof), Code::log_proof, "consistency proof");
      EXPECT_ERROR(verify_consistency(m, old_root, n, new_root, {}), Code::log_proof, "empty");
      for (std::size_t i = 0; i < proof.size(); ++i) {
        Proof bad = proof;
        bad[i] = flip(bad[i], random() % 256);
        EXPECT_ERROR(verify_consistency(m, old_root, n, new_root, bad), Code::log_proof, "root");
        bad.erase(bad.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_ERROR(verify_consistency(m, old_root, n, new_root, bad), Code::log_proof, "consistency proof");
      }
      for (unsigned bit = 0; bit < 64; ++bit) {
        const std::uint64_t mask = std::uint64_t{1} << bit;
        const auto accepted = [&](std::uint64_t from, std::uint64_t to) {
          return verify_consistency(from, old_root, to, new_root, proof).ok();
        };
        const auto same = [&](std::uint64_t from, std::uint64_t to) {
          return from != 0 && from < to && consistency_shape(from, to) == consistency_shape(m, n);
        };
        EXPECT_EQ(accepted(m ^ mask, n), same(m ^ mask, n)) << m << " " << n << " " << bit;
        EXPECT_EQ(accepted(m, n ^ mask), same(m, n ^ mask)) << m << " " << n << " " << bit;
      }
    }
  }
}

TEST(Merkle, EverySingleBitOfProofAndRootsCounts) {
  const MerkleTree tree = tree_of(13);
  const TreeHash root = tree.root();
  const TreeHash old_root = OrDie(tree.root_at(7));
  const Proof inclusion = OrDie(tree.inclusion(6, 13));
  const Proof consistency = OrDie(tree.consistency(7, 13));
  ASSERT_OK(verify_inclusion(test_leaf(6), 6, 13, inclusion, root));
  ASSERT_OK(verify_consistency(7, old_root, 13, root, consistency));
  for (std::size_t bit = 0; bit < 256; ++bit) {
    EXPECT_ERROR(verify_inclusion(test_leaf(6), 6, 13, inclusion, flip(root, bit)), Code::log_proof, "root");
    EXPECT_ERROR(verify_inclusion(flip(test_leaf(6), bit), 6, 13, inclusion, root), Code::log_proof, "root");
    EXPECT_ERROR(verify_consistency(7, flip(old_root, bit), 13, root, consistency), Code::log_proof, "old root");
    EXPECT_ERROR(verify_consistency(7, old_root, 13, flip(root, bit), consistency), Code::log_proof, "new root");
    for (std::size_t i = 0; i < inclusion.size(); ++i) {
      Proof bad = inclusion;
      bad[i] = flip(bad[i], bit);
      EXPECT_ERROR(verify_inclusion(test_leaf(6), 6, 13, bad, root), Code::log_proof, "root");
    }
    for (std::size_t i = 0; i < consistency.size(); ++i) {
      Proof bad = consistency;
      bad[i] = flip(bad[i], bit);
      EXPECT_ERROR(verify_consistency(7, old_root, 13, root, bad), Code::log_proof, "root");
    }
  }
}

TEST(Merkle, RefusesANodeShownAsALeafAndALeafShownAsANode) {
  // Without the prefixes an inner node would pass as a leaf of a smaller tree (RFC 9162 section 2.1.1).
  const MerkleTree tree = tree_of(4);
  const Proof proof = OrDie(tree.inclusion(0, 4));
  EXPECT_ERROR(verify_inclusion(leaf_hash(proof[0].view()), 0, 4, proof, tree.root()), Code::log_proof, "root");
  Bytes both = to_bytes(test_leaf(0).view());
  append(both, test_leaf(1).view());
  EXPECT_NE(leaf_hash(both), node_hash(test_leaf(0), test_leaf(1)));
}

TEST(Merkle, RefusesWhatIsOutsideTheTree) {
  const MerkleTree tree = tree_of(5);
  EXPECT_ERROR(tree.inclusion(5, 5), Code::not_found, "leaf 5 of 5");
  EXPECT_ERROR(tree.inclusion(0, 6), Code::not_found, "leaf 0 of 6");
  EXPECT_ERROR(tree.consistency(3, 6), Code::not_found, "3 of 6");
  EXPECT_ERROR(tree.consistency(4, 3), Code::not_found, "4 of 3");
  EXPECT_ERROR(tree.root_at(6), Code::not_found, "5 leaves");
  EXPECT_ERROR(tree.leaf(5), Code::not_found, "leaf 5 of 5");
  EXPECT_ERROR(verify_inclusion(test_leaf(0), 0, 0, {}, empty_root()), Code::log_proof, "outside the tree");
  EXPECT_ERROR(verify_inclusion(test_leaf(0), 9, 9, {}, tree.root()), Code::log_proof, "outside the tree");
  EXPECT_ERROR(verify_consistency(0, tree.root(), 5, tree.root(), {}), Code::log_proof, "empty one");
  EXPECT_ERROR(verify_consistency(0, empty_root(), 0, tree.root(), {}), Code::log_proof, "empty one");
  EXPECT_ERROR(Frontier::restore(5, {empty_root()}), Code::malformed, "expected 2 peaks, found 1");
}

TEST(Merkle, BoundsTheProofAndSurvivesTheLargestSizes) {
  constexpr std::uint64_t kHuge = ~std::uint64_t{0};
  const Proof longest(kMaxProofCount + 1, empty_root());
  EXPECT_ERROR(verify_inclusion(empty_root(), 0, kHuge, longest, empty_root()), Code::log_proof, "above the limit");
  EXPECT_ERROR(verify_consistency(1, empty_root(), kHuge, empty_root(), longest), Code::log_proof, "above the limit");
  // With 64 nodes the path of leaf 0 is complete, and only the root is wrong; with 63 it is too short.
  EXPECT_ERROR(verify_inclusion(empty_root(), 0, kHuge, Proof(64, empty_root()), empty_root()), Code::log_proof, "expected root");
  EXPECT_ERROR(verify_inclusion(empty_root(), 0, kHuge, Proof(63, empty_root()), empty_root()), Code::log_proof, "too short");
  EXPECT_ERROR(verify_inclusion(empty_root(), kHuge - 1, kHuge, Proof(65, empty_root()), empty_root()), Code::log_proof, "trailing");
  EXPECT_ERROR(verify_consistency(kHuge - 2, empty_root(), kHuge, empty_root(), Proof(65, empty_root())), Code::log_proof, "expected old root");
}

}  // namespace
}  // namespace redoubt::receipt
