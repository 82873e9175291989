#include "untrusted/hub/store/queries.h"

#include "untrusted/hub/store/events.h"
#include "untrusted/hub/store/states.h"

namespace redoubt::hub {
namespace {

constexpr StateName<QueryState> kQueryStates[] = {
    {QueryState::proposed, "proposed"}, {QueryState::rejected, "rejected"}, {QueryState::queued, "queued"},
    {QueryState::running, "running"},   {QueryState::waiting_for_keys, "waiting_for_keys"},
    {QueryState::done, "done"},         {QueryState::refused, "refused"},   {QueryState::failed, "failed"}};

constexpr Table kQueryTable{"queries", "id, environment, proposer, text, digest, proposal, state, detail, created, changed"};

Result<Query> parse_query(sql::Row& row) {
  Query out;
  out.id = row.text();
  out.environment = row.text();
  out.proposer = row.text();
  out.text = row.text();
  out.digest = row.fixed<crypto::Sha256Digest>();
  out.proposal = row.text();
  out.state = read_state(kQueryStates, row);
  out.detail = row.text();
  out.created = row.time();
  out.changed = row.time();
  REDOUBT_CHECK(row.finish());
  return out;
}

Result<BallotRecord> parse_ballot(sql::Row& row) {
  BallotRecord out;
  out.voter = row.text();
  out.document = row.text();
  out.created = row.time();
  REDOUBT_CHECK(row.finish());
  return out;
}

Result<ResultRecord> parse_result(sql::Row& row) {
  ResultRecord out;
  out.recipient = row.text();
  out.package = row.blob();
  out.created = row.time();
  REDOUBT_CHECK(row.finish());
  return out;
}

Result<ReceiptRecord> parse_receipt(sql::Row& row) {
  ReceiptRecord out;
  out.instance = row.fixed<InstanceId>();
  out.sequence = row.count();
  out.document = row.text();
  out.created = row.time();
  REDOUBT_CHECK(row.finish());
  return out;
}

Result<ResultFacts> parse_facts(sql::Row& row) {
  ResultFacts out;
  out.size = row.count();
  out.instance = row.fixed<InstanceId>();
  out.sequence = row.count();
  REDOUBT_CHECK(row.finish());
  return out;
}

Result<Bytes> parse_piece(sql::Row& row) {
  Bytes out = row.blob();
  REDOUBT_CHECK(row.finish());
  return out;
}

Error wrong_state(QueryState expected, QueryState found) {
  return Error(Code::refused, "query: expected state " + std::string(name_of(expected)) + ", found " + std::string(name_of(found)));
}

}  // namespace

std::string_view name_of(QueryState state) { return state_name(kQueryStates, state); }

std::string_view shown_name(QueryState state) {
  switch (state) {
    case QueryState::proposed: return "voting";
    case QueryState::rejected: return "rejected";
    case QueryState::queued: return "approved";
    case QueryState::running: return "running";
    case QueryState::waiting_for_keys: return "waiting_for_keys";
    case QueryState::done: return "done";
    case QueryState::refused:
    case QueryState::failed: return "failed";
  }
  return "failed";
}

Status add_query(Transaction& transaction, const Query& query) {
  REDOUBT_CHECK(check_id(query.id, "query id"));
  REDOUBT_CHECK(transaction
                    .change_one("INSERT INTO queries (id, environment, proposer, text, digest, proposal, state, detail, created, changed) "
                                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                {sql::text(query.id), sql::text(query.environment), sql::text(query.proposer), sql::text(query.text),
                                 sql::blob(query.digest.view()), sql::text(query.proposal), sql::text(name_of(query.state)),
                                 sql::text(query.detail), sql::time(query.created), sql::time(query.changed)})
                    .context("query " + query.id));
  return add_event(transaction, query.environment, Event::Kind::query, query.id, shown_name(query.state));
}

Result<Query> get_query(Transaction& transaction, std::string_view id) {
  return read_one<Query>(transaction, select(kQueryTable, "WHERE id = ?"), {sql::text(id)}, "query", parse_query);
}

Result<Page<Query>> list_queries(Transaction& transaction, std::string_view environment, const PageRequest& page) {
  return read_page<Query>(transaction, kQueryTable, Filter{"environment = ?", environment}, page, parse_query);
}

Status set_query_state(Transaction& transaction, std::string_view id, QueryState from, QueryState to, std::string_view detail,
                       Instant now) {
  REDOUBT_TRY(const Query query, get_query(transaction, id));
  if (query.state != from) return wrong_state(from, query.state);
  REDOUBT_CHECK(transaction.change_one("UPDATE queries SET state = ?, detail = ?, changed = ? WHERE id = ?",
                                       {sql::text(name_of(to)), sql::text(detail), sql::time(now), sql::text(id)}));
  return add_event(transaction, query.environment, Event::Kind::query, id, shown_name(to));
}

Status add_ballot(Transaction& transaction, std::string_view query, const BallotRecord& ballot) {
  REDOUBT_CHECK(check_id(ballot.voter, "voter"));
  REDOUBT_TRY(const Query found, get_query(transaction, query));
  if (found.state != QueryState::proposed) return wrong_state(QueryState::proposed, found.state);
  REDOUBT_CHECK(transaction
                    .change_one("INSERT INTO ballots (query, voter, document, created) VALUES (?, ?, ?, ?)",
                                {sql::text(query), sql::text(ballot.voter), sql::text(ballot.document), sql::time(ballot.created)})
                    .context("ballot by " + ballot.voter));
  return add_event(transaction, found.environment, Event::Kind::ballot, query, "counted");
}

Status renew_ballot(Transaction& transaction, std::string_view query, const BallotRecord& ballot) {
  REDOUBT_TRY(const Query found, get_query(transaction, query));
  if (found.state != QueryState::proposed) return wrong_state(QueryState::proposed, found.state);
  REDOUBT_TRY(const auto changed, transaction.change("UPDATE ballots SET document = ?, created = ? WHERE query = ? AND voter = ?",
                                                     {sql::text(ballot.document), sql::time(ballot.created), sql::text(query), sql::text(ballot.voter)}));
  if (changed != 1) return Error(Code::not_found, "ballot by " + ballot.voter + ": none to renew");
  return add_event(transaction, found.environment, Event::Kind::ballot, query, "counted");
}

Result<std::vector<BallotRecord>> get_ballots(Transaction& transaction, std::string_view query) {
  return read_all<BallotRecord>(transaction, "SELECT voter, document, created FROM ballots WHERE query = ? ORDER BY voter",
                                {sql::text(query)}, parse_ballot);
}

Status finish_query(Transaction& transaction, std::string_view query, const std::vector<ResultRecord>& results,
                    const ReceiptRecord& receipt) {
  for (const ResultRecord& result : results) {
    REDOUBT_CHECK(check_id(result.recipient, "recipient"));
    if (result.package.size() > ResultRecord::kMaxSize) {
      return Error(Code::refused, "result package: expected at most " + std::to_string(ResultRecord::kMaxSize) + " bytes, found " +
                                      std::to_string(result.package.size()));
    }
    REDOUBT_CHECK(transaction
                      .change_one("INSERT INTO results (query, recipient, package, created) VALUES (?, ?, ?, ?)",
                              {sql::text(query), sql::text(result.recipient), sql::blob(result.package), sql::time(result.created)})
                      .context("result for " + result.recipient));
  }
  REDOUBT_CHECK(transaction
                    .change_one("INSERT INTO receipts (query, instance, sequence, document, created) VALUES (?, ?, ?, ?, ?)",
                            {sql::text(query), sql::blob(receipt.instance.view()), sql::number(receipt.sequence),
                             sql::text(receipt.document), sql::time(receipt.created)})
                    .context("receipt"));
  return set_query_state(transaction, query, QueryState::running, QueryState::done, "", receipt.created);
}

Result<ResultRecord> get_result(Transaction& transaction, std::string_view query, std::string_view recipient) {
  return read_one<ResultRecord>(transaction, "SELECT recipient, package, created FROM results WHERE query = ? AND recipient = ?",
                                {sql::text(query), sql::text(recipient)}, "result", parse_result);
}

Result<ResultFacts> get_result_facts(Transaction& transaction, std::string_view query, std::string_view recipient) {
  return read_one<ResultFacts>(transaction,
                               "SELECT length(results.package), receipts.instance, receipts.sequence FROM results "
                               "JOIN receipts ON receipts.query = results.query WHERE results.query = ? AND results.recipient = ?",
                               {sql::text(query), sql::text(recipient)}, "result", parse_facts);
}

Result<Bytes> get_result_piece(Transaction& transaction, std::string_view query, std::string_view recipient, std::uint64_t offset, std::uint64_t size) {
  if (offset > ResultRecord::kMaxSize || size > ResultRecord::kMaxSize) return Error(Code::usage, "result: no such piece");
  return read_one<Bytes>(transaction,
                         "SELECT substr(package, ? /*+postgres ::int4 */, ? /*+postgres ::int4 */) FROM results WHERE query = ? AND recipient = ?",
                         {sql::number(offset + 1), sql::number(size), sql::text(query), sql::text(recipient)}, "result", parse_piece);
}

Result<ReceiptRecord> get_receipt(Transaction& transaction, std::string_view query) {
  return read_one<ReceiptRecord>(transaction, "SELECT instance, sequence, document, created FROM receipts WHERE query = ?",
                                 {sql::text(query)}, "receipt", parse_receipt);
}

}  // namespace redoubt::hub
