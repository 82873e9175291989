#include "common/jobs/cleanroom/contract_change.h"

namespace redoubt::jobs {
namespace {

json::Value write_log_head(const LogHead& head) { return json::Object{{"root", head.root.hex()}, {"size", std::to_string(head.size)}}; }

Result<LogHead> read_log_head(const json::Value& value) {
  json::ObjectReader reader(value, "head");
  LogHead head;
  head.root = reader.hex<receipt::TreeHash>("root");
  head.size = reader.counter("size");
  REDOUBT_CHECK(reader.finish());
  return head;
}

Result<Decision> read_decision(const std::string& text) {
  if (text == "approve") return Decision::approve;
  if (text == "reject") return Decision::reject;
  return Error(Code::malformed, "change ballot: expected decision \"approve\" or \"reject\", found \"" + text.substr(0, 32) + "\"");
}

}  // namespace

std::string ContractChange::canonical() const {
  return json::canonical(json::Object{{"contract", contract.hex()},
                                      {"expires", expires.text()},
                                      {"instance", instance.hex()},
                                      {"next", next},
                                      {"nonce", nonce.hex()},
                                      {"proposer", proposer},
                                      {"type", kContractChangeType}});
}

Result<ContractChange> ContractChange::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse_signed(text, {.max_bytes = kMaxBytes, .max_depth = 2}).context("contract change"));
  json::ObjectReader reader(value, "contract change");
  ContractChange change;
  reader.expect("type", kContractChangeType);
  change.contract = reader.hex<ContractDigest>("contract");
  change.instance = reader.hex<InstanceId>("instance");
  change.next = reader.nonempty("next", Contract::kMaxBytes);
  change.nonce = reader.hex<BallotNonce>("nonce");
  change.proposer = reader.string("proposer");
  const std::string expires = reader.string("expires");
  REDOUBT_CHECK(reader.finish());
  REDOUBT_CHECK(check_name(change.proposer, "proposer"));
  REDOUBT_TRY(change.expires, Instant::parse(expires));
  REDOUBT_TRY([[maybe_unused]] const Contract next, Contract::parse(change.next).context("contract change: next"));
  return change;
}

ChangeDigest ContractChange::digest() const { return crypto::digest_of<ChangeDigest>(kContractChangeType, as_bytes(canonical())); }

Status check_successor(const Contract& old, const Contract& next) {
  const ContractDigest digest = old.digest();
  if (!next.previous || *next.previous != digest) {
    return Error(Code::binding, "next contract: expected " + digest.hex() + " as its previous one, found " + (next.previous ? next.previous->hex() : "none"));
  }
  if (next.epoch != old.epoch + 1) {
    return Error(Code::binding, "next contract: expected epoch " + std::to_string(old.epoch + 1) + ", found " + std::to_string(next.epoch));
  }
  if (next.environment != old.environment) {
    return Error(Code::binding, "next contract: expected environment \"" + old.environment + "\", found \"" + next.environment + "\"");
  }
  return {};
}

std::string ChangeBallot::canonical() const {
  return json::canonical(json::Object{{"change", change.hex()},
                                      {"contract", contract.hex()},
                                      {"decision", decision == Decision::approve ? "approve" : "reject"},
                                      {"expires", expires.text()},
                                      {"expires_at_size", std::to_string(expires_at_size)},
                                      {"head", write_log_head(head)},
                                      {"instance", instance.hex()},
                                      {"next", next.hex()},
                                      {"nonce", nonce.hex()},
                                      {"type", kChangeBallotType},
                                      {"voter", voter}});
}

Result<ChangeBallot> ChangeBallot::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse_signed(text, {.max_bytes = kMaxBytes, .max_depth = 3}).context("change ballot"));
  json::ObjectReader reader(value, "change ballot");
  ChangeBallot ballot;
  reader.expect("type", kChangeBallotType);
  ballot.change = reader.hex<ChangeDigest>("change");
  ballot.contract = reader.hex<ContractDigest>("contract");
  const std::string decision = reader.string("decision");
  const std::string expires = reader.string("expires");
  ballot.expires_at_size = reader.counter("expires_at_size");
  const json::Value& head = reader.object("head");
  ballot.instance = reader.hex<InstanceId>("instance");
  ballot.next = reader.hex<ContractDigest>("next");
  ballot.nonce = reader.hex<BallotNonce>("nonce");
  ballot.voter = reader.string("voter");
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(ballot.decision, read_decision(decision));
  REDOUBT_CHECK(check_name(ballot.voter, "voter"));
  REDOUBT_TRY(ballot.expires, Instant::parse(expires));
  REDOUBT_TRY(ballot.head, read_log_head(head).context("change ballot"));
  return ballot;
}

std::string HandOver::canonical() const {
  json::Array counted;
  for (const receipt::ApprovalDigest& digest : ballots) counted.emplace_back(digest.hex());
  return json::canonical(json::Object{{"ballots", std::move(counted)},
                                      {"change", change.hex()},
                                      {"contract", contract.hex()},
                                      {"head", write_log_head(head)},
                                      {"instance", instance.hex()},
                                      {"next", next.hex()},
                                      {"time", json::Object{{"floor", time.begin.text()}, {"host", time.end.text()}}},
                                      {"type", kHandOverType}});
}

Result<HandOver> HandOver::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse_signed(text, {.max_bytes = kMaxBytes, .max_depth = 3}).context("hand-over"));
  json::ObjectReader reader(value, "hand-over");
  HandOver out;
  reader.expect("type", kHandOverType);
  const json::Array& counted = reader.array("ballots", Contract::kMaxParticipants);
  out.change = reader.hex<ChangeDigest>("change");
  out.contract = reader.hex<ContractDigest>("contract");
  const json::Value& head = reader.object("head");
  out.instance = reader.hex<InstanceId>("instance");
  out.next = reader.hex<ContractDigest>("next");
  const json::Value& time = reader.object("time");
  REDOUBT_CHECK(reader.finish());
  json::ObjectReader time_reader(time, "time");
  const std::string floor = time_reader.string("floor");
  const std::string host = time_reader.string("host");
  REDOUBT_CHECK(time_reader.finish().context("hand-over"));
  REDOUBT_TRY(out.time.begin, Instant::parse(floor).context("hand-over: time"));
  REDOUBT_TRY(out.time.end, Instant::parse(host).context("hand-over: time"));
  if (out.time.end < out.time.begin) return Error(Code::malformed, "hand-over: time: host clock below the floor");
  REDOUBT_TRY(out.head, read_log_head(head).context("hand-over"));
  for (const json::Value& item : counted) {
    if (item.string() == nullptr) return Error(Code::malformed, "hand-over: expected ballot digests in hexadecimal");
    REDOUBT_TRY(out.ballots.emplace_back(), receipt::ApprovalDigest::from_hex(*item.string(), "ballot"));
  }
  if (std::ranges::adjacent_find(out.ballots, std::ranges::greater_equal()) != out.ballots.end()) {
    return Error(Code::malformed, "hand-over: ballots must be sorted, each once");
  }
  return out;
}

HandOverDigest HandOver::digest() const { return crypto::digest_of<HandOverDigest>(kHandOverType, as_bytes(canonical())); }

}  // namespace redoubt::jobs
