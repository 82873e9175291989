#include "common/receipt/receipt.h"

#include "common/base/json.h"
#include "common/base/writer.h"
#include "common/receipt/note.h"
#include "common/receipt/proof_json.h"

namespace redoubt::receipt {
namespace {

constexpr std::string_view kSignedReceiptType = "redoubt/signed-receipt/1";

Bytes statement(std::string_view body) { return to_bytes(Fields(kReceiptType).text(body).view()); }

bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

template <class Digest>
json::Array hex_array(const std::vector<Digest>& digests) {
  json::Array out;
  for (const Digest& digest : digests) out.emplace_back(digest.hex());
  return out;
}

// A sorted list without repetition: one spelling of a set.
template <class Digest>
Result<std::vector<Digest>> digest_set(const json::Array& items, std::string_view what) {
  std::vector<Digest> out;
  for (const json::Value& item : items) {
    if (item.string() == nullptr) return Error(Code::malformed, std::string(what) + ": expected strings");
    REDOUBT_TRY(const Digest digest, Digest::from_hex(*item.string(), what));
    if (!out.empty() && !(out.back() < digest)) {
      return Error(Code::malformed, std::string(what) + ": expected sorted digests, each once");
    }
    out.push_back(digest);
  }
  return out;
}

Status read_commitments(const json::Value& value, ReceiptBody& body) {
  const json::Object& members = *value.object();
  if (members.size() > ReceiptBody::kMaxItems) return Error(Code::malformed, "commitments: too many");
  for (const auto& [name, member] : members) {
    if (!valid_name(name)) return Error(Code::malformed, "commitments: a name is not 1 to 64 of [a-z0-9._-]");
    if (member.string() == nullptr) return Error(Code::malformed, "commitment " + name + ": expected a string");
    REDOUBT_TRY(body.commitments[name], Commitment::from_hex(*member.string(), "commitment " + name));
  }
  for (const std::string_view name : {kRequest, kInputs, kParameters, kResult}) {
    if (!body.commitments.contains(name)) return Error(Code::malformed, "commitment \"" + std::string(name) + "\" is absent");
  }
  return {};
}

Status read_facts(const json::Value& value, ReceiptBody& body) {
  const json::Object& members = *value.object();
  if (members.size() > ReceiptBody::kMaxItems) return Error(Code::malformed, "facts: too many");
  for (const auto& [name, member] : members) {
    if (!valid_name(name)) return Error(Code::malformed, "facts: a name is not 1 to 64 of [a-z0-9._-]");
    if (member.string() == nullptr || member.string()->size() > ReceiptBody::kMaxFact) {
      return Error(Code::malformed, "fact " + name + ": expected a string of at most 256 bytes");
    }
    body.facts[name] = *member.string();
  }
  return {};
}

Result<Interval> read_time(const json::Value& value) {
  json::ObjectReader reader(value, "time");
  const std::string floor = reader.string("floor");
  const std::string host = reader.string("host");
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(const Instant begin, Instant::parse(floor).context("time: floor"));
  REDOUBT_TRY(const Instant end, Instant::parse(host).context("time: host"));
  // An enclave whose host's clock is below its floor stops; it never writes such a receipt.
  if (end < begin) return Error(Code::malformed, "time: host clock below the floor");
  return Interval{begin, end};
}

Result<TreeHead> read_head(const json::Value& value) {
  json::ObjectReader reader(value, "previous");
  TreeHead head;
  head.origin = reader.nonempty("origin", 256);
  head.size = reader.counter("size");
  head.root = reader.hex<TreeHash>("root");
  REDOUBT_CHECK(reader.finish());
  if (!valid_note_name(head.origin)) return Error(Code::malformed, "previous: origin is not a log's name");
  return head;
}

json::Value to_json(const ReceiptBody& body) {
  json::Object commitments;
  for (const auto& [name, commitment] : body.commitments) commitments.emplace(name, commitment.hex());
  json::Object facts;
  for (const auto& [name, fact] : body.facts) facts.emplace(name, fact);
  json::Object out{
      {"type", kReceiptType},
      {"workload", body.workload},
      {"contract", body.contract.hex()},
      {"instance", body.instance.hex()},
      {"boot", body.boot.hex()},
      {"sequence", std::to_string(body.sequence)},
      {"measurement", body.measurement.hex()},
      {"claims", body.claims.hex()},
      {"time", json::Object{{"floor", body.time.begin.text()}, {"host", body.time.end.text()}}},
      {"commitments", std::move(commitments)},
      {"facts", std::move(facts)},
      {"approvals", hex_array(body.approvals)},
      {"recipients", hex_array(body.recipients)},
      {"rules", body.rules},
  };
  if (body.previous) {
    out.emplace("previous", json::Object{{"origin", body.previous->origin},
                                         {"size", std::to_string(body.previous->size)},
                                         {"root", body.previous->root.hex()}});
  }
  return out;
}

}  // namespace

ApprovalDigest approval_digest(std::string_view signed_document) {
  return ApprovalDigest(crypto::sha256(Fields("redoubt/approval/1").text(signed_document).view()).array());
}

RecipientDigest recipient_digest(ByteView public_key) {
  return RecipientDigest(crypto::sha256(Fields("redoubt/recipient/1").field(public_key).view()).array());
}

crypto::Sha256Digest receipt_digest(std::string_view body) { return crypto::sha256(statement(body)); }

std::string ReceiptBody::canonical() const { return json::canonical(to_json(*this)); }

crypto::Sha256Digest ReceiptBody::digest() const { return receipt_digest(canonical()); }

Result<ReceiptBody> ReceiptBody::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse_signed(text, {.max_bytes = kMaxSize, .max_depth = 4}).context("receipt body"));
  json::ObjectReader reader(value, "receipt body");
  ReceiptBody body;
  reader.expect("type", kReceiptType);
  body.workload = reader.nonempty("workload", 64);
  body.contract = reader.hex<ContractDigest>("contract");
  body.instance = reader.hex<InstanceId>("instance");
  body.boot = reader.hex<BootId>("boot");
  body.sequence = reader.counter("sequence");
  body.measurement = reader.hex<Measurement>("measurement");
  body.claims = reader.hex<ClaimsDigest>("claims");
  const json::Value& time = reader.object("time");
  const json::Value& commitments = reader.object("commitments");
  const json::Value& facts = reader.object("facts");
  const json::Array& approvals = reader.array("approvals", kMaxItems);
  const json::Array& recipients = reader.array("recipients", kMaxItems);
  body.rules = reader.nonempty("rules", 64);
  const json::Value* previous = reader.has("previous") ? &reader.object("previous") : nullptr;
  REDOUBT_CHECK(reader.finish());
  if (!valid_name(body.workload)) return Error(Code::malformed, "receipt body: workload is not 1 to 64 of [a-z0-9._-]");
  REDOUBT_TRY(body.time, read_time(time).context("receipt body"));
  REDOUBT_CHECK(read_commitments(commitments, body).context("receipt body"));
  REDOUBT_CHECK(read_facts(facts, body).context("receipt body"));
  REDOUBT_TRY(body.approvals, digest_set<ApprovalDigest>(approvals, "receipt body: approvals"));
  REDOUBT_TRY(body.recipients, digest_set<RecipientDigest>(recipients, "receipt body: recipients"));
  if (previous != nullptr) {
    REDOUBT_TRY(body.previous, read_head(*previous).context("receipt body"));
  }
  return body;
}

