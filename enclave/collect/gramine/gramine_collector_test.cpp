// Goal: one statement in, an SGX quote out that the verifier accepts; whatever Gramine, the quoting service or another thread does wrong is an
// error with the expected code. Method: a fake /dev/attestation with quotes under test keys, and real files in a temporary folder.
#include "enclave/collect/gramine/gramine_collector.h"

#include <fstream>

#include "enclave/collect/base/fake_files_test.h"
#include "enclave/collect/base/posix_file_calls.h"
#include "tests/support/dcap_vectors.h"

namespace redoubt::collect {
namespace {

const Bytes kGramineStatement = to_bytes("a statement");
constexpr std::size_t kSgxReportData = 320;

// FakeGramine: report data are kept for the process; a quote is made when it is read.
class FakeGramine final : public FakeFiles {
 public:
  std::string type = "dcap";
  bool attests = true;  // remote attestation is in the manifest
  test::DcapMaker maker{3, test::DcapMaker::kSgx};
  std::function<Bytes(ByteView)> device = [this](ByteView data) {
    test::put(maker.body, kSgxReportData, data);
    return maker.quote();
  };
  int foreign_writes = 0;  // so many quotes are over what another thread wrote
  int quotes = 0;
  Bytes report_data = Bytes(64);

 private:
  int exists(const std::string& path) override {
    if (path == "/dev/attestation/attestation_type" || path == "/dev/attestation/user_report_data") return 0;
    return path == "/dev/attestation/quote" && attests ? 0 : ENOENT;
  }
  int fill(const std::string& path, Bytes& out) override {
    const std::string name = last_part(path);
    if (name == "attestation_type") out = to_bytes(type);
    if (name == "user_report_data") out = report_data;
    if (name == "quote") {
      ++quotes;
      if (foreign_writes > 0) {
        --foreign_writes;
        report_data[5] ^= std::byte{1};
      }
      out = device(report_data);
    }
    return 0;
  }
  int store(const std::string& path, ByteView bytes) override {
    if (last_part(path) != "user_report_data" || bytes.size() > 64) return EACCES;
    report_data = to_bytes(bytes);
    return 0;
  }
};

struct GramineMachine {
  FakeGramine gramine;
  GramineCollector collector{gramine, {}};

