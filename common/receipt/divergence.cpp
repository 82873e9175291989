#include "common/receipt/divergence.h"

#include "common/base/json.h"
#include "common/receipt/note.h"
#include "common/receipt/proof_json.h"

namespace redoubt::receipt {
namespace {

constexpr std::string_view kDivergenceType = "redoubt/divergence/1";
constexpr std::size_t kMaxDivergence = 5 * kMaxNoteSize;

Error no_divergence(std::string_view why) { return Error(Code::log_proof, "not a fork: " + std::string(why)); }

}  // namespace

Result<Divergence> Divergence::of(const Checkpoint& first, const Checkpoint& second, const TreeHash& prefix, const Proof& proof) {
  if (first.key() != second.key()) return no_divergence("the checkpoints are signed by two keys");
  if (first.head().origin != second.head().origin) return no_divergence("the checkpoints are of two logs");
  if (first.head().size == 0 || first.head().size >= second.head().size) return no_divergence("the first checkpoint is not the smaller one");
  if (first.head().root == prefix) return no_divergence("the first checkpoint is a prefix of the second");
  REDOUBT_CHECK(verify_consistency(first.head().size, prefix, second.head().size, second.head().root, proof).context("not a fork"));
  return Divergence(first, second, prefix, proof);
}

Result<Divergence> Divergence::verify(std::string_view text, const crypto::Ed25519PublicKey& key) {
  REDOUBT_TRY(const json::Value value, json::parse_signed(text, {.max_bytes = kMaxDivergence, .max_depth = 2}).context("divergence"));
  json::ObjectReader reader(value, "divergence");
  reader.expect("type", kDivergenceType);
  const std::string first_note = reader.nonempty("first", kMaxNoteSize);
  const std::string second_note = reader.nonempty("second", kMaxNoteSize);
  const auto prefix = reader.hex<TreeHash>("prefix");
  const json::Array& hashes = reader.array("proof", kMaxProofCount);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(const Proof proof, proof_from_json(hashes, "divergence: proof"));
  // The origin is whatever the key signed: a fork of any log under this key is a fork.
  REDOUBT_TRY(const UnverifiedNote unverified, UnverifiedNote::parse(first_note).context("divergence"));
  const std::string origin = unverified.text.substr(0, unverified.text.find('\n'));
  REDOUBT_TRY(const Checkpoint first, Checkpoint::verify(first_note, origin, key).context("divergence: first"));
  REDOUBT_TRY(const Checkpoint second, Checkpoint::verify(second_note, origin, key).context("divergence: second"));
  return of(first, second, prefix, proof);
}

std::string Divergence::json() const {
  return json::canonical(json::Object{{"first", first_.note()},
                                      {"prefix", prefix_.hex()},
                                      {"proof", proof_to_json(proof_)},
                                      {"second", second_.note()},
                                      {"type", kDivergenceType}});
}

Result<std::optional<std::string>> fork_between(const Checkpoint& smaller, const Checkpoint& larger, const MerkleTree& log) {
  REDOUBT_TRY(const TreeHash whole, log.root_at(larger.head().size));
  if (whole != larger.head().root) return Error(Code::log_proof, "the entries do not give the root of " + std::to_string(larger.head().size) + " that was signed");
  REDOUBT_TRY(const TreeHash prefix, log.root_at(smaller.head().size));
  if (prefix == smaller.head().root) return std::optional<std::string>();
  if (smaller.head().size == larger.head().size) {
    REDOUBT_TRY(const ForkProof fork, ForkProof::of(smaller, larger));
    return std::optional(fork.json());
  }
  REDOUBT_TRY(const Proof proof, log.consistency(smaller.head().size, larger.head().size));
  REDOUBT_TRY(const Divergence divergence, Divergence::of(smaller, larger, prefix, proof));
  return std::optional(divergence.json());
}

}  // namespace redoubt::receipt
