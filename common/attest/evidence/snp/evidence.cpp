#include "common/attest/evidence/snp/evidence.h"

#include "common/attest/evidence/snp/authenticator.h"

namespace redoubt::snp {
namespace {

std::string hex_of(std::uint64_t value) {
  std::array<std::byte, 8> big{};
  for (std::size_t at = 0; at < big.size(); ++at) big[at] = static_cast<std::byte>(value >> (56U - 8U * at));
  const std::string digits = hex_encode(big);
  const std::size_t first = digits.find_first_not_of('0');
  return "0x" + (first == std::string::npos ? "0" : digits.substr(first));
}

json::Value integer(std::uint64_t value) { return static_cast<std::int64_t>(value); }

json::Value tcb_of(const amd::TcbVersion& tcb, const std::optional<amd::Product>& product) {
  json::Object out{{"hex", tcb.hex()}};
  if (product) {
    const amd::TcbParts parts = amd::tcb_parts(tcb, *product);
    if (parts.fmc) out.emplace("fmc", integer(*parts.fmc));
    out.emplace("boot_loader", integer(parts.boot_loader));
    out.emplace("tee", integer(parts.tee));
    out.emplace("snp", integer(parts.snp));
    out.emplace("microcode", integer(parts.microcode));
  }
  return out;
}

json::Value policy_of(const GuestPolicy& policy) {
  return json::Object{{"raw", hex_of(policy.raw)},
                      {"abi", std::to_string(policy.abi_major()) + "." + std::to_string(policy.abi_minor())},
                      {"smt", policy.smt()},
                      {"migrate_ma", policy.migrate_ma()},
                      {"debug", policy.debug()},
                      {"single_socket", policy.single_socket()},
                      {"cxl_allow", policy.cxl_allow()},
                      {"mem_aes_256_xts", policy.mem_aes_256_xts()},
                      {"rapl_dis", policy.rapl_dis()},
                      {"ciphertext_hiding_dram", policy.ciphertext_hiding_dram()},
                      {"page_swap_disable", policy.page_swap_disable()}};
}

json::Value platform_of(const PlatformInfo& platform) {
  return json::Object{{"raw", hex_of(platform.raw)},
                      {"smt_en", platform.smt_en()},
                      {"tsme_en", platform.tsme_en()},
                      {"ecc_en", platform.ecc_en()},
                      {"rapl_dis", platform.rapl_dis()},
                      {"ciphertext_hiding_dram_en", platform.ciphertext_hiding_dram_en()},
                      {"alias_check_complete", platform.alias_check_complete()},
                      {"iommu_write_safe", platform.iommu_write_safe()},
                      {"tio_en", platform.tio_en()},
                      {"unknown", hex_of(platform.unknown())}};
}

std::string signing_key_of(unsigned value) {
  if (value == 0) return "VCEK";
  if (value == 1) return "VLEK";
  return value == 7 ? "none" : "reserved " + std::to_string(value);
}

}  // namespace

std::optional<amd::ChipId> SnpEvidence::chip_id() const {
  if (!report.chip_id_masked()) return report.chip_id;
  return endorsement.leaf.chip_id;
}

Result<attest::Parsed<SnpEvidence>> parse(ByteView report) {
  SnpEvidence value;
  REDOUBT_TRY(value.report, Report::parse(report));
  std::ranges::copy(report, value.bytes.begin());
  return attest::Parsed<SnpEvidence>(std::move(value));
}

json::Value SnpAuthenticator::describe(const attest::Parsed<SnpEvidence>& parsed) {
  const Report& report = parsed.value_.report;
  const auto product = report.product();
  json::Object out{{"unverified", true},
                   {"format", "sev-snp"},
                   {"version", integer(report.version)},
                   {"guest_svn", integer(report.guest_svn)},
                   {"policy", policy_of(report.policy)},
                   {"family_id", report.family_id.hex()},
                   {"image_id", report.image_id.hex()},
                   {"vmpl", integer(report.vmpl)},
                   {"signature_algorithm", integer(report.signature_algorithm)},
                   {"current_tcb", tcb_of(report.current_tcb, product)},
                   {"platform_info", platform_of(report.platform)},
                   {"author_key_en", report.keys.author_key_en()},
                   {"mask_chip_key", report.keys.mask_chip_key()},
                   {"signing_key", signing_key_of(report.keys.signing_key())},
                   {"report_data", report.report_data.hex()},
                   {"measurement", report.measurement.hex()},
                   {"host_data", report.host_data.hex()},
                   {"id_key_digest", report.id_key_digest.hex()},
                   {"author_key_digest", report.author_key_digest.hex()},
                   {"report_id", report.report_id.hex()},
                   {"report_id_ma", report.report_id_ma.hex()},
                   {"reported_tcb", tcb_of(report.reported_tcb, product)},
                   {"chip_id", report.chip_id.hex()},
                   {"committed_tcb", tcb_of(report.committed_tcb, product)},
                   {"current_firmware", report.current.text()},
                   {"committed_firmware", report.committed.text()},
                   {"provisional_firmware", report.provisional_firmware()},
                   {"launch_tcb", tcb_of(report.launch_tcb, product)}};
  if (report.cpuid) {
    out.emplace("cpuid", json::Object{{"family", integer(report.cpuid->family)},
                                      {"model", integer(report.cpuid->model)},
                                      {"stepping", integer(report.cpuid->stepping)}});
  }
  if (product) out.emplace("product", std::string(amd::product_text(*product)));
  if (report.launch_mitigations) out.emplace("launch_mitigations", hex_of(*report.launch_mitigations));
  if (report.current_mitigations) out.emplace("current_mitigations", hex_of(*report.current_mitigations));
  return out;
}

json::Value describe(const attest::Parsed<SnpEvidence>& parsed) { return SnpAuthenticator::describe(parsed); }

}  // namespace redoubt::snp
