// The file that shows a hand-over, and what must be true of it.
#include "common/jobs/cleanroom/contract_change.h"
#include "common/receipt/note.h"
#include "common/receipt/proof_json.h"

namespace redoubt::jobs {
namespace {

constexpr std::size_t kMaxContractText = 256 * 1024;

json::Value write_extension(const receipt::EarlierHead& head) {
  return json::Object{{"proof", receipt::proof_to_json(head.proof)}, {"root", head.root.hex()}, {"size", std::to_string(head.size)}};
}

Result<receipt::EarlierHead> read_extension(const json::Value& value) {
  json::ObjectReader reader(value, "extends");
  receipt::EarlierHead head;
  head.size = reader.counter("size");
  head.root = reader.hex<receipt::TreeHash>("root");
  const json::Array& proof = reader.array("proof", receipt::kMaxProofCount);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(head.proof, receipt::proof_from_json(proof, "extends"));
  return head;
}

template <class D>
Status expect_same(std::string_view what, const D& expected, const D& found) {
  if (expected == found) return {};
  return Error(Code::binding, std::string(what) + ": expected " + expected.hex() + ", found " + found.hex());
}

// ChangeContext: what each ballot of a hand-over is held against.
struct ChangeContext {
  const Contract& old;
  const ContractChange& change;
  const HandOver& hand_over;
  const std::vector<receipt::EarlierHead>& extends;
};

Result<Vote> check_change_vote(const SignedDocument& document, const ChangeContext& context) {
  REDOUBT_TRY(const ChangeBallot ballot, ChangeBallot::parse(document.text));
  const std::string name = "change ballot of " + ballot.voter;
  const Participant* voter = context.old.find(ballot.voter);
  if (voter == nullptr || !voter->votes) return Error(Code::auth, name + ": no vote in the old contract");
  REDOUBT_CHECK(verify_document(kChangeBallotType, document, voter->signing_key).context(name));
  REDOUBT_CHECK(expect_same(name + ": contract", context.hand_over.contract, ballot.contract));
  REDOUBT_CHECK(expect_same(name + ": instance", context.hand_over.instance, ballot.instance));
  REDOUBT_CHECK(expect_same(name + ": change", context.hand_over.change, ballot.change));
  REDOUBT_CHECK(expect_same(name + ": next contract", context.hand_over.next, ballot.next));
  for (const receipt::EarlierHead& head : context.extends) {
    if (head.size != ballot.head.size || head.root != ballot.head.root) continue;
    REDOUBT_CHECK(receipt::verify_consistency(head.size, head.root, context.hand_over.head.size, context.hand_over.head.root, head.proof).context(name));
    return ballot.vote();
  }
  return Error(Code::log_proof, name + ": no proof that the log extends the head it names");
}

// check_place: the old identity signed the hand-over, and its log has it just behind the head that it names.
Status check_place(const HandOverFile& file, const HandOver& hand_over, const crypto::Ed25519PublicKey& key) {
  REDOUBT_CHECK(verify_document(kHandOverType, file.hand_over, key).context("hand-over"));
  REDOUBT_TRY(const auto checkpoint, receipt::Checkpoint::verify(file.checkpoint, receipt::log_origin(hand_over.instance), key).context("hand-over: checkpoint"));
  const receipt::LogEntry entry{std::string(kHandOverEntry), crypto::Sha256Digest(hand_over.digest().array())};
  const receipt::TreeHead& head = checkpoint.head();
  return receipt::verify_inclusion(entry.hash(), hand_over.head.size, head.size, file.inclusion, head.root).context("hand-over: its place in the log");
}

}  // namespace

std::string HandOverFile::json() const {
  json::Array votes;
  for (const SignedDocument& ballot : ballots) votes.push_back(ballot.to_json());
  json::Array heads;
  for (const receipt::EarlierHead& head : extends) heads.push_back(write_extension(head));
  return json::canonical(json::Object{{"ballots", std::move(votes)},
                                      {"change", change.to_json()},
                                      {"checkpoint", checkpoint},
                                      {"extends", std::move(heads)},
                                      {"hand_over", hand_over.to_json()},
                                      {"inclusion", receipt::proof_to_json(inclusion)},
                                      {"old_contract", old_contract},
                                      {"type", kHandOverFileType}});
}

Result<HandOverFile> HandOverFile::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse(text, {.max_bytes = kMaxBytes, .max_depth = 4}).context("hand-over file"));
  json::ObjectReader reader(value, "hand-over file");
  HandOverFile file;
  reader.expect("type", kHandOverFileType);
  const json::Array& votes = reader.array("ballots", Contract::kMaxParticipants);
  const json::Value& change = reader.object("change");
  file.checkpoint = reader.nonempty("checkpoint", receipt::kMaxNoteSize);
  const json::Array& heads = reader.array("extends", Contract::kMaxParticipants);
  const json::Value& hand_over = reader.object("hand_over");
  const json::Array& inclusion = reader.array("inclusion", receipt::kMaxProofCount);
  file.old_contract = reader.nonempty("old_contract", kMaxContractText);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(file.change, SignedDocument::from_json(change, ContractChange::kMaxBytes).context("hand-over file: change"));
  REDOUBT_TRY(file.hand_over, SignedDocument::from_json(hand_over, HandOver::kMaxBytes).context("hand-over file"));
  for (const json::Value& item : votes) {
    REDOUBT_TRY(file.ballots.emplace_back(), SignedDocument::from_json(item, ChangeBallot::kMaxBytes).context("hand-over file: ballot"));
  }
  for (const json::Value& item : heads) {
    REDOUBT_TRY(file.extends.emplace_back(), read_extension(item).context("hand-over file"));
  }
  REDOUBT_TRY(file.inclusion, receipt::proof_from_json(inclusion, "hand-over file: inclusion"));
  return file;
}

