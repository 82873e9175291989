// Goal: a log that was forked at two sizes is proved by two signed heads and a few hashes, and by nothing less. Method: two logs that
// part after the third entry; then each part of the proof changed, each byte flipped, and two heads of one honest log.
#include "common/receipt/divergence.h"

#include <gtest/gtest.h>

#include "common/receipt/log.h"
#include "tests/support/expect.h"

namespace redoubt::receipt {
namespace {

class DivergenceTest : public testing::Test {
 protected:
  static crypto::Ed25519PrivateKey a_key(std::uint8_t fill) {
    return OrDie(crypto::Ed25519PrivateKey::from_seed(SecretBytes::copy_of(Bytes(32, std::byte{fill}))));
  }
  static Log log_of(const std::string& kinds) {
    Log log((InstanceId()));
    for (const char kind : kinds) log.append({std::string(1, kind), crypto::Sha256Digest()});
    return log;
  }
  Checkpoint head(const Log& log) const { return log.checkpoint(key); }
  // between: what the entries of `larger` show about the two heads.
  Result<std::optional<std::string>> between(const Log& smaller, const Log& larger) const {
    return fork_between(head(smaller), head(larger), larger.tree());
  }
  const crypto::Ed25519PrivateKey key = a_key(7);
};

TEST_F(DivergenceTest, ProvesAForkAtEveryPairOfSizes) {
  const std::string one = "abcdefgh";
  const std::string other = "abcxyzuv";
  for (std::size_t small = 1; small <= one.size(); ++small) {
    for (std::size_t large = small; large <= other.size(); ++large) {
      const auto proof = OrDie(between(log_of(one.substr(0, small)), log_of(other.substr(0, large))));
      EXPECT_EQ(proof.has_value(), small > 3) << small << " " << large;  // the first three entries are the same
      if (!proof) continue;
      if (small == large) {
        EXPECT_EQ(OrDie(ForkProof::verify(*proof, key.public_key())).json(), *proof);
      } else {
        const Divergence again = OrDie(Divergence::verify(*proof, key.public_key()));
        EXPECT_EQ(again.json(), *proof);
        EXPECT_EQ(again.first().head().size, small);
        EXPECT_EQ(again.second().head().size, large);
      }
    }
  }
}

TEST_F(DivergenceTest, HonestHeadsCannotBeAccused) {
  const Log log = log_of("abcdefgh");
  const Log before = log_of("abcde");
  EXPECT_EQ(OrDie(between(before, log)), std::nullopt);
  const Proof proof = OrDie(log.tree().consistency(5, 8));
  EXPECT_ERROR(Divergence::of(head(before), head(log), before.tree().root(), proof), Code::log_proof, "is a prefix of the second");
  const TreeHash invented = leaf_hash(as_bytes("invented"));
  EXPECT_ERROR(Divergence::of(head(before), head(log), invented, proof), Code::log_proof, "not a fork");
  EXPECT_ERROR(Divergence::of(head(before), head(log), invented, {}), Code::log_proof, "not a fork");
  EXPECT_ERROR(Divergence::of(head(log), head(before), invented, proof), Code::log_proof, "not the smaller one");
  EXPECT_ERROR(Divergence::of(head(log_of("")), head(log), invented, {}), Code::log_proof, "not the smaller one");
}

TEST_F(DivergenceTest, TwoKeysOrTwoLogsAreNoFork) {
  const Log log = log_of("abcdefgh");
  const Log other = log_of("abcxy");
  const Proof proof = OrDie(log.tree().consistency(5, 8));
  const TreeHash prefix = OrDie(log.tree().root_at(5));
  EXPECT_OK(Divergence::of(head(other), head(log), prefix, proof));
  EXPECT_ERROR(Divergence::of(other.checkpoint(a_key(8)), head(log), prefix, proof), Code::log_proof, "two keys");
  InstanceId instance;
  instance.array().fill(std::byte{1});
  Log elsewhere(instance);
  for (int i = 0; i < 5; ++i) elsewhere.append({"x", crypto::Sha256Digest()});
  EXPECT_ERROR(Divergence::of(head(elsewhere), head(log), prefix, proof), Code::log_proof, "two logs");
}

TEST_F(DivergenceTest, EveryChangeOfAProofIsRefused) {
  const std::string json = *OrDie(between(log_of("abcxy"), log_of("abcdefgh")));
  ASSERT_OK(Divergence::verify(json, key.public_key()));
  EXPECT_ERROR(Divergence::verify(json, a_key(8).public_key()), Code::chain, "no signature");
  for (std::size_t i = 0; i < json.size(); ++i) {
    std::string bad = json;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(Divergence::verify(bad, key.public_key()).ok()) << "byte " << i;
    EXPECT_FALSE(Divergence::verify(json.substr(0, i), key.public_key()).ok()) << "cut at " << i;
  }
  EXPECT_ERROR(Divergence::verify("{}", key.public_key()), Code::malformed, "absent");
}

TEST_F(DivergenceTest, EntriesThatAreNotThoseOfTheHeadProveNothing) {
  const Log log = log_of("abcdefgh");
  EXPECT_ERROR(fork_between(head(log_of("abcxy")), head(log), log_of("abcdefgx").tree()), Code::log_proof, "do not give the root");
  EXPECT_ERROR(fork_between(head(log_of("abcxy")), head(log), log_of("abc").tree()), Code::not_found, "");
}

}  // namespace
}  // namespace redoubt::receipt
