// Queries with their ballots, result packages and receipts.
//
// The hub keeps what participants signed and what the enclave sealed, as it came. Its own verdicts (states) are for display and
// for its queue: the enclave counts ballots itself, and clients verify receipts themselves. Result packages are ciphertext.
#pragma once

#include "common/base/ids.h"
#include "common/crypto/digest.h"
#include "untrusted/hub/store/page.h"

namespace redoubt::hub {

enum class QueryState { proposed, rejected, queued, running, waiting_for_keys, done, refused, failed };
std::string_view name_of(QueryState state);
// shown_name: what the API calls it.
std::string_view shown_name(QueryState state);

struct Query {
  std::string id;
  std::string environment;
  std::string proposer;
  std::string text;             // exact UTF-8
  crypto::Sha256Digest digest;  // of the text, as the proposal names it
  std::string proposal;         // signed document
  QueryState state = QueryState::proposed;
  std::string detail;           // fixed text for people
  Instant created;
  Instant changed;
};

Status add_query(Transaction& transaction, const Query& query);
Result<Query> get_query(Transaction& transaction, std::string_view id);
Result<Page<Query>> list_queries(Transaction& transaction, std::string_view environment, const PageRequest& page);
// set_query_state: `refused` unless the state is `from` now, so that two workers never both move a query.
Status set_query_state(Transaction& transaction, std::string_view id, QueryState from, QueryState to, std::string_view detail,
                       Instant now);

struct BallotRecord {
  std::string voter;
  std::string document;  // signed document
  Instant created;
};

// add_ballot: `refused` for a second ballot by the same voter, or when the query is no longer proposed.
Status add_ballot(Transaction& transaction, std::string_view query, const BallotRecord& ballot);
// renew_ballot: in the place of the one that the voter gave before. `not_found` without one, `refused` when the query is no longer proposed.
Status renew_ballot(Transaction& transaction, std::string_view query, const BallotRecord& ballot);
Result<std::vector<BallotRecord>> get_ballots(Transaction& transaction, std::string_view query);

struct ResultRecord {
  static constexpr std::size_t kMaxSize = 64U << 20;  // bytes of a package
  std::string recipient;
  Bytes package;
  Instant created;
};

struct ReceiptRecord {
  InstanceId instance;
  std::uint64_t sequence = 0;
  std::string document;  // signed receipt
  Instant created;
};

// finish_query stores all packages and the receipt, and moves the query from running to done: all of it, or nothing.
Status finish_query(Transaction& transaction, std::string_view query, const std::vector<ResultRecord>& results,
                    const ReceiptRecord& receipt);
Result<ResultRecord> get_result(Transaction& transaction, std::string_view query, std::string_view recipient);
// ResultFacts: of one package, without reading it. An instance numbers its receipts, so instance and sequence name one run.
struct ResultFacts {
  std::uint64_t size = 0;  // bytes
  InstanceId instance;
  std::uint64_t sequence = 0;
};
Result<ResultFacts> get_result_facts(Transaction& transaction, std::string_view query, std::string_view recipient);
// get_result_piece: at most `size` bytes of the package from `offset`.
Result<Bytes> get_result_piece(Transaction& transaction, std::string_view query, std::string_view recipient, std::uint64_t offset, std::uint64_t size);
Result<ReceiptRecord> get_receipt(Transaction& transaction, std::string_view query);

}  // namespace redoubt::hub
