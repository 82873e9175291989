// Goal: a TpmDevice gives what the verifier needs from a real TPM, and fails with the right code when it cannot.
// Method: a fresh software TPM for each test; the verifier's own parsers and MakeCredential look at every answer.
#include "enclave/collect/tpm/tpm_device.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "common/attest/evidence/tpm/credential.h"
#include "common/crypto/ecdsa_p256.h"
#include "enclave/collect/tpm/tss.h"
#include "tests/support/fixed_random.h"
#include "tests/support/swtpm.h"
#include "untrusted/launch/tpm_channel.h"

namespace redoubt::collect {
namespace {

const Bytes kExtra = to_bytes(crypto::sha256(as_bytes("statement")).view());

TEST(TpmDeviceTest, GivesCertificateKeysPcrsAndQuotesOfARealTpm) {
  REDOUBT_REQUIRE_SWTPM();
  test::TestTpm tpm;
  auto device = OrDie(TpmDevice::open(tpm->tcti()));

  // The certificate has no byte beyond its SEQUENCE and certifies the EK.
  const auto certificate = OrDie(crypto::Certificate::parse_der(OrDie(device->ek_certificate())));
  const auto ek = OrDie(tpm::Public::parse(OrDie(device->ek_public())));
  EXPECT_TRUE(tpm::ek_template_matches(ek));
  ASSERT_NE(ek.rsa(), nullptr);
  EXPECT_TRUE(tpm::is_key_of(*ek.rsa(), certificate.spki()));

  const auto ak = OrDie(tpm::Public::parse(OrDie(device->ak_public())));
  ASSERT_NE(ak.ecc(), nullptr);
  EXPECT_EQ(ak.attributes & (tpm::kFixedTpm | tpm::kFixedParent | tpm::kSensitiveDataOrigin | tpm::kRestricted | tpm::kSign | tpm::kDecrypt),
            tpm::kFixedTpm | tpm::kFixedParent | tpm::kSensitiveDataOrigin | tpm::kRestricted | tpm::kSign);

  // More PCRs than one command reads, in no order, one of them extended.
  const auto digest = crypto::sha256(as_bytes("event"));
  device.reset();
  EXPECT_OK(OrDie(launch::TpmChannel::connect(tpm->socket())).extend(14, digest));
  device = OrDie(TpmDevice::open(tpm->tcti()));
  const std::vector<int> pcrs{14, 0, 1, 2, 3, 4, 5, 6, 7, 9, 23};
  const auto values = OrDie(device->read_pcrs(pcrs));
  EXPECT_EQ(values.size(), pcrs.size());
  EXPECT_EQ(values.at(14), crypto::sha256({tpm::PcrValue().view(), digest.view()}));
  EXPECT_EQ(values.at(0), tpm::PcrValue());

  const TpmQuote quote = OrDie(device->quote(pcrs, kExtra));
  const auto attest = OrDie(tpm::Attest::parse(quote.attest));
  EXPECT_EQ(attest.extra_data, kExtra);
  const auto signature = OrDie(tpm::Signature::parse(quote.signature));
  const auto ak_after = OrDie(tpm::Public::parse(OrDie(device->ak_public())));
  const auto key = OrDie(crypto::EcdsaP256PublicKey::from_point(ak_after.ecc()->x.view(), ak_after.ecc()->y.view()));
  EXPECT_OK(key.verify_digest(crypto::sha256(quote.attest), ByteView(signature.value).first(32), ByteView(signature.value).last(32)));
  EXPECT_ERROR(device->quote(pcrs, Bytes(33)), Code::usage, "extra data");
  EXPECT_ERROR(device->quote({24}, kExtra), Code::usage, "PCR 24");
  EXPECT_ERROR(device->read_pcrs({-1}), Code::usage, "PCR -1");
}

TEST(TpmDeviceTest, ActivatesACredentialMadeForItsAkAndNoOther) {
  REDOUBT_REQUIRE_SWTPM();
  test::TestTpm tpm;
  auto device = OrDie(TpmDevice::open(tpm->tcti()));
  test::FixedRandom random(1);
  const auto ek = OrDie(tpm::Public::parse(OrDie(device->ek_public())));
  const auto ak = OrDie(tpm::Public::parse(OrDie(device->ak_public())));
  const SecretBytes secret = random.secret(32);
  const auto credential = OrDie(tpm::make_credential(ek, ak.name, secret, random));
  EXPECT_EQ(OrDie(device->activate_credential(credential.id_object, credential.encrypted_secret)), secret);

  tpm::AkName other = ak.name;
  other.array().back() ^= std::byte{1};
  const auto wrong = OrDie(tpm::make_credential(ek, other, secret, random));
  EXPECT_ERROR(device->activate_credential(wrong.id_object, wrong.encrypted_secret), Code::binding, "integrity");

  // Each byte changed is refused: in the object by its HMAC or its form, in the secret by its padding or the HMAC.
  for (std::size_t i = 0; i < credential.id_object.size(); ++i) {
    Bytes changed = credential.id_object;
    changed[i] ^= std::byte{1};
    EXPECT_FALSE(device->activate_credential(changed, credential.encrypted_secret).ok()) << "byte " << i;
  }
  for (std::size_t i = 0; i < credential.encrypted_secret.size(); i += 37) {
    Bytes changed = credential.encrypted_secret;
    changed[i] ^= std::byte{1};
    EXPECT_FALSE(device->activate_credential(credential.id_object, changed).ok()) << "byte " << i;
  }
  EXPECT_ERROR(device->activate_credential({}, {}), Code::malformed, "TPM2B_ID_OBJECT");
  Bytes trailing = credential.id_object;
  trailing.push_back(std::byte{0});
  EXPECT_ERROR(device->activate_credential(trailing, credential.encrypted_secret), Code::malformed, "TPM2B_ID_OBJECT");

  // No refusal has used up a place in the TPM.
  EXPECT_EQ(OrDie(device->activate_credential(credential.id_object, credential.encrypted_secret)), secret);
  EXPECT_OK(device->quote({14}, kExtra));
}

TEST(TpmDeviceTest, SurvivesARestartWithTheSameKeyAndSaysWhenTheTpmIsGone) {
  REDOUBT_REQUIRE_SWTPM();
  test::TestTpm tpm;
  EXPECT_ERROR(TpmDevice::open("swtpm:path=/nonexistent/tpm.sock"), Code::unavailable, "connecting to TPM");
  auto device = OrDie(TpmDevice::open(tpm->tcti()));
  const Bytes ak = OrDie(device->ak_public());
  const auto before = OrDie(tpm::Attest::parse(OrDie(device->quote({14}, kExtra)).attest));

  // An orderly restart leaves a clock that is safe; a later process may load the same key.
  EXPECT_TRUE(before.safe);
  const Bytes blob = device->ak_blob();
  device.reset();
  ASSERT_OK(tpm->restart());
  device = OrDie(TpmDevice::open(tpm->tcti(), blob));
  EXPECT_EQ(OrDie(device->ak_public()), ak);
  const auto second = OrDie(tpm::Attest::parse(OrDie(device->quote({14}, kExtra)).attest));
  EXPECT_TRUE(second.safe);
  EXPECT_GT(second.reset_count, before.reset_count);

  // After a power failure it comes back with reopen(), and says that its clock may have gone back.
  tpm->kill();
  EXPECT_ERROR(device->quote({14}, kExtra), Code::unavailable, "");
  EXPECT_ERROR(device->quote({14}, kExtra), Code::unavailable, "not opened again");
  EXPECT_ERROR(device->reopen(), Code::unavailable, "");
  ASSERT_OK(tpm->power_on());
  ASSERT_OK(device->reopen());
  EXPECT_EQ(OrDie(device->ak_public()), ak);
  const auto third = OrDie(tpm::Attest::parse(OrDie(device->quote({14}, kExtra)).attest));
  EXPECT_GT(third.reset_count, second.reset_count);
  EXPECT_FALSE(third.safe);
  device.reset();

  test::TestTpm other;
  EXPECT_ERROR(TpmDevice::open(other->tcti(), blob), Code::binding, "loading the attestation key");
  EXPECT_ERROR(TpmDevice::open(other->tcti(), Bytes{}), Code::malformed, "blob");
  EXPECT_ERROR(TpmDevice::open(other->tcti(), Bytes(9)), Code::malformed, "");
  Bytes longer = blob;
  longer.push_back(std::byte{0});
  EXPECT_ERROR(TpmDevice::open(tpm->tcti(), longer), Code::malformed, "trailing");
}

// A TPM that lost power counts each use of a key with dictionary-attack protection as a wrong guess, and locks such keys after
// a few (Part 1 section 19.8). An operator who kills a few programs must not lose the key.
TEST(TpmDeviceTest, QuotesAfterManyPowerFailures) {
  REDOUBT_REQUIRE_SWTPM();
  test::TestTpm tpm;
  const auto device = OrDie(TpmDevice::open(tpm->tcti()));
  for (int round = 0; round < 8; ++round) {
    ASSERT_OK(device->quote({14}, kExtra)) << "after " << round << " power failures";
    tpm->kill();
    ASSERT_OK(tpm->power_on());
    EXPECT_FALSE(device->quote({14}, kExtra).ok());
    ASSERT_OK(device->reopen());
  }
}

TEST(TpmDeviceTest, ClearsWhatAProgramThatWasKilledLeftInTheTpm) {
  REDOUBT_REQUIRE_SWTPM();
  test::TestTpm tpm;
  for (int round = 0; round < 4; ++round) {
    const auto connection = OrDie(TssConnection::open(tpm->tcti()));
    for (int i = 0; i < 2; ++i) {
      auto session = OrDie(endorsement_session(connection->esys()));
      session.forget();  // as a program that was killed does
    }
    TPM2B_SENSITIVE_CREATE sensitive{};
    TPM2B_PUBLIC area{};
    area.publicArea.type = TPM2_ALG_ECC;
    area.publicArea.nameAlg = TPM2_ALG_SHA256;
    area.publicArea.objectAttributes = TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_SIGN_ENCRYPT;
    TPMS_ECC_PARMS& parameters = area.publicArea.parameters.eccDetail;
    parameters.symmetric.algorithm = TPM2_ALG_NULL;
    parameters.scheme.scheme = TPM2_ALG_NULL;
    parameters.curveID = TPM2_ECC_NIST_P256;
    parameters.kdf.scheme = TPM2_ALG_NULL;
    const TPM2B_DATA outside{};
    const TPML_PCR_SELECTION creation{};
    ESYS_TR object = ESYS_TR_NONE;
    EXPECT_OK(tss_status(Esys_CreatePrimary(connection->esys(), ESYS_TR_RH_NULL, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                            &sensitive, &area, &outside, &creation, &object, nullptr, nullptr, nullptr, nullptr),
                         "making an object that nobody flushes"));
  }
  const auto device = OrDie(TpmDevice::open(tpm->tcti()));
  EXPECT_OK(device->quote({14}, kExtra));
}

// The paths of a device, as "device:/dev/tpmrm0" has them. The kernel gives /dev/tpm0 to one user at a time (EBUSY); a program that is running
// and must not be written to (ETXTBSY) fails the same call, and needs no device.
TEST(TpmDeviceTest, ADeviceThatCannotBeOpenedIsUnavailableAndNamed) {
  const test::TempDir folder;
  const auto refused = [](const std::filesystem::path& path) {
    EXPECT_ERROR(TpmDevice::open("device:" + path.string()), Code::unavailable, "connecting to TPM `device:" + path.string() + "`");
  };
  refused(folder.path() / "absent");
  refused(folder.path());  // no device but a folder
  refused("/proc/self/exe");
}

TEST(TpmDeviceTest, ADeviceThatThisUserMayNotOpenIsUnavailableAndNamed) {
  const test::TempDir folder;
  const auto path = folder.path() / "tpmrm0";
  std::ofstream(path) << "x";
  std::filesystem::permissions(path, std::filesystem::perms::none);
  // Root may open everything: be nobody for one call.
  const bool root = geteuid() == 0;
  ASSERT_EQ(root ? seteuid(65534) : 0, 0);
  const bool readable = access(path.c_str(), R_OK) == 0 && !root;
  const auto opened = TpmDevice::open("device:" + path.string());
  ASSERT_EQ(root ? seteuid(0) : 0, 0);
  ASSERT_FALSE(readable) << "the file system refuses nothing to this user";
  EXPECT_ERROR(opened, Code::unavailable, "connecting to TPM `device:" + path.string() + "`");
}

TEST(TpmDeviceTest, WhatIsNoTpmBehindTheDevicesPathIsAnError) {
  const test::TempDir folder;
  const auto path = folder.path() / "file";
  std::ofstream file(path);  // takes every command, and never answers
  file.flush();
  const auto opened = TpmDevice::open("device:" + path.string());
  ASSERT_FALSE(opened.ok());
  EXPECT_TRUE(opened.error().code() == Code::unavailable || opened.error().code() == Code::malformed) << opened.error().message();
  EXPECT_ERROR(TpmDevice::open("nonsense:" + path.string()), Code::unavailable, "connecting to TPM `nonsense:");
}

TEST(TpmDeviceTest, ServesManyThreads) {
  REDOUBT_REQUIRE_SWTPM();
  test::TestTpm tpm;
  const auto device = OrDie(TpmDevice::open(tpm->tcti()));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&device, i] {
      for (int round = 0; round < 20; ++round) {
        const Bytes extra = to_bytes(crypto::sha256(Fields("t").number(static_cast<std::uint64_t>(i * 100 + round)).view()).view());
        const auto quote = device->quote({0, 14}, extra);
        ASSERT_OK(quote);
        EXPECT_EQ(OrDie(tpm::Attest::parse(quote->attest)).extra_data, extra);
        EXPECT_OK(device->read_pcrs({14}));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace redoubt::collect
