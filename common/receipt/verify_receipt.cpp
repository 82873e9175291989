#include "common/base/writer.h"
#include "common/receipt/receipt_file.h"

namespace redoubt::receipt {
namespace {

// Checks that a receipt cannot do without; the others may be "not shown".
constexpr std::string_view kMandatory[] = {"receipt.signature", "receipt.identity", "receipt.claims",
                                           "receipt.evidence",  "log.checkpoint",   "log.inclusion"};

class Report {
 public:
  explicit Report(ReceiptBody body) { report_.body = std::move(body); }

  void add(std::string id, Code code, const Status& status) {
    report_.checks.push_back({std::move(id), status.ok() ? Outcome::passed : Outcome::failed,
                              status.ok() ? code : status.error().code(), status.ok() ? "" : status.error().message()});
  }
  void not_shown(std::string id, Code code, std::string why) {
    report_.checks.push_back({std::move(id), Outcome::not_shown, code, std::move(why)});
  }
  const ReceiptBody& body() const { return report_.body; }
  ReceiptReport take() { return std::move(report_); }

 private:
  ReceiptReport report_;
};

Status same(std::string_view what, std::string_view expected, std::string_view found) {
  if (expected == found) return {};
  return Error(Code::binding, std::string(what) + ": expected " + std::string(expected) + ", found " + std::string(found));
}

Status check_identity(const ReceiptBody& body, const SignerIdentity& signer) {
  REDOUBT_CHECK(same("workload", signer.workload, body.workload));
  REDOUBT_CHECK(same("instance", signer.instance.hex(), body.instance.hex()));
  REDOUBT_CHECK(same("boot", signer.boot.hex(), body.boot.hex()));
  REDOUBT_CHECK(same("contract", signer.contract.hex(), body.contract.hex()));
  return {};
}

Status check_claims(const ReceiptBody& body, const SignerIdentity& signer, const StoredEvidence& evidence) {
  // The claims digest of docs/specs/session.md, over the bytes in the file.
  const ClaimsDigest found(crypto::sha256(Fields("redoubt/claims/1").text(evidence.claims).view()).array());
  REDOUBT_CHECK(same("claims in the file", body.claims.hex(), found.hex()));
  return same("claims that were appraised", body.claims.hex(), signer.claims.hex());
}

void add_contract(Report& report, const ReceiptFile& file, const VerifierKnowledge& knowledge) {
  constexpr std::string_view id = "receipt.contract";
  const std::string expected = report.body().contract.hex();
  // A contract in the file is for reading; it must be the one, but it is not what the verifier holds itself.
  if (!file.contract.empty()) {
    const auto found = crypto::sha256(Fields("redoubt/contract/1").text(file.contract).view()).hex();
    if (found != expected) return report.add(std::string(id), Code::binding, same("contract in the file", expected, found));
  }
  if (!knowledge.contract) return report.not_shown(std::string(id), Code::binding, "the verifier holds no contract");
  report.add(std::string(id), Code::binding, same("contract", knowledge.contract->hex(), expected));
}

Status check_approvals(const ReceiptBody& body, const std::vector<std::string>& ballots) {
  std::vector<ApprovalDigest> found;
  for (const std::string& ballot : ballots) found.push_back(approval_digest(ballot));
  std::ranges::sort(found);
  for (const ApprovalDigest& approval : body.approvals) {
    if (!std::ranges::binary_search(found, approval)) return Error(Code::binding, "approval " + approval.hex() + ": no such ballot in the file");
  }
  if (found.size() != body.approvals.size()) {
    return Error(Code::binding, "ballots: expected " + std::to_string(body.approvals.size()) + ", found " + std::to_string(found.size()));
  }
  return {};
}

// Every earlier head is a prefix of the checkpoint's log, and was there before this receipt.
Status check_extends(const ReceiptBody& body, const std::vector<EarlierHead>& heads, const TreeHead& head) {
  for (const EarlierHead& earlier : heads) {
    if (earlier.size > body.sequence) {
      return Error(Code::log_proof, "earlier head: expected at most size " + std::to_string(body.sequence) + ", found " +
                                        std::to_string(earlier.size));
    }
    REDOUBT_CHECK(verify_consistency(earlier.size, earlier.root, head.size, head.root, earlier.proof));
  }
  return {};
}

void add_extends(Report& report, const std::vector<EarlierHead>& heads, const TreeHead* head) {
  if (heads.empty()) return report.not_shown("log.extends", Code::log_proof, "no earlier head in the file");
  if (head == nullptr) return report.not_shown("log.extends", Code::log_proof, "no verified checkpoint");
  report.add("log.extends", Code::log_proof, check_extends(report.body(), heads, *head));
}

// The checkpoint and the one that the verifier kept belong to one history.
void add_known_head(Report& report, const ReceiptFile& file, const VerifierKnowledge& knowledge, const TreeHead* head) {
  constexpr Code code = Code::log_proof;
  if (!knowledge.known_head) return report.not_shown("log.known_head", code, "the verifier keeps no checkpoint of this log");
  if (head == nullptr) return report.not_shown("log.known_head", code, "no verified checkpoint");
  const TreeHead& known = *knowledge.known_head;
  const bool older = known.size <= head->size;
  const TreeHead& first = older ? known : *head;
  const TreeHead& second = older ? *head : known;
  if (known.size == head->size || known.origin != head->origin) {
    return report.add("log.known_head", code, extends(first, second, {}));
  }
  if (knowledge.known_proof) return report.add("log.known_head", code, extends(first, second, *knowledge.known_proof));
  for (const EarlierHead& earlier : file.extends) {
    if (older && earlier.size == known.size) return report.add("log.known_head", code, extends(first, second, earlier.proof));
  }
  report.not_shown("log.known_head", code,
                   "no consistency proof between size " + std::to_string(first.size) + " and " + std::to_string(second.size));
}

Status check_previous(const TreeHead& link, std::string_view note, const crypto::Ed25519PublicKey& key) {
  REDOUBT_TRY(const Checkpoint checkpoint, Checkpoint::verify(note, link.origin, key));
  REDOUBT_CHECK(same("size", std::to_string(link.size), std::to_string(checkpoint.head().size)));
  return same("root", link.root.hex(), checkpoint.head().root.hex());
}

void add_previous(Report& report, const ReceiptFile& file, const VerifierKnowledge& knowledge) {
  constexpr Code code = Code::log_proof;
  if (!report.body().previous) return report.not_shown("log.previous", code, "the receipt names no log that it takes over from");
  if (file.previous.empty()) return report.not_shown("log.previous", code, "the previous checkpoint is not in the file");
  if (!knowledge.previous_key) return report.not_shown("log.previous", code, "the verifier has no key of the previous log");
  report.add("log.previous", code, check_previous(*report.body().previous, file.previous, *knowledge.previous_key));
}

void add_openings(Report& report, const std::vector<Opening>& openings) {
  for (const auto& [label, commitment] : report.body().commitments) {
    const auto opening = std::ranges::find_if(openings, [&label = label](const Opening& o) { return o.label == label; });
    if (opening == openings.end()) {
      report.not_shown("opening." + label, Code::binding, "no salt and value were given");
    } else {
      report.add("opening." + label, Code::binding, check_opening(commitment, *opening));
    }
  }
  for (const Opening& opening : openings) {
    if (!report.body().commitments.contains(opening.label)) {
      report.add("opening." + opening.label, Code::binding, Error(Code::binding, "the receipt has no such commitment"));
    }
  }
}

}  // namespace

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::passed: return "passed";
    case Outcome::failed: return "failed";
    case Outcome::not_shown: return "not shown";
  }
  std::abort();
}

