// The recorded measured boots of tests/golden/tpm-swtpm-qemu as RawEvidence, with what a verifier needs to accept them: time,
// root, and enrolments by a test key, made only because ActivateCredential gave the right secret back at capture.
#pragma once

#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "common/attest/evidence/tpm/evidence.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::test {

inline constexpr std::string_view kTpmSets[] = {"good", "good-second-quote", "secureboot-off", "shim-grub", "other-image"};

inline std::filesystem::path tpm_vector(std::string_view set, std::string_view file) {
  return golden("tpm-swtpm-qemu") / set / file;
}

// The quoted values: "sha256 INDEX HEX" lines of pcrs.txt, those that the sets quote (0-16 and 23).
inline std::map<int, tpm::PcrValue> tpm_pcrs(std::string_view set) {
  std::istringstream lines(read_text(tpm_vector(set, "pcrs.txt")));
  std::map<int, tpm::PcrValue> pcrs;
  std::string bank;
  std::string hex;
  for (int pcr = 0; lines >> bank >> pcr >> hex;) {
    if (pcr <= 16 || pcr == 23) pcrs[pcr] = OrDie(tpm::PcrValue::from_hex(hex, "pcr"));
  }
  return pcrs;
}

inline tpm::RawEvidence tpm_evidence(std::string_view set) {
  const auto file = [&](std::string_view name) { return read_file(tpm_vector(set, name)); };
  const auto public_area = [&](std::string_view name) {
    const Bytes tpm2b = file(name);
    return to_bytes(OrDie(tpm::unwrap_sized(tpm2b, name)));
  };
  const auto issuer = OrDie(crypto::Certificate::parse_pem_bundle(read_text(golden("tpm-swtpm-qemu/ca/issuer.pem"))));
  tpm::RawEvidence raw;
  raw.attest = file("quote.attest");
  raw.signature = file("quote.sig");
  raw.ak_public = public_area("ak.pub");
  raw.ek_public = public_area("ek.pub");
  raw.ek_certificate = file("ek_cert.der");
  raw.ek_intermediates.push_back(to_bytes(issuer.at(0).der()));
  raw.pcrs = tpm_pcrs(set);
  raw.event_log = file("binary_bios_measurements");
  raw.ima_log = file("ima_binary_runtime_measurements");
  raw.application_log = tpm::ApplicationLog{15, {file("app_event_0.bin")}};
  return raw;
}

// The part before the logs: PCR values that nothing but the quote explains.
inline tpm::RawEvidence without_logs(tpm::RawEvidence raw) {
  raw.event_log.clear();
  raw.ima_log.clear();
  raw.application_log.reset();
  return raw;
}

inline std::vector<crypto::Certificate> tpm_roots() {
  return OrDie(crypto::Certificate::parse_pem_bundle(read_text(golden("tpm-swtpm-qemu/ca/root.pem"))));
}

inline crypto::Ed25519PrivateKey tpm_enroller(unsigned char seed = 7) {
  return OrDie(crypto::Ed25519PrivateKey::from_seed(SecretBytes::copy_of(Bytes(32, std::byte{seed}))));
}

// An enrolment of whatever AK and certificate stand in `raw`.
inline tpm::AkEnrolment tpm_enrolment(const tpm::RawEvidence& raw, const crypto::Ed25519PrivateKey& enroller) {
  return tpm::AkEnrolment::sign(crypto::sha256(raw.ek_certificate), OrDie(tpm::Public::parse(raw.ak_public)).name,
                                Instant(1795900000), enroller);
}

// What accepts one set; a test changes a member before it asks.
struct TpmVerifier {
  explicit TpmVerifier(std::string_view set)
      : nonce(read_file(tpm_vector(set, "nonce.bin"))), roots(tpm_roots()), enrollers{tpm_enroller().public_key()} {
    if (read_file(tpm_vector(set, "activate_secret.bin")) != read_file(tpm_vector(set, "activate_result.bin"))) std::abort();
    enrolments.push_back(tpm_enrolment(tpm_evidence(set), tpm_enroller()));
  }

  tpm::Inputs inputs() const {
    tpm::Inputs inputs;
    inputs.expected_extra_data = nonce;
    inputs.roots = roots;
    inputs.verified_ek = verified_ek;
    inputs.enrolments = enrolments;
    inputs.enrollers = enrollers;
    inputs.required_pcrs = required_pcrs;
    inputs.now = now;
    inputs.verified_enrolments = verified_enrolments;
    return inputs;
  }

  // failures: the ids of the checks that fail, or "parse". Ends the test when verdict and checks contradict each other.
  std::set<std::string> failures(const tpm::RawEvidence& raw) const {
    const auto parsed = tpm::parse(raw.encode());
    if (!parsed.ok()) return {"parse"};
    const tpm::Outcome outcome = tpm::authenticate(*parsed, inputs());
    std::set<std::string> ids;
    for (const attest::Check& check : outcome.checks) {
      if (check.outcome == attest::Outcome::failed) ids.emplace(attest::id_text(check.id));
    }
    if (outcome.checks.size() != 15 || ids.empty() != outcome.authentic.has_value()) std::abort();
    return ids;
  }

  Bytes nonce;
  std::vector<crypto::Certificate> roots;
  const tpm::VerifiedEk* verified_ek = nullptr;
  std::vector<tpm::AkEnrolment> enrolments;
  std::vector<tpm::VerifiedEnrolment> verified_enrolments;
  std::vector<crypto::Ed25519PublicKey> enrollers;
  std::vector<int> required_pcrs = {0, 1, 2, 3, 4, 5, 6, 7};
  Instant now{1796083200};  // 2026-12-01T00:00:00Z
};

}  // namespace redoubt::test
