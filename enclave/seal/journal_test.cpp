// Goal: what was acknowledged is there after a restart, and nothing else is ever taken for it: no older, shorter, longer, changed, reordered or copied state, none
// of another contract, program or TPM. Method: a real software TPM and real files; then one change to the file, the TPM or the order of events; and programs
// that are killed at each named step.
#include "enclave/seal/journal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "enclave/collect/tpm/tpm_sealer.h"
#include "tests/support/fixed_random.h"
#include "tests/support/stride.h"
#include "tests/support/swtpm.h"
#include "untrusted/launch/tpm_channel.h"

namespace redoubt::seal {
namespace {

const InstanceId kInstance{[] {
  std::array<std::byte, 16> bytes{};
  bytes.fill(std::byte{7});
  return bytes;
}()};

// ForwardingSealer: the TPM's, except where a test says otherwise: a TPM that stops to answer, or one whose owner removed the anchor.
class ForwardingSealer final : public Sealer {
 public:
  explicit ForwardingSealer(Sealer& sealer) : sealer_(sealer) {}
  Result<Bytes> seal(const SecretBytes& secret) override { return sealer_.seal(secret); }
  Result<SecretBytes> unseal(ByteView blob) override { return sealer_.unseal(blob); }
  Result<std::optional<Anchor>> anchor() override {
    if (without_anchor) return std::optional<Anchor>();
    return sealer_.anchor();
  }
  Status set_anchor(const Anchor& anchor) override {
    if (silent) return Error(Code::unavailable, "the TPM does not answer");
    return sealer_.set_anchor(anchor);
  }
  Result<std::uint64_t> counter() override { return sealer_.counter(); }
  Result<std::uint64_t> increment() override { return sealer_.increment(); }
  bool silent = false;
  bool without_anchor = false;

 private:
  Sealer& sealer_;
};

class JournalTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (std::filesystem::exists("/usr/bin/swtpm_setup")) tpm_ = std::make_unique<test::TestTpm>();
  }
  static void TearDownTestSuite() { tpm_.reset(); }
  void SetUp() override {
    REDOUBT_REQUIRE_SWTPM();
    // Each test has a contract, and so NV indices, of its own.
    contract_ = ContractDigest(crypto::sha256(as_bytes(testing::UnitTest::GetInstance()->current_test_info()->name())).array());
    plug(*tpm_);
  }
  void plug(test::TestTpm& tpm) {
    forwarding_.reset();
    sealer_.reset();
    device_.reset();
    device_ = OrDie(collect::TpmDevice::open(tpm->tcti()));
    sealer_ = std::make_unique<collect::TpmSealer>(*device_, contract_, std::vector<int>{0, 7, 14});
    forwarding_ = std::make_unique<ForwardingSealer>(*sealer_);
  }
  void unplug() {
    forwarding_.reset();
    sealer_.reset();
    device_.reset();
  }

  Journal::Options options(const std::string& name = "state") const { return {folder_.path() / name, contract_, program_}; }
  std::filesystem::path file(const std::string& name = "state") const { return folder_.path() / name / Journal::kFile; }
  Bytes read(const std::string& name = "state") const { return test::read_file(file(name)); }
  void write(ByteView bytes, const std::string& name = "state") const {
    std::filesystem::create_directories(folder_.path() / name);
    std::ofstream(file(name), std::ios::binary | std::ios::trunc) << as_text(bytes);
  }
  std::unique_ptr<Journal> create() { return OrDie(Journal::create(options(), kInstance, *forwarding_, random_, as_bytes("keys"))); }
  Result<Journal::Resumed> resume(const std::string& name = "state") { return Journal::resume(options(name), *forwarding_, random_); }
  // three: a state with the records "keys", "one", "two".
  void three() {
    const auto journal = create();
    ASSERT_OK(journal->append(as_bytes("one")));
    ASSERT_OK(journal->append(as_bytes("two")));
  }
  static std::vector<std::string> texts(const Journal::Resumed& resumed) {
    std::vector<std::string> out;
    for (const SecretBytes& record : resumed.records) out.emplace_back(as_text(record.reveal()));
    return out;
  }
  // pieces: the head, then each record.
  static std::vector<Bytes> pieces(ByteView bytes) {
    std::vector<Bytes> out;
    std::size_t at = OrDie(FileHead::read(bytes)).size();
    out.push_back(to_bytes(bytes.first(at)));
    while (at < bytes.size()) {
      const std::size_t size = RecordHead::kSize + OrDie(RecordHead::read(bytes.subspan(at, RecordHead::kSize))).sealed_size;
      out.push_back(to_bytes(bytes.subspan(at, size)));
      at += size;
    }
    return out;
  }
  static Bytes joined(const std::vector<Bytes>& parts) {
    Bytes out;
    for (const Bytes& part : parts) append(out, part);
    return out;
  }

