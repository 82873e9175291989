#include "tests/support/evidence_azure.h"

#include <cstdlib>

namespace redoubt::test {
namespace {

const Signer& ak_key() { return test_signer(SignerKind::rsa2048, "azure ak"); }
const Signer& ek_key() { return test_signer(SignerKind::rsa2048, "azure ek"); }

constexpr std::size_t kSnpReportData = 0x50;
constexpr std::size_t kTdReportData = 520;  // in the body of a quote

crypto::RootPin pin_of(ByteView der) {
  const auto view = crypto::CertificateView::parse(der);
  if (!view.ok()) std::abort();
  return {"tpm test root", crypto::sha256(der), crypto::sha256(view->spki)};
}

}  // namespace

std::string runtime_data(const Signer& ak, bool secure_boot) {
  return R"({"keys":[{"kid":"HCLAkPub","key_ops":["sign"],"kty":"RSA","e":"AQAB","n":")" + base64url_encode(ak.modulus()) +
         R"("},{"kid":"HCLEkPub","key_ops":["encrypt"],"kty":"RSA","e":"AQAB","n":")" + base64url_encode(ek_key().modulus()) +
         R"("}],"vm-configuration":{"console-enabled":true,"secure-boot":)" + (secure_boot ? "true" : "false") +
         R"(,"tpm-enabled":true,"vmUniqueId":"00000000-0000-0000-0000-000000000001"},"user-data":")" + std::string(128, '0') + R"("})";
}

Bytes hcl_report(azure::Hardware hardware, ByteView hardware_report, ByteView runtime_data) {
  Bytes area = to_bytes(hardware_report);
  area.resize(azure::HclReport::kSnpReportSize);
  const auto json_size = static_cast<std::uint32_t>(runtime_data.size());
  Writer out;
  out.bytes(as_bytes("HCLA")).u32le(1).u32le(32 + 1184 + 20 + json_size).u32le(2).u32le(0).bytes(Bytes(12)).bytes(area);
  out.u32le(20 + json_size).u32le(1).u32le(hardware == azure::Hardware::snp ? 2 : 4).u32le(1).u32le(json_size).bytes(runtime_data);
  Bytes bytes = out.take();
  bytes.resize(std::max<std::size_t>(2600, (bytes.size() + 7) / 8 * 8));
  return bytes;
}

AzureSample::AzureSample(azure::Hardware with_hardware)
    : hardware(with_hardware), tdx(std::make_shared<DcapMaker>(4, DcapMaker::kTd10)), runtime(runtime_data(ak_key())), ak_roots{pin_of(tpm_test_root())} {
  quote.pcrs = tpm_values(tpm::kAlgSha256);
  expected_nonce = quote.nonce;
  leaf.subject = "0123456789ab.ConfidentialVM.test";
  leaf.issuer = "tpm test CA";
  leaf.extensions = {usage_extension(tpm::kAkUsage)};
  remake();
}

void AzureSample::remake() {
  const Bytes hash = to_bytes(crypto::sha256(as_bytes(runtime)).view());
  if (hardware == azure::Hardware::snp) {
    std::ranges::copy(hash, snp.report.begin() + kSnpReportData);
    std::fill_n(snp.report.begin() + kSnpReportData + 32, 32, std::byte{0});
    snp.resign();
    raw.hcl_report = hcl_report(hardware, snp.report, as_bytes(runtime));
    raw.td_quote.clear();
  } else {
    std::ranges::copy(hash, tdx->body.begin() + kTdReportData);
    std::fill_n(tdx->body.begin() + kTdReportData + 32, 32, std::byte{0});
    raw.td_quote = tdx->quote();
    raw.hcl_report = hcl_report(hardware, Bytes(azure::HclReport::kTdReportSize, std::byte{0x81}), as_bytes(runtime));
  }
  raw.attest = tpm_attest(quote);
  raw.signature = tpm_sign(ak_key(), tpm::kAlgRsassa, tpm::kAlgSha256, raw.attest);
  raw.pcrs.clear();
  for (const auto& [pcr, value] : quote.pcrs) std::ranges::copy(value, raw.pcrs[pcr].array().begin());
  raw.ak_certificates.clear();
  if (with_certificates) raw.ak_certificates = {tpm_ak_certificate(leaf, ak_key()), tpm_test_intermediate(), tpm_test_root()};
}

azure::Inputs AzureSample::inputs() const {
  azure::Inputs inputs;
  inputs.expected_extra_data = expected_nonce;
  inputs.required_pcrs = required_pcrs;
  inputs.ak_roots = ak_roots;
  inputs.ak_certificate_required = ak_certificate_required;
  inputs.now = now;
  return inputs;
}

azure::Outcome AzureSample::authenticate() const {
  const auto parsed = azure::parse(raw.encode());
  if (!parsed.ok()) return {};
  const azure::Parts parts = azure::unverified_parts(*parsed);
  azure::Inputs inputs = this->inputs();
  snp::Outcome snp_outcome;
  dcap::Outcome tdx_outcome;
  if (parts.hardware == azure::Hardware::snp) {
    const auto report = snp::parse(parts.hardware_report);
    if (report.ok()) snp_outcome = snp::authenticate(*report, snp.inputs());
    if (snp_outcome.authentic) inputs.snp = &*snp_outcome.authentic;
  } else {
    const auto report = dcap::parse(parts.hardware_report);
    const endorse::RootPin pins[] = {tdx->pin()};
    if (report.ok()) tdx_outcome = dcap::authenticate(*report, {.roots = pins, .now = now});
    if (tdx_outcome.authentic) inputs.tdx = &*tdx_outcome.authentic;
  }
  return azure::authenticate(*parsed, inputs);
}

std::set<std::string> AzureSample::failures() const {
  const azure::Outcome outcome = authenticate();
  if (outcome.checks.empty()) return {"parse"};
  std::set<std::string> ids;
  for (const attest::Check& check : outcome.checks) {
    if (check.outcome == attest::Outcome::failed) ids.emplace(attest::id_text(check.id));
  }
  if (outcome.checks.size() != 7 || ids.empty() != outcome.authentic.has_value()) std::abort();
  return ids;
}

}  // namespace redoubt::test
