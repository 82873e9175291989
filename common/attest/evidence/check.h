// Check: one thing that a verifier must look at, as data.
//
// The ids are stable and appear in every result, in JSON and on screens. Each check is present as passed, failed or not
// applicable, with the two values that were compared, in words that a person can read: a missing comparison is visible.
#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"

namespace redoubt::attest {

enum class CheckId {
  // TPM quote
  tpm_m1_form,             // magic, type, no trailing bytes; clock is safe
  tpm_m2_qualifying_data,  // extraData is exactly H(statement)
  tpm_m3_signature,        // by the AK, with the scheme of the key
  tpm_m4_pcrs,             // selection holds the needed PCRs of one bank; digest recomputed from the values
  tpm_m5_ak,               // AK attributes and name; tied to the EK by an AkEnrolment
  tpm_m6_ek,               // EK certificate chain, usage, template, key
  // Event logs
  log_l1_form,             // crypto-agile header, algorithm list, bounds
  log_l2_replay,           // replay of every quoted PCR that the log speaks of
  log_l3_data,             // digest = H(data) for the types where it is so
  log_l4_separators,       // exactly one in each of PCR 0-7
  log_l5_secure_boot,      // the SecureBoot variable, before the separator of PCR 7
  ima_i1_template,         // template hashes
  ima_i3_prefix,           // a prefix of the list gives the quoted PCR 10
  app_log,                 // application log replays to its PCR
  // Policy
  claims_workload,         // the claims name the workload of the policy
  claims_contract,         // the claims hold the contract that the Relying Party holds
  measured_contract,       // the launcher measured that contract
  program,                 // the program's measurement is a Reference Value
  reference_pcrs,          // PCRs equal the Reference Values
  host_asserted,           // the measurement is more than the host's word, or the policy takes the host's word
  software_tpm,            // the trust anchor is hardware, or the policy takes a software TPM
};

// id_text: "tpm.M1", "log.L2", "program", ...
std::string_view id_text(CheckId id);
// title: what is checked, for people.
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

inline Check passed(CheckId id, std::string expected, std::string found) {
  return {id, Outcome::passed, std::move(expected), std::move(found), Code::malformed};
}
inline Check failed(CheckId id, Code code, std::string expected, std::string found) {
  return {id, Outcome::failed, std::move(expected), std::move(found), code};
}
inline Check not_applicable(CheckId id, std::string why) {
  return {id, Outcome::not_applicable, std::move(why), "", Code::malformed};
}

}  // namespace redoubt::attest
