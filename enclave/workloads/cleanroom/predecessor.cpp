#include "enclave/workloads/cleanroom/predecessor.h"

#include "common/receipt/note.h"

namespace redoubt::cleanroom {
namespace {

// check_head: the logs end in the head that the host named at start.
Status check_head(const receipt::TreeHead& expected, const jobs::CarriedLogs& logs) {
  const receipt::TreeHead found = logs.log(logs.count() - 1).head();
  if (found.origin != expected.origin) {
    return Error(Code::binding, "old logs: expected the last of " + expected.origin + ", found " + found.origin);
  }
  if (found.size != expected.size) {
    return Error(Code::log_proof, "old logs: expected " + std::to_string(expected.size) + " entries in the last, found " +
                                      std::to_string(found.size));
  }
  if (found.root != expected.root) {
    return Error(Code::log_proof, "old logs: expected root " + expected.root.hex() + " of the last, found " + found.root.hex());
  }
  return {};
}

Status check_note(const receipt::TreeHead& expected, std::string_view untrusted_checkpoint) {
  REDOUBT_TRY(const auto note, receipt::UnverifiedNote::parse(untrusted_checkpoint).context("old checkpoint"));
  REDOUBT_TRY(const auto head, receipt::TreeHead::parse(note.text).context("old checkpoint"));
  if (head == expected) return {};
  return Error(Code::log_proof, "old checkpoint: expected " + std::to_string(expected.size) + " entries of " + expected.origin +
                                    ", found " + std::to_string(head.size) + " of " + head.origin);
}

}  // namespace

Predecessor::Predecessor(const jobs::Contract& contract, const InstanceId& instance, std::optional<receipt::TreeHead> head)
    : contract_(contract), instance_(instance), head_(std::move(head)) {}

Status Predecessor::offer(const std::vector<jobs::OldLog>& untrusted_logs, std::string untrusted_checkpoint) {
  if (!head_) return Error(Code::not_found, "old logs: this instance was started without a head to go on from");
  REDOUBT_TRY(jobs::CarriedLogs logs, jobs::CarriedLogs::build(contract_.digest(), untrusted_logs));
  REDOUBT_CHECK(check_head(*head_, logs));
  REDOUBT_CHECK(check_note(*head_, untrusted_checkpoint));
  const jobs::CarryOver statement = logs.statement(instance_);
  // The last root fixes all logs, so a second offer can only be the first one again; its checkpoint may differ in the signature.
  if (logs_) return jobs::check_carry_over(*statement_, statement);
  REDOUBT_TRY(statement_, jobs::CarryOver::parse(statement.canonical()));
  checkpoint_ = std::move(untrusted_checkpoint);
  logs_ = std::move(logs);
  return {};
}

Result<bool> Predecessor::sign(const jobs::Participant& participant, const jobs::SignedDocument& document) {
  if (!statement_) return Error(Code::not_found, "carry-over: the host has handed over no old logs");
  REDOUBT_CHECK(jobs::verify_document(jobs::kCarryOverType, document, participant.signing_key));
  REDOUBT_TRY(const auto statement, jobs::CarryOver::parse(document.text));
  REDOUBT_CHECK(jobs::check_carry_over(*statement_, statement));
  return signatures_.emplace(participant.name, document.signature).second;
}

std::vector<std::string> Predecessor::missing() const {
  std::vector<std::string> out;
  for (const jobs::Participant& participant : contract_.participants) {
    if (!signatures_.contains(participant.name)) out.push_back(participant.name);
  }
  return out;
}

Result<Origin> Predecessor::origin(const InstanceId& old) const {
  const auto position = logs_ ? logs_->find(old) : std::nullopt;
  if (!position) {
    return Error(Code::binding, "expected instance " + instance_.hex() + ", or one that it goes on from, found " + old.hex());
  }
  if (const auto names = missing(); !names.empty()) {
    return Error(Code::unavailable, "the log of instance " + old.hex() + " is not carried over yet: \"" + names.front() + "\" has not signed it");
  }
  return Origin{logs_->log(*position), logs_->entries_after(*position), position};
}

Result<std::uint64_t> Predecessor::reserved(const Origin& origin, const jobs::ProposalDigest& proposal) const {
  if (!origin.position) return Error(Code::internal, "an own proposal was looked up in old logs");
  if (logs_->has_run(proposal)) return Error(Code::refused, "proposal: it was run before the restart");
  const auto index = logs_->reservation(*origin.position, proposal);
  if (!index) return Error(Code::log_proof, "proposal: the log of the instance that it names has no reservation of it");
  return *index;
}

Result<receipt::CarriedProof> Predecessor::proof(std::size_t position, const std::vector<jobs::LogHead>& heads) const {
  if (!complete()) return Error(Code::internal, "a carry-over that is not complete");
  receipt::CarriedProof out;
  out.statement = statement_->canonical();
  for (const auto& [name, signature] : signatures_) {
    out.signatures.push_back(json::canonical(json::Object{{"participant", name}, {"signature", signature.hex()}}));
  }
  const receipt::Log& log = logs_->log(position);
  for (const jobs::LogHead& head : heads) {
    REDOUBT_TRY(auto path, log.tree().consistency(head.size, log.size()));
    out.heads.push_back({log.instance(), {head.size, head.root, std::move(path)}});
  }
  return out;
}

}  // namespace redoubt::cleanroom