  Result<Collection> collect() {
    auto result = collector.collect(kGramineStatement);
    EXPECT_EQ(gramine.open_files, 0);
    return result;
  }
};

TEST(GramineCollectorTest, AQuoteIsAcceptedByTheVerifier) {
  GramineMachine machine;
  const Collection collection = OrDie(machine.collect());
  EXPECT_EQ(collection.evidence.format, "sgx");
  EXPECT_EQ(machine.gramine.report_data, to_bytes(crypto::sha512(kGramineStatement).view()));
  test::DcapCase one = test::made_case(machine.gramine.maker);
  one.quote = collection.evidence.bytes;
  const test::DcapResult result = test::appraise(one);
  EXPECT_EQ(result.failed, test::Ids());
  EXPECT_TRUE(equal((**result.authentic).report_data(), crypto::sha512(kGramineStatement).view()));
}

TEST(GramineCollectorTest, OnlyDcapIsTaken) {
  for (const char* type : {"none", "epid", "", "DCAP", "dcap2"}) {
    GramineMachine machine;
    machine.gramine.type = type;
    EXPECT_ERROR(machine.collect(), Code::refused, "collecting Evidence from Gramine: /dev/attestation/attestation_type: expected dcap, found ") << type;
    EXPECT_EQ(machine.gramine.quotes, 0);
  }
  GramineMachine machine;
  machine.gramine.type = "dcap\n";
  EXPECT_OK(machine.collect());
  machine.gramine.type = std::string("dcap\0", 5);
  EXPECT_ERROR(machine.collect(), Code::malformed, "attestation_type: expected one line of text");
  machine.gramine.type = std::string(33, 'd');
  EXPECT_ERROR(machine.collect(), Code::malformed, "attestation_type: expected at most 32 bytes");
}

TEST(GramineCollectorTest, AnotherThreadsReportDataMakeItAskAgainAFewTimes) {
  GramineMachine machine;
  machine.gramine.foreign_writes = GramineCollector::kAttempts - 1;
  EXPECT_OK(machine.collect());
  EXPECT_EQ(machine.gramine.quotes, GramineCollector::kAttempts);
  machine.gramine.foreign_writes = 100;
  EXPECT_ERROR(machine.collect(), Code::binding, "/dev/attestation/quote: report data: expected ");
  EXPECT_EQ(machine.gramine.quotes, 2 * GramineCollector::kAttempts);
}

TEST(GramineCollectorTest, QuotesOfAnotherFormOrPlatformAreNotPassedOn) {
  GramineMachine machine;
  machine.gramine.device = [](ByteView) { return Bytes(); };
  EXPECT_ERROR(machine.collect(), Code::malformed, "/dev/attestation/quote: expected a quote, found nothing");
  machine.gramine.device = [](ByteView) { return Bytes(432); };
  EXPECT_ERROR(machine.collect(), Code::malformed, "/dev/attestation/quote: ");
  machine.gramine.device = [](ByteView) { return Bytes(GramineCollector::kMaxQuote + 1); };
  EXPECT_ERROR(machine.collect(), Code::malformed, "/dev/attestation/quote: expected at most 16384 bytes, found more");
  test::DcapMaker domain(4, test::DcapMaker::kTd10);
  machine.gramine.device = [&](ByteView data) {
    test::put(domain.body, 520, data);
    return domain.quote();
  };
  EXPECT_ERROR(machine.collect(), Code::binding, "quote: expected one of SGX, found one of TDX");
}

TEST(GramineCollectorTest, EachCallThatFailsIsAnError) {
  struct Case {
    const char* call;
    int error;
    Code code;
  };
  for (const Case& one : {Case{"open attestation_type", EACCES, Code::refused}, Case{"read attestation_type", EIO, Code::unavailable},
                          Case{"open user_report_data", EACCES, Code::refused}, Case{"write user_report_data", EINVAL, Code::refused},
                          Case{"close user_report_data", EIO, Code::unavailable}, Case{"open quote", EACCES, Code::refused},
                          Case{"read quote", EPERM, Code::refused}, Case{"read quote", EIO, Code::unavailable}}) {
    GramineMachine machine;
    machine.gramine.faults[one.call] = {one.error};
    EXPECT_ERROR(machine.collect(), one.code, "collecting Evidence from Gramine: /dev/attestation/") << one.call;
    EXPECT_OK(machine.collect()) << one.call;
  }
  GramineMachine machine;
  machine.gramine.faults["read quote"] = {EINTR, EINTR};
  EXPECT_OK(machine.collect());
  machine.gramine.short_writes = true;
  EXPECT_ERROR(machine.collect(), Code::unavailable, "user_report_data: expected to write 64 bytes, found 63 taken");
  machine.gramine.short_writes = false;
  machine.gramine.attests = false;
  EXPECT_ERROR(machine.collect(), Code::not_found, "/dev/attestation/quote: expected a file to read, found ENOENT");
}

TEST(GramineCollectorTest, WorksOnRealFiles) {
  const test::TempDir folder;
  PosixFileCalls calls;
  GramineCollector collector(calls, {folder.path()});
  EXPECT_ERROR(collector.collect(kGramineStatement), Code::not_found, "/attestation_type: expected a file to read, found ENOENT");
  test::DcapMaker maker(3, test::DcapMaker::kSgx);
  test::put(maker.body, kSgxReportData, crypto::sha512(kGramineStatement).view());
  const Bytes quote = maker.quote();
  std::ofstream(folder.path() / "attestation_type") << "dcap";
  std::ofstream(folder.path() / "user_report_data");
  std::ofstream(folder.path() / "quote", std::ios::binary) << as_text(quote);
  EXPECT_EQ(OrDie(collector.collect(kGramineStatement)).evidence.bytes, quote);
  EXPECT_EQ(test::read_file(folder.path() / "user_report_data"), to_bytes(crypto::sha512(kGramineStatement).view()));
}

}  // namespace
}  // namespace redoubt::collect
