#include "common/attest/evidence/azure/evidence.h"

#include "common/attest/evidence/azure/authenticator.h"

namespace redoubt::azure {
namespace {

constexpr std::size_t kReportDataSize = 64;
constexpr std::size_t kReportOffset = 32;  // of the hardware report in the HCL report

Bytes expected_report_data(ByteView runtime_data) {
  Bytes out = to_bytes(crypto::sha256(runtime_data).view());
  out.resize(kReportDataSize);
  return out;
}

}  // namespace

std::string_view node_text(Node node) {
  switch (node) {
    case Node::hardware_report: return "hardware report";
    case Node::runtime_data: return "runtime data";
    case Node::attestation_key: return "attestation key";
    case Node::tpm_quote: return "TPM quote";
    case Node::pcrs: return "PCRs";
    case Node::challenge: return "challenge";
    case Node::ak_certificate: return "AK certificate";
  }
  return "";
}

const Edge* ClaimGraph::edge(Node from, Node to) const {
  for (const Edge& one : edges) {
    if (one.from == from && one.to == to) return &one;
  }
  return nullptr;
}

bool ClaimGraph::chained() const {
  constexpr Node kChain[] = {Node::hardware_report, Node::runtime_data, Node::attestation_key, Node::tpm_quote, Node::pcrs};
  for (std::size_t i = 1; i < std::size(kChain); ++i) {
    const Edge* one = edge(kChain[i - 1], kChain[i]);
    if (one == nullptr || !one->bound) return false;
  }
  return true;
}

json::Value ClaimGraph::to_json() const {
  json::Array out;
  for (const Edge& one : edges) {
    out.emplace_back(json::Object{{"from", node_text(one.from)}, {"to", node_text(one.to)}, {"bound", one.bound},
                                  {"expected", one.expected}, {"found", one.found}});
  }
  return out;
}

Result<attest::Parsed<AzureEvidence>> parse(ByteView evidence) {
  REDOUBT_TRY(RawComposite raw, RawComposite::decode(evidence));
  REDOUBT_TRY(const HclReport hcl, HclReport::parse(raw.hcl_report));
  REDOUBT_TRY(RuntimeData runtime, RuntimeData::parse(hcl.runtime_data));
  REDOUBT_TRY(tpm::Attest attest, tpm::Attest::parse(raw.attest));
  if ((hcl.hardware == Hardware::tdx) != !raw.td_quote.empty()) {
    return Error(Code::malformed, "azure evidence: expected " + std::string(hcl.hardware == Hardware::tdx ? "a TD quote" : "no TD quote") + " beside a report of " +
                                      std::string(hardware_text(hcl.hardware)));
  }
  Bytes runtime_data = to_bytes(hcl.runtime_data);
  return attest::Parsed<AzureEvidence>(
      AzureEvidence{std::move(raw), hcl.hardware, std::move(runtime), std::move(runtime_data), std::move(attest), {}, {}});
}

Parts AzureAuthenticator::parts(const attest::Parsed<AzureEvidence>& parsed) {
  const AzureEvidence& evidence = parsed.value_;
  const ByteView report = evidence.hardware == Hardware::snp ? ByteView(evidence.raw.hcl_report).subspan(kReportOffset, HclReport::kSnpReportSize)
                                                             : ByteView(evidence.raw.td_quote);
  return {evidence.hardware, report, evidence.runtime_data, expected_report_data(evidence.runtime_data)};
}

Parts unverified_parts(const attest::Parsed<AzureEvidence>& parsed) { return AzureAuthenticator::parts(parsed); }

json::Value AzureAuthenticator::describe(const attest::Parsed<AzureEvidence>& parsed) {
  const AzureEvidence& evidence = parsed.value_;
  json::Object pcrs;
  for (const auto& [pcr, value] : evidence.raw.pcrs) pcrs.emplace(std::to_string(pcr), value.hex());
  const auto flag = [](const std::optional<bool>& value) { return value ? json::Value(*value) : json::Value(); };
  return json::Object{{"verified", false},
                      {"hardware", hardware_text(evidence.hardware)},
                      {"runtime_data_sha256", crypto::sha256(evidence.runtime_data).hex()},
                      {"attestation_key_sha256", crypto::sha256(evidence.runtime.attestation_key.spki()).hex()},
                      {"secure_boot", flag(evidence.runtime.secure_boot)},
                      {"console_enabled", flag(evidence.runtime.console_enabled)},
                      {"tpm_enabled", flag(evidence.runtime.tpm_enabled)},
                      {"user_data", hex_encode(evidence.runtime.user_data)},
                      {"extra_data", hex_encode(evidence.attest.extra_data)},
                      {"clock_safe", evidence.attest.safe},
                      {"reset_count", static_cast<std::int64_t>(evidence.attest.reset_count)},
                      {"restart_count", static_cast<std::int64_t>(evidence.attest.restart_count)},
                      {"ak_certificates", static_cast<std::int64_t>(evidence.raw.ak_certificates.size())},
                      {"pcrs", pcrs}};
}

json::Value describe(const attest::Parsed<AzureEvidence>& parsed) { return AzureAuthenticator::describe(parsed); }

Outcome authenticate(const attest::Parsed<AzureEvidence>& parsed, const Inputs& inputs) { return AzureAuthenticator(parsed, inputs).run(); }

}  // namespace redoubt::azure
