// Queries: proposals, ballots, results and receipts.
#include "common/jobs/cleanroom/verdict.h"
#include "common/receipt/note.h"
#include "common/receipt/receipt_file.h"
#include "untrusted/hub/api/api.h"
#include "untrusted/hub/jobs/handlers.h"

namespace redoubt::hub {
namespace {

// query_text: a query as canonical JSON (RFC 8785). Documents are stored as canonical JSON and go in as they are: whoever reads them checks them.
Result<std::string> query_text(Transaction& transaction, const Query& query) {
  REDOUBT_TRY(const auto ballots, get_ballots(transaction, query.id));
  std::string out = R"({"ballots":[)";
  for (const BallotRecord& ballot : ballots) {
    if (out.back() != '[') out += ',';
    REDOUBT_CHECK(put_document(out, ballot.document));
  }
  out += R"(],"proposal":)";
  REDOUBT_CHECK(put_document(out, query.proposal));
  out += R"(,"query":")" + query.id + '"';
  if (!query.detail.empty()) out += R"(,"reason":)" + json::canonical(json::Value(query.detail));
  out += R"(,"state":")" + std::string(shown_name(query.state)) + "\"}";
  return out;
}

// tally_json: what the contract's rule makes of the ballots that the hub holds, for a voter who sends his once more. A record: the
// program decides.
Result<json::Value> tally_json(Transaction& transaction, const jobs::Contract& contract, const Query& query, Instant now) {
  REDOUBT_TRY(const auto document, jobs::SignedDocument::decode(query.proposal, jobs::Proposal::kMaxBytes));
  REDOUBT_TRY(const auto proposal, jobs::Proposal::parse(document.text));
  jobs::Subject subject{proposal.proposer, {}, proposal.expires};
  for (const jobs::ManifestDigest& manifest : proposal.terms.manifests) {
    const auto dataset = find_dataset(transaction, query.environment, manifest.hex());
    subject.owners.push_back(dataset.ok() ? dataset->owner : std::string());
  }
  std::vector<jobs::Vote> votes;
  REDOUBT_TRY(const auto records, get_ballots(transaction, query.id));
  for (const BallotRecord& record : records) {
    REDOUBT_TRY(const auto signed_ballot, jobs::SignedDocument::decode(record.document, jobs::Ballot::kMaxBytes));
    REDOUBT_TRY(const auto ballot, jobs::Ballot::parse(signed_ballot.text));
    votes.push_back(jobs::Vote::of(ballot));
  }
  return jobs::to_json(jobs::decide(contract, subject, votes, {{now, now}, 0}));
}

}  // namespace

