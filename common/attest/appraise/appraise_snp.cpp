// SEV-SNP Evidence: a report with AMD's certificates, held against the policy's section "snp".
#include "common/attest/appraise/findings.h"
#include "common/attest/appraise/scratch.h"
#include "common/attest/appraise/wants.h"

namespace redoubt::appraise {
namespace {

using attest::Check;
using attest::CheckId;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// AnchorSets: sets of anchors, of which one must hold. A root of the policy may be that of any product, one at a time: which one it is
// shows in its certificate, and a set names each root once.
class AnchorSets {
 public:
  explicit AnchorSets(const SnpPolicy& policy) {
    if (!policy.roots) {
      sets_[0] = amd::production_anchors();
      count_ = 1;
      return;
    }
    constexpr amd::Product kProducts[] = {amd::Product::milan, amd::Product::genoa, amd::Product::turin};
    anchors_.reserve(std::size(kProducts) * policy.roots->size());
    for (const amd::Product product : kProducts) {
      for (const VendorRoot& root : *policy.roots) anchors_.push_back({product, SpkiDigest(root.spki.array()), std::nullopt, std::nullopt});
    }
    for (; count_ < std::size(kProducts); ++count_) sets_[count_] = std::span(anchors_).subspan(count_ * policy.roots->size(), policy.roots->size());
  }
  AnchorSets(const AnchorSets&) = delete;
  AnchorSets& operator=(const AnchorSets&) = delete;

  std::span<const std::span<const amd::Anchor>> all() const { return std::span(sets_).first(count_); }

