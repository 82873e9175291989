// Goal: one statement in, Evidence out that the verifier accepts, over TDX and SEV-SNP; whatever the kernel, another user or the host does
// wrong is an error with the expected code, and no entry is left behind. Method: a fake configfs that keeps the kernel's rules, with
// quotes and reports under test keys; and the real kernel over a furnished temporary folder.
#include "enclave/collect/tsm/tsm_collector.h"

#include <filesystem>
#include <fstream>

#include "enclave/collect/base/posix_file_calls.h"
#include "enclave/collect/tsm/certificate_table.h"
#include "enclave/collect/tsm/fake_configfs_test.h"
#include "enclave/collect/tsm/table_maker_test.h"
#include "tests/support/dcap_vectors.h"
#include "tests/support/evidence_snp.h"
#include "tests/support/fixed_random.h"

namespace redoubt::collect {
namespace {

const Bytes kTsmStatement = to_bytes("a statement");
constexpr std::size_t kTdReportData = 520;
constexpr std::size_t kSnpReportData = 0x50;

// TsmMachine: a fake kernel and a collector over it.
struct TsmMachine {
  explicit TsmMachine(const std::string& provider, std::optional<unsigned> level = {})
      : kernel(provider), collector(kernel, random, {kernel.root, level}) {}

  Result<Collection> collect() {
    auto result = collector.collect(kTsmStatement);
    EXPECT_TRUE(kernel.entries.empty()) << "an entry was left behind";
    EXPECT_EQ(kernel.open_files, 0);
    return result;
  }