  static std::unique_ptr<test::TestTpm> tpm_;
  test::TempDir folder_;
  test::FixedRandom random_{static_cast<std::uint64_t>(getpid())};
  ContractDigest contract_;
  StateProgram program_{crypto::sha256(as_bytes("program")).array()};
  std::unique_ptr<collect::TpmDevice> device_;
  std::unique_ptr<collect::TpmSealer> sealer_;
  std::unique_ptr<ForwardingSealer> forwarding_;
};
std::unique_ptr<test::TestTpm> JournalTest::tpm_;

TEST_F(JournalTest, WhatWasAcknowledgedIsThereAfterEveryRestart) {
  EXPECT_ERROR(resume(), Code::not_found, "there is no file");
  three();
  std::vector<std::string> expected{"keys", "one", "two"};
  std::uint64_t epoch = 0;
  for (int boot = 0; boot < 3; ++boot) {
    auto resumed = OrDie(resume());
    EXPECT_EQ(resumed.instance, kInstance);
    EXPECT_EQ(texts(resumed), expected);
    EXPECT_EQ(resumed.dropped, 0U);
    if (boot > 0) {
      EXPECT_EQ(resumed.journal->epoch(), epoch + 1);
    }
    epoch = resumed.journal->epoch();
    for (const char* text : {"boot", "more"}) {
      ASSERT_OK(resumed.journal->append(as_bytes(text)));
      expected.emplace_back(text);
    }
  }
  // A start that ended before it kept anything changes nothing.
  OrDie(resume());
  EXPECT_EQ(texts(OrDie(resume())), expected);
}

TEST_F(JournalTest, NothingOfItIsReadableOnTheDisk) {
  const auto journal = create();
  ASSERT_OK(journal->append(as_bytes("a secret that is longer than any accident")));
  const Bytes bytes = read();
  EXPECT_EQ(std::string(as_text(bytes)).find("a secret that"), std::string::npos);
}

TEST_F(JournalTest, AnOlderCopyIsRefusedWithBothNumbers) {
  three();
  const Bytes old = read();
  {
    const auto resumed = OrDie(resume());
    ASSERT_OK(resumed.journal->append(as_bytes("boot")));
  }
  const Bytes newer = read();
  write(old);
  const auto refused = resume();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Code::freshness);
  const auto counter = OrDie(sealer_->counter());
  EXPECT_NE(refused.error().message().find("expected epoch " + std::to_string(counter)), std::string::npos) << refused.error().message();
  EXPECT_NE(refused.error().message().find("up to epoch " + std::to_string(counter - 1)), std::string::npos) << refused.error().message();
  write(newer);
  EXPECT_OK(resume());
}

TEST_F(JournalTest, AStateThatIsCutAnywhereIsRefused) {
  three();
  const Bytes whole = read();
  const auto parts = pieces(whole);
  ASSERT_EQ(parts.size(), 4U);
  write(joined({parts[0], parts[1], parts[2]}));
  EXPECT_ERROR(resume(), Code::freshness, "rolled back: expected epoch");
  write(joined({parts[0], parts[1]}));
  EXPECT_ERROR(resume(), Code::freshness, "found 1 records");
  write(parts[0]);
  EXPECT_ERROR(resume(), Code::freshness, "found 0 records");
  for (std::size_t size = 0; size < whole.size(); size += 41 * test::stride(5)) {
    write(ByteView(whole).first(size));
    EXPECT_FALSE(resume().ok()) << size;
  }
  write(whole);
  EXPECT_OK(resume());
}

TEST_F(JournalTest, AStateWithAChangedByteIsRefused) {
  three();
  const Bytes whole = read();
  for (std::size_t i = 0; i < whole.size(); i += (i < FileHead::kFixed ? 9 : 23) * test::stride(5)) {
    Bytes changed = whole;
    changed[i] ^= std::byte{1};
    write(changed);
    const auto refused = resume();
    EXPECT_FALSE(refused.ok()) << "byte " << i;
    if (!refused.ok()) {
      EXPECT_NE(refused.error().code(), Code::unavailable) << "byte " << i << refused.error().message();
    }
  }
  Bytes changed = whole;
  changed.back() ^= std::byte{0x80};
  write(changed);
  EXPECT_ERROR(resume(), Code::binding, "record 2: changed, or not from here");
  write(whole);
  EXPECT_OK(resume());
}

