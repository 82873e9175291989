// Goal: the collector keeps to the kernel's own configfs-tsm, with its generations, sizes, locks and errors, and not only to our idea of
// it: without a provider, with one, with one that fails, and while somebody else writes into its entries. Method: Debian's kernel in QEMU
// with a provider that has no hardware and asks the test for reports (provider/redoubt_tsm.c): quotes and reports under test keys, which
// the verifier then accepts.
#include <cerrno>

#include "enclave/collect/tsm/certificate_table.h"
#include "enclave/collect/tsm/table_maker_test.h"
#include "tests/kernel/machine.h"
#include "tests/support/dcap_vectors.h"
#include "tests/support/evidence_snp.h"

namespace redoubt::test {
namespace {

const Bytes kStatement = to_bytes("a statement");
constexpr std::size_t kTdReportData = 520, kSnpReportData = 0x50;
// The kernel's limit for one report, TSM_OUTBLOB_MAX in include/linux/tsm.h of Linux 6.12; ours is above it.
constexpr std::size_t kKernelMaxReport = 32 * 1024;

class ConfigfsTsmInAKernel : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (missing_for_machines()) return;
    machine_ = std::make_unique<Machine>(MachineOptions{});
    // What is so before a module is loaded can be seen only once.
    no_kernel_interface_ = collect();
    for (const std::string module : {"configfs", "tsm"}) ASSERT_TRUE(machine_->ask("load " + module).ok);
    no_provider_ = collect();
    by_hand_ = machine_->ask("make-entry");
  }
  static void TearDownTestSuite() { machine_.reset(); }
  void SetUp() override {
    if (const auto missing = missing_for_machines()) GTEST_SKIP() << *missing;
  }
  // Every test leaves a kernel without entries and without a provider.
  void TearDown() override {
    if (!machine_) return;
    EXPECT_EQ(machine_->ask("folder").words, (std::vector<std::string>{"1", "0"})) << "an entry was left behind";
    if (!loaded_) return;
    EXPECT_TRUE(machine_->ask("unload redoubt_tsm").ok);
  }

  static Machine::Answer collect(const std::string& level = "-", int disturbed = 0) {
    return machine_->ask("tsm " + level + " " + std::to_string(disturbed) + " " + word(kStatement));
  }
  void load(const std::string& parameters) {
    const auto loaded = machine_->ask("load redoubt_tsm " + parameters);
    ASSERT_TRUE(loaded.ok) << loaded.text;
    loaded_ = true;
    machine_->asked = 0;
  }
  void load_tdx() {
    load("provider=tdx_guest");
    machine_->device = [this](ByteView data, unsigned) {
      put(maker_.body, kTdReportData, data);
      return Machine::Report{0, maker_.quote(), {}};
    };
  }
  void load_snp(const std::string& more = "") {
    load("provider=sev_guest" + more);
    machine_->device = [this](ByteView data, unsigned level) {
      put(sample_.report, kSnpReportData, data);
      sample_.report[0x30] = static_cast<std::byte>(level);
      sample_.resign();
      collect::TableMaker table;
      table.items = {{std::string(collect::kVcekGuid), sample_.leaf}, {std::string(collect::kAskGuid), sample_.intermediate}, {std::string(collect::kArkGuid), sample_.ark}};
      return Machine::Report{0, sample_.report, table.make()};
    };
  }
  // refused: with this code, and a text with this part.
  static void refused(const Machine::Answer& answer, std::string_view code, std::string_view part) {
    EXPECT_FALSE(answer.ok) << "succeeded";
    EXPECT_EQ(answer.code, code);
    EXPECT_NE(answer.text.find(part), std::string::npos) << answer.text;
  }

  inline static std::unique_ptr<Machine> machine_;
  inline static Machine::Answer no_kernel_interface_, no_provider_, by_hand_;
  bool loaded_ = false;
  DcapMaker maker_{4, DcapMaker::kTd10};
  SnpSample sample_;
};

TEST_F(ConfigfsTsmInAKernel, WithoutTheInterfaceOrWithoutAProviderTheErrorSaysSo) {
  refused(no_kernel_interface_, "not_found", "no configfs-tsm here, or no provider behind it");
  EXPECT_NE(no_kernel_interface_.text.find("ENOENT"), std::string::npos) << no_kernel_interface_.text;
  ASSERT_TRUE(by_hand_.ok);
  EXPECT_EQ(by_hand_.words, std::vector<std::string>{std::to_string(ENXIO)});
  refused(no_provider_, "not_found", "no configfs-tsm here, or no provider behind it");
  EXPECT_NE(no_provider_.text.find("ENXIO"), std::string::npos) << no_provider_.text;
}

