#include "common/attest/appraise/appraisal.h"

#include "common/attest/appraise/findings.h"
#include "common/attest/appraise/verdict.h"

namespace redoubt::appraise {
namespace {

using attest::Check;
using attest::CheckId;

using Find = Result<Findings> (*)(const Evidence&, const Endorsements&, const Challenge&, const Policy&, Instant);

struct Platform {
  std::string_view format;
  Find find;
  const Table& table;
};

constexpr Platform kPlatforms[] = {
    {"tpm", find_tpm, kTpmTable},       {"sgx", find_sgx, kSgxTable},       {"tdx", find_tdx, kTdxTable},
    {"snp", find_snp, kSnpTable},       {"nitro", find_nitro, kNitroTable}, {"token", find_token, kTokenTable},
    {"azure-snp", find_azure_snp, kAzureSnpTable}, {"azure-tdx", find_azure_tdx, kAzureTdxTable},
};

// check_claims: what the claims say of themselves. Evidence of another protocol than ours has none: a policy takes that by the
// workload "any".
void check_claims(const Challenge& challenge, const Policy& policy, std::vector<Check>& checks) {
  if (!challenge.claims) {
    const bool any = policy.workload == "any";
    checks.push_back(judged(CheckId::claims_workload, Code::binding, any, policy.workload, "no claims"));
    checks.push_back(judged(CheckId::claims_contract, Code::binding, any, any ? "any" : challenge.contract.hex(), "no claims"));
    return;
  }
  checks.push_back(compare(CheckId::claims_workload, Code::binding, policy.workload, challenge.claims->workload));
  checks.push_back(compare(CheckId::claims_contract, Code::binding, challenge.contract.hex(), challenge.claims->contract.hex()));
}

// judge: the verdict, without the policy's id.
Result<Appraisal> judge(const Evidence& evidence, const Endorsements& endorsements, const Challenge& challenge, const Policy& policy,
                        Instant now) {
  const auto platform = std::ranges::find(kPlatforms, evidence.format, &Platform::format);
  if (platform == std::end(kPlatforms)) {
    std::string known;
    for (const Platform& one : kPlatforms) known += (known.empty() ? "\"" : ", \"") + std::string(one.format) + "\"";
    return Error(Code::usage, "evidence format: expected one of " + known + ", found \"" + evidence.format.substr(0, 32) + "\"");
  }
  if (challenge.unchallenged && challenge.claims) {
    return Error(Code::usage, "challenge: expected no claims where nobody sent a challenge, since nothing would bind them");
  }
  auto findings = platform->find(evidence, endorsements, challenge, policy, now);  // of some kilobytes: used where they are
  if (!findings.ok()) return findings.error();
  check_claims(challenge, policy, findings->checks);
  Appraisal& appraisal = findings->appraisal;
  appraisal.format = evidence.format;
  appraisal.claims = challenge.claims;
  appraisal.checks = in_order(platform->table, std::move(findings->checks));
  appraisal.status = reduce(platform->table, appraisal.checks, !appraisal.remarks.empty());
  return std::move(appraisal);
}

}  // namespace

std::string_view tier_text(Tier tier) {
  switch (tier) {
    case Tier::none: return "none";
    case Tier::affirming: return "affirming";
    case Tier::warning: return "warning";
    case Tier::contraindicated: return "contraindicated";
  }
  return "";
}

const Check* Appraisal::find(CheckId id) const {
  const auto found = std::ranges::find(checks, id, &Check::id);
  return found == checks.end() ? nullptr : &*found;
}

Status Appraisal::accepted() const {
  if (status == Tier::affirming || status == Tier::warning) return {};
  for (const Check& check : checks) {
    if (check.outcome == attest::Outcome::failed) {
      return Error(check.code, "evidence is not trusted: " + std::string(id_text(check.id)) + ", " + std::string(title(check.id)) +
                                   ": expected " + check.expected + ", found " + check.found);
    }
  }
  const auto platform = std::ranges::find(kPlatforms, format, &Platform::format);
  for (const Check& check : checks) {
    const bool mandatory = platform != std::end(kPlatforms) && std::ranges::find(platform->table.mandatory, check.id) != platform->table.mandatory.end();
    if (!mandatory || check.outcome == attest::Outcome::passed) continue;
    return Error(Code::policy, "evidence is not trusted: " + std::string(id_text(check.id)) + ", " + std::string(title(check.id)) +
                                   ": a mandatory check was not made: " + check.expected);
  }
  return Error(Code::policy, "evidence is not trusted: a mandatory check was not made");
}

std::optional<ExpectedReportData> expected_report_data(const Challenge& challenge, std::size_t size) {
  if (!challenge.report_data.empty()) return ExpectedReportData(ByteView(challenge.report_data));
  if (challenge.unchallenged) return std::nullopt;
  return size == crypto::Sha512Digest::size ? ExpectedReportData(crypto::sha512(challenge.statement))
                                            : ExpectedReportData(crypto::sha256(challenge.statement));
}

Check check_report_data(CheckId id, const Challenge& challenge, ByteView found, Appraisal& appraisal) {
  const auto expected = expected_report_data(challenge, found.size());
  if (!expected) {
    appraisal.remarks.emplace_back("nobody sent a challenge: this Evidence may be old, and may be another's");
    return attest::not_applicable(id, "no challenge was sent");
  }
  return compare(id, Code::freshness, hex_encode(expected->view()), hex_encode(found));
}

Result<Appraisal> appraise(const Evidence& evidence, const Endorsements& endorsements, const Challenge& challenge,
                           const Policy& policy, Instant now) {
  auto appraisal = judge(evidence, endorsements, challenge, policy, now);
  if (appraisal.ok()) appraisal->policy = policy.id();
  return appraisal;
}

Result<Appraisal> appraise_prepared(const Evidence& evidence, const Endorsements& endorsements, const Challenge& challenge,
                                    const PreparedPolicy& policy, Instant now) {
  auto appraisal = judge(evidence, endorsements, challenge, *policy, now);
  if (appraisal.ok()) appraisal->policy = policy.id();
  return appraisal;
}

}  // namespace redoubt::appraise
