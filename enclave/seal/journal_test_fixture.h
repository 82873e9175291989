// JournalTest: a state folder, a software TPM, and what is between them. For tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "enclave/collect/tpm/tpm_sealer.h"
#include "enclave/seal/journal.h"
#include "tests/support/fixed_random.h"
#include "tests/support/stride.h"
#include "tests/support/swtpm.h"
#include "untrusted/launch/tpm_channel.h"

namespace redoubt::seal {

inline const InstanceId kInstance{[] {
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
  Status extend(const crypto::Sha256Digest& digest) override {
    if (silent) return Error(Code::unavailable, "the TPM does not answer");
    return sealer_.extend(digest);
  }
  Result<std::uint64_t> counter() override { return sealer_.counter(); }
  Result<std::uint64_t> increment() override {
    if (uncounted) return Error(Code::unavailable, "the TPM does not count");
    return sealer_.increment();
  }
  bool silent = false;
  bool uncounted = false;
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
  Result<Journal::Resumed> resume(Journal::Options with) {
    REDOUBT_TRY(auto found, Journal::resume(std::move(with), *forwarding_, random_));
    if (!found) return Error(Code::not_found, "there never was a state");
    return std::move(*found);
  }
  Result<Journal::Resumed> resume(const std::string& name = "state") { return resume(options(name)); }
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

  inline static std::unique_ptr<test::TestTpm> tpm_;
  test::TempDir folder_;
  test::FixedRandom random_{static_cast<std::uint64_t>(getpid())};
  ContractDigest contract_;
  StateProgram program_{crypto::sha256(as_bytes("program")).array()};
  std::unique_ptr<collect::TpmDevice> device_;
  std::unique_ptr<collect::TpmSealer> sealer_;
  std::unique_ptr<ForwardingSealer> forwarding_;
};
}  // namespace redoubt::seal
