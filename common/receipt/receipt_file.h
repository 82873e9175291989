// ReceiptFile: one JSON file with everything a stranger needs to check a receipt offline, and verify_receipt, which does so
// (docs/specs/receipt.md).
//
// Whoever hands the file over may lie in every byte of it. Who the receipt key belongs to is Evidence appraisal, which the
// caller makes (an upper floor) and passes in as SignerIdentity; what a client knows by itself (contract id, last checkpoint,
// salts) it passes in too. verify_receipt gives a list of named checks, each passed, failed or not shown: it never hides what
// it was not given. It does not judge ballots, manifests or enrolments, it only proves which bytes the receipt speaks of.
// Pure; no clock, no I/O.
#pragma once

#include "common/receipt/receipt.h"

namespace redoubt::receipt {

inline constexpr std::string_view kReceiptFileType = "redoubt/receipt-file/1";

// An earlier head of the same log with the proof that the receipt's checkpoint extends it; ballots name such heads.
struct EarlierHead {
  std::uint64_t size = 0;
  TreeHash root;
  Proof proof;
};

// CarriedProof: why ballots that name an instance before a restart count. What participants signed is not judged here, see
// docs/specs/receipt.md, "Carried over".
struct CarriedProof {
  // A head of an old log that a ballot names, with the proof that the carried log extends it.
  struct Head {
    InstanceId instance;
    EarlierHead earlier;
  };
  std::string statement;                // canonical JSON, the same for all
  std::vector<std::string> signatures;  // of each participant over it
  std::vector<Head> heads;
};

// Identity Evidence with its preimage: report data = H("redoubt/identity/1", challenge, claims digest).
struct StoredEvidence {
  static constexpr std::size_t kMaxSize = 1U << 20;  // bytes of Evidence
  static constexpr std::size_t kMaxClaims = 4096;

  std::string format;  // "tpm", ...
  Bytes bytes;
  Challenge challenge;
  std::string claims;  // canonical JSON

  EvidenceDigest digest() const;
};

struct ReceiptFile {
  static constexpr std::size_t kMaxSize = 8U << 20;  // bytes
  static constexpr std::size_t kMaxDocuments = 64;   // of each kind
  static constexpr std::size_t kMaxDocument = 256 * 1024;

  Receipt receipt;
  StoredEvidence evidence;
  std::vector<Bytes> enrolments;         // AkEnrolments (docs/protocol.md section 1)
  std::string contract;                  // canonical JSON; empty when not shown
  std::vector<std::string> acceptances;  // participants' signatures over (contract, instance)
  std::vector<std::string> ballots;      // signed documents, as counted
  std::vector<std::string> manifests;    // signed dataset manifests
  std::vector<EarlierHead> extends;
  std::string previous;                  // the signed note that body.previous links to; empty when not shown
  std::optional<CarriedProof> carried;   // present when ballots name an instance before a restart

  std::string json() const;  // indented, for people
  // parse accepts any spelling of the same JSON with closed keys; verifies nothing.
  static Result<ReceiptFile> parse(std::string_view text);
};

// SignerIdentity: what the appraisal of the file's Evidence established about the receipt key.
struct SignerIdentity {
  crypto::Ed25519PublicKey receipt_key;
  ClaimsDigest claims;
  InstanceId instance;
  BootId boot;
  ContractDigest contract;
  std::string workload;
  std::optional<Measurement> measurement;  // absent when the Evidence shows none
};

// VerifierKnowledge: what the verifier holds itself. All of it is optional; what is absent gives "not shown".
struct VerifierKnowledge {
  std::optional<ContractDigest> contract;
  std::optional<TreeHead> known_head;   // the last checkpoint of this log that it has verified
  std::optional<Proof> known_proof;     // between known_head and the receipt's checkpoint, whichever is newer
  std::optional<crypto::Ed25519PublicKey> previous_key;  // receipt key of the instance taken over from
  std::vector<Opening> openings;        // each label at most once
};

enum class Outcome { passed, failed, not_shown };
std::string_view name_of(Outcome outcome);

struct ReceiptCheck {
  std::string id;      // stable, see docs/specs/receipt.md
  Outcome outcome;
  Code code;           // the class of what was checked: chain, binding or log_proof
  std::string detail;  // why it failed or what was not shown; empty when passed
};

struct ReceiptReport {
  ReceiptBody body;
  std::vector<ReceiptCheck> checks;  // always the same ids in the same order, then one for each commitment

  // accepted: no check failed, and signature, identity, claims, evidence, checkpoint and inclusion passed. Otherwise the
  // first reason, with its code. What was not shown beyond those is for the reader to weigh.
  Status accepted() const;
  const ReceiptCheck* find(std::string_view id) const;
};

// verify_receipt: `malformed` when the body is not one; everything else is in the report.
Result<ReceiptReport> verify_receipt(const ReceiptFile& file, const SignerIdentity& signer, const VerifierKnowledge& knowledge);

}  // namespace redoubt::receipt
