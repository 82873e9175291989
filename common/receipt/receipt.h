// Receipts: what an enclave instance says it did, signed by its attested receipt key and placed in its log
// (docs/specs/receipt.md; docs/protocol.md section 5).
//
// The body is signed JSON with closed keys. Content appears only as salted commitments; public facts are named texts. The body
// names its own place: `sequence` is the index of its entry in the log, so that order is signed too. Enclaves issue receipts;
// a receipt that arrives from anywhere may lie in every byte until verify_receipt (receipt_file.h) has looked at it. Pure.
#pragma once

#include <map>

#include "common/base/ids.h"
#include "common/base/instant.h"
#include "common/receipt/commitment.h"
#include "common/receipt/log.h"

namespace redoubt::receipt {

inline constexpr std::string_view kReceiptType = "redoubt/receipt/1";

// What ran: the digest that the instance's Evidence showed for its program.
using Measurement = FixedBytes<struct MeasurementTag, 32>;
// SHA-256 over Fields("redoubt/approval/1", signed document), of a ballot with its signature, as it was counted.
using ApprovalDigest = FixedBytes<struct ApprovalDigestTag, 32>;
// SHA-256 over Fields("redoubt/recipient/1", public key), of the key that a result was sealed to.
using RecipientDigest = FixedBytes<struct RecipientDigestTag, 32>;
// SHA-256 over Fields("redoubt/evidence/1", format, evidence, challenge, claims): Identity Evidence with its preimage.
using EvidenceDigest = FixedBytes<struct EvidenceDigestTag, 32>;

ApprovalDigest approval_digest(std::string_view signed_document);
RecipientDigest recipient_digest(ByteView public_key);

// Commitments that every receipt has; a workload may add others.
inline constexpr std::string_view kRequest = "request";
inline constexpr std::string_view kInputs = "inputs";
inline constexpr std::string_view kParameters = "parameters";
inline constexpr std::string_view kResult = "result";

struct ReceiptBody {
  static constexpr std::size_t kMaxSize = 64 * 1024;  // bytes of canonical()
  static constexpr std::size_t kMaxItems = 64;        // of each list and map
  static constexpr std::size_t kMaxFact = 256;        // bytes of a fact

  std::string workload;  // "cleanroom", ... as in the claims
  ContractDigest contract;
  InstanceId instance;
  BootId boot;
  std::uint64_t sequence = 0;  // index of this receipt's entry in the instance's log
  Measurement measurement;
  ClaimsDigest claims;
  Interval time;                                             // [floor, host clock] when the job ended
  std::map<std::string, Commitment, std::less<>> commitments;  // request, inputs, parameters, result at least
  std::map<std::string, std::string, std::less<>> facts;       // what anyone may read, for example a declared mode
  std::vector<ApprovalDigest> approvals;                     // sorted, each once
  std::vector<RecipientDigest> recipients;                   // sorted, each once
  std::string rules;                                         // version of the rule set that was enforced
  std::optional<TreeHead> previous;  // the last checkpoint of the instance that this one takes over from

  // canonical is the one encoding. Requires what parse checks; a body that breaks it is a bug of the workload.
  std::string canonical() const;
  // parse accepts exactly what canonical() writes of a valid body: `malformed` otherwise.
  static Result<ReceiptBody> parse(std::string_view text);
  // digest = SHA-256 over Fields("redoubt/receipt/1", canonical()): the content of the log entry, and what results are bound to.
  crypto::Sha256Digest digest() const;

  friend bool operator==(const ReceiptBody& a, const ReceiptBody& b) { return a.canonical() == b.canonical(); }
};

// The digest of a body's bytes as they stand.
crypto::Sha256Digest receipt_digest(std::string_view body);

struct Receipt {
  std::string body;                    // canonical bytes of a ReceiptBody
  crypto::Ed25519Signature signature;  // by the receipt key, over Fields("redoubt/receipt/1", body)
  Proof inclusion;                     // of the entry at body.sequence, in the tree of `checkpoint`
  std::string checkpoint;              // the signed note
  EvidenceDigest evidence;             // the Identity Evidence that vouches for the receipt key

  // canonical JSON, for storage and transport; parse accepts nothing else, and verifies nothing.
  std::string json() const;
  static Result<Receipt> parse(std::string_view text);
};

// issue_receipt signs the body, appends its entry and signs the new checkpoint. `usage` when the body is not valid, names
// another instance than the log, or another sequence than log.size(); nothing was appended then.
Result<Receipt> issue_receipt(const ReceiptBody& body, const EvidenceDigest& evidence, Log& log,
                              const crypto::Ed25519PrivateKey& receipt_key);

// verify_signature: the body was signed by `receipt_key`. Ok, or `chain`.
Status verify_signature(const Receipt& receipt, const crypto::Ed25519PublicKey& receipt_key);

}  // namespace redoubt::receipt
