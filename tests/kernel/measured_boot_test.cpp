// Goal: Evidence of a machine that really booted, collected from the kernel's own /dev/tpmrm0, firmware log and IMA list, is accepted by
// the verifier, and what differs about the boot or the Evidence is refused by the check that is there for it. Method: Debian's kernel
// under UEFI firmware in QEMU with a software TPM; the AK is enrolled by MakeCredential here and ActivateCredential there.
#include <chrono>

#include "common/attest/appraise/appraisal.h"
#include "common/attest/evidence/tpm/credential.h"
#include "tests/kernel/machine.h"
#include "tests/support/fixed_random.h"
#include "tests/support/tpm_vectors.h"

namespace redoubt::test {
namespace {

const Bytes kStatement = to_bytes("a statement");

crypto::Certificate certificate(const std::filesystem::path& pem) { return OrDie(crypto::Certificate::parse_pem_bundle(read_text(pem))).at(0); }

Instant now() { return Instant(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count()); }

// Booted: one machine, and what a Relying Party holds of it.
class Booted {
 public:
  explicit Booted(std::string more_kernel_options = {}) : machine({.tpm_and_uefi = true, .more_kernel_options = std::move(more_kernel_options)}) {}

  // evidence: over a statement, with the issuer's certificate, which the guest does not have.
  tpm::RawEvidence evidence(ByteView statement = kStatement) {
    const auto answer = machine.ask("tpm " + word(statement));
    auto raw = OrDie(tpm::RawEvidence::decode(Machine::bytes(answer, 1)));
    raw.ek_intermediates = {to_bytes(certificate(machine.issuer_pem()).der())};
    return raw;
  }
  tpm::AkEnrolment enroll(const tpm::RawEvidence& raw) {
    FixedRandom random(11);
    const auto name = OrDie(tpm::Public::parse(raw.ak_public)).name;
    const SecretBytes secret = random.secret(32);
    const auto credential = OrDie(tpm::make_credential(OrDie(tpm::Public::parse(raw.ek_public)), name, secret, random));
    const auto answer = machine.ask("activate " + word(credential.id_object) + " " + word(credential.encrypted_secret));
    EXPECT_EQ(Machine::bytes(answer, 0), to_bytes(secret.reveal()));
    return tpm::AkEnrolment::sign(crypto::sha256(raw.ek_certificate), name, now(), tpm_enroller());
  }

  Machine machine;
};

struct Verdict {
  std::set<std::string> failed;
  appraise::Appraisal appraisal;
};

// RelyingParty: its policy names the TPM's authority and takes software TPMs; Reference Values are of the boot that it knows.
struct RelyingParty {
  std::vector<crypto::Certificate> roots;
  std::vector<tpm::AkEnrolment> enrolments;
  std::optional<std::map<int, tpm::PcrValue>> reference;

