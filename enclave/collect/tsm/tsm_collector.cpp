#include "enclave/collect/tsm/tsm_collector.h"

#include "enclave/collect/base/quote_check.h"
#include "enclave/collect/tsm/certificate_table.h"

namespace redoubt::collect {
namespace {

constexpr unsigned kVcekSigns = 0;
constexpr unsigned kVlekSigns = 1;

// certificates_for: those of the key that signed the report, if the host gave its leaf.
Result<std::vector<appraise::AmdCertificates>> certificates_for(const snp::Report& report, CertificateTable table) {
  const unsigned key = report.keys.signing_key();
  Bytes& leaf = key == kVlekSigns ? table.vlek : table.vcek;
  std::vector<appraise::AmdCertificates> out;
  if (leaf.empty() || (key != kVcekSigns && key != kVlekSigns)) return out;
  if (const auto parsed = amd::Leaf::parse(leaf); !parsed.ok()) return parsed.error().context("certificate table: endorsement key");
  out.push_back({std::move(leaf), std::move(table.ask), std::move(table.ark), std::move(table.crl)});
  return out;
}

}  // namespace

Result<Collection> TsmCollector::tdx(const TsmReport& report, const ReportData& data) const {
  REDOUBT_CHECK(check_quote(report.report, dcap::Tee::tdx, data));
  return Collection{{"tdx", report.report}, {}};
}

Result<Collection> TsmCollector::snp(const TsmReport& report, const ReportData& data) const {
  if (const auto parsed = snp::parse(report.report); !parsed.ok()) return parsed.error();
  REDOUBT_TRY(const snp::Report fields, snp::Report::parse(report.report));
  REDOUBT_CHECK(check_report_data(fields.report_data.view(), data));
  if (options_.privilege_level && fields.vmpl != *options_.privilege_level) {
    return Error(Code::binding, "report: expected one of VMPL " + std::to_string(*options_.privilege_level) + ", found one of VMPL " + std::to_string(fields.vmpl));
  }
  REDOUBT_TRY(CertificateTable table, CertificateTable::parse(report.certificates));
  REDOUBT_TRY(auto certificates, certificates_for(fields, std::move(table)));
  return Collection{{"snp", report.report}, std::move(certificates)};
}

Result<Collection> TsmCollector::collect(ByteView statement) {
  const ReportData data = report_data_of(statement);
  REDOUBT_TRY(const TsmReport report, reporter_.report(data).context("collecting Evidence by configfs-tsm"));
  auto collection = report.provider == "sev_guest" ? snp(report, data) : tdx(report, data);
  return std::move(collection).context("collecting Evidence by configfs-tsm from " + report.provider);
}

}  // namespace redoubt::collect
