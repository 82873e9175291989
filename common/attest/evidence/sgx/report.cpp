#include "common/attest/evidence/sgx/report.h"

#include "common/base/reader.h"

namespace redoubt::sgx {
namespace {

bool all_zero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::byte value) { return value == std::byte{0}; });
}

void put_little(std::byte* to, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<std::byte>((value >> (8 * i)) & 0xffU);
}

}  // namespace

std::array<std::byte, 16> Attributes::bytes() const {
  std::array<std::byte, 16> out{};
  put_little(out.data(), flags, 8);
  put_little(out.data() + 8, xfrm, 8);
  return out;
}

Result<Report> Report::parse(ByteView bytes) {
  Reader reader(bytes, "sgx report");
  Report report;
  report.cpu_svn = reader.fixed<CpuSvn>();
  report.misc_select = reader.u32le();
  report.reserved_zero &= all_zero(reader.bytes(12));
  report.isv_ext_prod_id = reader.fixed<ProductId>();
  report.attributes.flags = reader.u64le();
  report.attributes.xfrm = reader.u64le();
  report.mr_enclave = reader.fixed<Measurement>();
  report.reserved_zero &= all_zero(reader.bytes(32));
  report.mr_signer = reader.fixed<Signer>();
  report.reserved_zero &= all_zero(reader.bytes(32));
  report.config_id = reader.fixed<ConfigId>();
  report.isv_prod_id = reader.u16le();
  report.isv_svn = reader.u16le();
  report.config_svn = reader.u16le();
  report.reserved_zero &= all_zero(reader.bytes(42));
  report.isv_family_id = reader.fixed<FamilyId>();
  report.report_data = reader.fixed<ReportData>();
  REDOUBT_CHECK(reader.finish());
  return report;
}

json::Value describe(const Report& report) {
  std::array<std::byte, 4> misc_select{};
  put_little(misc_select.data(), report.misc_select, misc_select.size());
  const Attributes& attributes = report.attributes;
  json::Object flags;
  flags["init"] = attributes.init();
  flags["debug"] = attributes.debug();
  flags["mode64"] = attributes.mode64();
  flags["provision_key"] = attributes.provision_key();
  flags["einittoken_key"] = attributes.einittoken_key();
  flags["cet"] = attributes.cet();
  flags["kss"] = attributes.kss();
  flags["aex_notify"] = attributes.aex_notify();
  flags["reserved_zero"] = attributes.reserved() == 0;
  json::Object out;
  out["cpusvn"] = report.cpu_svn.hex();
  out["miscselect"] = hex_encode(misc_select);
  out["isvextprodid"] = report.isv_ext_prod_id.hex();
  out["attributes"] = hex_encode(attributes.bytes());
  out["attribute_flags"] = std::move(flags);
  out["mrenclave"] = report.mr_enclave.hex();
  out["mrsigner"] = report.mr_signer.hex();
  out["configid"] = report.config_id.hex();
  out["isvprodid"] = std::int64_t{report.isv_prod_id};
  out["isvsvn"] = std::int64_t{report.isv_svn};
  out["configsvn"] = std::int64_t{report.config_svn};
  out["isvfamilyid"] = report.isv_family_id.hex();
  out["reportdata"] = report.report_data.hex();
  out["reserved_zero"] = report.reserved_zero;
  return out;
}

}  // namespace redoubt::sgx
