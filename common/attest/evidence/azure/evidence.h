// Azure Evidence: a hardware report (SEV-SNP or TDX) and a quote of the paravisor's virtual TPM, as one small graph of claims.
//
//   hardware report --SHA-256 in REPORT_DATA--> runtime data --names--> attestation key --signs--> TPM quote --digest--> PCRs
//                                                                  AK certificate --of this key--^          ^--extraData-- challenge
//
// The hardware report is made once at boot: it is not fresh and says so by carrying no challenge. Fresh is the TPM quote alone, whose
// extraData is the challenge (N15, M2). The attester sends it and may lie in every byte; whoever holds an authentic report must show
// here that it is the one of this composite. authenticate() makes every edge with both compared values, bound or unbound, and the
// checks M1 to M6 and N15. What measurements, PCRs and Secure Boot must be is decided on a floor above. Pure, no clock, thread-safe.
// docs/specs/azure.md.
#pragma once

#include "common/attest/evidence/azure/composite.h"
#include "common/attest/evidence/azure/hcl_report.h"
#include "common/attest/evidence/check.h"
#include "common/attest/evidence/dcap/evidence.h"
#include "common/attest/evidence/snp/evidence.h"
#include "common/attest/evidence/tpm/certificates.h"
#include "common/attest/evidence/tpm/quote.h"
#include "common/attest/evidence/type_state.h"
#include "common/base/json.h"
#include "common/crypto/root_pin.h"

namespace redoubt::azure {

// Azure Virtual TPM Root Certificate Authority 2023, valid 2023-06-01 to 2048-06-01.
inline constexpr crypto::RootPin kAzureVirtualTpmRoot2023{
    "Azure Virtual TPM Root Certificate Authority 2023",
    crypto::digest_literal("e6c596b17f8ffefba5c300f714cfb1260c6028704ecf7becc4ab5018efb00e95"),
    crypto::digest_literal("5cbc52672ae101263c2976736044a964c1182ce9412c39937183baddcccb8cdf")};

enum class Node { hardware_report, runtime_data, attestation_key, tpm_quote, pcrs, challenge, ak_certificate };
std::string_view node_text(Node node);

// Edge: one claim that is bound to another by a comparison, or is not.
struct Edge {
  Node from, to;
  bool bound = false;
  std::string expected, found;  // both compared values
};

struct ClaimGraph {
  std::vector<Edge> edges;  // from the hardware to the PCRs, then what else there is; each pair of nodes at most once

  const Edge* edge(Node from, Node to) const;
  // chained: the hardware report reaches the PCRs by bound edges.
  bool chained() const;
  json::Value to_json() const;
};

// What authentic Evidence says.
struct AzureEvidence {
  using Authenticator = class AzureAuthenticator;

  RawComposite raw;
  Hardware hardware = Hardware::snp;
  RuntimeData runtime;
  Bytes runtime_data;  // the exact JSON
  tpm::Attest attest;
  ClaimGraph graph;                                // empty until authenticate() has made it
  std::optional<crypto::Sha256Digest> ak_anchor;   // SHA-256 of the DER of the root that the AK's certificates lead to
};

// parse: composite, HCL report, runtime data and quote have their form, and there is a TD quote exactly where the hardware is TDX;
// `malformed` otherwise.
Result<attest::Parsed<AzureEvidence>> parse(ByteView evidence);

// describe: the decoded fields for people, with "verified": false.
json::Value describe(const attest::Parsed<AzureEvidence>& parsed);

// What a caller needs to have the hardware's part judged first. Views into `parsed`; nothing believed.
struct Parts {
  Hardware hardware = Hardware::snp;
  ByteView hardware_report;            // SEV-SNP report, or TD quote
  ByteView runtime_data;
  Bytes report_data;                   // 64 bytes: what REPORT_DATA must be: SHA-256 of the runtime data, then zeros
};
Parts unverified_parts(const attest::Parsed<AzureEvidence>& parsed);

// What the verifier brings. Borrowed for the call.
struct Inputs {
  // The authentic report of this very composite: the one of its hardware. Null, or another's: the first edge is unbound.
  const attest::Authentic<snp::SnpEvidence>* snp = nullptr;
  const attest::Authentic<dcap::Quote>* tdx = nullptr;
  // The challenge; nothing: nobody sent one, and M2 is not applicable.
  std::optional<Bytes> expected_extra_data;
  std::vector<int> required_pcrs;
  // Anchors of AK certificates: pins, and certificates that may be what they hold (those of the Evidence are looked at too).
  std::span<const crypto::RootPin> ak_roots = std::span(&kAzureVirtualTpmRoot2023, 1);
  std::span<const ByteView> candidates = {};
  bool ak_certificate_required = false;
  // Of AK certificates that lead to an anchor; a revoked one is refused whether or not one is required.
  tpm::Revocation revocation = {};
  Instant now;
};

struct Outcome {
  std::vector<attest::Check> checks;  // N15, M1 to M6: each once, in this order
  ClaimGraph graph;
  // Present when no check failed. M5 and M6 do not apply where no AK certificate came along, or where it leads to no anchor and none is
  // required: then its edge is unbound, which the caller tells.
  std::optional<attest::Authentic<AzureEvidence>> authentic;
  std::optional<Interval> validity;   // of the AK certificates, where they were accepted
};

Outcome authenticate(const attest::Parsed<AzureEvidence>& parsed, const Inputs& inputs);

}  // namespace redoubt::azure
