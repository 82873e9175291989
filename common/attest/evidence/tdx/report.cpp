#include "common/attest/evidence/tdx/report.h"

#include "common/base/reader.h"

namespace redoubt::tdx {
namespace {

std::string hex64(std::uint64_t value) {
  std::array<std::byte, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>((value >> (8 * i)) & 0xffU);
  return hex_encode(bytes);
}

}  // namespace

Result<Report> Report::parse(ByteView bytes) {
  if (bytes.size() != kSize10 && bytes.size() != kSize15) {
    return Error(Code::malformed, "td report: expected 584 or 648 bytes, found " + std::to_string(bytes.size()));
  }
  Reader reader(bytes, "td report");
  Report report;
  report.tee_tcb_svn = reader.fixed<TcbSvn>();
  report.mr_seam = reader.fixed<SeamMeasurement>();
  report.mr_signer_seam = reader.fixed<SeamSigner>();
  report.seam_attributes = reader.u64le();
  report.attributes.bits = reader.u64le();
  report.xfam = reader.u64le();
  report.mr_td = reader.fixed<Measurement>();
  report.mr_config_id = reader.fixed<ConfigId>();
  report.mr_owner = reader.fixed<Owner>();
  report.mr_owner_config = reader.fixed<Owner>();
  for (Rtmr& rtmr : report.rtmr) rtmr = reader.fixed<Rtmr>();
  report.report_data = reader.fixed<ReportData>();
  if (bytes.size() == kSize15) {
    Extension15& more = report.v15.emplace();
    more.tee_tcb_svn2 = reader.fixed<TcbSvn>();
    more.mr_service_td = reader.fixed<Measurement>();
  }
  REDOUBT_CHECK(reader.finish());
  return report;
}

json::Value describe(const Report& report) {
  const Attributes& attributes = report.attributes;
  json::Object flags;
  flags["debug"] = attributes.debug();
  flags["hgs_plus_profile"] = attributes.hgs_plus_profile();
  flags["perf_profile"] = attributes.perf_profile();
  flags["pmt_profile"] = attributes.pmt_profile();
  flags["lass"] = attributes.lass();
  flags["sept_ve_disable"] = attributes.sept_ve_disable();
  flags["migratable"] = attributes.migratable();
  flags["pks"] = attributes.pks();
  flags["key_locker"] = attributes.key_locker();
  flags["tpa"] = attributes.tpa();
  flags["perfmon"] = attributes.perfmon();
  flags["reserved_zero"] = attributes.reserved() == 0;
  json::Object out;
  out["tee_tcb_svn"] = report.tee_tcb_svn.hex();
  out["mrseam"] = report.mr_seam.hex();
  out["mrsignerseam"] = report.mr_signer_seam.hex();
  out["seamattributes"] = hex64(report.seam_attributes);
  out["tdattributes"] = hex64(attributes.bits);
  out["attribute_flags"] = std::move(flags);
  out["xfam"] = hex64(report.xfam);
  out["mrtd"] = report.mr_td.hex();
  out["mrconfigid"] = report.mr_config_id.hex();
  out["mrowner"] = report.mr_owner.hex();
  out["mrownerconfig"] = report.mr_owner_config.hex();
  for (std::size_t i = 0; i < report.rtmr.size(); ++i) out["rtmr" + std::to_string(i)] = report.rtmr[i].hex();
  out["reportdata"] = report.report_data.hex();
  if (report.v15) {
    out["tee_tcb_svn2"] = report.v15->tee_tcb_svn2.hex();
    out["mrservicetd"] = report.v15->mr_service_td.hex();
  }
  return out;
}

}  // namespace redoubt::tdx
