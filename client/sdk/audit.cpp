#include "client/sdk/audit.h"

#include <set>

#include "common/jobs/cleanroom/contract_change.h"
#include "common/jobs/cleanroom/log_entries.h"
#include "common/jobs/cleanroom/verdict.h"
#include "common/receipt/boot_entry.h"

namespace redoubt::sdk {
namespace {

using receipt::Outcome;
using receipt::ReceiptCheck;

constexpr std::string_view kKnownHead = "log.known_head";

Error out_of_order(std::size_t index, std::string_view what) {
  return Error(Code::log_proof, "entry " + std::to_string(index) + ": " + std::string(what));
}

ReceiptCheck check_of(std::string id, const Status& status) {
  if (status.ok()) return {std::move(id), Outcome::passed, Code::log_proof, ""};
  return {std::move(id), Outcome::failed, status.error().code(), status.error().message()};
}

ReceiptCheck not_told(std::string id, std::string why) { return {std::move(id), Outcome::not_shown, Code::log_proof, std::move(why)}; }

ReceiptCheck check_key(const SavedLog& log, const AuditKnowledge& knowledge) {
  if (!knowledge.receipt_key) return not_told("log.key", "whose key signed the head is not known here");
  if (*knowledge.receipt_key == log.checkpoint().key()) return check_of("log.key", {});
  return check_of("log.key", Error(Code::binding, "receipt key: expected " + knowledge.receipt_key->hex() + ", found " + log.checkpoint().key().hex()));
}

// hold_against: a head by the same key against the log; a fork leaves its proof in `report`.
Status hold_against(const receipt::Checkpoint& head, const SavedLog& log, AuditReport& report) {
  REDOUBT_TRY(auto fork, receipt::fork_between(head, log.checkpoint(), log.tree()));
  if (!fork) return {};
  report.fork = std::move(fork);
  return Error(Code::log_proof, "the log was forked: at " + std::to_string(head.head().size) + " entries expected root " + head.head().root.hex() +
                                    ", found another");
}

ReceiptCheck check_known_head(const SavedLog& log, const AuditKnowledge& knowledge, AuditReport& report) {
  const std::string id(kKnownHead);
  if (!knowledge.kept) return not_told(id, "no head of this log is kept");
  const std::uint64_t kept = knowledge.kept->head().size;
  const std::uint64_t saved = log.checkpoint().head().size;
  if (kept > saved) {
    return not_told(id, "the saved log ends " + std::to_string(kept - saved) + " entries before the head that is kept: save it again");
  }
  return check_of(id, hold_against(*knowledge.kept, log, report));
}

// own_ballots: the ballots of the file are those that the receipt counts, no more and no fewer; without any, nobody approved.
Status own_ballots(const receipt::ReceiptFile& file, const receipt::ReceiptBody& body) {
  if (body.approvals.empty()) return Error(Code::binding, "no ballots: nobody approved");
  std::vector<receipt::ApprovalDigest> found;
  for (const std::string& text : file.ballots) found.push_back(receipt::approval_digest(text));
  std::ranges::sort(found);
  if (found == body.approvals) return {};
  return Error(Code::binding, "ballots: the " + std::to_string(found.size()) + " in the file are not the " + std::to_string(body.approvals.size()) +
                                  " that the receipt counts");
}

// own_story: every ballot of the receipt stands in the log before it, the entry just before it is the run of the proposal that they name, and the boot that it was made in is
// the last one before it.
Status own_story(const receipt::ReceiptFile& file, const receipt::ReceiptBody& body, const SavedLog& log) {
  REDOUBT_CHECK(own_ballots(file, body));
  const std::vector<receipt::LogEntry>& entries = log.entries();
  const auto end = entries.begin() + static_cast<std::ptrdiff_t>(body.sequence);
  for (const std::string& text : file.ballots) {
    REDOUBT_TRY(const auto document, jobs::SignedDocument::decode(text, jobs::Ballot::kMaxBytes));
    REDOUBT_TRY(const auto ballot, jobs::Ballot::parse(document.text));
    const receipt::LogEntry voted{std::string(receipt::kBallotEntry), crypto::Sha256Digest(receipt::approval_digest(text).array())};
    if (std::find(entries.begin(), end, voted) == end) {
      return Error(Code::log_proof, "ballot of " + ballot.voter + ": not in the log before the receipt");
    }
    const receipt::LogEntry run{std::string(receipt::kRunEntry), crypto::Sha256Digest(ballot.proposal.array())};
    if (body.sequence == 0 || *std::prev(end) != run) {
      return Error(Code::log_proof, "proposal " + ballot.proposal.hex() + ": its run is not in the log just before the receipt");
    }
  }
  return check_boot(log, body.sequence, body.claims, body.previous);
}

ReceiptCheck check_one(const NamedReceipt& named, const SavedLog& log, AuditReport& report) {
  const std::string id = "receipt." + named.name;
  const receipt::Receipt& receipt = named.file.receipt;
  const auto body = receipt::ReceiptBody::parse(receipt.body);
  if (!body.ok()) return check_of(id, body.error());
  if (body->instance != log.instance()) {
    return check_of(id, Error(Code::binding, "expected instance " + log.instance().hex() + ", found " + body->instance.hex()));
  }
  const auto head = receipt::Checkpoint::verify(receipt.checkpoint, receipt::log_origin(log.instance()), log.checkpoint().key());
  if (!head.ok()) return check_of(id, head.error());
  if (head->head().size > log.checkpoint().head().size) {
    return not_told(id, "the saved log ends before this receipt's checkpoint of " + std::to_string(head->head().size) + " entries: save it again");
  }
  if (const Status held = hold_against(*head, log, report); !held.ok()) return check_of(id, held);
  const receipt::LogEntry expected{std::string(receipt::kReceiptEntry), receipt::receipt_digest(receipt.body)};
  if (body->sequence >= log.entries().size() || log.entries()[static_cast<std::size_t>(body->sequence)] != expected) {
    return check_of(id, Error(Code::log_proof, "entry " + std::to_string(body->sequence) + " is not this receipt"));
  }
  return check_of(id, own_story(named.file, *body, log));
}

}  // namespace

Status AuditReport::accepted() const {
  for (const ReceiptCheck& check : checks) {
    if (check.outcome == Outcome::failed) return Error(check.code, check.id + ": " + check.detail);
  }
  for (const ReceiptCheck& check : checks) {
    const bool nothing_kept = check.id == kKnownHead && !head_is_kept;
    if (check.outcome == Outcome::not_shown && !nothing_kept) return Error(check.code, check.id + ": not shown: " + check.detail);
  }
  return {};
}

Status check_boot(const SavedLog& log, std::uint64_t size, const ClaimsDigest& claims, const std::optional<receipt::TreeHead>& previous) {
  const std::vector<receipt::LogEntry>& entries = log.entries();
  std::size_t index = static_cast<std::size_t>(std::min<std::uint64_t>(size, entries.size()));
  while (index > 0 && entries[index - 1].kind != receipt::kBootEntry) --index;
  if (index == 0) return Error(Code::log_proof, "boot: none in the first " + std::to_string(size) + " entries");
  --index;
  std::optional<receipt::TreeHead> before = previous;
  if (index > 0) {
    REDOUBT_TRY(const receipt::TreeHash root, log.tree().root_at(index));
    before = receipt::TreeHead{receipt::log_origin(log.instance()), index, root};
  }
  if (entries[index] == receipt::boot_entry(claims, before)) return {};
  return Error(Code::log_proof, "entry " + std::to_string(index) + ": not the boot with claims " + claims.hex() +
                                    (index > 0 ? ", going on from the " + std::to_string(index) + " entries before it" : ", with the head that it takes over from"));
}

Status check_order(const std::vector<receipt::LogEntry>& entries) {
  std::set<crypto::Sha256Digest> reserved;
  std::set<crypto::Sha256Digest> run;
  std::set<crypto::Sha256Digest> booted;
  std::set<crypto::Sha256Digest> uploaded;
  std::set<crypto::Sha256Digest> released;
  std::set<crypto::Sha256Digest> taken_in;
  bool carried = false;
  bool ended = false;
  std::size_t runs = 0;
  std::size_t receipts = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const receipt::LogEntry& entry = entries[i];
    // Later boots are restarts that went on from sealed state.
    if (i == 0 && entry.kind != receipt::kBootEntry) return out_of_order(i, "a log begins with its boot");
    if (entry.kind == receipt::kBootEntry && !booted.insert(entry.content).second) return out_of_order(i, "this boot was logged before");
    if (entry.kind == receipt::kCarriedEntry) carried = true;
    if (ended && entry.kind != receipt::kBootEntry) return out_of_order(i, "the contract was handed over before it");
    if (entry.kind == jobs::kHandOverEntry) ended = true;
    if (i > 0 && entries[i - 1].kind == jobs::kBudgetEntry && entry.kind != receipt::kReservationEntry) return out_of_order(i, "a charge to budgets came before it, and it is no reservation");
    if (entry.kind == jobs::kUploadEntry && !uploaded.insert(entry.content).second) return out_of_order(i, "this dataset version was uploaded before");
    if (entry.kind == jobs::kKeyReleaseEntry && uploaded.empty()) return out_of_order(i, "a key was released before any dataset was uploaded");
    if (entry.kind == jobs::kKeyReleaseEntry && !released.insert(entry.content).second) return out_of_order(i, "this key was released before");
    if (entry.kind == receipt::kDatasetEntry) {
      if (!uploaded.contains(entry.content)) return out_of_order(i, "this dataset version was not uploaded before it was taken in");
      if (!taken_in.insert(entry.content).second) return out_of_order(i, "this dataset version was taken in before");
      if (taken_in.size() > released.size()) return out_of_order(i, "more datasets were taken in than keys were released");
    }
    if (entry.kind == receipt::kReservationEntry && !reserved.insert(entry.content).second) return out_of_order(i, "this proposal was reserved before");
    if (entry.kind == receipt::kRunEntry) {
      if (!carried && !reserved.contains(entry.content)) return out_of_order(i, "this proposal was not reserved before it was run");
      if (!run.insert(entry.content).second) return out_of_order(i, "this proposal was run before");
      if (runs++ != receipts) return out_of_order(i, "the run before this one has no receipt");
    }
    if (entry.kind == receipt::kReceiptEntry) {
      if (entries[i - 1].kind != receipt::kRunEntry) return out_of_order(i, "a receipt whose run is not the entry before it");
      ++receipts;
    }
  }
  return {};
}

AuditReport audit(const SavedLog& log, const AuditKnowledge& knowledge, const std::vector<NamedReceipt>& receipts) {
  AuditReport report;
  report.head_is_kept = knowledge.kept.has_value();
  report.checks.push_back(check_key(log, knowledge));
  report.checks.push_back(check_of("log.order", check_order(log.entries())));
  report.checks.push_back(check_known_head(log, knowledge, report));
  for (const NamedReceipt& named : receipts) report.checks.push_back(check_one(named, log, report));
  return report;
}

std::string rollback_report(const receipt::Checkpoint& kept, const receipt::Checkpoint& shown, std::string_view what) {
  return json::canonical(
      json::Object{{"kept", kept.note()}, {"shown", shown.note()}, {"type", "redoubt/log-report/1"}, {"what", what}});
}

}  // namespace redoubt::sdk
