// Goal: Evidence of a launch on a software TPM is authentic for the relying party that trusts that TPM's CA, and each change
// to the launch, the statement, the keys or the logs fails the check that is there for it.
// Method: launcher, collector and verifier as in production, with a real swtpm; then one thing is changed at a time.
#include <algorithm>
#include <chrono>

#include "common/attest/evidence/tpm/credential.h"
#include "enclave/collect/tpm/tpm_collector.h"
#include "enclave/collect/tpm/tpm_device.h"
#include "tests/support/fixed_random.h"
#include "tests/support/swtpm.h"
#include "untrusted/launch/measure.h"

namespace redoubt {
namespace {

using attest::CheckId;

const Bytes kStatement = to_bytes("statement of a session");
const ContractDigest kContract(crypto::sha256(as_bytes("contract")).array());

crypto::Certificate pem_certificate(const std::filesystem::path& pem) {
  return OrDie(crypto::Certificate::parse_pem_bundle(test::read_text(pem))).at(0);
}

Instant now() {
  return Instant(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

// Relying party: trusts one root and one enroller, and appraises Evidence over one statement.
struct RelyingParty {
  std::vector<crypto::Certificate> roots;
  std::vector<tpm::AkEnrolment> enrolments;
  std::vector<crypto::Ed25519PublicKey> enrollers;

  tpm::Outcome judge(ByteView evidence, ByteView statement = kStatement) const {
    const auto parsed = OrDie(tpm::parse(evidence));
    const auto expected = crypto::sha256(statement);
    constexpr int kRequired[] = {0, 7, tpm::kLauncherPcr};
    tpm::Inputs inputs{expected.view(), roots, nullptr, enrolments, enrollers, kRequired, now()};
    return tpm::authenticate(parsed, inputs);
  }
};

// failures: the checks that failed, in words, with what was found.
std::string failures(const tpm::Outcome& outcome) {
  std::string out;
  for (const attest::Check& check : outcome.checks) {
    if (check.outcome == attest::Outcome::failed) out += std::string(out.empty() ? "" : " ") + std::string(attest::id_text(check.id));
  }
  return out;
}

// Machine: a software TPM, what was launched on it, and the collector of the program.
class Machine {
 public:
  Machine() { launch(); }

  void launch() {
    measure::ProgramSpec spec;
    spec.program = std::filesystem::canonical("/proc/self/exe");
    program = OrDie(launch::measure_program(spec)).manifest.digest();
    auto channel = OrDie(launch::TpmChannel::connect(tpm->socket()));
    log = OrDie(launch::measure_launch(channel, program, kContract));
  }
  // start opens the TPM as the program does, once the launcher has closed its channel.
  void start() {
    device = OrDie(collect::TpmDevice::open(tpm->tcti()));
    make_collector();
  }
  void make_collector() {
    collect::TpmCollectorOptions options;
    options.untrusted_ek_intermediates = {to_bytes(pem_certificate(tpm->issuer_pem()).der())};
    options.application_log = log;
    collector.emplace(*device, options);
  }
  Bytes evidence() { return OrDie(collector->collect(kStatement)).evidence.bytes; }
  crypto::Certificate root() { return pem_certificate(tpm->root_pem()); }

  test::TestTpm tpm;
  appraise::ProgramDigest program;
  tpm::ApplicationLog log;
  std::unique_ptr<collect::TpmDevice> device;
  std::optional<collect::TpmCollector> collector;
};

// enroll: the conversation of AK enrolment, by `enroller`, with the TPM of `device`.
tpm::AkEnrolment enroll(collect::TpmDevice& device, const crypto::Ed25519PrivateKey& enroller, std::uint64_t seed) {
  test::FixedRandom random(seed);
  const auto ek = OrDie(tpm::Public::parse(OrDie(device.ek_public())));
  const auto ak = OrDie(tpm::Public::parse(OrDie(device.ak_public())));
  const SecretBytes secret = random.secret(32);
  const auto credential = OrDie(tpm::make_credential(ek, ak.name, secret, random));
  EXPECT_EQ(OrDie(device.activate_credential(credential.id_object, credential.encrypted_secret)), secret);
  return tpm::AkEnrolment::sign(crypto::sha256(OrDie(device.ek_certificate())), ak.name, now(), enroller);
}

crypto::Ed25519PrivateKey enroller_key() {
  test::FixedRandom random(7);
  return OrDie(crypto::Ed25519PrivateKey::from_seed(random.secret(32)));
}

TEST(TpmEvidenceEndToEndTest, IsAuthenticForWhoTrustsTheCaAndTheEnroller) {
  REDOUBT_REQUIRE_SWTPM();
  Machine machine;
  machine.start();
  const auto key = enroller_key();
  RelyingParty party{{machine.root()}, {enroll(*machine.device, key, 1)}, {key.public_key()}};
  const Bytes evidence = machine.evidence();
  const auto outcome = party.judge(evidence);
  EXPECT_EQ(failures(outcome), "");
  ASSERT_TRUE(outcome.authentic.has_value());
  const tpm::TpmEvidence& authentic = **outcome.authentic;
  EXPECT_EQ(authentic.anchor, machine.root().digest());
  ASSERT_TRUE(authentic.application_events.has_value());
  ASSERT_EQ(authentic.application_events->size(), 3U);
  EXPECT_EQ(authentic.application_events->at(0).type, "manifest");
  EXPECT_TRUE(equal(authentic.application_events->at(0).data, machine.program.view()));
  EXPECT_TRUE(equal(authentic.application_events->at(1).data, kContract.view()));
  EXPECT_EQ(authentic.application_events->at(2).type, "cap");

  // Another statement, nobody's enrolment, no anchor: each fails its own check.
  EXPECT_EQ(failures(party.judge(evidence, as_bytes("another statement"))), "M2");
  EXPECT_EQ(failures(RelyingParty{party.roots, {}, party.enrollers}.judge(evidence)), "M5");
  EXPECT_EQ(failures(RelyingParty{party.roots, party.enrolments, {}}.judge(evidence)), "M5");
  EXPECT_NE(failures(RelyingParty{{}, party.enrolments, party.enrollers}.judge(evidence)).find("M6"), std::string::npos);

  // A quote signed by another key of the same TPM: a later AK, presented as the enrolled one.
  machine.device.reset();
  machine.start();
  auto raw = OrDie(tpm::RawEvidence::decode(machine.evidence()));
  EXPECT_EQ(failures(party.judge(raw.encode())), "M5");
  raw.ak_public = OrDie(tpm::RawEvidence::decode(evidence)).ak_public;
  EXPECT_EQ(failures(party.judge(raw.encode())), "M1 M3");  // the qualified signer tells it too
}

TEST(TpmEvidenceEndToEndTest, ShowsAnExtendAfterTheCapAndALogThatLies) {
  REDOUBT_REQUIRE_SWTPM();
  Machine machine;
  machine.start();
  const auto key = enroller_key();
  RelyingParty party{{machine.root()}, {enroll(*machine.device, key, 2)}, {key.public_key()}};
  auto raw = OrDie(tpm::RawEvidence::decode(machine.evidence()));
  auto lying = raw;
  lying.application_log->events[0] = tpm::ApplicationEvent{"manifest", to_bytes(kContract.view())}.encode();
  EXPECT_EQ(failures(party.judge(lying.encode())), "app.log");
  lying = raw;
  lying.application_log->events.pop_back();
  EXPECT_EQ(failures(party.judge(lying.encode())), "app.log");
  lying = raw;
  std::swap(lying.application_log->events[0], lying.application_log->events[1]);
  EXPECT_EQ(failures(party.judge(lying.encode())), "app.log");
  lying = raw;
  lying.pcrs[tpm::kLauncherPcr] = tpm::PcrValue();
  EXPECT_EQ(failures(party.judge(lying.encode())), "M4 app.log");

  // Somebody extends PCR 14 after the cap.
  const Bytes blob = machine.device->ak_blob();
  machine.device.reset();
  ASSERT_OK(OrDie(launch::TpmChannel::connect(machine.tpm->socket())).extend(tpm::kLauncherPcr, crypto::sha256(as_bytes("late"))));
  machine.device = OrDie(collect::TpmDevice::open(machine.tpm->tcti(), blob));
  machine.make_collector();
  EXPECT_EQ(failures(party.judge(machine.evidence())), "app.log");
}

TEST(TpmEvidenceEndToEndTest, IsTiedToOneTpm) {
  REDOUBT_REQUIRE_SWTPM();
  Machine machine;
  Machine other;
  machine.start();
  other.start();
  const auto key = enroller_key();
  RelyingParty party{{machine.root()}, {enroll(*machine.device, key, 3)}, {key.public_key()}};
  EXPECT_EQ(failures(party.judge(machine.evidence())), "");
  // Another TPM with another CA: neither its AK is enrolled nor its EK certified.
  EXPECT_EQ(failures(party.judge(other.evidence())), "M5 M6");
  // The other's quote with this one's certificate, key and issuer.
  const auto ours = OrDie(tpm::RawEvidence::decode(machine.evidence()));
  auto mixed = OrDie(tpm::RawEvidence::decode(other.evidence()));
  mixed.ek_certificate = ours.ek_certificate;
  mixed.ek_intermediates = ours.ek_intermediates;
  EXPECT_NE(failures(party.judge(mixed.encode())).find("M6"), std::string::npos);
  mixed.ek_public = ours.ek_public;
  EXPECT_EQ(failures(party.judge(mixed.encode())), "M1 M5");  // its AK is no child of this EK
  // The other TPM gives no secret of a credential that was made for this one.
  test::FixedRandom random(4);
  const auto credential = OrDie(tpm::make_credential(OrDie(tpm::Public::parse(ours.ek_public)),
                                                     OrDie(tpm::Public::parse(ours.ak_public)).name, random.secret(32), random));
  EXPECT_FALSE(other.device->activate_credential(credential.id_object, credential.encrypted_secret).ok());
}

TEST(TpmEvidenceEndToEndTest, ComesBackAfterTheTpmWasRestarted) {
  REDOUBT_REQUIRE_SWTPM();
  Machine machine;
  machine.start();
  const auto key = enroller_key();
  RelyingParty party{{machine.root()}, {enroll(*machine.device, key, 5)}, {key.public_key()}};
  const auto before = OrDie(tpm::Attest::parse(OrDie(tpm::RawEvidence::decode(machine.evidence())).attest));
  machine.tpm->kill();
  EXPECT_ERROR(machine.collector->collect(kStatement), Code::unavailable, "collecting TPM Evidence");
  ASSERT_OK(machine.tpm->power_on());
  // PCR 14 is zero again and the log of the last boot does not fit it; the key is the one that was enrolled.
  const Bytes evidence = machine.evidence();
  const auto after = OrDie(tpm::Attest::parse(OrDie(tpm::RawEvidence::decode(evidence)).attest));
  EXPECT_GT(after.reset_count, before.reset_count);
  const std::string failed = failures(party.judge(evidence));
  EXPECT_NE(failed.find("app.log"), std::string::npos);
  EXPECT_EQ(failed.find("M5"), std::string::npos);
}

}  // namespace
}  // namespace redoubt
