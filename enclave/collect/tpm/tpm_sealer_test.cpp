// Goal: what is sealed opens on the same TPM with the same PCRs and nowhere else; the anchor is only ever extended and the counter only grows, over restarts, and also
// when the owner deletes both. Method: a real software TPM; then other PCRs, another TPM, and the owner's commands.
#include "enclave/collect/tpm/tpm_sealer.h"

#include <gtest/gtest.h>

#include "enclave/collect/tpm/tss.h"
#include "tests/support/fixed_random.h"
#include "tests/support/swtpm.h"
#include "untrusted/launch/tpm_channel.h"

namespace redoubt::collect {
namespace {

const std::vector<int> kPcrs{0, 7, 14};
const ContractDigest kContract{crypto::sha256(as_bytes("contract")).array()};

// remove_index deletes an NV index, as the owner may.
void remove_index(TpmDevice& device, std::uint32_t number) {
  ASSERT_OK(device.use([&](ESYS_CONTEXT* esys) -> Status {
    ESYS_TR handle = ESYS_TR_NONE;
    REDOUBT_CHECK(tss_status(Esys_TR_FromTPMPublic(esys, number, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle), "index"));
    return tss_status(Esys_NV_UndefineSpace(esys, ESYS_TR_RH_OWNER, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE), "deleting");
  }));
}

crypto::Sha256Digest digest(std::string_view text) { return crypto::sha256(as_bytes(text)); }

std::uint32_t index_of_contract() {
  const ByteView digest = kContract.view();
  std::uint32_t first = 0;
  for (int i = 0; i < 4; ++i) first = first << 8 | std::to_integer<std::uint32_t>(digest[static_cast<std::size_t>(i)]);
  return 0x01800000U + ((first >> 11) << 1);
}

TEST(TpmSealerTest, ASecretOpensOnTheSameTpmWithTheSamePcrsOnly) {
  REDOUBT_REQUIRE_SWTPM();
  test::TestTpm tpm;
  test::FixedRandom random(1);
  const SecretBytes secret = random.secret(32);
  Bytes blob;
  {
    const auto device = OrDie(TpmDevice::open(tpm->tcti()));
    TpmSealer sealer(*device, kContract, kPcrs);
    blob = OrDie(sealer.seal(secret));
    EXPECT_LE(blob.size(), seal::Sealer::kMaxBlob);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(OrDie(sealer.unseal(blob)), secret);  // nothing stays behind in the TPM
    for (std::size_t i = 0; i < blob.size(); i += 11) {
      Bytes changed = blob;
      changed[i] ^= std::byte{1};
      EXPECT_FALSE(sealer.unseal(changed).ok()) << "byte " << i;
    }
    EXPECT_ERROR(sealer.unseal(Bytes()), Code::malformed, "sealed object");
    EXPECT_ERROR(sealer.unseal(ByteView(blob).first(blob.size() - 1)), Code::malformed, "sealed object");
    EXPECT_ERROR(sealer.seal(SecretBytes()), Code::usage, "a secret of 0 bytes");
    EXPECT_ERROR(TpmSealer(*device, kContract, {24}).seal(secret), Code::usage, "PCR 24");
  }
  ASSERT_OK(OrDie(launch::TpmChannel::connect(tpm->socket())).extend(14, crypto::sha256(as_bytes("another program"))));
  {
    const auto device = OrDie(TpmDevice::open(tpm->tcti()));
    EXPECT_ERROR(TpmSealer(*device, kContract, kPcrs).unseal(blob), Code::measurement, "do not have the values");
  }
  ASSERT_OK(tpm->restart());
  {
    const auto device = OrDie(TpmDevice::open(tpm->tcti()));
    EXPECT_EQ(OrDie(TpmSealer(*device, kContract, kPcrs).unseal(blob)), secret);
  }
  test::TestTpm another;
  const auto device = OrDie(TpmDevice::open(another->tcti()));
  EXPECT_ERROR(TpmSealer(*device, kContract, kPcrs).unseal(blob), Code::binding, "TPM2_Load");
}

TEST(TpmSealerTest, AnchorAndCounterOutliveTheTpmsRestartsAndNeverGoBack) {
  REDOUBT_REQUIRE_SWTPM();
  test::TestTpm tpm;
  const seal::Anchor once = seal::anchor_after({}, digest("one"));
  const seal::Anchor anchor = seal::anchor_after(once, digest("two"));
  std::uint64_t counter = 0;
  {
    const auto device = OrDie(TpmDevice::open(tpm->tcti()));
    TpmSealer sealer(*device, kContract, kPcrs);
    EXPECT_FALSE(OrDie(sealer.anchor()));
    ASSERT_OK(sealer.extend(digest("one")));
    EXPECT_EQ(OrDie(sealer.anchor()), once);
    ASSERT_OK(sealer.extend(digest("two")));
    EXPECT_EQ(OrDie(sealer.anchor()), anchor);
    counter = OrDie(sealer.counter());
    EXPECT_EQ(OrDie(sealer.counter()), counter);
    EXPECT_EQ(OrDie(sealer.increment()), counter + 1);
    // Another contract has its own.
    TpmSealer other(*device, ContractDigest(crypto::sha256(as_bytes("another")).array()), kPcrs);
    EXPECT_FALSE(OrDie(other.anchor()));
    OrDie(other.increment());
    EXPECT_EQ(OrDie(sealer.counter()), counter + 1);
  }
  tpm->kill();
  ASSERT_OK(tpm->power_on());
  const auto device = OrDie(TpmDevice::open(tpm->tcti()));
  TpmSealer sealer(*device, kContract, kPcrs);
  EXPECT_EQ(OrDie(sealer.anchor()), anchor);
  EXPECT_EQ(OrDie(sealer.counter()), counter + 1);
  EXPECT_EQ(OrDie(sealer.increment()), counter + 2);
  // It goes on from what it was, and no extension leads back.
  ASSERT_OK(sealer.extend(digest("two")));
  EXPECT_EQ(OrDie(sealer.anchor()), seal::anchor_after(anchor, digest("two")));
}

TEST(TpmSealerTest, AnOwnerWhoDeletesTheCounterGetsNoLowerOne) {
  REDOUBT_REQUIRE_SWTPM();
  test::TestTpm tpm;
  const auto device = OrDie(TpmDevice::open(tpm->tcti()));
  TpmSealer sealer(*device, kContract, kPcrs);
  std::uint64_t counter = OrDie(sealer.counter());
  for (int i = 0; i < 3; ++i) counter = OrDie(sealer.increment());
  ASSERT_OK(sealer.extend(digest("state")));
  const auto anchor = OrDie(sealer.anchor());
  remove_index(*device, index_of_contract() + 1);
  EXPECT_GT(OrDie(sealer.counter()), counter);
  remove_index(*device, index_of_contract());
  EXPECT_FALSE(OrDie(sealer.anchor()));
  // What is extended then begins from zeros.
  ASSERT_OK(sealer.extend(digest("next")));
  EXPECT_EQ(OrDie(sealer.anchor()), seal::anchor_after({}, digest("next")));
  EXPECT_NE(OrDie(sealer.anchor()), seal::anchor_after(*anchor, digest("next")));
}

TEST(TpmSealerTest, AnotherProgramNeitherReadsNorExtendsTheAnchor) {
  REDOUBT_REQUIRE_SWTPM();
  test::TestTpm tpm;
  {
    const auto device = OrDie(TpmDevice::open(tpm->tcti()));
    TpmSealer sealer(*device, kContract, kPcrs);
    ASSERT_OK(sealer.extend(digest("state")));
    // The owner, without the policy, can neither extend nor write it.
    EXPECT_ERROR(device->use([&](ESYS_CONTEXT* esys) -> Status {
      ESYS_TR handle = ESYS_TR_NONE;
      REDOUBT_CHECK(tss_status(Esys_TR_FromTPMPublic(esys, index_of_contract(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle), "index"));
      TPM2B_MAX_NV_BUFFER data{};
      data.size = seal::Anchor::size;
      EXPECT_NE(Esys_NV_Write(esys, ESYS_TR_RH_OWNER, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, 0), TSS2_RC_SUCCESS);
      return tss_status(Esys_NV_Extend(esys, ESYS_TR_RH_OWNER, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data), "extending as the owner");
    }),
                 Code::refused, "extending as the owner");
    EXPECT_EQ(OrDie(sealer.anchor()), seal::anchor_after({}, digest("state")));
  }
  ASSERT_OK(OrDie(launch::TpmChannel::connect(tpm->socket())).extend(14, crypto::sha256(as_bytes("another program"))));
  {
    const auto device = OrDie(TpmDevice::open(tpm->tcti()));
    TpmSealer other(*device, kContract, kPcrs);
    EXPECT_FALSE(OrDie(other.anchor()));
    // It replaces what was there, and the first program then finds that its own is gone.
    ASSERT_OK(other.extend(digest("other")));
  }
  ASSERT_OK(tpm->restart());
  const auto device = OrDie(TpmDevice::open(tpm->tcti()));
  EXPECT_FALSE(OrDie(TpmSealer(*device, kContract, kPcrs).anchor()));
}

}  // namespace
}  // namespace redoubt::collect