Result<net::HttpResponse> HubApi::create_query(const Call& call) {
  REDOUBT_TRY(const Environment environment, load_environment(call));
  REDOUBT_TRY(const json::Value body, body_of(call));
  json::ObjectReader reader(body, "body");
  const json::Value& untrusted = reader.object("proposal");
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(const auto document, jobs::SignedDocument::from_json(untrusted, jobs::Proposal::kMaxBytes));
  REDOUBT_TRY(const jobs::Proposal proposal, jobs::Proposal::parse(document.text).context("proposal"));
  if (proposal.terms.contract != environment.contract_digest) {
    return Error(Code::binding, "proposal: expected contract " + environment.contract_digest.hex() + ", found " + proposal.terms.contract.hex());
  }
  REDOUBT_TRY(const jobs::Contract contract, jobs::Contract::parse(environment.contract));
  REDOUBT_TRY(const auto* proposer, author(contract, jobs::kProposalType, proposal.proposer, document));

  REDOUBT_TRY(HostDoor door, parts_.host.door(environment.id));
  auto reserved = door.propose(document);
  if (!reserved.ok() && reserved.error().code() == Code::not_found) {
    REDOUBT_CHECK(parts_.host.deliver(environment.id));  // the program did not know a manifest yet
    REDOUBT_TRY(HostDoor again, parts_.host.door(environment.id));
    reserved = again.propose(document);
  }
  if (!reserved.ok()) return reserved.error();
  const std::string id = proposal.digest().hex();
  json::ObjectReader answer(*reserved, "answer of the enclave program");
  const std::string checkpoint = answer.nonempty("checkpoint", receipt::kMaxNoteSize);
  const json::Value inclusion(answer.array("inclusion", receipt::kMaxProofCount));
  const std::int64_t index = answer.integer("index", 0, std::int64_t{1} << 52);
  answer.expect("proposal", id);
  static_cast<void>(answer.object("document"));
  if (!answer.ok()) return Error(Code::unavailable, "the enclave program gave an answer that cannot be read");
  parts_.fault("query.reserved");
  // Participants are shown only what is stored of the log; whoever gets this answer will ask for the reservation there.
  REDOUBT_CHECK(parts_.host.archive(environment.id));

  const Instant now = parts_.now();
  const Query query{id, environment.id, proposer->name, proposal.sql, crypto::Sha256Digest(proposal.terms.query.array()), document.encode(),
                    QueryState::proposed, "", now, now};
  const std::lock_guard lock(lock_of(environment.id));
  const auto present = parts_.store.read([&](Transaction& transaction) { return hub::get_query(transaction, id); });
  const net::HttpResponse created =
      json_answer(present.ok() ? 200 : 201, json::Object{{"checkpoint", checkpoint},
                                                         {"inclusion", inclusion},
                                                         {"index", index},
                                                         {"query", id},
                                                         {"state", std::string(shown_name(present.ok() ? present->state : query.state))}});
  if (present.ok()) return created;
  REDOUBT_CHECK(parts_.store.write("query.add", [&](Transaction& transaction) -> Status {
    REDOUBT_CHECK(add_query(transaction, query));
    return record(transaction, call, "query.create", id, created);
  }));
  return created;
}

Result<net::HttpResponse> HubApi::list_queries(const Call& call) {
  REDOUBT_TRY(const PageRequest request, page_of(call));
  return parts_.store.read([&](Transaction& transaction) -> Result<net::HttpResponse> {
    REDOUBT_TRY(const Environment environment, load_environment(transaction, call));
    REDOUBT_TRY(const auto page, hub::list_queries(transaction, environment.id, request));
    ListText items;
    for (const Query& query : page.items) {
      REDOUBT_TRY(const std::string item, query_text(transaction, query));
      items.add(item);
    }
    return items.answer(page.next);
  });
}

Result<net::HttpResponse> HubApi::get_query(const Call& call) {
  return parts_.store.read([&](Transaction& transaction) -> Result<net::HttpResponse> {
    REDOUBT_TRY(const Environment environment, load_environment(transaction, call));
    REDOUBT_TRY(const Query query, load_query(transaction, call, environment));
    REDOUBT_TRY(const std::string text, query_text(transaction, query));
    return tagged(net::json_response(200, text));
  });
}

Result<net::HttpResponse> HubApi::approve(const Call& call) { return vote(call, jobs::Decision::approve); }
Result<net::HttpResponse> HubApi::reject(const Call& call) { return vote(call, jobs::Decision::reject); }

