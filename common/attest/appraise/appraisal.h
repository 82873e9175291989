// Appraisal: the verdict on Evidence, with every check that led to it.
//
// appraise() is a pure function of (Evidence, Endorsements, Challenge, Policy, Instant): no I/O, no clock, and the same five
// inputs give the same bytes. Checks are data: each has an id, an outcome and the two values compared. The checks that are
// mandatory for a kind of Evidence form a table fixed at compile time (verdict.h): a verdict cannot be built without all of
// them, and the reducer starts from "contraindicated". "Could not appraise" (malformed Evidence, unknown format) is an Error;
// "appraised, not trusted" is an Appraisal whose accepted() says why not. Evidence and claims come from a liar; trust anchors
// are named by the policy, never by the prover. Follows RFC 9334 and draft-ietf-rats-ear (AR4SI trust tiers).
#pragma once

#include "common/attest/appraise/policy.h"
#include "common/attest/evidence/check.h"
#include "common/attest/evidence/claims.h"
#include "common/attest/evidence/dcap/evidence.h"
#include "common/attest/evidence/gcp/confidential_space.h"
#include "common/attest/evidence/nitro/evidence.h"
#include "common/attest/evidence/snp/evidence.h"
#include "common/attest/evidence/tpm/evidence.h"
#include "common/base/instant.h"

namespace redoubt::appraise {

struct Evidence {
  std::string format;  // "tpm", ...
  Bytes bytes;
};

// What Evidence must commit to: the statement that its report data hashes (attest::session_statement or
// identity_statement), the claims inside that statement, and the contract that the Relying Party holds itself.
struct Challenge {
  Bytes statement;
  std::optional<attest::Claims> claims;  // absent: Evidence of another protocol; taken by policies with the workload "any"
  ContractDigest contract;
  // The exact report data, for Evidence that was made for another protocol than ours; empty: H(statement).
  Bytes report_data = {};
  // Nobody sent a challenge: the report data are not compared, and the result is never better than a warning. Claims would then be
  // bound by nothing, and are an error.
  bool unchallenged = false;
};

// Endorsements: what others vouch for. Only what the policy names counts; all of it is verified here.
struct AmdCertificates {
  Bytes leaf, intermediate, ark;  // DER: VCEK or VLEK, ASK or ASVK, ARK
  Bytes crl;                      // DER of the product's revocation list, or empty
};

struct Endorsements {
  std::vector<crypto::Certificate> tpm_roots;   // candidates for the policy's trust anchors
  std::vector<tpm::AkEnrolment> enrolments;     // by anyone
  std::vector<Bytes> tpm_crls;                  // DER, from anywhere: revocation lists of EK and AK authorities, at most 64
  std::optional<crypto::Ed25519PublicKey> self; // the Relying Party's own enroller key, trusted like the policy's
  // Proof objects that save checking the EK chain and enrolments' signatures again; they change no result.
  std::shared_ptr<const tpm::VerifiedEk> verified_ek;
  std::vector<tpm::VerifiedEnrolment> verified_enrolments;

  std::vector<endorse::RawCollateral> intel;  // from anywhere; of several, the best fitting with the highest evaluation number counts
  std::vector<Bytes> pck_chain;               // DER, leaf first, for quotes that carry none
  std::vector<std::shared_ptr<const endorse::VerifiedCollateral>> verified_intel;  // proof objects, as above
  std::shared_ptr<const dcap::VerifiedPckChain> verified_pck;

  std::vector<AmdCertificates> amd;           // candidates for the key that signed
  std::shared_ptr<const amd::VerifiedVcek> verified_vcek;

  std::shared_ptr<const nitro::VerifiedInstanceChain> verified_nitro;

  std::vector<crypto::Jwk> token_keys;        // the issuer's key set, pinned by the caller; empty: tokens bring a chain
};

// Trust tiers of AR4SI (draft-ietf-rats-ar4si section 2.3.2).
enum class Tier { none = 0, affirming = 2, warning = 32, contraindicated = 96 };
std::string_view tier_text(Tier tier);

struct Appraisal {
  Tier status = Tier::contraindicated;
  std::vector<attest::Check> checks;        // every check, in the order of CheckId
  std::vector<std::string> remarks;         // what lowered the status to warning, in words for people
  std::optional<std::int64_t> hardware;     // AR4SI "hardware", where the platform's TCB was judged: 2, 32, 33, 96
  bool host_asserted = true;                // the measurement is the host's word
  PolicyId policy;
  std::string format;                       // of the Evidence
  std::optional<attest::Claims> claims;     // believed only if accepted() is ok
  json::Object measured;                    // what the Evidence says, decoded; empty unless it is authentic
  std::optional<ProgramDigest> program;     // the measurement that was found, if any
  std::string program_name;                 // of the Reference Value that it equals, or empty
  tpm::PcrValues pcrs;                      // quoted values; empty unless the Evidence is authentic
  Interval validity;                        // the intersection of every interval that was looked at

  // accepted: ok for affirming and warning; otherwise the first failed check with its code and both values.
  Status accepted() const;
  const attest::Check* find(attest::CheckId id) const;
};

// appraise: `malformed` when the Evidence has no readable form, `usage` for an unknown format.
Result<Appraisal> appraise(const Evidence& evidence, const Endorsements& endorsements, const Challenge& challenge,
                           const Policy& policy, Instant now);
// appraise_prepared: the same, without computing the policy's id again.
Result<Appraisal> appraise_prepared(const Evidence& evidence, const Endorsements& endorsements, const Challenge& challenge,
                                    const PreparedPolicy& policy, Instant now);

// The result as EAR claims (draft-ietf-rats-ear): JSON, deterministic; ear.h has the CBOR form and signs.
json::Value ear(const Appraisal& appraisal, Instant now);

}  // namespace redoubt::appraise
