// Check: one thing that a verifier must look at, as data.
//
// The ids are stable and appear in every result, in JSON and on screens. Each check of a kind of Evidence is present as
// passed, failed or not applicable, with the two values that were compared, in words that a person can read: a missing
// comparison is visible. Letters: Q, S, C, T, P for DCAP quotes (SGX, TDX), N for SEV-SNP, M for TPM quotes, L for event
// logs, I for IMA, A for Nitro, J for cloud tokens, R for RA-TLS certificates, G for accelerators; docs/specs/checks.md has
// the list. Names without a letter are Redoubt's own binding and policy checks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace redoubt::attest {

enum class CheckId {
  q1, q2, q3, q4, q5,                                              // DCAP: form of the quote
  s1, s2, s3, s4, s5,                                              // DCAP: signatures and the PCK chain
  c1, c2, c3, c4, c5, c6, c7,                                      // DCAP: collateral
  t1, t2, t3, t4, t5, t6, t7, t8,                                  // DCAP: TCB status
  p1, p2, p3,                                                      // DCAP: attributes, measurements, report data
  n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, n16,  // SEV-SNP
  m1, m2, m3, m4, m5, m6,                                          // TPM quote and its keys
  l1, l2, l3, l4, l5, l6,                                          // event logs
  i1, i2, i3, i4,                                                  // IMA
  a1, a2, a3,                                                      // Nitro
  j1, j2, j3, j4,                                                  // cloud tokens
  r1, r2, r3,                                                      // RA-TLS certificates
  g1,                                                              // accelerators
  app_log,            // application log replays to its PCR
  claims_workload,    // the claims name the workload of the policy
  claims_contract,    // the claims hold the contract that the Relying Party holds
  measured_contract,  // the launcher measured that contract
  program,            // the program's measurement is a Reference Value
  reference_pcrs,     // PCRs equal the Reference Values
  host_asserted,      // the measurement is more than the host's word, or the policy takes the host's word
  software_tpm,       // the trust anchor is hardware, or the policy takes a software TPM
};

// id_text: "Q1", "M2", "measured.program", ...
std::string_view id_text(CheckId id);
// from_text: the check of that name, if there is one.
std::optional<CheckId> check_from_text(std::string_view text);
// title: what is checked, for people: a sentence that is true when the check passed.
std::string_view title(CheckId id);

enum class Outcome { passed, failed, not_applicable };
std::string_view outcome_text(Outcome outcome);

struct Check {
  CheckId id;
  Outcome outcome = Outcome::failed;
  std::string expected;
  std::string found;
  Code code = Code::malformed;  // the class of error when it failed

  friend bool operator==(const Check&, const Check&) = default;
};

// passed, failed, not_applicable: the three makers of a Check; every outcome in the product comes from one of them. They stand in a
// file of their own (outcome.cpp), which tests/mutation replaces to see that a test notices each check that is switched off.
Check passed(CheckId id, std::string expected, std::string found);
Check failed(CheckId id, Code code, std::string expected, std::string found);
Check not_applicable(CheckId id, std::string why);

}  // namespace redoubt::attest
