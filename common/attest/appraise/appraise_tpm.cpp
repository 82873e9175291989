// TPM Evidence: what the quote and its logs say, held against the policy's section "tpm" and its accepted programs.
#include "common/attest/appraise/findings.h"
#include "common/attest/appraise/scratch.h"
#include "common/attest/appraise/wants.h"

namespace redoubt::appraise {
namespace {

using attest::Check;
using attest::CheckId;

// Launch: what the application log says of the program, if it has the launcher's three events in their order.
struct Launch {
  ProgramDigest program;
  ContractDigest contract;
};

// LaunchFound: that, or why there is none; nothing where nobody asks: the policy takes any program, and no application log speaks of one.
using LaunchFound = std::optional<Result<Launch>>;

Result<Launch> read_launch(const tpm::TpmEvidence& evidence) {
  if (!evidence.application_events) return Error(Code::measurement, "no application log");
  const auto& events = *evidence.application_events;
  if (!evidence.raw.application_log || evidence.raw.application_log->pcr != tpm::kLauncherPcr) {
    return Error(Code::measurement, "application log of another PCR than " + std::to_string(tpm::kLauncherPcr));
  }
  if (events.size() != 3 || events[0].type != "manifest" || events[1].type != "contract" || events[2].type != "cap") {
    std::string types;
    for (const auto& event : events) types += (types.empty() ? "" : ", ") + event.type;
    return Error(Code::measurement, "events [" + types + "]");
  }
  Launch launch;
  REDOUBT_TRY(launch.program, ProgramDigest::from(events[0].data, "manifest event"));
  REDOUBT_TRY(launch.contract, ContractDigest::from(events[1].data, "contract event"));
  return launch;
}

LaunchFound find_launch(const Policy& policy, const tpm::TpmEvidence& evidence) {
  if (!policy.programs && !evidence.application_events) return std::nullopt;
  return read_launch(evidence);
}

Check check_program(const Policy& policy, const LaunchFound& found_launch, std::string& name) {
  if (!policy.programs || !found_launch) {
    return attest::not_applicable(CheckId::program, "the policy takes any program");
  }
  const Result<Launch>& launch = *found_launch;
  std::string expected;
  for (const ReferenceProgram& program : *policy.programs) {
    expected += (expected.empty() ? "" : " or ") + program.manifest.hex() + " (" + program.name + ")";
  }
  if (!launch.ok()) return attest::failed(CheckId::program, Code::measurement, expected, launch.error().message());
  const auto found = std::ranges::find(*policy.programs, launch->program, &ReferenceProgram::manifest);
  if (found == policy.programs->end()) {
    return attest::failed(CheckId::program, Code::measurement, expected, launch->program.hex());
  }
  name = found->name;
  return attest::passed(CheckId::program, expected, launch->program.hex());
}

Check check_measured_contract(const Policy& policy, const LaunchFound& launch, const ContractDigest& contract) {
  if (launch && launch->ok()) return compare(CheckId::measured_contract, Code::binding, contract.hex(), (*launch)->contract.hex());
  if (launch && policy.programs) {
    return attest::failed(CheckId::measured_contract, Code::binding, contract.hex(), launch->error().message());
  }
  return attest::not_applicable(CheckId::measured_contract, "no launcher's log, and the policy takes any program");
}

// judge_secure_boot: L5 of the Evidence, and what the policy asks of it.
void judge_secure_boot(const TpmPolicy& section, const std::optional<bool>& secure_boot, Check& check) {
  if (check.outcome == attest::Outcome::failed || !section.secure_boot_required) return;
  const std::string found = !secure_boot ? "no SecureBoot variable in the log" : *secure_boot ? "on" : "off";
  check = compare(CheckId::l5, Code::policy, "on", found);
}

Check check_host_asserted(const Policy& policy, bool host_asserted) {
  const bool taken = !host_asserted || policy.accept_host_asserted;
  return judged(CheckId::host_asserted, Code::policy, taken, policy.accept_host_asserted ? "measured boot or asserted by the host" : "measured boot",
                host_asserted ? "asserted by the host" : "measured boot");
}

Check check_software_tpm(const Policy& policy, const TrustAnchor& anchor) {
  return judged(CheckId::software_tpm, Code::policy, !anchor.software || policy.accept_software_tpm, policy.accept_software_tpm ? "any TPM" : "hardware TPM",
                concat(anchor.software ? "software TPM (" : "hardware TPM (", anchor.name, ")"));
}

// References: the policy's Reference Values for one bank, if it has some; and whether it has some for any.
struct References {
  std::optional<Registers> of_bank;
  bool any = false;
};

References references_for(const TpmPolicy& section, std::uint16_t bank) {
  References out;
  const auto consider = [&](std::uint16_t one, const auto& values) {
    if (!values) return;
    out.any = true;
    if (one == bank) out.of_bank = registers_of(*values);
  };
  consider(tpm::kAlgSha256, section.pcrs);
  consider(tpm::kAlgSha384, section.pcrs_sha384);
  consider(tpm::kAlgSha512, section.pcrs_sha512);
  return out;
}

// banks_of: those that the policy has Reference Values for, in words.
std::string banks_of(const TpmPolicy& section) {
  std::string out;
  const auto add = [&](bool known, std::uint16_t bank) {
    if (known) out += (out.empty() ? "" : " or ") + tpm::algorithm_text(bank);
  };
  add(section.pcrs.has_value(), tpm::kAlgSha256);
  add(section.pcrs_sha384.has_value(), tpm::kAlgSha384);
  add(section.pcrs_sha512.has_value(), tpm::kAlgSha512);
  return out;
}

// check_references: in the bank that was quoted. The prover chooses the bank: one without Reference Values is no way round those of another.
Check check_references(const TpmPolicy& section, const tpm::TpmEvidence& evidence) {
  const std::uint16_t bank = evidence.raw.bank;
  const References references = references_for(section, bank);
  if (!references.any) return check_reference_pcrs(std::nullopt, {});
  if (!references.of_bank) {
    return attest::failed(CheckId::reference_pcrs, Code::measurement, "a quote over " + banks_of(section) + ", of which there are Reference Values",
                          "one over " + tpm::algorithm_text(bank));
  }
  return check_reference_pcrs(references.of_bank, registers_of(evidence.raw.pcrs));
}

// RequiredPcrs: as many as there are, the launcher's and that of Secure Boot.
using RequiredPcrs = ShortList<int, 26>;

// required_pcrs: those that every bank with Reference Values asks for, the launcher's and that of Secure Boot where they are looked at. What
// one bank alone asks for is compared with the values (check_references).
RequiredPcrs required_pcrs(const Policy& policy, const TpmPolicy& section) {
  std::optional<ShortList<int, 24>> common;
  const auto consider = [&](const auto& values) {
    if (!values) return;
    if (common) return drop_if(*common, [&](int index) { return !values->contains(index); });
    common.emplace();
    for (const auto& [index, value] : *values) common->push_back(index);
  };
  consider(section.pcrs);
  consider(section.pcrs_sha384);
  consider(section.pcrs_sha512);
  RequiredPcrs out;
  if (policy.programs) out.push_back(tpm::kLauncherPcr);
  if (common) out.append(*common);
  if (section.secure_boot_required) out.push_back(7);
  return out;
}

tpm::Outcome authenticate(attest::Parsed<tpm::TpmEvidence>&& parsed, const Endorsements& endorsements,
                          const Challenge& challenge, const Policy& policy, const TpmPolicy& section, Instant now) {
  Scratch<2048> scratch;  // for the lists below, of a few dozen roots and enrollers
  std::pmr::vector<crypto::Certificate> roots(scratch.memory());
  roots.reserve(endorsements.tpm_roots.size());
  for (const crypto::Certificate& root : endorsements.tpm_roots) {
    if (std::ranges::find(section.anchors, root.digest(), &TrustAnchor::certificate) != section.anchors.end()) {
      roots.push_back(root);
    }
  }
  std::pmr::vector<crypto::Ed25519PublicKey> enrollers(scratch.memory());
  enrollers.reserve(section.enrollers.size() + 1);
  enrollers.assign(section.enrollers.begin(), section.enrollers.end());
  if (endorsements.self) enrollers.push_back(*endorsements.self);
  const crypto::Sha256Digest extra_data = challenge.report_data.empty() ? crypto::sha256(challenge.statement) : crypto::Sha256Digest();
  tpm::Inputs inputs;
  inputs.expected_extra_data = challenge.report_data.empty() ? extra_data.view() : ByteView(challenge.report_data);
  inputs.roots = roots;
  // A cached proof counts only for an anchor that this policy names.
  const tpm::VerifiedEk* cached = endorsements.verified_ek.get();
  if (cached != nullptr && std::ranges::find(section.anchors, cached->anchor(), &TrustAnchor::certificate) != section.anchors.end()) {
    inputs.verified_ek = cached;
  }
  inputs.enrolments = endorsements.enrolments;
  inputs.verified_enrolments = endorsements.verified_enrolments;
  inputs.enrollers = enrollers;
  const RequiredPcrs required = required_pcrs(policy, section);
  inputs.required_pcrs = required;
  inputs.now = now;
  inputs.accept_ima_violations = section.accept_ima_violations;
  inputs.revocation = {endorsements.tpm_crls, section.require_revocation_lists};
  std::pmr::vector<crypto::Sha256Digest> without_usage(scratch.memory());
  for (const TrustAnchor& anchor : section.anchors) {
    if (anchor.ak_without_usage) without_usage.push_back(anchor.certificate);
  }
  inputs.roots_without_ak_usage = without_usage;
  return tpm::authenticate(std::move(parsed), inputs);
}

// measured_of: what the quote says beside the PCRs. Counters tell a Relying Party that keeps them whether the machine has been reset
// (reset_count) or resumed (restart_count) since.
json::Object measured_of(const tpm::TpmEvidence& evidence) {
  const tpm::Attest& quote = evidence.attest;
  json::Object out;
  const auto add = [&](std::string_view name, json::Value value) { out.emplace_hint(out.end(), name, std::move(value)); };
  add("ak_certified", !evidence.raw.ak_certificates.empty());  // in the order of their names
  add("ak_name", evidence.ak_name.hex());
  add("attestation_key", hex_encode(evidence.raw.ak_public));
  add("bank", tpm::algorithm_text(evidence.raw.bank));
  add("clock_ms", std::to_string(quote.clock_ms));
  add("clock_safe", quote.safe);
  add("firmware_version", hex_number(quote.firmware_version));
  if (evidence.raw.bank != tpm::kAlgSha256 && !evidence.raw.pcrs.empty()) {
    json::Object values;
    for (const auto [index, value] : evidence.raw.pcrs) values.emplace(std::to_string(index), hex_encode(value));
    add("pcrs", std::move(values));  // of another bank than SHA-256, whose values the result has beside this
  }
  add("qualified_signer", hex_encode(quote.qualified_signer));
  add("reset_count", static_cast<std::int64_t>(quote.reset_count));
  add("restart_count", static_cast<std::int64_t>(quote.restart_count));
  return out;
}

// leave_unmeasured: the policy's checks, where there is nothing that could be compared.
void leave_unmeasured(std::vector<Check>& checks) {
  for (const CheckId id : {CheckId::measured_contract, CheckId::program, CheckId::reference_pcrs, CheckId::host_asserted, CheckId::software_tpm}) {
    checks.push_back(attest::not_applicable(id, "the Evidence is not authentic"));
  }
}

// measure compares what the authentic Evidence says with the policy, and writes it down in the appraisal and its checks.
void measure(const tpm::TpmEvidence& evidence, const Challenge& challenge, const Policy& policy, const TpmPolicy& section, Findings& findings) {
  Appraisal& appraisal = findings.appraisal;
  std::vector<Check>& checks = findings.checks;
  appraisal.remarks.reserve(2);
  const LaunchFound launch = find_launch(policy, evidence);
  appraisal.measured = measured_of(evidence);
  if (launch && launch->ok()) appraisal.program = (*launch)->program;
  Check pcrs = check_references(section, evidence);
  const attest::Outcome compared = pcrs.outcome;
  appraisal.pcrs = evidence.pcrs();
  appraisal.host_asserted = compared != attest::Outcome::passed;
  const auto anchor = std::ranges::find(section.anchors, evidence.anchor, &TrustAnchor::certificate);
  std::optional<TrustAnchor> unknown;
  if (anchor == section.anchors.end()) unknown = {evidence.anchor, "an anchor that the policy does not name", true};
  const TrustAnchor& trusted = unknown ? *unknown : *anchor;
  if (appraisal.host_asserted) {
    appraisal.remarks.emplace_back("the program is asserted by the host: a lying operator could forge this measurement");
  }
  if (trusted.software) {
    appraisal.remarks.emplace_back("software TPM: format and protocol are exercised, its keys lie open to its operator");
  }
  checks.push_back(check_measured_contract(policy, launch, challenge.contract));
  checks.push_back(check_program(policy, launch, appraisal.program_name));
  checks.push_back(std::move(pcrs));
  checks.push_back(compared == attest::Outcome::failed ? attest::not_applicable(CheckId::host_asserted, "the Reference Values differ")
                                                       : check_host_asserted(policy, appraisal.host_asserted));
  checks.push_back(check_software_tpm(policy, trusted));
}

}  // namespace

Check check_reference_pcrs(const std::optional<Registers>& wanted, const Registers& quoted) {
  if (!wanted) return attest::not_applicable(CheckId::reference_pcrs, "the policy takes any PCR values");
  std::string expected;
  std::string found;
  for (const auto& [index, value] : *wanted) {
    const auto at = std::ranges::find(quoted, index, &Registers::value_type::first);
    if (at != quoted.end() && equal(at->second, value)) continue;
    const std::string pcr = (expected.empty() ? "" : ", ") + std::string("PCR ") + std::to_string(index) + " ";
    expected += pcr + hex_encode(value);
    found += pcr + (at == quoted.end() ? "not quoted" : hex_encode(at->second));
  }
  if (!expected.empty()) return attest::failed(CheckId::reference_pcrs, Code::measurement, expected, found);
  const std::string all = std::to_string(wanted->size()) + " PCRs";
  return attest::passed(CheckId::reference_pcrs, all, all);
}

Result<Findings> find_tpm(const Evidence& evidence, const Endorsements& endorsements, const Challenge& challenge,
                          const Policy& policy, Instant now) {
  if (!policy.platforms.tpm) return Error(Code::policy, "the policy accepts no TPM Evidence");
  const TpmPolicy& section = *policy.platforms.tpm;
  auto parsed = tpm::parse_in_place(evidence.bytes);  // of some kilobytes: judged where it stands
  if (!parsed.ok()) return parsed.error().context("parsing evidence");
  tpm::Outcome outcome = authenticate(std::move(*parsed), endorsements, challenge, policy, section, now);

  Findings findings;
  findings.appraisal.validity = outcome.validity;
  if (section.anchors.empty()) {
    findings.appraisal.remarks.emplace_back("the policy names no authority of TPM keys, and so takes no TPM's word: name one in platforms.tpm.anchors");
  }
  const auto l5 = std::ranges::find(outcome.checks, CheckId::l5, &Check::id);
  if (l5 == outcome.checks.end()) return Error(Code::internal, "the check L5 was not made");
  if (outcome.authentic) judge_secure_boot(section, (*outcome.authentic)->secure_boot, *l5);
  findings.checks = std::move(outcome.checks);
  if (outcome.authentic) {
    measure(**outcome.authentic, challenge, policy, section, findings);
  } else {
    leave_unmeasured(findings.checks);
  }
  return findings;
}

}  // namespace redoubt::appraise
