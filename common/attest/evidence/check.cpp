#include "common/attest/evidence/check.h"

namespace redoubt::attest {

std::string_view id_text(CheckId id) {
  switch (id) {
    case CheckId::tpm_m1_form: return "tpm.M1";
    case CheckId::tpm_m2_qualifying_data: return "tpm.M2";
    case CheckId::tpm_m3_signature: return "tpm.M3";
    case CheckId::tpm_m4_pcrs: return "tpm.M4";
    case CheckId::tpm_m5_ak: return "tpm.M5";
    case CheckId::tpm_m6_ek: return "tpm.M6";
    case CheckId::log_l1_form: return "log.L1";
    case CheckId::log_l2_replay: return "log.L2";
    case CheckId::log_l3_data: return "log.L3";
    case CheckId::log_l4_separators: return "log.L4";
    case CheckId::log_l5_secure_boot: return "log.L5";
    case CheckId::ima_i1_template: return "ima.I1";
    case CheckId::ima_i3_prefix: return "ima.I3";
    case CheckId::app_log: return "app.log";
    case CheckId::claims_workload: return "claims.workload";
    case CheckId::claims_contract: return "claims.contract";
    case CheckId::measured_contract: return "measured.contract";
    case CheckId::program: return "measured.program";
    case CheckId::reference_pcrs: return "reference.pcrs";
    case CheckId::host_asserted: return "policy.host_asserted";
    case CheckId::software_tpm: return "policy.software_tpm";
  }
  return "";
}

std::string_view title(CheckId id) {
  switch (id) {
    case CheckId::tpm_m1_form: return "the quote is a TPM quote and its clock is safe";
    case CheckId::tpm_m2_qualifying_data: return "the quote answers this challenge";
    case CheckId::tpm_m3_signature: return "the attestation key signed the quote";
    case CheckId::tpm_m4_pcrs: return "the PCR values are the quoted ones";
    case CheckId::tpm_m5_ak: return "the attestation key lives in the enrolled TPM";
    case CheckId::tpm_m6_ek: return "the TPM's endorsement key leads to a trust anchor";
    case CheckId::log_l1_form: return "the firmware log is well formed";
    case CheckId::log_l2_replay: return "the firmware log replays to the quoted PCRs";
    case CheckId::log_l3_data: return "event data match their digests";
    case CheckId::log_l4_separators: return "one separator in each of PCR 0-7";
    case CheckId::log_l5_secure_boot: return "Secure Boot was on";
    case CheckId::ima_i1_template: return "IMA entries match their template hashes";
    case CheckId::ima_i3_prefix: return "the IMA list replays to PCR 10";
    case CheckId::app_log: return "the application log replays to its PCR";
    case CheckId::claims_workload: return "the claims name the workload of the policy";
    case CheckId::claims_contract: return "the claims hold the contract you hold";
    case CheckId::measured_contract: return "that contract was measured at launch";
    case CheckId::program: return "the program is a Reference Value";
    case CheckId::reference_pcrs: return "the PCRs are the Reference Values";
    case CheckId::host_asserted: return "the measurement is taken as the policy allows";
    case CheckId::software_tpm: return "the kind of TPM is one the policy allows";
  }
  return "";
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
