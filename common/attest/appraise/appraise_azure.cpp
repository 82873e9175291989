// Azure Evidence: a composite of a hardware report and a virtual TPM's quote, held against the policy's section "azure".
//
// The hardware's part is judged by the same functions as a bare report, with what the composite commits to in the place of the challenge:
// REPORT_DATA was made at boot and binds the runtime data (N14, P3). The challenge is answered by the TPM quote alone (M2).
#include "common/attest/appraise/findings.h"
#include "common/attest/appraise/wants.h"
#include "common/attest/evidence/azure/evidence.h"

namespace redoubt::appraise {
namespace {

using attest::Check;
using attest::CheckId;
using azure::Hardware;

std::vector<crypto::RootPin> ak_roots_of(const AzurePolicy& policy) {
  if (!policy.ak_roots) return {azure::kAzureVirtualTpmRoot2023};
  std::vector<crypto::RootPin> pins;
  for (const VendorRoot& root : *policy.ak_roots) pins.push_back({root.name, root.certificate, root.spki});
  return pins;
}

// not_judged: nothing failed of the hardware's part, and yet there is no authentic report: what endorses it was not given.
bool not_judged(const Findings& hardware) {
  return !hardware.snp && !hardware.quote && std::ranges::none_of(hardware.checks, [](const Check& check) { return check.outcome == attest::Outcome::failed; });
}

// judge_hardware: every check of the report or quote, by the section that the policy has for it.
Result<Findings> judge_hardware(const Evidence& report, const azure::Parts& parts, const Endorsements& endorsements, const Challenge& challenge,
                                const Policy& policy, const AzurePolicy& section, Instant now) {
  Policy inner = policy;
  inner.platforms.snp = section.snp;
  inner.platforms.tdx = section.tdx;
  Challenge bound = challenge;
  bound.report_data = parts.report_data;
  bound.unchallenged = false;
  return parts.hardware == Hardware::snp ? find_snp(report, endorsements, bound, inner, now) : find_tdx(report, endorsements, bound, inner, now);
}

azure::Outcome judge_composite(const attest::Parsed<azure::AzureEvidence>& parsed, const Findings& hardware, const Endorsements& endorsements,
                               const Challenge& challenge, const AzurePolicy& section, Instant now) {
  const std::vector<crypto::RootPin> pins = ak_roots_of(section);
  std::vector<ByteView> candidates;
  for (const crypto::Certificate& root : endorsements.tpm_roots) candidates.push_back(root.der());
  azure::Inputs inputs;
  if (hardware.snp) inputs.snp = &*hardware.snp;
  if (hardware.quote) inputs.tdx = &*hardware.quote;
  if (const auto expected = expected_report_data(challenge, crypto::Sha256Digest::size)) inputs.expected_extra_data = to_bytes(expected->view());
  if (section.pcrs) {
    for (const auto& [index, value] : *section.pcrs) inputs.required_pcrs.push_back(index);
  }
  inputs.ak_roots = pins;
  inputs.candidates = candidates;
  inputs.ak_certificate_required = section.ak_certificate_required;
  inputs.revocation = {endorsements.tpm_crls, section.require_revocation_lists};
  inputs.now = now;
  return azure::authenticate(parsed, inputs);
}

Check check_secure_boot(const AzurePolicy& section, const std::optional<bool>& secure_boot) {
  const std::string found = !secure_boot ? "not said" : *secure_boot ? "on" : "off";
  if (!section.secure_boot_required) return attest::not_applicable(CheckId::l5, "the policy takes either, found " + found);
  return compare(CheckId::l5, Code::policy, "on", found);
}

void describe(const azure::AzureEvidence& evidence, Appraisal& appraisal) {
  appraisal.pcrs = tpm::PcrValues(evidence.raw.pcrs);
  json::Object& out = appraisal.measured;
  out.emplace("claim_graph", evidence.graph.to_json());
  out.emplace("clock_safe", evidence.attest.safe);
  out.emplace("reset_count", static_cast<std::int64_t>(evidence.attest.reset_count));
  out.emplace("restart_count", static_cast<std::int64_t>(evidence.attest.restart_count));
  out.emplace("runtime_data_sha256", crypto::sha256(evidence.runtime_data).hex());
  out.emplace("user_data", hex_encode(evidence.runtime.user_data));
  if (evidence.runtime.secure_boot) out.emplace("secure_boot", *evidence.runtime.secure_boot);
  const auto* certificate = evidence.graph.edge(azure::Node::ak_certificate, azure::Node::attestation_key);
  if (certificate != nullptr && !certificate->bound) {
    appraisal.remarks.emplace_back("the certificate of the attestation key is not bound to an anchor: " + certificate->found);
  }
}

Result<Findings> find_azure(const Evidence& evidence, const Endorsements& endorsements, const Challenge& challenge, const Policy& policy, Instant now,
                            Hardware hardware) {
  const std::string name(azure::hardware_text(hardware));
  const bool speaks = policy.platforms.azure && (hardware == Hardware::snp ? policy.platforms.azure->snp.has_value() : policy.platforms.azure->tdx.has_value());
  if (!speaks) return Error(Code::policy, "the policy accepts no Azure Evidence of " + name);
  const AzurePolicy& section = *policy.platforms.azure;
  REDOUBT_TRY(const auto parsed, azure::parse(evidence.bytes).context("parsing evidence"));
  const azure::Parts parts = azure::unverified_parts(parsed);
  if (parts.hardware != hardware) {
    return Error(Code::malformed, "evidence: expected a composite of " + name + ", found one of " + std::string(azure::hardware_text(parts.hardware)));
  }
  const Evidence report{hardware == Hardware::snp ? "snp" : "tdx", to_bytes(parts.hardware_report)};  // the findings look at it
  REDOUBT_TRY(Findings findings, judge_hardware(report, parts, endorsements, challenge, policy, section, now));
  const bool unjudged = not_judged(findings);
  azure::Outcome outcome = judge_composite(parsed, findings, endorsements, challenge, section, now);
  Appraisal& appraisal = findings.appraisal;
  for (Check& check : outcome.checks) {
    // Where only the hardware's word is missing, the chain is not broken: it could not be looked at.
    const bool first_only = std::ranges::count(outcome.graph.edges, false, &azure::Edge::bound) == 1;
    if (check.id == CheckId::n15 && check.outcome == attest::Outcome::failed && first_only && unjudged) {
      check = attest::not_applicable(CheckId::n15, "no authentic report of the hardware, which could not be judged, vouches for the runtime data");
    }
    findings.checks.push_back(std::move(check));
  }
  if (outcome.validity) appraisal.validity = appraisal.validity.intersect(*outcome.validity);
  if (challenge.unchallenged && challenge.report_data.empty()) {
    appraisal.remarks.emplace_back("nobody sent a challenge: this Evidence may be old, and may be another's");
  }
  if (!outcome.authentic) {
    appraisal.measured.clear();
    for (const CheckId id : {CheckId::l5, CheckId::reference_pcrs}) findings.checks.push_back(attest::not_applicable(id, "the Evidence is not authentic"));
    return findings;
  }
  const azure::AzureEvidence& authentic = **outcome.authentic;
  describe(authentic, appraisal);
  findings.checks.push_back(check_secure_boot(section, authentic.runtime.secure_boot));
  findings.checks.push_back(check_reference_pcrs(section.pcrs ? std::optional(registers_of(*section.pcrs)) : std::nullopt, registers_of(authentic.raw.pcrs)));
  return findings;
}

}  // namespace

Result<Findings> find_azure_snp(const Evidence& evidence, const Endorsements& endorsements, const Challenge& challenge, const Policy& policy, Instant now) {
  return find_azure(evidence, endorsements, challenge, policy, now, Hardware::snp);
}

Result<Findings> find_azure_tdx(const Evidence& evidence, const Endorsements& endorsements, const Challenge& challenge, const Policy& policy, Instant now) {
  return find_azure(evidence, endorsements, challenge, policy, now, Hardware::tdx);
}

}  // namespace redoubt::appraise
