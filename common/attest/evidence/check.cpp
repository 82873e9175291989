#include "common/attest/evidence/check.h"

#include <algorithm>
#include <iterator>

namespace redoubt::attest {
namespace {

struct Row {
  CheckId id;
  std::string_view text;
  std::string_view title;
};

constexpr Row kRows[] = {
    {CheckId::q1, "Q1", "every length in the quote lies within the bytes that are there"},
    {CheckId::q2, "Q2", "version, TEE type and body of the quote belong together"},
    {CheckId::q3, "Q3", "the quote is signed by ECDSA P-256 through Intel's Quoting Enclave"},
    {CheckId::q4, "Q4", "the certification data have a known type"},
    {CheckId::q5, "Q5", "bytes after the quote are not looked at"},
    {CheckId::s1, "S1", "the attestation key signed header and body"},
    {CheckId::s2, "S2", "the Quoting Enclave vouches for the attestation key"},
    {CheckId::s3, "S3", "the PCK signed the Quoting Enclave's report"},
    {CheckId::s4, "S4", "the PCK chain leads to a pinned root and is valid at the time"},
    {CheckId::s5, "S5", "the PCK's SGX extension is well formed"},
    {CheckId::c1, "C1", "the TCB signing certificate leads to the same root"},
    {CheckId::c2, "C2", "TCB info and QE identity are signed, byte for byte"},
    {CheckId::c3, "C3", "TCB info and QE identity are valid at the time"},
    {CheckId::c4, "C4", "TCB info and QE identity are of this TEE"},
    {CheckId::c5, "C5", "TCB info is of this platform family (FMSPC and PCE)"},
    {CheckId::c6, "C6", "revocation lists are of these authorities, valid, and list none of these certificates"},
    {CheckId::c7, "C7", "the collateral is not older than the policy asks"},
    {CheckId::t1, "T1", "SGX components and PCE of the platform reach a published TCB level"},
    {CheckId::t2, "T2", "TDX components of the platform reach a published TCB level"},
    {CheckId::t3, "T3", "the TDX module is Intel's, with the attributes published for it"},
    {CheckId::t4, "T4", "the TDX module's version reaches a published level"},
    {CheckId::t5, "T5", "the Quoting Enclave is Intel's, at a published level"},
    {CheckId::t6, "T6", "the converged TCB status is one the policy accepts"},
    {CheckId::t7, "T7", "the TD needs no relaunch, or the policy accepts one that does"},
    {CheckId::t8, "T8", "security advisories are ones the policy accepts"},
    {CheckId::p1, "P1", "SGX attributes and identity are as the policy asks"},
    {CheckId::p2, "P2", "TD attributes and measurements are as the policy asks"},
    {CheckId::p3, "P3", "the report data are what the protocol committed to"},
    {CheckId::n1, "N1", "the report has its form"},
    {CheckId::n2, "N2", "the signing key is of the kind that the report names"},
    {CheckId::n3, "N3", "the endorsement key signed the report"},
    {CheckId::n4, "N4", "the endorsement key's chain leads to a pinned root and is valid at the time"},
    {CheckId::n5, "N5", "report, endorsement key and chain are of one product"},
    {CheckId::n6, "N6", "the reported TCB is the one the endorsement key was derived for"},
    {CheckId::n7, "N7", "the chip is the one the endorsement key was issued for"},
    {CheckId::n8, "N8", "TCB versions are in order and at least the policy's"},
    {CheckId::n9, "N9", "guest policy and platform are as the policy asks"},
    {CheckId::n10, "N10", "the report is of the expected privilege level"},
    {CheckId::n11, "N11", "measurement, host data and launch keys are as the policy asks"},
    {CheckId::n12, "N12", "mitigations are as the policy asks"},
    {CheckId::n13, "N13", "the endorsement key is not revoked"},
    {CheckId::n14, "N14", "the report data are what the protocol committed to"},
    {CheckId::n15, "N15", "report, paravisor data, attestation key and TPM quote belong together"},
    {CheckId::n16, "N16", "the measurement is endorsed by the named signer"},
    {CheckId::m1, "M1", "the quote is a TPM quote and its clock is safe"},
    {CheckId::m2, "M2", "the quote answers this challenge"},
    {CheckId::m3, "M3", "the attestation key signed the quote"},
    {CheckId::m4, "M4", "the PCR values are the quoted ones"},
    {CheckId::m5, "M5", "the attestation key lives in the enrolled TPM"},
    {CheckId::m6, "M6", "the TPM's endorsement key leads to a trust anchor"},
    {CheckId::l1, "L1", "the firmware log is well formed"},
    {CheckId::l2, "L2", "the firmware log replays to the quoted registers"},
    {CheckId::l3, "L3", "event data match their digests"},
    {CheckId::l4, "L4", "one separator in each of PCR 0-7"},
    {CheckId::l5, "L5", "Secure Boot was on"},
    {CheckId::l6, "L6", "the confidential-computing log speaks of RTMRs in SHA-384"},
    {CheckId::i1, "I1", "IMA entries match their template hashes"},
    {CheckId::i2, "I2", "the IMA list has no violation, or the policy accepts them"},
    {CheckId::i3, "I3", "the IMA list replays to PCR 10"},
    {CheckId::i4, "I4", "files in the IMA list are known by digest or signature"},
    {CheckId::a1, "A1", "the Nitro document has its form"},
    {CheckId::a2, "A2", "the Nitro document is signed, and its chain leads to a pinned root"},
    {CheckId::a3, "A3", "the Nitro document is fresh, answers the challenge and is not of a debug enclave"},
    {CheckId::j1, "J1", "the token is signed by a key that is pinned, with the algorithm of its issuer"},
    {CheckId::j2, "J2", "issuer, audience, times and nonce of the token are the expected ones"},
    {CheckId::j3, "J3", "the token's claims are as the policy asks"},
    {CheckId::j4, "J4", "nothing in the token chooses its own key"},
    {CheckId::r1, "R1", "the certificate carries exactly one piece of Evidence, well formed"},
    {CheckId::r2, "R2", "the Evidence binds the certificate's key"},
    {CheckId::r3, "R3", "the Evidence binds this session"},
    {CheckId::g1, "G1", "the accelerator's report is signed and bound to its host"},
    {CheckId::app_log, "app.log", "the application log replays to its PCR"},
    {CheckId::claims_workload, "claims.workload", "the claims name the workload of the policy"},
    {CheckId::claims_contract, "claims.contract", "the claims hold the contract you hold"},
    {CheckId::measured_contract, "measured.contract", "that contract was measured at launch"},
    {CheckId::program, "measured.program", "the program is a Reference Value"},
    {CheckId::reference_pcrs, "reference.pcrs", "the PCRs are the Reference Values"},
    {CheckId::host_asserted, "policy.host_asserted", "the measurement is taken as the policy allows"},
    {CheckId::software_tpm, "policy.software_tpm", "the kind of TPM is one the policy allows"},
};

consteval bool in_order() {
  for (std::size_t i = 0; i < std::size(kRows); ++i) {
    if (static_cast<std::size_t>(kRows[i].id) != i) return false;
  }
  return static_cast<std::size_t>(CheckId::software_tpm) + 1 == std::size(kRows);
}
static_assert(in_order(), "the table of checks must have one row for each id, in its order");

}  // namespace

std::string_view id_text(CheckId id) { return kRows[static_cast<std::size_t>(id)].text; }

std::string_view title(CheckId id) { return kRows[static_cast<std::size_t>(id)].title; }

std::optional<CheckId> check_from_text(std::string_view text) {
  const auto* found = std::ranges::find(kRows, text, &Row::text);
  return found == std::end(kRows) ? std::nullopt : std::optional(found->id);
}

std::string_view outcome_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::passed: return "passed";
    case Outcome::failed: return "failed";
    case Outcome::not_applicable: return "not_applicable";
  }
  return "";
}

}  // namespace redoubt::attest