const ReceiptCheck* ReceiptReport::find(std::string_view id) const {
  const auto found = std::ranges::find_if(checks, [id](const ReceiptCheck& check) { return check.id == id; });
  return found == checks.end() ? nullptr : &*found;
}

Status ReceiptReport::accepted() const {
  for (const ReceiptCheck& check : checks) {
    if (check.outcome == Outcome::failed) return Error(check.code, check.id + ": " + check.detail);
  }
  for (const std::string_view id : kMandatory) {
    const ReceiptCheck* check = find(id);
    if (check == nullptr) return Error(Code::internal, std::string(id) + ": was not made");
    if (check->outcome != Outcome::passed) return Error(check->code, check->id + ": not shown: " + check->detail);
  }
  return {};
}

Result<ReceiptReport> verify_receipt(const ReceiptFile& file, const SignerIdentity& signer,
                                     const VerifierKnowledge& knowledge) {
  const Receipt& receipt = file.receipt;
  REDOUBT_TRY(ReceiptBody parsed, ReceiptBody::parse(receipt.body));
  Report report(std::move(parsed));
  const ReceiptBody& body = report.body();

  report.add("receipt.signature", Code::chain, verify_signature(receipt, signer.receipt_key));
  report.add("receipt.identity", Code::binding, check_identity(body, signer));
  report.add("receipt.claims", Code::binding, check_claims(body, signer, file.evidence));
  report.add("receipt.evidence", Code::binding,
             same("evidence digest", receipt.evidence.hex(), file.evidence.digest().hex()));
  if (signer.measurement) {
    report.add("receipt.measurement", Code::binding, same("measurement", signer.measurement->hex(), body.measurement.hex()));
  } else {
    report.not_shown("receipt.measurement", Code::binding, "the Evidence shows no measurement of the program");
  }
  add_contract(report, file, knowledge);
  if (file.ballots.empty() && !body.approvals.empty()) {
    report.not_shown("receipt.approvals", Code::binding, "no ballots in the file");
  } else {
    report.add("receipt.approvals", Code::binding, check_approvals(body, file.ballots));
  }

  const auto checkpoint = Checkpoint::verify(receipt.checkpoint, log_origin(body.instance), signer.receipt_key);
  const TreeHead* head = checkpoint.ok() ? &checkpoint->head() : nullptr;
  report.add("log.checkpoint", Code::log_proof, head != nullptr ? Status() : Status(checkpoint.error()));
  if (head == nullptr) {
    report.not_shown("log.inclusion", Code::log_proof, "no verified checkpoint");
  } else {
    const LogEntry entry{std::string(kReceiptEntry), receipt_digest(receipt.body)};
    report.add("log.inclusion", Code::log_proof,
               verify_inclusion(entry.hash(), body.sequence, head->size, receipt.inclusion, head->root));
  }
  add_extends(report, file.extends, head);
  add_known_head(report, file, knowledge, head);
  add_previous(report, file, knowledge);
  add_openings(report, knowledge.openings);
  return report.take();
}

}  // namespace redoubt::receipt
