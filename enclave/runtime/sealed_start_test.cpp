// Goal: a program goes on from its own state, begins anew with the reason where it may not, and does neither when disk or platform do not answer or the state is gone. Method:
// real files and a real software TPM; then no state, another program's, one that another process uses, one whose first record is no instance's keys, one that was removed, and
// a platform that fails with every code.
#include "enclave/runtime/sealed_start.h"

#include <gtest/gtest.h>

#include <fstream>

#include "enclave/collect/tpm/tpm_sealer.h"
#include "tests/support/fixed_random.h"
#include "tests/support/swtpm.h"

namespace redoubt::runtime {
namespace {

// FailingSealer: the TPM's, until a test says with which error it answers.
class FailingSealer final : public seal::Sealer {
 public:
  explicit FailingSealer(seal::Sealer& sealer) : sealer_(sealer) {}
  Result<Bytes> seal(const SecretBytes& secret) override { return sealer_.seal(secret); }
  Result<SecretBytes> unseal(ByteView blob) override {
    if (unsealing) return *unsealing;
    return sealer_.unseal(blob);
  }
  Result<std::optional<seal::Anchor>> anchor() override {
    if (reading) return *reading;
    return sealer_.anchor();
  }
  Status extend(const crypto::Sha256Digest& digest) override { return sealer_.extend(digest); }
  Result<std::uint64_t> counter() override { return sealer_.counter(); }
  Result<std::uint64_t> increment() override { return sealer_.increment(); }
  std::optional<Error> unsealing, reading;

 private:
  seal::Sealer& sealer_;
};

class SealedStartTest : public testing::Test {
 protected:
  void SetUp() override {
    REDOUBT_REQUIRE_SWTPM();
    tpm_ = std::make_unique<test::TestTpm>();
    device_ = OrDie(collect::TpmDevice::open((*tpm_)->tcti()));
    sealer_ = std::make_unique<collect::TpmSealer>(*device_, options_.contract, std::vector<int>{14});
  }
  Result<SealedStart> start() { return sealed_start(options_, *sealer_, random_); }

