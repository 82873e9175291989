// audit: is this log what its participants saw, and do receipts and log tell one story? Offline, from what the auditor holds itself.
//
// The log comes from a file (SavedLog), receipts from files; whoever hands them over may lie in every byte, and the operator may have
// shown another log to others. The auditor brings the receipt key and the head that it keeps. Each check is passed, failed or not
// shown. Two heads of a log that was forked give a proof that others can check (common/receipt/divergence.h). What nobody remembers
// cannot be seen: a log that was cut back to before everyone's head looks whole. Pure.
#pragma once

#include "client/sdk/saved_log.h"
#include "common/receipt/divergence.h"
#include "common/receipt/receipt_file.h"

namespace redoubt::sdk {

struct AuditKnowledge {
  std::optional<crypto::Ed25519PublicKey> receipt_key;  // of the instance, learned when it was verified
  std::optional<receipt::Checkpoint> kept;              // the last head of its log that was verified
};

struct AuditReport {
  std::vector<receipt::ReceiptCheck> checks;  // "log.key", "log.order", "log.known_head", then "receipt.NAME" for each receipt
  std::optional<std::string> fork;            // proof that the log was forked, JSON
  bool head_is_kept = false;                  // the auditor brought a head: "log.known_head" must pass

  // accepted: every check passed; "log.known_head" may be not shown when no head is kept. Otherwise the first that failed, or else the
  // first that was not shown, with its code.
  Status accepted() const;
};

// A receipt file under the name that reports use for it.
struct NamedReceipt {
  std::string name;
  receipt::ReceiptFile file;
};

// audit: signatures, Evidence and the approval rule of a receipt are check_receipt's; here it is held against the log: it stands there at its
// sequence number, just after the run of the proposal that its ballots name, and its file has exactly the ballots that it counts, all logged
// before it; and the last boot before it is the one that the receipt names.
AuditReport audit(const SavedLog& log, const AuditKnowledge& knowledge, const std::vector<NamedReceipt>& receipts);

// check_boot: the last boot in the first `size` entries is the one with these claims, and it goes on from the log as it stood before: its entry names that head. The first boot
// of an instance names `previous`, the head that the instance takes over from, if any. `log_proof`.
Status check_boot(const SavedLog& log, std::uint64_t size, const ClaimsDigest& claims, const std::optional<receipt::TreeHead>& previous);

// check_order: `log_proof` for a log that no program of ours writes: it begins with its one boot; no proposal is reserved or run twice;
// behind a hand-over come boots only; no dataset version is uploaded or taken in twice, or taken in before its upload, and no more are taken in than keys were released; what is run was reserved before, here or in a log that was carried over; budgets are charged right before a reservation only; the run that a receipt is of is the entry before it.
Status check_order(const std::vector<receipt::LogEntry>& entries);

// rollback_report: two heads that were shown one after the other and do not fit, for others to see (docs/specs/log.md).
std::string rollback_report(const receipt::Checkpoint& kept, const receipt::Checkpoint& shown, std::string_view what);

}  // namespace redoubt::sdk
