#include "common/attest/evidence/snp/report.h"

#include "common/base/reader.h"

namespace redoubt::snp {
namespace {

// Reserved bytes that must be zero: [from, to), in reports of versions up to `last`.
struct Reserved {
  std::size_t from, to;
  std::uint32_t last;
};
constexpr Reserved kReserved[] = {
    {0x04c, 0x050, 5}, {0x188, 0x18b, 2}, {0x18b, 0x1a0, 5}, {0x1eb, 0x1ec, 5},
    {0x1ef, 0x1f0, 5}, {0x1f8, 0x208, 4}, {0x208, 0x2a0, 5}, {0x330, 0x4a0, 5},
};

std::optional<std::size_t> first_not_zero(ByteView bytes, std::uint32_t version) {
  for (const Reserved& range : kReserved) {
    if (version > range.last) continue;
    const ByteView part = bytes.subspan(range.from, range.to - range.from);
    const auto at = std::ranges::find_if(part, [](std::byte b) { return b != std::byte{0}; });
    if (at != part.end()) return range.from + static_cast<std::size_t>(at - part.begin());
  }
  return std::nullopt;
}

FirmwareVersion firmware(Reader& reader) {
  FirmwareVersion out;
  out.build = reader.u8();
  out.minor = reader.u8();
  out.major = reader.u8();
  reader.bytes(1);
  return out;
}

}  // namespace

std::string FirmwareVersion::text() const {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(build);
}

Result<Report> Report::parse(ByteView bytes) {
  if (bytes.size() != kReportSize) {
    return Error(Code::malformed, "sev-snp report: expected " + std::to_string(kReportSize) + " bytes, found " +
                                      std::to_string(bytes.size()));
  }
  Reader reader(bytes, "sev-snp report");
  Report out;
  out.version = reader.u32le();
  if (out.version < kMinVersion || out.version > kMaxVersion) {
    return Error(Code::malformed, "sev-snp report: version at offset 0: expected 2 to 5, found " + std::to_string(out.version));
  }
  out.guest_svn = reader.u32le();
  out.policy.raw = reader.u64le();
  out.family_id = reader.fixed<FamilyId>();
  out.image_id = reader.fixed<ImageId>();
  out.vmpl = reader.u32le();
  out.signature_algorithm = reader.u32le();
  out.current_tcb = reader.fixed<amd::TcbVersion>();
  out.platform.raw = reader.u64le();
  out.keys.raw = reader.u32le();
  reader.bytes(4);
  out.report_data = reader.fixed<ReportData>();
  out.measurement = reader.fixed<Measurement>();
  out.host_data = reader.fixed<HostData>();
  out.id_key_digest = reader.fixed<KeyDigest>();
  out.author_key_digest = reader.fixed<KeyDigest>();
  out.report_id = reader.fixed<ReportId>();
  out.report_id_ma = reader.fixed<ReportId>();
  out.reported_tcb = reader.fixed<amd::TcbVersion>();
  CpuId cpuid;
  cpuid.family = reader.u8();
  cpuid.model = reader.u8();
  cpuid.stepping = reader.u8();
  if (out.version >= 3) out.cpuid = cpuid;
  reader.bytes(21);
  out.chip_id = reader.fixed<amd::ChipId>();
  out.committed_tcb = reader.fixed<amd::TcbVersion>();
  out.current = firmware(reader);
  out.committed = firmware(reader);
  out.launch_tcb = reader.fixed<amd::TcbVersion>();
  const std::uint64_t launch = reader.u64le();
  const std::uint64_t current = reader.u64le();
  if (out.version >= 5) {
    out.launch_mitigations = launch;
    out.current_mitigations = current;
  }
  REDOUBT_CHECK(reader.status());
  out.reserved_at = first_not_zero(bytes, out.version);
  return out;
}

std::optional<amd::Product> Report::product() const {
  return cpuid ? amd::product_of_cpu(cpuid->family, cpuid->model) : std::nullopt;
}

TcbOrder tcb_order(const Report& report) {
  TcbOrder out;
  out.reported_at_most_committed = amd::at_most(report.reported_tcb, report.committed_tcb);
  out.committed_at_most_current = amd::at_most(report.committed_tcb, report.current_tcb);
  out.launch_at_most_current = amd::at_most(report.launch_tcb, report.current_tcb);
  out.reported_below_committed = out.reported_at_most_committed && report.reported_tcb != report.committed_tcb;
  return out;
}

}  // namespace redoubt::snp