  std::unique_ptr<test::TestTpm> tpm_;
  std::unique_ptr<collect::TpmDevice> device_;
  std::unique_ptr<collect::TpmSealer> sealer_;
  test::TempDir folder_;
  test::FixedRandom random_{1};
  seal::Journal::Options options_{folder_.path() / "state", ContractDigest(crypto::sha256(as_bytes("contract")).array()),
                                  seal::StateProgram(crypto::sha256(as_bytes("program")).array())};
};

TEST_F(SealedStartTest, GoesOnAsTheInstanceWhoseStateItFinds) {
  InstanceId instance;
  crypto::Ed25519PublicKey receipt_key;
  crypto::HpkePublicKey hpke_key;
  {
    const auto first = OrDie(start());
    EXPECT_NE(first.statement.find("a new instance: there was no state"), std::string::npos) << first.statement;
    EXPECT_TRUE(first.records.empty());
    ASSERT_OK(first.journal->append(as_bytes("joined")));
    instance = first.keys.instance;
    receipt_key = first.keys.receipt_key.public_key();
    hpke_key = first.keys.hpke_key.public_key();
    EXPECT_ERROR(start(), Code::unavailable, "another process uses it");  // not a reason to begin anew
  }
  const auto second = OrDie(start());
  EXPECT_EQ(second.keys.instance, instance);
  EXPECT_EQ(second.keys.receipt_key.public_key(), receipt_key);
  EXPECT_EQ(second.keys.hpke_key.public_key(), hpke_key);
  ASSERT_EQ(second.records.size(), 1U);
  EXPECT_EQ(as_text(second.records[0].reveal()), "joined");
  EXPECT_NE(second.statement.find("goes on from epoch"), std::string::npos) << second.statement;
}

TEST_F(SealedStartTest, BeginsAnewWithTheReasonWhereTheStateIsRefused) {
  const InstanceId instance = OrDie(start()).keys.instance;
  options_.program = seal::StateProgram();
  const auto anew = OrDie(start());
  EXPECT_NE(anew.keys.instance, instance);
  EXPECT_NE(anew.statement.find("a new instance: sealed state: expected program"), std::string::npos) << anew.statement;
  EXPECT_TRUE(anew.journal);
}

TEST_F(SealedStartTest, BeginsAnewWhereTheStateIsNoInstances) {
  OrDie(seal::Journal::create(options_, InstanceId(), *sealer_, random_, as_bytes("no keys")));
  const auto anew = OrDie(start());
  EXPECT_NE(anew.statement.find("instance keys"), std::string::npos) << anew.statement;
}

TEST_F(SealedStartTest, NoErrorOfThePlatformCostsTheInstance) {
  const InstanceId instance = OrDie(start()).keys.instance;
  const Bytes state = test::read_file(options_.folder / seal::Journal::kFile);
  FailingSealer failing(*sealer_);
  for (const Code code : {Code::not_found, Code::refused, Code::unavailable, Code::internal, Code::usage, Code::auth}) {
    for (std::optional<Error>* error : {&failing.unsealing, &failing.reading}) {
      *error = Error(code, "the platform says no");
      EXPECT_ERROR(sealed_start(options_, failing, random_), code, "the platform says no");
      error->reset();
    }
  }
  EXPECT_EQ(test::read_file(options_.folder / seal::Journal::kFile), state);
  EXPECT_FALSE(std::filesystem::exists(options_.folder / seal::Journal::kRefusedFile));
  EXPECT_EQ(OrDie(start()).keys.instance, instance);
}

TEST_F(SealedStartTest, AStateThatIsGoneIsGivenUpOnlyAtTheOperatorsWord) {
  const InstanceId instance = OrDie(start()).keys.instance;
  const auto moved = folder_.path() / "moved";
  std::filesystem::rename(options_.folder, moved);  // a disk that is not mounted
  EXPECT_ERROR(start(), Code::not_found, "mount or restore it");
  EXPECT_ERROR(start(), Code::not_found, "begin-anew");
  std::filesystem::remove_all(options_.folder);
  std::filesystem::rename(moved, options_.folder);
  EXPECT_EQ(OrDie(start()).keys.instance, instance);
  std::filesystem::remove_all(options_.folder);
  std::filesystem::create_directory(options_.folder);
  std::ofstream(options_.folder / seal::Journal::kAnewFile);
  const auto anew = OrDie(start());
  EXPECT_NE(anew.keys.instance, instance);
  EXPECT_NE(anew.statement.find("a new instance: its operator asked for one"), std::string::npos) << anew.statement;
}

TEST_F(SealedStartTest, OnlyWhatIsSaidOfTheStateRefusesIt) {
  for (const Code code : {Code::binding, Code::measurement, Code::freshness, Code::malformed, Code::chain, Code::log_proof}) EXPECT_TRUE(refuses_state(Error(code, "")));
  for (const Code code : {Code::not_found, Code::refused, Code::unavailable, Code::internal, Code::usage, Code::auth, Code::policy}) EXPECT_FALSE(refuses_state(Error(code, "")));
}

TEST_F(SealedStartTest, KeysOfAnInstanceHaveOneForm) {
  const SecretBytes encoded = OrDie(InstanceKeys::generate(random_)).encode();
  EXPECT_EQ(OrDie(InstanceKeys::decode(encoded.reveal())).encode(), encoded);
  for (std::size_t size = 0; size < encoded.size(); ++size) EXPECT_FALSE(InstanceKeys::decode(encoded.reveal().first(size)).ok()) << size;
  Bytes longer = to_bytes(encoded.reveal());
  longer.push_back(std::byte{0});
  EXPECT_ERROR(InstanceKeys::decode(longer), Code::malformed, "instance keys");
  longer.pop_back();
  longer[0] = std::byte{'X'};
  EXPECT_ERROR(InstanceKeys::decode(longer), Code::malformed, "label");
}

}  // namespace
}  // namespace redoubt::runtime
