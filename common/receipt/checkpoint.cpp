#include "common/receipt/checkpoint.h"

#include <charconv>

#include "common/base/json.h"
#include "common/receipt/note.h"

namespace redoubt::receipt {
namespace {

constexpr std::string_view kForkType = "redoubt/fork/1";

Error malformed_checkpoint(std::string message) { return Error(Code::malformed, "checkpoint: " + std::move(message)); }

// line takes the text before the next newline; `rest` goes behind it.
Result<std::string_view> line(std::string_view& rest, std::string_view what) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return malformed_checkpoint("no line for the " + std::string(what));
  const std::string_view out = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return out;
}

}  // namespace

std::string log_origin(const InstanceId& instance) { return "redoubt/" + instance.hex(); }

std::string TreeHead::text() const {
  return origin + "\n" + std::to_string(size) + "\n" + base64_encode(root.view()) + "\n";
}

Result<TreeHead> TreeHead::parse(std::string_view text) {
  TreeHead head;
  REDOUBT_TRY(const std::string_view origin, line(text, "origin"));
  REDOUBT_TRY(const std::string_view size, line(text, "size"));
  REDOUBT_TRY(const std::string_view root, line(text, "root"));
  if (!text.empty()) return malformed_checkpoint("extension lines are not accepted");
  if (origin.empty()) return malformed_checkpoint("empty origin");
  head.origin = origin;
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), head.size);
  if (error != std::errc() || end != size.data() + size.size() || std::to_string(head.size) != size) {
    return malformed_checkpoint("size: expected a decimal number without leading zeros");
  }
  REDOUBT_TRY(const Bytes bytes, base64_decode(root).context("checkpoint: root"));
  REDOUBT_TRY(head.root, TreeHash::from(bytes, "checkpoint: root"));
  if (head.size == 0 && head.root != empty_root()) {
    return Error(Code::log_proof, "checkpoint: size 0 with a root that is not the empty one");
  }
  return head;
}

Result<Checkpoint> Checkpoint::sign(TreeHead head, const crypto::Ed25519PrivateKey& key) {
  REDOUBT_TRY(std::string note, sign_note(head.text(), head.origin, key).context("signing checkpoint"));
  return Checkpoint(std::move(head), std::move(note), key.public_key());
}

Result<Checkpoint> Checkpoint::verify(std::string_view note, std::string_view origin,
                                      const crypto::Ed25519PublicKey& key) {
  REDOUBT_TRY(const UnverifiedNote unverified, UnverifiedNote::parse(note).context("checkpoint"));
  REDOUBT_CHECK(verify_note(unverified, origin, key).context("checkpoint"));
  REDOUBT_TRY(TreeHead head, TreeHead::parse(unverified.text));
  if (head.origin != origin) {
    return Error(Code::log_proof, "checkpoint: expected origin " + std::string(origin) + ", found " + head.origin);
  }
  return Checkpoint(std::move(head), std::string(note), key);
}

Status extends(const TreeHead& older, const TreeHead& newer, const Proof& proof) {
  if (older.origin != newer.origin) {
    return Error(Code::log_proof, "checkpoints of two logs: " + older.origin + " and " + newer.origin);
  }
  return verify_consistency(older.size, older.root, newer.size, newer.root, proof);
}

Result<ForkProof> ForkProof::of(const Checkpoint& first, const Checkpoint& second) {
  const auto not_a_fork = [](std::string_view why) { return Error(Code::log_proof, "not a fork: " + std::string(why)); };
  if (first.key() != second.key()) return not_a_fork("the checkpoints are signed by two keys");
  if (first.head().origin != second.head().origin) return not_a_fork("the checkpoints are of two logs");
  if (first.head().size != second.head().size) return not_a_fork("the checkpoints have two sizes");
  if (first.head().root == second.head().root) return not_a_fork("the checkpoints have one root");
  return ForkProof(first, second);
}

Result<ForkProof> ForkProof::verify(std::string_view text, const crypto::Ed25519PublicKey& key) {
  REDOUBT_TRY(const json::Value value, json::parse_signed(text, {.max_bytes = 4 * kMaxNoteSize, .max_depth = 2}).context("fork proof"));
  json::ObjectReader reader(value, "fork proof");
  reader.expect("type", kForkType);
  const std::string first_note = reader.nonempty("first", kMaxNoteSize);
  const std::string second_note = reader.nonempty("second", kMaxNoteSize);
  REDOUBT_CHECK(reader.finish());
  // The origin is whatever the key signed: a fork of any log under this key is a fork.
  REDOUBT_TRY(const UnverifiedNote unverified, UnverifiedNote::parse(first_note).context("fork proof"));
  const std::string origin = unverified.text.substr(0, unverified.text.find('\n'));
  REDOUBT_TRY(const Checkpoint first, Checkpoint::verify(first_note, origin, key).context("fork proof: first"));
  REDOUBT_TRY(const Checkpoint second, Checkpoint::verify(second_note, origin, key).context("fork proof: second"));
  return of(first, second);
}

std::string ForkProof::json() const {
  return json::canonical(json::Object{{"type", kForkType}, {"first", first_.note()}, {"second", second_.note()}});
}

}  // namespace redoubt::receipt