Verdict decide_change(const Contract& old, const ContractChange& change, std::span<const Vote> votes, const Moment& moment) {
  Subject subject{change.proposer, {}, change.expires};
  for (const Participant& participant : old.participants) {
    if (participant.votes) subject.owners.push_back(participant.name);
  }
  return decide(old, subject, votes, moment);
}

Result<VerifiedHandOver> verify_hand_over(const HandOverFile& file, const Contract& old, const std::optional<crypto::Ed25519PublicKey>& old_receipt_key) {
  const ContractDigest digest = old.digest();
  if (file.old_contract != old.canonical()) return Error(Code::binding, "hand-over: from another contract than the one that is held, " + digest.hex());
  REDOUBT_TRY(const ContractChange change, ContractChange::parse(file.change.text));
  const Participant* proposer = old.find(change.proposer);
  if (proposer == nullptr) return Error(Code::auth, "contract change: \"" + change.proposer + "\" is not in the old contract");
  REDOUBT_CHECK(verify_document(kContractChangeType, file.change, proposer->signing_key).context("contract change"));
  REDOUBT_TRY(Contract next, Contract::parse(change.next));
  REDOUBT_CHECK(check_successor(old, next));
  REDOUBT_TRY(HandOver hand_over, HandOver::parse(file.hand_over.text));
  REDOUBT_CHECK(expect_same("hand-over: contract", digest, hand_over.contract));
  REDOUBT_CHECK(expect_same("contract change: contract", digest, change.contract));
  REDOUBT_CHECK(expect_same("contract change: instance", hand_over.instance, change.instance));
  REDOUBT_CHECK(expect_same("hand-over: change", change.digest(), hand_over.change));
  REDOUBT_CHECK(expect_same("hand-over: next contract", next.digest(), hand_over.next));

  const ChangeContext context{old, change, hand_over, file.extends};
  std::vector<Vote> votes;
  std::vector<receipt::ApprovalDigest> counted;
  for (const SignedDocument& ballot : file.ballots) {
    REDOUBT_TRY(votes.emplace_back(), check_change_vote(ballot, context));
    counted.push_back(receipt::approval_digest(ballot.encode()));
  }
  std::ranges::sort(counted);
  if (counted != hand_over.ballots) return Error(Code::binding, "hand-over: the " + std::to_string(counted.size()) + " ballots in the file are not the " + std::to_string(hand_over.ballots.size()) + " that it counts");
  Verdict verdict = decide_change(old, change, votes, {hand_over.time, hand_over.head.size});
  if (!verdict.met()) return Error(Code::refused, "hand-over: " + verdict.reason);
  if (old_receipt_key) REDOUBT_CHECK(check_place(file, hand_over, *old_receipt_key));
  return VerifiedHandOver{std::move(next), std::move(hand_over), std::move(verdict)};
}

}  // namespace redoubt::jobs