 private:
  Scratch<2048> scratch_;  // six roots of the policy
  std::pmr::vector<amd::Anchor> anchors_{scratch_.memory()};
  std::array<std::span<const amd::Anchor>, 3> sets_;
  std::size_t count_ = 0;
};

// product_of: of the chain that the certificates are of, by the intermediate's name; a proof of the same certificate knows it already.
std::optional<amd::Product> product_of(const AmdCertificates& certificates, const amd::VerifiedVcek* proof) {
  if (proof != nullptr && equal(proof->chain().intermediate(), certificates.intermediate)) return proof->chain().product();
  const auto name = amd::intermediate_name_of(certificates.intermediate);
  return name.ok() ? std::optional(name->product) : std::nullopt;
}

// rank: which of several sets of certificates speaks for a report. One whose list revokes the key comes before one without a list, so
// that nobody gains by adding a set that lacks the list; then authentic ones, the checked before the unchecked; of the rest, the one
// that failed least.
int rank(const snp::Outcome& outcome) {
  const auto failures = static_cast<int>(std::ranges::count(outcome.checks, attest::Outcome::failed, &Check::outcome));
  const Check& revocation = *std::ranges::find(outcome.checks, CheckId::n13, &Check::id);
  if (failures == 1 && revocation.outcome == attest::Outcome::failed && revocation.code == Code::chain) return 3;
  if (outcome.authentic) return revocation.outcome == attest::Outcome::passed ? 2 : 1;
  return -failures;
}

// below: the first part of `found` that is below `minimum`, or an empty text.
std::string below(const SnpTcb& minimum, const amd::TcbParts& found) {
  const auto part = [](std::string_view name, std::uint64_t wanted, std::uint64_t is) {
    return is < wanted ? std::string(name) + " " + std::to_string(is) + " below " + std::to_string(wanted) : std::string();
  };
  for (const std::string& text :
       {part("fmc", minimum.fmc, found.fmc.value_or(0)), part("boot loader", minimum.boot_loader, found.boot_loader), part("tee", minimum.tee, found.tee),
        part("snp", minimum.snp, found.snp), part("microcode", minimum.microcode, found.microcode)}) {
    if (!text.empty()) return text;
  }
  return "";
}

// N8: the order of versions, and the policy's minimum of the reported and of the launch version.
Check check_tcb(const SnpPolicy& policy, const snp::SnpEvidence& evidence) {
  Wants wants;
  const snp::TcbOrder order = snp::tcb_order(evidence.report);
  wants.want(order.in_order(), "reported TCB at most committed at most current", "yes", "no");
  if (policy.minimum_tcb) {
    const std::string problem = below(*policy.minimum_tcb, evidence.reported_tcb());
    wants.want(problem.empty(), "reported TCB", "at least the policy's", problem);
  }
  if (policy.minimum_launch_tcb) {
    const std::string problem = below(*policy.minimum_launch_tcb, evidence.launch_tcb());
    wants.want(problem.empty(), "launch TCB", "at least the policy's", problem);
  }
  return wants.check(CheckId::n8, Code::tcb, amd::tcb_text(evidence.report.reported_tcb, evidence.endorsement.product));
}

// N9: what the guest's owner allowed, and what the platform is set to.
Check check_guest_policy(const SnpPolicy& policy, const snp::SnpEvidence& evidence) {
  const snp::GuestPolicy& guest = evidence.report.policy;
  Wants wants;
  wants.want(policy.accept_debug || !guest.debug(), "debug", "off", "on");
  wants.want(policy.accept_migration_agent || !guest.migrate_ma(), "migration agent", "off", "on");
  wants.want(policy.accept_smt || !guest.smt(), "SMT", "off", "on");
  wants.want(!policy.require_single_socket || guest.single_socket(), "single socket", "on", "off");
  wants.want(guest.reserved_ok(), "reserved policy bits", "as specified", "others");
  wants.want(!policy.require_alias_check || evidence.report.platform.alias_check_complete(), "alias check", "complete", "not complete");
  const std::string product = lower(amd::product_text(evidence.endorsement.product));
  wants.one_of("product", policy.products, product);
  wants.one_of("signing key", policy.keys, amd::key_kind_text(evidence.endorsement.signing_key));
  wants.want(policy.accept_masked_chip_id || evidence.chip_id().has_value() || evidence.endorsement.signing_key == amd::KeyKind::vlek,
             "chip id", "shown", "masked");
  if (policy.chips) {
    const auto chip = evidence.chip_id();
    const bool known = chip && std::ranges::any_of(*policy.chips, [&](const ReportBytes64& one) { return equal(one.view(), chip->view()); });
    wants.want(known, "chip", hex_of(*policy.chips), chip ? chip->hex() : "not shown");
  }
  return wants.check(CheckId::n9, Code::policy, concat("guest policy ", hex_number(guest.raw)));
}

Check check_measurement(const SnpPolicy& policy, const snp::SnpEvidence& evidence) {
  const snp::Report& report = evidence.report;
  Wants wants;
  wants.any_of("measurement", policy.measurement, report.measurement.view());
  wants.any_of("id key", policy.id_key, report.id_key_digest.view());
  wants.any_of("author key", policy.author_key, report.author_key_digest.view());
  if (policy.author_key) wants.want(report.keys.author_key_en(), "author key", "enabled", "not enabled");
  if (policy.host_data) wants.want(equal(policy.host_data->view(), report.host_data.view()), "host data", policy.host_data->hex(), report.host_data.hex());
  if (policy.minimum_guest_svn) {
    wants.want(report.guest_svn >= *policy.minimum_guest_svn, "guest SVN", ">= " + std::to_string(*policy.minimum_guest_svn), std::to_string(report.guest_svn));
  }
  if (!policy.accept_provisional_firmware && !(report.current == report.committed)) {
    wants.want(false, "firmware", "committed " + report.committed.text(), "current " + report.current.text());
  }
  return wants.check(CheckId::n11, Code::measurement, concat("measurement ", Hex{report.measurement.view()}));
}

Check check_mitigations(const SnpPolicy& policy, const snp::Report& report) {
  if (!policy.required_mitigations) {
    return attest::passed(CheckId::n12, "any", report.launch_mitigations ? hex_number(*report.launch_mitigations) : "not in this version of the report");
  }
  const std::uint64_t wanted = *policy.required_mitigations;
  const bool ok = report.launch_mitigations && report.current_mitigations && (*report.launch_mitigations & wanted) == wanted &&
                  (*report.current_mitigations & wanted) == wanted;
  return judged(CheckId::n12, Code::tcb, ok, hex_number(wanted),
                report.launch_mitigations ? concat("launch ", hex_number(*report.launch_mitigations), ", current ", hex_number(report.current_mitigations.value_or(0)))
                                          : "not in this version of the report");
}

json::Object measured_of(const snp::SnpEvidence& evidence) {
  const snp::Report& report = evidence.report;
  json::Object out;
  const auto add = [&](std::string_view name, json::Value value) { out.emplace_hint(out.end(), name, std::move(value)); };
  add("chip_id", evidence.chip_id() ? evidence.chip_id()->hex() : "");  // in the order of their names
  add("debug", report.policy.debug());
  add("guest_svn", static_cast<std::int64_t>(report.guest_svn));
  add("host_data", report.host_data.hex());
  add("measurement", report.measurement.hex());
  add("product", lower(amd::product_text(evidence.endorsement.product)));
  add("report_data", report.report_data.hex());
  add("reported_tcb", report.reported_tcb.hex());
  add("signing_key", amd::key_kind_text(evidence.endorsement.signing_key));
  add("vmpl", static_cast<std::int64_t>(report.vmpl));
  return out;
}

// without_certificates: the form is judged; for the rest there is nothing to compare with. Mandatory checks that were not made are no pass.
Findings without_certificates(const attest::Parsed<snp::SnpEvidence>& parsed, Instant now) {
  Findings findings;
  findings.appraisal.host_asserted = false;
  snp::Outcome outcome = snp::authenticate(parsed, {.leaf = {}, .intermediate = {}, .ark = {}, .now = now});
  findings.appraisal.validity = outcome.validity;
  findings.checks.push_back(std::move(*std::ranges::find(outcome.checks, CheckId::n1, &Check::id)));
  for (const CheckId id : {CheckId::n2, CheckId::n3, CheckId::n4, CheckId::n5, CheckId::n6, CheckId::n7, CheckId::n13}) {
    findings.checks.push_back(attest::not_applicable(id, "no certificates of the key that signed: VCEK or VLEK, ASK or ASVK, ARK"));
  }
  for (const CheckId id : {CheckId::n8, CheckId::n9, CheckId::n10, CheckId::n11, CheckId::n12, CheckId::n14}) {
    findings.checks.push_back(attest::not_applicable(id, "the Evidence is not authentic: no certificates of the key that signed"));
  }
  return findings;
}

}  // namespace

Result<Findings> find_snp(const Evidence& evidence, const Endorsements& endorsements, const Challenge& challenge, const Policy& policy, Instant now) {
  if (!policy.platforms.snp) return Error(Code::policy, "the policy accepts no SEV-SNP Evidence");
  const SnpPolicy& section = *policy.platforms.snp;
  REDOUBT_TRY(const auto parsed, snp::parse(evidence.bytes).context("parsing evidence"));
  if (endorsements.amd.empty()) return without_certificates(parsed, now);
  std::optional<snp::Outcome> best;
  const AnchorSets sets(section);
  for (const AmdCertificates& one : endorsements.amd) {
    // Of sets for several products only that of the certificates' own can hold; the others would cost a signature each.
    const auto product = product_of(one, endorsements.verified_vcek.get());
    const auto of_product = [&](std::span<const amd::Anchor> set) { return product && !set.empty() && set.front().product == *product; };
    const bool choose = sets.all().size() > 1 && std::ranges::any_of(sets.all(), of_product);
    for (const std::span<const amd::Anchor> anchors : sets.all()) {
      if (choose && !of_product(anchors)) continue;
      auto candidate = snp::authenticate(parsed, {.leaf = one.leaf, .intermediate = one.intermediate, .ark = one.ark, .anchors = anchors, .now = now,
                                                  .crl = one.crl, .verified_vcek = endorsements.verified_vcek.get()});
      if (!best || rank(candidate) > rank(*best)) best = std::move(candidate);
    }
  }
  snp::Outcome& outcome = *best;
  Findings findings;
  Appraisal& appraisal = findings.appraisal;
  appraisal.validity = outcome.validity;
  appraisal.host_asserted = false;
  findings.checks = std::move(outcome.checks);
  if (!outcome.authentic) {
    for (const CheckId id : {CheckId::n8, CheckId::n9, CheckId::n10, CheckId::n11, CheckId::n12, CheckId::n14}) {
      findings.checks.push_back(attest::not_applicable(id, "the Evidence is not authentic"));
    }
    return findings;
  }
  const snp::SnpEvidence& authentic = **outcome.authentic;
  appraisal.hardware = 2;
  appraisal.measured = measured_of(authentic);
  Check& revocation = *std::ranges::find(findings.checks, CheckId::n13, &Check::id);
  if (revocation.outcome == attest::Outcome::not_applicable) {
    if (section.require_revocation_list) {
      revocation = attest::failed(CheckId::n13, Code::chain, "a revocation list", "none");
    } else {
      appraisal.remarks.emplace_back("no revocation list was given: a revoked key would not be noticed");
    }
  }
  findings.checks.push_back(check_tcb(section, authentic));
  findings.checks.push_back(check_guest_policy(section, authentic));
  findings.checks.push_back(judged(CheckId::n10, Code::policy, authentic.report.vmpl <= section.maximum_vmpl,
                                   concat("VMPL at most ", section.maximum_vmpl), concat("VMPL ", authentic.report.vmpl)));
  findings.checks.push_back(check_measurement(section, authentic));
  findings.checks.push_back(check_mitigations(section, authentic.report));
  findings.checks.push_back(check_report_data(CheckId::n14, challenge, authentic.report.report_data.view(), appraisal));
  findings.snp = std::move(outcome.authentic);
  return findings;
}

}  // namespace redoubt::appraise
