// SEV-SNP Evidence: a report with the certificates of the key that signed it, and authenticate(), which judges its authenticity.
//
// The attester sends it and may lie in every byte; the host and the network between may change it. authenticate() runs the
// checks N1 to N7 and N13 (check.h), whether or not an earlier one failed, and gives the report (Authentic<SnpEvidence>) only if
// none has failed. What measurement, policy, versions and report data must be (N8 to N12, N14) is decided on a floor above, from the
// typed fields. A report carries no time: fresh is only what REPORT_DATA binds to a challenge. Pure, no clock, no I/O,
// thread-safe. AMD 56860 section 7.3, AMD 57230. Page: docs/specs/snp.md.
#pragma once

#include "common/attest/endorse/amd/chain.h"
#include "common/attest/evidence/check.h"
#include "common/attest/evidence/snp/report.h"
#include "common/attest/evidence/type_state.h"
#include "common/base/json.h"

namespace redoubt::snp {

// Endorsement: what the certificates of the signing key say, verified.
struct Endorsement {
  amd::Product product = amd::Product::milan;
  amd::KeyKind signing_key = amd::KeyKind::vcek;
  amd::LeafExtensions leaf;   // TCB, product name, chip id or cloud provider
  SpkiDigest key;             // SHA-256 of the signing key's SubjectPublicKeyInfo
  SpkiDigest anchor;          // the pin of the ARK that the chain leads to
  bool revocation_checked = false;  // a revocation list was given and N13 passed
};

// What authentic Evidence says.
struct SnpEvidence {
  using Authenticator = class SnpAuthenticator;

  std::array<std::byte, kReportSize> bytes{};
  Report report;
  Endorsement endorsement;  // empty until authentic

  amd::TcbParts reported_tcb() const { return amd::tcb_parts(report.reported_tcb, endorsement.product); }
  amd::TcbParts committed_tcb() const { return amd::tcb_parts(report.committed_tcb, endorsement.product); }
  amd::TcbParts current_tcb() const { return amd::tcb_parts(report.current_tcb, endorsement.product); }
  amd::TcbParts launch_tcb() const { return amd::tcb_parts(report.launch_tcb, endorsement.product); }
  // chip_id: of the report; where the platform masks it, of the VCEK, which is of one chip. Nothing where a VLEK signed and the
  // report has none.
  std::optional<amd::ChipId> chip_id() const;
};

// parse: the length and a known version; `malformed` otherwise. Everything else that can be wrong is a failed check, so that one
// sees which.
Result<attest::Parsed<SnpEvidence>> parse(ByteView report);

// describe: the decoded fields for people, numbers in hexadecimal where they are bit fields. Unverified, and it says so. TCB versions are
// split into parts where the report names its product.
json::Value describe(const attest::Parsed<SnpEvidence>& parsed);

// What the verifier brings. Borrowed for the call.
struct Inputs {
  ByteView leaf;          // DER of the VCEK or VLEK
  ByteView intermediate;  // DER of the ASK or ASVK
  ByteView ark;           // DER; trusted only through `anchors`
  std::span<const amd::Anchor> anchors = amd::production_anchors();
  Instant now;
  ByteView crl = {};      // DER of the product's revocation list; empty: none at hand
  // From caches. Used only if they are about the very bytes above, lead to one of `anchors`, and now is inside: they change no
  // result, and leave one signature to verify.
  const amd::VerifiedVcek* verified_vcek = nullptr;
  const amd::VerifiedCrl* verified_crl = nullptr;
};

struct Outcome {
  std::vector<attest::Check> checks;  // N1 to N7, N13: each once, in this order
  // Present when no check failed. N7 does not apply where the chip id is masked, N13 where no list is given: whether that is enough is
  // the policy's to say.
  std::optional<attest::Authentic<SnpEvidence>> authentic;
  Interval validity{Instant(1), Instant(0)};  // of chain and list; empty when the chain was not accepted
};

Outcome authenticate(const attest::Parsed<SnpEvidence>& parsed, const Inputs& inputs);

}  // namespace redoubt::snp
