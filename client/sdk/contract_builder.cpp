#include "client/sdk/contract_builder.h"

#include "client/sdk/members.h"

namespace redoubt::sdk {
namespace {

constexpr std::size_t kMaxProgramFile = 4U << 20;

std::string short_subject(const crypto::Certificate& certificate) {
  constexpr std::size_t limit = 100;
  const std::string& subject = certificate.subject();
  return subject.empty() ? "TPM root" : subject.substr(0, limit);
}

std::string yes_no(bool value) { return value ? "yes" : "no"; }

void add_tpm(const appraise::TpmPolicy& section, std::vector<Term>& terms) {
  for (const auto& anchor : section.anchors) {
    terms.push_back({anchor.software ? "TPM root (software)" : "TPM root", anchor.name + "  " + anchor.certificate.hex()});
  }
  for (const auto& enroller : section.enrollers) terms.push_back({"enroller", enroller.hex()});
  const auto add_values = [&](const auto& values, const std::string& bank) {
    if (!values) return;
    for (const auto& [index, value] : *values) terms.push_back({"PCR " + std::to_string(index) + bank, value.hex()});
  };
  add_values(section.pcrs, "");
  add_values(section.pcrs_sha384, " (SHA-384)");
  add_values(section.pcrs_sha512, " (SHA-512)");
  if (!section.pcrs && !section.pcrs_sha384 && !section.pcrs_sha512) terms.push_back({"PCRs", "any"});
  terms.push_back({"Secure Boot", section.secure_boot_required ? "required" : "any"});
}

void add_policy(const appraise::Policy& policy, std::vector<Term>& terms) {
  if (policy.programs) {
    for (const auto& program : *policy.programs) terms.push_back({"program", program.name + "  " + program.manifest.hex()});
  } else {
    terms.push_back({"program", "any"});
  }
  if (policy.platforms.tpm) add_tpm(*policy.platforms.tpm, terms);
  // Whatever else the contract would accept stands here in full: nobody signs what is not shown.
  const json::Value whole = policy.to_json();
  for (const auto& [platform, section] : *whole.object()->at("platforms").object()) {
    if (platform != "tpm") terms.push_back({"accepts " + platform, json::canonical(section)});
  }
  terms.push_back({"accepts a measurement asserted by the host", yes_no(policy.accept_host_asserted)});
  terms.push_back({"accepts a software TPM", yes_no(policy.accept_software_tpm)});
  terms.push_back({"policy", policy.name + "  " + policy.id().hex()});
}

}  // namespace

Result<jobs::Contract> build_contract(const ContractPlan& plan) {
  if (plan.members.empty()) return Error(Code::usage, "a contract needs participants");
  if (plan.programs.empty()) return Error(Code::usage, "a contract needs a program that its participants accept");
  if (plan.tpm_roots.empty()) return Error(Code::usage, "a contract needs a trust anchor for TPMs");
  jobs::Contract contract;
  contract.environment = plan.environment;
  contract.epoch = 1;
  contract.approval = jobs::ApprovalRule::unanimous;
  contract.privacy_floor = plan.privacy_floor;
  contract.k = plan.k;
  contract.recovery_quorum = plan.recovery_quorum;
  contract.evidence.name = plan.environment;
  contract.evidence.workload = "cleanroom";
  contract.evidence.programs = plan.programs;
  contract.evidence.accept_host_asserted = plan.accept_host_asserted;
  contract.evidence.accept_software_tpm = plan.accept_software_tpm;
  appraise::TpmPolicy& section = contract.evidence.platforms.tpm.emplace();
  section.secure_boot_required = plan.require_secure_boot;
  for (const crypto::Certificate& root : plan.tpm_roots) {
    section.anchors.push_back({root.digest(), short_subject(root), plan.tpm_roots_are_software});
  }
  for (const ContractMember& member : plan.members) {
    contract.participants.push_back(member.keys.participant(member.votes));
    section.enrollers.push_back(member.keys.enroller_key);
  }
  std::ranges::sort(contract.participants, {}, &jobs::Participant::name);
  std::ranges::sort(section.enrollers);
  return jobs::Contract::parse(contract.canonical());
}

Result<appraise::ReferenceProgram> read_program(std::string_view text) {
  appraise::ReferenceProgram program;
  std::string digest;
  if (text.find('{') == std::string_view::npos) {
    const std::size_t equals = text.rfind('=');
    if (equals == std::string_view::npos || equals == 0) {
      return Error(Code::usage, "program: expected NAME=HEX or a JSON file with \"name\" and \"manifest\"");
    }
    program.name = text.substr(0, equals);
    digest = text.substr(equals + 1);
  } else {
    REDOUBT_TRY(const json::Value value, json::parse(text, {.max_bytes = kMaxProgramFile, .max_depth = 8}).context("program"));
    const json::Value known = members_of(value, {"manifest", "name"});
    json::ObjectReader reader(known, "program");
    program.name = reader.nonempty("name", 128);
    digest = reader.string("manifest");
    REDOUBT_CHECK(reader.finish());
  }
  REDOUBT_TRY(program.manifest, appraise::ProgramDigest::from_hex(digest, "program manifest digest"));
  return program;
}

std::vector<Term> terms_of(const jobs::Contract& contract) {
  std::vector<Term> terms{{"environment", contract.environment}, {"contract", contract.digest().hex()},
                          {"epoch", std::to_string(contract.epoch)}};
  if (contract.previous) terms.push_back({"replaces", contract.previous->hex()});
  for (const jobs::Participant& participant : contract.participants) {
    terms.push_back({"participant", participant.name + (participant.votes ? "  votes" : "  no vote")});
    terms.push_back({"  signing key", participant.signing_key.hex()});
    terms.push_back({"  result key", participant.hpke_key.hex()});
    terms.push_back({"  recovery key", participant.recovery_key ? participant.recovery_key->hex() : "none: a lost key means lost results"});
  }
  terms.push_back({"approval", std::string(name_of(contract.approval))});
  terms.push_back({"privacy floor", std::string(name_of(contract.privacy_floor))});
  terms.push_back({"k", std::to_string(contract.k)});
  terms.push_back({"recovery quorum", contract.recovery_quorum == 0 ? "none" : std::to_string(contract.recovery_quorum)});
  add_policy(contract.evidence, terms);
  return terms;
}

std::vector<std::string> warnings_of(const jobs::Contract& contract) {
  std::vector<std::string> warnings;
  if (contract.evidence.accept_host_asserted || contract.evidence.accept_software_tpm) {
    warnings.emplace_back(kHostAssertedWarning);
  }
  if (!contract.evidence.programs) warnings.emplace_back("any program is accepted: the Evidence then says nothing about what runs");
  return warnings;
}

}  // namespace redoubt::sdk
