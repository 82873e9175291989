// receipt_check: is this receipt file what it says? Offline, from what the verifier holds itself.
//
// Whoever hands the file over may lie in every byte. The contract comes from the verifier; the Identity Evidence in the file is
// appraised with the contract's policy; enrolments in the file count only if a named enroller (or the verifier) signed them.
// Then verify_receipt looks at signature, log and commitments, and this room at what that leaves to its caller: acceptances,
// ballots and manifests by the contract's keys. Pure: time is a parameter.
#pragma once

#include <functional>

#include "common/attest/appraise/appraisal.h"
#include "common/jobs/cleanroom/ballot.h"
#include "common/jobs/cleanroom/result_package.h"
#include "common/receipt/receipt_file.h"

namespace redoubt::sdk {

// appraise::appraise in production.
using OfflineAppraise = std::function<Result<appraise::Appraisal>(const appraise::Evidence&, const appraise::Endorsements&,
                                                                  const appraise::Challenge&, const appraise::Policy&, Instant)>;

struct ReceiptVerifier {
  const jobs::Contract& contract;                         // held by the verifier
  std::vector<crypto::Certificate> roots;                 // candidates for the contract's trust anchors
  std::optional<crypto::Ed25519PublicKey> self;           // own enroller key
  receipt::VerifierKnowledge knowledge;                   // `contract` is filled in from above
  OfflineAppraise appraise;
  Instant now;
  std::optional<jobs::ProposalDigest> proposal = {};      // what was asked; unknown: all ballots must still speak of one proposal
};

struct ReceiptVerdict {
  std::optional<appraise::Appraisal> appraisal;
  receipt::ReceiptReport report;                // its checks, then "contract.acceptances", "contract.carried", "contract.ballots",
                                                // "contract.manifests"
  Status accepted() const;
};

// check_receipt: an Error when the file could not be looked at (`malformed`, or no Evidence that can be read).
Result<ReceiptVerdict> check_receipt(const receipt::ReceiptFile& file, ReceiptVerifier verifier);

// OpenedResult: a result package after unsealing; its commitments are not checked yet, openings_of gives what checks them.
struct OpenedResult {
  std::string text;  // the canonical table that was committed to
  receipt::Salt salt;
  jobs::ResultTable table;
};

// open_result: `binding` for a package of another receipt or for another recipient, `malformed` for a broken one.
Result<OpenedResult> open_result(ByteView sealed, const crypto::HpkePrivateKey& key, const crypto::Sha256Digest& receipt_body);

// What a query was, as its proposal says it.
struct ResultSubject {
  std::string sql;
  std::vector<jobs::ManifestDigest> manifests;
  jobs::PrivacyLevel level;
  int k;
  std::optional<jobs::Noise> noise = std::nullopt;
};

// openings_of: request, inputs, parameters and result as the program commits to them.
std::vector<receipt::Opening> openings_of(const OpenedResult& result, const ResultSubject& subject);

}  // namespace redoubt::sdk
