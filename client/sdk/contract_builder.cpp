#include "client/sdk/contract_builder.h"

#include <charconv>

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
  contract.approval = plan.approval;
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
  const auto voters = std::ranges::count_if(contract.participants, &jobs::Participant::votes);
  if (plan.voters && *plan.voters != voters) {
    return Error(Code::usage, "approval: written for " + std::to_string(*plan.voters) + " voters, the contract has " + std::to_string(voters));
  }
  std::ranges::sort(section.enrollers);
  return jobs::Contract::parse(contract.canonical());
}

Status read_approval(std::string_view text, ContractPlan& plan) {
  constexpr std::string_view of = "-of-";
  const std::size_t at = text.find(of);
  if (at == std::string_view::npos) {
    const auto rule = jobs::parse_approval_rule(text);
    if (rule.ok() && *rule != jobs::ApprovalRule::k_of_n) {
      plan.approval.rule = *rule;
      return {};
    }
  } else {
    const auto number = [](std::string_view digits) {
      int value = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      return error == std::errc() && end == digits.data() + digits.size() ? value : 0;
    };
    const int k = number(text.substr(0, at));
    const int n = number(text.substr(at + of.size()));
    if (k >= 1 && k <= n) {
      plan.approval.rule = jobs::ApprovalRule::k_of_n;
      plan.approval.k = k;
      plan.voters = n;
      return {};
    }
  }
  return Error(Code::usage, "approval: expected unanimous, majority, owners or K-of-N such as 2-of-3, found \"" + std::string(text) + "\"");
}

std::string quorum_text(const jobs::Contract& contract) {
  const jobs::Approval& approval = contract.approval;
  const auto voters = std::ranges::count_if(contract.participants, &jobs::Participant::votes);
  std::string out;
  switch (approval.rule) {
    case jobs::ApprovalRule::unanimous:
      out = "each voter" + std::string(approval.submitter_counts ? "" : " but the submitter") + " can prevent a query; all together can approve any that the rules allow";
      break;
    case jobs::ApprovalRule::owners:
      out = "the owners of what a query reads can approve any that the rules allow, whatever the other voters say";
      break;
    case jobs::ApprovalRule::majority:
    case jobs::ApprovalRule::k_of_n: {
      const auto others = approval.submitter_counts ? voters : std::max<std::ptrdiff_t>(voters - 1, 0);
      const auto enough = approval.rule == jobs::ApprovalRule::k_of_n ? std::ptrdiff_t{approval.k} : others / 2 + 1;
      out = std::to_string(enough) + " of the " + std::to_string(voters) + " voters" + (approval.submitter_counts ? "" : ", besides the submitter,") +
            " can approve any query that the rules allow, also over data whose owner says no";
      break;
    }
  }
  if (!approval.veto.empty()) {
    out += "; not without";
    for (std::size_t i = 0; i < approval.veto.size(); ++i) out += (i == 0 ? " " : ", ") + approval.veto[i];
  }
  return out;
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
  terms.push_back({"approval", contract.approval.text()});
  terms.push_back({"a dishonest quorum", quorum_text(contract)});
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