  test::FixedRandom random{7};
  FakeConfigfs kernel;
  TsmCollector collector;
};

struct TdxMachine : TsmMachine {
  explicit TdxMachine(std::optional<unsigned> level = {}) : TsmMachine("tdx_guest", level) {
    kernel.device = [this](ByteView data, unsigned) {
      test::put(maker.body, kTdReportData, data);
      return maker.quote();
    };
  }
  test::DcapMaker maker{4, test::DcapMaker::kTd10};
};

struct SnpMachine : TsmMachine {
  explicit SnpMachine(amd::KeyKind kind = amd::KeyKind::vcek, std::optional<unsigned> level = {}) : TsmMachine("sev_guest", level), sample(amd::Product::milan, kind) {
    kernel.device = [this](ByteView data, unsigned vmpl) {
      test::put(sample.report, kSnpReportData, data);
      sample.report[0x30] = static_cast<std::byte>(vmpl);
      sample.resign();
      return sample.report;
    };
    table.items = {{std::string(kind == amd::KeyKind::vcek ? kVcekGuid : kVlekGuid), sample.leaf},
                   {std::string(kAskGuid), sample.intermediate},
                   {std::string(kArkGuid), sample.ark}};
    kernel.auxblob = table.make();
  }
  test::SnpSample sample;
  TableMaker table;
};

TEST(TsmCollectorTest, AQuoteOfTdxIsAcceptedByTheVerifier) {
  TdxMachine machine;
  const Collection collection = OrDie(machine.collect());
  EXPECT_EQ(collection.evidence.format, "tdx");
  EXPECT_TRUE(collection.untrusted_amd.empty());
  EXPECT_EQ(machine.kernel.last_inblob, to_bytes(crypto::sha512(kTsmStatement).view()));
  test::DcapCase one = test::made_case(machine.maker);
  one.quote = collection.evidence.bytes;
  const test::DcapResult result = test::appraise(one);
  EXPECT_EQ(result.failed, test::Ids());
  EXPECT_TRUE(equal((**result.authentic).report_data(), crypto::sha512(kTsmStatement).view()));
}

TEST(TsmCollectorTest, AReportOfSnpIsAcceptedWithTheCertificatesThatCameWithIt) {
  for (const amd::KeyKind kind : {amd::KeyKind::vcek, amd::KeyKind::vlek}) {
    SnpMachine machine(kind);
    const Collection collection = OrDie(machine.collect());
    EXPECT_EQ(collection.evidence.format, "snp");
    ASSERT_EQ(collection.untrusted_amd.size(), 1U);
    const appraise::AmdCertificates& certificates = collection.untrusted_amd.front();
    const auto parsed = OrDie(snp::parse(collection.evidence.bytes));
    snp::Inputs inputs = machine.sample.inputs();
    inputs.leaf = certificates.leaf;
    inputs.intermediate = certificates.intermediate;
    inputs.ark = certificates.ark;
    const auto outcome = snp::authenticate(parsed, inputs);
    EXPECT_EQ(test::failed_ids(outcome), std::vector<std::string>());
    EXPECT_TRUE(equal((**outcome.authentic).report.report_data.view(), crypto::sha512(kTsmStatement).view()));
  }
}

TEST(TsmCollectorTest, EachReportHasAnEntryOfItsOwn) {
  TdxMachine machine;
  std::set<std::string> names;
  machine.kernel.while_reporting = [&] { names.insert(machine.kernel.entries.begin()->first); };
  for (int i = 0; i < 5; ++i) EXPECT_OK(machine.collect());
  EXPECT_EQ(names.size(), 5U);
  for (const std::string& name : names) EXPECT_TRUE(name.starts_with("/tsm/report/redoubt-")) << name;
}

TEST(TsmCollectorTest, AHostWithoutCertificatesIsNoError) {
  SnpMachine machine;
  machine.kernel.auxblob.clear();
  EXPECT_TRUE(OrDie(machine.collect()).untrusted_amd.empty());
  machine.kernel.has_auxblob = false;
  EXPECT_TRUE(OrDie(machine.collect()).untrusted_amd.empty());
  // Authorities without the key's own certificate, and the certificate of another kind of key, are of no use.
  machine.kernel.has_auxblob = true;
  machine.table.items.erase(machine.table.items.begin());
  machine.kernel.auxblob = machine.table.make();
  EXPECT_TRUE(OrDie(machine.collect()).untrusted_amd.empty());
  machine.table.items.push_back({std::string(kVlekGuid), machine.sample.leaf});
  machine.kernel.auxblob = machine.table.make();
  EXPECT_TRUE(OrDie(machine.collect()).untrusted_amd.empty());
}

TEST(TsmCollectorTest, WrongCertificatesAreNotPassedOn) {
  SnpMachine machine;
  machine.kernel.auxblob.pop_back();
  EXPECT_ERROR(machine.collect(), Code::malformed, "from sev_guest: certificate table: entry 2");
  machine.table.items[0].content = machine.sample.ark;  // a certificate, but no endorsement key's
  machine.kernel.auxblob = machine.table.make();
  EXPECT_ERROR(machine.collect(), Code::malformed, "certificate table: endorsement key");
  machine.kernel.auxblob = Bytes(CertificateTable::kMaxSize + 1);
  EXPECT_ERROR(machine.collect(), Code::malformed, "/auxblob: expected at most 65536 bytes, found more");
  machine.kernel.faults["read auxblob"] = {EIO};
  EXPECT_ERROR(machine.collect(), Code::unavailable, "/auxblob: expected at most 65536 bytes, found EIO");
}

TEST(TsmCollectorTest, APrivilegeLevelIsAskedForAndCompared) {
  for (const unsigned level : {0U, 1U, 3U}) {
    SnpMachine machine(amd::KeyKind::vcek, level);
    const auto collection = OrDie(machine.collect());
    EXPECT_EQ(OrDie(snp::Report::parse(collection.evidence.bytes)).vmpl, level);
  }
  SnpMachine machine(amd::KeyKind::vcek, 2);
  machine.kernel.floor = 3;
  EXPECT_ERROR(machine.collect(), Code::refused, "/privlevel: expected to write 1 bytes, found EINVAL");
  machine.kernel.floor = 0;
  const auto device = machine.kernel.device;
  machine.kernel.device = [&](ByteView data, unsigned) { return device(data, 1); };
  EXPECT_ERROR(machine.collect(), Code::binding, "report: expected one of VMPL 2, found one of VMPL 1");
  EXPECT_ERROR(SnpMachine(amd::KeyKind::vcek, 4).collect(), Code::usage, "privilege level: expected 0 to 3, found 4");
  EXPECT_ERROR(TdxMachine(0).collect(), Code::usage, "/provider: expected sev_guest, which has privilege levels, found tdx_guest");
}

TEST(TsmCollectorTest, SomebodyElsesWriteMakesItAskAgainAFewTimes) {
  TdxMachine machine;
  machine.kernel.foreign_writes = TsmReporter::kAttempts - 1;
  EXPECT_OK(machine.collect());
  EXPECT_EQ(machine.kernel.made, TsmReporter::kAttempts);
  machine.kernel.foreign_writes = 100;
  EXPECT_ERROR(machine.collect(), Code::unavailable, "/generation: expected 1 after our writes, found 2, 3 times in a row");
  EXPECT_EQ(machine.kernel.made, 2 * TsmReporter::kAttempts);
}

TEST(TsmCollectorTest, AWriteThatTheKernelSwallowedIsNoticed) {
  TdxMachine machine;
  machine.kernel.loses_inblob = true;
  EXPECT_ERROR(machine.collect(), Code::unavailable, "/generation: expected 1 after our writes, found 0, 3 times in a row");
}

TEST(TsmCollectorTest, TheGenerationMayWrapAndMustBeANumber) {
  TdxMachine machine;
  machine.kernel.first_generation = ~std::uint64_t{0};
  EXPECT_OK(machine.collect());
  machine.kernel.generation_text = "soon";
  EXPECT_ERROR(machine.collect(), Code::malformed, "/generation: expected a decimal number, found \"soon\"");
}

TEST(TsmCollectorTest, AnAbsentInterfaceOrProviderSaysSo) {
  TdxMachine machine;
  machine.kernel.present = false;
  EXPECT_ERROR(machine.collect(), Code::not_found, "no configfs-tsm here, or no provider behind it: /tsm/report/redoubt-");
  machine.kernel.present = true;
  machine.kernel.provider = "";
  EXPECT_ERROR(machine.collect(), Code::not_found, "expected to make a folder, found ENXIO");
  machine.kernel.provider = "arm_cca_guest";
  EXPECT_ERROR(machine.collect(), Code::refused, "/provider: expected tdx_guest or sev_guest, found arm_cca_guest");
  machine.kernel.provider = "tdx\x01guest";
  EXPECT_ERROR(machine.collect(), Code::malformed, "/provider: expected one line of text");
  machine.kernel.provider = std::string(65, 'x');
  EXPECT_ERROR(machine.collect(), Code::malformed, "/provider: expected at most 64 bytes");
}

TEST(TsmCollectorTest, TakenNamesAreTriedAnewAFewTimes) {
  TdxMachine machine;
  machine.kernel.taken_names = TsmReporter::kAttempts - 1;
  EXPECT_OK(machine.collect());
  machine.kernel.taken_names = TsmReporter::kAttempts;
  EXPECT_ERROR(machine.collect(), Code::unavailable, "/tsm/report: expected a random name that is free, found 3 taken");
}

TEST(TsmCollectorTest, EachCallThatFailsIsAnErrorAndLeavesNoEntry) {
  struct Case {
    const char* call;
    int error;
    Code code;
  };
  for (const Case& one : {Case{"mkdir", EACCES, Code::refused}, Case{"mkdir", ENOMEM, Code::unavailable}, Case{"open provider", EACCES, Code::refused},
                          Case{"read provider", EIO, Code::unavailable}, Case{"open generation", ENOENT, Code::not_found}, Case{"open inblob", EACCES, Code::refused},
                          Case{"write inblob", EBUSY, Code::unavailable}, Case{"write inblob", EINVAL, Code::refused}, Case{"close inblob", EIO, Code::unavailable},
                          Case{"open outblob", ENOENT, Code::not_found}, Case{"read outblob", EINVAL, Code::refused}, Case{"read outblob", EBUSY, Code::unavailable},
                          Case{"read outblob", ETIMEDOUT, Code::unavailable}, Case{"read outblob", EIO, Code::unavailable}}) {
    TdxMachine machine;
    machine.kernel.faults[one.call] = {one.error};
    EXPECT_ERROR(machine.collect(), one.code, "collecting Evidence by configfs-tsm: ") << one.call;
    EXPECT_OK(machine.collect()) << one.call;
  }
  TdxMachine machine;
  machine.kernel.short_writes = true;
  EXPECT_ERROR(machine.collect(), Code::unavailable, "/inblob: expected to write 64 bytes, found 63 taken");
}

TEST(TsmCollectorTest, InterruptionsAreRepeated) {
  TdxMachine machine;
  machine.kernel.faults["mkdir"] = machine.kernel.faults["write inblob"] = {EINTR};
  machine.kernel.faults["read outblob"] = {EINTR, EWOULDBLOCK, EINTR};
  EXPECT_OK(machine.collect());
  EXPECT_EQ(machine.kernel.made, 1);
  machine.kernel.faults["read outblob"] = std::deque<int>(100, EWOULDBLOCK);
  EXPECT_ERROR(machine.collect(), Code::unavailable, "/outblob: expected at most 65536 bytes, found EAGAIN");
}

TEST(TsmCollectorTest, ReportsAboutSomethingElseAreNotPassedOn) {
  TdxMachine tdx;
  const auto quote = tdx.kernel.device;
  tdx.kernel.device = [&](ByteView data, unsigned level) {
    Bytes other = to_bytes(data);
    other[63] ^= std::byte{1};
    return quote(other, level);
  };
  EXPECT_ERROR(tdx.collect(), Code::binding, "from tdx_guest: report data: expected " + crypto::sha512(kTsmStatement).hex());
  tdx.kernel.device = [](ByteView, unsigned) { return Bytes(); };
  EXPECT_ERROR(tdx.collect(), Code::malformed, "/outblob: expected a report, found nothing");
  tdx.kernel.device = [](ByteView, unsigned) { return Bytes(100); };
  EXPECT_ERROR(tdx.collect(), Code::malformed, "from tdx_guest: ");
  tdx.kernel.device = [](ByteView, unsigned) { return Bytes(TsmReporter::kMaxReport + 1); };
  EXPECT_ERROR(tdx.collect(), Code::malformed, "/outblob: expected at most 65536 bytes, found more");
  test::DcapMaker enclave(3, test::DcapMaker::kSgx);
  tdx.kernel.device = [&](ByteView data, unsigned) {
    test::put(enclave.body, 320, data);
    return enclave.quote();
  };
  EXPECT_ERROR(tdx.collect(), Code::binding, "quote: expected one of TDX, found one of SGX");

  SnpMachine snp;
  const auto report = snp.kernel.device;
  snp.kernel.device = [&](ByteView data, unsigned level) {
    Bytes other = to_bytes(data);
    other[0] ^= std::byte{1};
    return report(other, level);
  };
  EXPECT_ERROR(snp.collect(), Code::binding, "from sev_guest: report data: expected ");
  snp.kernel.device = [&](ByteView data, unsigned level) {
    Bytes cut = report(data, level);
    cut.pop_back();
    return cut;
  };
  EXPECT_ERROR(snp.collect(), Code::malformed, "1184");
}

TEST(TsmCollectorTest, ReportsOfGenuineMachinesComeThroughUnchanged) {
  REDOUBT_REQUIRE_SHARED();
  for (const auto& [folder, provider] : {std::pair{"vectors/intel-dcap/quotes", "tdx_guest"}, std::pair{"vectors/amd-snp/reports", "sev_guest"}}) {
    int count = 0;
    for (const auto& file : std::filesystem::directory_iterator(*test::shared_dir() / folder)) {
      const bool snp = std::string_view(provider) == "sev_guest";
      if (!snp && !file.path().filename().string().starts_with("tdx")) continue;
      const Bytes genuine = test::read_file(file.path());
      FakeConfigfs kernel(provider);
      kernel.largest_read = 4096;
      kernel.device = [&](ByteView, unsigned) { return genuine; };
      test::FixedRandom random(7);
      EXPECT_EQ(OrDie(TsmReporter(kernel, random, {kernel.root, {}}).report(ReportData())).report, genuine);
      // They are about other statements, so that the collector stops them there, and nowhere earlier.
      EXPECT_ERROR(TsmCollector(kernel, random, {kernel.root, {}}).collect(kTsmStatement), Code::binding, "report data") << file.path();
      ++count;
    }
    EXPECT_GT(count, 10);
  }
}

// Furnished: real files in a real folder; what the kernel would do beside them is done here.
class Furnished final : public PosixFileCalls {
 public:
  explicit Furnished(std::function<Bytes(ByteView)> device) : device_(std::move(device)) {}
  Answer make_folder(const std::string& path) override {
    const Answer made = PosixFileCalls::make_folder(path);
    if (made.ok()) {
      std::ofstream(path + "/provider") << "tdx_guest\n";
      std::ofstream(path + "/generation") << "0\n";
      std::ofstream(path + "/inblob");
    }
    folder_ = path;
    return made;
  }
  Answer close(long file) override {
    const Answer closed = PosixFileCalls::close(file);
    const Bytes inblob = test::read_file(folder_ + "/inblob");
    if (inblob.size() == 64 && !std::filesystem::exists(folder_ + "/outblob")) {
      const Bytes report = device_(inblob);
      std::ofstream(folder_ + "/outblob", std::ios::binary) << as_text(report);
      std::ofstream(folder_ + "/generation") << "1\n";
    }
    return closed;
  }
  Answer remove_folder(const std::string& path) override {
    for (const char* name : {"provider", "generation", "inblob", "outblob"}) std::filesystem::remove(path + "/" + name);
    return PosixFileCalls::remove_folder(path);
  }

 private:
  std::function<Bytes(ByteView)> device_;
  std::string folder_;
};

TEST(TsmCollectorTest, WorksOnRealFiles) {
  const test::TempDir folder;
  test::DcapMaker maker(5, test::DcapMaker::kTd15);
  Bytes given;
  Furnished calls([&](ByteView data) {
    test::put(maker.body, kTdReportData, data);
    return given = maker.quote();
  });
  test::FixedRandom random(7);
  TsmCollector collector(calls, random, {folder.path(), {}});
  EXPECT_EQ(OrDie(collector.collect(kTsmStatement)).evidence.bytes, given);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(TsmCollectorTest, AFolderThatIsNoConfigfsIsToldByTheFirstMissingAttribute) {
  const test::TempDir folder;
  PosixFileCalls calls;
  test::FixedRandom random(7);
  EXPECT_ERROR(TsmCollector(calls, random, {folder.path(), {}}).collect(kTsmStatement), Code::not_found, "/provider: expected a file to read, found ENOENT");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_ERROR(TsmCollector(calls, random, {folder.path() / "absent", {}}).collect(kTsmStatement), Code::not_found, "no configfs-tsm here");
}

}  // namespace
}  // namespace redoubt::collect
