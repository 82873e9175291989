// Goal: every field of a report is read from its place, and fields that a version lacks are absent. Method: reports in which one byte
// or bit is set, compared with the layout of the specification.
#include "common/attest/evidence/snp/report.h"

#include "tests/support/evidence_snp.h"
#include "tests/support/expect.h"

namespace redoubt::snp {
namespace {

using amd::KeyKind;
using amd::Product;
using test::report_of;

Report with(std::size_t at, std::initializer_list<unsigned> bytes, unsigned version = 5) {
  Bytes report(kReportSize);
  report[0] = static_cast<std::byte>(version);
  for (const unsigned byte : bytes) report[at++] = static_cast<std::byte>(byte);
  return OrDie(Report::parse(report));
}

TEST(SnpReport, HasExactlyItsSizeAndAKnownVersion) {
  for (unsigned version = 0; version < 256; ++version) {
    Bytes report(kReportSize);
    report[0] = static_cast<std::byte>(version);
    EXPECT_EQ(Report::parse(report).ok(), version >= 2 && version <= 5) << version;
  }
  Bytes report(kReportSize);
  report[3] = std::byte{1};
  report[0] = std::byte{2};
  EXPECT_ERROR(Report::parse(report), Code::malformed, "version at offset 0: expected 2 to 5, found 16777218");
  for (const std::size_t size : {std::size_t{0}, kReportSize - 1, kReportSize + 1, 2 * kReportSize}) {
    EXPECT_ERROR(Report::parse(Bytes(size, std::byte{2})), Code::malformed, "sev-snp report: expected 1184 bytes");
  }
}

TEST(SnpReport, FieldsStandAtTheirOffsetsInLittleEndian) {
  EXPECT_EQ(with(0x004, {1, 2, 3, 4}).guest_svn, 0x04030201U);
  EXPECT_EQ(with(0x008, {1, 2, 3, 4, 5, 6, 7, 8}).policy.raw, 0x0807060504030201U);
  EXPECT_EQ(with(0x010, {1}).family_id.array()[0], std::byte{1});
  EXPECT_EQ(with(0x02f, {1}).image_id.array()[15], std::byte{1});
  EXPECT_EQ(with(0x030, {3}).vmpl, 3U);
  EXPECT_TRUE(with(0x030, {0xff, 0xff, 0xff, 0xff}).requested_by_host());
  EXPECT_FALSE(with(0x030, {3}).requested_by_host());
  EXPECT_EQ(with(0x034, {1}).signature_algorithm, 1U);
  EXPECT_EQ(with(0x038, {1, 2, 3, 4, 5, 6, 7, 8}).current_tcb.hex(), "0102030405060708");
  EXPECT_EQ(with(0x040, {1, 2, 3, 4, 5, 6, 7, 8}).platform.raw, 0x0807060504030201U);
  EXPECT_EQ(with(0x048, {1, 2, 3, 4}).keys.raw, 0x04030201U);
  EXPECT_EQ(with(0x08f, {1}).report_data.array()[63], std::byte{1});
  EXPECT_EQ(with(0x090, {1}).measurement.array()[0], std::byte{1});
  EXPECT_EQ(with(0x0bf, {1}).measurement.array()[47], std::byte{1});
  EXPECT_EQ(with(0x0c0, {1}).host_data.array()[0], std::byte{1});
  EXPECT_EQ(with(0x0e0, {1}).id_key_digest.array()[0], std::byte{1});
  EXPECT_EQ(with(0x110, {1}).author_key_digest.array()[0], std::byte{1});
  EXPECT_EQ(with(0x140, {1}).report_id.array()[0], std::byte{1});
  EXPECT_EQ(with(0x160, {1}).report_id_ma.array()[0], std::byte{1});
  EXPECT_EQ(with(0x180, {1, 2, 3, 4, 5, 6, 7, 8}).reported_tcb.hex(), "0102030405060708");
  EXPECT_EQ(with(0x188, {1, 2, 3}).cpuid, (CpuId{1, 2, 3}));
  EXPECT_EQ(with(0x1df, {1}).chip_id.array()[63], std::byte{1});
  EXPECT_EQ(with(0x1e0, {1, 2, 3, 4, 5, 6, 7, 8}).committed_tcb.hex(), "0102030405060708");
  EXPECT_EQ(with(0x1e8, {29, 55, 1}).current.text(), "1.55.29");
  EXPECT_EQ(with(0x1ec, {28, 54, 2}).committed.text(), "2.54.28");
  EXPECT_EQ(with(0x1f0, {1, 2, 3, 4, 5, 6, 7, 8}).launch_tcb.hex(), "0102030405060708");
  EXPECT_EQ(with(0x1f8, {1, 2}).launch_mitigations, 0x0201U);
  EXPECT_EQ(with(0x200, {3, 4}).current_mitigations, 0x0403U);
}

TEST(SnpReport, FieldsThatAVersionLacksAreAbsent) {
  EXPECT_EQ(with(0, {}, 2).cpuid, std::nullopt);
  EXPECT_EQ(with(0, {}, 2).product(), std::nullopt);
  for (const unsigned version : {3U, 4U, 5U}) EXPECT_EQ(with(0x188, {0x19, 0x01, 1}, version).product(), Product::milan);
  for (const unsigned version : {2U, 3U, 4U}) {
    EXPECT_EQ(with(0, {}, version).launch_mitigations, std::nullopt) << version;
    EXPECT_EQ(with(0, {}, version).current_mitigations, std::nullopt) << version;
  }
}

TEST(SnpReport, ReservedBytesAreThoseOfItsVersion) {
  for (unsigned version = 2; version <= 5; ++version) {
    std::size_t count = 0;
    for (std::size_t at = 1; at < kReportSize; ++at) {
      if (at < 4) continue;  // of the version itself
      const bool reserved = (at >= 0x4c && at < 0x50) || (at >= 0x188 && at < 0x18b && version == 2) || (at >= 0x18b && at < 0x1a0) ||
                            at == 0x1eb || at == 0x1ef || (at >= 0x1f8 && at < 0x208 && version < 5) || (at >= 0x208 && at < 0x2a0) ||
                            at >= 0x330;
      const Report report = with(at, {0x80}, version);
      ASSERT_EQ(report.reserved_at.has_value(), reserved) << "version " << version << " offset " << at;
      EXPECT_EQ(report.reserved_at.value_or(at), at);
      count += reserved ? 1 : 0;
    }
    EXPECT_EQ(count, 4U + 21 + 2 + 152 + 368 + (version == 2 ? 3 : 0) + (version < 5 ? 16 : 0)) << version;
  }
}

TEST(SnpReport, PolicyPlatformAndKeyBitsHaveTheirNames) {
  using Bit = bool (*)(const Report&);
  const std::pair<unsigned, Bit> policy[] = {
      {16, [](const Report& r) { return r.policy.smt(); }},           {18, [](const Report& r) { return r.policy.migrate_ma(); }},
      {19, [](const Report& r) { return r.policy.debug(); }},         {20, [](const Report& r) { return r.policy.single_socket(); }},
      {21, [](const Report& r) { return r.policy.cxl_allow(); }},     {22, [](const Report& r) { return r.policy.mem_aes_256_xts(); }},
      {23, [](const Report& r) { return r.policy.rapl_dis(); }},      {24, [](const Report& r) { return r.policy.ciphertext_hiding_dram(); }},
      {25, [](const Report& r) { return r.policy.page_swap_disable(); }}};
  for (unsigned bit = 0; bit < 64; ++bit) {
    Report report;
    report.policy.raw = std::uint64_t{1} << bit;
    for (const auto& [at, get] : policy) EXPECT_EQ(get(report), at == bit) << at << " " << bit;
    EXPECT_EQ(report.policy.reserved_ok(), bit == 17);
    report.policy.raw |= std::uint64_t{1} << 17U;
    EXPECT_EQ(report.policy.reserved_ok(), bit < 26);
  }
  const std::pair<unsigned, Bit> platform[] = {
      {0, [](const Report& r) { return r.platform.smt_en(); }},   {1, [](const Report& r) { return r.platform.tsme_en(); }},
      {2, [](const Report& r) { return r.platform.ecc_en(); }},   {3, [](const Report& r) { return r.platform.rapl_dis(); }},
      {4, [](const Report& r) { return r.platform.ciphertext_hiding_dram_en(); }},
      {5, [](const Report& r) { return r.platform.alias_check_complete(); }},
      {6, [](const Report& r) { return r.platform.iommu_write_safe(); }}, {7, [](const Report& r) { return r.platform.tio_en(); }},
      {8, [](const Report& r) { return r.platform.unknown() == 0x100; }}};
  for (unsigned bit = 0; bit < 9; ++bit) {
    Report report;
    report.platform.raw = std::uint64_t{1} << bit;
    for (const auto& [at, get] : platform) EXPECT_EQ(get(report), at == bit) << at << " " << bit;
  }
  KeyFlags keys;
  keys.raw = 0x1d;
  EXPECT_TRUE(keys.author_key_en());
  EXPECT_FALSE(keys.mask_chip_key());
  EXPECT_EQ(keys.signing_key(), 7U);
  EXPECT_TRUE(keys.reserved_zero());
  keys.raw = 0x22;
  EXPECT_TRUE(keys.mask_chip_key());
  EXPECT_EQ(keys.signing_key(), 0U);
  EXPECT_FALSE(keys.reserved_zero());
}

TEST(SnpReport, SaysInWhichOrderItsTcbVersionsStand) {
  Report report;
  const auto tcb = [](unsigned microcode) {
    amd::TcbVersion out;
    out.array()[7] = static_cast<std::byte>(microcode);
    return out;
  };
  const auto order = [&](unsigned reported, unsigned committed, unsigned current, unsigned launch) {
    report.reported_tcb = tcb(reported);
    report.committed_tcb = tcb(committed);
    report.current_tcb = tcb(current);
    report.launch_tcb = tcb(launch);
    return tcb_order(report);
  };
  EXPECT_TRUE(order(3, 3, 3, 3).in_order());
  EXPECT_FALSE(order(3, 3, 3, 3).reported_below_committed);
  EXPECT_TRUE(order(2, 3, 3, 3).in_order());
  EXPECT_TRUE(order(2, 3, 3, 3).reported_below_committed);
  EXPECT_FALSE(order(4, 3, 5, 3).in_order());
  EXPECT_FALSE(order(4, 3, 5, 3).reported_below_committed);
  EXPECT_FALSE(order(3, 4, 3, 3).in_order());
  EXPECT_TRUE(order(3, 3, 3, 2).launch_at_most_current);
  EXPECT_FALSE(order(3, 3, 3, 4).launch_at_most_current);
}

TEST(SnpReport, ProvisionalFirmwareIsFirmwareThatIsNotCommitted) {
  Report report = OrDie(Report::parse(report_of(Product::milan)));
  EXPECT_FALSE(report.provisional_firmware());
  report.current.build += 1;
  EXPECT_TRUE(report.provisional_firmware());
}

TEST(SnpReport, IsDescribedForPeopleWithoutBeingBelieved) {
  const json::Value value = describe(OrDie(parse(report_of(Product::turin))));
  const json::Object& fields = *value.object();
  EXPECT_EQ(fields.at("unverified"), json::Value(true));
  EXPECT_EQ(fields.at("product"), json::Value("Turin"));
  EXPECT_EQ(fields.at("signing_key"), json::Value("VCEK"));
  EXPECT_EQ(fields.at("current_firmware"), json::Value("1.55.29"));
  EXPECT_EQ(fields.at("launch_mitigations"), json::Value("0x3f"));
  EXPECT_EQ(fields.at("current_mitigations"), json::Value("0x7f"));
  EXPECT_EQ(fields.at("policy").object()->at("raw"), json::Value("0x3001f"));
  EXPECT_EQ(fields.at("policy").object()->at("abi"), json::Value("0.31"));
  EXPECT_EQ(fields.at("platform_info").object()->at("alias_check_complete"), json::Value(true));
  EXPECT_EQ(fields.at("reported_tcb").object()->at("fmc"), json::Value(2));
  EXPECT_EQ(fields.at("reported_tcb").object()->at("microcode"), json::Value(81));
  Bytes old = report_of(Product::milan);
  old[0] = std::byte{2};
  const json::Value second = describe(OrDie(parse(old)));
  EXPECT_FALSE(second.object()->contains("product"));
  EXPECT_FALSE(second.object()->contains("cpuid"));
  EXPECT_FALSE(second.object()->contains("launch_mitigations"));
  EXPECT_FALSE(second.object()->at("reported_tcb").object()->contains("snp")) << "the layout is not known";
}

}  // namespace
}  // namespace redoubt::snp