TEST_F(ConfigfsTsmInAKernel, AQuoteOfTdxIsAcceptedByTheVerifier) {
  load_tdx();
  const auto answer = collect();
  ASSERT_TRUE(answer.ok) << answer.text;
  EXPECT_EQ(answer.words.at(0), "tdx");
  EXPECT_EQ(machine_->asked, 1);
  DcapCase one = made_case(maker_);
  one.quote = Machine::bytes(answer, 1);
  const DcapResult result = appraise(one);
  EXPECT_EQ(result.failed, Ids());
  ASSERT_TRUE(result.authentic.has_value());
  EXPECT_TRUE(equal((**result.authentic).report_data(), crypto::sha512(kStatement).view()));
  refused(collect("0"), "usage", "expected sev_guest, which has privilege levels");
}

TEST_F(ConfigfsTsmInAKernel, AReportOfSnpIsAcceptedWithTheCertificatesBesideIt) {
  load_snp();
  for (const std::string level : {"-", "1", "3"}) {
    const auto answer = collect(level);
    ASSERT_TRUE(answer.ok) << answer.text;
    EXPECT_EQ(answer.words.at(0), "snp");
    EXPECT_TRUE(Machine::bytes(answer, 2) == sample_.leaf);
    const auto parsed = OrDie(snp::parse(Machine::bytes(answer, 1)));
    const auto outcome = snp::authenticate(parsed, sample_.inputs());
    EXPECT_EQ(failed_ids(outcome), std::vector<std::string>());
    ASSERT_TRUE(outcome.authentic.has_value());
    EXPECT_TRUE(equal((**outcome.authentic).report.report_data.view(), crypto::sha512(kStatement).view()));
    EXPECT_EQ((**outcome.authentic).report.vmpl, level == "-" ? 0U : static_cast<unsigned>(std::stoul(level)));
  }
}

TEST_F(ConfigfsTsmInAKernel, ALevelBelowTheKernelsFloorIsRefused) {
  load_snp(" floor=2");
  refused(collect("1"), "refused", "privlevel");
  EXPECT_EQ(machine_->asked, 0);
  EXPECT_TRUE(collect("2").ok);
}

TEST_F(ConfigfsTsmInAKernel, AForeignWriteIsNoticedAndTheReportAskedForAgain) {
  load_tdx();
  for (const int times : {1, 2}) {
    machine_->asked = 0;
    const auto answer = collect("-", times);
    ASSERT_TRUE(answer.ok) << answer.text;
    EXPECT_EQ(machine_->asked, times + 1);
    const Bytes quote = Machine::bytes(answer, 1);
    EXPECT_TRUE(equal(ByteView(quote).subspan(48 + kTdReportData, 64), crypto::sha512(kStatement).view()));
  }
  machine_->asked = 0;
  refused(collect("-", 3), "unavailable", "after our writes, found");
  EXPECT_EQ(machine_->asked, 3);
}

TEST_F(ConfigfsTsmInAKernel, AgainstAWriterThatRacesNoReportOverOtherDataComesOut) {
  load_tdx();
  const auto answer = machine_->ask("race 60 " + word(kStatement));
  ASSERT_TRUE(answer.ok) << answer.text;
  ASSERT_GE(answer.words.size(), 4U);
  EXPECT_EQ(std::stoi(answer.words[0]) + std::stoi(answer.words[1]), 60) << answer.text;
  EXPECT_EQ(answer.words[2], "0") << answer.text;
  EXPECT_NE(answer.words[3], "0") << answer.text;
  RecordProperty("collected", answer.words[0]);
  RecordProperty("foreign_writes", answer.words[3]);
}

TEST_F(ConfigfsTsmInAKernel, WhatTheProviderDoesWrongIsAnErrorWithItsName) {
  load_tdx();
  const auto quote = machine_->device;
  const auto with = [&](Machine::Report report) {
    machine_->device = [report](ByteView, unsigned) { return report; };
    return collect();
  };
  refused(with({EBUSY, {}, {}}), "unavailable", "EBUSY");
  refused(with({ETIMEDOUT, {}, {}}), "unavailable", "ETIMEDOUT");
  refused(with({EIO, {}, {}}), "unavailable", "EIO");
  refused(with({EPERM, {}, {}}), "refused", "EPERM");
  refused(with({0, Bytes(100, std::byte{4}), {}}), "malformed", "tdx_guest");
  refused(with({0, Bytes(kKernelMaxReport + 1, std::byte{4}), {}}), "refused", "EFBIG");
  // A quote over somebody else's data, which the kernel has no way to see.
  put(maker_.body, kTdReportData, Bytes(64, std::byte{0xee}));
  refused(with({0, maker_.quote(), {}}), "binding", "tdx_guest");
  machine_->device = quote;
  EXPECT_TRUE(collect().ok);
}

TEST_F(ConfigfsTsmInAKernel, AnotherProviderIsRefusedByItsName) {
  load("provider=arm_cca_guest");
  refused(collect(), "refused", "expected tdx_guest or sev_guest, found arm_cca_guest");
  EXPECT_EQ(machine_->asked, 0);
}

}  // namespace
}  // namespace redoubt::test