TEST_F(JournalTest, ReorderedAndRepeatedRecordsAreRefused) {
  three();
  const Bytes whole = read();
  const auto parts = pieces(whole);
  write(joined({parts[0], parts[1], parts[3], parts[2]}));
  EXPECT_ERROR(resume(), Code::binding, "record 1: found number 2");
  write(joined({parts[0], parts[1], parts[2], parts[2], parts[3]}));
  EXPECT_ERROR(resume(), Code::binding, "record 2: found number 1");
  write(joined({parts[0], parts[2], parts[3]}));
  EXPECT_ERROR(resume(), Code::binding, "record 0: found number 1");
  // With its number changed to fit it does not open.
  Bytes again = parts[2];
  again[19] = std::byte{2};
  write(joined({parts[0], parts[1], parts[2], again, parts[3]}));
  EXPECT_ERROR(resume(), Code::binding, "record 2: changed");
}

TEST_F(JournalTest, ATornTailThatWasNeverAcknowledgedIsCutOff) {
  three();
  const Bytes whole = read();
  for (const std::size_t torn : {std::size_t{1}, RecordHead::kSize - 1, RecordHead::kSize + 5}) {
    Bytes bytes = whole;
    bytes.resize(whole.size() + torn);
    write(bytes);
    const auto resumed = OrDie(resume());
    EXPECT_EQ(resumed.dropped, torn);
    EXPECT_EQ(texts(resumed).size(), 3U);
    EXPECT_EQ(read(), whole);
  }
}

TEST_F(JournalTest, OfTwoProgramsThatGoOnFromOneStateOneCanKeepAnything) {
  three();
  write(read(), "copy");
  auto first = OrDie(resume());
  EXPECT_ERROR(resume(), Code::unavailable, "another process uses it");
  ASSERT_OK(first.journal->append(as_bytes("boot")));
  EXPECT_ERROR(resume("copy"), Code::freshness, "rolled back");

  // Both start before either has kept anything.
  first.journal.reset();
  write(read(), "copy");
  first = OrDie(resume());
  auto second = OrDie(resume("copy"));
  ASSERT_OK(second.journal->append(as_bytes("boot of the copy")));
  EXPECT_ERROR(first.journal->append(as_bytes("boot")), Code::freshness, "another program goes on from it");
  EXPECT_ERROR(first.journal->append(as_bytes("again")), Code::freshness, "another program goes on from it");
  EXPECT_OK(second.journal->append(as_bytes("more")));
  first.journal.reset();
  EXPECT_ERROR(resume(), Code::freshness, "rolled back");
}

TEST_F(JournalTest, ARecordThatWasWrittenAndNeverAnchoredCannotBecomeASecondState) {
  three();
  // A program that is killed after it wrote its record: the copy keeps that record, the state goes on without it.
  const Bytes whole = read();
  auto first = OrDie(resume());
  forwarding_->silent = true;
  EXPECT_ERROR(first.journal->append(as_bytes("boot one")), Code::unavailable, "does not answer");
  const Bytes shadow = read();
  ASSERT_GT(shadow.size(), whole.size());
  forwarding_->silent = false;
  EXPECT_ERROR(first.journal->append(as_bytes("later")), Code::unavailable, "does not answer");
  first.journal.reset();
  auto second = OrDie(resume());
  EXPECT_EQ(texts(second).size(), 3U);
  EXPECT_GT(second.dropped, 0U);
  ASSERT_OK(second.journal->append(as_bytes("boot two")));
  second.journal.reset();
  write(shadow);
  EXPECT_FALSE(resume().ok());
}

TEST_F(JournalTest, AStateOfAnotherContractOrProgramIsRefused) {
  three();
  Journal::Options other = options();
  other.contract = ContractDigest(crypto::sha256(as_bytes("another contract")).array());
  EXPECT_ERROR(Journal::resume(other, *forwarding_, random_), Code::binding, "expected contract");
  other = options();
  other.program = StateProgram(crypto::sha256(as_bytes("another program")).array());
  EXPECT_ERROR(Journal::resume(other, *forwarding_, random_), Code::measurement, "expected program");
  // A host that changes the names in the head gets no further: the keys follow from them.
  Bytes changed = read();
  std::ranges::copy(other.program.view(), changed.begin() + 40);
  write(changed);
  EXPECT_ERROR(Journal::resume(other, *forwarding_, random_), Code::binding, "record 0: changed");
}

TEST_F(JournalTest, AStateWhoseAnchorWasRemovedIsRefused) {
  three();
  forwarding_->without_anchor = true;
  EXPECT_ERROR(resume(), Code::freshness, "holds no anchor");
}