Result<net::HttpResponse> HubApi::vote(const Call& call, jobs::Decision decision) {
  REDOUBT_TRY(const Environment environment, load_environment(call));
  REDOUBT_TRY(const json::Value body, body_of(call));
  json::ObjectReader reader(body, "body");
  const json::Value& untrusted = reader.object("ballot");
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(const auto document, jobs::SignedDocument::from_json(untrusted, jobs::Ballot::kMaxBytes));
  REDOUBT_TRY(const jobs::Ballot ballot, jobs::Ballot::parse(document.text).context("ballot"));
  if (ballot.decision != decision) return Error(Code::binding, "ballot: its decision is not the one of this address");
  if (ballot.proposal.hex() != call.param("query")) return Error(Code::binding, "ballot: for query " + ballot.proposal.hex());
  REDOUBT_TRY(const jobs::Contract contract, jobs::Contract::parse(environment.contract));
  REDOUBT_TRY(const auto* voter, author(contract, jobs::kBallotType, ballot.voter, document));

  // One ballot after another: the one that meets the rule must find the query still open for the others before it.
  const std::lock_guard lock(lock_of(environment.id));
  REDOUBT_TRY(const Query query, load_query(call, environment));
  REDOUBT_TRY(const std::string current, parts_.store.read([&](Transaction& transaction) { return query_text(transaction, query); }));
  if (auto changed = check_match(call, tagged(net::json_response(200, current)))) return std::move(*changed);
  REDOUBT_TRY(const auto ballots, parts_.store.read([&](Transaction& transaction) { return get_ballots(transaction, query.id); }));
  const auto earlier = std::ranges::find(ballots, voter->name, &BallotRecord::voter);
  const bool again = earlier != ballots.end();  // an approval that has lapsed may be renewed, which the program judges
  if (again && earlier->document == document.encode()) {
    REDOUBT_TRY(const json::Value tally, parts_.store.read([&](Transaction& transaction) {
      return tally_json(transaction, contract, query, parts_.now());
    }));
    return json_answer(200, tally);
  }
  if (again && query.state != QueryState::proposed) return conflict("\"" + voter->name + "\" has voted on this query");
  if (query.state != QueryState::proposed) return conflict("query: is " + std::string(shown_name(query.state)) + ", voting has ended");

  // A program that was started anew may lack the proposal or an earlier ballot: its tally must count all that the hub holds.
  REDOUBT_CHECK(parts_.host.redeliver(environment.id, query));
  REDOUBT_TRY(HostDoor door, parts_.host.door(environment.id));
  const auto judged = door.vote(query.id, document);
  if (again && !judged.ok() && judged.error().code() == Code::refused) return conflict(judged.error().message());
  REDOUBT_TRY(const RoomTally tally, judged);
  parts_.fault("ballot.counted");
  const net::HttpResponse counted = json_answer(200, tally.answer);
  const Instant now = parts_.now();
  REDOUBT_CHECK(parts_.store.write("ballot.add", [&](Transaction& transaction) -> Status {
    const BallotRecord ballot_record{voter->name, document.encode(), now};
    REDOUBT_CHECK(again ? renew_ballot(transaction, query.id, ballot_record) : add_ballot(transaction, query.id, ballot_record));
    if (tally.met) {
      REDOUBT_CHECK(set_query_state(transaction, query.id, QueryState::proposed, QueryState::queued, "", now));
      REDOUBT_CHECK(add_run_job(transaction, environment.id, query.id, now));
    } else if (tally.rejected) {
      REDOUBT_CHECK(set_query_state(transaction, query.id, QueryState::proposed, QueryState::rejected, "", now));
    }
    return record(transaction, call, decision == jobs::Decision::approve ? "query.approve" : "query.reject", query.id, counted);
  }));
  static_cast<void>(parts_.host.archive(environment.id).ok());
  parts_.wake_worker();
  return counted;
}

Result<net::HttpResponse> HubApi::get_result(const Call& call) {
  REDOUBT_TRY(const Environment environment, load_environment(call));
  REDOUBT_TRY(const Query query, load_query(call, environment));
  if (query.state != QueryState::done) return conflict("query: is " + std::string(shown_name(query.state)) + ", expected done");
  REDOUBT_TRY(const auto result, parts_.store.read([&](Transaction& transaction) {
    return hub::get_result(transaction, query.id, call.param("recipient"));
  }));
  return json_answer(200, json::Object{{"sealed", base64_encode(result.package)}});
}

Result<net::HttpResponse> HubApi::get_receipt(const Call& call) {
  REDOUBT_TRY(const Environment environment, load_environment(call));
  REDOUBT_TRY(const Query query, load_query(call, environment));
  if (query.state != QueryState::done) return conflict("query: is " + std::string(shown_name(query.state)) + ", expected done");
  REDOUBT_TRY(const auto receipt, parts_.store.read([&](Transaction& transaction) { return hub::get_receipt(transaction, query.id); }));
  return net::json_response(200, receipt.document);
}

}  // namespace redoubt::hub