  Verdict judge(const tpm::RawEvidence& raw, ByteView statement = kStatement) const {
    appraise::Policy policy{.name = "measured", .workload = "any", .programs = std::nullopt, .accept_host_asserted = !reference, .accept_software_tpm = true, .platforms = {}};
    appraise::TpmPolicy& section = policy.platforms.tpm.emplace();
    for (const auto& root : roots) section.anchors.push_back({root.digest(), "swtpm " + root.digest().hex().substr(0, 8), true});
    section.enrollers = {tpm_enroller().public_key()};
    section.pcrs = reference;
    appraise::Endorsements endorsements;
    endorsements.tpm_roots = roots;
    endorsements.enrolments = enrolments;
    appraise::Challenge challenge;
    challenge.statement = to_bytes(statement);
    Verdict out{{}, OrDie(appraise::appraise({"tpm", raw.encode()}, endorsements, challenge, policy, now()))};
    for (const attest::Check& check : out.appraisal.checks) {
      if (check.outcome == attest::Outcome::failed) out.failed.emplace(std::string(attest::id_text(check.id)) + ": " + check.found);
    }
    return out;
  }
};

std::set<std::string> ids_of(const Verdict& verdict) {
  std::set<std::string> out;
  for (const std::string& one : verdict.failed) out.insert(one.substr(0, one.find(':')));
  return out;
}

bool passed(const Verdict& verdict, attest::CheckId id) {
  const attest::Check* check = verdict.appraisal.find(id);
  return check != nullptr && check->outcome == attest::Outcome::passed;
}

TEST(MeasuredBootInAKernel, ItsEvidenceIsAcceptedAndWhatDiffersIsRefused) {
  if (const auto missing = missing_for_machines()) GTEST_SKIP() << *missing;
  using attest::CheckId;
  Booted known;
  const tpm::RawEvidence first = known.evidence();
  RelyingParty party{{certificate(known.machine.root_pem())}, {known.enroll(first)}, {}};
  const Verdict open = party.judge(first);
  EXPECT_EQ(open.failed, std::set<std::string>());
  for (const CheckId id : {CheckId::m1, CheckId::m2, CheckId::m3, CheckId::m4, CheckId::m5, CheckId::m6, CheckId::l1, CheckId::l2, CheckId::l3, CheckId::l4, CheckId::l5,
                           CheckId::i1, CheckId::i2, CheckId::i3}) {
    EXPECT_TRUE(passed(open, id)) << attest::id_text(id);
  }

  // The same boot, another statement: under its own PCRs as Reference Values it is a measured boot, and no more the host's word.
  party.reference.emplace();
  for (const int pcr : {0, 1, 2, 3, 4, 5, 6, 7, 9}) (*party.reference)[pcr] = *open.appraisal.pcrs.find(pcr);
  const Bytes other_statement = to_bytes("another statement");
  tpm::RawEvidence second = known.evidence(other_statement);
  const Verdict measured = party.judge(second, other_statement);
  EXPECT_EQ(measured.failed, std::set<std::string>());
  EXPECT_FALSE(measured.appraisal.host_asserted);
  EXPECT_EQ(party.judge(second).failed.size(), 1U);
  EXPECT_TRUE(party.judge(second).failed.begin()->starts_with("M2"));

  // The program that ran is in the kernel's list, after the boot aggregate.
  const auto list = OrDie(ima::List::parse_binary(second.ima_log));
  ASSERT_GT(list.entries.size(), 2U);
  EXPECT_NE(as_text(second.ima_log).find("/init"), std::string_view::npos);

  // Another machine, booted with one more word on its command line: PCR 9 tells, where the kernel's own loader measured it.
  Booted other("redoubt.other=1");
  const tpm::RawEvidence third = other.evidence();
  party.roots.push_back(certificate(other.machine.root_pem()));
  party.enrolments.push_back(other.enroll(third));
  const Verdict differs = party.judge(third);
  ASSERT_EQ(differs.failed.size(), 1U);
  EXPECT_TRUE(differs.failed.begin()->starts_with("reference.pcrs: PCR 9 ")) << *differs.failed.begin();
  party.reference.reset();
  EXPECT_EQ(party.judge(third).failed, std::set<std::string>());

  // The logs of the one boot beside the quote of the other.
  tpm::RawEvidence mixed = third;
  mixed.event_log = second.event_log;
  EXPECT_EQ(ids_of(party.judge(mixed)), (std::set<std::string>{"L2"}));
  mixed = third;
  mixed.ima_log = second.ima_log;
  EXPECT_EQ(ids_of(party.judge(mixed)), (std::set<std::string>{"I1", "I3"}));
  mixed = third;
  mixed.attest = second.attest;
  mixed.signature = second.signature;
  mixed.pcrs = second.pcrs;
  EXPECT_TRUE(ids_of(party.judge(mixed, other_statement)).contains("M3"));
}

}  // namespace
}  // namespace redoubt::test