TEST_F(JournalTest, ANewStateSetsTheOldOneAside) {
  three();
  const Bytes old = read();
  const InstanceId another;
  ASSERT_OK(Journal::create(options(), another, *forwarding_, random_, as_bytes("new keys")));
  EXPECT_EQ(test::read_file(folder_.path() / "state" / Journal::kRefusedFile), old);
  EXPECT_EQ(OrDie(resume()).instance, another);
  write(old);
  EXPECT_ERROR(resume(), Code::freshness, "rolled back");
}

TEST_F(JournalTest, AFullDiskLosesNothingThatWasAcknowledged) {
  three();
  auto resumed = OrDie(resume());
  ASSERT_OK(resumed.journal->append(as_bytes("boot")));
  const auto full = signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit narrow{read().size() + 50, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &narrow), 0);
  const Status kept = resumed.journal->append(Bytes(1000));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, full);
  EXPECT_ERROR(kept, Code::unavailable, "writing");
  EXPECT_ERROR(resumed.journal->append(as_bytes("more")), Code::unavailable, "must be started anew");
  resumed.journal.reset();
  EXPECT_EQ(texts(OrDie(resume())), (std::vector<std::string>{"keys", "one", "two", "boot"}));
}

TEST_F(JournalTest, ARecordThatIsTooLargeIsRefusedAndTheNextOneIsKept) {
  const auto journal = create();
  EXPECT_ERROR(journal->append(Bytes(RecordHead::kMaxPayload + 1)), Code::refused, "no room for a record");
  EXPECT_FALSE(journal->broken());
  EXPECT_OK(journal->append(as_bytes("one")));
}

TEST_F(JournalTest, AStateOfAnotherTpmOrOtherPcrsIsRefused) {
  three();
  unplug();
  ASSERT_OK(OrDie(launch::TpmChannel::connect((*tpm_)->socket())).extend(14, crypto::sha256(as_bytes("another program"))));
  plug(*tpm_);
  EXPECT_ERROR(resume(), Code::measurement, "the PCRs that hold program and contract");
  unplug();
  ASSERT_OK((*tpm_)->restart());
  plug(*tpm_);
  EXPECT_OK(resume());
  test::TestTpm another;
  plug(another);
  EXPECT_ERROR(resume(), Code::binding, "unsealing the root key");
  plug(*tpm_);
  EXPECT_OK(resume());
}

TEST_F(JournalTest, KilledAtAnyStepLosesNothingThatWasAcknowledged) {
  unplug();  // the TPM serves one connection, and it is the child's
  const std::vector<std::string> points{"seal.written", "seal.anchored", "seal.counted"};
  // The n-th time that a point is met: while the state is made, and while records are appended.
  for (const std::string& point : points) {
    for (int time = 1; time <= 3; ++time) {
      std::filesystem::remove_all(folder_.path() / "state");
      int ends[2];
      ASSERT_EQ(pipe(ends), 0);
      const pid_t child = fork();
      if (child == 0) {
        plug(*tpm_);
        int met = 0;
        Journal::Options killed = options();
        killed.fault = [&](std::string_view name) {
          if (name == point && ++met == time) raise(SIGKILL);
        };
        auto journal = Journal::create(killed, kInstance, *forwarding_, random_, as_bytes("0"));
        for (char record = '0'; journal.ok() && record < '5'; ++record) {
          if (record > '0' && !(*journal)->append(as_bytes({&record, 1})).ok()) break;
          if (::write(ends[1], &record, 1) != 1) break;
        }
        _exit(0);
      }
      close(ends[1]);
      std::string acknowledged(16, '\0');
      std::size_t count = 0;
      for (ssize_t got = 0; (got = ::read(ends[0], acknowledged.data() + count, acknowledged.size() - count)) > 0;) count += static_cast<std::size_t>(got);
      close(ends[0]);
      int status = 0;
      ASSERT_EQ(waitpid(child, &status, 0), child);
      plug(*tpm_);
      const auto resumed = resume();
      const std::string what = point + " " + std::to_string(time);
      if (count > 0) {
        ASSERT_OK(resumed) << what;
      }
      if (resumed.ok()) {
        EXPECT_GE(resumed->records.size(), count) << what;
        EXPECT_LE(resumed->records.size(), count + 1) << what;
        for (std::size_t i = 0; i < resumed->records.size(); ++i) EXPECT_EQ(as_text(resumed->records[i].reveal()), std::string(1, static_cast<char>('0' + i)));
        EXPECT_OK(resumed->journal->append(as_bytes("boot"))) << what;
      } else {
        EXPECT_NE(resumed.error().code(), Code::unavailable) << resumed.error().message();
      }
      unplug();
    }
  }
}

}  // namespace
}  // namespace redoubt::seal
