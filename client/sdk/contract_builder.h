// contract_builder: a contract from what a participant decided, and every term of a contract in words.
//
// The contract is the one thing that all later trust hangs on, so whoever signs it must have read it: terms_of leaves nothing
// out. Public-key files come from other people; compare their fingerprints with their owners first. Pure.
#pragma once

#include "client/sdk/key_file.h"
#include "common/crypto/x509.h"

namespace redoubt::sdk {

struct ContractMember {
  PublicKeys keys;
  bool votes = false;
};

struct ContractPlan {
  std::string environment;
  std::vector<ContractMember> members;
  jobs::Approval approval;
  std::optional<int> voters;  // how many the rule was written for, as in "2-of-3"; must be true
  int k = 10;
  jobs::PrivacyLevel privacy_floor = jobs::PrivacyLevel::aggregate_only;
  int recovery_quorum = 0;
  std::vector<appraise::ReferenceProgram> programs;
  std::vector<crypto::Certificate> tpm_roots;
  bool tpm_roots_are_software = true;  // a software TPM stands behind the roots
  bool accept_host_asserted = false;
  bool accept_software_tpm = false;
  bool require_secure_boot = false;
};

// build_contract: epoch 1; every member's enroller key is named in the policy. `usage` names what is missing; `malformed` as
// Contract::parse.
Result<jobs::Contract> build_contract(const ContractPlan& plan);

// read_approval reads `unanimous`, `majority`, `owners` or `K-of-N` into plan.approval and plan.voters; `usage` for anything else.
Status read_approval(std::string_view text, ContractPlan& plan);

// quorum_text: what voters who collude can do under this contract, in one line.
std::string quorum_text(const jobs::Contract& contract);

// read_program reads `NAME=HEX`, or a JSON file's text {"manifest": hex, "name": ...} with whatever else stands there.
Result<appraise::ReferenceProgram> read_program(std::string_view text);

// Term: one line of a contract, for people.
struct Term {
  std::string name;
  std::string value;
};
std::vector<Term> terms_of(const jobs::Contract& contract);

// warnings_of: what the contract accepts that a reader must know, as whole sentences; often empty for hardware.
std::vector<std::string> warnings_of(const jobs::Contract& contract);

// The sentence that every screen shows for a program on a software TPM that the host vouches for. Who owns that TPM can unseal what the program keeps.
inline constexpr std::string_view kHostAssertedWarning =
    "software TPM, asserted by the host: format and protocol exercised, a lying operator could forge this; sealed state is readable by the operator";

}  // namespace redoubt::sdk