std::string Receipt::json() const {
  return json::canonical(json::Object{{"type", kSignedReceiptType},
                                      {"body", body},
                                      {"signature", signature.hex()},
                                      {"inclusion", proof_to_json(inclusion)},
                                      {"checkpoint", checkpoint},
                                      {"evidence", evidence.hex()}});
}

Result<Receipt> Receipt::parse(std::string_view text) {
  // Escapes may double the body and the note.
  constexpr std::size_t kMax = 2 * (ReceiptBody::kMaxSize + kMaxNoteSize) + kMaxProofCount * 70 + 1024;
  REDOUBT_TRY(const json::Value value, json::parse_signed(text, {.max_bytes = kMax, .max_depth = 3}).context("receipt"));
  json::ObjectReader reader(value, "receipt");
  Receipt receipt;
  reader.expect("type", kSignedReceiptType);
  receipt.body = reader.nonempty("body", ReceiptBody::kMaxSize);
  receipt.signature = reader.hex<crypto::Ed25519Signature>("signature");
  const json::Array& inclusion = reader.array("inclusion", kMaxProofCount);
  receipt.checkpoint = reader.nonempty("checkpoint", kMaxNoteSize);
  receipt.evidence = reader.hex<EvidenceDigest>("evidence");
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(receipt.inclusion, proof_from_json(inclusion, "receipt: inclusion"));
  return receipt;
}

Result<Receipt> issue_receipt(const ReceiptBody& body, const EvidenceDigest& evidence, Log& log,
                              const crypto::Ed25519PrivateKey& receipt_key) {
  Receipt receipt;
  receipt.body = body.canonical();
  if (const auto valid = ReceiptBody::parse(receipt.body); !valid.ok()) {
    return Error(Code::usage, "issuing receipt: " + valid.error().message());
  }
  if (body.instance != log.instance()) return Error(Code::usage, "issuing receipt: the log is of another instance");
  if (body.sequence != log.size()) {
    return Error(Code::usage, "issuing receipt: expected sequence " + std::to_string(log.size()) + ", found " +
                                  std::to_string(body.sequence));
  }
  receipt.signature = receipt_key.sign(statement(receipt.body));
  receipt.evidence = evidence;
  const std::uint64_t index = log.append({std::string(kReceiptEntry), receipt_digest(receipt.body)});
  receipt.checkpoint = log.checkpoint(receipt_key).note();
  REDOUBT_TRY(receipt.inclusion, log.tree().inclusion(index, log.size()));
  return receipt;
}

Status verify_signature(const Receipt& receipt, const crypto::Ed25519PublicKey& receipt_key) {
  return crypto::verify(receipt_key, statement(receipt.body), receipt.signature).context("receipt");
}

}  // namespace redoubt::receipt
