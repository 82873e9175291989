#include "common/receipt/receipt_file.h"

#include "common/base/json.h"
#include "common/base/writer.h"
#include "common/receipt/note.h"
#include "common/receipt/proof_json.h"

namespace redoubt::receipt {
namespace {

json::Array to_array(const std::vector<std::string>& texts) { return json::Array(texts.begin(), texts.end()); }

Result<std::vector<std::string>> read_documents(const json::Array& items, std::string_view what) {
  std::vector<std::string> out;
  for (const json::Value& item : items) {
    if (item.string() == nullptr || item.string()->size() > ReceiptFile::kMaxDocument) {
      return Error(Code::malformed, std::string(what) + ": expected strings of at most " +
                                        std::to_string(ReceiptFile::kMaxDocument) + " bytes");
    }
    out.push_back(*item.string());
  }
  return out;
}

Result<std::vector<Bytes>> read_enrolments(const json::Array& items) {
  std::vector<Bytes> out;
  REDOUBT_TRY(const auto texts, read_documents(items, "enrolments"));
  for (const std::string& text : texts) {
    REDOUBT_TRY(out.emplace_back(), base64_decode(text).context("enrolments"));
  }
  return out;
}

json::Value evidence_to_json(const StoredEvidence& evidence) {
  return json::Object{{"format", evidence.format},
                      {"bytes", base64_encode(evidence.bytes)},
                      {"challenge", evidence.challenge.hex()},
                      {"claims", evidence.claims}};
}

Result<StoredEvidence> read_evidence(const json::Value& value) {
  json::ObjectReader reader(value, "evidence");
  StoredEvidence evidence;
  evidence.format = reader.nonempty("format", 32);
  evidence.bytes = reader.base64("bytes", StoredEvidence::kMaxSize);
  evidence.challenge = reader.hex<Challenge>("challenge");
  evidence.claims = reader.nonempty("claims", StoredEvidence::kMaxClaims);
  REDOUBT_CHECK(reader.finish());
  return evidence;
}

json::Object earlier_to_json(const EarlierHead& head) {
  return {{"size", std::to_string(head.size)}, {"root", head.root.hex()}, {"proof", proof_to_json(head.proof)}};
}

// read_earlier takes the members of a head; the caller finishes the reader.
Result<EarlierHead> read_earlier(json::ObjectReader& reader) {
  EarlierHead head;
  head.size = reader.counter("size");
  head.root = reader.hex<TreeHash>("root");
  const json::Array& proof = reader.array("proof", kMaxProofCount);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(head.proof, proof_from_json(proof, "extends"));
  return head;
}

json::Value carried_to_json(const CarriedProof& carried) {
  json::Array heads;
  for (const CarriedProof::Head& head : carried.heads) {
    json::Object item = earlier_to_json(head.earlier);
    item.emplace("instance", head.instance.hex());
    heads.emplace_back(std::move(item));
  }
  return json::Object{{"statement", carried.statement}, {"signatures", to_array(carried.signatures)}, {"heads", std::move(heads)}};
}

Result<CarriedProof> read_carried(const json::Value& value) {
  json::ObjectReader reader(value, "carried");
  CarriedProof carried;
  carried.statement = reader.nonempty("statement", ReceiptFile::kMaxDocument);
  const json::Array& signatures = reader.array("signatures", ReceiptFile::kMaxDocuments);
  const json::Array& heads = reader.array("heads", ReceiptFile::kMaxDocuments);
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(carried.signatures, read_documents(signatures, "carried: signatures"));
  for (const json::Value& item : heads) {
    json::ObjectReader head_reader(item, "carried: head");
    const auto instance = head_reader.hex<InstanceId>("instance");
    REDOUBT_TRY(auto earlier, read_earlier(head_reader));
    carried.heads.push_back({instance, std::move(earlier)});
  }
  return carried;
}

}  // namespace

EvidenceDigest StoredEvidence::digest() const {
  return EvidenceDigest(
      crypto::sha256(Fields("redoubt/evidence/1").text(format).field(bytes).field(challenge.view()).text(claims).view())
          .array());
}

std::string ReceiptFile::json() const {
  json::Array encoded;
  for (const Bytes& enrolment : enrolments) encoded.emplace_back(base64_encode(enrolment));
  json::Array heads;
  for (const EarlierHead& head : extends) heads.emplace_back(earlier_to_json(head));
  json::Object out{{"type", kReceiptFileType},
                   {"receipt", receipt.json()},
                   {"evidence", evidence_to_json(evidence)},
                   {"enrolments", std::move(encoded)},
                   {"contract", contract},
                   {"acceptances", to_array(acceptances)},
                   {"ballots", to_array(ballots)},
                   {"manifests", to_array(manifests)},
                   {"extends", std::move(heads)},
                   {"previous", previous}};
  if (carried) out.emplace("carried", carried_to_json(*carried));
  return json::pretty(out);
}

Result<ReceiptFile> ReceiptFile::parse(std::string_view text) {
  REDOUBT_TRY(const json::Value value, json::parse(text, {.max_bytes = kMaxSize, .max_depth = 5}).context("receipt file"));
  json::ObjectReader reader(value, "receipt file");
  ReceiptFile file;
  reader.expect("type", kReceiptFileType);
  const std::string receipt = reader.string("receipt");
  const json::Value& evidence = reader.object("evidence");
  const json::Array& enrolments = reader.array("enrolments", kMaxDocuments);
  file.contract = reader.string("contract");
  const json::Array& acceptances = reader.array("acceptances", kMaxDocuments);
  const json::Array& ballots = reader.array("ballots", kMaxDocuments);
  const json::Array& manifests = reader.array("manifests", kMaxDocuments);
  const json::Array& extends = reader.array("extends", kMaxDocuments);
  file.previous = reader.string("previous");
  const json::Value* carried = reader.has("carried") ? &reader.object("carried") : nullptr;
  REDOUBT_CHECK(reader.finish());
  if (file.contract.size() > kMaxDocument) return Error(Code::malformed, "receipt file: contract: too long");
  if (file.previous.size() > kMaxNoteSize) return Error(Code::malformed, "receipt file: previous: too long");
  REDOUBT_TRY(file.receipt, Receipt::parse(receipt).context("receipt file"));
  REDOUBT_TRY(file.evidence, read_evidence(evidence).context("receipt file"));
  REDOUBT_TRY(file.enrolments, read_enrolments(enrolments).context("receipt file"));
  REDOUBT_TRY(file.acceptances, read_documents(acceptances, "receipt file: acceptances"));
  REDOUBT_TRY(file.ballots, read_documents(ballots, "receipt file: ballots"));
  REDOUBT_TRY(file.manifests, read_documents(manifests, "receipt file: manifests"));
  for (const json::Value& item : extends) {
    json::ObjectReader head_reader(item, "extends");
    REDOUBT_TRY(file.extends.emplace_back(), read_earlier(head_reader).context("receipt file"));
  }
  if (carried != nullptr) {
    REDOUBT_TRY(file.carried, read_carried(*carried).context("receipt file"));
  }
  return file;
}

}  // namespace redoubt::receipt
