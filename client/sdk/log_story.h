// explain: what each entry of a log is about, and whether the entries of datasets, keys, ballots and budgets are what the signed documents make them.
//
// The log comes with a signed head, the documents come from a hub, and either may lie or leave out. So nothing of a document counts unless its author's
// signature is good under the contract that the auditor holds, and nothing of an entry counts unless its digest is computed here: manifests give
// `upload` and `dataset`, manifests with the identity that the claims name give `key-release`, ballots give `ballot`, and the proposals at differential_privacy in
// the order of their reservations give `budget`, by the same accounts as the program keeps (engines/sql/accounts). What no document at hand explains is "not
// shown", which is not accepted either; what contradicts them fails. Pure.
#pragma once

#include "client/sdk/log_documents.h"
#include "client/sdk/saved_log.h"
#include "common/receipt/receipt_file.h"

namespace redoubt::sdk {

struct LogStory {
  std::vector<std::string> about;             // of each entry, one line for people; empty where nothing is known
  std::vector<receipt::ReceiptCheck> checks;  // "log.identity", "log.uploads", "log.key_releases", "log.ballots", "log.budgets"

  // refuted: the first check that failed, with its code. What was not shown is for the reader to weigh.
  Status refuted() const;
};

LogStory explain(const SavedLog& log, const jobs::Contract& contract, const LogDocuments& documents);

// about_receipts: which run each receipt is of, as the log itself says it; what there is to say without documents.
std::vector<std::string> about_receipts(const std::vector<receipt::LogEntry>& entries);

}  // namespace redoubt::sdk
